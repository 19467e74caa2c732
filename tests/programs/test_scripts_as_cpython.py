"""How a script is begun: `__file__`, `sys.argv`, folders, archives; compared with the interpreter that runs tests."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest

from netarium import Net, UsageError

_SHOWS = """import os, sys
import beside
print(__file__, sys.argv, sys.path[0], beside.__file__, f.__code__.co_filename if 'f' in globals() else '')
print(type(__loader__).__name__, __package__, __name__)
os.chdir('/')
print(__loader__.get_source('__main__')[:9])
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    package = tmp_path / "package"
    package.mkdir()
    (package / "__main__.py").write_text(_SHOWS)
    (package / "beside.py").write_text("")
    (package / "script.py").write_text("def f(): pass\n" + _SHOWS + "open(__file__).close()\n1 / 0\n")
    with zipfile.ZipFile(tmp_path / "app.pyz", "w") as archive:
        for name in ("__main__.py", "beside.py"):
            archive.write(package / name, name)
    return tmp_path


@pytest.mark.parametrize("words", [["package/script.py", "a"], ["app.pyz", "a b"]])
def test_a_script_sees_of_itself_what_it_sees_under_cpython(
    empty_net: Net, host: Any, folder: Path, words: list[str]
) -> None:
    real = subprocess.run([sys.executable, *words], cwd=folder, capture_output=True, text=True, check=False)
    service = host.run(["python", *words], directory=folder)
    empty_net.run()
    assert (service.stdout, service.exit_code) == (real.stdout, real.returncode)
    assert service.stderr == real.stderr


def test_an_archive_without_main_is_refused_by_name(host: Any, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "app.pyz", "w") as archive:
        archive.writestr("other.py", "")
    with pytest.raises(UsageError, match=r"no __main__\.py"):
        host.run("app.pyz", directory=tmp_path)


def test_the_modules_of_an_archive_are_its_programs_own(empty_net: Net, host: Any, folder: Path) -> None:
    services = [host.run("app.pyz", directory=folder) for _ in range(2)]
    empty_net.run(check=True)
    assert "beside" not in sys.modules
    assert services[0].stdout == services[1].stdout


def test_hooks_are_the_default_ones_until_a_program_sets_its_own(empty_net: Net, host: Any) -> None:
    def program() -> list[bool]:
        found = [
            sys.excepthook is sys.__excepthook__,
            threading.excepthook is threading.__excepthook__,
            sys.unraisablehook is sys.__unraisablehook__,
        ]
        sys.excepthook = lambda *args: (print("mine"), sys.__excepthook__(*args))  # type: ignore[assignment]
        return [*found, sys.excepthook is sys.__excepthook__]

    before = sys.__excepthook__, threading.__excepthook__, sys.__unraisablehook__
    service = host.run(program)
    empty_net.run(check=True)
    assert service.result == [True, True, True, False]
    assert before == (sys.__excepthook__, threading.__excepthook__, sys.__unraisablehook__)


def test_a_hook_of_the_test_may_call_on_to_the_default_while_a_net_runs(
    empty_net: Net, host: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from netarium.programs.shims import dispatch

    told: list[str] = []

    def hook(*details: Any) -> None:
        told.append(details[0].__name__)
        sys.__excepthook__(*details)

    monkeypatch.setattr(sys, "excepthook", hook)
    start = dispatch.original("_thread", "start_new_thread")
    wait = dispatch.original("_thread", "allocate_lock")

    def outside(done: Any) -> None:
        try:
            error = ValueError("outside")
            sys.excepthook(type(error), error, None)
        finally:
            done.release()

    def program() -> None:
        done = wait()
        done.acquire()
        start(outside, (done,))
        done.acquire()

    host.run(program)
    empty_net.run(check=True)
    assert told == ["ValueError"] and "ValueError: outside" in capsys.readouterr().err


def test_no_thread_is_left_when_the_net_does_not_run(
    empty_net: Net, host: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from netarium.programs import watchdog

    monkeypatch.setattr(watchdog, "LOOK_S", 0.01)
    before = threading.active_count()
    host.run(lambda: None)
    empty_net.run(check=True)
    assert threading.active_count() == before
    until = time.monotonic() + 20
    while watchdog.WATCHDOG._is_there and time.monotonic() < until:
        time.sleep(0.01)
    assert not watchdog.WATCHDOG._is_there


@pytest.mark.parametrize(
    "code",
    [
        "import pty; pty.fork()",
        "import pty; pty.openpty()",
        "import multiprocessing as m; m.Process(target=print).start()",
        "import multiprocessing as m; m.get_context('spawn').Process(target=print).start()",
    ],
)
def test_what_starts_processes_is_refused_by_name(empty_net: Net, host: Any, code: str) -> None:
    service = host.run(["python", "-c", code])
    empty_net.run()
    assert "RefusedError: " in service.stderr and "of program host on host" in service.stderr


def test_hooks_look_as_the_interpreters_own(empty_net: Net, host: Any) -> None:
    def look() -> list[tuple[str, str]]:
        import sys
        import threading

        hooks: list[Any] = [sys.excepthook, threading.excepthook, sys.unraisablehook]
        return [(each.__module__, each.__name__) for each in hooks]

    service = host.run(look)
    empty_net.run(check=True)
    assert service.result == [("sys", "excepthook"), ("_thread", "_excepthook"), ("sys", "unraisablehook")]
