"""Neighbours: who has this address? Read first: RFC 826; RFC 5227, section 2."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from netarium.story.facts import Fact, Flight, Subject
from netarium.story.kinds.base import Kind, Readers, Record
from netarium.story.kinds.dhcp import offered_address
from netarium.story.packets import Packet
from netarium.story.scene import Scene
from netarium.story.words import Words

ASKED_MAX = 1024
AGAIN_NS = 3_000_000_000


def _say(fact: Fact, words: Words) -> str:
    v = fact.values
    told = {"place": fact.place, "target": v["target"], "sender": v["sender"], "mac": v["sender_mac"]}
    if v["operation"] == "reply":
        return words.text("arp.reply", **told)
    asks_again = v["again"] and v["purpose"] in ("resolve", "offer")
    asks = words.text("arp.again" if asks_again else f"arp.{v['purpose']}", **told)
    if v["purpose"] == "announce":
        return asks
    return asks if v["answered"] else words.text("arp.nobody", asks=asks)


KINDS = (
    Kind(
        "arp",
        "arp",
        frozenset(["operation", "target", "sender", "sender_mac", "purpose", "answered", "again"]),
        _say,
        needles=(b'"protocol":"ARP"', b'"destination_port":68,'),
    ),
)


class _Neighbors:
    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self._asked: dict[str, list[Fact]] = {}

    def arp(self, record: Record, packet: Packet, flight: Flight) -> Iterator[Fact]:
        sender, target = str(record.get("source")), str(record.get("destination"))
        purpose = "resolve"
        if sender == "0.0.0.0":
            purpose = "probe"  # RFC 5227 2.1: is this address in use?
        elif sender == target:
            purpose = "announce"  # RFC 5227 2.3
        values = {
            "operation": record.get("operation"),
            "target": target,
            "sender": sender,
            "sender_mac": record.get("sender_mac"),
            "purpose": purpose,
            "answered": False,
            "again": self._asks_again(sender, target) is not None,
        }
        yield self._fact(record, values, flight)

    def _fact(self, record: Record, values: dict[str, Any], flight: Flight) -> Fact:
        node = record["at"].partition(":")[0]
        about, phase = self._about(node, values)
        flight.subject = about
        fact = Fact(record["t"], "arp", node, values, flight, about, phase=phase)
        if values["operation"] == "request":
            self._asked.setdefault(values["target"], []).append(fact)
            del self._asked[values["target"]][:-8]
            if len(self._asked) > ASKED_MAX:
                del self._asked[next(iter(self._asked))]
        elif values["operation"] == "reply":
            for asked in self._asked.get(values["sender"], []):
                if asked.values["sender"] == values["target"]:
                    asked.values["answered"] = True
        self.scene.touch(node, about)
        return fact

    def _about(self, node: str, values: dict[str, Any]) -> tuple[Subject, str]:
        """A question is part of what its asker was about; an answer, of what the question was."""
        if values["operation"] == "reply":
            for asked in reversed(self._asked.get(values["sender"], [])):
                if asked.about is not None and asked.values["sender"] == values["target"]:
                    return asked.about, ""
        known = self._why_before(values) or self.scene.recent(node)
        if known is not None:
            return known, ""
        key = values["sender"] if values["operation"] == "reply" else values["target"]
        subject = self.scene.subject("neighbor", key, lambda: {"address": key})
        subject.nodes = [node]
        return subject, "neighbor"

    def _why_before(self, values: dict[str, Any]) -> Subject | None:
        """What a question was about that is asked again now."""
        before = self._asks_again(values["sender"], values["target"]) if values["again"] else None
        return before.about if before is not None else None

    def _asks_again(self, sender: str, target: str) -> Fact | None:
        """The same question of shortly before, where nobody has answered it."""
        for fact in reversed(self._asked.get(target, [])):
            is_the_same = fact.values["sender"] == sender and not fact.values["answered"]
            if is_the_same and self.scene.now_ns - fact.time_ns <= AGAIN_NS:
                return fact
        return None

    def offered(self, given: str, server: str) -> None:
        """A server asked for the address before it offered it: that is why (RFC 2131 4.3.1)."""
        for asked in self._asked.get(given, []):
            if asked.place == server and asked.values["purpose"] == "resolve":
                asked.values["purpose"] = "offer"

    def dhcp(self, record: Record, packet: Packet, flight: Flight) -> Iterator[Fact]:
        """Look at offers alone: they say why an address was asked for."""
        given = offered_address(packet.payload)
        if given:
            self.offered(given, record["at"].partition(":")[0])
        return iter(())


def readers(scene: Scene) -> Readers:
    """The readers of one story."""
    neighbors = _Neighbors(scene)
    return Readers({}, {"ARP": neighbors.arp, "UDP:67": neighbors.dhcp})
