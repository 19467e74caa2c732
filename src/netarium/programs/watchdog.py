"""A program that loops without ever calling anything freezes virtual time; this real thread breaks it with a traceback.

It looks on in real time, so only runs that would not end are touched by it. Scheduler.switches tells whether anything
moves; a task that runs longer than `LIMIT_S` gets `EndlessLoopError` raised where it is. A program that catches that
and loops on gets it again; the third time its process ends where it stands: the error is made in the task itself, so
its constructor can leave the task for good.
"""

from __future__ import annotations

import _thread
import ctypes
import os
import threading
import time
from _thread import LockType
from typing import TYPE_CHECKING

from greenlet import getcurrent

from netarium.errors import NetariumError
from netarium.programs.task import TaskGreenlet

if TYPE_CHECKING:
    from netarium.programs.scheduler import Scheduler
    from netarium.programs.task import Task

LIMIT_S = float(os.environ.get("NETARIUM_ENDLESS_LOOP_S", "60"))
"""How long, in real seconds, a task may run without a virtual call that lets time pass."""

PATIENCE = 2
"""So many of these errors a program may catch."""
AGAIN_S = 1.0
"""How soon the next one comes, at most."""

_monotonic, _allocate_lock, _start_new_thread = (
    time.monotonic,
    _thread.allocate_lock,
    _thread.start_new_thread,
)


class EndlessLoopError(NetariumError):
    """A program has computed for very long without letting virtual time pass."""

    def __init__(self) -> None:
        super().__init__(
            f"the program has run for {LIMIT_S:g} s of real time without letting virtual time pass: an endless loop? "
            "NETARIUM_ENDLESS_LOOP_S sets the limit for programs that compute long"
        )
        current = getcurrent()
        if type(current) is TaskGreenlet and WATCHDOG.raised > PATIENCE:
            process = current.task.process
            process.exception = self
            process.stderr_file.write(f"{type(self).__name__}: {self}\n")
            process.stderr_file.flush()
            process.exit_now(current.task, 1)


class Watchdog:
    """A real thread while a net runs, and none between runs: tests count threads, and forking warns of them."""

    def __init__(self) -> None:
        self._scheduler: Scheduler | None = None
        self._thread_id = 0
        self._stop = self._over = _allocate_lock()
        """`_stop` is held while the net runs, `_over` while the thread is there."""
        self.raised = 0
        """How often the task that runs now has been told."""

    def begin(self, scheduler: Scheduler) -> None:
        """A net begins to run on this thread."""
        self._scheduler = scheduler
        self._thread_id = threading.get_ident()
        self._stop, self._over = _allocate_lock(), _allocate_lock()
        self._stop.acquire()
        self._over.acquire()
        _start_new_thread(self._look_on, (scheduler, self._stop, self._over))

    def end(self) -> None:
        """It stops running."""
        if self._scheduler is not None:
            self._scheduler = None
            self._stop.release()
            self._over.acquire()

    def _look_on(self, scheduler: Scheduler, stop: LockType, over: LockType) -> None:
        try:
            while not stop.acquire(timeout=min(LIMIT_S / 10, 0.1)):
                self._watch_task(scheduler, stop)
        finally:
            over.release()

    def _watch_task(self, scheduler: Scheduler, stop: LockType) -> None:
        self.raised = 0
        before, task = scheduler.switches, scheduler.current
        limit_s = LIMIT_S
        while task is not None and self._stays(scheduler, stop, task, before, limit_s):
            self.raised += 1
            limit_s = min(LIMIT_S, AGAIN_S)
            ctypes.pythonapi.PyThreadState_SetAsyncExc(
                ctypes.c_ulong(self._thread_id), ctypes.py_object(EndlessLoopError)
            )

    def _stays(self, scheduler: Scheduler, stop: LockType, task: Task, switches: int, limit_s: float) -> bool:
        """Watch a task for `limit_s`: whether it runs all the while. Looks about once a second."""
        began = _monotonic()
        while _monotonic() - began < limit_s:
            if stop.acquire(timeout=min(limit_s / 10, 1.0)):
                stop.release()
                return False
            if scheduler.switches != switches:
                return False
        return scheduler.current is task


WATCHDOG = Watchdog()
