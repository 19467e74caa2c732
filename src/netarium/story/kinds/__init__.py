"""The kinds of facts: one module for one sort of thing that happens in a net.

    base       what a kind is, and a reader
    hosts      switched on, configured, programs, their output, cables that are cut
    calls      what socket calls meet: waiting, the end of a stream, errors
    dhcp       a host asks for an address
    names      where a name is looked up; DNS
    resolvers  what name servers decide
    neighbors  ARP
    discovery6 neighbour discovery of IPv6
    groups     who wants what is sent to a group of multicast
    conflicts  one address that two hosts have
    ping       ICMP: echo and errors
    programs   which program has part in what (for --follow NODE/PROGRAM)
    tcp        segments and states of connections
    udp        datagrams
    nat        entries of a NAT table, and what they rewrite
    next_hop   local or gateway: the AND, the route table and the line that won, the neighbour cache
    on_link    of IPv6: which prefixes are on the link (for `next_hop`)
    switching  MAC tables, flooding, VLAN tags
    trees      the spanning tree, and the storm that comes of a loop without one
    filtering  verdicts of firewalls, choices of balancers, the lines of a NAT table
    queues     a listener's two queues; the options in SYNs
    buffers    bytes held back and released; which sends became which segments and reads (`streams` remembers them)
    recovery   why something is sent again; windows that close and open
    pieces     fragments; addresses that IPv6 hosts give themselves
    adjacency  routers that become neighbors
    routing    routes that are learned; everything that is only counted
    drops      what ended on its way, and why
    folded     many facts of a sort told as one

A module has `KINDS` and `readers(scene)`, and stands in MODULES: that is all it takes to add a kind.
"""

from __future__ import annotations

from types import ModuleType
from typing import Final

from netarium.story.kinds import (
    adjacency,
    buffers,
    calls,
    conflicts,
    dhcp,
    discovery6,
    drops,
    filtering,
    folded,
    groups,
    hosts,
    names,
    nat,
    neighbors,
    next_hop,
    pieces,
    ping,
    programs,
    queues,
    recovery,
    resolvers,
    routing,
    switching,
    tcp,
    trees,
    udp,
)
from netarium.story.kinds.base import Kind, MakeReaders

MODULES: Final[tuple[ModuleType, ...]] = (
    hosts,
    calls,
    dhcp,
    neighbors,
    names,
    resolvers,
    nat,
    tcp,
    udp,
    ping,
    programs,
    discovery6,
    groups,
    conflicts,
    next_hop,
    switching,
    trees,
    filtering,
    queues,
    buffers,
    recovery,
    pieces,
    adjacency,
    routing,
    drops,
    folded,
)
"""In the order in which their readers are asked for the facts of one line."""

KINDS: Final[dict[str, Kind]] = {kind.name: kind for module in MODULES for kind in module.KINDS}
MAKERS: Final[tuple[MakeReaders, ...]] = tuple(module.readers for module in MODULES)
ONLY: Final[tuple[str, ...]] = tuple(sorted({kind.only for kind in KINDS.values() if kind.only}))
"""The words that `--only` takes."""
