"""What the user sees of the programs: their output line by line as `name | text`, and the terminal as one's input."""

from __future__ import annotations

import os
import sys
from contextlib import AbstractContextManager, nullcontext
from typing import IO, TYPE_CHECKING

from netarium.lab.service import Service

if TYPE_CHECKING:
    from netarium.cli.status_line import StatusLine


class Console:
    """Prints the programs' output. A line is printed when it is whole; a prompt waits for what comes after it.

    `keep_silent` prints nothing at all (--json: the texts are in the object).
    """

    def __init__(
        self, out: IO[str] | None = None, err: IO[str] | None = None, *, keep_silent: bool = False
    ) -> None:
        self.out = sys.stdout if out is None else out
        self.err = sys.stderr if err is None else err
        self.keep_silent = keep_silent
        self._broken: list[IO[str]] = []
        """Files that nobody reads any more (`netarium run ... | head`): the run goes on, its words go nowhere."""
        self._begun: dict[tuple[str, str], str] = {}
        self._shown = ""
        """The unfinished line that stands on the terminal now."""
        self.status: StatusLine | None = None
        """The line of progress that makes room for what is printed."""

    def wrote(self, service: Service, stream: str, text: str) -> None:
        """A program has written (a listener of Service)."""
        if self.keep_silent:
            return
        key = (service.name, stream)
        *lines, rest = (self._begun.pop(key, "") + text).split("\n")
        for line in lines:
            self._print(stream, f"{service.name} | {line}")
        if rest:
            self._begun[key] = rest

    def prompt(self, service: Service) -> None:
        """The program is about to read the terminal: show its unfinished line now."""
        text = self._begun.get((service.name, "stdout"), "")
        if text and not self.keep_silent:
            self._shown = f"{service.name} | {text}"
            self._write(self.out, self._shown)

    def answered(self, service: Service, *, echoed: bool) -> None:
        """The program has read a line; on a terminal the user's Return has ended the line of the prompt."""
        if echoed:
            self._begun.pop((service.name, "stdout"), None)
            self._shown = ""

    def notice(self, text: str) -> None:
        """A word of the lab's own, to stderr."""
        self._finish_shown()
        self._write(self.err, text + "\n")

    def close(self) -> None:
        """End the lines that are unfinished."""
        for (name, stream), text in self._begun.items():
            self._print(stream, f"{name} | {text}")
        self._begun.clear()
        for file in self._broken:
            # What is still in its buffer goes nowhere, so that the interpreter does not complain at its end.
            with open(os.devnull, "w", encoding="utf-8") as nowhere:
                os.dup2(nowhere.fileno(), file.fileno())

    def _print(self, stream: str, line: str) -> None:
        if self._shown and line.startswith(self._shown) and stream == "stdout":
            self._write(self.out, line[len(self._shown) :] + "\n")
            self._shown = ""
            return
        self._finish_shown()
        self._write(self.out if stream == "stdout" else self.err, line + "\n")

    def _finish_shown(self) -> None:
        if self._shown:
            self._write(self.out, "\n")
            self._shown = ""

    def _write(self, file: IO[str], text: str) -> None:
        if file in self._broken:
            return
        try:
            with self.aside():
                file.write(text)
                file.flush()
        except BrokenPipeError:
            self._broken.append(file)

    def aside(self) -> AbstractContextManager[None]:
        """Meanwhile no progress is shown: the terminal belongs to a program."""
        return nullcontext() if self.status is None else self.status.aside()


class Terminal:
    """The terminal (or whatever the caller's standard input is) as the input of one program."""

    def __init__(self, console: Console, file: IO[str] | None = None) -> None:
        self.console = console
        self.file = sys.stdin if file is None else file
        self.service: Service | None = None

    def readline(self, size: int = -1) -> str:
        """The next line, after the program's prompt has been shown."""
        if self.service is not None:
            self.console.prompt(self.service)
        with self.console.aside():
            line = self.file.readline() if size < 0 else self.file.readline(size)
        if self.service is not None:
            self.console.answered(self.service, echoed=self.file.isatty() and line.endswith("\n"))
        return line

    def read(self, size: int = -1) -> str:
        """Everything up to the end, or `size` characters."""
        with self.console.aside():
            return self.file.read(size)

    def isatty(self) -> bool:
        """Whether a person may sit there."""
        return self.file.isatty()

    def fileno(self) -> int:
        """The real descriptor."""
        return self.file.fileno()
