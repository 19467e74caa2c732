"""The handle of a program on a host: what `host.run(...)` gives.

A `Service` is there before its program has started (`at`, `after`, a host that boots later) and after it has ended.
Its methods that wait (`wait`, `expect`) drive the net.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from netarium.errors import ProgramError, UsageError

if TYPE_CHECKING:
    from netarium.lab.boxes import Host
    from netarium.programs.process import Process, Wait
    from netarium.programs.streams import Stdin

WITHIN = "10min"
"""How much virtual time `wait` and `expect` give, if not told."""


class Service:
    """A program on a host. Names follow DESIGN 3: NODE, or NODE/STEM where a node has several programs."""

    def __init__(self, host: Host, stem: str, make: Callable[[Service], Process], *, daemon: bool) -> None:
        self.host = host
        self.stem = stem
        self.daemon = daemon
        self.after_text = ""
        self.after: tuple[str, str] = ("", "")
        """What its start waits for: `lease`, `end` or `listening`, and of what."""
        self.interactive = False
        self.of_node = False
        """Whether it is part of its node (a routing daemon), and no program somebody put there."""
        self._make = make
        self._name = host.name
        self._output: list[str] = []
        self._read = 0
        self.listeners: list[Callable[[Service, str, str], None]] = []
        """Called as (service, "stdout" or "stderr", text) when the program writes."""
        self.on_start: list[Callable[[Service], None]] = []
        self.on_end: list[Callable[[Service], None]] = []
        self.started = False
        self.process = make(self)

    def waits_for(self, kind: str, what: str, text: str) -> None:
        """Its start waits for something; `text` says so with a place for `what`."""
        self.after, self.after_text = (kind, what), text.format(what)

    def __repr__(self) -> str:
        code = f" with {self.exit_code}" if self.ended else ""
        return f"<Service {self.name}: {self.state}{code}>"

    @property
    def state(self) -> str:
        """In a word: "not started", "running", "at rest" or "ended"."""
        if self.ended:
            return "ended"
        if not self.started:
            return "not started"
        return "at rest" if self.at_rest else "running"

    @property
    def name(self) -> str:
        """The program's name in outputs, reports and `--stdin NAME=FILE`."""
        return self._name

    @name.setter
    def name(self, name: str) -> None:
        self._name = name
        if hasattr(self, "process"):
            self.process.name = name

    @property
    def stdout(self) -> str:
        """All it has written to standard output so far."""
        return self.process.stdout

    @property
    def stderr(self) -> str:
        """All it has written to standard error so far, tracebacks included."""
        return self.process.stderr

    @property
    def exit_code(self) -> int | None:
        """None while it runs; after a signal from outside it is minus the signal's number, as in `subprocess`."""
        return self.process.exit_code

    @property
    def exception(self) -> BaseException | None:
        """The exception it ended with."""
        return self.process.exception

    @property
    def result(self) -> object:
        """What the callable returned."""
        return self.process.result

    @property
    def ended(self) -> bool:
        """Whether it is over."""
        return self.process.ended

    @property
    def at_rest(self) -> bool:
        """Whether it waits where a server waits for clients (DESIGN 3)."""
        return self.started and not self.ended and self.process.at_rest()

    def waits(self) -> list[Wait]:
        """Where its tasks wait."""
        return self.process.waits() if self.started and not self.ended else []

    def holds(self) -> bool:
        """Whether a run must not end because of it: no daemon, begun, not over and not at rest."""
        return not self.daemon and self.started and not self.process.ended and not self.process.at_rest()

    @property
    def unfinished(self) -> bool:
        """No daemon, and still to start or at work."""
        return self.holds() or (not self.daemon and not self.started)

    def start(self) -> None:
        """Start it now (the lab does so when its time has come)."""
        self.started = True
        for tell in list(self.on_start):
            tell(self)
        self.process.start()

    def restart(self) -> None:
        """Start it anew as a new process, as at the boot of its host."""
        self.process = self._make(self)
        self.start()

    def type(self, text: str, end: str = "\n") -> None:
        """Type a line into its standard input."""
        self._stdin().write(text + end)

    def close_stdin(self) -> None:
        """End its standard input: Ctrl-D."""
        self._stdin().close()

    def kill(self, signal: int = 15) -> None:
        """Send it a signal; the net goes on when it is driven next."""
        if not self.ended:
            self.process.kill(signal)

    def wait(self, within: str = WITHIN) -> int:
        """Drive the net until it has ended; its exit code. Raises UnfinishedError, or DeadlockError."""
        self.host.net.drive_until(lambda: self.ended, f"{self.name} to end", within)
        return self.exit_code if self.exit_code is not None else -9

    def expect(self, pattern: str, within: str = WITHIN) -> re.Match[str]:
        """Drive the net until new output (stdout and stderr, as they came) matches; that output is used up to there.

        Raises ProgramError when the program ends before, UnfinishedError when `within` has passed.
        """
        wanted = re.compile(pattern, re.MULTILINE)
        found: list[re.Match[str]] = []

        def matched() -> bool:
            self._output[:] = ["".join(self._output)]
            match = wanted.search(self._output[0], self._read)
            if match is not None and not found:
                found.append(match)
            return match is not None or self.ended

        self.host.net.drive_until(matched, f"{self.name} to print {pattern!r}", within)
        if not found:
            tail = "".join(self._output)[self._read :][-500:]
            raise ProgramError(
                f"{self.name} ended with exit code {self.exit_code} and never printed {pattern!r}; it printed {tail!r}"
            ) from self.exception
        self._read = found[0].end()
        return found[0]

    def heard(self, stream: str, text: str) -> None:
        """The program has written; called by its process."""
        self._output.append(text)
        for listener in self.listeners:
            listener(self, stream, text)

    def _stdin(self) -> Stdin:
        if self.process.ended:
            raise UsageError(
                f"{self.name} has ended (exit code {self.exit_code}); nobody reads what is typed"
            )
        return self.process.stdin
