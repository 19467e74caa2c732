"""A program's bytes in TCP's stream, as records tell them: which sends, segments and reads carry which bytes.

What is remembered of a direction is bounded: its latest sends and segments. `buffers` tells of it.
"""

from __future__ import annotations

from collections import deque
from typing import Final, NamedTuple

from netarium.story.facts import Flight, Subject
from netarium.story.scene import Scene, address_of, end_name

KEPT: Final = 64
"""So many sends, and so many segments, are remembered of each direction."""
CARRIED_MAX: Final = 8
"""So many packets are remembered of one segment."""
DIRECTIONS_MAX: Final = 256


class Piece(NamedTuple):
    """Bytes `start` to `end` (which is not one of them) of a direction; a send's or a segment's running number."""

    start: int
    end: int
    number: int
    begin: bytes = b""


class Direction:
    """What one end has sent to the other."""

    def __init__(self, subject: Subject, side: int) -> None:
        self.subject = subject
        self.side = side
        """Of its sender: 0 for the end that began the connection."""
        self.sender = self.receiver = ""
        """Their names; "" as long as nothing was heard of that end itself."""
        self.sends: deque[Piece] = deque(maxlen=KEPT)
        self.segments: deque[Piece] = deque(maxlen=KEPT)
        self.flights: dict[int, list[Flight]] = {}
        """Segment's number -> the packets that carried it: the first, and those sent again."""
        self.send_count = self.segment_count = self.read_count = 0
        self.sent_bytes = self.read_bytes = 0
        self.is_told = False
        self.told: dict[str, int] = {}
        """How often something was told of it."""

    def take(self, start: int, size: int, begin: bytes) -> None:
        """A send. Sends that continue one that did not fit (sendall) count by themselves, as the system takes them."""
        self.send_count += 1
        self.sent_bytes += size
        self.sends.append(Piece(start, start + size, self.send_count, begin))

    def cut(self, start: int, size: int) -> Piece:
        """A segment."""
        self.segment_count += 1
        piece = Piece(start, start + size, self.segment_count)
        if len(self.segments) == KEPT:
            self.flights.pop(self.segments[0].number, None)
        self.segments.append(piece)
        return piece

    def carried(self, flight: Flight, start: int, size: int) -> None:
        """A packet with the bytes from `start` on has left: first or again, whole or in part, of some segments."""
        for piece in reversed(self.segments):
            if piece.end <= start:
                break
            if piece.start < start + size:
                flights = self.flights.setdefault(piece.number, [])
                if len(flights) < CARRIED_MAX:
                    flights.append(flight)

    def flight_to(self, node: str, piece: Piece) -> Flight | None:
        """The packet that brought a segment to a node; when none of those known did, the first that carried it."""
        flights = self.flights.get(piece.number, [])
        arrived = (each for each in flights if node in each.nodes and node not in each.lost_at)
        return next(arrived, flights[0] if flights else None)

    def within(self, pieces: deque[Piece], start: int, end: int) -> list[Piece]:
        """The pieces that have a byte of this range; [] when its beginning has been forgotten."""
        found = []
        for each in reversed(pieces):  # most reads are of the latest
            if each.end <= start:
                break
            if each.start < end:
                found.append(each)
        found.reverse()
        return found if found and found[0].start <= start else []

    def once(self, what: str, times: int = 1) -> bool:
        """Whether `what` has been told less often than `times`; it counts as told now."""
        count = self.told.get(what, 0)
        self.told[what] = count + 1
        return count < times


class Directions:
    """The directions of a trace's connections, the ones unused longest forgotten."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self._known: dict[tuple[int, int], Direction] = {}

    def of(self, place: str, subject_text: str, *, outgoing: bool) -> Direction:
        """The direction that leaves `place` (or comes to it) over `tcp LOCAL-REMOTE`."""
        local, _, remote = subject_text.removeprefix("tcp ").partition("-")
        subject, side = self.scene.side_of("TCP", local, remote)
        direction = self._of(subject, side if outgoing else 1 - side)
        if outgoing and not direction.sender:
            direction.sender = end_name(self.scene.owner, place, local, remote)
        elif not outgoing and not direction.receiver:
            direction.receiver = end_name(self.scene.owner, place, local, remote)
        return direction

    def sender_of(self, direction: Direction) -> str:
        """The name of the end that sends; of one of which nothing was heard, who has its address."""
        return direction.sender or self._end(direction.subject, direction.side)

    def receiver_of(self, direction: Direction) -> str:
        """The name of the end that receives, likewise."""
        return direction.receiver or self._end(direction.subject, 1 - direction.side)

    def _end(self, subject: Subject, side: int) -> str:
        ends = [str(subject.label.get(name, "")) for name in ("client", "server")]
        local, remote = ends[side], ends[1 - side]
        node = self.scene.owner(address_of(local)) or local
        return end_name(self.scene.owner, node, local, remote)

    def forget(self, subject: Subject) -> None:
        """The connection is over at both ends, and another one may begin."""
        for side in (0, 1):
            self._known.pop((id(subject), side), None)

    def both(self, subject: Subject) -> list[Direction]:
        """Of the one who began it and of the other, as far as they are known."""
        found = (self._known.get((id(subject), side)) for side in (0, 1))
        return [each for each in found if each is not None]

    def _of(self, subject: Subject, side: int) -> Direction:
        key = (id(subject), side)
        known = self._known.pop(key, None)
        if known is None or known.subject is not subject:
            known = Direction(subject, side)
            if len(self._known) >= DIRECTIONS_MAX:
                del self._known[next(iter(self._known))]
        self._known[key] = known
        return known


def span(piece: Piece | tuple[int, int]) -> str:
    """`1-5`: the first and the last byte, counted from 1 as sequence numbers are told."""
    first, last = piece[0] + 1, piece[1]
    return f"{first}-{last}" if first != last else str(first)


def shown(begin: bytes, size: int) -> str:
    """The beginning of a send as text in quotes, or in hexadecimal."""
    rest = " ..." if size > len(begin) else ""
    try:
        text = begin.decode()
    except UnicodeDecodeError:
        for missing in range(1, 4):  # the end may lie within a character
            try:
                text = begin[:-missing].decode() if rest else ""
            except UnicodeDecodeError:
                continue
            if text and text.isprintable():
                return f"{text!r}{rest}"
        return f"{begin[:8].hex(' ')}{' ...' if size > 8 else ''}"
    if any(ord(each) < 32 and each not in "\r\n\t" for each in text):
        return f"{begin[:8].hex(' ')}{' ...' if size > 8 else ''}"
    return f"{text!r}{rest}"
