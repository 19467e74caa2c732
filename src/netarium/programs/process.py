"""One simulated process: a program on a host, with its tasks, descriptors, standard streams and end.

Tests and the lab hold this object: it is the handle of a running program.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, Final

from netarium.engine.events import NEVER_NS
from netarium.programs import door, loops, signals, zone  # noqa: F401  (door: how a program reaches its host's control)
from netarium.programs.alarm import Alarm
from netarium.programs.context import ProgramContext
from netarium.programs.coroutines import waiting_tasks
from netarium.programs.finalization import finalize, never_finalize
from netarium.programs.masks import Masks, Sent
from netarium.programs.own_files import OwnFiles, streams_of_shared_logging
from netarium.programs.report import place_of, print_exception, waiting_method
from netarium.programs.scheduler import Scheduler
from netarium.programs.shims import atexit as atexit_shim
from netarium.programs.shims import driver
from netarium.programs.shims import thread as thread_shim
from netarium.programs.shims.local import forget
from netarium.programs.signals import ends_the_run
from netarium.programs.streams import Output, RawInput, RawOutput, Stdin, text_input, text_output
from netarium.programs.task import WAIT_LOCK, Task, ThreadTables
from netarium.programs.wakeup import Wakeup
from netarium.sockets.base import Credentials
from netarium.sockets.descriptors import Descriptors

if TYPE_CHECKING:
    from netarium.nodes.host import Host
    from netarium.programs.loader import Program


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


STARTER: Final = 1 << 22
"""Added to a process' number: that of the shell that started it. No process has it, for pids end below."""


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
        self.argv = list(argv) or list(program.argv)
        self.env = {**signals.default_environment(root, directory), **signals.checked_environment(env)}
        self.environment = {os.fsencode(key): os.fsencode(value) for key, value in self.env.items()}
        self.zone = zone.zone_of(self.env["TZ"])
        self.directory = Path(directory)
        self.daemon = daemon
        self.pid = scheduler.take_pid()
        self.random = scheduler.streams(f"process:{host.name}:{self.pid}")
        self.module_random: Random | None = None
        self.last_uuid = 0
        self.on_output = echo
        self.on_end: Callable[[Process], None] | None = None
        self.tasks: list[Task] = []
        self.activity = 0
        """Counts what its tasks did other than to time out in polls."""
        self.idlers: list[Task] = []
        """Tasks parked in an idle poll."""
        self.abandoned: list[Task] = []
        self.main_task: Task | None = None
        self.dying = self.finalizing = False
        self.alert = False
        """The next park has to look: the process is dying, or signals are pending."""
        self.pending_signals: list[int] = []
        self.signal_handlers: dict[int, Any] = {}
        self.ended = False
        self.exit_code: int | None = None
        self.exception: BaseException | None = None
        self.result: Any = None
        self.credentials = Credentials(root, program.capabilities, scheduler.local_names(host), self.pid)
        self._begin_identity()
        self.threads = ThreadTables()
        self.wakeup = Wakeup()
        self.calls_of_ended = 0
        """How many calls the tasks have made that are over, for the processor time."""
        self.alarm = Alarm(self)
        self.default_timeout: int | None = None
        """socket.setdefaulttimeout, in ns."""
        self._open_streams(stdin)
        self.context = ProgramContext(self)
        driver.register()
        scheduler.processes.append(self)

    def _begin_identity(self) -> None:
        """What of it the kernel keeps: group, priority, limits, masks of signals; and what is done at its end."""
        self.group = self.session = self.pid + STARTER
        """Its process group and session: those of whatever started it."""
        self.nice = 0
        self.limits: dict[int, tuple[int, int]] = {}
        """What it has set by `resource.setrlimit`: (soft, hard)."""
        self.masks = Masks(self)
        self.handled_signals = 0
        """So many times a handler was run."""
        self.exit_functions: list[tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]] = []
        """atexit: (function, arguments, keywords); the last one first."""
        self.exiting = False
        """These are being called."""
        self.finalizers: set[int] = set()
        """The numbers of its weakref.finalize objects."""

    def _open_streams(self, stdin: Any) -> None:
        """Its descriptors; 0, 1 and 2 are open."""
        self.descriptors = Descriptors()
        self.own_files = OwnFiles()
        self.stdin = Stdin(stdin)
        self._stdout = Output("stdout", self._wrote)
        self._stderr = Output("stderr", self._wrote)
        numbers = [self.descriptors.add(each) for each in (self.stdin, self._stdout, self._stderr)]
        self.stdin.retain()  # the handle's own: a program that closes descriptor 0 does not end the typing
        self.stdin_file = text_input(RawInput(self, numbers[0]))
        self.stdout_file = text_output(RawOutput(self, self._stdout, numbers[1]))
        self.stderr_file = text_output(RawOutput(self, self._stderr, numbers[2]), "backslashreplace")

    def __repr__(self) -> str:
        state = f"exit code {self.exit_code}" if self.ended else "running" if self.tasks else "not started"
        return f"<program {self.name} on {self.host.name}: {state}>"

    @property
    def root(self) -> bool:
        """Whether its effective user is root."""
        return self.credentials.root

    @property
    def stdout(self) -> str:
        """What the program has written to its standard output so far."""
        return self._stdout.text

    @property
    def stderr(self) -> str:
        """What the program has written to its standard error so far, tracebacks included."""
        return self._stderr.text

    def start(self) -> None:
        """Make the program's main task ready."""
        self.main_task = self.scheduler.spawn(self, self._main, "MainThread")

    def kill(self, signal: int = 15, sent: Sent | None = None) -> None:
        """Send a signal: its handler runs in the main task; without one the default action ends the program.

        The exit code is then `-signal`, as subprocess tells it. Signal 9 has no handler. `sent` says from whom.
        """
        if self.ended:
            return
        handler = self.signal_handlers.get(signal, signals.default_handler(signal))
        if self.masks.holds_back(sent or Sent(signal), handler):
            return
        if signal != signals.SIGKILL and callable(handler):
            self.pending_signals.append(signal)
            self.alert = True
            if self.main_task is not None:
                self.main_task.wake()
        elif signal == signals.SIGKILL or handler == signals.TERMINATE:
            self.finish(-signal)

    def at_rest(self) -> bool:
        """Whether the program rests (DESIGN 3): a task waits for clients, all others there or on locks and queues."""
        resting = False
        for task in self.tasks:
            rests = task.rests
            if not task.parked or task.is_ready or not (rests or task.kind == WAIT_LOCK):
                return False
            resting = resting or rests
        return resting

    def has_loop(self) -> bool:
        """Whether an event loop of coroutines (asyncio, trio) runs in it."""
        return any(task.running_loop is not None or task.asyncgen_hooks is not None for task in self.tasks)

    def blocked_forever(self) -> bool:
        """Whether a task is blocked without a time-out, or polls idly for what is no rest."""
        return any(
            task.parked and not task.is_ready and (task.deadline_ns == NEVER_NS or task.idle)
            for task in self.tasks
        )

    def waits(self) -> list[Wait]:
        """Where each task waits, for the deadlock report."""
        found = []
        for task in self.tasks:
            if not task.parked:
                continue
            awaiting = waiting_tasks(task.running_loop, self.program.folder)
            if awaiting:
                found += [Wait(f"{self.name} ({each.task})", *each[1:]) for each in awaiting]
                continue
            file, line = place_of(task.greenlet, self.program.folder)
            name = self.name if task is self.main_task else f"{self.name} ({self.thread_name(task)})"
            method = waiting_method(task.greenlet) if task.call == "acquire" else ""
            call = method or task.call
            address = "" if task.target is None or method else task.target.describe(task.call)
            found.append(Wait(name, call, address, file, line))
        return found

    def thread_name(self, task: Task) -> str:
        """What `threading` calls it."""
        thread = self.threads.active.get(task.ident)
        return task.name if thread is None else str(thread.name)

    def deliver_signals(self, task: Task) -> None:
        """Run the handlers of pending signals; only the main task does (as CPython)."""
        if task is not self.main_task:
            return
        while self.pending_signals:
            signal = self.pending_signals.pop(0)
            self.wakeup.write(self, signal)
            handler = self.signal_handlers.get(signal, signals.default_handler(signal))
            if callable(handler):
                self.handled_signals += 1
                handler(signal, sys._getframe(2))
        self.alert = self.dying

    def task_ended(self, task: Task) -> None:
        """A task is over."""
        forget(task)
        if task in self.tasks:
            self.calls_of_ended += task.calls
            self.tasks.remove(task)

    def run_task(self, task: Task, function: Callable[[], Any]) -> None:
        """The body of a task that is not the main one: a thread's function."""
        try:
            if not self.dying:
                function()
        except SystemExit:
            pass
        except BaseException as error:
            if ends_the_run(error):
                raise
            if not self.dying and not self.finalizing:
                print_exception(error, self.stderr_file)
        finally:
            self.task_ended(task)

    def finish(self, code: int) -> None:
        """End the process now, as the kernel does: descriptors closed, all tasks to be unwound, exit code set."""
        if self.ended:
            return
        self.exit_code = code
        self.dying = self.alert = True
        self.ended = True
        self.descriptors.close_all()
        self._close_files(flush=False)
        if not self.finalizing:
            never_finalize(self)
        for task in list(self.tasks):
            if task is not self.scheduler.current:
                loops.let_go(task)
                if task.greenlet is None:
                    self.task_ended(task)
                else:
                    task.wake()
        if self.on_end is not None:
            self.on_end(self)

    def exit_now(self, task: Task, code: int) -> None:
        """os._exit: end without unwinding. The task is abandoned; does not return."""
        self.finish(code)
        self.abandoned.append(task)
        self.task_ended(task)
        while True:
            self.scheduler.hub.switch()

    def _wrote(self, stream: str, text: str) -> None:
        if self.on_output is not None:
            self.on_output(stream, text)

    def _main(self) -> None:
        task = self.main_task
        assert task is not None
        try:
            code = self._run_program()
            if not self.dying:
                self._shut_down()
            self.finish(code)
        except SystemExit:
            self.finish(1)
        finally:
            self.task_ended(task)

    def _run_program(self) -> int:
        if self.dying:
            return 1
        assert self.main_task is not None
        thread_shim.begin_process(self.main_task)
        try:
            self.result = self.program.main(self)
        except SystemExit as error:
            return self._exit_status(error)
        except BaseException as error:
            if ends_the_run(error):
                raise
            interrupted = isinstance(error, KeyboardInterrupt)
            if not interrupted:
                self.exception = error
            if not self.dying:
                sys.excepthook(type(error), error, error.__traceback__)
            return -signals.SIGINT if interrupted else 1
        return 0

    def _shut_down(self) -> None:
        """What the interpreter does at its end: join threads, run atexit functions, flush, finalize."""
        message, source = "Exception ignored in", threading
        if sys.version_info >= (3, 13):
            message, source = "Exception ignored on threading shutdown", None
        atexit_shim.attempt(self, lambda: thread_shim.join_all(self), message, source)
        atexit_shim.run_exit_functions(self)
        for stream in (self.context.own_stream("stdout"), self.stdout_file, self.stderr_file):
            try:
                if stream is not None:
                    stream.flush()
            except (ValueError, OSError):
                pass
        if not self.dying:
            flush = finalize(self)
            if not self.dying:
                self._close_files(flush=flush)

    def _close_files(self, *, flush: bool) -> None:
        shares = self.program.folder is None and not self.program.private
        self.own_files.close_all(flush=flush, spared=streams_of_shared_logging() if shares else ())

    def _exit_status(self, error: SystemExit) -> int:
        code = error.code
        if code is None:
            return 0
        if isinstance(code, int):
            return code & 0xFF
        if not self.dying:
            print(code, file=self.stderr_file)
        return 1
