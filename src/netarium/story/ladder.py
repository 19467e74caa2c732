"""One conversation drawn as a ladder diagram: its ends as uprights, its segments as arrows, time downwards.

Called by `netarium explain --ladder`. It reads the trace once more: a segment is an arrow from where it was first sent
to where it was last received; one that was lost ends in a cross. The SVG needs nothing beside it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from xml.sax.saxutils import escape

from netarium.errors import UsageError
from netarium.story.asked import is_between
from netarium.story.facts import Flight
from netarium.story.language import Language
from netarium.story.records import TraceFile
from netarium.story.scene import Scene, address_of, end_text

ARROWS_MAX: Final = 300
"""Arrows of one diagram; a longer conversation says how many more there were."""
CONVERSATIONS_MAX: Final = 50
"""Diagrams of one trace."""
NEEDLES: Final = (b'"protocol":"TCP"',)
_LEFT, _RIGHT, _TOP, _ROW = 420, 700, 96, 24
_WIDTH = 1050


@dataclass
class Arrow:
    """One segment. `side` 0 goes from the client to the server; times in ns; `arrived_ns` is None when it was lost."""

    side: int
    sent_ns: int
    frame: int | None
    text: str
    end: str
    arrived_ns: int | None = None
    again: bool = False


@dataclass
class Conversation:
    """The segments of one TCP connection; `first` and `second` are `address:port` as the client sees them."""

    first: str
    second: str
    client: str
    server: str
    pairs: list[str]
    arrows: list[Arrow] = field(default_factory=list)
    more: int = 0
    seen: set[tuple[int, int, int, str]] = field(default_factory=set)
    """(side, sequence number, bytes, flags) of what has been drawn."""
    begins: list[int] = field(default_factory=lambda: [-1, -1])


def conversations(trace: TraceFile, choice: str = "") -> list[Conversation]:
    """The TCP conversations of a trace in the order they began; with `choice` (A:port-B:port) that one alone.

    Raises UsageError when there is none, or not that one.
    """
    reader = _Reader(Scene(trace.header))
    for record in trace.records(NEEDLES):
        reader.take(record)
    found = [each for each in reader.found.values() if _is_chosen(each, choice, reader.scene)]
    if not found:
        which = f"{choice}" if choice else "TCP"
        raise UsageError(f"--ladder: {trace.path} has no conversation {which}; nothing is drawn")
    return found


def _is_chosen(conversation: Conversation, choice: str, scene: Scene) -> bool:
    return not choice or is_between(conversation.pairs, choice, scene.has_address)


class _Reader:
    """Sorts segments into conversations while a trace is read."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.found: dict[int, Conversation] = {}
        self._arrows: dict[int, Arrow] = {}
        self._flights: dict[int, Flight] = {}

    def take(self, record: dict[str, Any]) -> None:
        """One record of the trace."""
        event = record["event"]
        self.scene.now_ns = record["t"]
        if event == "host":
            self.scene.host_changed(record)
        if (
            record.get("protocol") != "TCP"
            or "source_port" not in record
            or event not in ("sent", "received")
        ):
            return
        node = record["at"].partition(":")[0]
        if event == "sent":
            flight, new = self.scene.flights.sent(record, node)
            self._sent(record, flight, new)
            return
        received = self.scene.flights.received(record, node)
        arrow = self._arrows.get(id(received)) if received is not None else None
        if arrow is not None and node == arrow.end:
            arrow.arrived_ns = record["t"]

    def _sent(self, record: dict[str, Any], flight: Flight, new: bool) -> None:
        source = end_text(record["source"], record["source_port"])
        destination = end_text(record["destination"], record["destination_port"])
        if new and record["flags"] == "SYN" and flight.subject is None:
            known = self.scene.known_conversation("TCP", source, destination)
            if known is not None and self._is_over(known, record):
                self.scene.forget_conversation("TCP", source, destination)
        subject = self.scene.conversation("TCP", source, destination, flight)
        if not new:
            self._readdress(flight, destination)
            return
        conversation = self.found.get(id(subject))
        if conversation is None:
            client, server = str(subject.label["client"]), str(subject.label["server"])
            conversation = self.found[id(subject)] = Conversation(
                first=client,
                second=server,
                client=self.scene.owner(address_of(client)) or address_of(client),
                server=self.scene.owner(address_of(server)) or address_of(server),
                pairs=subject.pairs,
            )
            subject.state = conversation
        self._add(conversation, record, flight, destination)

    def _is_over(self, subject: Any, record: dict[str, Any]) -> bool:
        """A SYN with another number than the first: the same ports, but another connection."""
        begins = subject.state.begins if isinstance(subject.state, Conversation) else [-1]
        return begins[0] not in (-1, record["seq"])

    def _add(
        self, conversation: Conversation, record: dict[str, Any], flight: Flight, destination: str
    ) -> None:
        side = flight.side
        if record["flags"].startswith("SYN"):
            conversation.begins[side] = record["seq"]
        if len(conversation.arrows) >= ARROWS_MAX:
            conversation.more += 1
            return
        key = (side, record["seq"], record["length"], record["flags"])
        carries = bool(record["length"]) or "SYN" in record["flags"] or "FIN" in record["flags"]
        arrow = Arrow(
            side=side,
            sent_ns=record["t"],
            frame=record.get("frame"),
            text=_segment_text(record, conversation.begins, side),
            end=self.scene.owner(address_of(destination)),
            again=carries and key in conversation.seen,
        )
        conversation.seen.add(key)
        conversation.arrows.append(arrow)
        self._arrows[id(flight)] = arrow
        self._flights[id(flight)] = flight  # keeps the id from being used again
        if len(self._flights) > 4 * ARROWS_MAX:
            oldest = next(iter(self._flights))
            del self._flights[oldest], self._arrows[oldest]

    def _readdress(self, flight: Flight, destination: str) -> None:
        """Behind destination NAT the segment is for somebody else."""
        arrow = self._arrows.get(id(flight))
        owner = self.scene.owner(address_of(destination))
        if arrow is not None and owner:
            arrow.end = owner


def _segment_text(record: dict[str, Any], begins: list[int], side: int) -> str:
    """`PSH ACK, seq 1, ack 76, 340 bytes`: numbers count from the beginning of each side, as tshark shows them."""
    words = [record["flags"]]
    if begins[side] >= 0:
        words.append(f"seq {(record['seq'] - begins[side]) % (1 << 32)}")
    else:
        words.append(f"seq {record['seq']}")
    if "ACK" in record["flags"]:
        other = begins[1 - side]
        words.append(f"ack {(record['ack'] - other) % (1 << 32) if other >= 0 else record['ack']}")
    if record["length"]:
        words.append(f"len {record['length']}")
    return ", ".join(words)


def svg(conversation: Conversation, language: Language) -> str:
    """The diagram as one SVG document."""
    rows = _Rows(conversation.arrows)
    height = _TOP + _ROW * (rows.count + 1)
    title = language.text(
        "ladder.title",
        client=conversation.client,
        server=conversation.server,
        protocol="TCP",
        first=conversation.first,
        second=conversation.second,
    )
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}" '
        f'font-family="sans-serif" font-size="12" role="img">',
        f"<title>{escape(title)}</title>",
        '<rect width="100%" height="100%" fill="#ffffff"/>',
        _text(_WIDTH / 2, 24, title, 'text-anchor="middle" font-size="15" font-weight="bold"'),
        _upright(_LEFT, conversation.client, conversation.first, height),
        _upright(_RIGHT, conversation.server, conversation.second, height),
        _text(12, 67, language.text("ladder.seconds"), 'fill="#555555"'),
    ]
    for at, arrow in enumerate(conversation.arrows):
        parts += _arrow(arrow, rows.sent[at], rows.arrived.get(at), language)
    if conversation.more:
        more = language.plural("ladder.more", conversation.more)
        parts.append(_text(_WIDTH / 2, height - 8, more, 'text-anchor="middle" fill="#555555"'))
    return "\n".join([*parts, "</svg>", ""])


class _Rows:
    """At which height things stand. Time grows downwards, not to scale: every sending has a row of its own, so that no
    two texts meet; arrivals at one end in one moment share one.
    """

    def __init__(self, arrows: Iterable[Arrow]) -> None:
        moments: list[tuple[int, int, int]] = []
        for at, arrow in enumerate(arrows):
            moments.append((arrow.sent_ns, 1, at))
            if arrow.arrived_ns is not None:
                moments.append((arrow.arrived_ns, 0, at))
        self.sent: dict[int, int] = {}
        self.arrived: dict[int, int] = {}
        self.count = 0
        before = (-1, -1)
        for time_ns, is_sending, at in sorted(moments):
            if is_sending or before != (time_ns, 0):
                self.count += 1
            before = (time_ns, is_sending)
            (self.sent if is_sending else self.arrived)[at] = _TOP + _ROW * (self.count - 1)


def _upright(x: int, name: str, end: str, height: int) -> str:
    line = f'<line x1="{x}" y1="76" x2="{x}" y2="{height - 24}" stroke="#333333" stroke-width="2"/>'
    bold = 'text-anchor="middle" font-size="14" font-weight="bold"'
    return "\n".join(
        [line, _text(x, 50, name, bold), _text(x, 67, end, 'text-anchor="middle" fill="#555555"')]
    )


def _arrow(arrow: Arrow, top: int, bottom: int | None, language: Language) -> list[str]:
    begin, end = (_LEFT, _RIGHT) if arrow.side == 0 else (_RIGHT, _LEFT)
    color = "#b3261e" if bottom is None else "#b26a00" if arrow.again else "#1f5fa8"
    if bottom is None:
        end, bottom = (begin + end) // 2, top + _ROW // 2
        shape = _cross(end, bottom, color)
    else:
        shape = _head(end, bottom, arrow.side, color)
    anchor = "end" if arrow.side == 0 else "start"
    label_x = begin - 10 if arrow.side == 0 else begin + 10
    return [
        f'<line x1="{begin}" y1="{top}" x2="{end}" y2="{bottom}" stroke="{color}" stroke-width="1.5"/>',
        shape,
        _text(label_x, top + 4, _label(arrow, language), f'text-anchor="{anchor}" fill="{color}"'),
        _text(12, top + 4, f"{arrow.sent_ns / 1e9:.6f}", 'fill="#777777" font-size="11"'),
    ]


def _label(arrow: Arrow, language: Language) -> str:
    words = [arrow.text]
    if arrow.again:
        words.append(f"({language.text('ladder.again')})")
    if arrow.arrived_ns is None:
        words.append(f"({language.text('ladder.lost')})")
    if arrow.frame is not None:
        words.append(f"[{language.text('ladder.frame', number=arrow.frame)}]")
    return " ".join(words)


def _head(x: int, y: int, side: int, color: str) -> str:
    back = -9 if side == 0 else 9
    return f'<polygon points="{x},{y} {x + back},{y - 4} {x + back},{y + 4}" fill="{color}"/>'


def _cross(x: int, y: int, color: str) -> str:
    return (
        f'<path d="M{x - 5},{y - 5} L{x + 5},{y + 5} M{x - 5},{y + 5} L{x + 5},{y - 5}" '
        f'stroke="{color}" stroke-width="2"/>'
    )


def _text(x: float, y: float, text: str, style: str) -> str:
    return f'<text x="{x:g}" y="{y:g}" {style}>{escape(text)}</text>'


def write(trace: TraceFile, path: Path, language: Language, choice: str = "") -> list[Path]:
    """Draw the conversations of a trace into `path`; of several, into `NAME-1.svg`, `NAME-2.svg` ... The files written.

    No more than CONVERSATIONS_MAX are drawn. Raises UsageError when there is none and when a file cannot be written.
    """
    found = conversations(trace, choice)[:CONVERSATIONS_MAX]
    written = []
    for number, conversation in enumerate(found, 1):
        into = path if len(found) == 1 else path.with_name(f"{path.stem}-{number}{path.suffix}")
        try:
            into.write_text(svg(conversation, language), encoding="utf-8")
        except OSError as error:
            raise UsageError(f"cannot write the diagram {into}: {error.strerror}") from None
        written.append(into)
    return written
