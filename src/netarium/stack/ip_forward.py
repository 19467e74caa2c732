"""Packets of others: what makes a host a router.

Read first: RFC 1812 5.2 and 5.3 (forwarding, TTL, fragmentation), RFC 1191 4. In Linux' order: route, TTL, MTU.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from netarium.addresses import ipv4_text
from netarium.journey import Drop
from netarium.stack.decisions import tell_forward
from netarium.stack.routes import BLACKHOLE, MULTICAST, PROHIBIT, UNICAST, MultipathRoute, Route, flow_hash
from netarium.stack.way import Way
from netarium.wire.ethernet import HEADER_BYTES, MAC_GROUP_BIT, Frame
from netarium.wire.icmp import (
    COMMUNICATION_PROHIBITED,
    DESTINATION_UNREACHABLE,
    FRAGMENTATION_NEEDED,
    HOST_UNREACHABLE,
    NETWORK_UNREACHABLE,
    TIME_EXCEEDED,
    TTL_EXCEEDED,
)
from netarium.wire.ipv4 import DONT_FRAGMENT, Ipv4Header
from netarium.wire.tcp import TcpHeader
from netarium.wire.udp import UdpHeader

if TYPE_CHECKING:
    from netarium.stack.interface import Interface
    from netarium.stack.ip_output import Ipv4Output
    from netarium.stack.stack import Stack

PRIVATE_PREFIXES: Final = (
    (0x0A000000, 0xFF000000),
    (0xAC100000, 0xFFF00000),
    (0xC0A80000, 0xFFFF0000),
)
"""RFC 1918: 10/8, 172.16/12, 192.168/16."""


def is_private(address: int) -> bool:
    """Whether `address` is one of RFC 1918's, which mean nothing on the public internet."""
    return any(address & mask == prefix for prefix, mask in PRIVATE_PREFIXES)


class Ipv4Forward:
    """Forwards while `net.ipv4.ip_forward` is 1. `public`: drop private destinations, as a provider's router does."""

    __slots__ = ("forwarded", "hooks", "output", "public", "routes", "settings", "stack")

    def __init__(self, stack: Stack, output: Ipv4Output) -> None:
        self.stack: Final = stack
        self.routes: Final = stack.routes
        self.settings: Final = stack.settings
        self.hooks: Final = stack.hooks
        self.output: Final = output
        self.public = False
        self.forwarded = 0

    def forward_packet(self, frame: Frame, header: Ipv4Header, interface: Interface) -> None:
        """Send a packet of others on its way, one hop less to live; or tell its sender why not."""
        if not self.settings.ip_forward or frame.destination & MAC_GROUP_BIT:
            self.stack.drop(Drop.IP_NOT_FOR_US, frame, f"for {ipv4_text(header.destination)}")
            return
        destination = header.destination
        found = route = self.routes.cache.get(destination) or self.routes.lookup(destination)
        if route is None or route.kind != UNICAST or self.public:
            route = self._judged(route, frame, header)
            if route is None:
                return
        if header.ttl <= 1:
            self.stack.drop(Drop.TTL_EXPIRED, frame, f"for {ipv4_text(header.destination)}")
            self.stack.icmp.send_error(frame, TIME_EXCEEDED, TTL_EXCEEDED)
            return
        if self.stack.watch.step is not None:
            tell_forward(self.stack, self.routes, route, destination, header.ttl)
        if (
            frame.size_bytes > route.mtu + HEADER_BYTES
            or route.interface is interface
            or self.hooks.forward is not None
            or self.hooks.postrouting is not None
        ):
            self._forward_specially(frame, header, interface, route)
            return
        self.forwarded += 1
        out = route.interface
        next_hop = route.gateway or destination
        neighbor = out.neighbors.entries.get(next_hop)
        if neighbor is not None and neighbor.usable_until_ns > self.stack.now:
            if route is found and self.hooks.idle and self.stack.watch.step is None:
                self.routes.note_trodden(header.source, destination, Way(interface, route, neighbor))
            out.send_frame(frame.forwarded(neighbor.mac, out.mac, header.forwarded()))
        else:
            out.neighbors.resolve(next_hop, frame.forwarded(0, 0, header.forwarded()))

    def _judged(self, route: Route | None, frame: Frame, header: Ipv4Header) -> Route | None:
        """No route, one that refuses, or a public router: the route if it may be used."""
        stack, destination = self.stack, header.destination
        if self.public and is_private(destination):
            stack.drop(Drop.PRIVATE_ON_PUBLIC, frame, f"for {ipv4_text(destination)}")
            return None
        if route is not None and route.kind == UNICAST:
            return route
        if isinstance(route, MultipathRoute):
            return self._balanced(route, frame, header)
        stack.drop(Drop.NO_ROUTE, frame, f"for {ipv4_text(destination)}")
        if route is None:
            stack.icmp.send_error(frame, DESTINATION_UNREACHABLE, NETWORK_UNREACHABLE)
        elif route.kind == PROHIBIT:
            stack.icmp.send_error(frame, DESTINATION_UNREACHABLE, COMMUNICATION_PROHIBITED)
        elif route.kind > MULTICAST and route.kind != BLACKHOLE:
            stack.icmp.send_error(frame, DESTINATION_UNREACHABLE, HOST_UNREACHABLE)
        return None

    def _balanced(self, route: MultipathRoute, frame: Frame, header: Ipv4Header) -> Route:
        """One of several next hops, by the flow (RFC 2992): its addresses, or with hash policy 1 its ports too."""
        ports = 0
        transport = frame.transport
        if self.settings.fib_multipath_hash_policy and isinstance(transport, TcpHeader | UdpHeader):
            ports = transport.source_port << 16 | transport.destination_port
        protocol = header.protocol if ports else 0
        salt = self.output.flow_salt
        return route.choose(flow_hash(salt, header.source, header.destination, protocol, ports))

    def _redirect(self, frame: Frame, header: Ipv4Header, interface: Interface, route: Route) -> None:
        """The next hop is on the sender's own link: it could go there itself (RFC 1812 5.2.7.2)."""
        sender = self.routes.lookup(header.source)
        if (
            self.settings.conf_send_redirects
            and sender is not None
            and sender.kind == UNICAST
            and not sender.gateway
            and sender.interface is interface
        ):
            self.stack.icmp.send_redirect(frame, route.gateway or header.destination)

    def _forward_specially(
        self, frame: Frame, header: Ipv4Header, interface: Interface, route: Route
    ) -> None:
        """Through hooks, larger than the next link carries, or back to where it came from."""
        if route.interface is interface and self.hooks.prerouting is None:
            self._redirect(frame, header, interface, route)
        size = frame.size_bytes - HEADER_BYTES
        if size > route.mtu and header.fragment & DONT_FRAGMENT:
            self.stack.drop(
                Drop.FRAGMENTATION_NEEDED, frame, f"{size} bytes, {route.interface.name} {route.mtu}"
            )
            self.stack.icmp.send_error(frame, DESTINATION_UNREACHABLE, FRAGMENTATION_NEEDED, route.mtu)
            return
        judged: Frame | None = frame.forwarded(0, 0, header.forwarded())
        for chain in (self.hooks.forward, self.hooks.postrouting):
            if chain is not None and judged is not None:
                judged = self.hooks.run(chain, judged, interface, route.interface)
        if judged is None:
            return
        self.forwarded += 1
        if size > route.mtu:
            self.output.send_fragments(judged, route)
        else:
            self.output.send_routed(judged, route)
