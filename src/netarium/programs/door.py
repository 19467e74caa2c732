"""The way of a program to its host: a service or tool calls `control.here()` or `names.resolver.here()`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from greenlet import getcurrent

from netarium import control
from netarium.control import Control
from netarium.names import resolver
from netarium.programs.task import TaskGreenlet

if TYPE_CHECKING:
    from netarium.programs.process import Process


def door() -> Control | None:
    """The running program's door to its host, None when no program runs. Root, or CAP_NET_ADMIN, may change things."""
    current = getcurrent()
    if type(current) is not TaskGreenlet:
        return None
    process = current.task.process
    engine = process.scheduler.engine
    host = process.host
    privileged = process.credentials.may("net_admin")
    made = Control(host.stack, lambda: engine.now, privileged, host.disk, starter(process))
    made.switch = host.switch_face
    made.daemons = host.daemons
    return made


def starter(parent: Process) -> Callable[[str, Callable[[], None]], None]:
    """How a program leaves a daemon behind: a process of its own on the same host, which ends with the host."""

    def start(name: str, main: Callable[[], None]) -> None:
        def body(process: Process) -> None:
            main()

        # Of the parent's classes, which import this module.
        program = replace(parent.program, stem=name, argv=[name], main=body, path=None, folder=None)
        process = type(parent)(
            parent.scheduler, parent.host, program, name=f"{parent.host.name}/{name}", directory=parent.directory,
            stdin="", daemon=True, root=parent.root,
        )  # fmt: skip
        parent.host.on_crash.append(lambda: process.kill(9))
        process.start()

    return start


def names() -> resolver.Resolver | None:
    """The names the running program's host knows, None when no program runs."""
    current = getcurrent()
    if type(current) is not TaskGreenlet:
        return None
    task = current.task
    return task.scheduler.resolver(task.process.host)


control.provide(door)
resolver.provide(names)
