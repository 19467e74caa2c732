"""The standard streams: proxies that look at the current greenlet, in `sys` while the net runs.

Inside a task they are the process' own streams, anywhere else (a real thread of the test) what was in `sys` before.
"""

from __future__ import annotations

import sys as real
import threading as real_threading
from collections.abc import Iterator
from typing import Any

from netarium.programs.report import print_exception
from netarium.programs.scheduler import Task
from netarium.programs.streams import current_task

NAMES = ("stdin", "stdout", "stderr")


class StreamProxy:
    """sys.stdin, sys.stdout or sys.stderr, whoever looks."""

    def __init__(self, name: str) -> None:
        self.__dict__["_name"] = name
        self.__dict__["_outside"] = None

    def _target(self) -> Any:
        task = current_task()
        if task is None:
            return self.__dict__["_outside"]
        return getattr(task.process, self.__dict__["_name"] + "_file")

    def write(self, text: str) -> Any:
        """To whom it concerns."""
        return self._target().write(text)

    def flush(self) -> None:
        """To whom it concerns."""
        self._target().flush()

    def readline(self, *size: int) -> Any:
        """From whom it concerns."""
        return self._target().readline(*size)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._target(), name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._target(), name, value)

    def __iter__(self) -> Iterator[str]:
        return iter(self._target())

    def __next__(self) -> str:
        return next(self._target())  # type: ignore[no-any-return]

    def __enter__(self) -> Any:
        return self._target().__enter__()

    def __exit__(self, *details: Any) -> Any:
        return self._target().__exit__(*details)

    def __repr__(self) -> str:
        return repr(self._target())


class HookProxy:
    """sys.excepthook, threading.excepthook or sys.unraisablehook, whoever looks."""

    def __init__(self, inside: Any) -> None:
        self._inside = inside
        self.outside: Any = None

    def __call__(self, *arguments: Any) -> Any:
        """To whom it concerns."""
        task = current_task()
        if task is None:
            return self.outside(*arguments)
        return self._inside(task, *arguments)


def _print_exception(task: Task, kind: Any, error: BaseException, trace: Any) -> None:
    print_exception(error, task.process.stderr_file)


def _thread_exception(task: Task, arguments: Any) -> None:
    if arguments.exc_type is SystemExit:
        return
    name = arguments.thread.name if arguments.thread is not None else arguments.thread
    print(f"Exception in thread {name}:", file=real.stderr)
    if arguments.exc_value is not None:
        print_exception(arguments.exc_value, real.stderr)


def _unraisable(task: Task, arguments: Any) -> None:
    if task.process.ended:
        return
    text = arguments.err_msg or "Exception ignored in"
    print(f"{text}: {arguments.object!r}", file=real.stderr)
    if arguments.exc_value is not None:
        print_exception(arguments.exc_value, real.stderr)


_streams = tuple(StreamProxy(name) for name in NAMES)
_hooks = (HookProxy(_print_exception), HookProxy(_thread_exception), HookProxy(_unraisable))
proxies = (*_streams, *_hooks)
"""In the order of `context.SHARED`."""


def begin() -> None:
    """Before driving: the proxies stand for what is in its place now, outside."""
    for name, stream in zip(NAMES, _streams, strict=True):
        current = getattr(real, name)
        if current is not stream:
            stream.__dict__["_outside"] = current
    places = ((real, "excepthook"), (real_threading, "excepthook"), (real, "unraisablehook"))
    for (module, name), hook in zip(places, _hooks, strict=True):
        current = getattr(module, name)
        if current is not hook:
            hook.outside = current
