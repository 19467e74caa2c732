"""One address, two hosts: seen before it is used, or by two different answers to one question.

Read first: RFC 5227 2.1 and 2.4 (IPv4), RFC 4862 5.4.4 (IPv6). It tells what `neighbors` and `discovery6` cannot: they
read one message at a time.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from netarium.addresses import ipv6_text, mac_text
from netarium.errors import WireError
from netarium.story.facts import Fact, Flight, Subject
from netarium.story.kinds.base import Kind, Readers, Record
from netarium.story.packets import Packet
from netarium.story.scene import Scene
from netarium.story.words import Words
from netarium.wire import ndp

REMEMBERED_MAX: Final = 1024
TOGETHER_NS: Final = 1_000_000_000
"""Answers with different MAC addresses within such a time are two hosts', not one that got another card."""
_SOLICITATION, _ADVERTISEMENT = 135, 136


class _Conflicts:
    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self._answers: dict[str, tuple[int, str, str]] = {}
        """Address -> when it was answered for last, by whom, with which MAC address."""
        self._wanted: dict[str, tuple[int, str]] = {}
        """Address -> when somebody who wants it asked whether it is free, and who."""
        self._told: dict[str, None] = {}

    def arp(self, record: Record, packet: Packet, flight: Flight) -> Iterator[Fact]:
        """A probe, or an answer."""
        if record.get("operation") == "reply":
            yield from self._answered(record, str(record.get("source")), str(record.get("sender_mac")))
        elif record.get("source") == "0.0.0.0":
            self._want(str(record.get("destination")), record)

    def discovery(self, record: Record, packet: Packet, flight: Flight) -> Iterator[Fact]:
        """A solicitation from nobody, or an advertisement."""
        if record.get("type") not in (_SOLICITATION, _ADVERTISEMENT):
            return
        try:
            target, options = ndp.parse_target(packet.payload)
        except WireError:
            return  # whoever drops it says so
        address = ipv6_text(target)
        if record["type"] == _SOLICITATION:
            if record["source"] == "::":
                self._want(address, record)
            return
        mac = ndp.link_address(options, ndp.TARGET_LINK_ADDRESS)
        yield from self._answered(record, address, mac_text(mac) if mac else str(record["mac_source"]))

    def _want(self, address: str, record: Record) -> None:
        _remember(self._wanted, address, (record["t"], record["at"].partition(":")[0]))

    def _answered(self, record: Record, address: str, mac: str) -> Iterator[Fact]:
        now, node = record["t"], record["at"].partition(":")[0]
        wanted = self._wanted.get(address)
        before = self._answers.get(address)
        _remember(self._answers, address, (now, node, mac))
        values: dict[str, Any]
        if wanted is not None and now - wanted[0] <= TOGETHER_NS and wanted[1] != node:
            values = {"address": address, "hosts": [node, wanted[1]], "macs": [mac], "in_use": False}
        elif before is not None and now - before[0] <= TOGETHER_NS and before[1] != node and before[2] != mac:
            values = {
                "address": address,
                "hosts": [before[1], node],
                "macs": [before[2], mac],
                "in_use": True,
            }
        else:
            return
        if address in self._told:
            return
        _remember(self._told, address, None)
        subject = conflict_subject(self.scene, address, values["hosts"])
        yield Fact(now, "address-conflict", node, values, about=subject, phase="conflict")


def conflict_subject(scene: Scene, address: str, hosts: list[str]) -> Subject:
    """What it is about when two hosts have an address, or want it."""
    subject = scene.subject("conflict", address, lambda: {"address": address})
    subject.nodes += [host for host in hosts if host not in subject.nodes]
    return subject


def _remember(known: dict[str, Any], key: str, value: Any) -> None:
    known.pop(key, None)
    known[key] = value
    if len(known) > REMEMBERED_MAX:
        del known[next(iter(known))]


def _say(fact: Fact, words: Words) -> str:
    v = fact.values
    first, second = v["hosts"]
    if not v["in_use"]:
        return words.text("conflict.seen", address=v["address"], owner=first, mac=v["macs"][0], wants=second)
    macs = v["macs"]
    return words.text(
        "conflict.two",
        address=v["address"],
        first=first,
        second=second,
        first_mac=macs[0],
        second_mac=macs[1],
    )


KINDS: Final = (
    Kind(
        "address-conflict",
        "arp",
        frozenset({"address", "hosts", "macs", "in_use"}),
        _say,
        needles=(b'"protocol":"ARP"', b'"type":135,', b'"type":136,'),
    ),
)


def readers(scene: Scene) -> Readers:
    """The readers of one story."""
    conflicts = _Conflicts(scene)
    return Readers({}, {"ARP": conflicts.arp, "ICMPv6": conflicts.discovery})
