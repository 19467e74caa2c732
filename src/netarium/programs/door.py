"""The way of a program to its host: a service or tool calls `control.here()` or `names.resolver.here()`."""

from __future__ import annotations

from greenlet import getcurrent

from netarium import control
from netarium.control import Control
from netarium.names import resolver
from netarium.programs.scheduler import TaskGreenlet


def door() -> Control | None:
    """The running program's door to its host, None when no program runs. Root, or CAP_NET_ADMIN, may change things."""
    current = getcurrent()
    if type(current) is not TaskGreenlet:
        return None
    process = current.task.process
    engine = process.scheduler.engine
    host = process.host
    return Control(host.stack, lambda: engine.now, process.credentials.may("net_admin"), host.disk)


def names() -> resolver.Resolver | None:
    """The names the running program's host knows, None when no program runs."""
    current = getcurrent()
    if type(current) is not TaskGreenlet:
        return None
    task = current.task
    return task.scheduler.resolver(task.process.host)


control.provide(door)
resolver.provide(names)
