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
from typing import TYPE_CHECKING

from greenlet import getcurrent

from netarium.errors import NetariumError
from netarium.programs.task import TaskGreenlet

if TYPE_CHECKING:
    from netarium.programs.scheduler import Scheduler

LIMIT_S = float(os.environ.get("NETARIUM_ENDLESS_LOOP_S", "60"))
"""How long, in real seconds, a task may run without a virtual call that lets time pass."""

PATIENCE = 2
"""So many of these errors a program may catch."""
AGAIN_S = 1.0
"""How soon the next one comes, at most."""

LOOK_S = 0.25
"""How often it looks, and so how long it stays after a run."""

_monotonic, _sleep = time.monotonic, time.sleep
_allocate_lock, _start_new_thread = _thread.allocate_lock, _thread.start_new_thread


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
    """One real thread while nets run. It leaves soon after, by itself: to wait for it at each end of a run takes long.

    It is none of `threading`'s, which tests count.
    """

    def __init__(self) -> None:
        self._guard = _allocate_lock()
        self._scheduler: Scheduler | None = None
        self._runs = 0
        self._is_there = False
        self._thread_id = 0
        self.raised = 0
        """How often the task that runs now has been told."""

    def begin(self, scheduler: Scheduler) -> None:
        """A net begins to run on this thread."""
        with self._guard:
            self._scheduler = scheduler
            self._runs += 1
            self._thread_id = threading.get_ident()
            if not self._is_there:
                self._is_there = True
                _start_new_thread(self._look_on, ())

    def end(self) -> None:
        """It stops running."""
        self._scheduler = None

    def _look_on(self) -> None:
        while True:
            with self._guard:
                if self._scheduler is None:
                    self._is_there = False
                    return
            self._watch_task()

    def _watch_task(self) -> None:
        self.raised = 0
        seen, limit_s = self._glance(), LIMIT_S
        if seen is None:
            _sleep(min(limit_s / 10, LOOK_S))
        while seen is not None and self._stays(seen, limit_s):
            self.raised += 1
            limit_s = min(LIMIT_S, AGAIN_S)
            ctypes.pythonapi.PyThreadState_SetAsyncExc(
                ctypes.c_ulong(self._thread_id), ctypes.py_object(EndlessLoopError)
            )

    def _glance(self) -> tuple[int, int] | None:
        """Which run it is and how often it has switched, while a task runs.

        Numbers, no objects: what this thread holds while it sleeps would keep a net alive that its owner has let go.
        """
        scheduler = self._scheduler
        if scheduler is None or scheduler.current is None:
            return None
        return self._runs, scheduler.switches

    def _stays(self, seen: tuple[int, int], limit_s: float) -> bool:
        """Watch a task for `limit_s`: whether it runs all the while."""
        began = _monotonic()
        while _monotonic() - began < limit_s:
            _sleep(min(limit_s / 10, LOOK_S))
            if self._glance() != seen:
                return False
        return True


WATCHDOG = Watchdog()
