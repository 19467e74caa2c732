"""A program that loops without ever calling anything freezes virtual time; this real thread breaks it with a traceback.

It looks on in real time, so only runs that would not end are touched by it. Scheduler.switches tells whether anything
moves; a task that runs longer than `LIMIT_S` gets `EndlessLoopError` raised where it is. A program that catches that
and loops on gets it again; the third time its process ends where it stands: the error is made in the task itself, so
its constructor can leave the task for good.
"""

from __future__ import annotations

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
    from netarium.programs.task import Task

LIMIT_S = float(os.environ.get("NETARIUM_ENDLESS_LOOP_S", "60"))
"""How long, in real seconds, a task may run without a virtual call that lets time pass."""

PATIENCE = 2
"""So many of these errors a program may catch."""
AGAIN_S = 1.0
"""How soon the next one comes, at most."""

_sleep = time.sleep
_wait = threading.Event


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
    """One real thread for all nets; it sleeps while none runs."""

    def __init__(self) -> None:
        self._running = _wait()
        self._scheduler: Scheduler | None = None
        self._thread: threading.Thread | None = None
        self._thread_id = 0
        self.raised = 0
        """How often the task that runs now has been told."""

    def begin(self, scheduler: Scheduler) -> None:
        """A net begins to run on this thread."""
        self._scheduler = scheduler
        self._thread_id = threading.get_ident()
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._look_on, name="netarium watchdog", daemon=True)
            self._thread.start()
        self._running.set()

    def end(self) -> None:
        """It stops running."""
        self._scheduler = None
        self._running.clear()

    def _look_on(self) -> None:
        while True:
            self._running.wait()
            scheduler = self._scheduler
            if scheduler is None:
                _sleep(0.01)
                continue
            self.raised = 0
            before, task = scheduler.switches, scheduler.current
            limit_s = LIMIT_S
            while task is not None and self._stays(scheduler, task, before, limit_s):
                self.raised += 1
                limit_s = min(LIMIT_S, AGAIN_S)
                ctypes.pythonapi.PyThreadState_SetAsyncExc(
                    ctypes.c_ulong(self._thread_id), ctypes.py_object(EndlessLoopError)
                )

    def _stays(self, scheduler: Scheduler, task: Task, switches: int, limit_s: float) -> bool:
        """Watch a task for `limit_s`: whether it runs all the while. Looks about once a second."""
        began = time.monotonic()
        while time.monotonic() - began < limit_s:
            _sleep(min(limit_s / 10, 1.0))
            if self._scheduler is not scheduler or scheduler.switches != switches:
                return False
        return scheduler.current is task


WATCHDOG = Watchdog()
