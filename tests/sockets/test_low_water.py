"""SO_RCVLOWAT: a stream is readable, and a blocking read returns, when so much has come, or when no more will."""

from __future__ import annotations

import select
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

Both = Callable[[Callable[[], Any]], Any]
LOW_WATER = 18


def connected() -> tuple[socket.socket, socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname())
        server, _ = listener.accept()
    server.setsockopt(socket.SOL_SOCKET, LOW_WATER, 10)
    return client, server


def is_readable(sock: socket.socket, wait_s: float = 0.05) -> bool:
    return bool(select.select([sock], [], [], wait_s)[0])


def test_it_is_readable_from_the_mark_on(both: Both) -> None:
    def program() -> list[bool]:
        client, server = connected()
        with client, server:
            seen = []
            for piece in (b"123456789", b"0"):
                client.sendall(piece)
                seen.append(is_readable(server))
            server.recv(5)
            seen.append(is_readable(server))
            server.setsockopt(socket.SOL_SOCKET, LOW_WATER, 5)
            seen.append(is_readable(server))
            return seen

    assert both(program) == [False, True, False, True]


def test_the_end_is_readable_whatever_the_mark(both: Both) -> None:
    def program() -> list[Any]:
        client, server = connected()
        with server:
            client.sendall(b"123")
            client.close()
            return [is_readable(server, 5), server.recv(100), server.recv(100)]

    assert both(program) == [True, b"123", b""]


@pytest.mark.parametrize("timeout", [None, 10])
def test_a_read_waits_for_the_mark_or_for_what_it_asks(both: Both, timeout: float | None) -> None:
    def program() -> list[bytes]:
        client, server = connected()
        server.settimeout(timeout)
        with client, server:

            def send() -> None:
                for piece in (b"12345", b"67890", b"abcdefghijkl"):
                    time.sleep(0.05)
                    client.sendall(piece)

            thread = threading.Thread(target=send)
            thread.start()
            seen = [server.recv(100)]
            seen += [server.recv(10)]
            thread.join()
            return seen

    assert both(program) == [b"1234567890", b"abcdefghij"]


def test_a_read_that_does_not_wait_takes_what_is_there(both: Both) -> None:
    def program() -> bytes:
        client, server = connected()
        server.setblocking(False)
        with client, server:
            client.sendall(b"123")
            for _ in range(100):
                try:
                    return server.recv(100)
                except BlockingIOError:
                    time.sleep(0.01)
        return b""

    assert both(program) == b"123"
