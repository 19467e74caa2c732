"""The clock and the event queue of one net.

All time is integer nanoseconds since the net began. An event is `(time_ns, sequence, target, argument)`; firing it
calls `target.fire(argument)`. There are no closures and no comparisons of targets: sequences are unique.

Who keeps the run going is counted apart, in `Engine.foreground`: whoever owns foreground work (a cable with a frame in
flight, a scheduler with a sleeping program, a lab with a start to come) adds one when it begins and takes one away
when it ends. The queue itself does not care, so a stale entry never keeps a run alive (DESIGN 3, End of a run).
"""

from __future__ import annotations

from collections.abc import Sized
from heapq import heappop, heappush
from typing import Any, Final, Protocol

from netarium.errors import StormError

NEVER_NS: Final = (1 << 63) - 1
"""Later than every event: about 292 years."""

EVENTS_PER_INSTANT_MAX: Final = 100_000
"""More events than this at one nanosecond are a loop that time cannot end: a storm."""


class Target(Protocol):
    """What an event is for."""

    def fire(self, argument: Any) -> None:
        """Do what the event was scheduled for. `engine.now` is its time."""
        ...


class Engine:
    """The clock and the event queue of one net."""

    __slots__ = (
        "events_at_instant",
        "events_per_instant_max",
        "fired",
        "foreground",
        "heap",
        "interrupted",
        "now",
        "sequence",
    )

    def __init__(self) -> None:
        self.now = 0
        self.heap: list[tuple[int, int, Target, Any]] = []
        self.sequence = 0
        self.foreground = 0
        self.interrupted = False
        """Set by an event after which somebody must look at more than the queue: `run` returns."""
        self.fired = 0
        self.events_at_instant = 0
        self.events_per_instant_max = EVENTS_PER_INSTANT_MAX

    def at(self, time_ns: int, target: Target, argument: Any = None) -> None:
        """Fire `target` with `argument` at `time_ns`, which must not lie in the past."""
        assert time_ns >= self.now, f"an event in the past: {time_ns} < {self.now}"
        self.sequence = sequence = self.sequence + 1
        heappush(self.heap, (time_ns, sequence, target, argument))

    def next_time(self) -> int | None:
        """When the next event is due, in ns; None when there is none."""
        return self.heap[0][0] if self.heap else None

    def step(self) -> bool:
        """Fire the next event and move the clock to it. False when there is none.

        Raises StormError past `events_per_instant_max` events at one instant.
        """
        if not self.heap:
            return False
        time_ns, _, target, argument = heappop(self.heap)
        self.fired += 1
        if time_ns != self.now:
            self.now = time_ns
            self.events_at_instant = 0
        else:
            self._count_at_instant(target)
        target.fire(argument)
        return True

    def run(self, ready: Sized, until_ns: int) -> None:
        """As `step`, again and again while that is all there is to do: no program is `ready`, nothing `interrupted`,
        foreground work is left, and the next event is not after `until_ns`. At least one step; there must be one.
        """
        heap = self.heap
        while True:
            time_ns, _, target, argument = heappop(heap)  # `step`, written out: this is every event of a run
            self.fired += 1
            if time_ns != self.now:
                self.now = time_ns
                self.events_at_instant = 0
            else:
                self._count_at_instant(target)
            target.fire(argument)
            if ready or self.interrupted or not self.foreground or not heap or heap[0][0] > until_ns:
                return

    def _count_at_instant(self, target: Target) -> None:
        self.events_at_instant += 1
        if self.events_at_instant > self.events_per_instant_max:
            raise StormError(
                f"more than {self.events_per_instant_max} events at {self.now} ns: something loops without time "
                f"passing; the last one was for {target!r}"
            )
