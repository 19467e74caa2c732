"""Endpoints of UDP: what a socket holds on the stack's side, and the datagrams it has received.

Read first: RFC 768, RFC 1122 4.1; Linux udp_sendmsg. A receive buffer counts each datagram with
`DATAGRAM_OVERHEAD_BYTES`, about what Linux' sk_buff takes, so that as on Linux many small ones fill it early.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar, Final

from netarium.addresses import ipv4_text
from netarium.journey import Drop, Stop
from netarium.stack.decisions import tell_route
from netarium.stack.error_queue import ErrorQueue, TooLongHere
from netarium.stack.failures import Failure
from netarium.stack.ports import Binding
from netarium.stack.routes import BROADCAST, UNICAST, Route
from netarium.wire.udp import UdpHeader

if TYPE_CHECKING:
    from netarium.stack.interface import Interface
    from netarium.stack.udp import Udp
    from netarium.wire.udplite import UdpLiteHeader

DATAGRAM_BYTES_MAX: Final = 65507
"""65535 less 20 bytes of IPv4 and 8 of UDP header."""
UDP_HEADERS_BYTES: Final = 28
# IP_MTU_DISCOVER (ip(7)): never DF; DF on what fits, the rest in fragments; always DF; the same, paths not looked at.
DONT: Final = 0
WANT: Final = 1
DO: Final = 2
PROBE: Final = 3
INTERFACE: Final = 4
"""IP_PMTUDISC_INTERFACE: what the link carries and no DF bit; IP_PMTUDISC_OMIT (5) may be fragmented too."""
DATAGRAM_OVERHEAD_BYTES: Final = 768
"""Linux on x86-64: sk_buff 256 and skb_shared_info 320 bytes, and the data area rounded up; drivers differ."""


class Datagram:
    """One received datagram: where it came from, where it went to, by which interface, and what it says."""

    __slots__ = ("destination", "interface", "payload", "source", "source_port", "tos", "ttl")

    version: ClassVar[int] = 4

    def __init__(
        self,
        payload: bytes | memoryview,
        source: int,
        source_port: int,
        destination: int,
        interface: Interface,
        ttl: int,
        tos: int = 0,
    ) -> None:
        self.payload: Final = payload
        self.source: Final = source
        self.source_port: Final = source_port
        self.destination: Final = destination
        self.interface: Final = interface
        self.ttl: Final = ttl
        self.tos: Final = tos


class UdpEndpoint:
    """A UDP socket's stack side. Addresses are ints, 0 for any. `on_change` is called when something has come.

    `broadcast` is SO_BROADCAST, `all_errors` IP_RECVERR, `interface` SO_BINDTODEVICE, `receive_buffer_bytes` what
    SO_RCVBUF reads (Linux doubles what is asked for; `sockets` does that). `ttl` -1 is the host's default.
    """

    __slots__ = (
        "all_errors", "binding", "binds_anywhere", "broadcast", "closed", "error", "errors", "interface",
        "local_address", "local_port", "multicast_interface", "multicast_loop", "multicast_ttl",
        "on_change", "path_mtu_discovery", "protocol", "queue", "queued_bytes", "receive_buffer_bytes",
        "remote_address", "remote_port", "reuse_address", "reuse_port", "route", "route_generation", "tos",
        "ttl", "uid",
    )  # fmt: skip

    def __init__(self, protocol: Udp) -> None:
        self.protocol: Final = protocol
        self.local_address = self.local_port = 0
        self.remote_address = self.remote_port = 0
        self.binding: Binding | None = None
        self.queue: Final[deque[Datagram]] = deque()
        self.queued_bytes = 0
        self.receive_buffer_bytes = protocol.stack.settings.rmem_default
        self.error: Failure | None = None
        self.on_change: Callable[[], None] | None = None
        self.broadcast = self.all_errors = self.binds_anywhere = False
        self.errors: ErrorQueue | None = None
        """What `all_errors` has kept for MSG_ERRQUEUE; None while there was nothing."""
        self.path_mtu_discovery = WANT
        self.reuse_address = self.reuse_port = False
        self.uid = 0
        self.interface: Interface | None = None
        self.ttl = -1
        self.multicast_ttl = 1  # RFC 1112 6.1
        self.multicast_loop = True
        self.multicast_interface: Interface | None = None
        self.tos = 0
        self.closed = False
        self.route: Route | None = None
        """The connected peer's, as of `route_generation`."""
        self.route_generation = -1

    def bind(self, address: int, port: int) -> Failure | None:
        """Take a local address (0: all) and port (0: an ephemeral one)."""
        if self.binding is not None:
            return Failure.INVALID
        claim = self.protocol.bindings.bind(
            self,
            address,
            port,
            reuse_address=self.reuse_address,
            reuse_port=self.reuse_port,
            uid=self.uid,
            anywhere=self.binds_anywhere,
        )
        if isinstance(claim, Failure):
            return claim
        self.binding = claim
        self.local_address = address
        self.local_port = claim.port
        self.protocol.by_port.setdefault(claim.port, []).append(self)
        return None

    def connect(self, address: int, port: int) -> Failure | None:
        """Speak to one peer only, and hear only it; its ICMP errors come to this endpoint (RFC 1122 4.1.3.3)."""
        if address == 0:
            address = 0x7F000001  # Linux: connecting to 0.0.0.0 is connecting to this host
        route = self.protocol.stack.ipv4.route_for(address, self.local_address, self.interface)
        if route is None:
            stack = self.protocol.stack
            tell_route(stack, stack.routes, None, self.local_address, address, self.protocol.number, None)
            return stack.routes.refusal(address)
        if route.kind == BROADCAST and not self.broadcast:
            return Failure.BROADCAST_NOT_ALLOWED
        if self.binding is None:
            failure = self.bind(0, 0)
            if failure is not None:
                return failure
        if self.local_address == 0:
            self.local_address = route.source
        self.remote_address, self.remote_port = address, port
        self.route, self.route_generation = route, self.protocol.stack.routes.generation
        return None

    def disconnect(self) -> None:
        """Hear everybody again (connect with AF_UNSPEC)."""
        self.remote_address = self.remote_port = 0
        self.route = None
        if self.binding is not None:
            self.local_address = self.binding.address

    def send(self, payload: bytes) -> Failure | None:
        """Send one datagram to the connected peer."""
        if not self.remote_port:
            return Failure.DESTINATION_REQUIRED
        return self.send_to(payload, self.remote_address, self.remote_port)

    def send_to(self, payload: bytes, address: int, port: int) -> Failure | None:
        """Send one datagram of up to 65,507 bytes. A pending ICMP error is reported, and taken, first (as on Linux)."""
        if self.error is not None:
            return self.take_error()
        if len(payload) > DATAGRAM_BYTES_MAX:
            return Failure.MESSAGE_TOO_LONG
        if port == 0:
            return Failure.INVALID
        stack = self.protocol.stack
        if address == 0:
            address = 0x7F000001
        if address == self.remote_address and self.route_generation == stack.routes.generation:
            route = self.route
        else:
            route = self._route_to(address)
            if address == self.remote_address:
                self.route, self.route_generation = route, stack.routes.generation
        if route is None:
            tell_route(stack, stack.routes, None, self.local_address, address, self.protocol.number, None)
            stack.drop(Drop.NO_ROUTE, None, f"to {ipv4_text(address)}")
            return stack.routes.refusal(address)
        if route.kind == BROADCAST and not self.broadcast:
            return Failure.BROADCAST_NOT_ALLOWED
        if self.path_mtu_discovery >= PROBE:
            route = beyond_path_mtu(route)
            if self.path_mtu_discovery == INTERFACE and len(payload) + UDP_HEADERS_BYTES > route.mtu:
                self.note_too_long(address, port, route.mtu, 4)
                return Failure.MESSAGE_TOO_LONG
        if self.binding is None:
            failure = self.bind(0, 0)
            if failure is not None:
                return failure
        source = self.local_address
        if source >> 28 >= 0xE:
            source = 0  # bound to a group to hear it: that is no address to speak from
        if stack.watch.step is not None:
            subject = f"udp {ipv4_text(source or route.source)}:{self.local_port}>{ipv4_text(address)}:{port}"
            stack.watch.step(stack.now, stack.name, Stop.DATAGRAM, subject, {"payload_bytes": len(payload)})
        self.protocol.datagrams_out += 1
        stack.ipv4.output.multicast_loop = self.multicast_loop
        send_packet = stack.ipv4.send_packet
        failure = send_packet(
            source,
            address,
            self.protocol.number,
            self.header_to(port, len(payload)),
            payload,
            self.multicast_ttl if address >> 28 == 0xE else self.ttl,
            self.tos,
            len(payload) + UDP_HEADERS_BYTES <= route.mtu
            if self.path_mtu_discovery == WANT
            else self.path_mtu_discovery in (DO, PROBE),
            route,
        )
        stack.ipv4.output.multicast_loop = True
        if failure is not None and failure is Failure.MESSAGE_TOO_LONG:  # members of an Enum are read slowly
            self.note_too_long(address, port, route.mtu, 4)
        return failure

    def note_too_long(self, address: int, port: int, mtu: int, version: int) -> None:
        """Say in the error queue what would have fitted, to one that asked for all (Linux ip_local_error)."""
        if self.all_errors:
            if self.errors is None:
                self.errors = ErrorQueue()
            self.errors.add(TooLongHere(address, port, mtu, version))

    def header_to(self, port: int, payload_bytes: int) -> UdpHeader | UdpLiteHeader:
        """The header of a datagram to `port`."""
        return UdpHeader(self.local_port, port)

    def _route_to(self, address: int) -> Route | None:
        by = self.interface
        if by is None and address >> 28 == 0xE:
            by = self.multicast_interface
        return self.protocol.stack.ipv4.route_for(address, self.local_address, by)

    def receive(self) -> Datagram | None:
        """The oldest datagram; None when there is none."""
        if not self.queue:
            return None
        datagram = self.queue.popleft()
        self.queued_bytes -= len(datagram.payload) + DATAGRAM_OVERHEAD_BYTES
        return datagram

    def peek(self) -> Datagram | None:
        """The oldest datagram, left where it is (MSG_PEEK)."""
        return self.queue[0] if self.queue else None

    def take_error(self) -> Failure | None:
        """The pending error, which is then no more (SO_ERROR)."""
        error, self.error = self.error, None
        return error

    def close(self) -> None:
        """Give the port back; what has not been read is gone."""
        if self.closed:
            return
        self.closed = True
        self.on_change = None
        self.queue.clear()
        self.queued_bytes = 0
        if self.binding is not None:
            self.protocol.forget(self)


def beyond_path_mtu(route: Route) -> Route:
    """The route as if nothing were known of the path: for those who look for its MTU themselves (IP_PMTUDISC_PROBE)."""
    if route.kind != UNICAST or route.mtu == route.interface.mtu:
        return route
    return route.with_path(route.gateway, route.interface.mtu)
