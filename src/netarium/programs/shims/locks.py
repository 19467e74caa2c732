"""Locks of tasks. Releasing wakes the one that has waited longest, without handing the lock over (as pthreads do)."""

from __future__ import annotations

import os
import sys
import threading
from collections import deque
from types import CodeType, FrameType
from typing import Any
from weakref import WeakKeyDictionary

from greenlet import getcurrent

from netarium.engine.events import NEVER_NS
from netarium.programs.task import CALL_COST_NS, WAIT_LOCK, Task, TaskGreenlet

LOCKS_BEFORE_YIELD = 8192
"""So many free locks a task may take at one instant; then it pays for them and others run, as pre-emption would do."""
_LOCKS_COST = LOCKS_BEFORE_YIELD * 50 // CALL_COST_NS
"""What they cost, in calls: 50 ns each."""


_INNER_FILES = (__file__, threading.__file__)
"""Frames of these files take a lock for the one that has called them."""


def _taken_here(frame: FrameType | None) -> tuple[CodeType, int] | None:
    """(code, offset) of the call that takes a lock: its line is looked up when a report asks for it."""
    while frame is not None and frame.f_code.co_filename in _INNER_FILES:
        frame = frame.f_back
    return None if frame is None else (frame.f_code, frame.f_lasti)


def _deadline(task: Task | None, blocking: bool, timeout: float) -> int:
    """-1 for no waiting, NEVER_NS for ever. Errors as CPython's."""
    if not blocking:
        if timeout != -1:
            raise ValueError("can't specify a timeout for a non-blocking call")
        return -1
    if timeout < 0:
        if timeout != -1:
            raise ValueError("timeout value must be a non-negative number")
        return NEVER_NS
    if timeout > 9_223_372_036:
        raise OverflowError("timeout value is too large")
    now = 0 if task is None else task.scheduler.engine.now
    return now + round(timeout * 1e9) if timeout else -1


def _pay(task: Task) -> None:
    """A loop over free locks (`queue.get(False)`) is I/O of no kind; without this it would never let others run."""
    task.locks = 0
    task.reads += _LOCKS_COST
    task.scheduler.charge(task)


def look(task: Task) -> None:
    """A look at a flag costs what a free lock does: `while not event.is_set(): pass` lets time pass."""
    task.locks += 1
    if task.locks > LOCKS_BEFORE_YIELD:
        _pay(task)


class SimLock:
    """As `_thread.lock`. For the deadlock report it knows who holds it, and since where."""

    __slots__ = ("__weakref__", "_holder", "_locked", "_since", "_waiting")

    def __init__(self) -> None:
        self._locked = False
        self._holder: Any = None
        self._since: tuple[CodeType, int] | None = None
        self._waiting: deque[Task] | None = None

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        """Take it, waiting for it."""
        current = getcurrent()
        if type(current) is TaskGreenlet:
            task = current.task
            task.locks += 1
            if task.locks > LOCKS_BEFORE_YIELD:
                _pay(task)
        else:
            task = None
        if not self._locked and timeout == -1:
            self._locked = True
            self._holder = current
            frame = sys._getframe(1)
            code = frame.f_code
            self._since = _taken_here(frame) if code.co_filename in _INNER_FILES else (code, frame.f_lasti)
            return True
        deadline = _deadline(task, blocking, timeout)
        if not self._locked:
            self._take(current)
            return True
        if deadline == -1:
            if task is not None:
                task.reads += 1
                if task.reads > 256:
                    task.scheduler.charge(task)
            return False
        if task is None:
            raise RuntimeError(
                "a lock of a program inside the net is held; outside the net nobody can wait for it"
            )
        return self._wait(task, deadline)

    def take_free(self, current: Any, frame: FrameType) -> bool:
        """The short way for an RLock: whether it was free and could be taken by what stands at `frame`."""
        if self._locked or type(current) is not TaskGreenlet or current.task.locks >= LOCKS_BEFORE_YIELD:
            return False
        current.task.locks += 1
        self._locked = True
        self._holder = current
        code = frame.f_code
        self._since = _taken_here(frame) if code.co_filename in _INNER_FILES else (code, frame.f_lasti)
        return True

    def _take(self, current: Any) -> None:
        self._locked = True
        self._holder = current
        self._since = _taken_here(sys._getframe(2))

    def _wait(self, task: Task, deadline: int) -> bool:
        if self._waiting is None:
            self._waiting = deque()
        waiting = self._waiting
        waiting.append(task)
        key = None
        if deadline != NEVER_NS and any(each.parked and each.rests for each in task.process.tasks):
            # In a server that rests a loop of timed waits (`queue.get(timeout=1)`) is no work.
            key = "acquire"
        try:
            while task.scheduler.park(task, "acquire", self, deadline, WAIT_LOCK, key):
                if not self._locked:
                    self._take(task.greenlet)
                    return True
                if task not in waiting:
                    waiting.append(task)
            return False
        finally:
            if task in waiting:
                waiting.remove(task)
            elif not self._locked:
                self._wake_next()

    def release(self) -> None:
        """Free it. RuntimeError when nobody holds it."""
        if not self._locked:
            raise RuntimeError("release unlocked lock")
        self._locked = False
        self._holder = None
        if self._waiting:
            self._wake_next()

    def _wake_next(self) -> None:
        if self._waiting:
            task = self._waiting.popleft()
            current = getcurrent()
            if type(current) is TaskGreenlet:
                current.task.calls += 1  # handing work on is no idle poll
            task.wake()

    def locked(self) -> bool:
        """Whether somebody holds it."""
        current = getcurrent()
        if type(current) is TaskGreenlet:
            look(current.task)
        return self._locked

    def _at_fork_reinit(self) -> None:
        self._locked = False
        self._holder = None
        self._waiting = None

    def holder(self) -> tuple[Task, str, int] | None:
        """(who holds it, file and line where it was taken); None when nobody of the net does."""
        if type(self._holder) is not TaskGreenlet or self._since is None:
            return None
        code, offset = self._since
        lines = [line for start, end, line in code.co_lines() if start <= offset < end and line is not None]
        return self._holder.task, code.co_filename, lines[0] if lines else code.co_firstlineno

    def describe(self, call: str = "") -> str:
        """For the deadlock report: `of a lock held by worker since prog.py line 7`."""
        found = self.holder()
        if found is None:
            return ""
        task, file, line = found
        ended = "" if task in task.process.tasks else ", which has ended,"
        name = task.process.thread_name(task)
        return f"of a lock held by {name}{ended} since {os.path.basename(file)} line {line}"

    def __enter__(self) -> bool:
        return self.take_free(getcurrent(), sys._getframe(1)) or self.acquire()

    def __exit__(self, *details: Any) -> None:
        self.release()

    def __repr__(self) -> str:
        return f"<{'locked' if self._locked else 'unlocked'} _thread.lock object at {hex(id(self))}>"

    acquire_lock = acquire
    release_lock = release
    locked_lock = locked


class SimRLock:
    """As `_thread.RLock`."""

    __slots__ = ("__weakref__", "_count", "_lock", "_owner")

    def __init__(self) -> None:
        self._lock = SimLock()
        self._owner: Any = None
        self._count = 0

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        """Take it, or take it once more."""
        me = getcurrent()
        if self._count and self._owner is me:
            _deadline(None, blocking, timeout)
            self._count += 1
            return True
        if timeout == -1 and self._lock.take_free(me, sys._getframe(1)):
            self._owner = me
            self._count = 1
            return True
        if self._lock.acquire(blocking, timeout):
            self._owner = me
            self._count = 1
            return True
        return False

    def release(self) -> None:
        """Give it back once."""
        if not self._count or self._owner is not getcurrent():
            raise RuntimeError("cannot release un-acquired lock")
        self._count -= 1
        if not self._count:
            self._owner = None
            self._lock.release()

    def _is_owned(self) -> bool:
        return self._count > 0 and self._owner is getcurrent()

    def _recursion_count(self) -> int:
        return self._count if self._owner is getcurrent() else 0

    def _release_save(self) -> tuple[int, Any]:
        if not self._count:
            raise RuntimeError("cannot release un-acquired lock")
        state = (self._count, self._owner)
        self._count = 0
        self._owner = None
        self._lock.release()
        return state

    def _acquire_restore(self, state: tuple[int, Any]) -> None:
        self._lock.acquire()
        self._count, self._owner = state

    def _at_fork_reinit(self) -> None:
        self._lock._at_fork_reinit()
        self._owner = None
        self._count = 0

    def __enter__(self) -> bool:
        me = getcurrent()
        if not self._count and self._lock.take_free(me, sys._getframe(1)):
            self._owner = me
            self._count = 1
            return True
        return self.acquire()

    def __exit__(self, *details: Any) -> None:
        self.release()

    def __repr__(self) -> str:
        state = "locked" if self._count else "unlocked"
        return f"<{state} _thread.RLock object owner={self._owner!r} count={self._count} at {hex(id(self))}>"


class DualLock:
    """A lock of a shared module: the real one outside, one virtual lock per process inside."""

    def __init__(self, outside: Any, kind: type[SimLock] | type[SimRLock]) -> None:
        self._outside = outside
        self._kind = kind
        self._inside: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()

    def _lock(self) -> Any:
        current = getcurrent()
        if type(current) is not TaskGreenlet:
            return self._outside
        process = current.task.process
        lock = self._inside.get(process)
        if lock is None:
            lock = self._inside[process] = self._kind()
        return lock

    def acquire(self, *args: Any, **keywords: Any) -> bool:
        """As the lock that is meant here."""
        return self._lock().acquire(*args, **keywords)  # type: ignore[no-any-return]

    def release(self) -> None:
        """As the lock that is meant here."""
        self._lock().release()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._lock(), name)

    def __enter__(self) -> Any:
        return self._lock().__enter__()

    def __exit__(self, *details: Any) -> None:
        self._lock().__exit__(*details)


# Some programs look at where a lock's class comes from (trio does).
for _class, _name in ((SimLock, "lock"), (SimRLock, "RLock")):
    _class.__module__, _class.__qualname__ = "_thread", _name
