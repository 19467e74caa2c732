"""The routes of IPv6: as `routes`, without broadcasts, and with a source chosen as RFC 6724 says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netarium.addresses import ipv6_text
from netarium.stack.ipv6_address import is_multicast
from netarium.stack.routes import MULTICAST, UNICAST, Route, RouteTable

if TYPE_CHECKING:
    from netarium.stack.ipv6 import Ipv6
    from netarium.stack.stack import Stack


class Ipv6Route(Route):
    """One IPv6 route; addresses are 128-bit ints, everything else as `Route`."""

    __slots__ = ()

    @staticmethod
    def address_text(address: int) -> str:
        """An IPv6 address as text."""
        return ipv6_text(address)


class Ipv6RouteTable(RouteTable):
    """The local and the main table of one host. A change counts as one of the host's (`stack.routes.generation`)."""

    __slots__ = ("ipv6", "stack")

    bits = 128

    def __init__(self, stack: Stack, ipv6: Ipv6) -> None:
        super().__init__()
        self.stack = stack
        self.ipv6 = ipv6

    def find_local(self, destination: int) -> Route | None:
        """The route to an address of this host, ::1 among them."""
        return self.local.get(destination)

    def resolved(self, route: Route, destination: int) -> Route:
        """The route as the answer of a lookup: source, MTU and kind filled in."""
        interface = route.interface
        kind = MULTICAST if route.kind == UNICAST and is_multicast(destination) else route.kind
        on_link = interface.ipv6
        return Ipv6Route(
            route.prefix,
            route.length,
            interface,
            route.gateway,
            route.source or self.ipv6.select_source(destination, interface),
            route.mtu or (on_link.mtu if on_link is not None else interface.mtu),
            route.metric,
            route.protocol,
            kind,
        )

    def changed(self) -> None:
        """Forget what was cached; connections of either family look their route up again."""
        super().changed()
        self.stack.routes.generation += 1
