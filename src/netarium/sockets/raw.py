"""Raw IP sockets (raw(7)): root's, or those of a program with CAP_NET_RAW; ICMP datagram sockets are refused.

A raw socket receives whole packets, IP header included, and sends what follows the header.
"""

from __future__ import annotations

import errno
from typing import Any, Final

from netarium.addresses import ipv4_text
from netarium.engine.events import Engine
from netarium.sockets.base import AF_INET, SOCK_RAW, Credentials, Socket
from netarium.sockets.errno import failure_error, os_error
from netarium.sockets.multicast import Membership, leave_all, multicast
from netarium.sockets.options import Option, as_int, common
from netarium.sockets.readiness import IN, OUT, RDNORM, WRBAND, WRNORM
from netarium.stack.stack import Stack

SOL_RAW: Final = 255
ICMP_FILTER: Final = 1
IPPROTO_ICMP: Final = 1
IPPROTO_IP: Final = 0
IP_HDRINCL: Final = 3


def _write_filter(sock: Any, value: int | bytes) -> None:
    sock.endpoint.icmp_filter = as_int(value) & 0xFFFFFFFF


def _write_header_included(sock: Any, value: int | bytes) -> None:
    sock.endpoint.header_included = bool(as_int(value))


class RawSocket(Socket):
    """A raw socket of one program."""

    __slots__ = ("endpoint", "memberships", "peer_port")

    def __init__(self, credentials: Credentials, stack: Stack, engine: Engine, protocol: int) -> None:
        super().__init__(credentials, stack, engine, AF_INET, SOCK_RAW, protocol)
        self.endpoint = stack.raw.open(protocol)
        self.endpoint.on_change = self.changed
        self.memberships: list[Membership] = []
        self.peer_port = 0
        """What connect was told; it means nothing but that getpeername fails where it is 0."""

    def bind(self, address: int, port: int) -> None:
        """Hear only packets to this address; the port means nothing."""
        self.enter()
        failure = self.endpoint.bind(address)
        if failure is not None:
            raise failure_error(failure)

    def connect(self, address: int, port: int) -> bool:
        """Fix the peer."""
        self.enter()
        failure = self.endpoint.connect(address)
        if failure is not None:
            raise failure_error(failure)
        self.peer_port = port
        return True

    def name(self) -> tuple[int, int]:
        """(local address, protocol)."""
        return self.endpoint.local_address, self.protocol

    def peer_name(self) -> tuple[int, int]:
        """(remote address, the port that connect was told); ENOTCONN where that is 0, as on Linux."""
        if not self.endpoint.remote_address or not self.peer_port:
            raise os_error(errno.ENOTCONN)
        return self.endpoint.remote_address, self.peer_port

    def shutdown(self, receive: bool, send: bool) -> None:
        """Takes no effect on what a raw socket sends; ENOTCONN without a peer."""
        if not self.endpoint.remote_address:
            raise os_error(errno.ENOTCONN)

    def send(self, data: bytes | memoryview) -> int:
        """One packet to the fixed peer."""
        if not self.endpoint.remote_address:
            raise os_error(errno.EDESTADDRREQ)
        return self.send_to(bytes(data), self.endpoint.remote_address, 0)

    def send_to(self, data: bytes, address: int, port: int) -> int:
        """One packet to this address."""
        self.enter()
        failure = self.endpoint.send_to(data, address)
        self.stack.settle()
        if failure is not None:
            raise failure_error(failure)
        return len(data)

    def receive(self, count: int, peek: int = 0) -> bytes | None:
        """One packet, cut to `count` bytes."""
        found = self.receive_from(count, peek)
        return None if found is None else found[0]

    def receive_from(self, count: int, peek: int = 0) -> tuple[bytes, tuple[int, int]] | None:
        """(one packet cut to `count` bytes, (source, 0))."""
        endpoint = self.endpoint
        found = endpoint.queue[0] if peek and endpoint.queue else None if peek else endpoint.receive()
        return None if found is None else (found[0][:count], (found[1], 0))

    def close(self) -> None:
        """Hear nothing more."""
        leave_all(self.memberships)
        self.endpoint.close()

    def readiness(self) -> int:
        """The mask."""
        return OUT | WRNORM | WRBAND | (IN | RDNORM if self.endpoint.queue else 0)

    def settings_changed(self) -> None:
        """An option was set: the endpoint follows."""
        endpoint, settings = self.endpoint, self.settings
        endpoint.broadcast = bool(settings.broadcast)
        endpoint.receive_buffer_bytes = settings.receive_buffer_bytes
        endpoint.ttl = settings.ttl
        endpoint.tos = settings.tos
        endpoint.multicast_ttl = settings.multicast_ttl
        endpoint.multicast_loop = bool(settings.multicast_loop)
        endpoint.interface = self.stack.interfaces.get(settings.device.decode("ascii"))

    def describe(self, call: str = "") -> str:
        """`from 10.0.0.1`."""
        peer = self.endpoint.remote_address
        return f"from {ipv4_text(peer)}" if peer else f"IP protocol {self.protocol}"

    options: Final = {  # type: ignore[misc]
        **common(),
        **multicast(),
        (SOL_RAW, ICMP_FILTER): Option(lambda sock: sock.endpoint.icmp_filter, _write_filter),
        (IPPROTO_IP, IP_HDRINCL): Option(
            lambda sock: int(sock.endpoint.header_included), _write_header_included
        ),
    }
