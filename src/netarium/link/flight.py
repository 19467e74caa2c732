"""Frames on their way over one direction: one event per frame, only the head of the row in the heap.

A row is a FIFO of ready-made events `(arrival_ns, sequence, target, argument)`. When the head fires, the next
one goes into the engine's heap, under the time and sequence it was given at its sending: the order of all
events of the net is that of a plain heap, at a tenth less cost when many frames are in flight.
Frames that are to overtake others do not stand in the row: they go straight to the heap. A row with anything in it is
one piece of foreground work, and so is each of those.
"""

from __future__ import annotations

from collections import deque
from heapq import heappush
from typing import TYPE_CHECKING, Any, Final

from netarium.journey import Stop

if TYPE_CHECKING:
    from netarium.engine.events import Engine
    from netarium.link.port import Port
    from netarium.wire.ethernet import Frame

_RECEIVED: Final = Stop.LINK_RECEIVED


class Flight:
    """The frames in flight in one direction since the cable was last plugged in.

    A cut ends a flight for good: its rows are emptied, and the one event that is still in the heap finds
    nothing.
    """

    __slots__ = ("damaged", "engine", "receiver", "row", "stragglers")

    def __init__(self, engine: Engine, receiver: Port) -> None:
        self.engine = engine
        self.receiver = receiver
        self.row: deque[tuple[int, int, Any, Any]] = deque()
        self.stragglers: list[Straggler] = []
        self.damaged = Damaged(self)

    def fire(self, argument: Any) -> None:
        """Let the head of the row arrive; `argument` is the frame."""
        row = self.row
        if not row:
            return
        row.popleft()
        engine = self.engine
        if row:
            heappush(engine.heap, row[0])
        else:
            engine.foreground -= 1
        # Port.deliver, written out: this is the hot path.
        port = self.receiver
        port.frames_received += 1
        port.bytes_received += argument.size_bytes
        watch = port.watch
        gather = watch.gather
        crc = argument.digest_crc
        if gather is not None and crc >= 0:
            gather((engine.now, port.number, 0, crc))
        elif watch.frame is not None:
            watch.frame(engine.now, port, _RECEIVED, argument)
        port.owner.receive(port, argument)

    def send(self, arrival_ns: int, target: Any, argument: Any) -> None:
        """Put a frame, or the bits of one, at the end of the row; never earlier than the one before it."""
        engine = self.engine
        row = self.row
        if not row:
            engine.foreground += 1
        elif arrival_ns < row[-1][0]:
            arrival_ns = row[-1][0]
        engine.sequence = sequence = engine.sequence + 1
        entry = (arrival_ns, sequence, target, argument)
        if not row:
            heappush(engine.heap, entry)
        row.append(entry)

    def send_apart(self, arrival_ns: int, argument: Any) -> None:
        """Send a frame, or (bits, frame), that others may overtake."""
        straggler = Straggler(self, argument)
        self.stragglers.append(straggler)
        self.engine.foreground += 1
        self.engine.at(arrival_ns, straggler, argument)

    def end(self) -> list[Frame]:
        """Lose all that is in flight and return it, in the order of sending."""
        lost: list[Any] = [entry[3] for entry in self.row] + [each.argument for each in self.stragglers]
        self.engine.foreground -= bool(self.row) + len(self.stragglers)
        self.row.clear()
        for straggler in self.stragglers:
            straggler.lost = True
        self.stragglers.clear()
        return [each[1] if isinstance(each, tuple) else each for each in lost]


class Damaged:
    """The target of those in the row that arrive as bits, because some of them have changed."""

    __slots__ = ("flight",)

    def __init__(self, flight: Flight) -> None:
        self.flight = flight

    def fire(self, argument: Any) -> None:
        """Let the head of the row arrive; `argument` is (bits, frame as sent)."""
        flight = self.flight
        if not flight.row:
            return
        flight.row.popleft()
        if flight.row:
            heappush(flight.engine.heap, flight.row[0])
        else:
            flight.engine.foreground -= 1
        flight.receiver.deliver_bits(*argument)


class Straggler:
    """One frame held back: it stands in no row."""

    __slots__ = ("argument", "flight", "lost")

    def __init__(self, flight: Flight, argument: Any) -> None:
        self.flight = flight
        self.argument = argument
        self.lost = False

    def fire(self, argument: Any) -> None:
        """Arrive, unless the cable was cut meanwhile."""
        if self.lost:
            return
        flight = self.flight
        flight.stragglers.remove(self)
        flight.engine.foreground -= 1
        if isinstance(argument, tuple):
            flight.receiver.deliver_bits(*argument)
        else:
            flight.receiver.deliver(argument)
