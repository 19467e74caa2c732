"""ICMP: a ping and its answer, and what routers and hosts say about packets that went wrong. Read first: RFC 792."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from netarium.story.facts import Fact, Flight, Subject
from netarium.story.kinds.base import Kind, Readers, Record
from netarium.story.packets import Packet
from netarium.story.scene import Scene, end_text
from netarium.story.words import Words
from netarium.wire.icmp import (
    DESTINATION_UNREACHABLE,
    ECHO_REPLY,
    ECHO_REQUEST,
    FRAGMENTATION_NEEDED,
    PORT_UNREACHABLE,
    REDIRECT,
    TIME_EXCEEDED,
)
from netarium.wire.ipv4 import PROTOCOL_TCP, PROTOCOL_UDP, Ipv4Header
from netarium.wire.ipv6 import Ipv6Header

_ECHO6_REQUEST, _ECHO6_REPLY = 128, 129
_ERRORS6 = {1: "icmp.unreachable", 2: "icmp.too-big", 3: "icmp.ttl"}
_PORTS_BYTES = 4
TTL_SMALL = 32
"""Hosts begin with 64 and more; a traceroute goes up to 30."""
_GROUPS = tuple(f"{first}." for first in range(224, 240))


def _say_echo(fact: Fact, words: Words) -> str:
    v = fact.values
    key = "ping.reply" if v["reply"] else "ping.request"
    text = words.text(
        key, place=fact.place, target=words.who(v["destination"]), sequence=v["sequence"], bytes=v["bytes"]
    )
    return said_ttl(text, v, words)


def small_ttl(record: Record) -> int:
    """The TTL (hop limit) of a packet that was not meant to go far; 0 of all others, and of multicast."""
    ttl, destination = int(record.get("ttl", 0)), str(record.get("destination", ""))
    is_group = destination[:2] == "ff" if ":" in destination else destination.startswith(_GROUPS)
    return ttl if 0 < ttl < TTL_SMALL and not is_group else 0


def said_ttl(text: str, values: dict[str, Any], words: Words) -> str:
    """What is sent, and how far it can go where that is told."""
    return words.text("sent.ttl", text=text, ttl=values["ttl"]) if values["ttl"] else text


def _say_error(fact: Fact, words: Words) -> str:
    v = fact.values
    return words.text(
        v["message"],
        place=fact.place,
        sender=words.who(v["destination"]),
        about=v["about"] or v["protocol"],
        mtu=v["mtu"],
    )


KINDS = (
    Kind(
        "ping",
        "ping",
        frozenset({"source", "destination", "reply", "identifier", "sequence", "bytes", "ttl"}),
        _say_echo,
        needles=(b'"protocol":"ICMP"', b'"protocol":"ICMPv6"', b'"stop":"FRAGMENT"'),
    ),
    Kind(
        "icmp-error",
        "ping",
        frozenset({"source", "destination", "message", "about", "protocol", "mtu"}),
        _say_error,
        needles=(b'"protocol":"ICMP"', b'"protocol":"ICMPv6"'),
    ),
)


def ping_subject(scene: Scene, asker: str, target: str, identifier: int, node: str = "") -> Subject:
    """What the echoes of one ping are about; `node` is who asks, where that is known."""
    subject = scene.subject(
        "ping", f"{asker}>{target} {identifier}", lambda: {"asker": node or asker, "target": target}
    )
    if not subject.nodes:
        subject.nodes = [each for each in (scene.owner(asker), scene.owner(target)) if each]
    return subject


class _Icmp:
    def __init__(self, scene: Scene) -> None:
        self.scene = scene

    def message(self, record: Record, packet: Packet, flight: Flight) -> Iterator[Fact]:
        kind, version6 = record.get("type"), record.get("protocol") == "ICMPv6"
        echoes = (_ECHO6_REQUEST, _ECHO6_REPLY) if version6 else (ECHO_REQUEST, ECHO_REPLY)
        if kind in echoes:
            yield self._echo(record, flight, kind == echoes[1])
        elif version6 and kind in _ERRORS6:
            message = "icmp.port" if (kind, record.get("code")) == (1, 4) else _ERRORS6[kind]
            yield self._error(record, packet, flight, message)
        elif not version6 and isinstance(kind, int):
            message = _message4(kind, record.get("code"))
            if message:
                yield self._error(record, packet, flight, message)

    def _echo(self, record: Record, flight: Flight, is_reply: bool) -> Fact:
        node, rest = record["at"].partition(":")[0], int(record.get("rest", 0))
        source, destination = record["source"], record["destination"]
        identifier = rest >> 16
        subject = flight.subject
        if subject is None:
            ends = (destination, source) if is_reply else (source, destination)
            subject = ping_subject(self.scene, ends[0], ends[1], identifier, "" if is_reply else node)
            if is_reply:
                subject = self._asked(destination, source, identifier) or subject
        flight.subject = subject
        self.scene.touch(node, subject)
        values = {
            "source": source,
            "destination": destination,
            "reply": is_reply,
            "identifier": identifier,
            "sequence": rest & 0xFFFF,
            "bytes": record.get("length", 0),
            "ttl": small_ttl(record),
        }
        return Fact(record["t"], "ping", node, values, flight, subject, phase="ping")

    def _asked(self, asker: str, target: str, identifier: int) -> Subject | None:
        """Behind NAT the asker is another and so is the number: the target had to do with the question last."""
        known = self.scene.recent(self.scene.owner(target))
        return known if known is not None and known.kind == "ping" else None

    def _error(self, record: Record, packet: Packet, flight: Flight, message: str) -> Fact:
        node = record["at"].partition(":")[0]
        protocol, source, destination = quoted(packet)
        subject = None
        if source and destination and protocol in ("TCP", "UDP"):
            subject = self.scene.known_conversation(protocol, source, destination)
        subject = subject or self.scene.recent(node)
        flight.subject = subject
        self.scene.touch(node, subject)
        values = {
            "source": record["source"],
            "destination": record["destination"],
            "message": message,
            "about": f"{protocol} {source} > {destination}" if destination else "",
            "protocol": protocol,
            "mtu": int(record.get("rest", 0)) & 0xFFFF,
        }
        phase = "" if subject else "lost"
        if subject is not None and subject.kind == "TCP" and message == "icmp.too-big":
            phase = "data"  # though the program may have closed long ago
        fact = Fact(record["t"], "icmp-error", node, values, flight, subject, phase=phase)
        fact.fold = f"icmp {node} {message} {record['destination']}"
        return fact


def _message4(kind: int, code: object) -> str:
    if kind == DESTINATION_UNREACHABLE:
        return {PORT_UNREACHABLE: "icmp.port", FRAGMENTATION_NEEDED: "icmp.too-big"}.get(
            code if isinstance(code, int) else -1, "icmp.unreachable"
        )
    return {TIME_EXCEEDED: "icmp.ttl", REDIRECT: "icmp.redirect"}.get(kind, "")


def quoted(packet: Packet) -> tuple[str, str, str]:
    """(protocol, source, destination) of the packet that an error quotes, with ports where it has some."""
    from netarium.addresses import ipv4_text, ipv6_text
    from netarium.errors import WireError
    from netarium.wire.ipv4 import header_bytes_of

    data = packet.payload
    try:
        header: Ipv4Header | Ipv6Header
        if data[:1] and data[0] >> 4 == 6:
            header = Ipv6Header.parse(data)
            text, start = ipv6_text, header.size_bytes
        else:
            header = Ipv4Header.parse(data)
            text, start = ipv4_text, header_bytes_of(data)
    except (WireError, IndexError):
        return "", "", ""
    protocol = {PROTOCOL_TCP: "TCP", PROTOCOL_UDP: "UDP", 1: "ICMP", 58: "ICMPv6"}.get(header.protocol, "IP")
    source, destination = text(header.source), text(header.destination)
    ports = data[start : start + _PORTS_BYTES]
    if protocol in ("TCP", "UDP") and len(ports) == _PORTS_BYTES:
        source = end_text(source, int.from_bytes(ports[:2], "big"))
        destination = end_text(destination, int.from_bytes(ports[2:], "big"))
    return protocol, source, destination


def readers(scene: Scene) -> Readers:
    """The readers of one story."""
    message = _Icmp(scene).message
    return Readers({}, {"ICMP": message, "ICMPv6": message})
