"""A program that loops without ever calling anything freezes virtual time; this real thread breaks it with a traceback.

It looks on in real time, so only runs that would not end are touched by it. Scheduler.switches tells whether anything
moves; a task that runs longer than `LIMIT_S` gets `EndlessLoopError` raised where it is.
"""

from __future__ import annotations

import ctypes
import os
import threading
import time
from typing import TYPE_CHECKING

from netarium.errors import NetariumError

if TYPE_CHECKING:
    from netarium.programs.scheduler import Scheduler

LIMIT_S = float(os.environ.get("NETARIUM_ENDLESS_LOOP_S", "60"))
"""How long, in real seconds, a task may run without a virtual call that lets time pass."""

_sleep = time.sleep
_wait = threading.Event


class EndlessLoopError(NetariumError):
    """A program has computed for very long without letting virtual time pass."""

    def __init__(self) -> None:
        super().__init__(
            f"the program has run for {LIMIT_S:g} s of real time without letting virtual time pass: an endless loop? "
            "NETARIUM_ENDLESS_LOOP_S sets the limit for programs that compute long"
        )


class Watchdog:
    """One real thread for all nets; it sleeps while none runs."""

    def __init__(self) -> None:
        self._running = _wait()
        self._scheduler: Scheduler | None = None
        self._thread: threading.Thread | None = None
        self._thread_id = 0

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
            before, task = scheduler.switches, scheduler.current
            began = time.monotonic()
            while time.monotonic() - began < LIMIT_S:
                _sleep(min(LIMIT_S / 10, 1.0))
                if self._scheduler is not scheduler or scheduler.switches != before or task is None:
                    break
            else:
                if (
                    scheduler.current is task
                    and scheduler.switches == before
                    and self._scheduler is scheduler
                ):
                    ctypes.pythonapi.PyThreadState_SetAsyncExc(
                        ctypes.c_ulong(self._thread_id), ctypes.py_object(EndlessLoopError)
                    )


WATCHDOG = Watchdog()
