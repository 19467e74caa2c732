"""Groups of multicast: a host says that it wants what is sent to one, or no longer.

Read first: RFC 2236 (IGMPv2), RFC 3810 section 5.2 (MLDv2). Groups that hosts are in for their own sake (a solicited
node's, all nodes, the routers' of a routing protocol) are only counted: no program has asked for those.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from netarium.addresses import ipv4_text, ipv6_text
from netarium.errors import WireError
from netarium.story.facts import Fact, Flight
from netarium.story.kinds.base import Kind, Readers, Record
from netarium.story.packets import Packet
from netarium.story.scene import Scene
from netarium.story.words import Words
from netarium.wire import igmp

_REPORT6: Final = 143
_RECORD_BYTES: Final = 20
"""A record of MLDv2 without sources: type, length of what follows, number of sources, group."""
_JOINS6, _LEAVES6 = (2, 4), (1, 3)
"""Types of records where no sources are named: everything is wanted from now on, or nothing."""
_OWN6: Final = 0xFF02 << 112
_SOLICITED_NODE: Final = (0xFF02 << 112 | 0x1FF << 24) >> 24
_ROUTING: Final = 224 << 24
"""224.0.0.0/24 stays on its link and is of routers and such (RFC 5771 section 4)."""


class _Groups:
    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self._in: dict[tuple[str, str], None] = {}
        """(node, group): it is said once that it joins."""

    def report4(self, record: Record, packet: Packet, flight: Flight) -> Iterator[Fact]:
        """An IGMP message."""
        try:
            message = igmp.IgmpMessage.parse(packet.payload)
        except WireError:
            return
        if message.type in (igmp.REPORT, igmp.REPORT_V1, igmp.LEAVE) and message.group >> 8 != _ROUTING >> 8:
            joins = message.type != igmp.LEAVE
            yield from self._told(record, flight, ipv4_text(message.group), joins=joins)

    def report6(self, record: Record, packet: Packet, flight: Flight) -> Iterator[Fact]:
        """An MLDv2 report: a record for each group."""
        if record.get("type") != _REPORT6:
            return
        data = packet.payload
        for _ in range(int(record.get("rest", 0)) & 0xFFFF):
            if len(data) < _RECORD_BYTES:
                return
            kind, sources = data[0], int.from_bytes(data[2:4], "big")
            group = int.from_bytes(data[4:_RECORD_BYTES], "big")
            is_own = group >> 24 == _SOLICITED_NODE or group >> 8 == _OWN6 >> 8
            if kind in _JOINS6 + _LEAVES6 and not sources and not is_own:
                yield from self._told(record, flight, ipv6_text(group), joins=kind in _JOINS6)
            data = data[_RECORD_BYTES + sources * 16 + data[1] * 4 :]

    def _told(self, record: Record, flight: Flight, group: str, *, joins: bool) -> Iterator[Fact]:
        node = record["at"].partition(":")[0]
        if ((node, group) in self._in) == joins:
            return  # it only says again what it has said
        if joins:
            self._in[node, group] = None
        else:
            del self._in[node, group]
        about = self.scene.recent(node)
        flight.subject = flight.subject or about
        values = {"group": group, "joins": joins}
        yield Fact(record["t"], "group", node, values, flight, about)


def _say(fact: Fact, words: Words) -> str:
    v = fact.values
    kind = "6" if ":" in v["group"] else ""
    return words.text(
        f"group.{'joins' if v['joins'] else 'leaves'}{kind}", place=fact.place, group=v["group"]
    )


KINDS: Final = (
    Kind(
        "group",
        "arp",
        frozenset({"group", "joins"}),
        _say,
        needles=(b'"protocol":2,', b'"type":143,'),
    ),
)


def readers(scene: Scene) -> Readers:
    """The readers of one story."""
    groups = _Groups(scene)
    return Readers({}, {str(igmp.PROTOCOL_IGMP): groups.report4, "ICMPv6": groups.report6})
