"""Timers of a protocol that is handed time: a heap of what is to be done when. Equal times keep their order.

`now` is set by whoever drives the protocol, in ns; `fire_due` does what is due, `next_ns` says when to come back.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush

SECOND_NS = 1_000_000_000
NEVER_NS = 1 << 62


class Alarm:
    """One thing to do at one time; `cancel` takes it back."""

    __slots__ = ("action", "time_ns")

    def __init__(self, time_ns: int, action: Callable[[], None] | None) -> None:
        self.time_ns = time_ns
        self.action = action

    def cancel(self) -> None:
        """Do nothing when the time comes."""
        self.action = None

    @property
    def pending(self) -> bool:
        """Whether it is still to come."""
        return self.action is not None


class Alarms:
    """All alarms of one protocol on one router."""

    __slots__ = ("_heap", "_sequence", "now")

    def __init__(self, now: int = 0) -> None:
        self.now = now
        self._heap: list[tuple[int, int, Alarm]] = []
        self._sequence = 0

    def after(self, delay_ns: int, action: Callable[[], None]) -> Alarm:
        """Do `action` when `delay_ns` have passed."""
        alarm = Alarm(self.now + max(delay_ns, 0), action)
        self._sequence += 1
        heappush(self._heap, (alarm.time_ns, self._sequence, alarm))
        return alarm

    def next_ns(self) -> int:
        """When the next alarm is due; NEVER_NS without any."""
        heap = self._heap
        while heap and heap[0][2].action is None:
            heappop(heap)
        return heap[0][0] if heap else NEVER_NS

    def fire_due(self) -> None:
        """Do what is due at `now`."""
        heap = self._heap
        while heap and heap[0][0] <= self.now:
            alarm = heappop(heap)[2]
            action, alarm.action = alarm.action, None
            if action is not None:
                action()
