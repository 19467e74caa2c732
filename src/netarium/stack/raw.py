"""Raw endpoints: whole IPv4 packets of one protocol, beside the transports.

Linux raw(7): a raw socket gets a copy of every packet of its protocol that is for this host, IP header included, and
sends what follows the IP header, which the stack makes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from netarium.errors import WireError
from netarium.journey import Drop
from netarium.stack.decisions import tell_route
from netarium.stack.failures import Failure
from netarium.stack.routes import BROADCAST
from netarium.wire.ethernet import ETHERTYPE_IPV4, Frame
from netarium.wire.ipv4 import DONT_FRAGMENT, PACKET_BYTES_MAX, Ipv4Header
from netarium.wire.packet import packet_bytes, parse_transport

if TYPE_CHECKING:
    from netarium.stack.interface import Interface
    from netarium.stack.stack import Stack

PROTOCOL_RAW: Final = 255
PACKET_OVERHEAD_BYTES: Final = 768
"""What a waiting packet counts beside its bytes (see udp.DATAGRAM_OVERHEAD_BYTES)."""


class RawEndpoint:
    """A raw socket's stack side. `on_change` is called when a packet has come."""

    __slots__ = (
        "broadcast", "closed", "header_included",
        "icmp_filter", "interface", "local_address", "multicast_interface", "multicast_loop",
        "multicast_ttl", "on_change", "protocol", "queue", "queued_bytes", "receive_buffer_bytes", "remote_address",
        "table", "tos", "ttl",
    )  # fmt: skip

    def __init__(self, table: Raw, protocol: int) -> None:
        self.table: Final = table
        self.protocol: Final = protocol
        self.local_address = self.remote_address = 0
        self.queue: Final[deque[tuple[bytes, int]]] = deque()
        self.queued_bytes = 0
        self.receive_buffer_bytes = table.stack.settings.rmem_default
        self.on_change: Callable[[], None] | None = None
        self.broadcast = False
        self.interface: Interface | None = None
        self.icmp_filter = 0
        """Linux ICMP_FILTER: a bit for each ICMP type this endpoint does not want."""
        self.ttl = -1
        self.multicast_interface: Interface | None = None
        self.multicast_ttl = 1  # RFC 1112 6.1
        self.multicast_loop = True
        self.tos = 0
        self.header_included = protocol == PROTOCOL_RAW
        """IP_HDRINCL: what is sent begins with its own IP header; so it is always for IPPROTO_RAW."""
        self.closed = False

    def bind(self, address: int) -> Failure | None:
        """Hear only packets to `address`, and send from it."""
        if address and not self.table.stack.is_local(address):
            return Failure.ADDRESS_NOT_AVAILABLE
        self.local_address = address
        return None

    def connect(self, address: int) -> Failure | None:
        """Hear only packets of `address` to the route's source, and send to it (Linux __ip4_datagram_connect)."""
        stack = self.table.stack
        route = stack.ipv4.route_for(address, self.local_address, self.interface)
        if route is None:
            return stack.routes.refusal(address)
        self.remote_address = address
        self.local_address = self.local_address or route.source
        return None

    def send(self, payload: bytes) -> Failure | None:
        """Send to the connected address."""
        if not self.remote_address:
            return Failure.DESTINATION_REQUIRED
        return self.send_to(payload, self.remote_address)

    def send_to(self, payload: bytes, address: int) -> Failure | None:
        """Send one packet that carries `payload`, which begins with the protocol's own header; fragments if needed."""
        if self.header_included:
            return self._send_whole(payload, address)
        stack = self.table.stack
        ip = stack.ipv4.output
        if len(payload) + 20 > PACKET_BYTES_MAX:
            return Failure.MESSAGE_TOO_LONG
        to_group = address >> 28 == 0xE
        by = self.interface or (self.multicast_interface if to_group else None)
        route = ip.route_for(address, self.local_address, by)
        if route is None:
            tell_route(stack, stack.routes, None, self.local_address, address, self.protocol, None)
            stack.drop(Drop.NO_ROUTE, None, "raw")
            return stack.routes.refusal(address)
        if route.kind == BROADCAST and not self.broadcast:
            return Failure.BROADCAST_NOT_ALLOWED
        size = len(payload) + 20
        header = Ipv4Header(
            self.local_address or route.source,
            address,
            self.protocol,
            self._ttl_to(to_group),
            ip.next_identification(),
            DONT_FRAGMENT if size <= route.mtu and not stack.settings.ip_no_pmtu_disc else 0,
            self.tos,
        )
        transport, rest, fault = parse_transport(header, payload)
        ip.multicast_loop = self.multicast_loop
        tell_route(stack, stack.routes, route, header.source, address, self.protocol, transport)
        failure = ip.send_built(Frame(0, 0, ETHERTYPE_IPV4, header, transport, rest, fault), size, route)
        ip.multicast_loop = True
        return failure

    def _send_whole(self, packet: bytes, address: int) -> Failure | None:
        """Send a packet that brings its own IP header (Linux raw(7), IP_HDRINCL).

        Length and checksum are always filled in, source and identification where they are 0; it is never fragmented.
        """
        stack = self.table.stack
        ip = stack.ipv4.output
        route = ip.route_for(address, self.local_address, self.interface)
        tell_route(stack, stack.routes, route, self.local_address, address, self.protocol, None)
        if route is None:
            stack.drop(Drop.NO_ROUTE, None, "raw")
            return stack.routes.refusal(address)
        if len(packet) > route.mtu:
            return Failure.MESSAGE_TOO_LONG
        filled = packet[:2] + len(packet).to_bytes(2, "big") + packet[4:]
        try:
            given = Ipv4Header.parse(filled)
        except WireError:
            return Failure.INVALID
        header = Ipv4Header(
            given.source or route.source,
            given.destination,
            given.protocol,
            given.ttl,
            given.identification or ip.next_identification(),
            given.fragment,
            given.tos,
            given.options,
        )
        transport, rest, fault = parse_transport(header, packet[given.size_bytes :])
        frame = Frame(0, 0, ETHERTYPE_IPV4, header, transport, rest, fault)
        return ip.send_built(frame, len(packet), route)

    def _ttl_to(self, to_group: bool) -> int:
        if to_group:
            return self.multicast_ttl
        return self.ttl if self.ttl >= 0 else self.table.stack.settings.ip_default_ttl

    def receive(self) -> tuple[bytes, int] | None:
        """(the whole packet, its source address) of the oldest that waits; None when there is none."""
        if not self.queue:
            return None
        packet, source = self.queue.popleft()
        self.queued_bytes -= len(packet) + PACKET_OVERHEAD_BYTES
        return packet, source

    def receive_packet(self, frame: Frame, interface: Interface) -> None:
        """A packet of this protocol has come to the host: keep a copy if it is one we want."""
        header = frame.network
        assert type(header) is Ipv4Header
        if self.local_address not in (0, header.destination) or self.remote_address not in (0, header.source):
            return
        if self.interface is not None and self.interface is not interface:
            return
        packet = packet_bytes(header, frame.transport, frame.payload)
        if self.icmp_filter and self.icmp_filter >> packet[header.size_bytes] & 1:
            return
        size = len(packet) + PACKET_OVERHEAD_BYTES
        if self.queue and self.queued_bytes + size > self.receive_buffer_bytes:
            self.table.stack.drop(Drop.RAW_BUFFER_FULL, frame, f"protocol {self.protocol}")
            return
        self.queued_bytes += size
        self.queue.append((packet, header.source))
        if self.on_change is not None:
            self.on_change()

    def close(self) -> None:
        """Hear nothing more."""
        if not self.closed:
            self.closed = True
            self.on_change = None
            self.table.forget(self)


class Raw:
    """The raw endpoints of one host, by protocol."""

    __slots__ = ("endpoints", "stack")

    def __init__(self, stack: Stack) -> None:
        self.stack: Final = stack
        self.endpoints: Final[dict[int, list[RawEndpoint]]] = {}

    def open(self, protocol: int) -> RawEndpoint:
        """A new endpoint for IP protocol `protocol`. Whether the program may is judged in `sockets`."""
        endpoint = RawEndpoint(self, protocol)
        self.endpoints.setdefault(protocol, []).append(endpoint)
        self._tell_input(protocol)
        return endpoint

    def forget(self, endpoint: RawEndpoint) -> None:
        """`endpoint` is closed."""
        self.endpoints[endpoint.protocol].remove(endpoint)
        self._tell_input(endpoint.protocol)

    def _tell_input(self, protocol: int) -> None:
        receivers = self.stack.ipv4.input.raw_receivers
        endpoints = self.endpoints[protocol]
        if endpoints:
            receivers[protocol] = [each.receive_packet for each in endpoints]
        else:
            receivers.pop(protocol, None)
