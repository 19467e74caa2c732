"""A fact of a run: when, of what kind, where, with which values, about what, and the frames it is seen in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

RANGES_MAX: Final = 64
"""So many separate ranges of frame numbers are kept of one thing; past it the nearest are joined."""

NEXT: Final = "next"


class Numbers:
    """Frame numbers, kept as ranges. Past RANGES_MAX the two nearest are joined, and `exact` is False."""

    __slots__ = ("exact", "ranges")

    def __init__(self) -> None:
        self.ranges: list[list[int]] = []
        self.exact = True

    def __bool__(self) -> bool:
        return bool(self.ranges)

    def add(self, number: int) -> None:
        """Add a number; they come nearly in order."""
        ranges = self.ranges
        if not ranges or number > ranges[-1][1] + 1:
            ranges.append([number, number])
        elif number == ranges[-1][1] + 1:
            ranges[-1][1] = number
        elif number < ranges[-1][0] or number > ranges[-1][1]:
            self._insert(number)
        if len(ranges) > RANGES_MAX:
            self._join()

    def merge(self, other: Numbers) -> None:
        """Add all of another's."""
        for first, last in other.ranges:
            for number in range(first, last + 1):
                self.add(number)
        self.exact = self.exact and other.exact

    def listed(self) -> list[int]:
        """Every number in the ranges."""
        return [number for first, last in self.ranges for number in range(first, last + 1)]

    def count(self) -> int:
        """How many numbers the ranges have."""
        return sum(last - first + 1 for first, last in self.ranges)

    def __str__(self) -> str:
        """`7` or `1-4, 9`."""
        return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in self.ranges)

    def _insert(self, number: int) -> None:
        ranges = self.ranges
        at = len(ranges)
        while at and ranges[at - 1][0] > number:
            at -= 1
        if at and number <= ranges[at - 1][1]:
            return
        ranges.insert(at, [number, number])
        if at + 1 < len(ranges) and ranges[at + 1][0] == number + 1:
            ranges[at][1] = ranges.pop(at + 1)[1]
        if at and ranges[at - 1][1] == number - 1:
            ranges[at - 1][1] = ranges.pop(at)[1]

    def _join(self) -> None:
        gaps = [self.ranges[at + 1][0] - self.ranges[at][1] for at in range(len(self.ranges) - 1)]
        at = gaps.index(min(gaps))
        self.ranges[at][1] = self.ranges.pop(at + 1)[1]
        self.exact = False


@dataclass(slots=True, eq=False)
class Flight:
    """One packet from its first sender to everybody it reached, over switches, routers and NAT."""

    sender: str
    numbers: Numbers = field(default_factory=Numbers)
    """The frames of the capture that carried it."""
    nodes: list[str] = field(default_factory=list)
    """Every node it was seen at, in that order."""
    senders: list[str] = field(default_factory=list)
    """Those that sent it, in that order: the first sender, then who passed it on."""
    subject: Subject | None = None
    """What it belongs to, once that is known."""
    side: int = 0
    """Of a conversation: 0 for what the end that began it sends, 1 for the other's."""
    folded: Numbers | None = None
    """Where its numbers go besides, when it is told together with others."""
    told_as: Flight | None = None
    """That of what it is told together with: it goes where any of them goes."""
    record: dict[str, Any] | None = None
    """The `sent` record of its first frame, where its bytes are to be shown (`Flights.keeps_records`)."""
    lost_at: list[str] = field(default_factory=list)
    """The nodes at which it came to its end, or behind which: who got it all the same is in `nodes` alone."""
    key: tuple[object, ...] = ()
    """What no box on its way changes of it: how `flights` finds it."""

    def path(self) -> str:
        """`pc > office > gw`; the ends of a broadcast are joined by commas."""
        ends = [node for node in self.nodes if node not in self.senders]
        return " > ".join([*self.senders, ", ".join(ends)] if ends else self.senders)

    def seen(self, number: int | None, node: str) -> None:
        """It was seen at a node, in the frame of that number (None: in one that was not captured)."""
        if isinstance(number, int):
            self.numbers.add(number)
            if self.folded is not None:
                self.folded.add(number)
        if node not in self.nodes:
            self.nodes.append(node)
        if self.told_as is not None and node not in self.told_as.nodes:
            self.told_as.nodes.append(node)

    def sent_by(self, node: str) -> None:
        """A node sends it, or passes it on."""
        for flight in (self, self.told_as):
            if flight is not None and node not in flight.senders:
                flight.senders.append(node)

    def goes_the_way_of(self, other: Flight) -> None:
        """Another is told as a part of this one: its way is a part of this one's, now and from here on."""
        other.told_as = self
        self.nodes += [node for node in other.nodes if node not in self.nodes]
        self.senders += [node for node in other.senders if node not in self.senders]


@dataclass(slots=True, eq=False)
class Subject:
    """What steps are about: one connection, one look-up, one host that joins; `label` is what titles name of it."""

    kind: str
    key: str
    label: dict[str, Any] = field(default_factory=dict)
    phase: str = ""
    """The chapter its steps go to now."""
    nodes: list[str] = field(default_factory=list)
    """The nodes that take part as ends: what --follow looks at."""
    programs: list[str] = field(default_factory=list)
    """The programs whose calls it is made of."""
    pairs: list[str] = field(default_factory=list)
    """Of a conversation: its ends as `A:port-B:port`, as they are at each place of the way."""
    state: Any = None
    """What a reader remembers of it."""
    is_folded: bool = False
    """Whether it has been told together with others."""


@dataclass(slots=True, eq=False)
class Fact:
    """One thing that happened. `values` has the keys its kind names; addresses are texts, times and sizes numbers.

    `about` is what it belongs to, None where only the place tells. A `phase` begins the chapter of that name for
    its subject; without one it stays where its subject is. The phase NEXT is that of what its subject does next.
    """

    time_ns: int
    kind: str
    place: str
    values: dict[str, Any] = field(default_factory=dict)
    flight: Flight | None = None
    about: Subject | None = None
    phase: str = ""
    background: bool = False
    """Told in one line with others of its sort: hellos and such."""
    fold: str = ""
    """Facts in a row with the same `fold` are told together after the first few; "": those of a kind and place."""
    tally: dict[str, int] | None = None
    """What is added up of facts that are told together."""
    content: int = 0
    """A check sum of the payload that it carries: whether two carry the same."""
