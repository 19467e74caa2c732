"""The `net` fixture: an empty `Net` for a test, seeded, recorded, and told how to be replayed when the test fails.

    def test_x(net): ...                      # seed 0, or --net-seed
    @pytest.mark.netarium(seeds=200)          # once for each seed from 0 to 199
    pytest --net-seed 7                       # this seed alone, for every test
    pytest --net-seeds 50                     # 50 seeds for every test that says nothing itself
    pytest --net-artifacts DIR                # where a failing test leaves its pcapng and trace

A failing test prints its seed and the line that replays it, and leaves capture and trace under `--net-artifacts`
(without it: in pytest's cache). pytest loads this module in every session of an environment in which
netarium is installed, so it imports nothing of the package before a test asks for a net.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from netarium.lab.net import Net

_MARKER = "netarium(seeds=N, **options): run the test once for each of N seeds; options are those of Net"
_NET = pytest.StashKey["Net"]()
_SEED_ARGUMENT = "netarium_seed"
_LAST_LINES = 12
"""So much of what a failed program has said on its standard error."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of the `net` fixture."""
    group = parser.getgroup("netarium", "virtual networks")
    group.addoption(
        "--net-seed", type=int, metavar="N", help="run every test with a `net` with this seed alone"
    )
    group.addoption(
        "--net-seeds", type=int, metavar="N", help="run tests with a `net` once for each of N seeds"
    )
    group.addoption(
        "--net-artifacts", metavar="DIR", help="where a failing test leaves its pcapng and its trace"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line("markers", _MARKER)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test for each seed."""
    if "net" not in metafunc.fixturenames:
        return
    marker = metafunc.definition.get_closest_marker("netarium")
    option = metafunc.config.getoption
    seed, seeds = option("--net-seed"), option("--net-seeds")
    if seed is not None:
        chosen = [seed]
    else:
        marked = marker.kwargs.get("seeds") if marker is not None else None
        chosen = list(range(marked if marked is not None else seeds if seeds is not None else 1))
    # One seed needs no part in the test's name, unless it was asked for by many.
    ids = [f"seed{number}" for number in chosen] if len(chosen) > 1 else None
    if ids is None and chosen == [0]:
        return
    metafunc.parametrize(_SEED_ARGUMENT, chosen, ids=ids or [f"seed{chosen[0]}"], indirect=True)
    if _SEED_ARGUMENT not in metafunc.fixturenames:
        metafunc.fixturenames.append(_SEED_ARGUMENT)


@pytest.fixture
def netarium_seed(request: pytest.FixtureRequest) -> int:
    """The seed of this test's net."""
    return int(getattr(request, "param", 0))


@pytest.fixture
def net(request: pytest.FixtureRequest, netarium_seed: int) -> Iterator[Net]:
    """An empty net with this test's seed; a failing test tells how to replay it, and leaves capture and trace.

    `net.run()` drives it until everybody has ended or rests, and fails for a deadlock. That a program raised, or ended
    with another exit code than 0, fails the test only by `net.run(check=True)`: without it look at `service.exit_code`
    and `service.exception` yourself.
    """
    from netarium.lab.net import Net

    marker = request.node.get_closest_marker("netarium")
    options = dict(marker.kwargs) if marker is not None else {}
    options.pop("seeds", None)
    options.setdefault("directory", Path(request.node.path).parent)
    made = Net(netarium_seed, name=request.node.name, **options)
    made.watching.record(full=False)
    request.node.stash[_NET] = made
    yield made
    made.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Tell of a failing test how to replay it, and keep its capture and trace; also where a fixture has failed."""
    report = yield
    made = item.stash.get(_NET, None)
    if made is not None and call.excinfo is not None and not report.skipped:  # type: ignore[attr-defined]
        report.sections.append(("netarium", _told(item, made)))  # type: ignore[attr-defined]
    return report


def _told(item: pytest.Item, made: Net) -> str:
    lines = [
        f"seed {made.seed}, virtual time {made.now_ns} ns",
        f"replay: pytest {_quoted(_from_where_it_runs(item, _replayed(item)))} --net-seed {made.seed}",
    ]
    option = item.config.getoption("--net-artifacts")
    folder = Path(option) if option else _own_folder(item.config)
    stem = re.sub(r"[^\w.-]+", "_", item.nodeid).strip("_")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        made.watching.leave(folder / f"{stem}.pcapng", folder / f"{stem}.jsonl")
        lines.append(f"left {folder / stem}.pcapng and .jsonl")
    except Exception as error:
        lines.append(f"no capture was left: {error}")
    for service in made.services:
        lines.append(f"{service!r}")
        if service.exit_code:
            said = service.stderr.splitlines()
            lines += [f"    {line}" for line in said[-_LAST_LINES:]]
    return "\n".join(lines)


def _replayed(item: pytest.Item) -> str:
    """The id this test has under `--net-seed`: seed 0 has no part in it, any other seed has."""
    call = getattr(item, "callspec", None)
    if call is None or _SEED_ARGUMENT not in call.params:
        return item.nodeid
    stem = item.nodeid.removesuffix(f"[{call.id}]")
    part = f"seed{call.params[_SEED_ARGUMENT]}"
    if call.id == part:
        return stem
    if part != "seed0":
        return item.nodeid
    rest = call.id.removeprefix("seed0-") if call.id.startswith("seed0-") else call.id.removesuffix("-seed0")
    return f"{stem}[{rest}]"


def _from_where_it_runs(item: pytest.Item, node: str) -> str:
    """The id begins with the file, seen from pytest's root; the user is where pytest was called."""
    _, separator, rest = node.partition("::")
    here = item.config.invocation_params.dir
    return os.path.relpath(item.path, here) + separator + rest


def _quoted(word: str) -> str:
    """For a shell, always in quotes: zsh looks at brackets too."""
    quoted = shlex.quote(word)
    return quoted if quoted != word else f"'{word}'"


def _own_folder(config: pytest.Config) -> Path:
    """Beside what pytest itself keeps from run to run, where git does not look."""
    cache = getattr(config, "cache", None)
    return Path(cache.mkdir("netarium")) if cache is not None else config.rootpath / ".netarium"
