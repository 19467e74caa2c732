"""Facts in chapters while they come: one chapter for one subject and what it is doing, told in the order they began.

A chapter is held until it is over, because the frames of its packets are still on their way when a fact is read, and
because an answer may come. What is held is bounded: past HELD_MAX the chapter that began first is told as far as it is,
and goes on in another one later. Facts of one sort in a row are told together after the first few.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final
from zlib import crc32

from netarium.story.facts import NEXT, Fact, Flight, Numbers, Subject

HELD_MAX: Final = 4096
"""So many facts are held at most."""
IDLE_NS: Final = 3_000_000_000
"""A chapter to which nothing came for so long is over."""
CHAPTER_MAX: Final = 400
"""A longer chapter is told as far as it is, and goes on in another."""
BULK_AFTER: Final = 6
"""So many segments or datagrams in one direction are told singly before the others are told together."""
MORE_AFTER: Final = 24
"""So many facts of one kind at one place are told in a chapter before the others are counted."""
DROPS_AFTER: Final = 3
CONFIGURED_WITHIN: Final = 6
"""Among so many facts before it, what a host is given at one moment is looked for."""
PRINTED_MAX: Final = 40
"""So many lines that a program prints at one moment are shown."""
_PHASES: Final = {
    "TCP": "data",
    "UDP": "datagrams",
    "name": "dns",
    "fault": "fault",
    "join": "join",
    "neighbor": "neighbor",
    "ping": "ping",
    "routing": "routing",
}
"""The chapter of a subject of which nothing has said yet what it is doing."""


@dataclass(slots=True, eq=False)
class Background:
    """What is counted, not told: by name, how many packets and drops; and the frames."""

    packets: Counter[str] = field(default_factory=Counter)
    drops: Counter[str] = field(default_factory=Counter)
    numbers: Numbers = field(default_factory=Numbers)

    def __bool__(self) -> bool:
        return bool(self.packets or self.drops)

    def add(self, fact: Fact) -> None:
        """Count a fact; the frames of its packet go here, those it is still to be seen in too."""
        if fact.kind == "drop":
            self.drops[fact.values["reason"]] += 1
            return
        self.packets[fact.values["protocol"] if fact.kind == "other" else fact.kind] += 1
        if fact.flight is not None:
            self.numbers.merge(fact.flight.numbers)
            fact.flight.folded = self.numbers


@dataclass(slots=True, eq=False)
class Run:
    """Facts of one `fold` in a row: how many there were, and the fact that tells those past the first few."""

    fold: str
    count: int = 0
    rest: Fact | None = None


@dataclass(slots=True, eq=False)
class Chapter:
    """A part of the story."""

    phase: str
    subject: Subject | None
    first_ns: int
    last_ns: int
    goes_on: bool = False
    """Whether a chapter before it was about the same."""
    facts: list[Fact] = field(default_factory=list)
    background: Background = field(default_factory=Background)
    runs: dict[str, Run] = field(default_factory=dict)

    def add(self, fact: Fact) -> int:
        """Add a fact; how many more are held because of it (0 when it is told with others)."""
        self.last_ns = max(self.last_ns, fact.time_ns)
        if fact.background:
            self.background.add(fact)
            return 0
        if self._completes(fact):
            return 0
        group, fold, after = _folding(fact)
        run = self.runs.get(group)
        if run is not None and run.rest is not None and run.fold != fold and _only_acknowledges(fact):
            _fold_in(run.rest, fact)  # a word of the one who sends much does not make his sending begin anew
            return 0
        if run is None or run.fold != fold:
            run = self.runs[group] = Run(fold)
        run.count += 1
        if run.count <= after:
            self.facts.append(fact)
            return 1
        if run.rest is not None:
            _fold_in(run.rest, fact)
            return 0
        run.rest = _folded(fact)
        self.facts.append(run.rest)
        return 1

    def _completes(self, fact: Fact) -> bool:
        """Whether it belongs to the last fact: what a host is given, or a program prints, at one moment."""
        if fact.kind == "configured":
            for last in self.facts[-CONFIGURED_WITHIN:]:
                if (last.kind, last.place, last.time_ns) == (fact.kind, fact.place, fact.time_ns):
                    last.values = fact.values
                    return True
            return False
        last = self.facts[-1] if self.facts else fact
        if last is fact or (last.kind, last.place, last.time_ns) != ("printed", fact.place, fact.time_ns):
            return False
        if fact.kind != "printed" or any(
            last.values[key] != fact.values[key] for key in ("program", "stream")
        ):
            return False
        last.values["lines"] = [*last.values["lines"], *fact.values["lines"]][:PRINTED_MAX]
        last.values["count"] += fact.values["count"]
        return True


def _folding(fact: Fact) -> tuple[str, str, int]:
    """(group, fold, how many are told singly) of a fact. Within a group another fold begins the count anew."""
    if fact.fold:
        group = fact.fold.rpartition(" ")[0] if fact.fold.startswith(("bulk ", "udp ")) else fact.fold
        return group, fact.fold, DROPS_AFTER if fact.kind == "drop" else BULK_AFTER
    key = f"{fact.kind} {fact.place}"
    return key, key, MORE_AFTER


def _only_acknowledges(fact: Fact) -> bool:
    return fact.tally is not None and list(fact.tally) == ["acknowledgments"]


def _folded(fact: Fact) -> Fact:
    """The fact that tells those that come from here on; its values grow."""
    if fact.fold.startswith("bulk "):
        values: dict[str, Any] = dict.fromkeys(
            ("segments", "bytes", "again", "acknowledgments", "lost", "end_ns"), 0
        )
        rest = Fact(fact.time_ns, "bulk", fact.place, values, about=fact.about)
    else:
        values = {
            "of": fact.kind,
            "count": 0,
            "unsent": 0,
            "end_ns": 0,
            "reason": fact.values.get("reason", ""),
        }
        rest = Fact(fact.time_ns, "more", fact.place, values, about=fact.about)
    if fact.flight is not None:
        rest.flight = Flight(fact.flight.sender)
    _fold_in(rest, fact)
    return rest


def _fold_in(rest: Fact, fact: Fact) -> None:
    values, tally = rest.values, fact.tally or {}
    if rest.kind == "bulk" and tally.get("segments") and not values["segments"]:
        rest.place = fact.place  # until now there were acknowledgments alone, of the other end
        if fact.flight is not None and rest.flight is not None:
            rest.flight.sender, rest.flight.nodes, rest.flight.senders = fact.flight.sender, [], []
    values["end_ns"] = fact.time_ns
    if rest.kind == "more":
        values["count"] += 1
        values["unsent"] += fact.kind == "drop" and fact.flight is None
    for key, count in tally.items():
        if key in values:
            values[key] += count
    if tally.get("bytes"):
        rest.content = crc32(f"{rest.content} {fact.content}".encode())
    if rest.flight is not None and fact.flight is not None:
        rest.flight.numbers.merge(fact.flight.numbers)
        fact.flight.folded = rest.flight.numbers
        if fact.flight.sender == rest.flight.sender:
            rest.flight.goes_the_way_of(fact.flight)


def _goes_with(waiting: Fact, fact: Fact) -> bool:
    """Whether what waited goes to the chapter of a fact: of its subject; of no subject, to what its place does."""
    return waiting.about is fact.about if waiting.about is not None else waiting.place == fact.place


class Chapters:
    """Puts facts into chapters and hands out those that are over, in the order in which they began."""

    def __init__(self) -> None:
        self._queue: deque[Chapter] = deque()
        self._open: dict[tuple[int, str], Chapter] = {}
        self._told: dict[tuple[str, str, str], None] = {}
        self._waiting: list[Fact] = []
        self._early = Background()
        self._latest: Chapter | None = None
        self._alone: Chapter | None = None
        """The last chapter of what is about nothing."""
        self._held = 0

    def add(self, fact: Fact) -> Iterator[Chapter]:
        """Take a fact in; the chapters that are over by now."""
        joins = self._is_said_at_start(fact)
        if joins:
            fact.phase = NEXT
        for waiting in self._released(fact, joins):
            self._place(waiting)
        if fact.phase == NEXT:
            self._waiting.append(fact)
        else:
            self._place(fact)
        yield from self._over(fact.time_ns)

    def rest(self) -> Iterator[Chapter]:
        """The facts are all in: the chapters that are left."""
        for waiting in self._waiting:
            waiting.phase = ""
            self._place(waiting)
        self._waiting = []
        if self._early and not self._queue:
            self._begin("alone", None, 0)
        while self._queue:
            yield self._take()

    def _is_said_at_start(self, fact: Fact) -> bool:
        """Whether a program that has just started prints it, or its host decides it for what the program does next."""
        if (fact.kind != "printed" and fact.phase != NEXT) or fact.kind == "program-started":
            return False
        if fact.about is not None:
            return False
        return any((each.place, each.time_ns) == (fact.place, fact.time_ns) for each in self._waiting)

    def _released(self, fact: Fact, joins: bool) -> list[Fact]:
        """Facts that waited for what their subject does next; not those that this one `joins`.

        A program that has printed and then does not go on at once has nothing to wait for either.
        """
        if not self._waiting:
            return []
        silent = {each.place for each in self._waiting if each.kind == "printed" and each.place != fact.place}
        found = [
            each
            for each in self._waiting
            if fact.time_ns > each.time_ns
            or (not joins and _goes_with(each, fact))
            or (each.about is None and each.place in silent)
        ]
        for each in found:
            self._waiting.remove(each)
            goes_with = _goes_with(each, fact) and fact.phase != NEXT
            each.phase = fact.phase if goes_with else ""
            each.about = each.about or (fact.about if goes_with else None)
        return found

    def _place(self, fact: Fact) -> None:
        if fact.background:
            if self._latest is not None:
                self._latest.add(fact)
            else:
                self._early.add(fact)
            return
        subject = fact.about
        if subject is None:
            chapter = self._of_place(fact)
            if chapter is None:
                chapter = self._begin("alone" if self._told else "begin", None, fact.time_ns)
        else:
            subject.phase = fact.phase or subject.phase or _PHASES.get(subject.kind, "alone")
            key = (id(subject), subject.phase)
            found = self._open.get(key)
            if found is None or len(found.facts) >= CHAPTER_MAX or fact.time_ns - found.last_ns > IDLE_NS:
                found = self._begin(subject.phase, subject, fact.time_ns)
            chapter = found
        self._held += chapter.add(fact)
        self._latest = chapter

    def _of_place(self, fact: Fact) -> Chapter | None:
        """The chapter for a fact that is about nothing: the latest, if its place has to do with that; else the last of
        such facts. None when there is none, or when it has been silent too long.
        """
        latest = self._latest
        if latest is not None and latest.subject is not None and fact.place not in latest.subject.nodes:
            latest = self._alone
        if latest is None or fact.time_ns - latest.last_ns > IDLE_NS:
            return None
        return latest

    def _begin(self, phase: str, subject: Subject | None, now_ns: int) -> Chapter:
        chapter = Chapter(phase, subject, now_ns, now_ns)
        name = (phase, "" if subject is None else subject.kind, "" if subject is None else subject.key)
        chapter.goes_on = subject is not None and name in self._told
        self._told.pop(name, None)
        self._told[name] = None
        if len(self._told) > HELD_MAX:
            del self._told[next(iter(self._told))]
        if self._early:
            chapter.background, self._early = self._early, Background()
        self._queue.append(chapter)
        if subject is not None:
            self._open[id(subject), phase] = chapter
        else:
            self._alone = chapter
        return chapter

    def _over(self, now_ns: int) -> Iterator[Chapter]:
        while self._queue and (self._held > HELD_MAX or now_ns - self._queue[0].last_ns > IDLE_NS):
            yield self._take()

    def _take(self) -> Chapter:
        chapter = self._queue.popleft()
        self._held -= len(chapter.facts)
        if chapter.subject is not None:
            key = (id(chapter.subject), chapter.phase)
            if self._open.get(key) is chapter:
                del self._open[key]
        if self._latest is chapter:
            self._latest = None
        if self._alone is chapter:
            self._alone = None
        return chapter
