"""Whole connections, exchanges and look-ups of one sort: after the first few they are told together.

Of one sort are those to the same end (whoever asks, from whatever port) in which nothing happens that has not been told
of such a one TOLD_FIRST times. What takes another course is told by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from netarium.story.chapters import Chapter
from netarium.story.facts import Fact, Flight, Subject
from netarium.story.scene import address_of

TOLD_FIRST: Final = 3
"""So often each thing that happens in chapters of one sort is told."""
SORTS_MAX: Final = 1024
THINGS_MAX: Final = 256
"""So many different things are remembered of a sort; what is beyond is told."""
ASKERS_MAX: Final = 4096
"""So many who asked are named by what tells those of a sort together; what one more asks is told."""
_KINDS: Final = frozenset({"TCP", "UDP", "ping", "name", "neighbor"})
_DETAILS: Final = (
    "segment",
    "again",
    "before",
    "after",
    "reason",
    "what",
    "errno",
    "exit_code",
    "code",
    "reply",
)
"""Values that make two facts of a kind different things."""
_Thing = tuple[str, ...]


@dataclass(slots=True)
class _Sort:
    label: dict[str, str]
    things: dict[_Thing, int] = field(default_factory=dict)
    rest: Fact | None = None
    """What tells those that were folded since it was asked for last."""
    askers: dict[str, None] = field(default_factory=dict)
    """Who asked in those: nodes, or addresses that no node of the net has."""


class Alike:
    """Which chapters are the like of those before them. `owner` is the node that has an address."""

    def __init__(self, owner: Callable[[str], str]) -> None:
        self._owner = owner
        self._sorts: dict[tuple[str, ...], _Sort] = {}

    def takes(self, chapter: Chapter) -> bool:
        """Whether a chapter is told together with others of its sort."""
        subject = chapter.subject
        if subject is None or subject.kind not in _KINDS or not chapter.facts:
            return False
        sort, asker = self._sort(subject), self._asker(subject, chapter)
        things = {(chapter.phase, *_thing(fact, asker)) for fact in chapter.facts}
        is_known = all(sort.things.get(thing, 0) >= TOLD_FIRST for thing in things) and (
            asker in sort.askers or len(sort.askers) < ASKERS_MAX
        )
        is_conversation = subject.kind in ("TCP", "UDP")
        if is_conversation and subject.alike is None:
            subject.alike = is_known
            counts = 1
        else:
            counts = 0 if is_conversation else 1
        if not is_known or (is_conversation and not subject.alike):
            for thing in things:
                if thing in sort.things or len(sort.things) < THINGS_MAX:
                    sort.things[thing] = sort.things.get(thing, 0) + 1
            return False
        self._fold(sort, subject, chapter, counts, asker)
        return True

    def told(self) -> Iterator[Chapter]:
        """What was folded since this was asked for last, in the order in which it began."""
        waiting = [sort for sort in self._sorts.values() if sort.rest is not None]
        for sort in sorted(waiting, key=lambda each: each.rest.time_ns if each.rest is not None else 0):
            rest, sort.rest, sort.askers = sort.rest, None, {}
            if rest is not None:
                about = Subject("alike", "")
                yield Chapter("alike", about, rest.time_ns, rest.values["end_ns"], facts=[rest])

    def _sort(self, subject: Subject) -> _Sort:
        label = {
            name: str(value)
            for name, value in subject.label.items()
            if name not in ("program", "client", "asker")
        }
        key = (subject.kind, *label.values())
        sort = self._sorts.pop(key, None) or _Sort(label)
        self._sorts[key] = sort
        if len(self._sorts) > SORTS_MAX:
            for oldest in self._sorts:
                if self._sorts[oldest].rest is None:
                    del self._sorts[oldest]
                    break
        return sort

    def _asker(self, subject: Subject, chapter: Chapter) -> str:
        """Who asked: a node, or an address that no node has."""
        if "client" in subject.label:
            address = address_of(str(subject.label["client"]))
            return self._owner(address) or address
        if "asker" in subject.label:
            return str(subject.label["asker"])
        return subject.nodes[0] if subject.nodes else chapter.facts[0].place

    def _fold(self, sort: _Sort, subject: Subject, chapter: Chapter, counts: int, asker: str) -> None:
        first = chapter.facts[0]
        if sort.rest is None:
            values = {"of": subject.kind, "count": 0, "end_ns": 0, **sort.label}
            values |= {"askers": [], "segments": {}, "bytes": {}}
            sort.rest = Fact(first.time_ns, "alike", first.place, values, Flight(""))
        rest = sort.rest
        if asker not in sort.askers:
            sort.askers[asker] = None
            rest.values["askers"].append(asker)
        rest.values["count"] += counts
        rest.values["end_ns"] = max(rest.values["end_ns"], chapter.last_ns)
        for fact in chapter.facts:
            _add_sent(rest, fact)
        flights = [fact.flight for fact in chapter.facts if fact.flight is not None]
        if rest.flight is not None:
            for flight in flights:
                rest.flight.numbers.merge(flight.numbers)
                flight.folded = rest.flight.numbers
            rest.flight.numbers.merge(chapter.background.numbers)


def _add_sent(rest: Fact, fact: Fact) -> None:
    """Add up the segments with data, and their bytes, of each place that sent some."""
    is_data = fact.kind == "tcp" and fact.values["segment"] == "data"
    segments = 1 if is_data else fact.values["segments"] if fact.kind == "bulk" else 0
    if segments:
        for key, count in (("segments", segments), ("bytes", fact.values["bytes"])):
            rest.values[key][fact.place] = rest.values[key].get(fact.place, 0) + count


def _thing(fact: Fact, asker: str) -> _Thing:
    """What happened, whoever asked."""
    kind = str(fact.values.get("of", fact.kind))
    place = "" if fact.place == asker else fact.place
    return (kind, place, *(str(fact.values[name]) for name in _DETAILS if name in fact.values))
