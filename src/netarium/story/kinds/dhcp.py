"""DHCP: a host asks for an address and everything else it needs. Read first: RFC 2131, sections 3.1 and 4.3.1."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from netarium.addresses import ipv4_text, length_of, mac_text
from netarium.errors import NetariumError
from netarium.story.facts import Fact, Flight
from netarium.story.kinds.base import Kind, Readers, Record
from netarium.story.packets import Packet
from netarium.story.scene import Scene
from netarium.story.words import Words
from netarium.wire import dhcp

_NUMBERS = {"DHCPDISCOVER": 1, "DHCPOFFER": 2, "DHCPREQUEST": 3, "DHCPACK": 4, "DHCPNAK": 4}
_ANSWERED = {"DHCPOFFER": "DHCPDISCOVER", "DHCPACK": "DHCPREQUEST", "DHCPNAK": "DHCPREQUEST"}
_ASKS = frozenset(_ANSWERED.values())
_ASKED_MAX = 1024
_EMPTY = re.compile(r"DHCPDISCOVER from (\S+) via .*: network (\S+): no free leases")
"""What a server says when it has nothing to offer (`services/dhcp/server`)."""
_SAID = {
    "DHCPDISCOVER": "dhcp.discover",
    "DHCPOFFER": "dhcp.offer",
    "DHCPREQUEST": "dhcp.request",
    "DHCPACK": "dhcp.ack",
    "DHCPNAK": "dhcp.nak",
    "DHCPDECLINE": "dhcp.decline",
    "DHCPRELEASE": "dhcp.release",
    "DHCPINFORM": "dhcp.inform",
}


def _say(fact: Fact, words: Words) -> str:
    v = fact.values
    more = words.text("dhcp.gateway", gateway=v["gateway"]) if v["gateway"] not in ("", "0.0.0.0") else ""
    more += words.text("dhcp.servers", servers=words.listed(v["servers"])) if v["servers"] else ""
    told = dict(v, place=fact.place, more=more)
    key = _SAID.get(v["name"], "dhcp.other")
    if v["name"] == "DHCPREQUEST" and v["server"] == "0.0.0.0":
        key = "dhcp.renew"
    text = words.text(key, **told)
    if not v["answered"]:
        text = words.text("dhcp.nobody", text=text)
    return words.text("dhcp.count", number=v["number"], of=v["of"], text=text) if v["number"] else text


def _say_empty(fact: Fact, words: Words) -> str:
    v = fact.values
    return words.text("dhcp.empty", place=fact.place, client=v["client"], prefix=v["prefix"])


KINDS = (
    Kind("dhcp-empty", "dhcp", frozenset({"client", "prefix"}), _say_empty, needles=(b"no free leases",)),
    Kind(
        "dhcp",
        "dhcp",
        frozenset(
            [
                "name",
                "source",
                "destination",
                "source_port",
                "destination_port",
                "given",
                "wanted",
                "server",
                "mask",
                "length",
                "gateway",
                "servers",
                "lease_s",
                "client",
                "number",
                "of",
                "answered",
            ]
        ),
        _say,
        needles=(b'"destination_port":67,', b'"destination_port":68,'),
    ),
)


class _Dhcp:
    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self._asked: dict[tuple[str, str], Fact] = {}
        """(MAC address of the client, name) -> its latest question of that name, which may still be answered."""

    def message(self, record: Record, packet: Packet, flight: Flight) -> Iterator[Fact]:
        values = _values(record, packet.payload)
        if values is None:
            return
        node = record["at"].partition(":")[0]
        client = self._node_of(values["client"]) or values["client"]
        subject = self.scene.subject("join", client, lambda: {"host": client})
        if client in self.scene.nodes:
            subject.nodes = [client]
        known = subject.state if isinstance(subject.state, dict) else {}
        if values["name"] == "DHCPDISCOVER":
            known = {"of": 4}
        elif values["name"] == "DHCPREQUEST" and values["server"] == "0.0.0.0":
            known = {"of": 2}  # a renewal: two messages do
        subject.state = known
        of = known.get("of", 0)
        number = _NUMBERS.get(values["name"], 0)
        values["of"] = of
        values["number"] = max(number - (4 - of), 1) if number and of else 0
        flight.subject = subject
        self.scene.touch(node, subject)
        fact = Fact(record["t"], "dhcp", node, values, flight, subject, phase="join" if of != 2 else "renew")
        self._notes_answer(fact)
        yield fact

    def _notes_answer(self, fact: Fact) -> None:
        """A question is not answered until an answer comes: to the latest of its client."""
        client, name = fact.values["client"], fact.values["name"]
        fact.values["answered"] = name not in _ASKS
        if name in _ASKS:
            self._asked[client, name] = fact
            if len(self._asked) > _ASKED_MAX:
                del self._asked[next(iter(self._asked))]
        asked = self._asked.get((client, _ANSWERED.get(name, "")))
        if asked is not None:
            asked.values["answered"] = True

    def printed(self, record: Record) -> Iterator[Fact]:
        """A server has no address left."""
        for mac, prefix in _EMPTY.findall(str(record.get("text", ""))):
            client = self._node_of(mac) or mac
            subject = self.scene.subject("join", client, _labelled(client))
            values = {"client": client, "prefix": prefix}
            yield Fact(record["t"], "dhcp-empty", record["at"], values, about=subject, phase="join")

    def _node_of(self, mac: str) -> str:
        for node in self.scene.nodes.values():
            if any(port.get("mac") == mac for port in node.ports.values()):
                return node.name
        return ""


def _labelled(client: str) -> Callable[[], dict[str, Any]]:
    return lambda: {"host": client}


def _values(record: Record, data: bytes) -> dict[str, Any] | None:
    try:
        message = dhcp.DhcpMessage.parse(data)
        mask = message.address(dhcp.SUBNET_MASK)
        length = length_of(mask) if mask else 0
        return {
            "name": message.name,
            "source": record["source"],
            "destination": record["destination"],
            "source_port": record["source_port"],
            "destination_port": record["destination_port"],
            "given": ipv4_text(message.your_address),
            "wanted": ipv4_text(message.address(dhcp.REQUESTED_ADDRESS)),
            "server": ipv4_text(message.address(dhcp.SERVER_IDENTIFIER)),
            "mask": ipv4_text(mask),
            "length": length,
            "gateway": ipv4_text(message.address(dhcp.ROUTER)),
            "servers": [ipv4_text(each) for each in message.addresses(dhcp.NAME_SERVER)],
            "lease_s": message.number(dhcp.LEASE_TIME),
            "client": mac_text(int.from_bytes(message.hardware_address[:6], "big")),
        }
    except NetariumError:
        return None


def offered_address(data: bytes) -> str:
    """The address that a DHCPOFFER offers; "" for every other message and for what is none."""
    try:
        message = dhcp.DhcpMessage.parse(data)
        return ipv4_text(message.your_address) if message.name == "DHCPOFFER" else ""
    except NetariumError:
        return ""


def readers(scene: Scene) -> Readers:
    """The readers of one story."""
    reader = _Dhcp(scene)
    return Readers({"printed": reader.printed}, {"UDP:67": reader.message})
