"""A run ends by itself: servers come to rest when their clients have ended, and what is stuck is told (DESIGN 3)."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from netarium import DeadlockError, Net

SERVER = ("10.0.0.1", 8000)


def one_request() -> bytes:
    import socket

    with socket.create_connection(SERVER) as sock:
        sock.sendall(b"hello\n")
        return sock.recv(100)


def blocking_server() -> None:
    import socket

    listener = socket.create_server(("", 8000))
    while True:
        connection, _ = listener.accept()
        connection.sendall(connection.recv(100).upper())
        connection.close()


def polling_server() -> None:
    """Polls each half second, as socketserver's serve_forever does."""
    import socketserver

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(self.rfile.readline().upper())

    socketserver.TCPServer(("", 8000), Handler).serve_forever()


def threading_server() -> None:
    import socketserver

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            time.sleep(2)
            self.wfile.write(self.rfile.readline().upper())

    with socketserver.ThreadingTCPServer(("", 8000), Handler) as server:
        server.daemon_threads = True
        server.serve_forever(poll_interval=0.1)


def pool_server() -> None:
    import socket
    from concurrent.futures import ThreadPoolExecutor

    listener = socket.create_server(("", 8000))

    def handle(connection: Any) -> None:
        connection.sendall(connection.recv(100).upper())
        connection.close()

    with ThreadPoolExecutor(3) as pool:
        while True:
            connection, _ = listener.accept()
            pool.submit(handle, connection)


async def asyncio_server() -> None:
    import asyncio

    async def handle(reader: Any, writer: Any) -> None:
        writer.write((await reader.readline()).upper())
        await writer.drain()
        writer.close()

    async def tick() -> None:
        while True:
            await asyncio.sleep(0.1)

    ticker = asyncio.create_task(tick())
    server = await asyncio.start_server(handle, "", 8000)
    async with server:
        await server.serve_forever()
    await ticker


def selector_server() -> None:
    import selectors
    import socket

    selector = selectors.DefaultSelector()
    listener = socket.create_server(("", 8000))
    listener.setblocking(False)
    selector.register(listener, selectors.EVENT_READ)
    while True:
        for key, _ in selector.select(1.0):
            if key.fileobj is listener:
                connection, _ = listener.accept()
                connection.setblocking(False)
                selector.register(connection, selectors.EVENT_READ)
            else:
                data = key.fileobj.recv(100)  # type: ignore[union-attr]
                if data:
                    key.fileobj.send(data.upper())  # type: ignore[union-attr]
                else:
                    selector.unregister(key.fileobj)
                    key.fileobj.close()  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "server_program",
    [blocking_server, polling_server, threading_server, pool_server, asyncio_server, selector_server],
)
def test_servers_come_to_rest_when_their_clients_have_ended(
    lan: tuple[Net, Any, Any], server_program: Any
) -> None:
    net, server, client = lan
    service = server.run(server_program)
    clients = [client.run(one_request, at=f"{number}s") for number in (1, 2)]
    net.run()
    assert [each.result for each in clients] == [b"HELLO\n"] * 2, service.stderr
    assert not service.ended and service.at_rest
    assert net.now_ns < 10_000_000_000


def test_a_udp_server_rests_in_recvfrom(lan: tuple[Net, Any, Any]) -> None:
    net, server, client = lan

    def serve() -> None:
        import socket

        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.bind(("", 9000))
        while True:
            data, address = sock.recvfrom(100)
            sock.sendto(data.upper(), address)

    def ask() -> bytes:
        import socket

        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.sendto(b"x", ("10.0.0.1", 9000))
        return sock.recvfrom(100)[0]

    service = server.run(serve)
    asked = client.run(ask, at="1s")
    net.run()
    assert asked.result == b"X" and service.at_rest


def waits_for_ever() -> None:
    threading.Event().wait()


def lock_order() -> None:
    first, second = threading.Lock(), threading.Lock()

    def other() -> None:
        with second:
            time.sleep(1)
            with first:
                pass

    thread = threading.Thread(target=other)
    thread.start()
    with first:
        time.sleep(1)
        with second:
            pass


def asks_nobody() -> None:
    import socket

    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.sendto(b"x", ("10.0.0.1", 9999))
    sock.recvfrom(100)


async def awaits_for_ever() -> None:
    import asyncio

    await asyncio.Event().wait()


@pytest.mark.parametrize(
    ("program", "call"),
    [
        (waits_for_ever, "client: Event.wait"),
        (lock_order, "client: acquire"),
        (asks_nobody, "client: recvfrom"),
        (awaits_for_ever, "client (awaits_for_ever): Event.wait"),
    ],
)
def test_what_is_stuck_is_a_deadlock_that_tells_who_waits_where(
    lan: tuple[Net, Any, Any], program: Any, call: str
) -> None:
    net, _, client = lan
    client.run(program)
    with pytest.raises(DeadlockError) as caught:
        net.run()
    text = str(caught.value)
    assert f"{call}()" in text
    assert "test_rest_and_deadlock.py line" in text


def test_both_ends_in_recv(lan: tuple[Net, Any, Any]) -> None:
    net, server, client = lan

    def serve() -> None:
        import socket

        connection, _ = socket.create_server(("", 8000)).accept()
        connection.recv(10)

    def talk() -> None:
        import socket

        socket.create_connection(SERVER).recv(10)

    server.run(serve)
    client.run(talk, at="1s")
    with pytest.raises(DeadlockError) as caught:
        net.run()
    assert "client: recv() from 10.0.0.1:8000, test_rest_and_deadlock.py line" in str(caught.value)
    assert "server: recv() from 10.0.0.2:" in str(caught.value)


def test_both_ends_in_sendall(lan: tuple[Net, Any, Any]) -> None:
    net, server, client = lan

    def serve() -> None:
        import socket

        connection, _ = socket.create_server(("", 8000)).accept()
        connection.sendall(bytes(50_000_000))

    def talk() -> None:
        import socket

        socket.create_connection(SERVER).sendall(bytes(50_000_000))

    server.run(serve)
    client.run(talk, at="1s")
    with pytest.raises(DeadlockError, match=r"sendall\(\) to 10\.0\.0\.1:8000"):
        net.run()


def test_a_time_out_is_work_to_come(lan: tuple[Net, Any, Any]) -> None:
    net, server, _ = lan

    def patient() -> str:
        import socket

        listener = socket.create_server(("", 8000))
        listener.settimeout(100)
        try:
            listener.accept()
        except TimeoutError:
            return "gave up"
        return ""

    service = server.run(patient)
    net.run()
    assert service.result == "gave up" and net.now_ns >= 100_000_000_000


def test_a_polling_loop_on_the_clock_ends(host: Any) -> None:
    def program() -> int:
        import socket

        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.bind(("", 9000))
        sock.setblocking(False)
        deadline = time.time() + 0.05
        tries = 0
        while time.time() < deadline:
            try:
                sock.recv(10)
            except BlockingIOError:
                tries += 1
        return tries

    assert host.call(program) > 1000


def test_a_spinning_task_does_not_starve_its_peer(host: Any) -> None:
    def program() -> bool:
        import select
        import socket

        left, right = socket.socketpair()
        left.send(b"x")
        done: list[bool] = []

        def other() -> None:
            time.sleep(0.001)
            done.append(True)

        threading.Thread(target=other).start()
        while not done:
            select.select([right], [], [], 1)
        return done[0]

    assert host.call(program) is True
