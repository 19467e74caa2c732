"""Neighbour discovery of IPv6: who has this address, and which routers and prefixes are there.

Read first: RFC 4861 4 (messages) and 7.2 (resolution), RFC 4862 5.4 (duplicate detection) and 5.5 (SLAAC).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from netarium.addresses import ipv6_text, mac_text
from netarium.errors import WireError
from netarium.story.facts import Fact, Flight, Subject
from netarium.story.kinds.base import Kind, Readers, Record
from netarium.story.packets import Packet
from netarium.story.scene import Scene
from netarium.story.words import Words
from netarium.wire import ndp

TOLD_MAX: Final = 2
"""So many advertisements of one router are told, and so many of its being asked for; later ones are counted."""
REMEMBERED_MAX: Final = 4096
_UNSPECIFIED: Final = "::"

Values = dict[str, Any]
_NOTHING: Final[Values] = {
    "target": "",
    "purpose": "",
    "mac": "",
    "destination": "",
    "prefixes": [],
    "autonomous": False,
    "lifetime_s": 0,
    "servers": [],
}
"""The values of what a message does not tell."""


class _Discovery:
    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self._asked: dict[str, Subject] = {}
        self._told: dict[tuple[str, str], int] = {}
        self._speakers: dict[str, None] = {}
        """Nodes that have sent anything of ICMPv6: they speak IPv6."""
        self._read: dict[int, Callable[[Record, Packet], Values]] = {
            133: _router_wanted,
            134: _router,
            135: _asks,
            136: _answers,
            137: _redirect,
        }

    def message(self, record: Record, packet: Packet, flight: Flight) -> Iterator[Fact]:
        """A message of neighbour discovery."""
        self._speakers[record["at"].partition(":")[0]] = None
        read = self._read.get(int(record.get("type", 0)))
        if read is None:
            return
        try:
            values = read(record, packet)
        except WireError:
            return  # whoever drops it says so
        node = record["at"].partition(":")[0]
        subject, phase = self._about(node, values, record["at"])
        flight.subject = subject
        self.scene.touch(node, subject)
        fact = Fact(record["t"], "nd", node, {**_NOTHING, **values}, flight, subject, phase=phase)
        if values["message"] in ("router", "router-wanted"):
            fact.background = not self._is_new(node, values["message"])
        yield fact

    def _joining(self, port: str) -> Subject | None:
        """The first host of a router's link that is about to join it and has no router of IPv6 yet."""
        for name in self.scene.hosts_on_link(port):
            if name in self._speakers and not any(":" in each for each in self.scene.nodes[name].gateways):
                return join_subject(self.scene, name)
        return None

    def _about(self, node: str, values: Values, port: str) -> tuple[Subject, str]:
        message = values["message"]
        if message == "router-wanted":
            return join_subject(self.scene, node), "join"
        if message in ("router", "redirect"):
            known = self.scene.recent(node) if message == "redirect" else None
            if known is not None:
                return known, ""
            joins = self._joining(port) if message == "router" else None
            if joins is not None:
                return joins, "join"
            subject = self.scene.subject("routing", "ndp", lambda: {"protocol": "NDP"})
            return subject, "advertise"
        target = values["target"]
        if message == "answers" and target in self._asked:
            return self._asked[target], ""
        if values.get("purpose") == "duplicate":
            return join_subject(self.scene, node), "join"
        known = self.scene.recent(node) if values.get("purpose") == "resolve" else None
        if known is not None and known.kind != "routing":
            self._remember(target, known)
            return known, ""
        subject = self.scene.subject("neighbor", target, lambda: {"address": target})
        if node not in subject.nodes:
            subject.nodes.append(node)
        self._remember(target, subject)
        return subject, "neighbor"

    def _remember(self, target: str, subject: Subject) -> None:
        self._asked.pop(target, None)
        self._asked[target] = subject
        if len(self._asked) > REMEMBERED_MAX:
            del self._asked[next(iter(self._asked))]

    def _is_new(self, node: str, message: str) -> bool:
        count = self._told.get((node, message), 0)
        if len(self._told) < REMEMBERED_MAX:
            self._told[node, message] = count + 1
        return count < TOLD_MAX


def join_subject(scene: Scene, node: str) -> Subject:
    """What it is about when a host gives itself addresses."""
    subject = scene.subject("join", node, lambda: {"host": node})
    subject.nodes = [node]
    return subject


def _router_wanted(record: Record, packet: Packet) -> Values:
    return {"message": "router-wanted", "sender": record["source"], "to": record["destination"]}


def _router(record: Record, packet: Packet) -> Values:
    told = ndp.RouterAdvertisement.parse(int(record["rest"]), packet.payload)
    return {
        "message": "router",
        "sender": record["source"],
        "to": record["destination"],
        "prefixes": [f"{ipv6_text(each.prefix)}/{each.length}" for each in told.prefixes],
        "autonomous": any(each.flags & ndp.AUTONOMOUS for each in told.prefixes),
        "lifetime_s": told.lifetime_s,
        "servers": [ipv6_text(each) for each in told.dns_servers],
    }


def _asks(record: Record, packet: Packet) -> Values:
    target, _ = ndp.parse_target(packet.payload)
    source = record["source"]
    purpose = "duplicate" if source == _UNSPECIFIED else "resolve"
    if record["destination"] == ipv6_text(target):
        purpose = "probe"  # RFC 4861 7.3: is the one who had it still there?
    return {
        "message": "asks",
        "sender": source,
        "to": record["destination"],
        "target": ipv6_text(target),
        "purpose": purpose,
    }


def _answers(record: Record, packet: Packet) -> Values:
    target, options = ndp.parse_target(packet.payload)
    mac = ndp.link_address(options, ndp.TARGET_LINK_ADDRESS)
    return {
        "message": "answers",
        "sender": record["source"],
        "to": record["destination"],
        "target": ipv6_text(target),
        "mac": mac_text(mac) if mac else record["mac_source"],
    }


def _redirect(record: Record, packet: Packet) -> Values:
    better, destination, _ = ndp.parse_redirect(packet.payload)
    return {
        "message": "redirect",
        "sender": record["source"],
        "to": record["destination"],
        "target": ipv6_text(better),
        "destination": ipv6_text(destination),
    }


def _say(fact: Fact, words: Words) -> str:
    v = fact.values
    message = v["message"]
    if message == "asks":
        return words.text(f"decision.nd.{v['purpose']}", place=fact.place, target=v["target"], group=v["to"])
    if message == "answers":
        return words.text("decision.nd.answers", place=fact.place, target=v["target"], mac=v["mac"])
    if message == "redirect":
        told = {"target": v["target"], "destination": v["destination"], "whom": words.who(v["to"])}
        return words.text("decision.nd.redirect", place=fact.place, **told)
    if message == "router-wanted":
        return words.text("decision.nd.router_wanted", place=fact.place)
    said = words.text("decision.nd.router", place=fact.place, sender=v["sender"])
    if v["prefixes"]:
        said += words.text("decision.nd.prefixes", prefixes=words.listed(v["prefixes"]))
    said += words.text("decision.nd.autonomous") if v["autonomous"] else ""
    return said + (
        words.text("decision.nd.servers", servers=words.listed(v["servers"])) if v["servers"] else ""
    )


KINDS: Final = (
    Kind(
        "nd",
        "arp",
        frozenset(
            {
                "message", "sender", "to", "target", "purpose", "mac", "destination", "prefixes", "autonomous",
                "lifetime_s", "servers",
            }
        ),
        _say,
        needles=tuple(b'"type":%d,' % kind for kind in (133, 134, 135, 136, 137)),
    ),
)  # fmt: skip


def readers(scene: Scene) -> Readers:
    """The readers of one story."""
    return Readers({}, {"ICMPv6": _Discovery(scene).message})
