"""IPv6 on the way out: route, source, header, fragments, next hop.

Read first: RFC 8200 3 and 4.5, RFC 4007 (a link-local destination needs an interface), RFC 6724 (source). The face is
that of `ip_output`: transports call either.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from netarium.addresses import ipv6_text
from netarium.journey import Drop
from netarium.stack.decisions import tell_fragments, tell_route
from netarium.stack.failures import Failure, SendFailure
from netarium.stack.ipv6_address import group_mac, is_multicast, needs_link
from netarium.stack.ipv6_fragments import fragment_packet
from netarium.stack.ipv6_routes import Ipv6Route
from netarium.stack.routes import LOCAL, MULTICAST, UNICAST, Route
from netarium.wire.ethernet import ETHERTYPE_IPV6, Frame
from netarium.wire.ipv6 import PAYLOAD_BYTES_MAX, SIZE_BYTES, Ipv6Header

if TYPE_CHECKING:
    from netarium.stack.interface import Interface
    from netarium.stack.ipv6 import Ipv6
    from netarium.wire.packet import TransportHeader


class Ipv6Output:
    """What leaves: `send_packet` for own packets, `send_routed` for any packet whose route is known."""

    __slots__ = ("hooks", "identification", "ipv6", "multicast_loop", "routes", "sent", "settings", "stack")

    def __init__(self, ipv6: Ipv6) -> None:
        self.ipv6: Final = ipv6
        self.stack: Final = ipv6.stack
        self.hooks: Final = ipv6.stack.hooks.ipv6
        self.routes: Final = ipv6.routes
        self.settings: Final = ipv6.stack.settings
        self.identification = ipv6.stack.random.getrandbits(32)
        self.sent = 0
        self.multicast_loop = True
        """Whether what is being sent to a group comes back to this host (IPV6_MULTICAST_LOOP); set around a send."""

    def route_for(
        self, destination: int, source: int = 0, interface: Interface | None = None
    ) -> Route | None:
        """The route to `destination`, with the address to send from in `route.source`; None when there is none.

        A destination that means something only on a link needs `interface`, or a link-local `source`, which names one.
        """
        if needs_link(destination):
            own = self.routes.local.get(destination)
            if own is not None:
                return own
            if interface is None and source:
                interface = self.ipv6.interface_with(source)
            if interface is None and is_multicast(destination):
                interface = self.ipv6.default_interface()
        if interface is not None:
            return self._route_by(destination, source, interface)
        route = self.routes.lookup(destination)
        if route is None and is_multicast(destination):
            by = self.ipv6.default_interface()
            return None if by is None else self._route_by(destination, source, by)
        if route is None or route.kind > MULTICAST or needs_link(destination):
            return None
        return route

    def _route_by(self, destination: int, source: int, interface: Interface) -> Route | None:
        on_link = interface.ipv6
        if not interface.up or on_link is None:
            return None
        local = self.routes.local.get(destination)
        if local is not None:
            return local
        kind = MULTICAST if is_multicast(destination) else UNICAST
        origin = source or self.ipv6.select_source(destination, interface)
        if not needs_link(destination) and kind == UNICAST:
            for route in self.routes.candidates(destination):
                if route.interface is interface:
                    return Ipv6Route(
                        route.prefix, route.length, interface, route.gateway, origin, route.mtu or on_link.mtu
                    )
        return Ipv6Route(destination, 128, interface, 0, origin, on_link.mtu, 0, "device", kind)

    def send_packet(
        self,
        source: int,
        destination: int,
        protocol: int,
        transport: TransportHeader | None,
        payload: bytes | memoryview,
        ttl: int = -1,
        tos: int = 0,
        dont_fragment: bool = True,
        route: Route | None = None,
        *,
        first: int = -1,
        extensions: bytes = b"",
        flow_label: int = 0,
    ) -> SendFailure | None:
        """Send one packet. None when it is on its way, else why not; nothing is raised.

        `source` 0 takes the route's. With `dont_fragment` a packet over the route's MTU is MESSAGE_TOO_LONG, without
        it is cut into fragments. `extensions` (and `first`, the type of their first) go between the headers.
        """
        if route is None:
            route = self.route_for(destination, source)
            if route is None:
                return self._no_route(destination, source, protocol, transport)
        if self.stack.watch.step is not None:
            tell_route(self.stack, self.ipv6.routes, route, source, destination, protocol, transport)
        source = source or route.source
        if not source and route.kind != MULTICAST:
            self.stack.drop(Drop.NO_ADDRESS, None, f"no source for {ipv6_text(destination)}")
            return Failure.ADDRESS_NOT_AVAILABLE
        header = Ipv6Header(
            source,
            destination,
            protocol,
            ttl if ttl >= 0 else self._hop_limit(route),
            tos,
            flow_label,
            first,
            extensions,
        )
        self.sent += 1
        size = header.size_bytes + len(payload)
        if transport is not None:
            size += transport.size_bytes
        frame = Frame(0, 0, ETHERTYPE_IPV6, header, transport, payload)
        return self.send_built(frame, size, route, dont_fragment)

    def _hop_limit(self, route: Route) -> int:
        if route.kind == MULTICAST:
            return 1
        on_link = route.interface.ipv6
        if on_link is not None and on_link.hop_limit:
            return on_link.hop_limit
        return self.settings.ipv6_hop_limit

    def send_built(self, frame: Frame, size: int, route: Route, dont_fragment: bool) -> SendFailure | None:
        """Send the packet in `frame`, `size` bytes with its header: by the hooks, in fragments where it must be."""
        if self.hooks.outgoing and (size <= route.mtu or not dont_fragment):
            judged = self._judged(frame, route)
            if judged is None:
                return Failure.PERMISSION
            frame = judged
        if size <= route.mtu:
            self.send_routed(frame, route)
            return None
        if dont_fragment or size > SIZE_BYTES + PAYLOAD_BYTES_MAX:
            return Failure.MESSAGE_TOO_LONG
        self.identification = (self.identification + 1) & 0xFFFFFFFF
        self.send_fragments(frame, route, route.mtu, self.identification)
        return None

    def _judged(self, frame: Frame, route: Route) -> Frame | None:
        """What the hooks leave of a packet of this host; None when one has dropped it."""
        judged: Frame | None = frame
        for chain in (self.hooks.output, self.hooks.postrouting):
            if chain is not None and judged is not None:
                judged = self.hooks.run(chain, judged, None, route.interface)
        return judged

    def send_fragments(self, frame: Frame, route: Route, mtu: int, identification: int) -> None:
        """Cut the packet in `frame` to `mtu` and send the pieces in order (RFC 8200 4.5)."""
        pieces = fragment_packet(frame, mtu, identification)
        if self.stack.watch.step is not None:
            tell_fragments(self.stack, "ipv6", route, mtu, pieces)
        for piece in pieces:
            self.send_routed(piece, route)

    def send_routed(self, frame: Frame, route: Route) -> None:
        """Give the packet in `frame` the MACs of its next hop and send it; it fits the MTU."""
        header = frame.network
        assert type(header) is Ipv6Header
        interface = route.interface
        if route.kind == UNICAST:
            next_hop = route.gateway or header.destination
            neighbors = interface.ipv6.neighbors if interface.ipv6 is not None else None
            if neighbors is None:
                self.stack.drop(Drop.IPV6_DISABLED, frame, interface.name)
                return
            neighbor = neighbors.entries.get(next_hop)
            if neighbor is not None and neighbor.usable_until_ns > self.stack.now:
                interface.send_frame(frame.readdressed(neighbor.mac, interface.mac))
            else:
                neighbors.resolve(next_hop, frame)
        elif route.kind == LOCAL:
            interface.send_frame(frame.readdressed(0, 0))
        else:
            self._send_to_group(frame, header, interface)

    def _send_to_group(self, frame: Frame, header: Ipv6Header, interface: Interface) -> None:
        """To the link, unless scope or hop limit keep it here, and back to this host's own sockets."""
        group = header.destination
        if interface.is_loopback:
            interface.send_frame(frame.readdressed(0, 0))
            return
        frame = frame.readdressed(group_mac(group), interface.mac)
        if group >> 112 & 0xF > 1 and header.ttl:
            interface.send_frame(frame)
        on_link = interface.ipv6
        if self.multicast_loop and on_link is not None and group in on_link.groups:
            self.stack.loopback.append((interface, frame))

    def _no_route(
        self, destination: int, source: int, protocol: int, transport: TransportHeader | None
    ) -> SendFailure:
        tell_route(self.stack, self.ipv6.routes, None, source, destination, protocol, transport)
        self.stack.drop(Drop.NO_ROUTE, None, f"to {ipv6_text(destination)}")
        if needs_link(destination):
            return Failure.INVALID  # Linux: a link-local address without scope id
        return self.routes.refusal(destination)
