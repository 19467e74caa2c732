"""The semaphores of multiprocessing: real outside, refused inside, where waiting would stop the whole net."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from netarium.programs.shims.os import refuse
from netarium.programs.streams import current_task

_real: Any = import_module("_multiprocessing").SemLock
_REASON = (
    "waiting for it would stop the whole net, and a simulated program cannot start processes; use the locks of "
    "threading or asyncio"
)
_refused = refuse("multiprocessing.Lock, Semaphore, Event, Queue", _REASON)


class _SemLockMeta(type):
    def __call__(cls, *args: Any, **keywords: Any) -> Any:
        task = current_task()
        return _real(*args, **keywords) if task is None else _refused(task)

    def __getattr__(cls, name: str) -> Any:
        return getattr(_real, name)

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, _real)


class SemLock(metaclass=_SemLockMeta):
    """As `_multiprocessing.SemLock`."""
