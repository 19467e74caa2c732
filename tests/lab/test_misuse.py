"""What cannot be asked of a net is refused in words: what is wrong, and what would be right."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from netarium import Net, UsageError


async def _main() -> None:
    """A coroutine function, given as an object by mistake."""


@pytest.mark.parametrize(
    ("program", "told"),
    [
        (5, "5 is no program; right would be a command line"),
        (None, "None is no program; right"),
        (b"x.py", "b'x.py' is no program; right"),
        ([], "an empty list is no program"),
        (["python", None], "None in .* is no word of a command line"),
        (_main, "give the function itself, _main without"),
    ],
)
def test_what_is_no_program_is_refused_by_name(program: Any, told: str) -> None:
    with Net() as net, pytest.raises(UsageError, match=told):
        net.host("host").run(program() if program is _main else program)
    assert net.services == []


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        ({"Q": 5}, "Q is 5, and variables are text; right would be '5'"),
        ({5: "Q"}, "5 is no name of a variable"),
        ({"A=B": ""}, "'A=B' is no name of a variable"),
        ({"A": "x\0"}, "no zero byte"),
        ("A=1", "is no environment"),
    ],
)
def test_what_is_no_environment_is_refused_by_name(environment: Any, told: str) -> None:
    with Net() as net, pytest.raises(UsageError, match=told):
        net.host("host").run(print, env=environment)
    assert net.services == []


def test_a_variable_may_be_a_path(tmp_path: Path) -> None:
    given: Any = {"WHERE": tmp_path}
    with Net() as net:
        service = net.host("host").run(os.getenv, "WHERE", env=given)
        net.run(check=True)
    assert service.result == str(tmp_path)


def test_a_program_cannot_drive_the_net_it_runs_in() -> None:
    with Net() as net:
        host = net.host("host")
        services = [host.run(net.run), host.run(lambda: host.call(print))]
        services.append(host.run(services[0].wait))
        net.run()
    for service in services:
        assert isinstance(service.exception, UsageError)
        assert "cannot drive the net it runs in" in service.stderr


def test_a_net_that_is_closed_does_not_run() -> None:
    with Net() as net:
        host = net.host("host")
    for drives in (
        net.run,
        lambda: net.run(until="1s"),
        lambda: host.call(print),
        lambda: net.run_until(bool),
    ):
        with pytest.raises(UsageError, match="is closed"):
            drives()
