"""What asyncio and trio keep per OS thread is kept per task: the running loop, the asynchronous generators' hooks.

The event loop policy is kept per process (`context`). Everything else of asyncio is stock, on top of virtual epoll.
Nothing here imports asyncio: a program that does not use it does not pay for it.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from netarium.programs.task import Task

_outside: tuple[Any, Any] | None = None


def switch_in(task: Task) -> None:
    """Before the task runs on."""
    if task.running_loop is not None:
        sys.modules["_asyncio"]._set_running_loop(task.running_loop)
    if task.asyncgen_hooks is not None:
        sys.set_asyncgen_hooks(*task.asyncgen_hooks)


def switch_out(task: Task) -> None:
    """After it has parked."""
    module = sys.modules.get("_asyncio")
    if module is not None:
        loop = module._get_running_loop()
        task.running_loop = loop
        if loop is not None:
            module._set_running_loop(None)
    hooks = sys.get_asyncgen_hooks()
    if hooks.firstiter is None and hooks.finalizer is None:
        task.asyncgen_hooks = None
    else:
        task.asyncgen_hooks = hooks
        sys.set_asyncgen_hooks(None, None)


def let_go(task: Task) -> None:
    """The process is ended from outside: that asyncio's tasks are lost with it is no mistake to be logged."""
    if task.running_loop is not None:
        for each in sys.modules["asyncio"].all_tasks(task.running_loop):
            if hasattr(each, "_log_destroy_pending"):
                each._log_destroy_pending = False


def enter() -> None:
    """The net begins to run, perhaps called from a coroutine of the test."""
    global _outside
    module = sys.modules.get("_asyncio")
    loop = module._get_running_loop() if module is not None else None
    _outside = (loop, sys.get_asyncgen_hooks())
    if module is not None:
        module._set_running_loop(None)
    sys.set_asyncgen_hooks(None, None)


def leave() -> None:
    """The net stops running."""
    global _outside
    if _outside is not None:
        loop, hooks = _outside
        _outside = None
        if loop is not None:
            sys.modules["_asyncio"]._set_running_loop(loop)
        sys.set_asyncgen_hooks(*hooks)


def policy() -> Any:
    """The loop policy that is in place; None without asyncio."""
    events = sys.modules.get("asyncio.events")
    return getattr(events, "_event_loop_policy", None)


def set_policy(value: Any) -> None:
    """Put a loop policy in place."""
    events = sys.modules.get("asyncio.events")
    if events is not None and hasattr(events, "_event_loop_policy"):
        events._event_loop_policy = value  # type: ignore[attr-defined]


def make_local(local: type) -> None:
    """If asyncio was imported before installation: its thread-local variables become task-local."""
    events = sys.modules.get("asyncio.events")
    base: Any = getattr(
        events, "BaseDefaultEventLoopPolicy", getattr(events, "_BaseDefaultEventLoopPolicy", None)
    )
    if base is not None:
        base._Local = type("_Local", (local,), {"_loop": None, "_set_called": False})
