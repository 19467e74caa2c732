"""Every exception a user of Netarium can meet, each with the remedy in its message.

Nothing here imports anything of the house. `OSError` with a true errno is not here: programs inside the net
meet it, and only `sockets` raises it. Malformed bytes from the wire are `WireError`, which never leaves the
stack: there it becomes a counted, named drop.
"""

from __future__ import annotations


class NetariumError(Exception):
    """The base of every error the package raises on purpose."""


class UsageError(NetariumError):
    """A call or a command line asks for something that cannot be; the message says what would be right."""


class LabError(UsageError):
    """A lab file is wrong. The message reads `FILE:LINE: what is wrong; what would be right`."""

    def __init__(self, message: str, file: str | None = None, line: int | None = None) -> None:
        self.file = file
        self.line = line
        where = "" if file is None else f"{file}: " if line is None else f"{file}:{line}: "
        super().__init__(where + message)


class WireError(NetariumError):
    """Bytes that are no well-formed header. The one error of `wire`; the stack counts it as a named drop."""


class CaptureError(NetariumError):
    """A capture or trace could not be written to its end; the message says which, why and what is left."""


class StormError(NetariumError):
    """Something loops: too many events at one instant, or frames that circulate among switches and hubs for ever.

    The message names the place that fired most, or the ports and cables of the loop.
    """


class DeadlockError(NetariumError):
    """Nothing can happen any more and a program is still blocked. The message lists who waits where."""


class UnfinishedError(NetariumError):
    """A limit in virtual time was reached before what was waited for came about."""


class ProgramError(NetariumError):
    """A program inside the net ended with an exception; `__cause__` is that exception with its traceback."""


class NotSupportedInNetError(NetariumError):
    """A program asked for something that cannot run inside the net; the message names call, program and way out."""
