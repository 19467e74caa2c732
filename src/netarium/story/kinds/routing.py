"""Routers and switches among themselves: ways that are learned are told, hellos and reports are counted."""

from __future__ import annotations

from collections.abc import Iterator

from netarium.story.facts import Fact, Flight
from netarium.story.kinds.base import Kind, Readers, Record
from netarium.story.packets import Packet
from netarium.story.scene import Scene
from netarium.story.words import Words

_PROTOCOLS = {89: "OSPF", 2: "IGMP", 0: "MLD"}
_RIP_PORT = 520


def _say_route(fact: Fact, words: Words) -> str:
    v = fact.values
    key = "route.learned" if v["after"] else "route.lost"
    return words.text(
        key, place=fact.place, protocol=v["protocol"], prefix=v["prefix"], route=v["after"] or v["before"]
    )


def _say_other(fact: Fact, words: Words) -> str:
    return words.text("other.sends", place=fact.place, protocol=fact.values["protocol"])


KINDS = (
    Kind(
        "route",
        "routing",
        frozenset({"protocol", "prefix", "before", "after"}),
        _say_route,
        needles=(b'"subject":"ospf ', b'"subject":"rip '),
    ),
    Kind(
        "other",
        "other",
        frozenset({"protocol"}),
        _say_other,
        needles=(b'"event":"sent"', b'"event":"received"'),
    ),
)


class _Routing:
    def __init__(self, scene: Scene) -> None:
        self.scene = scene

    def state(self, record: Record) -> Iterator[Fact]:
        protocol, _, prefix = str(record.get("subject", "")).partition(" ")
        before, after = str(record.get("before", "")), str(record.get("after", ""))
        if not (after.startswith("via ") or before.startswith("via ")):
            return
        subject = self.scene.subject("routing", protocol, lambda: {"protocol": protocol.upper()})
        values = {
            "protocol": protocol.upper(),
            "prefix": prefix,
            "before": before,
            "after": after if after.startswith("via ") else "",
        }
        yield Fact(record["t"], "route", record["at"], values, about=subject, phase="routing")

    def packet(self, record: Record, packet: Packet, flight: Flight) -> Iterator[Fact]:
        """What nothing else told: one line for all of them."""
        node, protocol = record["at"].partition(":")[0], record.get("protocol")
        name = str(_PROTOCOLS.get(protocol, protocol)) if protocol is not None else ""
        if name == "UDP":
            name = (
                "RIP" if _RIP_PORT in (record.get("source_port"), record.get("destination_port")) else "UDP"
            )
        if not name:
            name = f"Ethernet 0x{int(record.get('ethertype', 0)):04x}"
        elif name.isdigit():
            name = f"IP {name}"
        if name in ("OSPF", "RIP"):
            subject = self.scene.subject("routing", name.lower(), lambda: {"protocol": name})
            flight.subject = subject
            if self.scene.recent(node) is None:
                self.scene.touch(node, subject)
        yield Fact(record["t"], "other", node, {"protocol": name}, flight, background=True)


def readers(scene: Scene) -> Readers:
    """The readers of one story."""
    routing = _Routing(scene)
    return Readers({"state:ospf": routing.state, "state:rip": routing.state}, {"rest": routing.packet})
