"""Blocked and pending signals (signal(7)): each task has a mask; what all tasks block waits at the process.

A task in sigwait takes a signal before any handler does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from netarium.engine.events import NEVER_NS
from netarium.programs import signals
from netarium.programs.task import WAIT_LOCK, Task

if TYPE_CHECKING:
    from netarium.programs.process import Process

_MASK = "signal mask"


class Sent(NamedTuple):
    """A signal as sigwaitinfo tells of it: its number, how it came (si_code), and from whom."""

    number: int
    code: int = 0
    pid: int = 0
    user: int = 0


class Masks:
    """What one process' tasks block, what is pending, and who waits for signals."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._shared: dict[int, Sent] = {}
        """Pending for the process, whichever task unblocks it first."""
        self._waiting: list[tuple[Task, frozenset[int], list[Sent]]] = []

    @staticmethod
    def of(task: Task) -> frozenset[int]:
        """What this task blocks."""
        found: frozenset[int] = task.local.get(_MASK, frozenset())
        return found

    def change(self, task: Task, mask: frozenset[int]) -> None:
        """Change what this task blocks; what was pending and is blocked no more comes now."""
        task.local[_MASK] = mask - signals.UNBLOCKABLE
        pending = [self._shared.pop(number) for number in sorted(self._shared) if number not in mask]
        for each in pending:
            self._process.kill(each.number, each)

    @staticmethod
    def inherit(parent: Task, child: Task) -> None:
        """A new thread blocks what its maker does."""
        if _MASK in parent.local:
            child.local[_MASK] = parent.local[_MASK]

    def holds_back(self, sent: Sent, handler: Any) -> bool:
        """Whether nobody is to be told now: a task took it in sigwait, or all of them block it and it is pending."""
        number = sent.number
        if number in signals.UNBLOCKABLE:
            return False
        blocked = [number in self.of(task) for task in self._process.tasks]
        for entry in self._waiting:
            task, wanted, taken = entry
            if number in wanted and not taken and (callable(handler) or number in self.of(task)):
                taken.append(sent)
                task.wake()
                return True
        if blocked and all(blocked):
            self._shared.setdefault(number, sent)
            return True
        return False

    def pending(self) -> set[int]:
        """As sigpending."""
        return set(self._shared)

    def wait(self, task: Task, wanted: frozenset[int], call: str, deadline_ns: int = NEVER_NS) -> Sent | None:
        """Take a pending signal, the lowest number first, or wait for one; None when the time is over."""
        for number in sorted(self._shared):
            if number in wanted:
                return self._shared.pop(number)
        if deadline_ns <= task.scheduler.engine.now:
            return None
        entry: tuple[Task, frozenset[int], list[Sent]] = (task, wanted, [])
        self._waiting.append(entry)
        try:
            while not entry[2]:
                if not task.scheduler.park(task, call, None, deadline_ns, WAIT_LOCK):
                    break
        finally:
            self._waiting.remove(entry)
        return entry[2][0] if entry[2] else None
