"""What a program leaves open, or has finalizers, is seen to at its end, in its own context: compared with CPython."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from netarium import DeadlockError, Net

_FILES = {
    "global": "f = open('o', 'w'); f.write('data')",
    "binary": "f = open('o', 'wb'); f.write(b'data')",
    "in a cycle": "class A: pass\na = A(); a.me = a; a.f = open('o', 'w'); a.f.write('data')",
    "compressed": "import gzip\nf = gzip.open('o', 'wt'); f.write('data')",
    "wrapped": "import io\nf = io.TextIOWrapper(open('o', 'wb')); f.write('data')",
    "standard output": "import sys\nsys.stdout = open('o', 'w'); print('data')",
    "by exit": "f = open('o', 'w'); f.write('data'); raise SystemExit(3)",
    "by error": "f = open('o', 'w'); f.write('data'); 1 / 0",
    "at once": "import os\nf = open('o', 'w'); f.write('data'); os._exit(4)",
    "in the globals a daemon thread stands in": (
        "import threading, time\ndef wait(): time.sleep(100)\nthreading.Thread(target=wait, daemon=True).start()\n"
        "time.sleep(0.1)\nf = open('o', 'w'); f.write('data')"
    ),
    "beside a daemon thread": (
        "import threading, time\nthreading.Thread(target=time.sleep, args=(100,), daemon=True).start()\n"
        "time.sleep(0.1)\nf = open('o', 'w'); f.write('data')"
    ),
    "unwritten": "import os\nf = os.fdopen(os.open('o', os.O_CREAT | os.O_RDWR), 'w'); f.write('data')",
}


def _real(script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    folder.mkdir()
    return subprocess.run(
        [sys.executable, "-c", script], cwd=folder, capture_output=True, text=True, check=False
    )


def _content(folder: Path) -> bytes:
    import gzip

    data = (folder / "o").read_bytes()
    return gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data


@pytest.mark.parametrize("script", _FILES.values(), ids=_FILES.keys())
def test_files_left_open_have_what_cpython_leaves_in_them(
    empty_net: Net, host: Any, tmp_path: Path, script: str
) -> None:
    real = _real(script, tmp_path / "real")
    inside = tmp_path / "inside"
    inside.mkdir()
    service = host.run(["python", "-c", script], directory=inside)
    empty_net.run()
    assert (service.exit_code, service.stdout) == (real.returncode, real.stdout)
    assert _content(inside) == _content(tmp_path / "real")


_LOCKED = """import fcntl, os, signal, time
f = open({path!r}, 'w')
f.write('held back')
fcntl.flock(f, fcntl.LOCK_EX)
time.sleep(1)
print('had it')
{end}
"""


@pytest.mark.parametrize(
    "end", ["", "raise SystemExit", "os._exit(0)", "os.kill(os.getpid(), signal.SIGKILL)"]
)
def test_the_lock_of_a_file_goes_with_its_program(
    empty_net: Net, host: Any, tmp_path: Path, end: str
) -> None:
    script = _LOCKED.format(path=str(tmp_path / "lock"), end=end)
    services = [host.run(["python", "-c", script]) for _ in range(3)]
    empty_net.run()
    # Output that is not written when a program is cut short is no matter here: it is written line by line.
    assert [each.stdout for each in services] == ["had it\n"] * 3
    assert (tmp_path / "lock").read_text() == ("" if "os." in end else "held back")


def test_descriptors_are_given_back(empty_net: Net, host: Any, tmp_path: Path) -> None:
    script = f"import os\nf = open({str(tmp_path / 'o')!r}, 'w')\nn = os.open('/dev/null', os.O_RDONLY); m = os.dup(n)"
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(20):
        host.run(["python", "-c", script])
    empty_net.run(check=True)
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_number_that_went_to_somebody_else_is_not_closed(empty_net: Net, host: Any, tmp_path: Path) -> None:
    (tmp_path / "o").write_text("kept")
    held: list[Any] = []

    def opens() -> int:
        import io

        number = os.open("/dev/null", os.O_RDONLY)
        io.FileIO(number).close()
        return number

    def takes() -> int:
        import time

        held.append(open(tmp_path / "o"))  # noqa: SIM115
        time.sleep(1)
        return len(held[0].read())

    first, second = host.run(opens), host.run(takes)
    empty_net.run(check=True)
    assert second.result == 4, first.result
    assert held[0].closed


_FINALIZERS = """import time
class D:
    def __init__(self, name): self.name = name
    def __del__(self):
        time.sleep(1)
        print('del', self.name, table)
table = [1, 2]
d = D('global')
cycle = D('cycle'); cycle.me = cycle
lost = D('lost'); lost.me = lost; del lost
listed = [D('listed')]
class Child(D): pass
class Holder:
    def __init__(self): self.held = Child('held')
holder = Holder()
def generate():
    try: yield
    finally: print('finally')
generator = generate(); next(generator)
class Bad:
    def __del__(self): raise ValueError('bad')
bad = Bad()
print('end')
"""


def test_finalizers_run_in_their_program_and_its_time(empty_net: Net, host: Any, tmp_path: Path) -> None:
    real = _real(_FINALIZERS.replace("sleep(1)", "sleep(0)"), tmp_path / "real")
    service = host.run(["python", "-c", _FINALIZERS])
    empty_net.run(check=True)
    assert service.stdout.startswith("end\n") and sorted(service.stdout.split("\n")) == sorted(
        real.stdout.split("\n")
    )
    assert service.stderr.startswith("Exception ignored in") and "ValueError: bad" in service.stderr
    assert empty_net.now_ns == 5 * 10**9


_LEAVES = """import os, signal, socket
class D:
    def __del__(self): print('del')
d = D()
cycle = D(); cycle.me = cycle
{end}
"""


@pytest.mark.parametrize(
    "end",
    ["os._exit(0)", "os.kill(os.getpid(), signal.SIGKILL)", "socket.create_server(('', 8000)).accept()"],
)
def test_finalizers_of_a_program_that_is_cut_short_never_run(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], end: str
) -> None:
    with Net() as net:
        service = net.host("host", address="10.0.0.1/24").run(["python", "-c", _LEAVES.format(end=end)])
        net.run()
    assert service.stdout == service.stderr == ""
    del net, service
    gc.collect()
    assert capfd.readouterr() == ("", "")


def test_an_object_without_a_dictionary_is_finalized_once(empty_net: Net, host: Any) -> None:
    script = "class D:\n    __slots__ = ()\n    def __del__(self): print('del')\nd = D(); listed = [D()]\n"
    service = host.run(["python", "-c", script])
    empty_net.run(check=True)
    assert service.stdout == "del\ndel\n"


def test_locals_of_a_program_that_ended_by_an_error_are_finalized_in_it(empty_net: Net, host: Any) -> None:
    script = "class D:\n    def __del__(self): print('del')\ndef main():\n    d = D()\n    1 / 0\nmain()\n"
    service = host.run(["python", "-c", script])
    empty_net.run()
    assert service.stdout == "del\n" and "ZeroDivisionError" in service.stderr


def test_a_finalizer_has_the_sockets_of_its_host(lan: tuple[Net, Any, Any]) -> None:
    net, server, client = lan

    def serve() -> bytes:
        import socket

        return socket.create_server(("", 8000)).accept()[0].recv(10)

    service = server.run(serve)
    client.run(
        [
            "python",
            "-c",
            "import socket\nclass Link:\n    def __init__(self): self.s = socket.create_connection(('server', 8000))\n"
            "    def __del__(self): self.s.sendall(b'bye')\nlink = Link()\n",
        ]
    )
    net.run(check=True)
    assert service.result == b"bye"


def test_a_finalizer_that_waits_for_ever_is_told(empty_net: Net, host: Any) -> None:
    host.run(
        [
            "python",
            "-c",
            "import threading\nclass D:\n    def __del__(self): lock.acquire()\n"
            "lock = threading.Lock(); lock.acquire()\nd = D()\n",
        ]
    )
    with pytest.raises(DeadlockError, match=r"acquire\(\)"):
        empty_net.run()


_of_the_test: list[Any] = []


def test_the_globals_of_a_function_are_the_tests(empty_net: Net, host: Any) -> None:
    def program() -> None:
        _of_the_test.append({"kept": 1})

    host.run(program)
    empty_net.run(check=True)
    assert _of_the_test == [{"kept": 1}]


def test_a_log_that_functions_share_stays_open(empty_net: Net, host: Any, tmp_path: Path) -> None:
    import logging

    log = logging.getLogger("shared by functions")
    log.propagate = False

    def first() -> None:
        log.addHandler(logging.FileHandler(tmp_path / "log"))
        log.warning("one")

    def second() -> None:
        log.warning("two")

    host.run(first)
    host.run(second, at="1s")
    empty_net.run(check=True)
    for handler in list(log.handlers):
        log.removeHandler(handler)
        handler.close()
    assert (tmp_path / "log").read_text() == "one\ntwo\n"


def test_what_a_resting_server_has_written_is_there_when_the_net_is_closed(tmp_path: Path) -> None:
    with Net() as net:
        host = net.host("host", address="10.0.0.1/24")
        host.run(
            [
                "python",
                "-c",
                "import socket\nf = open('o', 'w'); f.write('data')\nsocket.create_server(('', 8000)).accept()",
            ],
            directory=tmp_path,
        )
        net.run()
    assert (tmp_path / "o").read_text() == "data"


_ARCHIVES = """import gzip, zipfile
class App: out = gzip.open('class.gz', 'wt')
App.out.write('data')
def closure():
    z = zipfile.ZipFile('a.zip', 'w'); z.writestr('n', 'data')
    return lambda: z
keep = closure()
class Cycle: pass
c = Cycle(); c.me = c; c.g = gzip.open('cycle.gz', 'wb'); c.g.write(b'data')
"""


def test_archives_left_open_are_whole(empty_net: Net, host: Any, tmp_path: Path) -> None:
    import gzip
    import zipfile

    host.run(["python", "-c", _ARCHIVES], directory=tmp_path)
    empty_net.run(check=True)
    for name in ("class.gz", "cycle.gz"):
        assert gzip.decompress((tmp_path / name).read_bytes()) == b"data"
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        assert archive.read("n") == b"data"


def test_functions_that_a_script_registered_in_the_interpreter_keep_their_globals(
    empty_net: Net, host: Any
) -> None:
    host.run(["python", "-c", "import codecs\ntable = {}\ncodecs.register(lambda name: table.get(name))\n"])
    later = host.run(
        ["python", "-c", "try: 'x'.encode('none such')\nexcept LookupError: print('unknown')"], at="1s"
    )
    empty_net.run(check=True)
    assert later.stdout == "unknown\n"


def test_a_file_that_a_shared_library_has_open_stays_open(
    empty_net: Net, host: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "shared_log.py").write_text(
        "_file = None\n"
        "def log(path, text):\n"
        "    global _file\n"
        "    _file = _file or open(path, 'a')\n"
        "    _file.write(text)\n"
        "    _file.flush()\n"
    )
    monkeypatch.syspath_prepend(tmp_path / "site")
    import shared_log  # type: ignore[import-not-found]

    script = f"import shared_log\nshared_log.log({str(tmp_path / 'log')!r}, 'one ')"
    first, second = host.run(["python", "-c", script]), host.run(["python", "-c", script], at="1s")
    empty_net.run(check=True)
    shared_log.log(tmp_path / "log", "test")
    shared_log._file.close()
    assert (tmp_path / "log").read_text() == "one one test", (first.stderr, second.stderr)


def test_a_program_finalizes_no_objects_of_another(empty_net: Net, host: Any) -> None:
    owner = host.run(
        [
            "python",
            "-c",
            "import builtins, time\nclass D:\n    def __del__(self): print('del')\n    def use(self): print('alive')\n"
            "builtins.of_owner = d = D()\ntime.sleep(5)\nd.use()\ndel builtins.of_owner, d\n",
        ]
    )
    other = host.run(["python", "-c", "import time\ndef f(): pass\ntime.sleep(1)\n"])
    empty_net.run(check=True)
    assert other.stdout == "" and owner.stdout == "alive\ndel\n"
