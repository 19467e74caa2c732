"""A program's standard streams: what it reads is scripted or typed by whoever holds its handle, what it writes is kept.

The objects a program sees are ordinary `io.TextIOWrapper`s (so `.buffer`, `.encoding`, `.reconfigure` are there) over
the raw ends below. Output is line buffered, as on a terminal.
"""

from __future__ import annotations

import io
from codecs import getincrementaldecoder
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TextIO

from greenlet import getcurrent

from netarium.programs.task import Task, TaskGreenlet
from netarium.sockets.readiness import HUP, IN, OUT, Pollable

if TYPE_CHECKING:
    from netarium.programs.process import Process


def current_task() -> Task | None:
    """The task that runs on this OS thread, or None outside the net."""
    current = getcurrent()
    return current.task if type(current) is TaskGreenlet else None


class Stdin(Pollable):
    """What a program will read. `type` appends, `close` ends it; what was typed is not echoed."""

    __slots__ = ("_data", "_ended", "_source")

    def __init__(self, content: Any = None) -> None:
        super().__init__()
        self._data = bytearray()
        self._ended = False
        self._source: TextIO | None = None
        if content is None:
            return
        if isinstance(content, bytes):
            self._data += content
            self._ended = True
        elif isinstance(content, str):
            self._data += content.encode("utf-8")
            self._ended = True
        elif hasattr(content, "readline"):
            self._source = content
        else:
            for line in content:
                self._data += f"{line}\n".encode()
            self._ended = True

    @property
    def open_ended(self) -> bool:
        """Whether a reader that has read everything would wait for more."""
        return not self._ended and self._source is None

    def type(self, text: str) -> None:
        """Type a line: `text`, and a newline unless it ends with one."""
        self.write(text if text.endswith("\n") else text + "\n")

    def write(self, text: str | bytes) -> None:
        """Append exactly this."""
        self._data += text.encode("utf-8") if isinstance(text, str) else text
        self.changed()

    def close(self) -> None:
        """No more will come: the reader gets the end of the file (input() raises EOFError)."""
        self._ended = True
        self.changed()

    def readiness(self) -> int:
        """Readable when there is something, or the end."""
        if self._data or self._source is not None:
            return IN
        return IN | HUP if self._ended else 0

    def take(self, count: int) -> bytes | None:
        """At most `count` bytes and at most one line; b"" at the end, None when nothing has been typed yet.

        A line at a time, as from a terminal: what follows stays for the next reader of this descriptor.
        """
        if not self._data and self._source is not None:
            self._data += self._source.readline().encode("utf-8", "surrogateescape")
            if not self._data:
                return b""
        if not self._data:
            return b"" if self._ended else None
        end = self._data.find(b"\n") + 1 or len(self._data)
        end = min(end, count)
        taken = bytes(self._data[:end])
        del self._data[:end]
        return taken

    def read(self, count: int) -> bytes:
        """As `take`, but the current task waits until something is there."""
        while True:
            taken = self.take(count)
            if taken is not None:
                return taken
            task = current_task()
            if task is None:
                return b""
            self.waiters.append(task.wake)
            try:
                task.scheduler.park(task, "input", self)
            finally:
                self.waiters.remove(task.wake)

    def describe(self, call: str = "") -> str:
        """For the deadlock report."""
        return "from standard input"


class Output(Pollable):
    """One of a program's output streams: keeps the text and tells the process."""

    __slots__ = ("_decoder", "_hook", "name", "parts")

    def __init__(self, name: str, hook: Callable[[str, str], None]) -> None:
        super().__init__()
        self.name = name
        self.parts: list[str] = []
        self._hook = hook
        self._decoder = getincrementaldecoder("utf-8")("replace")

    @property
    def text(self) -> str:
        """All that was written so far."""
        if len(self.parts) > 1:
            self.parts = ["".join(self.parts)]
        return self.parts[0] if self.parts else ""

    def readiness(self) -> int:
        """Always writable."""
        return OUT

    def write(self, data: bytes | memoryview) -> int:
        """Take bytes; a character cut in two is shown when it is whole."""
        text = self._decoder.decode(bytes(data))
        if text:
            self.parts.append(text)
            self._hook(self.name, text)
        return len(data)


class RawInput(io.RawIOBase):
    """The raw end of a program's sys.stdin."""

    name = "<stdin>"
    mode = "rb"

    def __init__(self, process: Process, number: int) -> None:
        super().__init__()
        self._process = process
        self._number = number

    def readable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read a line or less, waiting for it."""
        task = current_task()
        if task is not None:
            task.calls += 1
        taken = self._process.stdin.read(len(buffer))
        buffer[: len(taken)] = taken
        return len(taken)

    def fileno(self) -> int:
        """The virtual descriptor."""
        return self._number

    def isatty(self) -> bool:
        """No: programs meet a pipe."""
        return False


class RawOutput(io.RawIOBase):
    """The raw end of a program's sys.stdout or sys.stderr."""

    mode = "wb"

    def __init__(self, process: Process, output: Output, number: int) -> None:
        super().__init__()
        self._process = process
        self._output = output
        self._number = number
        self.name = f"<{output.name}>"

    def writable(self) -> bool:
        """Yes."""
        return True

    def write(self, data: Any) -> int:
        """Keep it; what an ended process writes is lost."""
        if self._process.ended:
            return len(data)
        task = current_task()
        if task is not None:
            task.calls += 1
        return self._output.write(data)

    def fileno(self) -> int:
        """The virtual descriptor."""
        return self._number

    def isatty(self) -> bool:
        """No: programs meet a pipe."""
        return False


def text_input(raw: RawInput) -> io.TextIOWrapper:
    """A program's sys.stdin."""
    return io.TextIOWrapper(io.BufferedReader(raw), encoding="utf-8", errors="strict")


def text_output(raw: RawOutput, errors: str = "strict") -> io.TextIOWrapper:
    """A program's sys.stdout or sys.stderr."""
    return io.TextIOWrapper(
        io.BufferedWriter(raw), encoding="utf-8", errors=errors, line_buffering=True, newline="\n"
    )
