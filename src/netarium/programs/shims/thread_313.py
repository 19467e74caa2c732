"""What `_thread` has from Python 3.13 on: joinable threads with handles, and `lock` as a class."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from greenlet import getcurrent

from netarium.programs.shims import thread
from netarium.programs.shims.dispatch import Entry
from netarium.programs.shims.locks import SimLock
from netarium.programs.task import Task, TaskGreenlet


class SimHandle:
    """As `_thread._ThreadHandle`."""

    def __init__(self) -> None:
        self.ident = 0
        self._done = SimLock()
        self._started = False
        self._finished = False

    def join(self, timeout: float | None = None) -> None:
        """Wait for the thread's end."""
        self._check_started()
        if self._finished:
            return
        current = getcurrent()
        if type(current) is TaskGreenlet and thread.get_ident(current.task) == self.ident:
            raise RuntimeError("Cannot join current thread")
        if self._done.acquire(True, -1 if timeout is None or timeout < 0 else timeout):
            self._done.release()

    def is_done(self) -> bool:
        """Whether it has ended."""
        return self._finished

    def _check_started(self) -> None:
        if not self._started:
            raise RuntimeError("thread not started")

    def _set_done(self) -> None:
        self._check_started()
        self._finish()

    def _begin(self) -> None:
        if self._started:
            raise RuntimeError("thread already started")
        self._started = True
        self._done.acquire()

    def _finish(self) -> None:
        if not self._finished:
            self._finished = True
            if self._done.locked():
                self._done.release()


def start_joinable_thread(
    task: Task, function: Callable[[], Any], handle: Any = None, daemon: bool = True
) -> Any:
    """As _thread.start_joinable_thread."""
    if handle is None:
        handle = SimHandle()
    handle._begin()

    def body() -> None:
        try:
            function()
        finally:
            handle._finish()

    handle.ident = thread.get_ident(thread.spawn(task, body))
    return handle


def make_thread_handle(task: Task, ident: int) -> SimHandle:
    """A handle of a thread that runs already."""
    handle = SimHandle()
    handle.ident = ident
    handle._begin()
    return handle


def get_main_thread_ident(task: Task) -> int:
    """The ident of the process' main thread."""
    return thread.get_ident(task.process.main_task or task)


class _Dispatching(type):
    """A class that stands for a C class: inside a task it makes the virtual one."""

    kinds: tuple[Any, Any]
    """(real, virtual); in a tuple, where the search for captured originals does not look."""

    def __call__(cls, *args: Any, **keywords: Any) -> Any:
        if type(getcurrent()) is TaskGreenlet:
            return cls.kinds[1](*args, **keywords)
        return cls.kinds[0](*args, **keywords)

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, cls.kinds)


def _no_base(cls: type, /, **keywords: Any) -> None:
    raise TypeError(f"type '_thread.{cls.__bases__[0].__name__}' is not an acceptable base type")


def _dispatching(name: str, real: Any, virtual: Any) -> Any:
    names = {
        "__module__": "_thread",
        "__init_subclass__": classmethod(_no_base),
        "kinds": (real, virtual),
    }
    return _Dispatching(name, (), names)


def entries() -> list[Entry]:
    """The table's rows for this version."""
    import _thread

    real: Any = _thread
    handle = _dispatching("_ThreadHandle", real._ThreadHandle, SimHandle)
    lock = _dispatching("lock", real.lock, SimLock)
    return [
        Entry("_thread", "start_joinable_thread", start_joinable_thread),
        Entry("_thread", "_make_thread_handle", make_thread_handle),
        Entry("_thread", "_get_main_thread_ident", get_main_thread_ident),
        Entry("_thread", "_ThreadHandle", handle, "raw"),
        Entry("_thread", "lock", lock, "raw"),
    ]
