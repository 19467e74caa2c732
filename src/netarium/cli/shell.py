"""`netarium shell LAB NODE`: a prompt on a host of a lab. Virtual time passes while a command runs, and not in between.

shell         `Shell`: what a typed line means; no terminal, so that it can be tested and piped
shell_prompt  reading lines: prompt-toolkit on a terminal, plain lines otherwise
"""

from __future__ import annotations

import itertools
import shlex
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import IO

from netarium.cli.console import Console
from netarium.cli.progress import progress
from netarium.errors import DeadlockError, NetariumError, UnfinishedError, UsageError
from netarium.lab.boxes import Host
from netarium.lab.net import Net
from netarium.lab.service import Service
from netarium.programs import registry
from netarium.programs.signals import REAL_INTERRUPTS, default_handler
from netarium.units import duration_ns, format_duration

HELP = """\
COMMAND [ARGUMENTS]      run a tool, `python SCRIPT` or `python -m MODULE` here until it has ended (or Ctrl-C)
COMMAND ... &            start it and go on; time passes when something else runs
on NODE COMMAND ...      run it on another host
sleep DURATION           let virtual time pass: sleep 10s
jobs, kill NAME          the programs that run; end one
nodes, time, help, exit  the lab's nodes; the virtual time; this text; leave (or Ctrl-D)
A program's standard input is empty. Tools: """

INTERRUPT_PATIENCE = "1min"
SIGNALLED = 128
"""What a shell adds to the number of the signal that ended a program."""


class Shell:
    """One session: the net, the host of the prompt, and what has been started."""

    def __init__(self, net: Net, node: str, out: IO[str], err: IO[str]) -> None:
        self.net = net
        self.host = self._host(node)
        self.out = out
        self.err = err
        self.exit_code = 0
        self.over = False
        self.jobs: list[Service] = []
        self._builtins = {
            "exit": self._exit,
            "help": self._help,
            "jobs": self._jobs,
            "kill": self._kill,
            "nodes": self._nodes,
            "on": self._on,
            "sleep": self._sleep,
            "time": self._time,
        }

    def _host(self, name: str) -> Host:
        return self.net.runner_named(name)

    @property
    def prompt(self) -> str:
        """`pc 1m31.2s# `: where, and when."""
        return f"{self.host.name} {format_duration(self.net.now_ns)}# "

    def words(self) -> list[str]:
        """What may be typed first or as an argument: commands, tools, nodes; for completion."""
        return [*self._builtins, *registry.names(), "python", *self.net.boxes]

    def do(self, line: str) -> None:
        """What a typed line asks for; a mistake is told and changes nothing."""
        try:
            words = split(line)
            if words:
                self._run(words, self.host)
        except NetariumError as error:
            self._complain(str(error))
        except KeyboardInterrupt:  # while no program runs: `sleep`
            print(file=self.out)
            self.exit_code = SIGNALLED + signal.SIGINT

    def _run(self, words: list[str], host: Host) -> None:
        builtin = self._builtins.get(words[0])
        if builtin is not None:
            builtin(words[1:])
        else:
            self._start(words, host)

    def _start(self, words: list[str], host: Host) -> None:
        background = words[-1] == "&" or words[-1].endswith("&")
        if background:
            words = [*words[:-1], words[-1][:-1]] if words[-1] != "&" else words[:-1]
            words = [word for word in words if word]
        service = host.run(words, stdin="", root=True)
        service.listeners.append(self._wrote)
        self.jobs.append(service)
        if background:
            print(f"[{service.name}] started", file=self.out, flush=True)
            self.net.run_until(lambda: service.started, within="1s")
            return
        self._wait(service)

    def _wait(self, service: Service) -> None:
        """Let time pass until it has ended; Ctrl-C sends it SIGINT, as a terminal would, a second one SIGKILL."""
        try:
            with interrupting(service):
                self.net.run_until(service, within="1000h")
        except KeyboardInterrupt:
            print(file=self.out)
            service.kill(signal.SIGKILL)
        except (DeadlockError, UnfinishedError):
            if not service.ended:
                self._leave(service)
                return
        code = service.exit_code or 0
        self.exit_code = code if code >= 0 else SIGNALLED - code

    def _leave(self, service: Service) -> None:
        """A server that nobody calls: the prompt comes back, and it runs on."""
        self.exit_code = 1
        print(
            f"netarium: {service.name} still runs ({service.state}), and nothing else happens in the net: it goes on "
            f"in the background. End it by `kill {service.name}`; `&` behind a command starts it so at once",
            file=self.err,
            flush=True,
        )

    def _wrote(self, service: Service, stream: str, text: str) -> None:
        print(text, end="", file=self.out if stream == "stdout" else self.err, flush=True)

    def _complain(self, text: str) -> None:
        self.exit_code = 2
        print(f"netarium: {text}", file=self.err, flush=True)

    # What is no program.

    def _exit(self, words: list[str]) -> None:
        self.over = True

    def _help(self, words: list[str]) -> None:
        print(HELP + ", ".join(registry.names()), file=self.out, flush=True)

    def _jobs(self, words: list[str]) -> None:
        for job in self.jobs:
            if not job.ended:
                print(f"{job.name}: {job.state}", file=self.out, flush=True)

    def _kill(self, words: list[str]) -> None:
        for name in words:
            service = self.net.service(name)
            service.kill(signal.SIGTERM)
            self.net.run_until(service, within=INTERRUPT_PATIENCE)

    def _nodes(self, words: list[str]) -> None:
        for box in self.net.boxes.values():
            addresses = []
            if isinstance(box, Host):
                addresses = [each for listed in box.addresses.values() for each in listed]
            print(f"{box.name}: {box.kind} {' '.join(addresses)}".rstrip(), file=self.out, flush=True)

    def _on(self, words: list[str]) -> None:
        if len(words) < 2:
            raise UsageError("on which node, and what? `on NODE COMMAND`")
        self._run(words[1:], self._host(words[0]))

    def _sleep(self, words: list[str]) -> None:
        if len(words) != 1:
            raise UsageError("how long? `sleep 10s`")
        until_ns = self.net.now_ns + duration_ns(words[0])
        self.net.drive(until_ns)
        self.net.engine.now = max(self.net.engine.now, until_ns)

    def _time(self, words: list[str]) -> None:
        print(format_duration(self.net.now_ns), file=self.out, flush=True)


def split(line: str) -> list[str]:
    """The words of a line. Raises UsageError for pipes, redirections, half a pair of quotes."""
    reader = shlex.shlex(line, posix=True, punctuation_chars="|<>;")
    reader.whitespace_split = True
    try:
        words = list(reader)
    except ValueError as error:
        raise UsageError(f"{error}; quotes come in pairs") from None
    for word in words:
        if word == "&&" or (word and not word.strip("|<>;")):
            raise UsageError(
                f"`{word}` is not understood here: a line is one program, and what it prints comes here. Quote it to "
                "give it to the program, or pipe the whole shell: echo 'COMMAND' | netarium shell LAB NODE | head"
            )
    return words


@contextmanager
def interrupting(service: Service) -> Iterator[None]:
    """Ctrl-C is the program's meanwhile, be it in a call or in a loop of its own; the second is ours."""

    times = itertools.count(1)

    def interrupted(number: int, frame: FrameType | None) -> None:
        if next(times) > 1:
            raise KeyboardInterrupt
        REAL_INTERRUPTS.given_on()
        process = service.process
        current = process.scheduler.current
        if frame is None or current is None or current is not process.main_task or not is_program(frame):
            service.kill(signal.SIGINT)  # delivered by the call it is in, or the next
            return
        handler = process.signal_handlers.get(number, default_handler(number))
        if callable(handler):
            handler(number, frame)

    try:
        before = signal.signal(signal.SIGINT, interrupted)
    except ValueError:  # not in the main thread, where no Ctrl-C comes
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def is_program(frame: FrameType) -> bool:
    """Whether this is a program's code, and none of the net's beneath its calls."""
    name = str(frame.f_globals.get("__name__", ""))
    return not name.startswith("netarium.") or name.startswith("netarium.tools.")


def shell(lab: Path, node: str, *, seed: int | None, until: str | None) -> int:
    """Load the lab, let it come to rest (or run to `until`), and prompt; the last command's exit code."""
    from netarium.cli.shell_prompt import read_lines

    with Net.load(lab, **({} if seed is None else {"seed": seed})) as net:
        session = Shell(net, node, sys.stdout, sys.stderr)
        lines = read_lines(session)  # asked for before time passes: it may say what is missing
        console = Console()
        for service in net.services:
            service.listeners.append(console.wrote)
        net.noted.listeners.append(lambda notice: console.notice(f"netarium: {notice}"))
        try:
            with progress(net, console):
                net.run(until)
        except NetariumError as error:
            print(f"netarium: {error}", file=sys.stderr)
        console.close()
        print(
            f"netarium: the lab is at {format_duration(net.now_ns)}; `help` tells what can be typed",
            file=sys.stderr,
        )
        for line in lines:
            session.do(line)
            if session.over:
                break
        return session.exit_code
