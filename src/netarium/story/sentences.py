"""One fact in one sentence, in words for somebody who reads about networks for the first time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from netarium.story.facts import Fact, Kind

_PREVIEW_CHARACTERS = 60
_HEADERS_TOLD = ("host", "content-type", "content-length")
_PLACES = {
    "hosts file": "its hosts file",
    "node names": "the names of the lab's nodes",
    "OS cache": "the cache of its operating system",
}


class Sentences:
    """Says facts. `owners` is address -> node, for the names beside addresses."""

    def __init__(self, owners: Mapping[str, str]) -> None:
        self.owners = owners
        self._says: dict[Kind, Callable[[str, dict[str, Any]], str]] = {
            Kind.BOOTED: self._booted,
            Kind.DHCP: self._dhcp,
            Kind.CONFIGURED: self._configured,
            Kind.NAME_STAGE: self._name_stage,
            Kind.DNS: self._dns,
            Kind.NEXT_HOP: self._next_hop,
            Kind.ARP: self._arp,
            Kind.NAT_ENTRY: self._nat_entry,
            Kind.NAT_REPLY: self._nat_reply,
            Kind.ROUTE_LEARNED: lambda place, v: (
                f"{place} has learned ({v['protocol']}): {v['prefix']} {v['route']}"
            ),
            Kind.TCP: self._tcp,
            Kind.TCP_STATE: lambda place, v: f"TCP on {place}: {v['before']} -> {v['after']}",
            Kind.PRINTED: lambda place, v: f"{v['program']} prints: {v['line']}",
            Kind.OTHER: lambda place, v: f"{place} sends {v['protocol']}",
        }

    def say(self, fact: Fact) -> str:
        """The sentence."""
        return self._says[fact.kind](fact.place, fact.values)

    def _who(self, address: str) -> str:
        owner = self.owners.get(address)
        return f"{owner} ({address})" if owner else address

    @staticmethod
    def _booted(place: str, v: dict[str, Any]) -> str:
        lacks = [
            text
            for text, has in (
                ("no IP address and no mask", v["addresses"]),
                ("no gateway", v["gateways"]),
                ("no DNS server", v["servers"]),
            )
            if not has
        ]
        has = [each for what in ("addresses", "gateways", "servers") for each in v[what]]
        told = f"; it has {', '.join(has)}" if has else ""
        return (
            f"{place} is switched on. It knows {', '.join(lacks)}{told}."
            if lacks
            else f"{place} is on{told}."
        )

    @staticmethod
    def _configured(place: str, v: dict[str, Any]) -> str:
        return (
            f"{place} has taken it: address {', '.join(v['addresses'])}, gateway {', '.join(v['gateways'])}, "
            f"DNS server {', '.join(v['servers'])}."
        )

    @staticmethod
    def _dhcp(place: str, v: dict[str, Any]) -> str:
        what = {
            "DHCPDISCOVER": '"Is there a DHCP server? I need an address."',
            "DHCPOFFER": f'"You can have {v["given"]}."',
            "DHCPREQUEST": f'"I take {v["wanted"]}, which {v["server"]} offered."',
            "DHCPACK": f'"{v["given"]} is yours for {v["lease_s"]} s. Mask {v["mask"]}, gateway {v["gateway"]}, '
            f'DNS server {", ".join(v["servers"])}."',
        }.get(v["name"], "")
        ways = f"{v['source']} -> {v['destination']}, UDP {v['source_port']} -> {v['destination_port']}"
        return f"{place} sends {v['name']}, {ways}: {what}"

    @staticmethod
    def _name_stage(place: str, v: dict[str, Any]) -> str:
        if v["stage"] == "name server":
            found = f"is {', '.join(v['answer'])}" if v["hit"] else "is not known to it"
            return f"{place} has the answer of its name server: {v['name']} {found}."
        where = _PLACES.get(v["stage"], v["stage"])
        result = f"yes, {', '.join(v['answer'])}" if v["hit"] else "no"
        return f"{place} looks in {where}: is {v['name']} there? {result.capitalize()}."

    def _dns(self, place: str, v: dict[str, Any]) -> str:
        if not v["response"]:
            wish = " Please find out." if v["recursion"] else ""
            return f'{place} asks {self._who(v["destination"])}: "{v["name"]}, type {v["type"]}?{wish}"'
        if v["answer"]:
            keep = f" You may keep that for {v['ttl_s']} s."
            return f'{place} answers: "{v["name"]} is {", ".join(v["answer"])}.{keep}"'
        if v["zone"]:
            at = f" at {', '.join(v['glue'])}" if v["glue"] else ""
            zone = v["zone"].rstrip(".") or "."
            return f'{place} answers: "I do not know. Ask {", ".join(v["servers"])}{at}, who has the zone {zone}."'
        return f"{place} answers: {v['rcode']}, no such record"

    def _next_hop(self, place: str, v: dict[str, Any]) -> str:
        near = v["own_network"] == v["destination_network"]
        verdict = (
            "equal: it is local, no router needed" if near else f"different: to the gateway {v['gateway']}"
        )
        return (
            f"Is {v['destination']} in {place}'s own network? {v['own']} AND {v['mask']} = {v['own_network']}; "
            f"{v['destination']} AND {v['mask']} = {v['destination_network']}; {verdict}."
        )

    def _arp(self, place: str, v: dict[str, Any]) -> str:
        if v["operation"] == "reply":
            return f"{place} answers: {v['sender']} is at {v['sender_mac']}"
        if v["purpose"] == "announce":
            return f"{place} tells everybody on its link: {v['sender']} is at {v['sender_mac']} (ARP)"
        if v["purpose"] == "probe":
            asks = f"{place} makes sure: does anybody else have {v['target']}? (ARP)"
        elif v["purpose"] == "offer":
            asks = f"{place} makes sure that {v['target']} is free: who has it? (ARP)"
        else:
            asks = f"{place} asks everybody on the link: who has {v['target']}? (ARP)"
        return asks if v["answered"] else f"{asks} Nobody answers."

    @staticmethod
    def _nat_entry(place: str, v: dict[str, Any]) -> str:
        return (
            f"{place} has no entry for this in its NAT table and writes one ({len(v['lines_before'])} -> "
            f"{len(v['lines_after'])} lines): {v['before']} leaves as {v['after']}."
        )

    @staticmethod
    def _nat_reply(place: str, v: dict[str, Any]) -> str:
        return f"{place} finds the answer's entry in its NAT table: {v['before']} becomes {v['after']}."

    def _tcp(self, place: str, v: dict[str, Any]) -> str:
        words = self._segment(place, v)
        return f"{words} (sent again)" if v["again"] else words

    def _segment(self, place: str, v: dict[str, Any]) -> str:
        segment = v["segment"]
        if segment == "syn":
            whom = self._who(v["destination"].rpartition(":")[0])
            return (
                f"{place} asks {whom} for a connection to port {v['port']}: SYN, numbers from {v['sequence']}"
            )
        if segment == "syn-ack":
            return f"{place} agrees: SYN+ACK, its own numbers begin at {v['sequence']}"
        if segment == "established":
            return f"{place} acknowledges: ACK; the connection stands"
        if segment == "reset":
            return f"{place} breaks the connection off: RST"
        if segment == "fin":
            return f"{place} has nothing more to send: FIN"
        if segment == "data":
            size = len(v["data"])
            last = ", and that was all: FIN" if v["fin"] else ""
            return f"{place} sends {size} byte{'s' * (size > 1)}: {preview(v['data'])}{last}"
        if v["acknowledges_fin"]:
            return f"{place} acknowledges everything, the FIN too"
        return f"{place} acknowledges all {v['acknowledged']} bytes so far"


def preview(data: bytes) -> str:
    """The first line of what is sent; of an HTTP message also what it is about; of what is no text, its bytes."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return f"{data[:8].hex(' ')} ..."
    first, *more = text.splitlines() or [""]
    if "HTTP/" in first:
        return ", ".join([first, *(line for line in more if line.partition(":")[0].lower() in _HEADERS_TOLD)])
    if not more and len(text) <= _PREVIEW_CHARACTERS:
        return repr(text)
    return repr(first[:_PREVIEW_CHARACTERS]) + " ..."
