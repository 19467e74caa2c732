"""Telling watchers why a packet goes where it goes: the route table with the line that won, the host's own address and
mask, the neighbour cache and its answer.

Called only while somebody watches steps. A flow's decision is told with its first packet, and again when the table has
changed since; the table itself is told when it is not the one that was told last.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from netarium.addresses import mac_text
from netarium.journey import Stop
from netarium.stack.routes import LOCAL, UNICAST
from netarium.wire.icmp import IcmpHeader
from netarium.wire.icmpv6 import Icmpv6Header

if TYPE_CHECKING:
    from netarium.stack.interface import Interface
    from netarium.stack.routes import Route, RouteTable
    from netarium.stack.stack import Stack
    from netarium.wire.ethernet import Frame
    from netarium.wire.packet import TransportHeader

LINES_MAX: Final = 16
"""So many lines of a table are told at most; `..._lines` says how many there are."""
FLOWS_MAX: Final = 4096

Details = dict[str, object]


def explained(stack: Stack, routes: RouteTable, destination: int) -> Details:
    """`routes.explain` with `table` (as `ip route` lists it) when it has changed since it was told last."""
    details = routes.explain(destination)
    generation = (routes.generation, stack.routes.generation)
    if routes.told_table != generation:
        routes.told_table = generation
        details["table"] = [repr(each) for each in routes.routes[:LINES_MAX]]
        details["table_lines"] = len(routes.routes)
    return details


def tell_route(
    stack: Stack,
    routes: RouteTable,
    route: Route | None,
    source: int,
    destination: int,
    protocol: int,
    transport: TransportHeader | None,
) -> None:
    """A packet of this host is about to leave by `route` (None: no way); groups and broadcasts are not told."""
    step = stack.watch.step
    if step is None or (route is not None and route.kind not in (UNICAST, LOCAL)):
        return
    source = source or (route.source if route is not None else 0)
    icmp = transport.rest >> 16 if isinstance(transport, IcmpHeader | Icmpv6Header) else -1
    flow = (
        protocol,
        source,
        destination,
        getattr(transport, "source_port", icmp),
        getattr(transport, "destination_port", -1),
    )
    generation = stack.routes.generation
    if routes.told_flows.get(flow) == generation:
        return
    if len(routes.told_flows) >= FLOWS_MAX:
        routes.told_flows.clear()
    routes.told_flows[flow] = generation
    text = _text_of(routes)
    details = explained(stack, routes, destination)
    details["packet"] = "output"
    details["protocol"] = protocol
    if isinstance(transport, IcmpHeader | Icmpv6Header):
        details["icmp_type"], details["identifier"] = transport.type, icmp
    elif flow[4] >= 0:
        details["source_port"], details["destination_port"] = flow[3:]
    if route is not None:
        details.update(_way(stack, route, source, destination, text))
    step(stack.now, stack.name, Stop.ROUTE, f"for {text(destination)}", details)


def tell_forward(stack: Stack, routes: RouteTable, route: Route, destination: int, ttl: int) -> None:
    """A packet of others is about to leave by `route`; `ttl` is what it came with."""
    step = stack.watch.step
    if step is not None:
        text = _text_of(routes)
        details = explained(stack, routes, destination)
        details["packet"] = "forward"
        details["interface"] = route.interface.name
        details["gateway"] = text(route.gateway) if route.gateway else ""
        details["ttl"] = ttl
        step(stack.now, stack.name, Stop.ROUTE, f"for {text(destination)}", details)


def tell_fragments(stack: Stack, family: str, route: Route, mtu: int, pieces: list[Frame]) -> None:
    """A packet is cut to `mtu`, and its pieces leave by `route`."""
    step = stack.watch.step
    if step is not None:
        details: Details = {
            "mtu": mtu,
            "payload_bytes": [len(piece.payload) for piece in pieces],
            "identification": getattr(pieces[0].network, "identification", 0),
            "interface": route.interface.name,
        }
        step(stack.now, stack.name, Stop.FRAGMENT, family, details)


def _text_of(routes: RouteTable) -> Any:
    from netarium.addresses import ipv4_text, ipv6_text

    return ipv4_text if routes.bits == 32 else ipv6_text


def _way(stack: Stack, route: Route, source: int, destination: int, text: Any) -> Details:
    """The interface, the own address with its mask, the next hop and what the neighbour cache says of it."""
    interface = route.interface
    is_ipv6 = text(0) == "::"
    details: Details = {
        "source": text(source) if source else "",
        "interface": interface.name,
        "own": _own(interface, source, text, is_ipv6),
        "gateway": text(route.gateway) if route.gateway else "",
    }
    if route.kind == LOCAL:
        return details
    next_hop = route.gateway or destination
    neighbors: Any = interface.neighbors
    if is_ipv6:
        neighbors = interface.ipv6.neighbors if interface.ipv6 is not None else None
    details["next_hop"] = text(next_hop)
    if neighbors is not None:
        now = stack.now
        entries = list(neighbors.entries.values())
        details["cache"] = [
            f"{text(each.address)} {mac_text(each.mac) if each.mac else '-'} {each.shown_state(now)}"
            for each in entries[:LINES_MAX]
        ]
        details["cache_lines"] = len(entries)
        known = neighbors.entries.get(next_hop)
        usable = known is not None and known.mac and known.usable_until_ns > now
        stale = known is not None and known.mac and known.shown_state(now) == "STALE"
        details["answer"] = mac_text(known.mac) if known is not None and (usable or stale) else ""
    return details


def _own(interface: Interface, source: int, text: Any, is_ipv6: bool) -> str:
    """`192.168.1.2/24`: the address that is sent from, or the interface's first, with its prefix length."""
    addresses: list[Any] = list(interface.addresses)
    if is_ipv6:
        addresses = list(interface.ipv6.addresses) if interface.ipv6 is not None else []
    for each in addresses:
        if each.address == source:
            return f"{text(each.address)}/{each.length}"
    return f"{text(addresses[0].address)}/{addresses[0].length}" if addresses else ""
