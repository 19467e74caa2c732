"""`netarium run`: build the net, drive it, print what the programs print, report, and answer with the exit code."""

from __future__ import annotations

import io
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

from netarium.cli.arguments import RunArguments, parse
from netarium.errors import NetariumError

if TYPE_CHECKING:
    from netarium.cli.console import Console
    from netarium.lab.lifecycle import End
    from netarium.lab.net import Net

OK = 0
FAILED = 1
USAGE = 2
DEADLOCK = 3
UNFINISHED = 4
INTERRUPTED = 130


def main(words: Sequence[str]) -> int:
    """Run `netarium run` with these words; the exit code."""
    try:
        arguments = parse(words)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else USAGE
    try:
        if arguments.check_determinism:
            from netarium.cli.determinism import check_determinism

            return check_determinism(arguments)
        return run(arguments)
    except NetariumError as error:
        print(f"netarium: {error}", file=sys.stderr)
        return USAGE


def run(arguments: RunArguments, console: Console | None = None) -> int:
    """One run. Raises UsageError (LabError too) before anything has run. Without `console` programs print to stdout."""
    from netarium.cli.building import build
    from netarium.cli.console import Console
    from netarium.cli.outputs import Outputs
    from netarium.units import duration_ns

    until_ns = None if arguments.until is None else duration_ns(arguments.until)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    console = console or Console(keep_silent=arguments.json)
    net, _ = build(arguments, console)
    outputs = Outputs(net, arguments)
    for service in net.services:
        service.listeners.append(console.wrote)
    net.check()
    if not arguments.quiet:
        for notice in net.notices:
            console.notice(f"netarium: {notice}")
        net.noted.listeners.append(lambda notice: console.notice(f"netarium: {notice}"))
    began = time.perf_counter()
    try:
        with _interrupts(net) as interrupted, _progress(net, console, arguments, until_ns):
            end, error = _drive(net, until_ns)
    except BaseException:
        outputs.close()  # whatever went wrong, what was captured can be read
        raise
    interrupted = interrupted or [True] * isinstance(error, KeyboardInterrupt)
    console.close()
    codes: list[int] = []
    if interrupted:
        console.notice("netarium: interrupted; what was captured and written so far is whole")
        codes.append(INTERRUPTED)
    codes += _told(net, console, end, error)
    try:
        outputs.close()
    except NetariumError as failure:
        console.notice(f"netarium: {failure}")
        codes.append(FAILED)
    code = codes[0] if codes else OK
    _report(net, console, arguments, time.perf_counter() - began, code)
    return code


def _drive(net: Net, until_ns: int | None) -> tuple[End | None, BaseException | None]:
    from netarium.engine.events import NEVER_NS

    try:
        return net.drive(NEVER_NS if until_ns is None else until_ns), None
    except (KeyboardInterrupt, NetariumError) as error:
        return None, error


def _progress(
    net: Net, console: Console, arguments: RunArguments, until_ns: int | None
) -> AbstractContextManager[None]:
    """The line of progress, on a terminal."""
    if arguments.quiet or not sys.stderr.isatty():
        return nullcontext()
    from netarium.cli.progress import progress
    from netarium.engine.events import NEVER_NS

    return progress(net, console, NEVER_NS if until_ns is None else until_ns)


@contextmanager
def _interrupts(net: Net) -> Iterator[list[bool]]:
    """Ctrl-C ends the run between two events, so that capture and trace are whole.

    A program that is running (it may never come back) gets a KeyboardInterrupt, unless a frame is just being written.
    """
    happened: list[bool] = []

    def interrupt(number: int, frame: Any) -> None:
        happened.append(True)
        net.lifecycle.stop = net.engine.interrupted = True
        if net.scheduler.current is None and len(happened) < 3:
            return
        while frame is not None:
            if frame.f_globals.get("__name__", "").startswith(("netarium.capture", "netarium.lab.watching")):
                return
            frame = frame.f_back
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, interrupt)
    try:
        yield happened
    finally:
        signal.signal(signal.SIGINT, before)


def _told(net: Net, console: Console, end: End | None, error: BaseException | None) -> list[int]:
    """Say how the run ended; the exit codes that hold, the first that holds first."""
    from netarium.lab.lifecycle import End

    codes = []
    if isinstance(error, NetariumError):
        console.notice(f"netarium: {error}")
        codes.append(FAILED)
    if end is End.BLOCKED:
        console.notice(f"netarium: {net.blocked_report()}")
        codes.append(DEADLOCK)
    if end is End.UNTIL:
        running = [service.name for service in net.services if service.unfinished]
        if running:
            codes.append(UNFINISHED)
    if end is not End.STOPPED and net.failed():
        codes.append(FAILED)
    return codes


def _report(net: Net, console: Console, arguments: RunArguments, wall_s: float, code: int) -> None:
    from netarium.cli import report

    if not arguments.quiet:
        for notice in report.notices(net):
            console.notice(notice)
    if arguments.json:
        print(report.as_json(net, arguments, code))
    if not arguments.quiet:
        console.notice(report.summary(net, arguments, wall_s))
