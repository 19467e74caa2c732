"""The story of a trace, step by step: chapters of sentences in one language, while the trace is read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from netarium.errors import UsageError
from netarium.story.alike import Alike
from netarium.story.asked import (
    CONVERSATIONS_NAMED,
    check_conversation,
    is_between,
    no_conversation,
    programs_of,
)
from netarium.story.beliefs import beliefs_of
from netarium.story.chapters import Background, Chapter, Chapters
from netarium.story.facts import Fact
from netarium.story.kinds import KINDS, ONLY
from netarium.story.language import Language
from netarium.story.reading import DAMAGED, Reading, needles_of
from netarium.story.records import TraceFile
from netarium.story.scene import TRACEROUTE, Scene, address_of
from netarium.story.showing import Show, Shown, shown_of
from netarium.story.words import Words

ROUTINE_TOLD: Final = 2
"""So many connections of a node's daemon to one server are told; the others are counted."""
TAKE_PART_MAX: Final = 16
"""So many nodes are remembered to have part in one thing."""


@dataclass(frozen=True)
class Choice:
    """What of a story is wanted. `only`: words of `kinds.ONLY`; `follow`: NODE or NODE/PROGRAM; `conversation`: the two
    ends `A:port-B:port`.
    """

    only: tuple[str, ...] = ()
    follow: str = ""
    conversation: str = ""
    from_first_join: bool = False
    """Count what was before the first host joined that was off at the beginning, where there is one."""

    def check_words(self) -> None:
        """Raises UsageError for a kind there is not and a conversation that cannot be."""
        for word in self.only:
            if word not in ONLY:
                raise UsageError(f"--only {word}: there is no such kind; there are {', '.join(ONLY)}")
        if self.conversation:
            check_conversation(self.conversation)

    def check(self, trace: TraceFile) -> None:
        """Raises UsageError for words that cannot be, and for a node the trace does not have."""
        self.check_words()
        nodes = trace.header["nodes"]
        if self.follow and self.follow.partition("/")[0] not in nodes:
            raise UsageError(
                f"--follow {self.follow}: the trace has no node {self.follow.partition('/')[0]!r}; "
                f"it has {', '.join(nodes)}"
            )


@dataclass(frozen=True)
class Explained:
    """A term at its first use."""

    term: str
    name: str
    short: str


@dataclass(frozen=True)
class Step:
    """One thing told. `lines` stand beneath the sentence as they are; `notes` correct what is commonly believed."""

    time_ns: int
    place: str
    kind: str
    text: str
    lines: tuple[str, ...]
    notes: tuple[str, ...]
    terms: tuple[Explained, ...]
    values: dict[str, Any]
    frames: tuple[tuple[int, int], ...]
    path: str
    numbers: str
    exact: bool = True
    """Whether each number of `frames` is one of its frames; else they are among them."""
    shown: Shown | None = None
    """What its layers add and its bytes, where that is wanted."""


@dataclass(frozen=True)
class ToldBackground:
    """What was counted and not told in a chapter."""

    text: str
    counts: dict[str, int]
    frames: tuple[tuple[int, int], ...]
    numbers: str
    exact: bool = True


@dataclass(frozen=True)
class ToldChapter:
    """A chapter in words."""

    number: int
    key: str
    title: str
    steps: tuple[Step, ...] = ()
    background: ToldBackground | None = None


@dataclass
class Ending:
    """How a story ended; filled in when its chapters have been told."""

    is_cut: bool = False
    line: int = 0
    why: str = ""
    record: dict[str, Any] | None = None
    steps: int = 0
    notes: list[str] = field(default_factory=list)


class Story:
    """The story of one trace in one language. Raises UsageError for what cannot be told (see TraceFile, Choice)."""

    def __init__(
        self,
        trace: str | Path | TraceFile,
        language: Language,
        choice: Choice | None = None,
        progress: Callable[[int], None] | None = None,
        show: Show | None = None,
    ) -> None:
        self.show = show or Show()
        self.trace = trace if isinstance(trace, TraceFile) else TraceFile(trace)
        self.choice = choice or Choice()
        self.choice.check(self.trace)
        self.scene = Scene(self.trace.header)
        self.scene.flights.keeps_records = bool(self.show)
        self.words = Words(language, self.scene.owner)
        self.ending = Ending()
        self._progress = progress
        self._explained: set[str] = set()
        self._corrected: set[str] = set()
        self._number = 0
        self._alike = Alike(self.scene.owner)
        self._folds = not (self.choice.conversation or self.choice.follow or self.show)
        self._left_out = Background()
        self._followed: tuple[str, ...] = ()
        """The programs that `--follow NODE/PROGRAM` means."""
        if "/" in self.choice.follow:
            self._followed = programs_of(self.trace, self.choice.follow)
        self._awaits_join = self.choice.from_first_join and any(
            isinstance(node, dict) and node.get("on") is False for node in self.trace.header["nodes"].values()
        )
        self._routine: dict[tuple[str, str], list[str]] = {}
        self._passed: dict[str, None] = {}
        """Conversations that were not the one that is wanted, the first few."""

    def chapters(self) -> Iterator[ToldChapter]:
        """Its chapters, one after the other, while the trace is read.

        Raises UsageError at its end, before any chapter, for a conversation that the trace does not have.
        """
        reading = Reading(self.scene, self.choice.only)
        chapters = Chapters()
        records = self.trace.records(needles_of(self.choice.only), self._progress, reading.passes)
        for fact in reading.facts(records):
            for chapter in chapters.add(self._take_part(fact)):
                yield from self._told(chapter)
        for chapter in chapters.rest():
            yield from self._told(chapter)
        yield from map(self._chapter, self._alike.rest())
        if self.choice.conversation and not self.choice.only and not self._number:
            raise UsageError(no_conversation(self.choice.conversation, list(self._passed)))
        if self._left_out:
            yield self._chapter(Chapter("alone", None, 0, 0))
        self.ending.record = self.trace.end
        if self.trace.cut is not None:
            self.ending.is_cut = True
            self.ending.line, self.ending.why = self.trace.cut

    def _take_part(self, fact: Fact) -> Fact:
        """Note who has part in what a fact is about: that is what --follow looks at."""
        subject = fact.about
        if subject is None or subject.kind in ("TCP", "UDP") or fact.place not in self.scene.nodes:
            return fact
        if fact.place not in subject.nodes and len(subject.nodes) < TAKE_PART_MAX:
            subject.nodes.append(fact.place)
        return fact

    def _told(self, chapter: Chapter) -> Iterator[ToldChapter]:
        if self._is_wanted(chapter):
            yield from map(self._chapter, self._alike.takes(chapter) if self._folds else (chapter,))
        else:
            for fact in chapter.facts:
                self._left_out.packets[fact.kind] += 1
                if fact.flight is not None:
                    self._left_out.numbers.merge(fact.flight.numbers)
            self._left_out.packets += chapter.background.packets
            self._left_out.numbers.merge(chapter.background.numbers)

    def _is_wanted(self, chapter: Chapter) -> bool:
        choice, subject = self.choice, chapter.subject
        if self._awaits_join:
            self._awaits_join = chapter.phase != "join"
            if self._awaits_join:
                return False
        if choice.conversation:
            pairs = () if subject is None else subject.pairs
            is_wanted = is_between(pairs, choice.conversation, self.scene.has_address)
            if pairs and not is_wanted and len(self._passed) <= CONVERSATIONS_NAMED:
                self._passed[pairs[0]] = None
            return is_wanted
        if choice.follow:
            node, slash, _ = choice.follow.partition("/")
            if slash:
                has_part = subject is not None and any(each in subject.programs for each in self._followed)
                return has_part or any(fact.values.get("program") in self._followed for fact in chapter.facts)
            return (subject is not None and node in subject.nodes) or any(
                fact.place == node for fact in chapter.facts
            )
        return bool(chapter.facts or chapter.background) and not self._is_routine(chapter)

    def _is_routine(self, chapter: Chapter) -> bool:
        """Whether a daemon of a node (a health check) does once more what it has been seen to do before."""
        subject = chapter.subject
        if subject is None or subject.kind != "TCP":
            return False
        program = str(subject.label.get("program", ""))
        if not self.scene.services.get(program, {}).get("of_node"):
            return False
        key = (program, str(subject.label.get("server", "")))
        seen = self._routine.setdefault(key, [])
        if subject.key not in seen and len(seen) < ROUTINE_TOLD:
            seen.append(subject.key)
        return subject.key not in seen

    def _chapter(self, chapter: Chapter) -> ToldChapter:
        self._number += 1
        title = self._title(chapter)
        steps = tuple(step for fact in chapter.facts if (step := self._step(fact)) is not None)
        self.ending.steps += len(steps)
        if self._left_out:
            chapter.background.packets += self._left_out.packets
            chapter.background.numbers.merge(self._left_out.numbers)
            self._left_out = Background()
        background = self._background(chapter.background) if chapter.background else None
        return ToldChapter(self._number, chapter.phase, title, steps, background)

    def _title(self, chapter: Chapter) -> str:
        label = dict(chapter.subject.label) if chapter.subject is not None else {}
        if "server" in label:
            label["port"] = label["server"].rpartition(":")[2]
            client = label["client"]
            for end in ("client", "server"):
                address = address_of(label[end])
                label[end] = self.scene.owner(address) or address
            if chapter.phase != TRACEROUTE:  # the port says which of its connections it is
                label["client"] += f":{client.rpartition(':')[2]}"
        for key in ("asker", "target"):
            if key in label:
                label[key] = self.scene.owner(label[key]) or label[key]
        key = f"chapter.{_came_of(chapter)}"
        if self._has_types(label):
            key += "-type"
        if not self.words.language.has(key):
            key = "chapter.alone"
        try:
            title = self.words.text(key, **label)
        except KeyError:
            title = self.words.text("chapter.alone")
        self.words.take_terms()
        return self.words.language.text("chapter.goes-on", title=title) if chapter.goes_on else title

    def _has_types(self, label: dict[str, Any]) -> bool:
        """Whether a look-up must say of which type it is: of another than A, or of both A and AAAA."""
        kind = label.get("type", "")
        return bool(kind) and (kind != "A" or self.scene.find("name", f"{label['name']} AAAA") is not None)

    def _step(self, fact: Fact) -> Step | None:
        kind = KINDS[fact.kind]
        try:
            text = kind.say(fact, self.words)
            lines = tuple(kind.lines(fact, self.words))
            beliefs = tuple(beliefs_of(fact))
        except DAMAGED:
            return None  # values that no record of ours has
        terms = tuple(self._explain(self.words.take_terms()))
        notes = []
        for belief in beliefs:
            if belief not in self._corrected:
                self._corrected.add(belief)
                notes.append(self.words.text(belief))
                break  # one is enough for a step; the next comes with the next fact of its kind
        terms += tuple(self._explain(self.words.take_terms()))
        numbers = fact.flight.numbers if fact.flight is not None else None
        return Step(
            time_ns=fact.time_ns,
            place=fact.place,
            kind=fact.kind,
            text=text,
            lines=lines,
            notes=tuple(notes),
            terms=terms,
            values=fact.values,
            frames=tuple((first, last) for first, last in numbers.ranges) if numbers else (),
            path=fact.flight.path() if fact.flight is not None else "",
            numbers=str(numbers) if numbers else "",
            exact=numbers.exact if numbers else True,
            shown=shown_of(fact, self.show, self.scene, self.words.language),
        )

    def _explain(self, terms: Sequence[str]) -> Iterator[Explained]:
        language = self.words.language
        for term in terms:
            if term not in self._explained and language.has(f"short.{term}"):
                self._explained.add(term)
                yield Explained(term, language.text(f"term.{term}"), language.text(f"short.{term}"))

    def _background(self, background: Background) -> ToldBackground:
        language = self.words.language
        parts = [
            language.plural("background.packets", count, name=self._name_of(name))
            for name, count in background.packets.items()
        ]
        parts += [
            language.plural("background.drops", count, reason=language.text(f"drop.{reason}"))
            for reason, count in background.drops.items()
        ]
        text = language.text("background.all", parts=self.words.listed(parts))
        counts = Counter(background.packets) + Counter(background.drops)
        numbers = background.numbers
        return ToldBackground(
            text, dict(counts), tuple((a, b) for a, b in numbers.ranges), str(numbers), numbers.exact
        )

    def _name_of(self, name: str) -> str:
        """What a counted sort of packets is called: a protocol by its name, a kind by its word."""
        language = self.words.language
        return language.text(f"kind.{name}") if language.has(f"kind.{name}") else name


def _came_of(chapter: Chapter) -> str:
    """The phase of a chapter, or what came of it: a connection may be refused, never answered, or broken off."""
    if chapter.phase not in ("open", "close"):
        return chapter.phase
    segments = {fact.values["segment"] for fact in chapter.facts if fact.kind == "tcp"}
    if chapter.phase == "close":
        return "broken" if "reset" in segments and "fin" not in segments else "close"
    if "reset" in segments and "established" not in segments:
        return "refused"
    gave_up = any(
        fact.kind == "tcp-state" and (fact.values["before"], fact.values["after"]) == ("SYN-SENT", "CLOSED")
        for fact in chapter.facts
    )
    return "vain" if gave_up else "open"
