"""Where a packet goes next: longest-prefix match, one dict per prefix length, with a cache that any change clears.

Read first: RFC 1812 5.2.4 (next hop choice), RFC 4632 5.1 (longest match), RFC 1122 3.3.1 (a host's routing).
As on Linux the local table (own addresses, 127/8, broadcasts) is asked before the main one; among routes of the same
prefix the smallest metric wins, then the older one. Routes by an interface that is down do not count; unlike on Linux
they are not forgotten, so that bringing the interface up again restores them. `PathException`s are what ICMP has taught
about single destinations: a smaller MTU, a better gateway. As Linux' fib_nh_exception they belong to the next hop that
they were learnt by, and go with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from struct import Struct
from typing import TYPE_CHECKING, Final
from zlib import crc32

from netarium.addresses import ipv4_text
from netarium.stack.failures import Failure

if TYPE_CHECKING:
    from netarium.stack.interface import Interface
    from netarium.stack.way import Way

# What a route does with a packet: Linux' RTN_ numbers.
UNICAST: Final = 1
LOCAL: Final = 2
BROADCAST: Final = 3
MULTICAST: Final = 5
BLACKHOLE: Final = 6
UNREACHABLE: Final = 7
PROHIBIT: Final = 8
MULTIPATH: Final = 32
"""Ours: an answer of a lookup with several next hops (Linux has no kind for it)."""

REFUSING: Final = (BLACKHOLE, UNREACHABLE, PROHIBIT)
"""Kinds that let nothing through, and need no interface."""

KIND_NAMES: Final = {
    UNICAST: "unicast",
    LOCAL: "local",
    BROADCAST: "broadcast",
    MULTICAST: "multicast",
    BLACKHOLE: "blackhole",
    UNREACHABLE: "unreachable",
    PROHIBIT: "prohibit",
}

ROUTE_FAILURES: Final = {
    UNREACHABLE: Failure.HOST_UNREACHABLE,
    BLACKHOLE: Failure.INVALID,
    PROHIBIT: Failure.BROADCAST_NOT_ALLOWED,
}
"""What Linux says for its route types (fib_props); no route at all is ENETUNREACH."""

_FLOW: Final = Struct("!IIII")
_SPREAD: Final = 0x9E3779B1
"""Multiplied with, every bit of a CRC bears on the highest, which choose (Knuth, TAOCP 6.4)."""
CACHE_ENTRIES_MAX: Final = 16_384


class Route:
    """One route, or the answer of a lookup; never changed after building.

    `gateway` is 0 for a network on the link. `source` is the address to send from (0 in the table: chosen by the
    interface). `mtu` is in bytes of the IP packet (0 in the table: the interface's). `protocol` says who installed it,
    in `ip route`'s words: kernel, static, boot, dhcp, rip, ospf.
    """

    __slots__ = ("gateway", "interface", "kind", "length", "metric", "mtu", "prefix", "protocol", "source")

    def __init__(
        self,
        prefix: int,
        length: int,
        interface: Interface,
        gateway: int = 0,
        source: int = 0,
        mtu: int = 0,
        metric: int = 0,
        protocol: str = "static",
        kind: int = UNICAST,
    ) -> None:
        self.prefix: Final = prefix
        self.length: Final = length
        self.interface: Final = interface
        self.gateway: Final = gateway
        self.source: Final = source
        self.mtu: Final = mtu
        self.metric: Final = metric
        self.protocol: Final = protocol
        self.kind: Final = kind

    def is_same(self, other: Route) -> bool:
        """Whether `other` would be the same entry of a table (`ip route add` says EEXIST)."""
        return (self.prefix, self.length, self.gateway, self.metric, self.kind) == (
            other.prefix,
            other.length,
            other.gateway,
            other.metric,
            other.kind,
        ) and self.interface is other.interface

    @staticmethod
    def address_text(address: int) -> str:
        """An address of the route's family as text."""
        return ipv4_text(address)

    def with_path(self, gateway: int, mtu: int) -> Route:
        """The same by another gateway and with another MTU."""
        return type(self)(
            self.prefix, self.length, self.interface, gateway, self.source, mtu, self.metric, self.protocol,
            self.kind,
        )  # fmt: skip

    def __repr__(self) -> str:
        via = f" via {self.address_text(self.gateway)}" if self.gateway else ""
        kind = "" if self.kind == UNICAST else KIND_NAMES[self.kind] + " "
        metric = f" metric {self.metric}" if self.metric else ""
        prefix = f"{self.address_text(self.prefix)}/{self.length}"
        return f"{kind}{prefix}{via} dev {self.interface.name} proto {self.protocol}{metric}"


class MultipathRoute(Route):
    """One route with several next hops of equal cost (RFC 2991), which flows are spread over.

    `hops` are ordinary routes to the same prefix. In the table its kind is UNICAST; as the answer of a lookup it is
    MULTIPATH, and whoever sends a packet asks `choose` for the one that its flow takes.
    """

    __slots__ = ("hops",)

    def __init__(self, hops: Sequence[Route], kind: int = UNICAST) -> None:
        first = hops[0]
        super().__init__(
            first.prefix, first.length, first.interface, first.gateway, first.source,
            min(each.mtu for each in hops), first.metric, first.protocol, kind,
        )  # fmt: skip
        self.hops: Final = tuple(hops)

    def choose(self, flow: int) -> Route:
        """The next hop of a flow, by its 32-bit hash: regions of equal size (hash-threshold, RFC 2992)."""
        return self.hops[flow * len(self.hops) >> 32]

    def is_same(self, other: Route) -> bool:
        """Whether `other` has the same next hops too."""
        if not isinstance(other, MultipathRoute) or len(self.hops) != len(other.hops):
            return False
        return all(one.is_same(two) for one, two in zip(self.hops, other.hops, strict=True))

    def __repr__(self) -> str:
        metric = f" metric {self.metric}" if self.metric else ""
        hops = "".join(
            f" nexthop via {self.address_text(each.gateway)} dev {each.interface.name}" for each in self.hops
        )
        return f"{self.address_text(self.prefix)}/{self.length} proto {self.protocol}{metric}{hops}"


def next_hops(route: Route) -> tuple[Route, ...]:
    """The ways of a route: its hops, or itself."""
    return route.hops if isinstance(route, MultipathRoute) else (route,)


def flow_hash(salt: int, source: int, destination: int, protocol: int = 0, ports: int = 0) -> int:
    """32 bits of a flow; `salt` is the host's, so that routers one after the other do not all decide alike."""
    crc = crc32(_FLOW.pack(source & 0xFFFFFFFF, destination & 0xFFFFFFFF, protocol, ports), salt)
    return crc * _SPREAD & 0xFFFFFFFF


class PathException:
    """What is known of the path to one destination: `mtu` and `gateway`, 0 for nothing special."""

    __slots__ = ("gateway", "mtu")

    def __init__(self, mtu: int, gateway: int) -> None:
        self.mtu: Final = mtu
        self.gateway: Final = gateway


PathKey = tuple[int, str, int]


def path_key(hop: Route, destination: int) -> PathKey:
    """What an exception is kept by: the destination and the next hop that it was learnt by."""
    return destination, hop.interface.name, hop.gateway


class RouteTable:
    """The local and the main table of one host and one family. `generation` grows with every change."""

    __slots__ = (
        "by_length",
        "cache",
        "exceptions",
        "generation",
        "local",
        "loopback",
        "routes",
        "tables",
        "told_flows",
        "told_table",
        "trodden",
        "ways",
    )

    bits = 32

    def __init__(self) -> None:
        self.generation = 0
        self.exceptions: dict[PathKey, PathException] = {}
        """By `path_key`; kept, and forgotten in time, by `path_mtu`."""
        self.routes: list[Route] = []
        """The main table in the order of `add`."""
        self.by_length: dict[int, dict[int, list[Route]]] = {}
        self.tables: list[tuple[int, dict[int, list[Route]]]] = []
        """(mask, prefix -> routes, best first), longest prefix first."""
        self.local: dict[int, Route] = {}
        """Own and broadcast addresses."""
        self.loopback: Route | None = None
        """127/8, when `lo` has its address."""
        self.cache: dict[int, Route | None] = {}
        self.ways: dict[tuple[int, int], bool] = {}
        """(source, destination) that `ip_input` has found sound: whether the destination is this host."""
        self.trodden: dict[tuple[int, int], Way] = {}
        """The ways that packets of (source, destination) have gone; see `way`."""
        self.told_flows: dict[tuple[int, ...], int] = {}
        """What `decisions` has told the watchers: flow -> generation; empty while nobody watches."""
        self.told_table = (-1, -1)

    def lookup(self, destination: int) -> Route | None:
        """The route to `destination` with source and MTU filled in; None when there is none."""
        try:
            return self.cache[destination]
        except KeyError:
            return self._miss(destination)

    def refusal(self, destination: int) -> Failure:
        """Why there is no way to `destination`: what the route says that refuses it, else that no network is known."""
        route = self.lookup(destination)
        return ROUTE_FAILURES.get(route.kind if route is not None else UNICAST, Failure.NETWORK_UNREACHABLE)

    def _miss(self, destination: int) -> Route | None:
        route = self.find_local(destination)
        if route is None:
            candidates = self.candidates(destination)
            if candidates:
                route = self.resolved(candidates[0], destination)
                if self.exceptions:
                    route = self._excepted(route, destination)
        if len(self.cache) >= CACHE_ENTRIES_MAX:
            self.cache.clear()
        self.cache[destination] = route
        return route

    def _excepted(self, route: Route, destination: int) -> Route:
        if isinstance(route, MultipathRoute):
            return MultipathRoute([self._excepted(each, destination) for each in route.hops], MULTIPATH)
        known = self.exceptions.get(path_key(route, destination))
        if known is None:
            return route
        mtu = min(known.mtu, route.mtu) if known.mtu else route.mtu
        return route.with_path(known.gateway or route.gateway, mtu)

    def find_local(self, destination: int) -> Route | None:
        """The route of the local table: an address of this host, a broadcast, 127/8."""
        route = self.local.get(destination)
        if route is None and destination >> 24 == 127:
            return self.loopback
        return route

    def resolved(self, route: Route, destination: int) -> Route:
        """The route as the answer of a lookup: source, MTU and kind filled in."""
        if isinstance(route, MultipathRoute):
            hops = [self.resolved(each, destination) for each in route.hops if each.interface.up]
            return hops[0] if len(hops) == 1 else MultipathRoute(hops, MULTIPATH)
        kind = route.kind
        if kind == UNICAST and destination == 0xFFFFFFFF:
            kind = BROADCAST
        elif kind == UNICAST and destination >> 28 == 0xE:
            kind = MULTICAST
        interface = route.interface
        return Route(
            route.prefix,
            route.length,
            interface,
            route.gateway,
            route.source
            or interface.address_for(route.gateway or destination)
            or interface.stack.any_address(),
            route.mtu or interface.mtu,
            route.metric,
            route.protocol,
            kind,
        )

    def candidates(self, destination: int) -> list[Route]:
        """Every route of the main table that matches and is usable, the winner first (longest prefix, metric, age)."""
        found: list[Route] = []
        for mask, table in self.tables:
            for route in table.get(destination & mask, ()):
                if route.interface.up or any(each.interface.up for each in next_hops(route)):
                    found.append(route)
        return found

    def explain(self, destination: int) -> dict[str, object]:
        """For traces: the candidates, the winner and why it won."""
        winner = self.lookup(destination)
        candidates = self.candidates(destination)
        if winner is None:
            reason = "no route matches"
        elif winner.kind == LOCAL:
            reason = "the address is this host's own"
        elif destination in self.local:
            reason = "it is a broadcast address of this link"
        elif len(candidates) == 1:
            reason = "the only route that matches"
        elif candidates[0].length > candidates[1].length:
            reason = "the longest prefix that matches"
        else:
            reason = "the smallest metric of the longest prefix"
        return {"candidates": [repr(each) for each in candidates], "winner": repr(winner), "reason": reason}

    def add(self, route: Route) -> bool:
        """Put a route into the main table; False when the same one is there already."""
        table = self.by_length.get(route.length)
        if table is None:
            table = self.by_length[route.length] = {}
            self._sort_lengths()
        routes = table.setdefault(route.prefix, [])
        if any(each.is_same(route) for each in routes):
            return False
        routes.append(route)
        routes.sort(key=lambda each: each.metric)
        self.routes.append(route)
        self.changed()
        return True

    def remove(self, route: Route) -> bool:
        """Take a route out of the main table; False when it is not there."""
        table = self.by_length.get(route.length, {})
        for found in table.get(route.prefix, ()):
            if found is route or found.is_same(route):
                break
        else:
            return False
        table[found.prefix].remove(found)
        if not table[found.prefix]:
            del table[found.prefix]
        if not table:
            del self.by_length[found.length]
            self._sort_lengths()
        self.routes.remove(found)
        if self.exceptions:
            self._forget_exceptions()
        self.changed()
        return True

    def _forget_exceptions(self) -> None:
        """What was learnt of paths by next hops that no route has any more (Linux: gone with the fib_info)."""
        kept = {(each.interface.name, each.gateway) for route in self.routes for each in next_hops(route)}
        for key in [each for each in self.exceptions if each[1:] not in kept]:
            del self.exceptions[key]

    def changed(self) -> None:
        """Something a lookup depends on has changed: forget what was cached."""
        self.generation += 1
        self.cache.clear()
        self.ways.clear()
        self.trodden.clear()

    def note_way(self, source: int, destination: int, mine: bool) -> None:
        """Remember in `ways` what the addresses of a packet decide, until something changes."""
        if len(self.ways) >= CACHE_ENTRIES_MAX:
            self.ways.clear()
        self.ways[(source, destination)] = mine

    def note_trodden(self, source: int, destination: int, way: Way) -> None:
        """Remember the way of a plain packet, until something changes."""
        if len(self.trodden) >= CACHE_ENTRIES_MAX:
            self.trodden.clear()
        self.trodden[(source, destination)] = way

    def _sort_lengths(self) -> None:
        self.tables = [
            (((1 << length) - 1) << (self.bits - length), self.by_length[length])
            for length in sorted(self.by_length, reverse=True)
        ]
