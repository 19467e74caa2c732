"""UDP: messages of their own, without a connection. What has a module of its own (DNS, DHCP) is not told here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from netarium.story.facts import Fact, Flight
from netarium.story.kinds.base import Kind, Readers, Record
from netarium.story.kinds.ping import said_ttl, small_ttl
from netarium.story.kinds.tcp import say_preview
from netarium.story.packets import Packet, content_of
from netarium.story.scene import TRACEROUTE, Scene, address_of, end_name, end_text
from netarium.story.words import Words, preview

_ELSEWHERE: Final = frozenset({53, 67, 68, 520})


def _say(fact: Fact, words: Words) -> str:
    v = fact.values
    whom, port = words.who(address_of(v["destination"])), v["destination"].rpartition(":")[2]
    who = end_name(words.owner, fact.place, v["source"], v["destination"])
    if not v["bytes"]:
        return said_ttl(words.text("udp.empty", place=who, whom=whom, port=port), v, words)
    said = say_preview(v["preview"], words)
    text = words.plural("udp.data", v["bytes"], place=who, whom=whom, port=port, preview=said)
    return said_ttl(text, v, words)


KINDS = (
    Kind(
        "udp",
        "udp",
        frozenset({"source", "destination", "bytes", "preview", "ttl"}),
        _say,
        needles=(b'"protocol":"UDP"', b'"stop":"FRAGMENT"'),
    ),
)


class _Udp:
    def __init__(self, scene: Scene) -> None:
        self.scene = scene

    def datagram(self, record: Record, packet: Packet, flight: Flight) -> Iterator[Fact]:
        ports = (record["source_port"], record["destination_port"])
        if not _ELSEWHERE.isdisjoint(ports):
            return
        node = record["at"].partition(":")[0]
        source, destination = end_text(record["source"], ports[0]), end_text(record["destination"], ports[1])
        subject = self.scene.conversation("UDP", source, destination, flight)
        self.scene.touch(node, subject)
        size = int(record.get("length", 0))
        values = {
            "source": source,
            "destination": destination,
            "bytes": size,
            "ttl": small_ttl(record),
            "preview": preview(packet.payload, packet.is_whole) if size else {},
        }
        phase = subject.phase or "datagrams"
        fact = Fact(record["t"], "udp", node, values, flight, subject, phase=phase)
        if phase != TRACEROUTE:
            fact.fold = f"udp {id(subject)} {flight.side}"
        fact.tally = {"datagrams": 1, "bytes": size}
        fact.content = content_of(record, packet)
        yield fact


def readers(scene: Scene) -> Readers:
    """The readers of one story."""
    return Readers({}, {"UDP": _Udp(scene).datagram})
