"""SO_LINGER with a time: close() of a virtual socket waits."""

from __future__ import annotations

from netarium.programs.streams import current_task
from netarium.sockets.base import Socket


def wait_for_acknowledgment(core: Socket) -> None:
    """SO_LINGER with a time: close() waits, that long at most, until what was sent has been acknowledged."""
    task = current_task()
    if task is None or not core.lingers():
        return
    scheduler = task.scheduler
    deadline = scheduler.engine.now + core.settings.linger_s * 1_000_000_000
    core.waiters.append(task.wake)
    try:
        while core.lingers() and scheduler.park(task, "close", core, deadline):
            pass
    finally:
        core.waiters.remove(task.wake)
