"""Two hosts with one TCP connection between a function on each: what the stream rows are made of."""

from __future__ import annotations

import errno
import socket
import time
from collections.abc import Callable
from typing import Any

from netarium import Net
from netarium.lab.service import Service

PORT = 5000


def two_hosts(net: Net, **link: Any) -> Net:
    """Hosts `a` (10.0.0.1) and `b` (10.0.0.2), joined by one cable."""
    net.host("a", address="10.0.0.1/24")
    net.host("b", address="10.0.0.2/24")
    net.link("a", "b", **link)
    return net


def converse(
    net: Net, server: Callable[[socket.socket], Any], client: Callable[[socket.socket], Any]
) -> tuple[Service, Service]:
    """Run `server` on `a` with the accepted connection and `client` on `b` with the connected one.

    On a line that loses much, three ARP requests in a row may be lost: the client then tries again, as users do.
    """

    def serve() -> Any:
        listener = socket.create_server(("", PORT))
        connection, _ = listener.accept()
        listener.close()
        with connection:
            return server(connection)

    def connect() -> Any:
        with _connected() as connection:
            return client(connection)

    return net["a"].run(serve), net["b"].run(connect, after={"listening": f"a:{PORT}"})


def _connected() -> socket.socket:
    for _ in range(20):
        try:
            return socket.create_connection(("a", PORT))
        except OSError as error:
            if error.errno != errno.EHOSTUNREACH:
                raise
    raise AssertionError("never connected")


def receive_all(connection: socket.socket) -> bytes:
    """Everything up to the end."""
    parts = []
    while part := connection.recv(65536):
        parts.append(part)
    return b"".join(parts)


def receive_exactly(connection: socket.socket, count: int) -> bytes:
    """So many bytes, in as many calls as it takes."""
    parts = []
    while count:
        part = connection.recv(count)
        assert part, "the peer closed in the middle"
        parts.append(part)
        count -= len(part)
    return b"".join(parts)


def sleep_until(second: float) -> None:
    """Sleep until that virtual second of the net."""
    time.sleep(max(0.0, second - time.monotonic()))
