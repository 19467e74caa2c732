"""One simulated process: a program on a host, with its tasks, descriptors, standard streams and end.

Tests and the lab hold this object: it is the handle of a running program.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netarium.programs.scheduler import WAIT_LOCK, WAIT_REST, Scheduler, Task

if TYPE_CHECKING:
    from netarium.nodes.host import Host
    from netarium.programs.loader import Program
    from netarium.programs.streams import Stdin

OutputHook = Callable[[str, str], None]
"""(stream, text): stream is "stdout" or "stderr"."""


@dataclass(frozen=True)
class Wait:
    """Where one task of a program waits; `str()` is the line of the deadlock report."""

    task: str
    call: str
    address: str
    file: str
    line: int

    def __str__(self) -> str:
        where = f" {self.address}" if self.address else ""
        place = f", {self.file} line {self.line}" if self.file else ""
        return f"{self.task}: {self.call}(){where}{place}"


class Process:
    """A program on a host. `start` makes it ready; the lab's loop runs it.

    stdin: None leaves it open for `stdin.type`; text (or a list of lines) is what it will read, then its end; "" is
    empty; a real text file is read when the program reads. `echo(stream, text)` is told all output as it comes.
    """

    def __init__(
        self,
        scheduler: Scheduler,
        host: Host,
        program: Program,
        *,
        name: str,
        argv: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
        directory: Path,
        stdin: Any = None,
        daemon: bool = False,
        root: bool = False,
        echo: OutputHook | None = None,
    ) -> None:
        self.scheduler = scheduler
        self.host = host
        self.program = program
        self.name = name
        self.argv = list(argv)
        self.env = dict(env or {})
        self.directory = directory
        self.daemon = daemon
        self.root = root
        self.on_output = echo
        self.on_end: Callable[[Process], None] | None = None
        self.tasks: list[Task] = []
        self.dying = False
        self.pending_signals: list[int] = []
        self.ended = False
        self.exit_code: int | None = None
        self.exception: BaseException | None = None
        self.result: Any = None
        self.stdin: Stdin
        scheduler.processes.append(self)

    @property
    def stdout(self) -> str:
        """What the program has written to its standard output so far."""
        raise NotImplementedError

    @property
    def stderr(self) -> str:
        """What the program has written to its standard error so far, tracebacks included."""
        raise NotImplementedError

    def start(self) -> None:
        """Make the program's main task ready."""
        raise NotImplementedError

    def kill(self, signal: int = 15) -> None:
        """Send a signal from outside: the default action ends the program with exit code `-signal`."""
        raise NotImplementedError

    def at_rest(self) -> bool:
        """Whether the program rests (DESIGN 3): a task waits for clients, all others there or on locks and queues."""
        resting = False
        for task in self.tasks:
            if not task.parked or task.kind not in (WAIT_REST, WAIT_LOCK):
                return False
            resting = resting or task.kind == WAIT_REST
        return resting

    def blocked_forever(self) -> bool:
        """Whether a task is blocked without a time-out, or polls idly for what is no rest."""
        return any(task.parked and (task.deadline_ns >= (1 << 62) or task.idle) for task in self.tasks)

    def waits(self) -> list[Wait]:
        """Where each task waits, for the deadlock report."""
        raise NotImplementedError

    def switch_in(self) -> None:
        """The scheduler is about to run a task of this process."""

    def switch_out(self) -> None:
        """The scheduler is about to run another process, or nothing."""

    def deliver_signals(self, task: Task) -> None:
        """Run handlers of pending signals, in the main task."""

    def task_ended(self, task: Task) -> None:
        """A task is over."""
