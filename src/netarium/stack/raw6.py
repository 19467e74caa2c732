"""Raw endpoints of IPv6: what follows the headers of whole packets of one protocol.

Linux raw(7), ipv6(7), RFC 3542 3: unlike for IPv4 the header is not given, but to a socket of IPPROTO_RAW, or with
IPV6_HDRINCL; the checksum of ICMPv6 is made and checked here. A filter says which ICMPv6 types are not wanted.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from netarium.errors import WireError
from netarium.journey import Drop
from netarium.stack.decisions import tell_route
from netarium.stack.failures import Failure
from netarium.stack.ipv6_address import is_multicast, needs_link
from netarium.stack.raw import PROTOCOL_RAW
from netarium.stack.udp6 import Datagram6
from netarium.wire.ethernet import ETHERTYPE_IPV6, Frame
from netarium.wire.icmpv6 import Icmpv6Header
from netarium.wire.ipv6 import PAYLOAD_BYTES_MAX, PROTOCOL_ICMPV6, Ipv6Header
from netarium.wire.packet import TransportHeader, parse_transport, transport_bytes

if TYPE_CHECKING:
    from netarium.stack.interface import Interface
    from netarium.stack.ipv6 import Ipv6
    from netarium.stack.routes import Route

PACKET_OVERHEAD_BYTES: Final = 768


class RawEndpoint6:
    """A raw IPv6 socket's stack side. `icmp_filter` has a bit for each ICMPv6 type that is not wanted."""

    __slots__ = (
        "closed", "header_included", "hop_limit", "icmp_filter", "interface", "ip6", "local_address",
        "multicast_interface", "multicast_loop", "multicast_ttl", "on_change", "protocol", "queue", "queued_bytes",
        "receive_buffer_bytes", "remote_address", "traffic_class",
    )  # fmt: skip

    def __init__(self, ip6: Ipv6, protocol: int) -> None:
        self.ip6: Final = ip6
        self.protocol: Final = protocol
        self.local_address = self.remote_address = 0
        self.queue: Final[deque[Datagram6]] = deque()
        self.queued_bytes = 0
        self.receive_buffer_bytes = ip6.stack.settings.rmem_default
        self.on_change: Callable[[], None] | None = None
        self.interface: Interface | None = None
        self.multicast_interface: Interface | None = None
        self.icmp_filter = 0
        self.header_included = protocol == PROTOCOL_RAW
        """IPV6_HDRINCL: what is sent begins with its own IPv6 header; so it is always for IPPROTO_RAW."""
        self.hop_limit = self.multicast_ttl = -1
        self.multicast_loop = True
        self.traffic_class = 0
        self.closed = False
        ip6.input.raw_receivers.setdefault(protocol, []).append(self.receive_packet)

    def bind(self, address: int) -> Failure | None:
        """Hear only packets to `address`, and send from it."""
        if address and not is_multicast(address) and not self.ip6.is_local(address):
            return Failure.ADDRESS_NOT_AVAILABLE
        self.local_address = address
        return None

    def connect(self, address: int) -> Failure | None:
        """Hear only packets of `address`, and send to it."""
        route = self.ip6.route_for(address, self.local_address, self.interface)
        if route is None:
            stack = self.ip6.stack
            tell_route(stack, self.ip6.routes, None, self.local_address, address, self.protocol, None)
            return Failure.INVALID if needs_link(address) else self.ip6.routes.refusal(address)
        self.remote_address = address
        self.local_address = self.local_address or route.source
        return None

    def send_to(self, payload: bytes, address: int, interface: Interface | None = None) -> Failure | None:
        """Send one packet that carries `payload`; the checksum of an ICMPv6 message is filled in."""
        if len(payload) > PAYLOAD_BYTES_MAX:
            return Failure.MESSAGE_TOO_LONG
        to_group = is_multicast(address)
        by = interface or self.interface or (self.multicast_interface if to_group else None)
        source = 0 if is_multicast(self.local_address) else self.local_address
        route = self.ip6.route_for(address, source, by)
        if route is None:
            tell_route(self.ip6.stack, self.ip6.routes, None, source, address, self.protocol, None)
            self.ip6.stack.drop(Drop.NO_ROUTE, None, "raw")
            return Failure.INVALID if needs_link(address) else self.ip6.routes.refusal(address)
        if self.header_included:
            return self._send_whole(payload, route)
        transport: TransportHeader | None = None
        if self.protocol == PROTOCOL_ICMPV6:
            if len(payload) < 8:
                return Failure.INVALID
            transport, payload = Icmpv6Header.parse(payload), payload[8:]
        output = self.ip6.output
        output.multicast_loop = self.multicast_loop
        failure = output.send_packet(
            source,
            address,
            self.protocol,
            transport,
            payload,
            ttl=self.multicast_ttl if to_group else self.hop_limit,
            tos=self.traffic_class,
            dont_fragment=False,
            route=route,
        )
        output.multicast_loop = True
        return failure

    def _send_whole(self, packet: bytes, route: Route) -> Failure | None:
        """Send a packet that brings its own IPv6 header (Linux rawv6_send_hdrinc): as it is, never in fragments.

        Its payload length is filled in.
        """
        if len(packet) > route.mtu:
            return Failure.MESSAGE_TOO_LONG
        try:
            header = Ipv6Header.parse(packet)
        except WireError:
            return Failure.INVALID
        carried = packet[header.size_bytes :]
        transport, rest, fault = (
            (None, carried, None) if header.is_fragment else parse_transport(header, carried)
        )
        frame = Frame(0, 0, ETHERTYPE_IPV6, header, transport, rest, fault)
        return self.ip6.output.send_built(frame, len(packet), route, True)

    def receive(self) -> Datagram6 | None:
        """The oldest packet that waits; None when there is none."""
        if not self.queue:
            return None
        packet = self.queue.popleft()
        self.queued_bytes -= len(packet.payload) + PACKET_OVERHEAD_BYTES
        return packet

    def receive_packet(self, frame: Frame, interface: Interface) -> None:
        """A packet of this protocol has come to the host: keep a copy if it is one we want."""
        header, transport = frame.network, frame.transport
        if type(header) is not Ipv6Header:
            return
        if self.local_address not in (0, header.destination) or self.remote_address not in (0, header.source):
            return
        if self.interface is not None and self.interface is not interface:
            return
        if type(transport) is Icmpv6Header and self.icmp_filter >> transport.type & 1:
            return
        payload = transport_bytes(header, transport, frame.payload)
        size = len(payload) + PACKET_OVERHEAD_BYTES
        if self.queue and self.queued_bytes + size > self.receive_buffer_bytes:
            self.ip6.stack.drop(Drop.RAW_BUFFER_FULL, frame, f"protocol {self.protocol}")
            return
        self.queued_bytes += size
        self.queue.append(
            Datagram6(payload, header.source, 0, header.destination, interface, header.ttl, header.tos)
        )
        if self.on_change is not None:
            self.on_change()

    def close(self) -> None:
        """Hear nothing more."""
        if self.closed:
            return
        self.closed = True
        self.on_change = None
        receivers = self.ip6.input.raw_receivers
        receivers[self.protocol].remove(self.receive_packet)
        if not receivers[self.protocol]:
            del receivers[self.protocol]
