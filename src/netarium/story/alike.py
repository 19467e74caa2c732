"""Whole connections, exchanges and look-ups of one sort: after the first few they are told together.

Of one sort are those to the same end (whoever asks, from whatever port). Two of a sort are alike when their courses are
the same from beginning to end (`course`); what they carry and print is listed where it is not what was told before. So
a thing is folded only when it is over: until then its chapters, and what comes after them, are held, and are told by
themselves when they outgrow HELD_MAX.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from netarium.story.chapters import Chapter
from netarium.story.course import Said, add_programs, by_the_way, course_of, is_short, key_of, said_in
from netarium.story.facts import Fact, Flight, Subject
from netarium.story.scene import address_of

TOLD_FIRST: Final = 3
"""So many things of one course are told, before others of it are told together."""
HELD_MAX: Final = 4096
"""So many facts and chapters are held at most; past it what has been held longest is told."""
SORTS_MAX: Final = 1024
COURSES_MAX: Final = 256
"""So many different courses are remembered of a sort; what takes another is told."""
ASKERS_MAX: Final = 4096
"""So many who asked are named by what tells those of a sort together; what one more asks is told."""
LISTED_MAX: Final = 64
"""So many different contents are listed by what tells those of a sort together; with one more it begins anew."""
THINGS_MAX: Final = 4096
"""So many connections are remembered, so that what comes late is known to be theirs."""
_KINDS: Final = frozenset({"TCP", "UDP", "ping", "name", "neighbor"})
_FINAL: Final = ("CLOSED", "TIME-WAIT")


@dataclass(slots=True)
class _Rest:
    """What tells those of one course."""

    fact: Fact
    listed: dict[str, dict[str, Any]] = field(default_factory=dict)
    askers: dict[str, None] = field(default_factory=dict)
    """Who asked in those: nodes, or addresses that no node of the net has."""


@dataclass(slots=True)
class _Sort:
    label: dict[str, str]
    begun: dict[bytes, int] = field(default_factory=dict)
    """How many that are told by themselves began so."""
    whole: dict[bytes, int] = field(default_factory=dict)
    """How many that were told by themselves went so, to their end."""
    by_the_way: set[tuple[str, ...]] = field(default_factory=set)
    """Steps that were told of, which are no part of the course."""
    first: dict[bytes, tuple[str, int, str]] = field(default_factory=dict)
    """The first that was told of each course: who asked, with its port; when, ns; and what was said in it."""
    looks: dict[str, int] = field(default_factory=dict)
    """What is shown of payloads that are longer -> the check sum of the first that looked so."""
    rests: dict[bytes, _Rest] = field(default_factory=dict)
    """What tells those of each course that were folded since it was asked for last; those forgotten: of none."""


@dataclass(slots=True, eq=False)
class _Thing:
    """A connection, an exchange, a ping ... `is_told`: whether it is told by itself; None as long as that is open."""

    subject: Subject
    sort: _Sort
    asker: str
    first_ns: int
    is_told: bool | None = None
    is_over: bool = False
    is_folded: bool = False
    is_long: bool = False
    """Whether more was said in it than is remembered."""
    is_new: bool = False
    """Whether something happened in it that has not been told of another."""
    by_the_way: set[tuple[str, ...]] = field(default_factory=set)
    chapters: list[Chapter] = field(default_factory=list)
    course: bytes = b""
    """The digest of its course so far; `begun`: after each chapter."""
    begun: list[bytes] = field(default_factory=list)
    said: list[Said] = field(default_factory=list)
    ended: set[str] = field(default_factory=set)
    """The ends that are closed."""


class Alike:
    """Holds chapters until it is known whether they are told. `owner` is the node that has an address."""

    def __init__(self, owner: Callable[[str], str]) -> None:
        self._owner = owner
        self._sorts: dict[tuple[str, ...], _Sort] = {}
        self._things: dict[int, _Thing] = {}
        """Connections, by the identity of their subject."""
        self._queue: deque[tuple[Chapter, _Thing | None]] = deque()
        self._held = 0
        self._full: list[Fact] = []
        """What tells things together and can list no more."""

    def takes(self, chapter: Chapter) -> Iterator[Chapter]:
        """Take a chapter in; what is to be told by now, in the order in which it began."""
        thing = self._thing_of(chapter)
        if thing is not None and thing.is_told is False and not _is_end_of_wait(chapter):
            thing = None  # something came of it after its end
        if thing is not None:
            self._goes_on(thing, chapter)
        self._queue.append((chapter, thing))
        self._held += 1 + len(chapter.facts)
        yield from self._known(is_last=False)

    def rest(self) -> Iterator[Chapter]:
        """All chapters are in: what is left."""
        yield from self._known(is_last=True)
        yield from self._together()

    def _known(self, *, is_last: bool) -> Iterator[Chapter]:
        """The chapters about which it is known whether they are told."""
        while self._queue:
            chapter, thing = self._queue[0]
            if thing is not None and thing.is_told is None:
                if not (is_last or self._held > HELD_MAX):
                    break
                self._decide(thing, is_over=is_last)
            self._queue.popleft()
            self._held -= 1 + len(chapter.facts)
            if thing is None or thing.is_told:
                yield from self._together()
                yield chapter
                continue
            self._take_together(thing, chapter)
            if self._full:
                yield from map(_chapter, self._full)
                self._full = []

    def _together(self) -> Iterator[Chapter]:
        """What was folded since something was told last, in the order in which it began."""
        waiting, self._full = self._full, []
        for sort in self._sorts.values():
            waiting += [rest.fact for rest in sort.rests.values()]
            sort.rests = {}
        yield from map(_chapter, sorted(waiting, key=lambda fact: fact.time_ns))

    def _thing_of(self, chapter: Chapter) -> _Thing | None:
        """What a chapter is a part of: of a connection there are several, all else is a thing for itself."""
        subject = chapter.subject
        if subject is None or subject.kind not in _KINDS or not chapter.facts:
            return None
        thing = self._things.get(id(subject))
        if thing is None:
            thing = _Thing(subject, self._sort(subject), self._asker(subject, chapter), chapter.first_ns)
            if subject.is_folded:  # so many came after it that it has been forgotten here
                thing.is_told, thing.is_over, thing.is_folded = False, True, True
            if subject.kind == "TCP":
                self._things[id(subject)] = thing
                if len(self._things) > THINGS_MAX:
                    oldest = next(key for key, each in self._things.items() if each.is_told is not None)
                    del self._things[oldest]
        return thing

    def _goes_on(self, thing: _Thing, chapter: Chapter) -> None:
        """A thing goes on, or is over: is it still, or now, the like of others?"""
        if thing.is_over or thing.is_told is False:
            return
        thing.course = course_of(chapter, thing.asker, thing.course)
        thing.said += said_in(chapter, thing.asker)
        thing.is_over = _is_over(thing, chapter)
        sort, steps = thing.sort, by_the_way(chapter, thing.asker)
        thing.is_new = thing.is_new or not steps <= sort.by_the_way
        if len(sort.by_the_way) < THINGS_MAX:
            thing.by_the_way |= steps
        if thing.is_told is None:
            thing.chapters.append(chapter)
            thing.begun.append(thing.course)
            if thing.is_over:
                self._decide(thing, is_over=True)
            elif thing.is_new or sort.begun.get(thing.course, 0) < TOLD_FIRST or not is_short(thing.said):
                self._tell(thing)
            return
        _count(sort.begun, thing.course)
        sort.by_the_way |= thing.by_the_way
        if not is_short(thing.said):
            thing.said, thing.is_long = [], True
        if thing.is_over:
            self._was_told(thing)

    def _decide(self, thing: _Thing, *, is_over: bool) -> None:
        sort = thing.sort
        rest = sort.rests.get(thing.course)
        if (
            is_over
            and not thing.is_new
            and sort.whole.get(thing.course, 0) >= TOLD_FIRST
            and is_short(thing.said)
            and (rest is None or thing.asker in rest.askers or len(rest.askers) < ASKERS_MAX)
        ):
            thing.is_told = False
        else:
            self._tell(thing)

    def _take_together(self, thing: _Thing, chapter: Chapter) -> None:
        """A chapter of what is told with others: with the first of them come all."""
        if chapter not in thing.chapters:
            self._fold_late(thing, chapter)
            return
        if not thing.is_folded:
            self._fold(thing)
            thing.is_folded = True
            thing.subject.is_folded = thing.subject.kind == "TCP"  # all else may be told of it again
        thing.chapters.remove(chapter)

    def _tell(self, thing: _Thing) -> None:
        """It is told by itself, and so is what comes of it from here on."""
        thing.is_told, thing.chapters = True, []
        thing.sort.by_the_way |= thing.by_the_way
        for course in thing.begun:
            _count(thing.sort.begun, course)
        thing.begun = []
        if thing.is_over:
            self._was_told(thing)

    def _was_told(self, thing: _Thing) -> None:
        """It has been told from its beginning to its end."""
        sort = thing.sort
        _count(sort.whole, thing.course)
        said = "" if thing.is_long else key_of(thing.said)
        if thing.course in sort.whole:
            sort.first.setdefault(thing.course, (_name(thing), thing.first_ns, said))
        for each in thing.said:
            _looks_like_another(sort, each)
        thing.said = []

    def _fold(self, thing: _Thing) -> None:
        """It is told with others of its course."""
        sort, key = thing.sort, key_of(thing.said)
        full = sort.rests.get(thing.course)
        if full is not None and key not in full.listed and len(full.listed) >= LISTED_MAX:
            self._full.append(sort.rests.pop(thing.course).fact)
        rest = self._rest(thing, thing.course, thing.chapters[0].facts[0])
        values = rest.fact.values
        values["count"] += 1
        known = rest.listed.get(key)
        if known is None:
            said = [_shown(each, thing) for each in thing.said]
            known = rest.listed[key] = {"count": 0, "asker": thing.asker, "port": _port(thing), "said": said}
            values["contents"].append(known)
            is_news = key != sort.first[thing.course][2] or any(each["what"] == "prints" for each in said)
            values["listed"] = values["listed"] or is_news
        known["count"] += 1
        add_programs(known["said"], thing.said)
        for chapter in thing.chapters:
            _add(rest.fact, chapter)
        thing.said = []

    def _fold_late(self, thing: _Thing, chapter: Chapter) -> None:
        """The wait at the end of one that was folded is over."""
        course = thing.course if thing.course in thing.sort.rests else b""
        rest = self._rest(thing, course, chapter.facts[0]).fact
        rest.values["waits"] += len(chapter.facts)
        _add(rest, chapter)

    def _rest(self, thing: _Thing, course: bytes, first: Fact) -> _Rest:
        sort = thing.sort
        rest = sort.rests.get(course)
        if rest is None:
            like, like_ns, _ = sort.first.get(course, ("", 0, ""))
            values: dict[str, Any] = {"of": thing.subject.kind, "count": 0, "waits": 0, "end_ns": 0}
            values |= {"like": like, "like_ns": like_ns}
            values |= {
                **sort.label,
                "askers": [],
                "segments": {},
                "bytes": {},
                "contents": [],
                "listed": False,
            }
            rest = sort.rests[course] = _Rest(Fact(first.time_ns, "alike", first.place, values, Flight("")))
        if thing.asker not in rest.askers:
            rest.askers[thing.asker] = None
            rest.fact.values["askers"].append(thing.asker)
        return rest

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
                if not self._sorts[oldest].rests:
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


def _shown(said: Said, thing: _Thing) -> Said:
    """What is listed: with the name of the one who asked; of payload, whether it only looks like another."""
    shown = {name: said[name] for name in said if name != "content"} | {"place": said["place"] or thing.asker}
    if said["what"] == "sends":
        shown["differs"] = _looks_like_another(thing.sort, said)
    return shown


def _looks_like_another(sort: _Sort, said: Said) -> bool:
    """Whether the payload is not the same as the first of which the same is shown: it differs behind that."""
    if said["what"] != "sends" or not said["preview"].get("more"):
        return False
    look = repr((said["place"], said["bytes"], said["preview"]))
    if look not in sort.looks and len(sort.looks) >= COURSES_MAX:
        return False
    first: int = sort.looks.setdefault(look, said["content"])
    return first != int(said["content"])


def _chapter(rest: Fact) -> Chapter:
    return Chapter("alike", Subject("alike", ""), rest.time_ns, rest.values["end_ns"], facts=[rest])


def _count(counts: dict[bytes, int], course: bytes) -> None:
    if course in counts or len(counts) < COURSES_MAX:
        counts[course] = counts.get(course, 0) + 1


def _name(thing: _Thing) -> str:
    port = _port(thing)
    return f"{thing.asker}:{port}" if port else thing.asker


def _port(thing: _Thing) -> str:
    """The port of the one who asked, which tells its connections apart; "" where there is none."""
    return str(thing.subject.label.get("client", "")).rpartition(":")[2]


def _is_over(thing: _Thing, chapter: Chapter) -> bool:
    """Whether nothing more comes: of a connection, both ends are closed; one that never stood has but one."""
    if thing.subject.kind != "TCP":
        return True
    for fact in chapter.facts:
        is_state = (
            fact.kind == "tcp-state" and fact.values["before"] != "TIME-WAIT"
        )  # that was another one's end
        if is_state and fact.values["after"] in _FINAL:
            thing.ended.add(fact.values["local"])
    return len(thing.ended) > 1 or (bool(thing.ended) and chapter.phase == "open")


def _is_end_of_wait(chapter: Chapter) -> bool:
    return all(fact.kind == "tcp-state" and fact.values["before"] == "TIME-WAIT" for fact in chapter.facts)


def _add(rest: Fact, chapter: Chapter) -> None:
    """Count a chapter's frames and segments to what tells it."""
    rest.values["end_ns"] = max(rest.values["end_ns"], chapter.last_ns)
    for fact in chapter.facts:
        _add_sent(rest, fact)
    if rest.flight is None:
        return
    for fact in chapter.facts:
        if fact.flight is not None:
            rest.flight.numbers.merge(fact.flight.numbers)
            fact.flight.folded = rest.flight.numbers
    rest.flight.numbers.merge(chapter.background.numbers)


def _add_sent(rest: Fact, fact: Fact) -> None:
    """Add up the segments with data, and their bytes, of each place that sent some."""
    is_data = fact.kind == "tcp" and fact.values["segment"] == "data"
    segments = 1 if is_data else fact.values["segments"] if fact.kind == "bulk" else 0
    if segments:
        for key, count in (("segments", segments), ("bytes", fact.values["bytes"])):
            rest.values[key][fact.place] = rest.values[key].get(fact.place, 0) + count
