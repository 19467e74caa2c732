"""The way of a program to its host's `control`: a service or tool calls `control.here()` and gets this door."""

from __future__ import annotations

from greenlet import getcurrent

from netarium import control
from netarium.control import Control
from netarium.programs.scheduler import TaskGreenlet


def door() -> Control | None:
    """The running program's door to its host, None when no program runs. Root, or CAP_NET_ADMIN, may change things."""
    current = getcurrent()
    if type(current) is not TaskGreenlet:
        return None
    process = current.task.process
    engine = process.scheduler.engine
    return Control(process.host.stack, lambda: engine.now, process.credentials.may("net_admin"))


control.provide(door)
