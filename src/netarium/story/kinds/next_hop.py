"""Where a packet goes next, shown: the AND of address and mask, the route table and the line that won, the neighbour
cache and its answer. Read first: RFC 1122 3.3.1.1, RFC 1812 5.2.4.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from netarium.addresses import ipv4_text as text4
from netarium.addresses import mask_of, parse_ipv4
from netarium.errors import NetariumError
from netarium.story.facts import NEXT, Fact, Subject
from netarium.story.kinds.base import Kind, Readers, Record
from netarium.story.kinds.on_link import prefix_lines, prefix_values, say_prefixes
from netarium.story.kinds.ping import ping_subject
from netarium.story.scene import Scene, address_of, end_text
from netarium.story.subnet import bits_text
from netarium.story.words import Words

REMEMBERED_MAX: Final = 4096
REASONS: Final = {
    "no route matches": "decision.reason.none",
    "the address is this host's own": "decision.reason.own",
    "it is a broadcast address of this link": "decision.reason.broadcast",
    "the only route that matches": "decision.reason.only",
    "the longest prefix that matches": "decision.reason.longest",
    "the smallest metric of the longest prefix": "decision.reason.metric",
}
_NEEDLES: Final = (
    b'"stop":"ROUTE"', b'"stop":"FORWARD"', b'"flags":"SYN', b'"stop":"FILTER_IN"', b'"stop":"FILTER_OUT"',
)  # fmt: skip
"""Who began a conversation, and what NAT has made of it, tells whose packets are answers."""


class _NextHops:
    """What the story has told already: told in full once, shortly when a host asks the same again."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self._tables: dict[tuple[str, bool], list[str]] = {}
        self._told: dict[tuple[str, ...], str] = {}
        self._asked: dict[str, None] = {}
        """Ends that somebody was the first to send to: what comes from there is an answer."""
        self._rewritten: dict[str, tuple[int, str]] = {}
        """Node -> when its NAT gave a packet another destination, last, and which."""

    def route(self, record: Record) -> Iterator[Fact]:
        details = record["details"]
        destination = record["subject"].removeprefix("for ")
        place, family6 = record["at"], ":" in destination
        if "table" in details:
            self._remember_table((place, family6), details["table"])
        if details.get("packet") == "forward":
            yield from self._forward(record, destination)
        elif details.get("packet") == "output" and not self._is_background(record, destination):
            yield from self._output(record, destination)

    def _is_background(self, record: Record, destination: str) -> bool:
        """A router's own talk and answers need no AND: who answers goes back by the way it was asked."""
        details = record["details"]
        if details["reason"] == "no route matches":
            return False
        node = self.scene.nodes.get(record["at"])
        own_talk = node is None or (not node.is_host and details["protocol"] != 6)
        if own_talk or not details.get("source"):
            return True
        if "source_port" in details:
            if end_text(details["source"], details["source_port"]) in self._asked:
                return True
            self._ask(end_text(destination, details["destination_port"]))
            protocol = {6: "TCP", 17: "UDP"}.get(details["protocol"], "")
            subject = self.scene.known_conversation(
                protocol,
                end_text(details["source"], details["source_port"]),
                end_text(destination, details["destination_port"]),
            )
            client = subject.label.get("client", "") if subject is not None else ""
            return bool(client) and self.scene.owner(address_of(client)) not in ("", record["at"])
        return details.get("icmp_type", 8) not in (8, 128)

    def _ask(self, end: str) -> None:
        self._asked[end] = None
        if len(self._asked) > REMEMBERED_MAX:
            del self._asked[next(iter(self._asked))]

    def _output(self, record: Record, destination: str) -> Iterator[Fact]:
        about, phase = self._about(record["at"], record["details"], destination)
        for fact in self._decisions(record, destination):
            fact.about, fact.phase = about, phase
            yield fact

    def _about(self, place: str, details: dict[str, Any], destination: str) -> tuple[Subject | None, str]:
        """What is about to be sent belongs to a ping or a conversation; else the host is about it already."""
        source = str(details.get("source", ""))
        if source and details.get("icmp_type") in (8, 128):
            return ping_subject(self.scene, source, destination, details["identifier"], place), "ping"
        if source and details["protocol"] == 17 and details.get("destination_port", 53) not in (53, 67, 547):
            ends = (
                end_text(source, details["source_port"]),
                end_text(destination, details["destination_port"]),
            )
            datagrams = self.scene.conversation("UDP", *ends)
            return datagrams, datagrams.phase or "datagrams"
        return None, NEXT if self.scene.recent(place) is None else ""

    def _decisions(self, record: Record, destination: str) -> Iterator[Fact]:
        details, place, now = record["details"], record["at"], record["t"]
        won = str(details["winner"])
        if details["reason"] == "no route matches":
            table = self._tables.get((place, ":" in destination), [])
            yield Fact(
                now, "no-route", place, {**self._route_values(details, place, destination), "table": table}
            )
        elif details["reason"] == "the address is this host's own":
            if self._is_new((place, "own", destination), won):
                yield Fact(now, "own-address", place, {"destination": destination})
        elif not self._is_new((place, destination), won):
            known = {key: details.get(key) or "" for key in ("gateway", "answer", "next_hop")}
            yield Fact(now, "next-hop-known", place, {"destination": destination, **known})
        else:
            first = self._is_new((place, "won", won), won)
            values = self._near_or_far(details, place, destination)
            if values is not None:
                yield Fact(now, "local-or-gateway", place, {**values, "in_full": first})
            if not first:
                return  # the same line has won before, so the rest has been told
            yield Fact(now, "route-chosen", place, self._route_values(details, place, destination))
            if "next_hop" in details and "cache" in details:
                keys = ("next_hop", "answer", "cache", "cache_lines", "interface")
                yield Fact(now, "neighbor-cache", place, {key: details[key] for key in keys})

    def _near_or_far(self, details: dict[str, Any], place: str, destination: str) -> dict[str, Any] | None:
        own, gateway = str(details.get("own", "")), str(details.get("gateway", ""))
        if ":" not in destination:
            return _and_values(own, destination, gateway)
        table = self._tables.get((place, True), [])
        return prefix_values(own, destination, str(details["winner"]), gateway, table) if own else None

    def _forward(self, record: Record, destination: str) -> Iterator[Fact]:
        details, place = record["details"], record["at"]
        won = str(details["winner"])
        if self._is_new((place, "forward", won), won):
            values = self._route_values(details, place, destination)
            about = self.scene.recent(place)  # the packet has just come, and is of that
            values["ttl"] = details.get("ttl", 0)
            values["rewritten"] = self._rewritten.get(place) == (record["t"], destination)
            yield Fact(record["t"], "forwarded", place, values, about=about)

    def translated(self, record: Record) -> Iterator[Fact]:
        """NAT before routing: the packet was addressed to the router, and goes on to somebody else."""
        details = record["details"]
        if details.get("decision") == "translate":
            destination = address_of(str(details.get("after", "")).partition(" -> ")[2])
            self._rewritten[record["at"]] = (record["t"], destination)
        return iter(())

    def flow_cache(self, record: Record) -> Iterator[Fact]:
        """A layer-3 switch has passed a packet on past its routing module."""
        details, place = record["details"], record["at"]
        if details.get("decision") != "switched by the flow cache":
            return
        destination = record["subject"].removeprefix("for ")
        if self._is_new((place, "flow cache", destination), "x"):
            yield Fact(
                record["t"],
                "flow-switched",
                place,
                {"destination": destination, "out": details.get("out", "")},
                about=self.scene.recent(place),
            )

    def _route_values(self, details: dict[str, Any], place: str, destination: str) -> dict[str, Any]:
        family6 = ":" in destination
        table = self._tables.get((place, family6), [])
        shown = table if self._is_new((place, "table", str(family6)), repr(table)) else []
        return {
            "destination": destination,
            "winner": details["winner"] if details["reason"] != "no route matches" else "",
            "reason": details["reason"],
            "candidates": details["candidates"],
            "table": shown,
            "table_lines": len(table),
            "gateway": details.get("gateway") or "",
            "interface": details.get("interface") or "",
        }

    def _remember_table(self, key: tuple[str, bool], table: list[str]) -> None:
        self._tables.pop(key, None)
        self._tables[key] = table
        if len(self._tables) > REMEMBERED_MAX:
            del self._tables[next(iter(self._tables))]

    def _is_new(self, key: tuple[str, ...], value: str) -> bool:
        """Whether the value of a key is another than it was when last told."""
        before = self._told.pop(key, None)
        self._told[key] = value
        if len(self._told) > REMEMBERED_MAX:
            del self._told[next(iter(self._told))]
        return before != value


def _and_values(own: str, destination: str, gateway: str) -> dict[str, Any] | None:
    """Both networks by one's own mask (IPv4); None without an own address."""
    address, slash, length_text = own.partition("/")
    if not slash:
        return None
    length = int(length_text)
    mask = mask_of(length)
    networks = (parse_ipv4(address) & mask, parse_ipv4(destination) & mask)
    return {
        "own": address,
        "length": length,
        "mask": text4(mask),
        "destination": destination,
        "own_network": text4(networks[0]),
        "destination_network": text4(networks[1]),
        "same": networks[0] == networks[1],
        "gateway": gateway,
        "prefixes": [],
    }


def _say_and(fact: Fact, words: Words) -> str:
    v = fact.values
    if not v["mask"]:
        return say_prefixes(v, fact.place, words)
    verdict = "near" if v["same"] else "far"
    if v["same"] == bool(v["gateway"]):
        verdict = "exception"  # a route of its own says otherwise
    told = {
        key: v[key] for key in ("own", "length", "mask", "destination", "own_network", "destination_network")
    }
    question = words.text("decision.and", place=fact.place, **told)
    return question + words.text(f"decision.and.{verdict}", gateway=v["gateway"] or v["destination"])


def _and_lines(fact: Fact, words: Words) -> list[str]:
    v = fact.values
    if not v["in_full"]:
        return []
    try:
        if not v["mask"]:
            return prefix_lines(v)
        mask = parse_ipv4(v["mask"])
        blocks = []
        for name, network in ((v["own"], v["own_network"]), (v["destination"], v["destination_network"])):
            blocks += [
                f"    {name:<15}  {bits_text(4, parse_ipv4(name))}",
                f"AND {v['mask']:<15}  {bits_text(4, mask)}",
                f"  = {network:<15}  {bits_text(4, parse_ipv4(network))}",
            ]
    except NetariumError:
        return []
    return blocks


def _say_route(fact: Fact, words: Words) -> str:
    v = fact.values
    table = words.plural(
        "decision.route.table", v["table_lines"], place=fact.place, destination=v["destination"]
    )
    return table + words.text("decision.route.won", winner=v["winner"], reason=_reason(v, words))


def _reason(v: dict[str, Any], words: Words) -> str:
    key = REASONS.get(v["reason"])
    return words.text(key) if key is not None else v["reason"]


def _table_lines(fact: Fact, words: Words) -> list[str]:
    v = fact.values
    lines = [f"{'>' if line == v['winner'] else ' '} {line}" for line in v["table"]]
    if lines and v["table_lines"] > len(lines):
        lines.append(f"  ... ({v['table_lines']})")
    return lines


def _say_forward(fact: Fact, words: Words) -> str:
    v = fact.values
    return words.text(
        "decision.forward6" if ":" in v["destination"] else "decision.forward",
        place=fact.place,
        destination=v["destination"],
        winner=v["winner"],
        reason=_reason(v, words),
        ttl=v["ttl"],
        less=v["ttl"] - 1,
    )


def _say_cache(fact: Fact, words: Words) -> str:
    v = fact.values
    kind = "decision.cache6" if ":" in v["next_hop"] else "decision.cache"
    question = words.text(kind, place=fact.place, next_hop=words.who(v["next_hop"]))
    if v["answer"]:
        return question + words.text("decision.cache.hit", mac=v["answer"])
    return question + words.text("decision.cache.miss")


def _say_known(fact: Fact, words: Words) -> str:
    v = fact.values
    by = "decision.again.gateway" if v["gateway"] else "decision.again.direct"
    said = words.text(by, place=fact.place, destination=words.who(v["destination"]), gateway=v["gateway"])
    return said + (
        words.text("decision.cache.hit", mac=v["answer"])
        if v["answer"]
        else words.text("decision.cache.miss")
    )


def _say_no_route(fact: Fact, words: Words) -> str:
    return words.text("decision.no_route", place=fact.place, destination=fact.values["destination"])


def _say_own(fact: Fact, words: Words) -> str:
    return words.text("decision.own", place=fact.place, destination=fact.values["destination"])


def _say_flow_switched(fact: Fact, words: Words) -> str:
    v = fact.values
    return words.text(
        "decision.flow_cache", place=fact.place, destination=words.who(v["destination"]), out=v["out"]
    )


_ROUTE_KEYS: Final = frozenset(
    {"destination", "winner", "reason", "candidates", "table", "table_lines", "gateway", "interface"}
)
KINDS: Final = (
    Kind(
        "local-or-gateway",
        "route",
        frozenset(
            {
                "own",
                "length",
                "mask",
                "destination",
                "own_network",
                "destination_network",
                "same",
                "gateway",
                "in_full",
                "prefixes",
            }
        ),
        _say_and,
        _and_lines,
        _NEEDLES,
    ),
    Kind("route-chosen", "route", _ROUTE_KEYS, _say_route, _table_lines, _NEEDLES),
    Kind("no-route", "route", _ROUTE_KEYS, _say_no_route, _table_lines, _NEEDLES),
    Kind("forwarded", "route", _ROUTE_KEYS | {"ttl", "rewritten"}, _say_forward, _table_lines, _NEEDLES),
    Kind(
        "neighbor-cache",
        "arp",
        frozenset({"next_hop", "answer", "cache", "cache_lines", "interface"}),
        _say_cache,
        lambda fact, words: list(fact.values["cache"]),
        _NEEDLES,
    ),
    Kind(
        "next-hop-known",
        "route",
        frozenset({"destination", "gateway", "answer", "next_hop"}),
        _say_known,
        needles=_NEEDLES,
    ),
    Kind("own-address", "route", frozenset({"destination"}), _say_own, needles=_NEEDLES),
    Kind("flow-switched", "route", frozenset({"destination", "out"}), _say_flow_switched, needles=_NEEDLES),
)


def readers(scene: Scene) -> Readers:
    """The readers of one story."""
    state = _NextHops(scene)
    records = {
        "step:ROUTE": state.route,
        "step:FORWARD": state.flow_cache,
        "step:FILTER_IN": state.translated,
    }
    return Readers(records, {})
