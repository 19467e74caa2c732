"""NAT: addresses are rewritten where two networks meet. Read first: RFC 3022, section 2.2."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from netarium.story.facts import Fact, Subject
from netarium.story.kinds.base import Kind, Readers, Record
from netarium.story.kinds.filtering import nat_lines
from netarium.story.scene import Scene
from netarium.story.words import Words

REMEMBERED_MAX: Final = 4096


def _say_entry(fact: Fact, words: Words) -> str:
    v = fact.values
    return words.text(
        "nat.entry",
        place=fact.place,
        before=v["before"],
        after=v["after"],
        lines_before=len(v["lines_before"]),
        lines_after=len(v["lines_after"]),
    )


def _say_reply(fact: Fact, words: Words) -> str:
    v = fact.values
    return words.text("nat.reply", place=fact.place, before=v["before"], after=v["after"])


def _say_destination(fact: Fact, words: Words) -> str:
    v = fact.values
    return words.text(
        "nat.destination", place=fact.place, rule=v["rule"], before=v["before"], after=v["after"]
    )


_NEEDLES = (b'"stop":"FILTER_OUT"', b'"stop":"FILTER_IN"')
_ENTRY = frozenset(["connection", "before", "after", "rule", "lines_before", "lines_after", "since"])
KINDS = (
    Kind("nat-entry", "nat", _ENTRY, _say_entry, nat_lines, _NEEDLES),
    Kind(
        "nat-destination",
        "nat",
        frozenset({"connection", "before", "after", "rule"}),
        _say_destination,
        needles=_NEEDLES,
    ),
    Kind("nat-reply", "nat", frozenset({"connection", "before", "after"}), _say_reply, needles=_NEEDLES),
)


class _Nat:
    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self._entries: dict[tuple[str, str], dict[str, Any]] = {}
        self._replied: dict[tuple[str, str], None] = {}
        self._told: dict[tuple[str, str], None] = {}
        self._shown: dict[str, frozenset[str]] = {}
        """Node -> the lines of its table as they were shown last."""
        self._rewritten: dict[tuple[str, str], dict[str, Any]] = {}
        """The first rewriting of connections that are in no table yet."""

    def step(self, record: Record) -> Iterator[Fact]:
        details = record.get("details") or {}
        if not details.get("rule"):
            return
        name = str(record.get("subject", ""))
        connection = (record["at"], name)
        if details.get("decision") == "new connection":
            self._replied.pop(connection, None)
            entry = {
                "lines_before": list(details.get("table_before") or ()),
                "lines_after": list(details.get("table_after") or ()),
            }
            rewritten = self._rewritten.pop(connection, None)
            if rewritten is not None:  # its destination was changed before routing: that is the entry's doing
                yield self._entry(record, name, {**rewritten, **entry})
                return
            self._entries[connection] = entry
            _limit(self._entries)
        elif details.get("decision") == "translate":
            yield from self._translated(record, name, details)

    def _translated(self, record: Record, name: str, details: dict[str, Any]) -> Iterator[Fact]:
        connection = (record["at"], name)
        before, after = str(details.get("before")), str(details.get("after"))
        self.scene.also_known(name.partition(" ")[0].upper(), before, after)
        values = {"connection": name, "before": before, "after": after, "rule": details["rule"]}
        entry = self._entries.pop(connection, None)
        if entry is not None:
            yield self._entry(record, name, {**values, **entry})
        elif details.get("direction") != "reply":
            if connection not in self._told:
                known = self._rewritten.get(connection)
                self._rewritten[connection] = values
                _limit(self._rewritten)
                if known != values:  # the route is looked up for what the packet has become
                    about = self._about(record["at"], name)
                    yield Fact(record["t"], "nat-destination", record["at"], values, about=about)
        elif connection not in self._replied:
            self._replied[connection] = None
            _limit(self._replied)
            del values["rule"]
            yield Fact(record["t"], "nat-reply", record["at"], values, about=self._about(record["at"], name))

    def _entry(self, record: Record, name: str, values: dict[str, Any]) -> Fact:
        connection = (record["at"], name)
        self._told[connection] = None
        _limit(self._told)
        shown = self._shown.pop(record["at"], None)
        values["since"] = (
            sum(line not in shown for line in values["lines_before"]) if shown is not None else 0
        )
        self._shown[record["at"]] = frozenset(values["lines_after"])
        return Fact(record["t"], "nat-entry", record["at"], values, about=self._about(record["at"], name))

    def _about(self, node: str, name: str) -> Subject | None:
        """The conversation `tcp A:p -> B:q`; for others what the node had to do with last: the packet came just now."""
        protocol, _, ends = name.partition(" ")
        source, arrow, destination = ends.partition(" -> ")
        if protocol == "tcp" and arrow:
            known = self.scene.known_conversation("TCP", source, destination)
            if known is not None:
                return known
        return self.scene.recent(node)


def _limit(remembered: dict[tuple[str, str], Any]) -> None:
    if len(remembered) > REMEMBERED_MAX:
        del remembered[next(iter(remembered))]


def readers(scene: Scene) -> Readers:
    """The readers of one story."""
    step = _Nat(scene).step
    return Readers({"step:FILTER_OUT": step, "step:FILTER_IN": step}, {})
