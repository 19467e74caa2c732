"""The facts in chapters, in the order they happened, as lines of text with the numbers of their frames."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from textwrap import wrap

from netarium.story.facts import Fact, Kind, numbers_text
from netarium.story.sentences import Sentences

WIDTH = 110
_INDENT = 15
_BEFORE, _BOOT, _DHCP, _NAME, _DNS, _HANDSHAKE, _DATA, _TEARDOWN = range(8)
_TITLES = (
    "To begin with",
    "Switched on, and what is missing",
    "An address is asked for",
    "A name is looked up: first the places that cost nothing",
    "The name servers are asked",
    "A connection is made",
    "What was asked for, and what came",
    "The connection is taken down",
)
_SUBJECTS = {
    Kind.DHCP: "DHCP",
    Kind.NEXT_HOP: "local or gateway",
    Kind.ARP: "ARP",
    Kind.DNS: "DNS",
    Kind.TCP: "TCP",
    Kind.NAT_ENTRY: "NAT",
}
"""What a title names when the chapter has it."""
_OPENS = {
    Kind.BOOTED: _BOOT,
    Kind.DHCP: _DHCP,
    Kind.NAME_STAGE: _NAME,
    Kind.DNS: _DNS,
}
_SEGMENT_OPENS = {"syn": _HANDSHAKE, "data": _DATA, "fin": _TEARDOWN, "reset": _TEARDOWN}


@dataclass
class Chapter:
    """A part of the story; `background` are facts that belong to nobody's page: hellos and such."""

    number: int
    title: str
    facts: list[Fact] = field(default_factory=list)
    background: list[Fact] = field(default_factory=list)

    def heading(self) -> str:
        """`5. The name servers are asked (ARP, DNS)`: the subjects in the order they come up."""
        subjects = dict.fromkeys(_SUBJECTS[fact.kind] for fact in self.facts if fact.kind in _SUBJECTS)
        return f"{self.number}. {self.title}" + (f" ({', '.join(subjects)})" if subjects else "")


def divide(facts: Sequence[Fact]) -> list[Chapter]:
    """The chapters of a run, numbered from 1, in the order of time; what belongs to none stays where it happened."""
    chapters: list[Chapter] = []
    place = -1
    awaits_boot = any(fact.kind is Kind.BOOTED for fact in facts)
    for fact in facts:
        opens = max(_opened(fact), _BEFORE)
        if opens > place:
            place = opens
            chapters.append(Chapter(len(chapters) + 1, _TITLES[place]))
        early = awaits_boot and place == _BEFORE and fact.flight is not None
        into = chapters[-1].background if early or fact.kind is Kind.OTHER else chapters[-1].facts
        into.append(fact)
    return chapters


def _opened(fact: Fact) -> int:
    """The chapter that begins with a fact, if it has not begun yet; -1 for a fact that begins none."""
    if fact.kind is Kind.NEXT_HOP:
        return _HANDSHAKE if fact.values["transport"] == "TCP" else _DNS
    if fact.kind is Kind.TCP:
        return _SEGMENT_OPENS.get(fact.values["segment"], -1)
    if fact.kind is Kind.TCP_STATE:
        return _TEARDOWN if fact.values["after"] == "CLOSE-WAIT" else -1
    return _OPENS.get(fact.kind, -1)


def told(facts: Sequence[Fact], owners: Mapping[str, str]) -> Iterator[str]:
    """The story, line by line, at most WIDTH columns."""
    sentences = Sentences(owners)
    counted = {kind: sum(fact.kind is kind for fact in facts) for kind in (Kind.DHCP, Kind.DNS)}
    count: Counter[Kind] = Counter()
    for chapter in divide(facts):
        yield ""
        yield chapter.heading()
        before: Fact | None = None
        for fact in chapter.facts:
            words = sentences.say(fact)
            if fact.kind in counted:
                count[fact.kind] += 1
                words = f"[{fact.kind.name} {count[fact.kind]} of {counted[fact.kind]}] {words}"
            yield from _lines(fact, words, _goes_on(before, fact))
            before = fact
        if chapter.background:
            yield from _background(chapter.background)


def _goes_on(before: Fact | None, fact: Fact) -> bool:
    """Is it the next line of the same output?"""
    if before is None or before.kind is not Kind.PRINTED or fact.kind is not Kind.PRINTED:
        return False
    return before.values["program"] == fact.values["program"] and before.time_ns == fact.time_ns


def _lines(fact: Fact, words: str, goes_on: bool) -> Iterator[str]:
    if goes_on:
        yield from _wrapped(fact.values["line"], margin="  ")
        return
    flight = fact.flight
    where = f"[{numbers_text(flight.numbers)}: {flight.path()}]" if flight is not None else ""
    first, *rest = _wrapped(words)
    if where and not rest and len(first) + len(where) + 2 <= WIDTH:
        first, where = f"{first}  {where}", ""
    yield f"{fact.time_ns / 1e9:{_INDENT - 3}.6f} s {first.lstrip()}"
    yield from rest
    if where and flight is not None and _INDENT + len(where) > WIDTH:
        yield from _wrapped(f"[{numbers_text(flight.numbers)}:")
        yield from _wrapped(f"{flight.path()}]", margin=" ")
    elif where:
        yield from _wrapped(where)


def _wrapped(text: str, margin: str = "") -> list[str]:
    """The text in lines that stand under each other, right of the times."""
    indent = " " * _INDENT + margin
    return wrap(text, WIDTH, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False) or [
        indent
    ]


def _background(facts: Sequence[Fact]) -> Iterator[str]:
    """Everything else that was sent meanwhile, in one line (longer only for its numbers)."""
    packets = Counter(
        fact.values["protocol"] if fact.kind is Kind.OTHER else fact.kind.name.replace("_", " ")
        for fact in facts
    )
    kinds = ", ".join(f"{count} {name}" for name, count in packets.items())
    numbers = sorted(number for fact in facts if fact.flight is not None for number in fact.flight.numbers)
    text = f"Not told one by one: {kinds} packet{'s' * (len(facts) > 1)} [{numbers_text(numbers)}]"
    yield from _wrapped(text)
