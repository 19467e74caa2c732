"""What a firewall decides and by which rule, which server a balancer chooses; the NAT table before and after.

Read first: RFC 3022 2.2 (NAPT), RFC 2979 (firewalls). `nat` tells the translations themselves.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from netarium.story.facts import Fact, Flight, Subject
from netarium.story.kinds.base import Kind, Readers, Record
from netarium.story.scene import Scene
from netarium.story.words import Words

REMEMBERED_MAX: Final = 4096
LINES_MAX: Final = 6
_ACTIONS: Final = frozenset({"accept", "drop", "reject"})
_RULE: Final = re.compile(r"rule (\d+) of (\S+): (.+)", re.DOTALL)
_POLICY: Final = re.compile(r"policy of (\S+): (.+)", re.DOTALL)
"""How records name what decided (`stack/filter/firewall.py`, RuleChain.told)."""


class _Filtering:
    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self._told: dict[tuple[str, ...], None] = {}

    def step(self, record: Record) -> Iterator[Fact]:
        """A firewall's verdict, or a balancer's choice."""
        details, place = record["details"], record["at"]
        decision = str(details.get("decision", ""))
        if decision in _ACTIONS and "why" in details:
            packet, why = str(details.get("packet", "")), str(details["why"])
            if self._is_new((place, decision, why, packet if decision != "accept" else "")):
                values = {
                    "action": decision,
                    "why": why,
                    "packet": packet,
                    "chain": record["subject"].rpartition(" ")[2],
                }
                fact = Fact(record["t"], "judged", place, values, about=self._about(place, packet))
                if decision != "accept" and self.scene.is_told("judged"):
                    fact.flight = Flight(
                        place
                    )  # that of the frame that goes no further, when its end is recorded
                    self.scene.judged[place] = (record["t"], packet, fact.flight)
                yield fact
        elif "servers" in details:
            values = {"server": decision, "method": details.get("method", ""), "servers": details["servers"]}
            ends = record["subject"].partition(" ")[2]
            yield Fact(record["t"], "balanced", place, values, about=self._about(place, ends))

    def server(self, record: Record) -> Iterator[Fact]:
        """A balancer has found a server dead, or alive again."""
        values = {"server": record["subject"].partition(" ")[2], "alive": record["after"] == "alive"}
        yield Fact(record["t"], "server-health", record["at"], values)

    def _about(self, place: str, ends: str) -> Subject | None:
        source, arrow, destination = ends.partition(" -> ")
        for protocol in ("TCP", "UDP") if arrow else ():
            known = self.scene.known_conversation(protocol, source, destination)
            if known is not None:
                return known
        return self.scene.recent(place)

    def _is_new(self, key: tuple[str, ...]) -> bool:
        if key in self._told:
            return False
        if len(self._told) >= REMEMBERED_MAX:
            del self._told[next(iter(self._told))]
        self._told[key] = None
        return True


def nat_lines(fact: Fact, words: Words) -> list[str]:
    """The table of a NAT before and after, the new line marked; of long tables the end."""
    before, after = fact.values["lines_before"], fact.values["lines_after"]
    since = fact.values["since"]
    heading = (
        words.text("decision.line.before_since", n=len(before), since=since)
        if since
        else words.text("decision.line.before", n=len(before))
    )
    lines = [heading, *_listed(before, before, words)]
    return [*lines, words.text("decision.line.after", n=len(after)), *_listed(after, before, words)]


def _listed(table: list[str], known: list[str], words: Words) -> list[str]:
    dots = ["    ..."] if len(table) > LINES_MAX else []
    return dots + [f"  {' ' if line in known else '>'} {_entry(line, words)}" for line in table[-LINES_MAX:]]


def _entry(line: str, words: Words) -> str:
    """A line of the table; one that rewrites nothing says so (the router's own, DHCP's broadcast)."""
    before, rewrites, after = line.partition(" as ")
    if not rewrites:
        return words.text("decision.line.tracked", line=line)
    return words.text("decision.line.rewritten", before=before, after=after)


def _say_judged(fact: Fact, words: Words) -> str:
    v = fact.values
    why = said_why(v["why"], words)
    return words.text(f"decision.judged.{v['action']}", place=fact.place, why=why, packet=v["packet"])


def said_why(why: str, words: Words) -> str:
    """`rule 1 of input: reject tcp dport 23` in the story's language; the rule itself as it was written."""
    rule = _RULE.match(why)
    if rule is not None:
        return words.text("decision.why.rule", n=rule[1], chain=rule[2], rule=rule[3])
    policy = _POLICY.match(why)
    return words.text("decision.why.policy", chain=policy[1], policy=policy[2]) if policy is not None else why


def _say_balanced(fact: Fact, words: Words) -> str:
    v: dict[str, Any] = fact.values
    if v["server"].startswith("no "):
        return words.text("decision.balanced.none", place=fact.place)
    return words.text("decision.balanced", place=fact.place, server=v["server"], method=v["method"])


def _say_server(fact: Fact, words: Words) -> str:
    key = "decision.server.alive" if fact.values["alive"] else "decision.server.dead"
    return words.text(key, place=fact.place, server=fact.values["server"])


_NEEDLES: Final = (b'"stop":"FILTER_OUT"', b'"stop":"FILTER_IN"')
KINDS: Final = (
    Kind("judged", "filter", frozenset({"action", "why", "packet", "chain"}), _say_judged, needles=_NEEDLES),
    Kind(
        "balanced",
        "filter",
        frozenset({"server", "method", "servers"}),
        _say_balanced,
        lambda fact, words: list(fact.values["servers"]),
        _NEEDLES,
    ),
    Kind(
        "server-health",
        "filter",
        frozenset({"server", "alive"}),
        _say_server,
        needles=(b'"subject":"server ',),
    ),
)


def readers(scene: Scene) -> Readers:
    """The readers of one story."""
    state = _Filtering(scene)
    return Readers(
        {"step:FILTER_OUT": state.step, "step:FILTER_IN": state.step, "state:server": state.server}, {}
    )
