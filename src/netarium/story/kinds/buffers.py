"""Bytes held back and what released them; which sends became which segments and which reads (the sticking of messages).

Read first: RFC 9293 3.7.4 (Nagle), 3.8.6 (window); RFC 5681 3.1 (congestion window). A stream has no marks between
messages: where the reads of one end do not fall together with the sends of the other, that is told, a few times of each
connection, and the sums at its end.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from netarium.story.facts import Fact, Flight, Subject
from netarium.story.kinds.base import Kind, Readers, Record
from netarium.story.kinds.streams import Direction, Directions, Piece, shown, span
from netarium.story.kinds.tcp import byte_of, carried
from netarium.story.packets import Packet
from netarium.story.scene import Scene, end_text
from netarium.story.words import Words, measured

HOLDS_TOLD: Final = 2
READS_TOLD: Final = 2
LINES_MAX: Final = 8
ENDED_MAX: Final = 1024
_HOLDS: Final = {"Nagle": "nagle", "cork": "cork", "window": "window", "congestion window": "cwnd"}
_RELEASES: Final = {
    "everything before it is acknowledged": "acknowledged",
    "a full segment": "full",
    "the program has closed": "closed",
    "TCP_NODELAY": "nodelay",
    "the cork is out": "uncorked",
    "the window has opened": "opened",
    "the window is probed": "probed",
    "acknowledgments": "acknowledgments",
}
_ENDED: Final = frozenset({"TIME-WAIT", "CLOSED"})


class _Buffers:
    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.directions = Directions(scene)
        self._held: dict[tuple[str, str], dict[str, Any]] = {}
        self._ended: dict[int, str] = {}
        """The end of a connection that was done with it first, by the subject's identity."""

    def send_buffer(self, record: Record) -> Iterator[Fact]:
        """Bytes were taken from the program, or are held back."""
        details, place = record["details"], record["at"]
        direction = self.directions.of(place, record["subject"], outgoing=True)
        if "held" not in details:
            direction.take(details["from"], details["bytes"], bytes.fromhex(details.get("begin", "")))
            return
        by = _HOLDS.get(details["by"])
        key = (place, record["subject"])
        if by is None or self._held.get(key, {}).get("by") == by:
            return
        if len(self._held) >= 1024:
            del self._held[next(iter(self._held))]
        told = direction.once(f"held by {by}", HOLDS_TOLD)
        self._held[key] = {"by": by, "at": record["t"], "told": told}
        if told:
            values = {
                key: details.get(key, 0)
                for key in ("held", "cwnd", "window", "unacknowledged", "mss", "from")
            }
            yield Fact(
                record["t"],
                "held",
                place,
                {"who": direction.sender, "by": by, **values},
                about=direction.subject,
            )

    def segment(self, record: Record) -> Iterator[Fact]:
        """A segment was cut."""
        details, place = record["details"], record["at"]
        direction = self.directions.of(place, record["subject"], outgoing=True)
        start, size = details["sequence"] - 1, details["bytes"]
        direction.cut(start, size)
        held = self._held.pop((place, record["subject"]), None)
        why = _RELEASES.get(str(details.get("released_by", "")))
        if held is None or why is None or not held["told"]:
            return
        sends = direction.within(direction.sends, start, start + size)
        values = {
            "who": direction.sender,
            "why": why,
            "by": held["by"],
            "bytes": size,
            "waited_ns": record["t"] - held["at"],
            "sends": len(sends),
        }
        yield Fact(record["t"], "released", place, values, about=direction.subject)

    def packet(self, record: Record, packet: Packet, flight: Flight) -> Iterator[Fact]:
        """A packet with data: its frame numbers are those of the segments that it carries."""
        if packet.payload_bytes:
            source = end_text(record["source"], record["source_port"])
            destination = end_text(record["destination"], record["destination_port"])
            if self.scene.known_conversation("TCP", source, destination) is not None:
                place = record["at"].partition(":")[0]
                direction = self.directions.of(place, f"tcp {source}-{destination}", outgoing=True)
                start = byte_of(direction.subject, direction.side, record["seq"])
                direction.carried(flight, start, packet.payload_bytes)
        return iter(())

    def receive_buffer(self, record: Record) -> Iterator[Fact]:
        """Bytes have come, or were read."""
        details, place = record["details"], record["at"]
        if record["subject"].startswith("udp "):
            values = {key: details[key] for key in ("read", "lost", "client")}
            yield Fact(record["t"], "datagram-cut", place, values, about=self.scene.recent(place))
            return
        if "read" not in details:
            return
        direction = self.directions.of(place, record["subject"], outgoing=False)
        direction.read_count += 1
        direction.read_bytes += details["read"]
        start, end = details["from"], details["from"] + details["read"]
        sends = direction.within(direction.sends, start, end)
        shape = _shape(sends, start, end)
        if not shape or not direction.once(f"read {shape}", READS_TOLD):
            return
        segments = direction.within(direction.segments, start, end)
        values = {
            "who": direction.receiver,
            "shape": shape,
            "read": details["read"],
            "from": start,
            "left": details["left"],
            "begin": shown(bytes.fromhex(details.get("begin", "")), details["read"]),
            "sender": self.directions.sender_of(direction),
            "sends": [_listed(each) for each in sends],
            "segments": [_listed(each) | {"frames": _frames(direction, place, each)} for each in segments],
        }
        yield Fact(record["t"], "read", place, values, about=direction.subject)

    def ended(self, record: Record) -> Iterator[Fact]:
        """The connection is over at one end: the sums, once, when sends, segments and reads differ in number."""
        if record["after"] not in _ENDED:
            return
        local, _, remote = record["subject"].removeprefix("tcp ").partition("-")
        subject = self.scene.known_conversation("TCP", local, remote)
        found = self.directions.both(subject) if subject is not None else []
        for direction in found:
            segments, segment_bytes, again = carried(direction.subject, direction.side)
            counts = (direction.send_count, segments, direction.read_count)
            if direction.is_told or not direction.send_count or (max(counts) == min(counts) and not again):
                continue
            direction.is_told = True
            values = {
                "sender": self.directions.sender_of(direction),
                "receiver": self.directions.receiver_of(direction),
                "sends": direction.send_count,
                "segments": segments,
                "segment_bytes": segment_bytes,
                "again": again,
                "reads": direction.read_count,
                "bytes": direction.sent_bytes,
                "read_bytes": direction.read_bytes,
            }
            yield Fact(record["t"], "stream-sums", record["at"], values, about=direction.subject)
        if found and subject is not None:
            self._forget_at_the_second_end(subject, f"{record['at']} {record['subject']}")

    def _forget_at_the_second_end(self, subject: Subject, end: str) -> None:
        """What a connection has carried is needed no more when both ends are done with it."""
        first = self._ended.get(id(subject))
        if first is not None and first != end:
            del self._ended[id(subject)]
            self.directions.forget(subject)
        elif first is None:
            self._ended[id(subject)] = end
            if len(self._ended) > ENDED_MAX:
                del self._ended[next(iter(self._ended))]


def _shape(sends: list[Piece], start: int, end: int) -> str:
    """`` for one whole send; stuck: several whole ones; cut: less than one; mixed: parts of several."""
    if not sends:
        return ""
    begins, ends = sends[0].start == start, sends[-1].end == end
    if len(sends) == 1:
        return "" if begins and ends else "cut"
    return "stuck" if begins and ends else "mixed"


def _listed(piece: Piece) -> dict[str, Any]:
    size = piece.end - piece.start
    return {
        "number": piece.number,
        "from": piece.start,
        "bytes": size,
        "begin": shown(piece.begin, size) if piece.begin else "",
    }


def _frames(direction: Direction, place: str, piece: Piece) -> str:
    flight = direction.flight_to(place, piece)
    return str(flight.numbers) if flight is not None else ""


def _bytes(count: int, words: Words) -> str:
    return words.plural("decision.bytes", count)


def _say_held(fact: Fact, words: Words) -> str:
    v = fact.values
    told = {key: v[key] for key in ("cwnd", "window", "mss")}
    held, unacknowledged = _bytes(v["held"], words), _bytes(v["unacknowledged"], words)
    key = f"decision.held.{v['by']}"
    return words.text(key, place=v["who"], held=held, unacknowledged=unacknowledged, **told)


def _say_released(fact: Fact, words: Words) -> str:
    v = fact.values
    because = words.text(f"decision.released.{v['why']}")
    waited = (
        words.text("decision.released.waited", waited=measured(v["waited_ns"] / 1e6))
        if v["waited_ns"]
        else ""
    )
    said = words.text(
        "decision.released",
        place=fact.values["who"],
        because=because,
        bytes=_bytes(v["bytes"], words),
        waited=waited,
    )
    return said + (words.text("decision.released.together", sends=v["sends"]) if v["sends"] > 1 else "")


def _say_read(fact: Fact, words: Words) -> str:
    v = fact.values
    numbers = words.listed(each["number"] for each in v["sends"][:LINES_MAX])
    if len(v["sends"]) > LINES_MAX:
        numbers = f"{v['sends'][0]['number']}-{v['sends'][-1]['number']}"
    said = words.text(
        f"decision.read.{v['shape']}",
        place=fact.values["who"],
        read=_bytes(v["read"], words),
        begin=words.clipped(v["begin"]),
        sender=v["sender"],
        count=len(v["sends"]),
        numbers=numbers,
    )
    return said + (words.plural("decision.read.left", v["left"]) if v["left"] else "")


def _read_lines(fact: Fact, words: Words) -> list[str]:
    v = fact.values
    lines = [
        words.text("decision.line.send", number=each["number"], span=_span(each), begin=each["begin"])
        for each in v["sends"][:LINES_MAX]
    ]
    if len(v["sends"]) > LINES_MAX:
        lines.append("...")
    for each in v["segments"][:LINES_MAX]:
        numbers = each["frames"]
        if numbers:
            many = "frame.one" if numbers.isdigit() else "frame.many"
            frames = words.text(many, numbers=numbers)
            lines.append(words.text("decision.line.segment", span=_span(each), frames=frames))
        else:
            lines.append(words.text("decision.line.segment_unseen", span=_span(each)))
    if len(v["segments"]) > LINES_MAX:
        lines.append("...")
    lines.append(
        words.text("decision.line.read", span=span((v["from"], v["from"] + v["read"])), begin=v["begin"])
    )
    return lines


def _span(listed: dict[str, Any]) -> str:
    return span((listed["from"], listed["from"] + listed["bytes"]))


def _say_cut(fact: Fact, words: Words) -> str:
    v = fact.values
    read, lost = _bytes(v["read"], words), _bytes(v["lost"], words)
    return words.text("decision.datagram_cut", place=fact.place, read=read, lost=lost, client=v["client"])


def _say_sums(fact: Fact, words: Words) -> str:
    v = fact.values
    segments = words.plural("decision.sums.segments", v["segments"])
    if v["again"]:
        segments = words.plural(
            "decision.sums.again", v["again"], segments=segments, bytes=_bytes(v["segment_bytes"], words)
        )
    return words.text(
        "decision.sums",
        sender=v["sender"],
        receiver=v["receiver"],
        bytes=_bytes(v["bytes"], words),
        sends=words.plural("decision.sums.sends", v["sends"]),
        segments=segments,
        reads=words.plural("decision.sums.reads", v["reads"]),
    )


_NEEDLES: Final = (
    b'"protocol":"TCP"', b'"stop":"SEGMENT"', b'"stop":"SEND_BUFFER"', b'"details":{"read":', b'"event":"state"',
    b'"event":"dropped"',
)  # fmt: skip
KINDS: Final = (
    Kind(
        "datagram-cut",
        "udp",
        frozenset({"read", "lost", "client"}),
        _say_cut,
        needles=(b'"stop":"RECEIVE_BUFFER"',),
    ),
    Kind(
        "held",
        "tcp",
        frozenset({"who", "by", "held", "cwnd", "window", "unacknowledged", "mss", "from"}),
        _say_held,
        needles=_NEEDLES,
    ),
    Kind(
        "released",
        "tcp",
        frozenset({"who", "why", "by", "bytes", "waited_ns", "sends"}),
        _say_released,
        needles=_NEEDLES,
    ),
    Kind(
        "read",
        "tcp",
        frozenset({"who", "shape", "read", "from", "left", "begin", "sender", "sends", "segments"}),
        _say_read,
        _read_lines,
        _NEEDLES,
    ),
    Kind(
        "stream-sums",
        "tcp",
        frozenset(
            {
                *("sender", "receiver", "sends", "segments", "segment_bytes", "again"),
                *("reads", "bytes", "read_bytes"),
            }
        ),
        _say_sums,
        needles=_NEEDLES,
    ),
)


def readers(scene: Scene) -> Readers:
    """The readers of one story."""
    state = _Buffers(scene)
    records = {
        "step:SEND_BUFFER": state.send_buffer,
        "step:SEGMENT": state.segment,
        "step:RECEIVE_BUFFER": state.receive_buffer,
        "state:tcp": state.ended,
    }
    return Readers(records, {"TCP": state.packet})
