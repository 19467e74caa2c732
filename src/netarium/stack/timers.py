"""The deadlines of one host, as data: one heap, and an entry per owner at most times.

An owner keeps its own `deadline_ns`. Moving it later costs one comparison: the entry in the heap stays, and when it
comes due it is pushed again for the later time (or dropped, when there is no deadline any more). Only a deadline that
moves earlier pushes. So a retransmission timer that is re-armed by every ACK never touches the heap.
"""

from __future__ import annotations

from heapq import heappop, heappush
from typing import Final, Protocol

NEVER: Final = (1 << 63) - 1
"""A deadline that does not come: later than every time of the engine."""

MILLISECOND_NS: Final = 1_000_000
SECOND_NS: Final = 1_000_000_000


class Waiting(Protocol):
    """Whoever waits for a time. Both fields begin as NEVER.

    `deadline_ns` is when it wants `on_timer`; NEVER for not at all. `queued_ns` belongs to `Timers`.
    """

    deadline_ns: int
    queued_ns: int

    def on_timer(self, now: int) -> None:
        """The deadline has come. It is NEVER again by now; arm anew for more."""
        ...

    def is_foreground(self) -> bool:
        """Whether a run must not end before this deadline (DESIGN 3, End of a run)."""
        ...


class TimerOwner:
    """A base for those that have no other: the two fields of `Waiting`."""

    __slots__ = ("deadline_ns", "queued_ns")

    def __init__(self) -> None:
        self.deadline_ns = NEVER
        self.queued_ns = NEVER

    def on_timer(self, now: int) -> None:
        """The deadline has come. It is NEVER again by now; arm anew for more."""
        raise NotImplementedError

    def is_foreground(self) -> bool:
        """Whether a run must not end before this deadline (DESIGN 3, End of a run)."""
        return True


class Timers:
    """The heap of `(deadline_ns, sequence, owner)`; sequence breaks ties by the order of arming."""

    __slots__ = ("heap", "sequence")

    def __init__(self) -> None:
        self.heap: list[tuple[int, int, Waiting]] = []
        self.sequence = 0

    def arm(self, owner: Waiting, deadline_ns: int) -> None:
        """Call `owner.on_timer` at `deadline_ns` instead of whenever it was armed for before."""
        owner.deadline_ns = deadline_ns
        if deadline_ns < owner.queued_ns:
            owner.queued_ns = deadline_ns
            self.sequence = sequence = self.sequence + 1
            heappush(self.heap, (deadline_ns, sequence, owner))

    def cancel(self, owner: Waiting) -> None:
        """Call `owner.on_timer` no more; its entry falls out of the heap when it comes due."""
        owner.deadline_ns = NEVER

    def fire_due(self, now: int) -> None:
        """Call every owner whose deadline is not after `now`, in order of (deadline, arming)."""
        heap = self.heap
        while heap and heap[0][0] <= now:
            queued_ns, _, owner = heappop(heap)
            if queued_ns != owner.queued_ns:
                continue  # an earlier entry of this owner has replaced this one
            owner.queued_ns = NEVER
            deadline_ns = owner.deadline_ns
            if deadline_ns <= now:
                owner.deadline_ns = NEVER
                owner.on_timer(now)
            elif deadline_ns != NEVER:
                self.arm(owner, deadline_ns)

    def has_foreground(self) -> bool:
        """Whether any owner waits for a deadline that a run must not end before."""
        return any(owner.deadline_ns != NEVER and owner.is_foreground() for _, _, owner in self.heap)
