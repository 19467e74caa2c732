"""IPv6 by `control`: addresses, routes, neighbours of the other family."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from netarium.control.views import Groups, NeighborView
from netarium.stack.failures import Failure
from netarium.stack.igmp import ALL_SYSTEMS
from netarium.stack.routes import UNICAST

if TYPE_CHECKING:
    from netarium.stack.ipv6_address import Ipv6Address
    from netarium.stack.routes import Route
    from netarium.stack.stack import Stack


class Ipv6Control:
    """Where IPv6 is off there is nothing to see, and changes are NOT_SUPPORTED."""

    stack: Stack
    clock: Callable[[], int]
    privileged: bool

    def addresses6(self) -> list[tuple[str, Ipv6Address]]:
        """(interface, address) of `ip -6 addr`, tentative ones among them."""
        ip6 = self.stack.ipv6
        links = ip6.interfaces.values() if ip6 is not None else ()
        return [(link.interface.name, each) for link in links for each in link.addresses]

    def add_address6(self, interface: str, address: int, length: int) -> Failure | None:
        """`ip -6 addr add ADDRESS/LENGTH dev INTERFACE`; it is used after duplicate address detection."""
        failure = self._may_change6(interface)
        if failure is not None or not 0 <= length <= 128 or not address or address >> 120 == 0xFF:
            return failure or Failure.INVALID
        self.stack.enter(self.clock())
        added = self.stack.add_ipv6_address(interface, address, length)
        self.stack.settle()
        return None if added else Failure.EXISTS

    def remove_address6(self, interface: str, address: int) -> Failure | None:
        """`ip -6 addr del ADDRESS dev INTERFACE`."""
        failure = self._may_change6(interface)
        link = self.stack.interfaces[interface].ipv6 if failure is None else None
        if link is None:
            return failure or Failure.ADDRESS_NOT_AVAILABLE
        self.stack.enter(self.clock())
        removed = link.remove_address(address)
        self.stack.settle()
        return None if removed else Failure.ADDRESS_NOT_AVAILABLE

    def routes6(self) -> list[Route]:
        """The main table of IPv6: by prefix length and prefix, default last, as `ip -6 route` has it."""
        ip6 = self.stack.ipv6
        routes = ip6.routes.routes if ip6 is not None else []
        return sorted(routes, key=lambda each: (not each.length, each.prefix, each.length, each.metric))

    def route6_to(self, destination: int, interface: str = "") -> Route | None:
        """`ip -6 route get`: the route a packet to `destination` takes, with its source address."""
        ip6 = self.stack.ipv6
        by = self.stack.interfaces.get(interface)
        return None if ip6 is None else ip6.route_for(destination, 0, by)

    def refusal6(self, destination: int) -> Failure:
        """Why `route6_to` has no way."""
        ip6 = self.stack.ipv6
        return Failure.NETWORK_UNREACHABLE if ip6 is None else ip6.routes.refusal(destination)

    def add_route6(
        self,
        prefix: int,
        length: int,
        gateway: int,
        interface: str,
        metric: int,
        protocol: str,
        kind: int = UNICAST,
    ) -> Failure | None:
        """`ip -6 route add [KIND]`; a gateway without an interface must be on the link of one."""
        ip6 = self.stack.ipv6
        towards = ip6.route_for(gateway) if ip6 is not None and gateway and not interface else None
        name = interface or (towards.interface.name if towards is not None and not towards.gateway else "")
        if not name:
            return Failure.NETWORK_UNREACHABLE if ip6 is not None else Failure.NOT_SUPPORTED
        failure = self._may_change6(name)
        if failure is not None or ip6 is None:
            return failure or Failure.NOT_SUPPORTED
        from netarium.stack.ipv6_routes import Ipv6Route

        route = Ipv6Route(prefix, length, self.stack.interfaces[name], gateway, 0, 0, metric, protocol, kind)
        return None if ip6.routes.add(route) else Failure.EXISTS

    def remove_route6(
        self, prefix: int, length: int, gateway: int = 0, interface: str = ""
    ) -> Failure | None:
        """`ip -6 route del`: the first route that fits what is given."""
        if not self.privileged:
            return Failure.PERMISSION
        for each in self.routes6():
            fits = (each.prefix, each.length) == (prefix, length) and gateway in (0, each.gateway)
            if fits and interface in ("", each.interface.name) and self.stack.ipv6 is not None:
                self.stack.ipv6.routes.remove(each)
                return None
        return Failure.NOT_FOUND

    def neighbors6(self) -> list[NeighborView]:
        """`ip -6 neigh`."""
        self.stack.enter(self.clock())
        now, ip6 = self.stack.now, self.stack.ipv6
        return [
            NeighborView(name, each.address, each.mac, each.shown_state(now), now - each.confirmed_ns)
            for name, link in (ip6.interfaces.items() if ip6 is not None else ())
            for each in link.neighbors.listing()
        ]

    def add_neighbor6(self, interface: str, address: int, mac: int) -> Failure | None:
        """`ip -6 neigh replace ADDRESS lladdr MAC dev INTERFACE nud permanent`."""
        failure = self._may_change6(interface)
        link = self.stack.interfaces[interface].ipv6 if failure is None else None
        if link is None:
            return failure or Failure.NOT_SUPPORTED
        self.stack.enter(self.clock())
        link.neighbors.add_permanent(address, mac)
        self.stack.settle()
        return None

    def remove_neighbor6(self, interface: str, address: int) -> Failure | None:
        """`ip -6 neigh del ADDRESS dev INTERFACE`."""
        failure = self._may_change6(interface)
        link = self.stack.interfaces[interface].ipv6 if failure is None else None
        if link is None:
            return failure or Failure.NOT_SUPPORTED
        self.stack.enter(self.clock())
        return None if link.neighbors.delete(address) else Failure.NOT_FOUND

    def groups(self, interface: str) -> Groups:
        """`ip maddr`: what an interface hears besides its own address."""
        found = self.stack.interfaces[interface]
        joined = [group for name, group in self.stack.igmp.groups if name == interface]
        ipv4 = [*joined, *([] if ALL_SYSTEMS in joined else [ALL_SYSTEMS])]
        return Groups(list(found.groups), ipv4, list(found.ipv6.groups) if found.ipv6 is not None else [])

    def _may_change6(self, interface: str) -> Failure | None:
        if not self.privileged:
            return Failure.PERMISSION
        if interface not in self.stack.interfaces:
            return Failure.NO_DEVICE
        return None if self.stack.ipv6 is not None else Failure.NOT_SUPPORTED
