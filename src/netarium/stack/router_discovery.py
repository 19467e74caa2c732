"""A host's side of router discovery on one interface: it asks, and believes what routers advertise.

Read first: RFC 4861 6.3 (processing, default routers), RFC 4862 5.5 (SLAAC), RFC 8106 5 (DNS servers).
A router's lifetime, an on-link prefix and a DNS server each have an end; one timer serves them all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from netarium.stack.ipv6_address import (
    ALL_ROUTERS,
    interface_identifier,
    is_link_local,
    is_multicast,
)
from netarium.stack.ipv6_routes import Ipv6Route
from netarium.stack.timers import NEVER, SECOND_NS, TimerOwner
from netarium.wire.icmpv6 import ROUTER_SOLICITATION, Icmpv6Header
from netarium.wire.ipv6 import MTU_MIN
from netarium.wire.ndp import (
    AUTONOMOUS,
    INFINITE,
    ON_LINK,
    SOURCE_LINK_ADDRESS,
    PrefixInformation,
    RouterAdvertisement,
    emit_options,
)

if TYPE_CHECKING:
    from netarium.stack.ipv6_interface import Ipv6Interface

ROUTE_METRIC: Final = 1024
"""Linux IP6_RT_PRIO_ADDRCONF."""
TWO_HOURS_NS: Final = 2 * 3600 * SECOND_NS
ROUTERS_MAX: Final = 16
PREFIXES_MAX: Final = 64
DNS_SERVERS_MAX: Final = 16
"""So that nobody on the link can fill a host's memory (RFC 4861 11.2 leaves it to us; RFC 3756 4.3.2)."""


class RouterDiscovery(TimerOwner):
    """What routers have said on one interface. Ends are absolute, in ns; NEVER for none."""

    __slots__ = ("ask_at_ns", "asked", "dns_servers", "on_link", "prefixes", "routers")

    def __init__(self, on_link: Ipv6Interface) -> None:
        super().__init__()
        self.on_link: Final = on_link
        self.asked = 0
        self.ask_at_ns = NEVER
        self.routers: Final[dict[int, int]] = {}
        """Default router -> the end of its lifetime."""
        self.prefixes: Final[dict[tuple[int, int], int]] = {}
        """(prefix, length) said to be on the link -> its end."""
        self.dns_servers: Final[dict[int, int]] = {}
        """DNS server -> its end, in the order of hearing."""

    # Asking.

    def start(self) -> None:
        """Ask for routers, unless this host is one."""
        stack = self.on_link.ipv6.stack
        settings = stack.settings
        if settings.ipv6_forwarding or not settings.ipv6_accept_ra or not settings.ipv6_router_solicitations:
            return
        self.asked = 0
        self.ask_at_ns = stack.now
        self._arm()

    def _ask(self, now: int) -> None:
        settings = self.on_link.ipv6.stack.settings
        self.asked += 1
        more = self.asked < settings.ipv6_router_solicitations
        wait_ns = settings.ipv6_router_solicitation_interval * SECOND_NS
        self.ask_at_ns = now + wait_ns if more else NEVER
        interface = self.on_link.interface
        source = self.on_link.link_local
        options = [(SOURCE_LINK_ADDRESS, interface.mac.to_bytes(6, "big"))] if source else []
        self.on_link.ipv6.discovery.send(
            self.on_link, source, ALL_ROUTERS, Icmpv6Header(ROUTER_SOLICITATION, 0), emit_options(options)
        )

    # Hearing.

    def receive(self, router: int, said: RouterAdvertisement) -> None:
        """A router advertisement that is sound, from the link-local address `router`."""
        on_link = self.on_link
        settings = on_link.ipv6.stack.settings
        if settings.ipv6_forwarding or not settings.ipv6_accept_ra:
            return
        self.ask_at_ns = NEVER
        self._take_router(router, self._end(said.lifetime_s) if said.lifetime_s else 0)
        if said.hop_limit:
            on_link.hop_limit = said.hop_limit
        if said.reachable_ms:
            on_link.reachable_ms = said.reachable_ms
        if said.retransmit_ms:
            on_link.retransmit_ms = said.retransmit_ms
        if MTU_MIN <= said.mtu <= on_link.interface.mtu and said.mtu != on_link.link_mtu:
            on_link.link_mtu = said.mtu
            on_link.ipv6.routes.changed()
        for each in said.prefixes:
            if not is_link_local(each.prefix) and not is_multicast(each.prefix):
                self._take_prefix(each)
        for server in said.dns_servers:
            self.dns_servers.pop(server, None)
            if said.dns_lifetime_s and len(self.dns_servers) < DNS_SERVERS_MAX:
                self.dns_servers[server] = self._end(said.dns_lifetime_s)
        self._arm()

    def _take_router(self, router: int, end_ns: int) -> None:
        routes, interface = self.on_link.ipv6.routes, self.on_link.interface
        route = Ipv6Route(0, 0, interface, router, 0, 0, ROUTE_METRIC, "ra")
        if end_ns:
            if router in self.routers or len(self.routers) < ROUTERS_MAX:
                self.routers[router] = end_ns
                routes.add(route)
        elif self.routers.pop(router, None) is not None:
            routes.remove(route)

    def _take_prefix(self, said: PrefixInformation) -> None:
        length = said.length
        network = said.prefix >> (128 - length) << (128 - length)
        if said.flags & ON_LINK and length:
            self._take_on_link(network, length, self._end(said.valid_s) if said.valid_s else 0)
        if (
            said.flags & AUTONOMOUS
            and length == 64
            and said.preferred_s <= said.valid_s
            and self.on_link.ipv6.stack.settings.ipv6_autoconf
        ):
            self._configure(network, said)

    def _take_on_link(self, network: int, length: int, end_ns: int) -> None:
        routes = self.on_link.ipv6.routes
        route = Ipv6Route(network, length, self.on_link.interface, 0, 0, 0, 256, "kernel")
        if end_ns:
            if (network, length) in self.prefixes or len(self.prefixes) < PREFIXES_MAX:
                self.prefixes[network, length] = end_ns
                routes.add(route)
        elif self.prefixes.pop((network, length), None) is not None and not self._is_ours(network, length):
            routes.remove(route)

    def _is_ours(self, network: int, length: int) -> bool:
        """Whether an address given by hand has this network: then it is on the link whatever routers say."""
        return any(
            (each.network, each.length, each.origin) == (network, length, "static")
            for each in self.on_link.addresses
        )

    def _configure(self, network: int, said: PrefixInformation) -> None:
        """RFC 4862 5.5.3: a new address, or new lifetimes of one we have."""
        on_link = self.on_link
        now = on_link.ipv6.stack.now
        address = network | interface_identifier(on_link.interface.mac)
        valid_ns, preferred_ns = self._end(said.valid_s), self._end(said.preferred_s)
        found = on_link.find(address)
        if found is None:
            taken = sum(each.origin == "ra" for each in on_link.addresses)
            if said.valid_s and taken < on_link.ipv6.stack.settings.ipv6_max_addresses:
                on_link.add_address(
                    address, 64, "ra", valid_until_ns=valid_ns, preferred_until_ns=preferred_ns
                )
            return
        if found.origin != "ra":
            return
        left_ns = found.valid_until_ns - now
        if valid_ns - now <= TWO_HOURS_NS and valid_ns < found.valid_until_ns:
            valid_ns = found.valid_until_ns if left_ns <= TWO_HOURS_NS else now + TWO_HOURS_NS
        on_link.set_lifetimes(found, valid_ns, preferred_ns)

    def router_is_none(self, address: int) -> None:
        """A neighbour that was a router says that it is one no more (RFC 4861 7.2.5)."""
        self._take_router(address, 0)

    def unreachable(self, address: int) -> None:
        """A default router does not answer: another goes first, if there is one (RFC 4861 6.3.6)."""
        if address in self.routers and len(self.routers) > 1:
            routes, interface = self.on_link.ipv6.routes, self.on_link.interface
            route = Ipv6Route(0, 0, interface, address, 0, 0, ROUTE_METRIC, "ra")
            if routes.remove(route):
                routes.add(route)  # behind the others of its metric

    # Time.

    def on_timer(self, now: int) -> None:
        """Ask again, or forget what has ended."""
        if now >= self.ask_at_ns:
            self._ask(now)
        for router, end in list(self.routers.items()):
            if end <= now:
                self._take_router(router, 0)
        for (network, length), end in list(self.prefixes.items()):
            if end <= now:
                self._take_on_link(network, length, 0)
        for server, end in list(self.dns_servers.items()):
            if end <= now:
                del self.dns_servers[server]
        self._arm()

    def is_foreground(self) -> bool:
        """No run waits for routers."""
        return False

    def forget_all(self) -> None:
        """The interface is down: nothing that was said holds."""
        for router in list(self.routers):
            self._take_router(router, 0)
        for network, length in list(self.prefixes):
            self._take_on_link(network, length, 0)
        self.dns_servers.clear()
        self.ask_at_ns = NEVER
        self.on_link.link_mtu = 0
        self._arm()

    def _arm(self) -> None:
        ends = [
            self.ask_at_ns, *self.routers.values(), *self.prefixes.values(), *self.dns_servers.values(),
        ]  # fmt: skip
        deadline = min(ends)
        timers = self.on_link.ipv6.stack.timers
        if deadline == NEVER:
            timers.cancel(self)
        else:
            timers.arm(self, deadline)

    def _end(self, lifetime_s: int) -> int:
        if lifetime_s == INFINITE:
            return NEVER
        return self.on_link.ipv6.stack.now + lifetime_s * SECOND_NS
