"""When programs start, what keeps a run going, and when it is over (DESIGN 3, End of a run).

`Lifecycle.drive` is the one loop of a net: run what is ready, fire the next event, and look whether anything is left
to wait for. Foreground work is counted by its owners in `engine.foreground`; only when that is zero are the stacks
asked. What is left then is told by the programs: ended, at rest, or blocked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum
from heapq import heapify
from typing import TYPE_CHECKING, Final, Protocol

from netarium.engine.events import NEVER_NS, Engine
from netarium.lab import garbage

if TYPE_CHECKING:
    from netarium.lab.service import Service
    from netarium.programs.scheduler import Scheduler

PATIENCE_NS = 600 * 10**9
"""A blocked program is waited for so long, by background events alone, after a program that is no daemon last ran."""


class End(Enum):
    """Why `drive` came back."""

    DRAINED = "every program has ended or rests, and nothing is under way"
    BLOCKED = "nothing is under way and a program is blocked, or waits for its `after`"
    UNTIL = "the limit in virtual time is reached"
    MET = "what was waited for has come about"
    STOPPED = "somebody asked to stop"


_REASONS: Final = {
    End.DRAINED: "rest",
    End.BLOCKED: "deadlock",
    End.UNTIL: "until",
    End.MET: "met",
    End.STOPPED: "interrupted",
}
"""What the last line of a trace calls it."""


class Busy(Protocol):
    """What is asked of a host."""

    def has_foreground(self) -> bool:
        """Whether a TCP timer, or an ARP request, still has something to do."""
        ...


class Waiting(Protocol):
    """A start that waits for a condition (`after`)."""

    @property
    def holds(self) -> bool:
        """Whether a run must not end because of it."""
        ...

    def look(self) -> bool:
        """Start it when its condition holds; True when there is nothing more to wait for."""
        ...

    @property
    def service(self) -> Service:
        """Whose start it is."""
        ...

    def told(self) -> str:
        """What it waits for, for a report."""
        ...


class Start:
    """An event of the lab that is still to come (a start, a boot, a fault): it is foreground until it has happened."""

    __slots__ = ("action", "done", "lifecycle")

    def __init__(self, lifecycle: Lifecycle, time_ns: int, action: Callable[[], None]) -> None:
        self.lifecycle = lifecycle
        self.action = action
        self.done = False
        lifecycle.engine.foreground += 1
        lifecycle.engine.at(time_ns, self)

    def cancel(self) -> None:
        """It shall not happen."""
        if not self.done:
            self.done = True
            engine = self.lifecycle.engine
            engine.foreground -= 1
            # Taken out, so that a run without other events does not wait for it.
            engine.heap[:] = [entry for entry in engine.heap if entry[2] is not self]
            heapify(engine.heap)

    def fire(self, argument: object) -> None:
        """Its time has come."""
        if not self.done:
            self.done = True
            self.lifecycle.engine.foreground -= 1
            self.lifecycle.engine.interrupted = True
            self.action()


class Lifecycle:
    """The loop of one net, and the rules by which it ends."""

    def __init__(self, engine: Engine, scheduler: Scheduler) -> None:
        self.engine = engine
        self.scheduler = scheduler
        self.hosts: list[Busy] = []
        self.services: list[Service] = []
        self.waiting: list[Waiting] = []
        self.stop = False
        self.reason = "rest"
        """How it came back: "rest", "deadlock", "until", "met", "interrupted", or "error" when something raised."""

    def at(self, time_ns: int, action: Callable[[], None]) -> Start:
        """Do `action` at `time_ns`; it keeps the run going until then."""
        return Start(self, max(time_ns, self.engine.now), action)

    def drive(
        self,
        until_ns: int = NEVER_NS,
        condition: Callable[[], bool] | None = None,
        *,
        each_event: bool = False,
    ) -> End:
        """Let time pass until the run is over, `until_ns` is reached, or `condition` holds.

        With a condition, a drained net is no end: background events are given `PATIENCE_NS` to bring it about. The
        condition is looked at when a program has run, and with `each_event` after every event.
        """
        self.reason = "error"
        try:
            end = self._drive(until_ns, condition, each_event)
        except KeyboardInterrupt:
            self.reason = _REASONS[End.STOPPED]
            raise
        self.reason = _REASONS[end]
        return end

    def _drive(self, until_ns: int, condition: Callable[[], bool] | None, each_event: bool) -> End:
        engine = self.engine
        scheduler = self.scheduler
        ready = scheduler.ready
        heap = engine.heap
        begun_ns = engine.now
        with self._driving():
            while True:
                if ready:
                    scheduler.run_ready()
                if self.waiting:
                    self.waiting = [each for each in self.waiting if not each.look()]
                    if ready:
                        continue
                if self.stop:
                    return End.STOPPED
                if condition is not None and condition():
                    return End.MET
                if engine.foreground == 0 and not self._hosts_busy():
                    end = self._over(condition is not None, begun_ns)
                    if end is not None:
                        return end
                if not heap or heap[0][0] > until_ns:
                    if until_ns == NEVER_NS:
                        return End.BLOCKED
                    engine.now = until_ns
                    return End.UNTIL
                if each_event:
                    engine.step()
                else:
                    engine.run(ready, until_ns)
                engine.interrupted = False

    def _hosts_busy(self) -> bool:
        return any(host.has_foreground() for host in self.hosts)

    def _over(self, has_condition: bool, begun_ns: int) -> End | None:
        """Nothing foreground is left: is the run over?"""
        held = any(each.holds for each in self.waiting) or any(each.holds() for each in self.services)
        if not held and not has_condition:
            return End.DRAINED
        heap = self.engine.heap
        if not heap:
            return End.BLOCKED
        limit_ns = max(self.scheduler.last_ran_ns, begun_ns if has_condition else 0) + PATIENCE_NS
        if heap[0][0] > limit_ns:
            self.engine.now = max(self.engine.now, limit_ns)
            return End.BLOCKED
        return None

    @contextmanager
    def _driving(self) -> Iterator[None]:
        """The interpreter while a net runs: shims in place, and the garbage collector seldom."""
        with garbage.seldom():
            self.scheduler.attach()
            try:
                yield
            finally:
                self.scheduler.detach()
