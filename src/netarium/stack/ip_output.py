"""IPv4 on the way out: route, source, header, fragments, next hop.

Read first: RFC 791 2.3 and 3.2, RFC 1122 3.2.1 and 3.3, RFC 6864 (identification).
`send_packet` is the way of every packet this host makes; `send_routed` is also the end of a forwarded packet's way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from zlib import crc32

from netarium.addresses import ipv4_text
from netarium.journey import Drop
from netarium.stack.decisions import tell_fragments, tell_route
from netarium.stack.failures import Failure, SendFailure
from netarium.stack.fragments import fragment_packet
from netarium.stack.routes import (
    BROADCAST,
    LOCAL,
    MULTICAST,
    UNICAST,
    MultipathRoute,
    Route,
    flow_hash,
    next_hops,
)
from netarium.wire.ethernet import ETHERTYPE_IPV4, FRAME_BYTES_MIN, HEADER_BYTES, MAC_BROADCAST, Frame
from netarium.wire.ipv4 import DONT_FRAGMENT, PACKET_BYTES_MAX, Ipv4Header

if TYPE_CHECKING:
    from netarium.stack.interface import Interface
    from netarium.stack.stack import Stack
    from netarium.wire.packet import TransportHeader

ALL_SYSTEMS_MAC_BASE: Final = 0x01005E000000
"""RFC 1112 6.4: the low 23 bits of the group go into this MAC."""


class Ipv4Output:
    """What leaves: `send_packet` for own packets, `send_routed` for any packet whose route is known."""

    __slots__ = (
        "flow_salt",
        "hooks",
        "identification",
        "multicast_loop",
        "routes",
        "sent",
        "settings",
        "stack",
    )

    def __init__(self, stack: Stack) -> None:
        self.stack: Final = stack
        self.routes: Final = stack.routes
        self.settings: Final = stack.settings
        self.hooks: Final = stack.hooks
        # RFC 6864 4.3 asks only that identifications of packets that may be fragmented do not repeat too soon.
        self.identification = stack.random.getrandbits(16)
        self.sent = 0
        self.flow_salt: Final = crc32(stack.name.encode())
        self.multicast_loop = True
        """Whether what is being sent to a group comes back to this host (IP_MULTICAST_LOOP); set around a send."""

    def route_for(
        self, destination: int, source: int = 0, interface: Interface | None = None
    ) -> Route | None:
        """The route to `destination`, with the address to send from in `route.source`; None when there is none.

        With `interface` (SO_BINDTODEVICE) only that interface's routes count, and without any the destination is taken
        to be on its link. A limited broadcast or multicast leaves by the interface that has `source` (Linux).
        """
        if interface is not None:
            return self._route_by(destination, source, interface)
        if source and (destination == 0xFFFFFFFF or destination >> 28 == 0xE):
            owner = self.stack.interface_with(source)
            if owner is not None:
                return self._route_by(destination, source, owner)
        route = self.routes.lookup(destination)
        if route is None or route.kind > MULTICAST:
            return self._balanced(route, source, destination)
        return route

    def _balanced(self, route: Route | None, source: int, destination: int) -> Route | None:
        """The next hop of a packet of this host, where there are several; None for a route that refuses."""
        if not isinstance(route, MultipathRoute):
            return None
        return route.choose(flow_hash(self.flow_salt, source or route.hops[0].source, destination))

    def _route_by(self, destination: int, source: int, interface: Interface) -> Route | None:
        if not interface.up:
            return None
        kind = UNICAST
        local = self.routes.local.get(destination)
        if local is not None and local.kind == LOCAL:
            return self.routes.lookup(destination)
        if destination == 0xFFFFFFFF or (local is not None and local.kind == BROADCAST):
            kind = BROADCAST
        elif destination >> 28 == 0xE:
            kind = MULTICAST
        else:
            for route in [hop for each in self.routes.candidates(destination) for hop in next_hops(each)]:
                if route.interface is interface:
                    mtu = route.mtu or interface.mtu
                    origin = source or route.source or interface.address_for(route.gateway or destination)
                    return Route(route.prefix, route.length, interface, route.gateway, origin, mtu)
        origin = source or interface.address_for(destination)
        return Route(destination, 32, interface, 0, origin, interface.mtu, 0, "device", kind)

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
        options: bytes = b"",
    ) -> SendFailure | None:
        """Send one packet. None when it is on its way, else why not; nothing is raised.

        `source` 0 takes the route's. With `dont_fragment` a packet over the route's MTU is MESSAGE_TOO_LONG, without
        it is cut into fragments. A next hop that does not answer comes back later as an ICMP error.
        """
        if route is None:
            route = self.route_for(destination, source)
            if route is None:
                return self._no_route(destination, source, protocol, transport)
        stack = self.stack
        if stack.watch.step is not None:
            tell_route(stack, self.routes, route, source, destination, protocol, transport)
        self.identification = identification = (self.identification + 1) & 0xFFFF
        header = Ipv4Header(
            source or route.source,
            destination,
            protocol,
            ttl if ttl >= 0 else self.settings.ip_default_ttl,
            identification,
            DONT_FRAGMENT if dont_fragment else 0,
            tos,
            options,
        )
        self.sent += 1
        size = header.size_bytes + len(payload)
        if transport is not None:
            size += transport.size_bytes
        if size > route.mtu or self.hooks.outgoing:
            return self.send_built(Frame(0, 0, ETHERTYPE_IPV4, header, transport, payload), size, route)
        if route.kind != UNICAST:
            self._send_unrouted(Frame(0, 0, ETHERTYPE_IPV4, header, transport, payload), route)
            return None
        interface = route.interface
        next_hop = route.gateway or destination
        neighbor = interface.neighbors.entries.get(next_hop)
        if neighbor is None or neighbor.usable_until_ns <= stack.now:
            frame = Frame(0, interface.mac, ETHERTYPE_IPV4, header, transport, payload)
            interface.neighbors.resolve(next_hop, frame)
            return None
        size += HEADER_BYTES
        if size < FRAME_BYTES_MIN:
            size = FRAME_BYTES_MIN
        frame = Frame(neighbor.mac, interface.mac, ETHERTYPE_IPV4, header, transport, payload, None, -1, size)
        transmit = interface.transmit
        if transmit is not None and interface.up and interface.taps is None:
            interface.frames_out += 1  # `Interface.send_frame`, written out: this is the hot path
            interface.bytes_out += size
            transmit(frame)
        else:
            interface.send_frame(frame)
        return None

    def next_identification(self) -> int:
        """The identification of the next packet."""
        self.identification = identification = (self.identification + 1) & 0xFFFF
        return identification

    def send_routed(self, frame: Frame, route: Route) -> None:
        """Give the packet in `frame` the MACs of its next hop and send it; it fits the MTU."""
        header = frame.network
        assert type(header) is Ipv4Header
        interface = route.interface
        if route.kind == UNICAST:
            next_hop = route.gateway or header.destination
            neighbor = interface.neighbors.entries.get(next_hop)
            if neighbor is None or neighbor.usable_until_ns <= self.stack.now:
                interface.neighbors.resolve(next_hop, frame)
                return
            interface.send_frame(frame.readdressed(neighbor.mac, interface.mac))
        else:
            self._send_unrouted(frame, route)

    def _send_unrouted(self, frame: Frame, route: Route) -> None:
        """To this host itself, or to a group: there is no next hop."""
        if route.kind == LOCAL:
            route.interface.send_frame(frame.readdressed(0, 0))
        else:
            self._send_to_group(frame, route)

    def _send_to_group(self, frame: Frame, route: Route) -> None:
        """Broadcast or multicast: to the link, and back to this host's own sockets (Linux ip_mc_output)."""
        header = frame.network
        assert type(header) is Ipv4Header
        interface = route.interface
        broadcast = route.kind == BROADCAST
        mac = MAC_BROADCAST if broadcast else multicast_mac(header.destination)
        frame = frame.readdressed(mac, interface.mac)
        if header.ttl or broadcast:  # RFC 1112 6.1: without a hop a multicast stays on the host
            interface.send_frame(frame)
        if not interface.is_loopback and (broadcast or (self.multicast_loop and mac in interface.groups)):
            self.stack.loopback.append((interface, frame))

    def send_fragments(self, frame: Frame, route: Route) -> None:
        """Cut the packet in `frame` to the route's MTU and send the pieces in order (RFC 791 3.2)."""
        pieces = fragment_packet(frame, route.mtu)
        if self.stack.watch.step is not None:
            tell_fragments(self.stack, "ipv4", route, route.mtu, pieces)
        for piece in pieces:
            self.send_routed(piece, route)

    def send_built(self, frame: Frame, size: int, route: Route) -> SendFailure | None:
        """Send the packet in `frame`, `size` bytes with its header: through the hooks, in fragments where it must be.

        The way of raw packets, and of those that are too large or that hooks look at. MACs of `frame` do not matter.
        """
        header = frame.network
        assert type(header) is Ipv4Header
        if size > PACKET_BYTES_MAX:
            return Failure.MESSAGE_TOO_LONG
        if size > route.mtu and header.fragment & DONT_FRAGMENT:
            return Failure.MESSAGE_TOO_LONG
        hooks = self.hooks
        if hooks.output is not None:
            judged = hooks.run(hooks.output, frame, None, route.interface)
            if judged is None:
                return Failure.PERMISSION
            if judged is not frame:
                frame = judged
                rerouted = self._reroute(frame, header)
                route = rerouted if rerouted is not None else route
        if hooks.postrouting is not None:
            judged = hooks.run(hooks.postrouting, frame, None, route.interface)
            if judged is None:
                return Failure.PERMISSION
            frame = judged
        if size > route.mtu:
            self.send_fragments(frame, route)
        else:
            self.send_routed(frame, route)
        return None

    def _reroute(self, frame: Frame, before: Ipv4Header) -> Route | None:
        """The route again, when a hook changed the destination (destination NAT of own packets)."""
        after = frame.network
        assert type(after) is Ipv4Header
        if after.destination == before.destination:
            return None
        return self.route_for(after.destination, after.source)

    def _no_route(
        self, destination: int, source: int, protocol: int, transport: TransportHeader | None
    ) -> SendFailure:
        tell_route(self.stack, self.routes, None, source, destination, protocol, transport)
        self.stack.drop(Drop.NO_ROUTE, None, f"to {ipv4_text(destination)}")
        return self.routes.refusal(destination)


def multicast_mac(group: int) -> int:
    """The MAC of an IPv4 multicast group (RFC 1112 6.4)."""
    return ALL_SYSTEMS_MAC_BASE | (group & 0x7FFFFF)
