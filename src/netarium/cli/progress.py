"""How far a run is, on the terminal's standard error: virtual time, its pace, frames, and who is waited for.

It looks at the net from another thread and changes nothing in it: the run and its digest are the same with and without.
"""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

from netarium.cli.status_line import StatusLine, terminal_of
from netarium.engine.events import NEVER_NS
from netarium.units import NS_PER_SECOND, format_duration

if TYPE_CHECKING:
    from rich.text import Text

    from netarium.cli.console import Console
    from netarium.lab.net import Net
    from netarium.lab.service import Service

PACE_OVER_S = 3.0
"""Pace and frames a second are those of the last real seconds, not of the whole run."""
NAMED = 2
"""So many programs are named; the others are counted."""


@contextmanager
def progress(
    net: Net, console: Console | None = None, until_ns: int = NEVER_NS, *, file: IO[str] | None = None
) -> Iterator[None]:
    """Show it while the block runs, where standard error is a terminal. What `console` prints goes before it."""
    with shown(_Look(net, until_ns).words, console, file=file):
        yield


@contextmanager
def shown(
    words: Callable[[], Text], console: Console | None = None, *, file: IO[str] | None = None
) -> Iterator[None]:
    """Keep the line `words` on the terminal while the block runs; nothing happens where there is none."""
    file = sys.stderr if file is None else file
    if not terminal_of(file):
        yield
        return
    line = StatusLine(file, words)
    if console is not None:
        console.status = line
    line.start()
    try:
        yield
    finally:
        line.stop()
        if console is not None:
            console.status = None


@contextmanager
def doing(what: str) -> Iterator[None]:
    """Show what is being done, and for how long already, where the programs' state cannot be looked at."""
    began_s = time.monotonic()

    def words() -> Text:
        from rich.text import Text

        return Text(f"netarium: {what}: {time.monotonic() - began_s:.0f} s", style="dim")

    with shown(words):
        yield


class _Look:
    """What the line of a net says; keeps the last looks, for the pace."""

    def __init__(self, net: Net, until_ns: int) -> None:
        self.net = net
        self.until_ns = until_ns
        self._looks: deque[tuple[float, int, int]] = deque()
        """(real seconds, virtual nanoseconds, frames), the oldest first."""

    def words(self) -> Text:
        from rich.text import Text

        now_ns, frames = self.net.engine.now, self.net.watching.frames_sent()
        pace, rate = self._paces(time.monotonic(), now_ns, frames)
        until = "" if self.until_ns == NEVER_NS else f" of {format_duration(self.until_ns)}"
        told = Text("netarium: ", style="dim")
        told.append(f"{short_duration(now_ns)}{until} virtual", style="bold")
        told.append(f", {_factor(pace)} x real time")
        if frames:  # a program alone sends none
            told.append(f", {frames:,} frames, {rate:,.0f} a second")
        waits = waited_for(self.net)
        if waits:
            told.append(f"; waits for {waits}")
        return told

    def _paces(self, now_s: float, now_ns: int, frames: int) -> tuple[float, float]:
        """(virtual seconds, frames) a real second, of late."""
        looks = self._looks
        looks.append((now_s, now_ns, frames))
        while len(looks) > 2 and looks[1][0] < now_s - PACE_OVER_S:
            looks.popleft()
        then_s, then_ns, before = looks[0]
        passed_s = max(now_s - then_s, 1e-6)
        return (now_ns - then_ns) / NS_PER_SECOND / passed_s, (frames - before) / passed_s


def waited_for(net: Net) -> str:
    """The programs that keep the run going, and what they do: `client (recv 10.0.0.1:80), server and 3 more`."""
    held = [service for service in list(net.services) if service.unfinished]
    named = [_does(service, net.now_ns) for service in held[:NAMED]]
    named += [each.told() for each in list(net.lifecycle.waiting)[: NAMED - len(named)]]
    more = f" and {len(held) - NAMED} more" if len(held) > NAMED else ""
    return ", ".join(named) + more


def _does(service: Service, now_ns: int) -> str:
    """A program and the call it is in. Its place in the source is not asked: that needs its stack at rest."""
    if not service.started:
        return f"{service.name} (to start)"
    task = service.process.main_task
    if task is None or not task.parked:
        return f"{service.name} (computes)"
    target = task.target.describe(task.call) if task.target is not None else ""
    if not target and task.deadline_ns != NEVER_NS:
        target = f"for {short_duration(max(task.deadline_ns - now_ns, 0))} more"
    return f"{service.name} ({f'{task.call} {target}'.strip()})"


def _factor(pace: float) -> str:
    return f"{pace:,.0f}" if pace >= 10 else f"{pace:.2g}"


def short_duration(time_ns: int) -> str:
    """Rounded for the eye, in a width that hardly changes: 250ms, 12.3s, 4m05s, 1h02m."""
    if time_ns < NS_PER_SECOND:
        return f"{time_ns // 10**6}ms"
    seconds = time_ns / NS_PER_SECOND
    if seconds < 60:
        return f"{int(seconds * 10) / 10:.1f}s"
    minutes, left = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days}d{hours:02}h"
    return f"{hours}h{minutes:02}m" if hours else f"{minutes}m{left:02}s"
