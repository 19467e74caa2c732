"""What a program meets when it is run: its name, arguments, surroundings, clock, dice, streams and end."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from netarium import Net, UsageError


def test_a_script_runs_as_main_with_its_arguments_and_surroundings(
    empty_net: Net, host: Any, scripts: Path
) -> None:
    service = host.run("surroundings.py one 'two words'", env={"COLOUR": "blue"}, stdin="")
    empty_net.run()
    found = json.loads(service.stdout)
    assert found["name"] == "__main__" and found["main"] is True
    assert found["argv"] == ["surroundings.py", "one", "two words"]
    assert found["path0"] == str(scripts) and found["cwd"] == str(scripts)
    assert found["env"] == {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": str(scripts),
        "USER": "user",
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "COLOUR": "blue",
    }
    assert found["pid"] != os.getpid()
    assert service.exit_code == 0 and service.stderr == ""


@pytest.mark.parametrize(
    ("argument", "code", "message"), [("0", 0, ""), ("3", 3, ""), ("none", 0, ""), ("sorry", 1, "sorry\n")]
)
def test_exit_codes(empty_net: Net, host: Any, argument: str, code: int, message: str) -> None:
    service = host.run(f"exits.py {argument}")
    empty_net.run(check=False)
    assert (service.exit_code, service.stderr) == (code, message)


def test_an_exception_is_printed_with_the_programs_own_traceback(
    empty_net: Net, host: Any, scripts: Path
) -> None:
    service = host.run("raises.py")
    empty_net.run(check=False)
    assert service.stdout == "before\n"
    assert service.exit_code == 1
    assert isinstance(service.exception, ValueError)
    lines = service.stderr.splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert lines[1] == f'  File "{scripts / "raises.py"}", line 6, in <module>'
    assert lines[-1] == "ValueError: on purpose"
    assert "netarium" not in service.stderr.replace(str(scripts), "")


@pytest.mark.parametrize(
    ("text", "error"), [("print('never'", "SyntaxError"), ("import no_such_module", "ModuleNotFoundError")]
)
def test_a_broken_script_fails_alone(
    empty_net: Net, host: Any, tmp_path: Path, text: str, error: str
) -> None:
    (tmp_path / "broken.py").write_text(text)
    broken = host.run(str(tmp_path / "broken.py"))
    other = host.run("exits.py 0")
    empty_net.run(check=False)
    assert broken.exit_code == 1 and error in broken.stderr
    assert other.exit_code == 0


def test_a_missing_script_is_a_usage_error(host: Any) -> None:
    with pytest.raises(UsageError, match="there is no script"):
        host.run("nowhere.py")
    with pytest.raises(UsageError, match="tools are"):
        host.run("no-such-tool")


def test_scripted_input_is_read_line_by_line_and_not_echoed(empty_net: Net, host: Any) -> None:
    service = host.run("asks.py", stdin=["Ada"])
    empty_net.run()
    assert service.stdout == "name? hello Ada\nmore? no more\n"


def test_input_can_be_typed_while_it_runs(host: Any) -> None:
    service = host.run("asks.py")
    service.expect(r"name\? $")
    service.type("Bob")
    service.expect("hello Bob")
    service.close_stdin()
    assert service.wait() == 0


def test_virtual_time(empty_net: Net, host: Any) -> None:
    began = time.monotonic()
    service = host.run("clock.py")
    empty_net.run()
    first, second, third = service.stdout.splitlines()
    epoch = 1767225600
    assert first == f"{epoch} 2026-01-01T00:00:00.123456 2026-01-01 2026-01-01 00:00:00"
    assert second == f"3600.0 {epoch + 3600}"
    assert third == "the polling loop ends"
    assert time.monotonic() - began < 30


def test_every_program_has_its_own_copy_of_its_modules(empty_net: Net, host: Any) -> None:
    services = [host.run(f"counter.py {count}") for count in (3, 5)]
    empty_net.run()
    assert [service.stdout for service in services] == ["3\n", "5\n"]
    assert "shared_state" not in sys.modules


def test_randomness_comes_from_the_seed(scripts: Path) -> None:
    outputs = []
    for seed in (1, 1, 2):
        net = Net(seed=seed, directory=scripts)
        service = net.host("host", address="10.0.0.1/24").run("reader_of_dice.py")
        net.run()
        outputs.append(service.stdout)
    assert outputs[0] == outputs[1] != outputs[2]


def test_a_callable_returns_its_result_and_raises_in_the_test(host: Any) -> None:
    assert host.call(lambda a, b: a + b, 2, 3) == 5

    def fails() -> None:
        raise LookupError("inside")

    with pytest.raises(LookupError, match="inside"):
        host.call(fails)


def test_a_coroutine_function_runs_under_asyncio(host: Any) -> None:
    async def program(delay: float) -> float:
        import asyncio

        began = asyncio.get_running_loop().time()
        await asyncio.sleep(delay)
        return asyncio.get_running_loop().time() - began

    assert host.call(program, 5) == pytest.approx(5)


def test_the_outside_keeps_its_own_things(empty_net: Net, host: Any) -> None:
    before = (
        sys.stdout,
        sys.stdin,
        sys.stderr,
        sys.argv,
        sys.path,
        os.getcwd(),
        dict(os.environ),
        os.getpid(),
    )
    random.seed(42)
    expected = random.random()
    random.seed(42)
    seen: list[Any] = []
    stop = threading.Event()

    def watch() -> None:
        while not stop.is_set():
            seen.append((os.getpid(), time.time() > 1_600_000_000, os.environ.get("COLOUR")))
            time.sleep(0.0005)

    thread = threading.Thread(target=watch)
    thread.start()

    def program() -> None:
        os.environ["COLOUR"] = "red"
        os.chdir("/")
        sys.argv = ["changed"]
        for _ in range(200):
            time.sleep(1)
            print(random.random(), file=sys.stderr)

    host.call(program)
    stop.set()
    thread.join()
    after = (
        sys.stdout,
        sys.stdin,
        sys.stderr,
        sys.argv,
        sys.path,
        os.getcwd(),
        dict(os.environ),
        os.getpid(),
    )
    assert after == before
    assert random.random() == expected
    assert set(seen) == {(os.getpid(), True, None)}


def test_a_program_that_redirects_its_output_keeps_it_to_itself(empty_net: Net, host: Any) -> None:
    def redirected() -> str:
        import contextlib
        import io

        with contextlib.redirect_stdout(io.StringIO()) as caught:
            print("caught")
            time.sleep(5)
            print("caught later")
        return caught.getvalue()

    def other() -> None:
        time.sleep(2)
        print("plain")

    first, second = host.run(redirected), host.run(other)
    empty_net.run()
    assert first.result == "caught\ncaught later\n"
    assert (first.stdout, second.stdout) == ("", "plain\n")


def test_names_and_services(host: Any) -> None:
    def program() -> Any:
        import socket

        found = [socket.gethostname(), socket.gethostbyname("localhost"), socket.gethostbyname("host")]
        found.append(socket.getaddrinfo("host", "http", type=socket.SOCK_STREAM))
        try:
            socket.getaddrinfo("www.example.com", 80)
        except socket.gaierror as error:
            found.append((error.errno, error.strerror))
        return [*found, socket.getservbyname("mysql"), socket.getservbyport(22)]

    import socket

    assert host.call(program) == [
        "host",
        "127.0.0.1",
        "10.0.0.1",
        [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.0.0.1", 80))],
        (socket.EAI_NONAME, "Name or service not known"),
        3306,
        "ssh",
    ]


def test_an_ordinary_user_has_no_system_ports_and_no_raw_sockets(empty_net: Net, host: Any) -> None:
    def program() -> list[int]:
        import socket

        found = []
        for attempt in (
            lambda: socket.socket().bind(("", 80)),
            lambda: socket.socket().bind(("", 1024)),
            lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP),
        ):
            try:
                attempt()
                found.append(0)
            except OSError as error:
                found.append(error.errno)
        return found

    ordinary, root = host.run(program), host.run(program, root=True)
    empty_net.run()
    assert ordinary.result == [13, 0, 1]
    assert root.result[0] == 0 and root.result[2] == 0


def test_starting_processes_is_refused_by_name(host: Any) -> None:
    def program() -> list[str]:
        import subprocess

        found = []
        for attempt in (os.fork, lambda: subprocess.run(["true"]), lambda: os.system("true")):
            try:
                attempt()
            except Exception as error:
                found.append(f"{type(error).__name__}: {error}")
        return found

    texts = host.call(program)
    assert len(texts) == 3
    for text in texts:
        assert text.startswith("RefusedError: ") and "host.run()" in text and "on host" in text


def test_signals_and_kill(empty_net: Net, host: Any) -> None:
    def handler_runs() -> list[int]:
        import signal

        seen: list[int] = []
        signal.signal(signal.SIGUSR1, lambda number, frame: seen.append(number))
        signal.alarm(0)
        os.kill(os.getpid(), signal.SIGUSR1)
        return seen

    def forever() -> None:
        time.sleep(10_000)

    def stubborn() -> None:
        while True:
            try:
                time.sleep(10_000)
            except:  # noqa: E722
                print("no")

    assert host.call(handler_runs) == [10]
    services = [host.run(forever), host.run(stubborn), host.run(forever)]
    empty_net.run(until="1s")
    services[0].kill()
    services[1].kill(9)
    services[2].kill(2)
    empty_net.run(check=False)
    assert [service.exit_code for service in services] == [-15, -9, -2]
    assert "KeyboardInterrupt" in services[2].stderr


def test_threads_locks_and_queues(host: Any) -> None:
    def program() -> Any:
        import queue
        from concurrent.futures import ThreadPoolExecutor

        channel: queue.Queue[tuple[int, str]] = queue.Queue(1)
        lock = threading.Lock()
        total = [0]

        def work(number: int) -> None:
            for _ in range(10):
                with lock:
                    value = total[0]
                    time.sleep(0.001)
                    total[0] = value + 1
            channel.put((number, threading.current_thread().name))

        threads = [threading.Thread(target=work, args=(number,)) for number in range(3)]
        for thread in threads:
            thread.start()
        names = sorted(channel.get() for _ in threads)
        for thread in threads:
            thread.join()
        with ThreadPoolExecutor(2) as pool:
            squares = list(pool.map(lambda number: number * number, range(5)))
        event = threading.Event()
        return (
            total[0],
            names,
            squares,
            event.wait(1.5),
            threading.active_count(),
            threading.main_thread().name,
        )

    assert host.call(program) == (
        30,
        [(0, "Thread-1 (work)"), (1, "Thread-2 (work)"), (2, "Thread-3 (work)")],
        [0, 1, 4, 9, 16],
        False,
        1,
        "MainThread",
    )


def test_a_program_waits_for_its_threads_and_runs_its_exit_functions(empty_net: Net, host: Any) -> None:
    def program() -> None:
        def late() -> None:
            time.sleep(3)
            print("thread done")

        threading.Thread(target=late).start()
        threading.Thread(target=lambda: time.sleep(10_000), daemon=True).start()
        print("main done")

    service = host.run(program)
    empty_net.run()
    assert service.stdout == "main done\nthread done\n"
    assert service.exit_code == 0
    assert empty_net.now_ns < 4_000_000_000


def test_exit_functions_run_when_the_program_ends(empty_net: Net, host: Any) -> None:
    def program() -> None:
        import atexit

        atexit.register(print, "first", end="!\n")
        atexit.register(lambda: [].pop())
        atexit.unregister(atexit.register(lambda: print("never")))
        atexit.register(lambda: time.sleep(5))
        print("main")

    service = host.run(program)
    empty_net.run()
    assert service.stdout == "main\nfirst!\n" and "IndexError" in service.stderr
    assert service.exit_code == 0 and empty_net.now_ns >= 5_000_000_000


def test_finalizers_of_the_test_are_left_alone(host: Any, tmp_path: Any) -> None:
    import tempfile

    with tempfile.TemporaryDirectory(dir=tmp_path) as outside:

        def program() -> None:
            import tempfile

            tempfile.TemporaryDirectory().cleanup()

        host.call(program)
        assert os.path.isdir(outside)


def test_the_interpreter_ends_quietly_after_programs_that_log(tmp_path: Any) -> None:
    (tmp_path / "logs.py").write_text(
        "import logging, logging.handlers, socket, threading\n"
        "logging.basicConfig()\n"
        "log = logging.getLogger('x')\n"
        "log.addHandler(logging.handlers.MemoryHandler(10, target=logging.StreamHandler()))\n"
        "log.warning('kept')\n"
        "class Late:\n"
        "    lock = threading.RLock()\n"
        "    def __del__(self):\n"
        "        with self.lock: pass\n"
        "late = threading.late = Late()\n"
        "socket.create_server(('', 8000)).accept()\n"
    )
    (tmp_path / "run.py").write_text(
        "from netarium import Net\n"
        "net = Net()\n"
        "for number in (1, 2):\n"
        "    net.host(f'h{number}', f'10.0.0.{number}/24').run('logs.py')\n"
        "net.run()\n"
    )
    done = subprocess.run([sys.executable, "run.py"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0 and "greenlet" not in done.stderr and "Error" not in done.stderr, done.stderr


def test_an_exception_in_a_thread_is_told_and_the_program_goes_on(empty_net: Net, host: Any) -> None:
    def program() -> None:
        def fails() -> None:
            raise RuntimeError("in the thread")

        thread = threading.Thread(target=fails)
        thread.start()
        thread.join()
        print("going on")

    service = host.run(program)
    empty_net.run()
    assert "Exception in thread Thread-1 (fails)" in service.stderr and "in the thread" in service.stderr
    assert service.stdout == "going on\n" and service.exit_code == 0


def test_thread_local_data(host: Any) -> None:
    def program() -> Any:
        class Mine(threading.local):
            def __init__(self, start: int) -> None:
                self.value = start

        mine = Mine(7)
        mine.value += 1
        seen = []
        thread = threading.Thread(target=lambda: seen.append(mine.value))
        thread.start()
        thread.join()
        return mine.value, seen, mine.__dict__

    assert host.call(program) == (8, [7], {"value": 8})


def test_os_exit_ends_at_once(empty_net: Net, host: Any) -> None:
    def program() -> None:
        try:
            print("kept", flush=True)
            os._exit(4)
        finally:
            print("never")

    service = host.run(program)
    empty_net.run(check=False)
    assert (service.stdout, service.exit_code) == ("kept\n", 4)


def test_an_endless_loop_is_broken(empty_net: Net, host: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from netarium.programs import watchdog

    def program() -> None:
        while True:
            pass

    monkeypatch.setattr(watchdog, "LIMIT_S", 0.2)
    service = host.run(program)
    other = host.run(lambda: "fine")
    empty_net.run(check=False)
    assert "EndlessLoopError" in service.stderr and "endless loop" in service.stderr
    assert service.exit_code == 1 and other.result == "fine"


def test_modules_that_would_escape_are_refused_by_name(host: Any) -> None:
    def program() -> str:
        try:
            import uvloop  # type: ignore[import-not-found]  # noqa: F401
        except ImportError as error:
            return str(error)
        return ""

    text = host.call(program)
    assert "uvloop does its networking in C" in text and "on host" in text and "asyncio" in text


def test_the_hosts_own_description_of_the_machine(host: Any) -> None:
    def program() -> list[str]:
        found = [Path("/etc/hostname").read_text()]
        with open("/etc/hosts") as hosts, open("/etc/services", "rb") as services:
            return [*found, hosts.read(), services.read().decode()[:12]]

    hostname, hosts, services = host.call(program)
    assert hostname == "host\n"
    assert "127.0.0.1\tlocalhost\n" in hosts and "10.0.0.1\thost\n" in hosts
    assert services == "tcpmux\t1/tcp"
    assert Path("/etc/hostname").read_text() != "host\n"


def test_os_abort_ends_the_program_alone(net) -> None:  # type: ignore[no-untyped-def]
    import os

    host = net.host("h", address="10.0.0.1/24")
    aborted = host.run(os.abort)
    other = host.run(lambda: "goes on", name="other")
    net.run()
    assert aborted.exit_code == -6
    assert other.result == "goes on"
