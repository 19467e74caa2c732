"""How a host's stub resolver reaches its name servers: over sockets of the calling program, as the C library does."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable

from greenlet import getcurrent

from netarium.errors import UsageError
from netarium.programs.task import TaskGreenlet

DNS_PORT = 53


def exchange(
    server: str, query: bytes, timeout_ns: int, accept: Callable[[bytes], bool], tcp: bool = False
) -> bytes | None:
    """Send `query` to `server` and wait for the answer that `accept` takes; None for silence or an error.

    Blocks the calling task. Raises UsageError outside the net's programs: the real machine's DNS is never asked.
    """
    if type(getcurrent()) is not TaskGreenlet:
        raise UsageError(
            "name servers are asked by programs inside the net: look the name up by host.call(...)"
        )
    deadline = time.monotonic() + timeout_ns / 1e9
    try:
        if tcp:
            return _by_tcp(server, query, deadline, accept)
        return _by_udp(server, query, deadline, accept)
    except OSError:
        return None


def _by_udp(server: str, query: bytes, deadline: float, accept: Callable[[bytes], bool]) -> bytes | None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        # Connected: the kernel takes answers of that server alone, and tells of a closed port.
        sock.connect((server, DNS_PORT))
        sock.send(query)
        while (left := deadline - time.monotonic()) > 0:
            sock.settimeout(left)
            data = sock.recv(65_535)
            if accept(data):
                return data
    return None


def _by_tcp(server: str, query: bytes, deadline: float, accept: Callable[[bytes], bool]) -> bytes | None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as sock:
        sock.settimeout(max(deadline - time.monotonic(), 0.001))
        sock.connect((server, DNS_PORT))
        sock.sendall(len(query).to_bytes(2, "big") + query)
        data = b""
        while (left := deadline - time.monotonic()) > 0:
            sock.settimeout(left)
            part = sock.recv(65_535)
            if not part:
                return None
            data += part
            if len(data) >= 2 and len(data) >= 2 + int.from_bytes(data[:2], "big"):
                message = data[2 : 2 + int.from_bytes(data[:2], "big")]
                return message if accept(message) else None
    return None
