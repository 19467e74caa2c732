"""What the filter knows, as values to be read: by `control`, by tools, by `gateway.nat_table` of a lab.

Addresses are ints, as everywhere inside; texts are for people. Times are what is left, in ns.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from netarium.addresses import ip_text, ipv4_text
from netarium.journey import Cause
from netarium.stack.filter import tcp_track
from netarium.stack.filter.entry import PROTOCOL_NAMES, QUERIES, Direction, Entry, Key
from netarium.wire.ipv4 import PROTOCOL_ICMP, PROTOCOL_TCP, PROTOCOL_UDP

if TYPE_CHECKING:
    from netarium.stack.filter.balance import VirtualService
    from netarium.stack.filter.filter import Filter
    from netarium.stack.filter.firewall import RuleChain
    from netarium.stack.filter.table import ConnectionTable


@dataclass(frozen=True)
class WayView:
    """One direction of a connection as its packets are on the wire; ports are an identifier and a type for ICMP."""

    source: int
    source_port: int
    destination: int
    destination_port: int
    packets: int
    bytes: int


@dataclass(frozen=True)
class ConnectionView:
    """A line of `conntrack -L`. `state` is TCP's, else empty. `remaining_ns` until it is forgotten."""

    protocol: int
    state: str
    original: WayView
    reply: WayView
    seen_reply: bool
    assured: bool
    source_translated: bool
    destination_translated: bool
    remaining_ns: int
    rule: str
    family: int = 4
    """4 or 6."""

    @property
    def protocol_name(self) -> str:
        """tcp, udp, icmp, or `unknown` as conntrack says."""
        return PROTOCOL_NAMES.get(self.protocol, "unknown")

    def __str__(self) -> str:
        """The line of `conntrack -L`."""
        seconds = -(-self.remaining_ns // 1_000_000_000)
        words = [f"{self.protocol_name:<8} {self.protocol} {seconds}"]
        if self.state:
            words.append(self.state)
        words.append(_way_text(self, self.original))
        if not self.seen_reply:
            words.append("[UNREPLIED]")
        words.append(_way_text(self, self.reply))
        if self.assured:
            words.append("[ASSURED]")
        return " ".join([*words, "mark=0", "use=1"])


@dataclass(frozen=True)
class NatRow:
    """A line of a NAT table: who speaks inside, as what he is seen outside, with whom. Text `address:port`."""

    protocol: str
    inside: str
    outside: str
    remote: str
    state: str
    remaining_ns: int
    rule: str

    def __str__(self) -> str:
        """`tcp 192.168.1.2:1024 is 202.20.65.5:1024 to 202.20.65.4:80`."""
        return f"{self.protocol} {self.inside} is {self.outside} to {self.remote}"


@dataclass(frozen=True)
class RuleView:
    """A rule of the firewall, or (number 0) a chain's policy, with what it has counted."""

    chain: str
    number: int
    action: str
    text: str
    packets: int
    bytes: int


@dataclass(frozen=True)
class ServerView:
    """A server of a balanced service."""

    address: int
    port: int
    alive: bool
    backup: bool
    connections: int
    total: int


@dataclass(frozen=True)
class BalanceView:
    """A balanced service; `address` 0 is any of the balancer's own."""

    protocol: int
    address: int
    port: int
    method: str
    sticky_ns: int
    servers: tuple[ServerView, ...]


def connection_view(entry: Entry, now: int) -> ConnectionView:
    """One connection."""
    return ConnectionView(
        entry.protocol,
        tcp_track.NAMES[entry.state] if entry.protocol == PROTOCOL_TCP else "",
        _way(entry.original),
        _way(entry.reply),
        entry.seen_reply,
        entry.assured,
        entry.original.changes_source,
        entry.original.changes_destination,
        entry.expires_ns - now,
        entry.rule,
        entry.family,
    )


def _tables(filter: Filter) -> list[ConnectionTable]:
    return [filter.table] if filter.ipv6 is None else [filter.table, filter.ipv6.table]


def connections(filter: Filter) -> list[ConnectionView]:
    """All that live, in order of their beginning, those of IPv4 first."""
    now = filter.stack.now
    return [connection_view(each, now) for table in _tables(filter) for each in table.living()]


def nat_rows(filter: Filter) -> list[NatRow]:
    """The translated connections, seen from the inside host whose endpoint is hidden or who is reached."""
    now = filter.stack.now
    rows = []
    for entry in filter.table.living():
        if not entry.translated:
            continue
        view = connection_view(entry, now)
        way = entry.original
        if way.changes_source:
            inside: Key = way.key
            outside = (way.to_source, way.to_source_port)
            remote = (way.key[3], way.key[4])
            rows.append(_row(view, (inside[1], inside[2]), outside, remote))
        else:
            rows.append(
                _row(
                    view,
                    (way.to_destination, way.to_destination_port),
                    (way.key[3], way.key[4]),
                    (way.key[1], way.key[2]),
                )
            )
    return rows


def rules(chain: RuleChain) -> list[RuleView]:
    """The rules of a chain in order, its policy last as number 0."""
    listed = [
        RuleView(chain.name, number, each.action, each.text, each.packets, each.bytes)
        for number, each in enumerate(chain.rules, 1)
    ]
    return [*listed, RuleView(chain.name, 0, chain.policy, "policy", chain.packets, chain.bytes)]


def firewall_rules(filter: Filter) -> list[RuleView]:
    """The rules of all chains."""
    return [each for chain in filter.firewall.chains.values() for each in rules(chain)]


def remove_connections(filter: Filter, fits: Callable[[ConnectionView], bool]) -> int:
    """Forget the connections that fit; how many they were."""
    now = filter.stack.now
    count = 0
    for table in _tables(filter):
        chosen = [each for each in table.living() if fits(connection_view(each, now))]
        count += len(chosen)
        for entry in chosen:
            table.remove(entry, Cause.OPERATOR)
    return count


def service_view(service: VirtualService) -> BalanceView:
    """A balanced service and its servers."""
    servers = tuple(
        ServerView(each.address, each.port, each.alive, each.backup, each.connections, each.total)
        for each in service.servers
    )
    return BalanceView(
        service.protocol, service.address, service.port, service.method, service.sticky_ns, servers
    )


def _way(way: Direction) -> WayView:
    _, source, source_port, destination, destination_port = way.key
    return WayView(source, source_port, destination, destination_port, way.packets, way.bytes)


def _row(
    view: ConnectionView, inside: tuple[int, int], outside: tuple[int, int], remote: tuple[int, int]
) -> NatRow:
    with_ports = view.protocol in (PROTOCOL_TCP, PROTOCOL_UDP)

    def text(endpoint: tuple[int, int], is_remote: bool = False) -> str:
        address = ipv4_text(endpoint[0])
        if with_ports or (view.protocol == PROTOCOL_ICMP and not is_remote):
            return f"{address}:{endpoint[1]}"
        return address

    return NatRow(
        view.protocol_name,
        text(inside),
        text(outside),
        text(remote, True),
        view.state,
        view.remaining_ns,
        view.rule,
    )


def _way_text(view: ConnectionView, way: WayView) -> str:
    """`src=... dst=... sport=... dport=...` as conntrack prints it."""
    text = f"src={ip_text(view.family, way.source)} dst={ip_text(view.family, way.destination)}"
    if view.protocol in (PROTOCOL_TCP, PROTOCOL_UDP):
        return f"{text} sport={way.source_port} dport={way.destination_port}"
    if view.protocol in QUERIES:
        return f"{text} type={way.destination_port} code=0 id={way.source_port}"
    return text
