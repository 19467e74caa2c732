"""alarm(2) and setitimer(ITIMER_REAL): SIGALRM to one process after a while, once or again and again."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Any

from netarium.programs.masks import Sent

if TYPE_CHECKING:
    from netarium.programs.process import Process

_SI_KERNEL = 0x80


class Alarm:
    """One process' timer. It keeps a run going while it is set, unless the process is a daemon."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._due_ns = -1
        self._interval_ns = 0

    def set(self, delay_ns: int, interval_ns: int) -> tuple[float, float]:
        """Set it (0: clear); what was left before, and its interval, in seconds."""
        before = self.left()
        engine = self._process.scheduler.engine
        if self._due_ns >= 0 and not self._process.daemon:
            engine.foreground -= 1
        self._due_ns = -1
        self._interval_ns = interval_ns
        if delay_ns > 0:
            self._due_ns = engine.now + delay_ns
            if not self._process.daemon:
                engine.foreground += 1
            engine.at(self._due_ns, self, self._due_ns)
        return before

    def left(self) -> tuple[float, float]:
        """(seconds left, interval in seconds)."""
        if self._due_ns < 0:
            return 0.0, self._interval_ns / 1e9
        return (self._due_ns - self._process.scheduler.engine.now) / 1e9, self._interval_ns / 1e9

    def fire(self, argument: Any) -> None:
        """The time has come, unless it was set anew."""
        if argument != self._due_ns:
            return
        self.set(self._interval_ns, self._interval_ns)
        self._process.kill(int(signal.SIGALRM), Sent(int(signal.SIGALRM), _SI_KERNEL))
