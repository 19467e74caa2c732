"""One direction of a cable: where a frame meets rate, queue, rules and delay, and goes into flight.

The way of a frame (`Direction.transmit`):

1. longer than the MTU allows: FRAME_TOO_LONG;
2. its sending starts now, or when the cable is free; if it must wait and the queue has no room: QUEUE_FULL;
3. its sending takes (size + 4 bytes of FCS) * 8 / rate, rounded up to whole nanoseconds;
4. the rules judge it (a frame that they lose has used the cable all the same);
5. it arrives `delay_ns` after its last bit was sent, never before the frame sent before it.

Preamble and inter-frame gap are not counted (docs/limitations.md).
"""

from __future__ import annotations

from heapq import heappush
from typing import TYPE_CHECKING, Final

from netarium.journey import Drop, Watch
from netarium.link.flight import Flight
from netarium.link.verdict import Rule, Verdict
from netarium.wire.ethernet import FCS_BYTES, HEADER_BYTES, TAG_BYTES, Frame

if TYPE_CHECKING:
    from netarium.engine.events import Engine
    from netarium.link.cable import Cable
    from netarium.link.port import Port
    from netarium.link.queue import Queue

_BIT_NS: Final = 8 * 1_000_000_000
_FULL_FRAMES_HELD: Final = 8


class Direction:
    """One way through a cable, from `sender` to `receiver`. Counters are frames; `drops` counts by reason."""

    __slots__ = (
        "_negative_byte_ns",
        "_sending_ns",
        "cable",
        "corrupted",
        "delay_ns",
        "drops",
        "duplicated",
        "engine",
        "flight",
        "free_at",
        "name",
        "queue",
        "rate_bps",
        "receiver",
        "rules",
        "sender",
        "size_bytes_max",
        "watch",
        "wire_bytes",
    )

    def __init__(self, cable: Cable, sender: Port, receiver: Port, queue: Queue) -> None:
        self.cable: Cable = cable
        self.name = f"{sender.name}>{receiver.name}"
        self.sender: Port = sender
        self.receiver: Port = receiver
        self.engine: Engine = cable.engine
        self.watch: Watch = cable.watch
        self.queue = queue
        self.rules: tuple[Rule, ...] = ()
        self.free_at = 0
        self.flight = Flight(self.engine, receiver)
        self.duplicated = 0
        self.corrupted = 0
        self.drops: dict[Drop, int] = {}
        self.configure()

    def __repr__(self) -> str:
        return f"Direction({self.name!r})"

    def configure(self) -> None:
        """Take over the cable's numbers; what is in flight keeps its times."""
        cable = self.cable
        self.delay_ns = cable.delay_ns
        self.rate_bps = cable.rate_bps or 1
        self._negative_byte_ns = -_BIT_NS if cable.rate_bps else 0
        self._sending_ns: dict[int, int] = {}  # by the sizes that need no look; dividing such numbers is slow
        self.size_bytes_max = cable.mtu + HEADER_BYTES
        self.wire_bytes: bool = cable.wire_bytes

    @property
    def hold_max_ns(self) -> int:
        """How long a reordered frame is held back at most, in ns: the delay, or eight full frames' sending
        time.
        """
        full_ns = -(self._negative_byte_ns * (self.size_bytes_max + FCS_BYTES) // self.rate_bps)
        return max(self.delay_ns, _FULL_FRAMES_HELD * full_ns)

    def transmit(self, frame: Frame) -> None:
        """Send a frame; see the module's docstring."""
        size = frame.size_bytes
        sending_ns = self._sending_ns.get(size)
        if sending_ns is None:
            if size > self.size_bytes_max and (frame.tag < 0 or size > self.size_bytes_max + TAG_BYTES):
                self.drop(Drop.FRAME_TOO_LONG, frame, f"{size} bytes, {self.size_bytes_max} at most")
                return
            sending_ns = self._time_of(size)
        engine = self.engine
        start = engine.now
        if self.free_at > start:
            if not self.queue.admit(start, self.free_at, size):
                self.drop(Drop.QUEUE_FULL, frame)
                return
            start = self.free_at
        self.free_at = departure = start + sending_ns
        if self.wire_bytes:
            frame = Frame.parse(bytes(frame))
        if self.rules:
            self._judge(frame, departure)
            return
        # Flight.send, written out: this is the hot path.
        arrival = departure + self.delay_ns
        flight = self.flight
        row = flight.row
        engine.sequence = sequence = engine.sequence + 1
        if row:
            last = row[-1][0]
            row.append((arrival if arrival > last else last, sequence, flight, frame))
        else:
            entry = (arrival, sequence, flight, frame)
            engine.foreground += 1
            row.append(entry)
            heappush(engine.heap, entry)

    def _time_of(self, size: int) -> int:
        """How long the sending of a frame of `size` bytes takes, in ns; remembered for each size that any may have."""
        # Two minus signs make the floor division a ceiling.
        sending_ns = -(self._negative_byte_ns * (size + FCS_BYTES) // self.rate_bps)
        if size <= self.size_bytes_max:
            self._sending_ns[size] = sending_ns
        return sending_ns

    def _judge(self, frame: Frame, departure: int) -> None:
        delay_ns = self.delay_ns
        hold_ns = 0
        duplicate = False
        flipped: Verdict | None = None
        now = self.engine.now
        for rule in self.rules:
            verdict = rule.judge(frame, now, self)
            if verdict is None:
                continue
            if verdict.drop is not None:
                self.drop(verdict.drop, frame, type(rule).__name__)
                return
            delay_ns += verdict.delay_ns
            hold_ns += verdict.hold_ns
            duplicate = duplicate or verdict.duplicate
            if verdict.flip >= 0:
                flipped = verdict
        arrival = departure + max(0, delay_ns)
        argument: object = frame
        if flipped is not None:
            self.corrupted += 1
            argument = self._flip(frame, flipped)
        self._send(arrival, argument, hold_ns)
        if duplicate:
            self.duplicated += 1
            self._send(arrival, frame, 0)

    def _flip(self, frame: Frame, verdict: Verdict) -> object:
        """The frame as changed, or (bits, frame) where the far NIC is to find it out."""
        if verdict.after_fcs:
            return Frame.parse(flip_bit(bytes(frame), verdict.flip))
        return (flip_bit(frame.bytes_with_fcs(self.size_bytes_max), verdict.flip), frame)

    def _send(self, arrival_ns: int, argument: object, hold_ns: int) -> None:
        flight = self.flight
        if hold_ns:
            flight.send_apart(arrival_ns + hold_ns, argument)
        else:
            flight.send(arrival_ns, flight.damaged if isinstance(argument, tuple) else flight, argument)

    def drop(self, reason: Drop, frame: Frame, detail: str = "") -> None:
        """Count a frame that ends on this cable, and tell the watchers."""
        self.drops[reason] = self.drops.get(reason, 0) + 1
        told = self.watch.drop
        if told is not None:
            told(self.engine.now, self.name, reason, frame, detail)

    def lose_all(self) -> None:
        """Lose what is in flight and what waits: bits on a cut wire are gone."""
        for frame in self.flight.end():
            self.drop(Drop.LINK_DOWN, frame, "cut while it was on its way")
        self.flight = Flight(self.engine, self.receiver)
        self.queue.clear()
        self.free_at = self.engine.now


def flip_bit(data: bytes, bit: int) -> bytes:
    """`data` with one bit changed; `bit` counts from the first byte's most significant and wraps around."""
    index, position = divmod(bit % (8 * len(data)), 8)
    changed = bytearray(data)
    changed[index] ^= 0x80 >> position
    return bytes(changed)
