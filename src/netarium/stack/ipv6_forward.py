"""IPv6 packets of others: what makes a host a router.

Read first: RFC 8200 3 and 5, RFC 4443 3, RFC 4007 9, RFC 4861 8.2 (redirects). Routers never fragment.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from netarium.addresses import ipv6_text
from netarium.journey import Drop
from netarium.stack.decisions import tell_forward
from netarium.stack.icmp_limit import RateLimit
from netarium.stack.ipv6_address import is_link_local
from netarium.stack.routes import BLACKHOLE, MULTICAST, PROHIBIT, UNICAST
from netarium.wire.ethernet import HEADER_BYTES, MAC_GROUP_BIT, Frame
from netarium.wire.icmpv6 import (
    ADDRESS_UNREACHABLE,
    BEYOND_SCOPE,
    DESTINATION_UNREACHABLE,
    HOP_LIMIT_EXCEEDED,
    NO_ROUTE,
    PACKET_TOO_BIG,
    PROHIBITED,
    REDIRECT,
    TIME_EXCEEDED,
    Icmpv6Header,
)
from netarium.wire.ipv6 import MTU_MIN, SIZE_BYTES, Ipv6Header
from netarium.wire.ndp import REDIRECTED_HEADER, TARGET_LINK_ADDRESS, emit_options
from netarium.wire.packet import packet_bytes

if TYPE_CHECKING:
    from netarium.stack.interface import Interface
    from netarium.stack.ipv6 import Ipv6
    from netarium.stack.routes import Route

REDIRECT_INTERVAL_MS: Final = 1000


class Ipv6Forward:
    """Forwards while `net.ipv6.conf.all.forwarding` is 1."""

    __slots__ = ("forwarded", "hooks", "ipv6", "redirect_limit", "stack")

    def __init__(self, ipv6: Ipv6) -> None:
        self.ipv6: Final = ipv6
        self.stack: Final = ipv6.stack
        self.hooks: Final = ipv6.stack.hooks.ipv6
        self.redirect_limit: Final = RateLimit(ipv6.stack)
        self.forwarded = 0

    def forward_packet(self, frame: Frame, header: Ipv6Header, interface: Interface) -> None:
        """Send a packet of others on its way, one hop less to live; or tell its sender why not."""
        stack, destination = self.stack, header.destination
        if not stack.settings.ipv6_forwarding or frame.destination & MAC_GROUP_BIT:
            stack.drop(Drop.IP_NOT_FOR_US, frame, f"for {ipv6_text(destination)}")
            return
        icmp = self.ipv6.icmp
        if is_link_local(destination) or is_link_local(header.source) or header.source == 0:
            stack.drop(
                Drop.BEYOND_SCOPE, frame, f"from {ipv6_text(header.source)} to {ipv6_text(destination)}"
            )
            if not is_link_local(destination):
                icmp.send_error(frame, DESTINATION_UNREACHABLE, BEYOND_SCOPE, 0, interface)
            return
        route = self.ipv6.routes.lookup(destination)
        if route is None or route.kind != UNICAST:
            self._refuse(route, frame, interface)
            return
        if header.ttl <= 1:
            stack.drop(Drop.TTL_EXPIRED, frame, f"for {ipv6_text(destination)}")
            icmp.send_error(frame, TIME_EXCEEDED, HOP_LIMIT_EXCEEDED, 0, interface)
            return
        if stack.watch.step is not None:
            tell_forward(stack, self.ipv6.routes, route, destination, header.ttl)
        size = frame.size_bytes - HEADER_BYTES
        if size > route.mtu and self.hooks.reassembled < 0:
            stack.drop(Drop.PACKET_TOO_BIG, frame, f"{size} bytes, {route.interface.name} {route.mtu}")
            icmp.send_error(frame, PACKET_TOO_BIG, 0, route.mtu, interface)
            return
        if route.interface is interface and self.hooks.prerouting is None:
            self._redirect(frame, header, interface, route)
        forwarded = frame.forwarded(0, 0, header.forwarded())
        if self.hooks.forward is not None or self.hooks.postrouting is not None:
            self._forward_judged(forwarded, size, interface, route)
            return
        self.forwarded += 1
        self.ipv6.output.send_routed(forwarded, route)

    def _forward_judged(self, frame: Frame, size: int, interface: Interface, route: Route) -> None:
        """Through the hooks. What came in fragments, and was put together for them, leaves in fragments again."""
        hooks = self.hooks
        judged: Frame | None = frame
        for chain in (hooks.forward, hooks.postrouting):
            if chain is not None and judged is not None:
                judged = hooks.run(chain, judged, interface, route.interface)
        if judged is None:
            return
        self.forwarded += 1
        if size > MTU_MIN and hooks.reassembled >= 0:
            self.ipv6.output.send_fragments(judged, route, MTU_MIN, hooks.reassembled)
        else:
            self.ipv6.output.send_routed(judged, route)

    def _refuse(self, route: Route | None, frame: Frame, interface: Interface) -> None:
        """No route, or one that says no."""
        header = frame.network
        assert type(header) is Ipv6Header
        self.stack.drop(Drop.NO_ROUTE, frame, f"for {ipv6_text(header.destination)}")
        icmp = self.ipv6.icmp
        if route is None:
            icmp.send_error(frame, DESTINATION_UNREACHABLE, NO_ROUTE, 0, interface)
        elif route.kind == PROHIBIT:
            icmp.send_error(frame, DESTINATION_UNREACHABLE, PROHIBITED, 0, interface)
        elif route.kind > MULTICAST and route.kind != BLACKHOLE:
            icmp.send_error(frame, DESTINATION_UNREACHABLE, ADDRESS_UNREACHABLE, 0, interface)

    def _redirect(self, frame: Frame, header: Ipv6Header, interface: Interface, route: Route) -> None:
        """The sender is on the link of the next hop: tell it to go there itself (RFC 4861 8.2)."""
        on_link = interface.ipv6
        sender = self.ipv6.routes.lookup(header.source)
        if (
            on_link is None
            or not self.stack.settings.conf_send_redirects
            or sender is None
            or sender.gateway
            or sender.interface is not interface
            or (route.gateway and not is_link_local(route.gateway))
            or not on_link.link_local
            or not self.redirect_limit.allows(header.source, REDIRECT_INTERVAL_MS)
        ):
            return
        target = route.gateway or header.destination
        quote = packet_bytes(header, frame.transport, frame.payload)
        quote = quote[: MTU_MIN - SIZE_BYTES - 8 - 32 - 16 & ~7]
        known = on_link.neighbors.entries.get(target)
        options = []
        if known is not None and known.mac:
            options.append((TARGET_LINK_ADDRESS, known.mac.to_bytes(6, "big")))
        options.append((REDIRECTED_HEADER, bytes(6) + quote))
        payload = target.to_bytes(16, "big") + header.destination.to_bytes(16, "big") + emit_options(options)
        self.ipv6.discovery.send(
            on_link, on_link.link_local, header.source, Icmpv6Header(REDIRECT, 0), payload
        )
