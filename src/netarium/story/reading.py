"""From the records of a trace to facts, one after the other: each line is shown to the readers that want it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Final

from netarium.story.facts import Fact, Flight
from netarium.story.kinds import KINDS, MAKERS
from netarium.story.kinds.base import PacketReader, Reader, Record
from netarium.story.packets import first_fragment, packet_of
from netarium.story.scene import Scene, end_text
from netarium.story.sights import Sights

_CONVERSATIONS = ("TCP", "UDP")


DAMAGED: Final = (KeyError, IndexError, TypeError, ValueError, AttributeError, ArithmeticError)
"""What comes of reading a record, or saying a fact of one, that some other maker wrote or somebody changed by hand."""


class Reading:
    """The facts of one trace. `only` are words of `--only`: facts of other kinds are left out."""

    def __init__(self, scene: Scene, only: Iterable[str] = ()) -> None:
        self.scene = scene
        wanted = frozenset(only)
        self._kinds = (
            frozenset(name for name, kind in KINDS.items() if kind.only in wanted) if wanted else None
        )
        scene.kinds = self._kinds
        self._sights = Sights(scene)
        self._records: dict[str, tuple[Reader, ...]] = {}
        self._packets: dict[str, list[PacketReader]] = {}
        for make in MAKERS:
            readers = make(scene)
            for name, reader in readers.records.items():
                self._records[name] = (*self._records.get(name, ()), reader)
            for name, packet_reader in readers.packets.items():
                self._packets.setdefault(name, []).append(packet_reader)

    def facts(self, records: Iterable[Record]) -> Iterator[Fact]:
        """The facts of the records, in their order."""
        held: list[Fact] = []
        for record in records:
            self.scene.now_ns = record["t"]
            try:
                found = list(self._read(record))
            except DAMAGED:
                continue  # a record of some other maker that lacks what ours have: nothing can be told of it
            for fact in found:
                if fact.about is not None and not fact.background and fact.about.kind != "routing":
                    self.scene.touch(fact.place, fact.about)
            if held:
                found, held = _first_sent(held, record, found), []
            elif found and found[0].kind == "switched" and not found[0].values["in"]:
                held = (
                    found  # what a layer-3 switch does with a frame of its own: that it sends it comes first
                )
                continue
            yield from self._wanted(found)
        yield from self._wanted(held)

    def _wanted(self, found: list[Fact]) -> Iterator[Fact]:
        kinds = self._kinds
        return (fact for fact in found if kinds is None or fact.kind in kinds)

    def passes(self, line: bytes) -> bool:
        """Whether all that a line of the trace says has been taken from it: it only shows a packet once more."""
        return self._sights.takes(line)

    def _read(self, record: Record) -> Iterable[Fact]:
        event = record["event"]
        if event == "sent":
            return self._sent(record)
        if event == "received":
            node = record["at"].partition(":")[0]
            flight = self.scene.flights.received(record, node)
            if flight is not None:
                self._sights.learn(flight, record)
                self.scene.touch_flight(node, flight)
            return ()
        return self._other(record, event)

    def _other(self, record: Record, event: str) -> Iterable[Fact]:
        if event == "host":
            self.scene.host_changed(record)
        elif event == "program" and record.get("what") == "started":
            self.scene.services[str(record.get("program"))] = record
        name = event
        if event == "step":
            name = f"step:{record.get('stop')}"
        elif event == "state":
            name = f"state:{str(record.get('subject', '')).partition(' ')[0]}"
        elif event == "call":
            name = f"call:{record.get('call')}"
        readers = self._records.get(name, ())
        if name != event:
            readers = (*readers, *self._records.get(event, ()))
        return chain.from_iterable(reader(record) for reader in readers)

    def _sent(self, record: Record) -> Iterator[Fact]:
        self.scene.saw(record["at"])
        node = record["at"].partition(":")[0]
        flight, new = self.scene.flights.sent(record, node)
        self._sights.learn(flight, record)
        if not new:
            if record.get("protocol") in _CONVERSATIONS and "source_port" in record:
                self._on_its_way(record, flight)
            self.scene.touch_flight(node, flight)
            return
        packet = packet_of(record)
        if packet is None:
            return
        if "fragment_offset" in record:
            size_bytes = self.scene.flights.size_before_cut(node, record.get("identification"))
            first = None if record["fragment_offset"] else first_fragment(record, packet, size_bytes)
            if first is None:
                return
            record, packet = first
        protocol = str(record.get("protocol", "other"))
        names = [protocol]
        if protocol in _CONVERSATIONS and "source_port" in record:
            names = [
                f"{protocol}:{record['destination_port']}",
                f"{protocol}:{record['source_port']}",
                protocol,
            ]
        told = False
        for name in dict.fromkeys(names):
            for reader in self._packets.get(name, ()):
                for fact in reader(record, packet, flight):
                    told = told or fact.flight is flight
                    yield fact
        if not told:
            for reader in self._packets.get("rest", ()):
                yield from reader(record, packet, flight)

    def _on_its_way(self, record: Record, flight: Flight) -> None:
        """Behind NAT a packet has other ends: they are those of the same conversation."""
        if flight.subject is not None and flight.subject.kind == record["protocol"]:
            self.scene.conversation(
                record["protocol"],
                end_text(record["source"], record["source_port"]),
                end_text(record["destination"], record["destination_port"]),
                flight,
            )


def _first_sent(held: list[Fact], record: Record, found: list[Fact]) -> list[Fact]:
    """The facts of a record and those held before it: when its place sends at the same time, what it sends first."""
    place = str(record.get("at", "")).partition(":")[0]
    is_its_own = record["event"] == "sent" and (held[0].time_ns, held[0].place) == (record["t"], place)
    return [*found, *held] if is_its_own else [*held, *found]


def needles_of(only: Iterable[str]) -> tuple[bytes, ...]:
    """Pieces of which one is in every line that facts of these words are read from; () when all lines must be read."""
    found: dict[bytes, None] = {}
    wanted = frozenset(only)
    for kind in KINDS.values():
        if kind.only in wanted:
            found.update(dict.fromkeys(kind.needles))
    return tuple(found)
