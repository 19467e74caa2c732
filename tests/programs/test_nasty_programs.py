"""Programs that behave badly end as they should, and the rest of the net goes on."""

from __future__ import annotations

import sys
import threading
import time
from typing import Any

import pytest

from netarium import Net


def test_deep_recursion_is_the_programs_own_error(empty_net: Net, host: Any) -> None:
    def program() -> None:
        def down(depth: int) -> int:
            return down(depth + 1) + 1

        down(0)

    service = host.run(program)
    other = host.run(lambda: "fine")
    empty_net.run(check=False)
    assert service.exit_code == 1 and "RecursionError" in service.stderr
    assert other.result == "fine"


def test_closing_while_another_thread_is_in_recv(host: Any) -> None:
    """As on Linux the call goes on with the connection until data or the end comes."""

    def program() -> list[Any]:
        import socket

        left, right = socket.socketpair()
        seen: list[Any] = []
        thread = threading.Thread(target=lambda: seen.append(left.recv(10)))
        thread.start()
        time.sleep(1)
        left.close()
        time.sleep(1)
        right.sendall(b"late")
        thread.join()
        return seen

    assert host.call(program) == [b"late"]


def test_ten_thousand_tasks(host: Any) -> None:
    async def program() -> int:
        import asyncio

        async def one(number: int) -> int:
            await asyncio.sleep(number % 10)
            return number

        return sum(await asyncio.gather(*(one(number) for number in range(10_000))))

    assert host.call(program) == sum(range(10_000))


def test_a_thousand_threads(host: Any) -> None:
    def program() -> int:
        done: list[int] = []

        def work(number: int) -> None:
            time.sleep(1)
            done.append(number)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(1000)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return len(done)

    assert host.call(program) == 1000


def test_exit_from_a_thread_ends_the_thread_alone(empty_net: Net, host: Any) -> None:
    def program() -> str:
        thread = threading.Thread(target=sys.exit, args=(5,))
        thread.start()
        thread.join()
        return "still here"

    service = host.run(program)
    empty_net.run()
    assert service.result == "still here" and service.stderr == ""


def test_exit_in_an_asyncio_callback_ends_the_program(empty_net: Net, host: Any) -> None:
    async def program() -> None:
        import asyncio

        asyncio.get_running_loop().call_later(1, sys.exit, 7)
        await asyncio.sleep(100)

    service = host.run(program)
    empty_net.run(check=False)
    assert service.exit_code == 7 and empty_net.now_ns < 2_000_000_000


def test_a_thread_that_never_ends_holds_its_program_and_killing_helps(empty_net: Net, host: Any) -> None:
    def program() -> None:
        def forever() -> None:
            while True:
                try:
                    time.sleep(1)
                except BaseException:
                    continue

        threading.Thread(target=forever).start()

    service = host.run(program)
    empty_net.run(until="100s")
    assert not service.ended
    service.kill(9)
    empty_net.run(check=False)
    assert service.exit_code == -9


def test_sockets_of_a_program_that_was_killed_are_closed(lan: tuple[Net, Any, Any]) -> None:
    net, server, client = lan

    def serve() -> bytes:
        import socket

        connection, _ = socket.create_server(("", 8000)).accept()
        return connection.recv(10)

    def hang() -> None:
        import socket

        sock = socket.create_connection(("10.0.0.1", 8000))
        time.sleep(1000)
        sock.close()

    service = server.run(serve)
    victim = client.run(hang, at="1s")
    net.run(until="5s")
    victim.kill(9)
    net.run(check=False)
    assert service.result == b""


def test_a_module_that_another_program_breaks(empty_net: Net, host: Any, tmp_path: Any) -> None:
    (tmp_path / "breaks.py").write_text(
        "import http.server, logging, socketserver\n"
        "http.server.BaseHTTPRequestHandler.server_version = 'Broken'\n"
        "socketserver.TCPServer.allow_reuse_address = 'broken'\n"
        "logging.getLogger().setLevel(logging.DEBUG)\n"
    )
    (tmp_path / "looks.py").write_text(
        "import http.server, logging, socketserver\n"
        "print(http.server.BaseHTTPRequestHandler.server_version.startswith('BaseHTTP'))\n"
        "print(socketserver.TCPServer.allow_reuse_address, logging.getLogger().level)\n"
    )
    host.run(str(tmp_path / "breaks.py"))
    looks = host.run(str(tmp_path / "looks.py"))
    empty_net.run()
    assert looks.stdout == "True\nFalse 30\n"


def test_an_endless_loop_that_catches_everything_is_ended(
    empty_net: Net, host: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from netarium.programs import watchdog

    monkeypatch.setattr(watchdog, "LIMIT_S", 0.1)

    def program() -> None:
        while True:
            try:
                while True:
                    pass
            except:  # noqa: E722
                pass

    service = host.run(program)
    other = host.run(lambda: "fine", at="1s")
    empty_net.run(check=False)
    assert service.exit_code == 1 and "endless loop" in service.stderr
    assert other.result == "fine"


def test_except_around_everything_does_not_keep_a_killed_program(empty_net: Net, host: Any) -> None:
    survived: list[int] = []

    def program() -> None:
        while True:
            try:
                time.sleep(1)
            except:  # noqa: E722
                survived.append(1)

    service = host.run(program)
    empty_net.run(until="10s")
    service.kill()
    empty_net.run(until="20s")
    assert service.ended and service.exit_code == -15 and survived


def test_except_around_a_kill_by_itself(empty_net: Net, host: Any) -> None:
    def program() -> None:
        import os
        import signal

        try:
            os.kill(os.getpid(), signal.SIGTERM)
        except:  # noqa: E722
            print("caught")
        print("went on")

    service = host.run(program)
    empty_net.run(check=False)
    assert service.exit_code == -15 and "went on" not in service.stdout


def test_os_exit_in_a_thread_ends_the_whole_program(empty_net: Net, host: Any) -> None:
    def program() -> None:
        import os

        threading.Thread(target=os._exit, args=(9,)).start()
        try:
            time.sleep(100)
        finally:
            print("unwound")

    service = host.run(program)
    empty_net.run(check=False)
    assert (service.exit_code, service.stdout) == (9, "") and empty_net.now_ns < 10**9


def test_an_exception_in_a_thread_leaves_the_others_alone(empty_net: Net, host: Any) -> None:
    def program() -> str:
        threads = [threading.Thread(target=[].pop, name=f"bad {number}") for number in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return "went on"

    service = host.run(program)
    empty_net.run()
    assert service.result == "went on" and service.exit_code == 0
    assert service.stderr.count("IndexError") == 3 and "Exception in thread bad 2" in service.stderr


def test_a_signal_handler_interrupts_accept_and_the_server_ends(empty_net: Net, host: Any) -> None:
    def program() -> None:
        import signal
        import socket

        def leave(number: int, frame: Any) -> None:
            raise SystemExit(40 + number)

        signal.signal(signal.SIGTERM, leave)
        with socket.create_server(("", 8000)) as listener:
            listener.accept()

    service = host.run(program)
    empty_net.run()
    assert service.at_rest
    service.kill(15)
    empty_net.run(check=False)
    assert service.exit_code == 55


def test_an_error_in_a_destructor_is_told(empty_net: Net, host: Any) -> None:
    def program() -> str:
        class Bad:
            def __del__(self) -> None:
                raise ValueError("in a destructor")

        Bad()
        return "went on"

    service = host.run(program)
    empty_net.run()
    assert service.result == "went on" and "in a destructor" in service.stderr


def test_a_thread_that_starts_threads_for_ever_is_stopped_by_until(empty_net: Net, host: Any) -> None:
    def program() -> None:
        def again() -> None:
            time.sleep(0.01)
            threading.Thread(target=again).start()

        again()

    service = host.run(program)
    empty_net.run(until="2s")
    assert not service.ended
    service.kill(9)
    empty_net.run(check=False)
    assert service.exit_code == -9
