"""Raw sockets of AF_INET6 (ipv6(7), RFC 3542 3): root's, or a program's whose file carries CAP_NET_RAW."""

from __future__ import annotations

import errno
import socket as constants
from typing import TYPE_CHECKING, Any, Final

from netarium.addresses import ipv6_text
from netarium.engine.events import Engine
from netarium.sockets import ancillary
from netarium.sockets.address6 import Address6, ipv6_of, scoped_interface, shown
from netarium.sockets.base import AF_INET6, SOCK_RAW, Credentials, Socket
from netarium.sockets.errno import failure_error, os_error
from netarium.sockets.groups6 import Membership6, groups_ipv6, leave_all6
from netarium.sockets.options import Option, as_int, common
from netarium.sockets.options6 import level_ipv6
from netarium.sockets.readiness import IN, OUT, RDNORM, WRBAND, WRNORM
from netarium.stack.ipv6_address import is_mapped, needs_link
from netarium.stack.raw6 import RawEndpoint6
from netarium.stack.stack import Stack

if TYPE_CHECKING:
    from netarium.stack.udp6 import Datagram6

ICMP6_FILTER: Final = 1
FILTER_BYTES: Final = 32
IPV6_HDRINCL: Final = 36


def _write_filter(sock: Any, value: int | bytes) -> None:
    """struct icmp6_filter: eight words in the machine's order, a set bit keeps a type away."""
    if isinstance(value, int) or len(value) < FILTER_BYTES:
        raise os_error(errno.EINVAL)
    sock.endpoint.icmp_filter = int.from_bytes(value[:FILTER_BYTES], "little")


def _write_header_included(sock: Any, value: int | bytes) -> None:
    sock.endpoint.header_included = bool(as_int(value))


class RawSocket6(Socket):
    """A raw IPv6 socket of one program."""

    __slots__ = ("_scope", "endpoint", "memberships6")

    def __init__(self, credentials: Credentials, stack: Stack, engine: Engine, protocol: int) -> None:
        super().__init__(credentials, stack, engine, AF_INET6, SOCK_RAW, protocol)
        self.endpoint = RawEndpoint6(ipv6_of(stack), protocol)
        self.endpoint.on_change = self.changed
        self.memberships6: list[Membership6] = []
        self._scope = self.endpoint.interface

    def bind(self, address: int, port: int, flow: int = 0, scope: int = 0) -> None:
        """Hear only packets to this address; the port means nothing."""
        self.enter()
        if is_mapped(address):
            raise os_error(errno.EADDRNOTAVAIL)
        by = scoped_interface(self.stack, address, scope)
        if needs_link(address) and by is None and self.endpoint.interface is None:
            raise os_error(errno.EINVAL)
        failure = self.endpoint.bind(address)
        if failure is not None:
            raise failure_error(failure)
        self._keep_scope(by)

    def connect(self, address: int, port: int, flow: int = 0, scope: int = 0) -> bool:
        """Fix the peer."""
        self.enter()
        self._keep_scope(scoped_interface(self.stack, address, scope))
        failure = self.endpoint.connect(address)
        if failure is not None:
            raise failure_error(failure)
        return True

    def _keep_scope(self, by: Any) -> None:
        if by is not None:
            self._scope = self.endpoint.interface = by

    def name(self) -> Address6:
        """(local address, protocol, 0, scope id)."""
        return shown(6, self.endpoint.local_address, self.protocol, self.endpoint.interface)

    def peer_name(self) -> Address6:
        """(remote address, 0, 0, scope id)."""
        if not self.endpoint.remote_address:
            raise os_error(errno.ENOTCONN)
        return shown(6, self.endpoint.remote_address, 0, self.endpoint.interface)

    def send(self, data: bytes | memoryview) -> int:
        """One packet to the fixed peer."""
        if not self.endpoint.remote_address:
            raise os_error(errno.EDESTADDRREQ)
        return self.send_to(bytes(data), self.endpoint.remote_address, 0)

    def send_to(self, data: bytes, address: int, port: int, flow: int = 0, scope: int = 0) -> int:
        """One packet to this address."""
        if is_mapped(address):
            raise os_error(errno.ENETUNREACH)
        self.enter()
        failure = self.endpoint.send_to(data, address, scoped_interface(self.stack, address, scope))
        self.stack.settle()
        if failure is not None:
            raise failure_error(failure)
        return len(data)

    def receive(self, count: int, peek: int = 0) -> bytes | None:
        """One packet's payload, cut to `count` bytes."""
        found = self.receive_from(count, peek)
        return None if found is None else found[0]

    def receive_from(self, count: int, peek: int = 0) -> tuple[bytes, Address6] | None:
        """(one packet's payload cut to `count` bytes, its source)."""
        found = self._next(peek)
        return None if found is None else (bytes(found.payload[:count]), self._source(found))

    def receive_ancillary(
        self, count: int, peek: int = 0
    ) -> tuple[bytes, Any, bool, list[tuple[int, int, bytes]]] | None:
        """(payload, source, whether it was longer, what the options ask to be told of it)."""
        found = self._next(peek)
        if found is None:
            return None
        data = bytes(found.payload[:count])
        told = ancillary.of_datagram(self, found)
        return data, self._source(found), len(found.payload) > count, told

    def _next(self, peek: int) -> Datagram6 | None:
        endpoint = self.endpoint
        if peek:
            return endpoint.queue[0] if endpoint.queue else None
        return endpoint.receive()

    @staticmethod
    def _source(packet: Datagram6) -> Address6:
        return shown(6, packet.source, 0, packet.interface)

    def close(self) -> None:
        """Hear nothing more."""
        leave_all6(self.memberships6)
        self.endpoint.close()

    def readiness(self) -> int:
        """The mask."""
        return OUT | WRNORM | WRBAND | (IN | RDNORM if self.endpoint.queue else 0)

    def settings_changed(self) -> None:
        """An option was set: the endpoint follows."""
        endpoint, settings = self.endpoint, self.settings
        endpoint.receive_buffer_bytes = settings.receive_buffer_bytes
        endpoint.hop_limit = settings.hop_limit
        endpoint.traffic_class = settings.traffic_class
        endpoint.multicast_ttl = settings.multicast_ttl
        endpoint.multicast_loop = bool(settings.multicast_loop)
        endpoint.interface = self.stack.interfaces.get(settings.device.decode("ascii")) or self._scope

    def describe(self, call: str = "") -> str:
        """`from 2001:db8::1`."""
        peer = self.endpoint.remote_address
        return f"from {ipv6_text(peer)}" if peer else f"IPv6 next header {self.protocol}"

    options: Final = {  # type: ignore[misc]
        **common(),
        **level_ipv6(),
        **groups_ipv6(),
        (constants.IPPROTO_ICMPV6, ICMP6_FILTER): Option(
            lambda sock: sock.endpoint.icmp_filter.to_bytes(FILTER_BYTES, "little"), _write_filter
        ),
        (constants.IPPROTO_IPV6, IPV6_HDRINCL): Option(
            lambda sock: int(sock.endpoint.header_included), _write_header_included
        ),
    }
