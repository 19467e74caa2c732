"""TCP: a connection opens, carries bytes and closes. Read first: RFC 9293, sections 3.3.2, 3.5 and 3.6.

Sequence numbers are told relative to each end's first, as Wireshark shows them; the first itself as it is on the wire.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from netarium.story.facts import NEXT, Fact, Flight, Subject
from netarium.story.kinds.base import Kind, Readers, Record
from netarium.story.packets import Packet, content_of
from netarium.story.scene import Scene, address_of, end_name, end_text
from netarium.story.words import Words, preview

_MODULUS: Final = 1 << 32
_HALF: Final = 1 << 31
_PLAIN = {"reset": "tcp.reset", "fin": "tcp.fin", "established": "tcp.established", "probe": "tcp.probe"}


@dataclass(slots=True)
class _Side:
    """What one end of a connection has said so far, relative to its first sequence number."""

    initial: int = -1
    sent: int = 0
    acknowledged: int = 0
    """The greatest number that it has acknowledged."""
    fin: int = -1
    segments: int = 0
    """Segments with data that it has sent, those sent again included; `segment_bytes` is what they carried."""
    segment_bytes: int = 0
    again: int = 0
    unread: int = 0
    """Bytes that have come to it and that its program has not read."""
    hard: bool = False
    """Whether its program has asked for no orderly end (SO_LINGER of 0 s)."""


@dataclass(slots=True)
class _Memory:
    sides: tuple[_Side, _Side] = field(default_factory=lambda: (_Side(), _Side()))
    stands: bool = False
    closed: bool = False


def _say(fact: Fact, words: Words) -> str:
    text = _say_segment(fact, words)
    if fact.values["again"] and fact.values["segment"] != "probe":
        return words.text("tcp.again", text=text)
    return text


def _say_segment(fact: Fact, words: Words) -> str:
    v = fact.values
    segment = v["segment"]
    who = end_name(words.owner, fact.place, v["source"], v["destination"])
    if segment == "syn":
        whom = words.who(address_of(v["destination"]))
        return words.text("tcp.syn", place=who, whom=whom, port=v["port"], sequence=v["sequence"])
    if segment == "syn-ack":
        return words.text("tcp.syn-ack", place=who, sequence=v["sequence"])
    if segment == "data":
        said = say_preview(v["preview"], words)
        text = words.plural("tcp.data", v["bytes"], place=who, first=v["first"], preview=said)
        return words.text("tcp.and-fin", text=text) if v["fin"] else text
    if segment == "ack":
        key = "tcp.ack-all" if v["acknowledges_fin"] else "tcp.ack"
        if v["misses"]:
            return words.text("tcp.ack-misses", place=who, next=v["acknowledged"] + 1)
        if not v["acknowledges_fin"] and not v["acknowledged"]:
            return words.text("tcp.ack-nothing", place=who)
        if not v["acknowledges_fin"]:
            return words.plural(key, v["acknowledged"], place=who, next=v["acknowledged"] + 1)
        return words.text(key, place=who)
    if segment == "reset" and v["refuses"]:
        return words.text(f"tcp.reset-{v['refuses']}", place=who)
    if segment == "reset" and v["unread"]:
        return words.plural("tcp.reset-unread", v["unread"], place=who)
    if segment == "reset" and v["hard"]:
        return words.text("tcp.reset-linger", place=who)
    return words.text(_PLAIN[segment], place=who)


def say_preview(seen: dict[str, Any], words: Words) -> str:
    """What is shown of the bytes that a packet carries."""
    if seen["text"]:
        return words.text("preview.more", text=seen["text"]) if seen["more"] else str(seen["text"])
    shown = words.text("preview.more", text=seen["hex"]) if seen["more"] else seen["hex"]
    if seen["wrong_at"] < 0:
        return words.text("preview.bytes", hex=shown)
    if seen["wrong_at"] > 2:  # the bytes shown are those about the wrong one
        shown = words.text("preview.behind", text=shown)
    if seen["guess"]:
        return words.text("preview.other-text", hex=shown, at=seen["wrong_at"] + 1, guess=seen["guess"])
    return words.text("preview.no-utf8", hex=shown, at=seen["wrong_at"] + 1)


def _say_state(fact: Fact, words: Words) -> str:
    v = fact.values
    who = end_name(words.owner, fact.place, v["local"], v["remote"])
    return words.text("tcp.state", place=who, before=v["before"], after=v["after"])


_NEEDLES = (b'"protocol":"TCP"', b'"stop":"RECEIVE_BUFFER"', b'"event":"call"')
KINDS = (
    Kind(
        "tcp",
        "tcp",
        frozenset(
            [
                "source",
                "destination",
                "port",
                "segment",
                "sequence",
                "acknowledged",
                "acknowledges_fin",
                "misses",
                "fin",
                "refuses",
                "unread",
                "hard",
                "again",
                "first",
                "bytes",
                "preview",
            ]
        ),
        _say,
        needles=_NEEDLES,
    ),
    Kind(
        "tcp-state",
        "tcp",
        frozenset({"local", "remote", "before", "after", "cause"}),
        _say_state,
        needles=(b'"event":"state"',),
    ),
)


class _Tcp:
    def __init__(self, scene: Scene) -> None:
        self.scene = scene

    def state(self, record: Record) -> Iterator[Fact]:
        local, dash, remote = str(record.get("subject", "")).removeprefix("tcp ").rpartition("-")
        if not dash or record.get("after") == "LISTEN" or remote.endswith(":0"):
            return
        after = str(record.get("after", ""))
        if after == "SYN-SENT":
            known = self.scene.known_conversation("TCP", local, remote)
            if known is not None and isinstance(known.state, _Memory) and known.state.closed:
                self.scene.forget_conversation("TCP", local, remote)
        subject = self.scene.conversation("TCP", local, remote)
        if record["at"] not in subject.nodes:
            subject.nodes.append(record["at"])
        self.scene.touch(record["at"], subject)
        phase = ""
        if after == "SYN-SENT":
            phase = "open"
        elif after == "CLOSE-WAIT":
            phase = "close"
        elif after in ("FIN-WAIT-1", "LAST-ACK"):
            phase = NEXT
        if after in ("CLOSED", "TIME-WAIT") and isinstance(subject.state, _Memory):
            subject.state.closed = True
        values = {
            "local": local,
            "remote": remote,
            "before": "LISTEN"
            if after == "SYN-RECEIVED" and record.get("before") == "CLOSED"
            else record.get("before"),
            "after": after,
            "cause": record.get("cause"),
        }
        yield Fact(record["t"], "tcp-state", record["at"], values, about=subject, phase=phase)

    def receive_buffer(self, record: Record) -> Iterator[Fact]:
        """How much waits for the program: who closes with bytes unread breaks off. (RFC 2525 section 2.17)"""
        ends, details = str(record.get("subject", "")), record["details"]
        left = details.get("left", details.get("waiting"))
        if ends.startswith("tcp ") and left is not None:
            local, _, remote = ends.removeprefix("tcp ").partition("-")
            subject, side = self.scene.side_of("TCP", local, remote)
            if isinstance(subject.state, _Memory):
                subject.state.sides[side].unread = int(left)
        return iter(())

    def segment(self, record: Record, packet: Packet, flight: Flight) -> Iterator[Fact]:
        node, flags = record["at"].partition(":")[0], str(record.get("flags", "")).split()
        source = end_text(record["source"], record["source_port"])
        destination = end_text(record["destination"], record["destination_port"])
        subject = self._conversation(
            source, destination, flight, "SYN" in flags and "ACK" not in flags, record["seq"]
        )
        memory: _Memory = subject.state
        values = _read(record, memory, flight.side, flags)
        values["source"], values["destination"] = source, destination
        values["port"] = record["destination_port"]
        values["preview"] = preview(packet.payload, packet.is_whole) if values["bytes"] else {}
        self.scene.touch(node, subject)
        phase = _phase(values["segment"], memory)
        fact = Fact(record["t"], "tcp", node, values, flight, subject, phase=phase)
        fact.content = content_of(record, packet) if values["bytes"] else 0
        if values["segment"] in ("data", "ack") and not values["fin"]:  # the FIN is told, whatever carries it
            carrier = flight.side if values["segment"] == "data" else 1 - flight.side
            fact.fold = f"bulk {id(subject)} {carrier}"
            fact.tally = _tally(values)
        yield fact

    def _conversation(
        self, source: str, destination: str, flight: Flight, begins: bool, sequence: int
    ) -> Subject:
        if begins:
            known = self.scene.known_conversation("TCP", source, destination)
            memory = known.state if known is not None else None
            if isinstance(memory, _Memory) and memory.sides[0].initial not in (-1, sequence):
                self.scene.forget_conversation("TCP", source, destination)
                flight.subject = None
        subject = self.scene.conversation("TCP", source, destination, flight)
        if not isinstance(subject.state, _Memory):
            subject.state = _Memory()
        return subject


def _read(record: Record, memory: _Memory, side: int, flags: list[str]) -> dict[str, Any]:
    mine, its = memory.sides[side], memory.sides[1 - side]
    size = int(record.get("length", 0))
    if "SYN" in flags or mine.initial < 0:
        mine.initial = record["seq"] if "SYN" in flags or size == 0 else (record["seq"] - 1) % _MODULUS
    first = (record["seq"] - mine.initial) % _MODULUS
    if first >= _HALF:
        first = 0  # before the beginning: a probe of a connection that carried nothing yet
    ends = first + size + ("SYN" in flags) + ("FIN" in flags)
    again = first < ends <= mine.sent
    mine.sent = max(mine.sent, ends)
    if size:
        mine.segments += 1
        mine.segment_bytes += size
        mine.again += again
    if "FIN" in flags:
        mine.fin = first + size + 1
    if its.initial < 0 and "ACK" in flags:
        its.initial = (record["ack"] - 1) % _MODULUS
    acknowledged = (record["ack"] - its.initial) % _MODULUS if "ACK" in flags else 0
    acknowledges_fin = "ACK" in flags and acknowledged == its.fin
    data_end = its.fin - 1 if its.fin >= 0 else its.sent
    misses = (
        0 < acknowledged == mine.acknowledged < data_end
    )  # it says the same again though more has been sent
    mine.acknowledged = max(mine.acknowledged, acknowledged if acknowledged < _HALF else 0)
    values = {
        "segment": _segment(flags, size, first, mine.sent, acknowledged, memory),
        "sequence": record["seq"],
        "acknowledged": max(acknowledged - 1 - acknowledges_fin, 0),
        "acknowledges_fin": acknowledges_fin,
        "misses": misses,
        "fin": "FIN" in flags,
        "refuses": _refuses(flags, memory),
        "unread": mine.unread if "RST" in flags else 0,
        "hard": mine.hard,
        "again": again,
        "first": first,
        "bytes": size,
    }
    if values["segment"] == "established":
        memory.stands = True
    return values


def _refuses(flags: list[str], memory: _Memory) -> str:
    """What a RST refuses: a `syn`, or a `segment` of no connection: that answer has no ACK flag (RFC 9293 3.10.7.1)."""
    if "RST" not in flags:
        return ""
    if not memory.stands and not any(side.segments for side in memory.sides):
        return "syn"
    return "" if "ACK" in flags else "segment"


def _segment(flags: list[str], size: int, first: int, sent: int, acknowledged: int, memory: _Memory) -> str:
    """What a segment is for: syn, syn-ack, reset, data, fin, established, ack, probe."""
    if "RST" in flags:
        return "reset"
    if "SYN" in flags:
        return "syn-ack" if "ACK" in flags else "syn"
    if size:
        return "data"
    if "FIN" in flags:
        return "fin"
    if acknowledged == 1 and not memory.stands:
        return "established"
    return "probe" if first < sent and acknowledged >= 1 and first == sent - 1 and memory.stands else "ack"


def _phase(segment: str, memory: _Memory) -> str:
    if segment in ("syn", "syn-ack", "established"):
        return "open"
    if segment in ("fin", "reset"):
        memory.closed = memory.closed or segment == "reset"
        refused = segment == "reset" and not memory.stands and not any(s.segments for s in memory.sides)
        return "open" if refused else "close"  # what never stood cannot close
    return "data" if segment == "data" else ""


def _tally(values: dict[str, Any]) -> dict[str, int]:
    if values["segment"] == "ack":
        return {"acknowledgments": 1}
    return {"segments": 1, "bytes": values["bytes"], "again": int(values["again"])}


def carried(subject: Subject, side: int) -> tuple[int, int, int]:
    """(segments with data, bytes in them, how many of them were sent again) that one side has sent so far."""
    memory = subject.state
    if not isinstance(memory, _Memory):
        return 0, 0, 0
    sender = memory.sides[side]
    return sender.segments, sender.segment_bytes, sender.again


def byte_of(subject: Subject, side: int, sequence: int) -> int:
    """Which byte of what one side sends has that sequence number, the first being 0."""
    memory = subject.state
    if not isinstance(memory, _Memory):
        return 0
    return (sequence - memory.sides[side].initial - 1) % _MODULUS


def is_fin_alone(subject: Subject, local: str, sequence: int) -> bool:
    """Whether that number, relative to the first, is that of the FIN that the end `local` has sent: no byte of data."""
    memory = subject.state
    if not isinstance(memory, _Memory):
        return False
    side = _side_of(subject, local)
    return memory.sides[side].fin == sequence + 1


def ends_hard(subject: Subject, end: str, *, is_other: bool) -> None:
    """The program at that end, or at the other one, wants no orderly end of the connection."""
    if isinstance(subject.state, _Memory):
        side = _side_of(subject, end)
        subject.state.sides[1 - side if is_other else side].hard = True


def _side_of(subject: Subject, end: str) -> int:
    return 0 if any(pair.startswith(f"{end}-") for pair in subject.pairs) else 1


def readers(scene: Scene) -> Readers:
    """The readers of one story."""
    tcp = _Tcp(scene)
    return Readers({"state:tcp": tcp.state, "step:RECEIVE_BUFFER": tcp.receive_buffer}, {"TCP": tcp.segment})
