"""signal.set_wakeup_fd: a signal's number is written as a byte, for who polls the other end (asyncio does)."""

from __future__ import annotations

import errno
import sys
import traceback
from typing import TYPE_CHECKING, Any

from netarium.sockets.errno import os_error

if TYPE_CHECKING:
    from netarium.programs.process import Process


class Wakeup:
    """Where one process wants to have the numbers of signals; nowhere at first."""

    def __init__(self) -> None:
        self.number = -1
        self.warns = True
        """Whether a full buffer is told on standard error."""

    def set(self, process: Process, number: int, *, warns: bool) -> int:
        """Write there from now on; the number before. Errors as CPython's: it must be open and must not block."""
        if number != -1:
            found = process.descriptors.find(number)
            if found is None:
                raise os_error(errno.EBADF)
            if not found.nonblocking:
                raise ValueError(f"the fd {number} must be in non-blocking mode")
        before, self.number, self.warns = self.number, number, warns
        return before

    def write(self, process: Process, signal: int) -> None:
        """A signal has come. What goes wrong is told on standard error, as by CPython, and stops nothing."""
        if self.number < 0:
            return
        try:
            found: Any = process.descriptors.get(self.number)
            if found.send(bytes((signal,))) is None:
                raise os_error(errno.EAGAIN)
        except BlockingIOError:
            if self.warns:
                self._tell()
        except OSError:
            self._tell()

    @staticmethod
    def _tell() -> None:
        print("Exception ignored when trying to write to the signal wakeup fd:", file=sys.stderr)
        print("".join(traceback.format_exception_only(sys.exc_info()[1])), end="", file=sys.stderr)
