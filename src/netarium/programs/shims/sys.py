"""The standard streams, sys.argv and sys.path: proxies that look at the current greenlet, in `sys` while the net runs.

Inside a task they are the process' own streams, anywhere else (a real thread of the test) what was in `sys` before.
"""

from __future__ import annotations

import sys as real
import threading as real_threading
from collections.abc import Iterator
from typing import Any

from netarium.programs.report import print_exception
from netarium.programs.shims.idents import ident_of
from netarium.programs.streams import current_task
from netarium.programs.task import Task

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
    """sys.excepthook, threading.excepthook or sys.unraisablehook, whoever looks; and the default one of these.

    Inside, the hook and its default are one object, as in a fresh interpreter. A hook of the outside that calls on to
    the default gets that.
    """

    def __init__(self, inside: Any, default: Any) -> None:
        self._inside = inside
        self._default = default
        self.__name__ = self.__qualname__ = default.__name__
        self.__module__ = default.__module__
        self._calling: list[int] = []
        """The threads in which the outside's runs."""
        self.outside: Any = None

    def __repr__(self) -> str:
        return repr(self._default)

    def __call__(self, *arguments: Any) -> Any:
        """To whom it concerns."""
        task = current_task()
        if task is None:
            return self._call_outside(*arguments)
        return self._inside(task, *arguments)

    def _call_outside(self, *arguments: Any) -> Any:
        thread = real_threading.get_ident()
        if thread in self._calling:
            return self._default(*arguments)
        self._calling.append(thread)
        try:
            return self.outside(*arguments)
        finally:
            self._calling.remove(thread)


class ListProxy(list[Any]):
    """sys.argv or sys.path, whoever looks. Its own items, which C code may read, are always the outside's."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name
        self.outside: Any = []

    def target(self) -> Any:
        """The list that is meant."""
        task = current_task()
        return self.outside if task is None else getattr(task.process.context, self._name)

    def stand_for(self, outside: Any) -> None:
        """Outside it means this list."""
        self.outside = outside
        list.__setitem__(self, slice(None), outside)

    def __radd__(self, other: Any) -> Any:
        return other + self.target()

    def __copy__(self) -> Any:
        return list(self.target())

    def __reduce_ex__(self, version: Any) -> Any:
        return list, (list(self.target()),)


def _forwarded(name: str) -> Any:
    def call(self: ListProxy, *args: Any, **keywords: Any) -> Any:
        return getattr(self.target(), name)(*args, **keywords)

    call.__name__ = name
    return call


_FORWARDED = (
    "__getitem__ __setitem__ __delitem__ __len__ __iter__ __reversed__ __contains__ __add__ __mul__ __rmul__ __eq__ "
    "__ne__ __lt__ __le__ __gt__ __ge__ __repr__ append clear copy count extend index insert pop remove reverse sort"
)
for _name in _FORWARDED.split():
    setattr(ListProxy, _name, _forwarded(_name))


def _add_in_place(self: ListProxy, other: Any) -> Any:
    self.target().extend(other)
    return self


ListProxy.__iadd__ = _add_in_place  # type: ignore[method-assign,assignment]


def _print_exception(task: Task, kind: Any, error: BaseException, trace: Any) -> None:
    print_exception(error, task.process.stderr_file)


def thread_exception(task: Task, arguments: Any) -> None:
    """As threading.excepthook."""
    if arguments.exc_type is SystemExit:
        return
    name = arguments.thread.name if arguments.thread is not None else ident_of(task)
    print(f"Exception in thread {name}:", file=real.stderr)
    if arguments.exc_value is not None:
        print_exception(arguments.exc_value, real.stderr)


def _unraisable(task: Task, arguments: Any) -> None:
    if task.process.ended:
        return
    text = arguments.err_msg or "Exception ignored in"
    print(text if arguments.object is None else f"{text}: {arguments.object!r}", file=real.stderr)
    if arguments.exc_value is not None:
        print_exception(arguments.exc_value, real.stderr)


_streams = tuple(StreamProxy(name) for name in NAMES)
_hooks = (
    HookProxy(_print_exception, real.__excepthook__),
    HookProxy(thread_exception, real_threading.__excepthook__),
    HookProxy(_unraisable, real.__unraisablehook__),
)
_lists = (ListProxy("argv"), ListProxy("path"))
proxies = (*_streams, *_hooks, *_lists)
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
    for name, proxy in zip(("argv", "path"), _lists, strict=True):
        current = getattr(real, name)
        if current is not proxy:
            proxy.stand_for(current)
