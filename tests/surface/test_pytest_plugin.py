"""The `net` fixture: seeds by mark and option, a replay line that replays, what a failure leaves."""

import shlex
import subprocess
import sys

import pytest

from netarium.capture.reading import read_capture

pytest_plugins = ["pytester"]

FAILS_WITH_ONE_SEED = """
import pytest, socket

@pytest.mark.netarium(seeds=5)
def test_luck(net):
    net.host("a", address="10.0.0.1/24")
    net.host("b", address="10.0.0.2/24")
    net.link("a", "b")
    with pytest.raises(ConnectionRefusedError):
        net["a"].call(socket.create_connection, ("b", 80))
    assert net.seed != 3
"""


@pytest.fixture
def again(pytester, monkeypatch):
    """`again(*options)`: run pytest in a process of its own, with no other plugin: they take longer than the tests."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    return lambda *options: pytester.runpytest_subprocess("-p", "netarium.pytest_plugin", "-v", *options)


@pytest.fixture
def suite(pytester, again):
    """`suite(text, *options)`: run pytest on a test file; its output lines."""

    def run(text, *options):
        pytester.makepyfile(test_it=text)
        return again(*options)

    return run


def test_a_net_needs_no_import(pytester):
    pytester.makepyfile(test_it="def test_x(net):\n    assert net.run() and net.seed == 0\n")
    pytester.runpytest_subprocess().assert_outcomes(passed=1)


def test_each_seed_is_a_test(suite):
    done = suite(FAILS_WITH_ONE_SEED)
    done.assert_outcomes(passed=4, failed=1)
    done.stdout.fnmatch_lines(["*test_luck[[]seed3[]] FAILED*"])


def test_a_failure_prints_a_replay_line_that_replays_and_leaves_capture_and_trace(suite, again, pytester):
    done = suite(FAILS_WITH_ONE_SEED, "--net-artifacts", "left")
    done.stdout.fnmatch_lines(
        ["seed 3, virtual time *", "replay: pytest 'test_it.py::test_luck' --net-seed 3"]
    )
    left = sorted(path.name for path in (pytester.path / "left").iterdir())
    assert left == ["test_it.py_test_luck_seed3.jsonl", "test_it.py_test_luck_seed3.pcapng"]
    assert len(list(read_capture(pytester.path / "left" / left[1]))) >= 6
    again("test_it.py::test_luck", "--net-seed", "3").assert_outcomes(failed=1)
    again("test_it.py::test_luck", "--net-seed", "4").assert_outcomes(passed=1)


def test_net_seeds_holds_for_tests_that_say_nothing(suite):
    text = (
        FAILS_WITH_ONE_SEED
        + "\ndef test_plain(net):\n    assert net.seed >= 0\n\ndef test_other():\n    pass\n"
    )
    suite(text, "--net-seeds", "3").assert_outcomes(passed=4 + 3 + 1, failed=1)


def test_other_parameters_stay(suite):
    text = (
        "import pytest\n@pytest.mark.netarium(seeds=2)\n@pytest.mark.parametrize('size', [1, 2])\n"
        "def test_x(net, size):\n    assert size == 1 or net.seed == 0\n"
    )
    done = suite(text)
    done.assert_outcomes(passed=3, failed=1)


@pytest.mark.parametrize(("mark", "seed"), [("", 0), ("@pytest.mark.netarium(seeds=3)\n", 2), ("", 7)])
def test_the_replay_line_of_a_parametrized_test_replays(suite, again, mark, seed):
    text = (
        f"import pytest\n{mark}@pytest.mark.parametrize('a', ['seed5-q', 'p'])\n"
        f"@pytest.mark.parametrize('b', ['seed0', 's'])\n"
        f"def test_x(net, a, b):\n    assert (a, b, net.seed) != ('seed5-q', 'seed0', {seed})\n"
    )
    done = suite(text, *(["--net-seed", "7"] if seed == 7 else []))
    (line,) = (line for line in done.outlines if line.startswith("replay: pytest "))
    done.assert_outcomes(failed=1, passed=11 if mark else 3)
    test, option, number = line.removeprefix("replay: pytest ").split()
    assert (option, number) == ("--net-seed", str(seed))
    again(test.strip("'"), option, number).assert_outcomes(failed=1)


def test_the_replay_line_of_seed_0_among_many_replays(suite, again):
    text = (
        "import pytest\n@pytest.mark.netarium(seeds=2)\n@pytest.mark.parametrize('a', ['seed5-q', 'seed0'])\n"
        "def test_x(net, a):\n    assert (a, net.seed) != ('seed0', 0)\n"
    )
    suite(text).stdout.fnmatch_lines(["replay: pytest 'test_it.py::test_x[[]seed0[]]' --net-seed 0"])
    again("test_it.py::test_x[seed0]", "--net-seed", "0").assert_outcomes(failed=1)


def test_a_failure_tells_what_failed_programs_said(suite):
    done = suite(
        "import socket\n"
        "def broken():\n"
        "    raise RuntimeError('the cause')\n"
        "def test_x(net):\n"
        "    net.host('a', address='10.0.0.1/24'); net.host('b', address='10.0.0.2/24'); net.link('a', 'b')\n"
        "    net['a'].run(broken, daemon=True)\n"
        "    net['b'].call(socket.create_connection, ('a', 80))\n"
    )
    done.assert_outcomes(failed=1)
    done.stdout.fnmatch_lines(["<Service a: ended with 1>", "    RuntimeError: the cause"])


def test_options_of_the_mark_are_those_of_net(suite):
    suite(
        "import pytest\n@pytest.mark.netarium(wire='bytes', names=False)\ndef test_x(net):\n"
        "    assert net.node_names is None\n"
    ).assert_outcomes(passed=1)


def test_the_test_itself_stays_outside(suite):
    suite(
        "import time, socket, threading\n"
        "def test_x(net):\n"
        "    net.host('a').run(lambda: time.sleep(3600))\n"
        "    began = time.monotonic()\n"
        "    net.run()\n"
        "    assert time.monotonic() - began < 60 and net.now_ns == 3600 * 10**9\n"
        "    real = socket.socket(); real.bind(('127.0.0.1', 0)); assert real.fileno() < 1 << 20; real.close()\n"
        "    done = []\n"
        "    thread = threading.Thread(target=lambda: done.append(1)); thread.start(); thread.join(); assert done\n"
    ).assert_outcomes(passed=1)


def test_loading_the_plugin_imports_nothing_of_the_package():
    text = (
        "import sys, netarium.pytest_plugin\n"
        "heavy = [name for name in sys.modules if name.startswith('netarium.') and name != 'netarium.pytest_plugin']\n"
        "heavy += [name for name in ('greenlet', 'yaml', 'pydantic', 'typer', 'rich', 'dns') if name in sys.modules]\n"
        "print(heavy)"
    )
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, timeout=60)
    assert done.stdout == "[]\n", done.stderr


FAILS_IN_FIXTURES = """
import pytest

def broken():
    raise OSError("no configuration")

@pytest.fixture
def lab(net):
    net.host("a", address="10.0.0.1/24").run(broken)
    net.run(check=True)

def test_setup(lab): pass

@pytest.fixture
def checked(net):
    yield
    assert net.seed != 0

def test_teardown(checked): pass

@pytest.mark.parametrize("p", ["it's $HOME"])
def test_name(net, p):
    assert net.seed != 0
"""


def test_failures_of_fixtures_are_told_and_lines_are_for_the_folder_one_is_in(pytester, monkeypatch, again):
    folder = pytester.mkdir("sub")
    pytester.makeini("[pytest]")
    (folder / "test_fixtures.py").write_text(FAILS_IN_FIXTURES)
    monkeypatch.chdir(folder)
    done = again("--net-artifacts", "left")
    done.assert_outcomes(passed=1, failed=1, errors=2)
    done.stdout.fnmatch_lines_random(["    OSError: no configuration"])
    assert {path.suffix for path in (folder / "left").iterdir()} == {".jsonl", ".pcapng"}
    assert len(list((folder / "left").iterdir())) == 6
    lines = [line for line in done.outlines if line.startswith("replay: ")]
    assert sorted(line.partition("::")[2].partition(" --")[0] for line in lines) == [
        """test_name[it'"'"'s $HOME]'""",
        "test_setup'",
        "test_teardown'",
    ]
    words = [line for shown in lines for line in shlex.split(shown)[2:3]]
    again(*words).assert_outcomes(passed=1, failed=1, errors=2)
