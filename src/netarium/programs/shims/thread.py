"""Virtual `_thread`, `threading` and `queue`: a thread of a program is a task, a lock parks the task.

Locks made inside a task are `SimLock`s. Locks that shared modules made at import, outside, become `DualLock`s: the real
one outside, one virtual lock per process inside; otherwise a task that parks while it holds a real lock would stop the
OS thread for all. `threading`'s own tables (`_active`, ...) are per process too.
"""

from __future__ import annotations

import _queue
import _thread as real
import queue as real_queue
import sys
import threading as real_threading
from collections.abc import Callable, Iterator
from signal import NSIG
from typing import Any

from greenlet import getcurrent

from netarium.programs.report import tell_ignored
from netarium.programs.shims import idents
from netarium.programs.shims.idents import ident_of
from netarium.programs.shims.local import adopt_locals
from netarium.programs.shims.locks import DualLock, SimLock, SimRLock, look
from netarium.programs.signals import REAL_INTERRUPTS, default_handler
from netarium.programs.task import Task, TaskGreenlet

_real_get_ident = real.get_ident
_LOCK_TYPES = (type(real.allocate_lock()), real.RLock)


def allocate_lock(task: Task) -> SimLock:
    """As _thread.allocate_lock."""
    return SimLock()


def rlock(task: Task, *args: Any, **keywords: Any) -> SimRLock:
    """As _thread.RLock."""
    return SimRLock()


def get_ident(task: Task) -> int:
    """As _thread.get_ident."""
    return task.ident or ident_of(task)


def get_native_id(task: Task) -> int:
    """The main thread's is the process id, as on Linux."""
    return task.process.pid + (get_ident(task) & 0xFFFFF) - 1


def start_new_thread(task: Task, function: Callable[..., Any], args: Any, kwargs: Any = None) -> int:
    """As _thread.start_new_thread."""
    if not callable(function):
        raise TypeError("first arg must be callable")
    if not isinstance(args, tuple):
        raise TypeError("2nd arg must be a tuple")
    if kwargs is not None and not isinstance(kwargs, dict):
        raise TypeError("optional 3rd arg must be a dictionary")

    def body() -> None:
        try:
            function(*args, **(kwargs or {}))
        except SystemExit:
            raise
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt) and REAL_INTERRUPTS.happened:
                raise
            tell_ignored(task.process, error, "Exception ignored in thread started by", function)

    return get_ident(spawn(task, body))


def spawn(task: Task, function: Callable[[], Any]) -> Task:
    """A new task of the same process."""
    task.calls += 1
    _separate_pools()
    process = task.process
    holder: list[Task] = []

    def body() -> None:
        own = holder[0]
        try:
            process.run_task(own, function)
        finally:
            for sentinel in own.local.pop("sentinels", ()):
                if sentinel.locked():
                    sentinel.release()

    started = task.scheduler.spawn(process, body, f"thread {process.threads.idents + 1}")
    holder.append(started)
    process.masks.inherit(task, started)
    ident_of(started)
    return started


def set_sentinel(task: Task) -> SimLock:
    """A lock that is released when the task ends."""
    lock = SimLock()
    task.local.setdefault("sentinels", []).append(lock)
    return lock


def is_set(task: Task, event: Any) -> bool:
    """As threading.Event.is_set."""
    look(task)
    return event._flag  # type: ignore[no-any-return]


def stack_size(task: Task, size: int | None = None) -> int:
    """As _thread.stack_size: what was chosen is kept; greenlets have the stack they need."""
    threads = task.process.threads
    before = threads.stack_size
    if size is not None:
        if size < 0:
            raise ValueError("size must be 0 or a positive value")
        if size and size < 32_768:
            raise ValueError(f"size not valid: {size} bytes")
        threads.stack_size = size
    return before


def interrupt_main(task: Task, signum: int = 2) -> None:
    """A signal to this process; ignored when its handler is SIG_IGN or SIG_DFL, as in CPython."""
    if not 1 <= signum < NSIG:
        raise ValueError("signal number out of range")
    if callable(task.process.signal_handlers.get(int(signum), default_handler(int(signum)))):
        task.process.kill(int(signum))
    task.scheduler.check_signals(task)


def count(task: Task) -> int:
    """How many threads the process has."""
    return len(task.process.tasks) - 1


def main_thread(task: Task) -> Any:
    """The process' threading.main_thread()."""
    found = task.process.threads.main
    if found is None:
        begin_process(task)
        found = task.process.threads.main
    return found


class _MainThread(real_threading.Thread):
    """The main thread of a simulated process, as `threading._MainThread` is the interpreter's."""

    def __init__(self) -> None:
        super().__init__(name="MainThread", daemon=False)


def begin_process(task: Task) -> None:
    """Called in the main task of a process before its program: its thread object and tables."""
    process = task.process
    thread = _MainThread()
    process.threads.names = 0
    process.threads.main = thread
    thread._started._flag = True  # type: ignore[attr-defined]
    thread._ident = get_ident(task)  # type: ignore[attr-defined]
    thread._native_id = get_native_id(task)  # type: ignore[attr-defined]
    if hasattr(thread, "_tstate_lock"):
        thread._tstate_lock = set_sentinel(task)
        thread._tstate_lock.acquire()
    else:
        thread._handle._begin()  # type: ignore[attr-defined]
    process.threads.active[get_ident(task)] = thread


def join_all(process: Any) -> None:
    """What the interpreter does before it ends: pools are told to end, threads that are no daemons are joined."""
    threads = process.threads
    threads.shutting_down = True
    for function in reversed(threads.exit_functions):
        function()
    own = threads.active
    threads.pools_ended = True
    pools = list(threads.pool_queues.items())
    for _, work in pools:
        work.put(None)
    for thread, _ in pools:
        thread.join()
    while True:
        alive = [
            thread
            for ident, thread in list(own.items())
            if thread is not threads.main and not thread.daemon and thread.is_alive()
        ]
        if not alive:
            return
        for thread in alive:
            thread.join()


# threading's tables, per process.


class PerProcess:
    """A table of `threading`: inside a task the process' own, outside the real one."""

    def __init__(self, name: str, outside: Any) -> None:
        self._name = name
        self._outside = outside

    def _target(self) -> Any:
        current = getcurrent()
        if type(current) is TaskGreenlet:
            return getattr(current.task.process.threads, self._name)
        return self._outside

    def __getattr__(self, name: str) -> Any:
        return getattr(self._target(), name)

    def __getitem__(self, key: Any) -> Any:
        return self._target()[key]

    def __setitem__(self, key: Any, value: Any) -> None:
        self._target()[key] = value

    def __delitem__(self, key: Any) -> None:
        del self._target()[key]

    def __contains__(self, key: Any) -> bool:
        return key in self._target()

    def __iter__(self) -> Iterator[Any]:
        return iter(self._target())

    def __len__(self) -> int:
        return len(self._target())


class _PoolsEnded:
    """The flag of concurrent.futures that workers may end: inside the process' own, outside not yet."""

    def __bool__(self) -> bool:
        current = getcurrent()
        return type(current) is TaskGreenlet and current.task.process.threads.pools_ended


def _separate_pools() -> None:
    """What concurrent.futures keeps of its threads becomes per process, before the first entry is made inside."""
    pools: Any = sys.modules.get("concurrent.futures.thread")
    if pools is not None and not isinstance(pools._threads_queues, PerProcess):
        pools._threads_queues = PerProcess("pool_queues", pools._threads_queues)
        if not pools._shutdown:  # else the interpreter itself ends: it has set the flag for good
            pools._shutdown = _PoolsEnded()


class _QueueMeta(type):
    def __call__(cls, *args: Any, **keywords: Any) -> Any:
        if type(getcurrent()) is TaskGreenlet:
            return real_queue._PySimpleQueue(*args, **keywords)  # type: ignore[attr-defined]
        return _real_simple_queue(*args, **keywords)

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, _real_simple_queue | real_queue._PySimpleQueue)  # type: ignore[attr-defined]


_real_simple_queue = _queue.SimpleQueue


class SimpleQueue(metaclass=_QueueMeta):
    """queue.SimpleQueue: the C one outside, the Python one (on virtual locks) inside."""

    def __class_getitem__(cls, item: Any) -> Any:
        return cls


def install_threading() -> None:
    """Tables, names and locks of `threading`; called once, after the dispatchers are in place."""
    for name, attribute in (
        ("_active", "active"),
        ("_limbo", "limbo"),
        ("_shutdown_locks", "shutdown_locks"),
        ("_shutdown_handles", "shutdown_locks"),
    ):
        if hasattr(real_threading, name):
            setattr(real_threading, name, PerProcess(attribute, getattr(real_threading, name)))
    if hasattr(real_threading, "_counter"):
        outside_counter = real_threading._counter

        def counter() -> int:
            current = getcurrent()
            if type(current) is TaskGreenlet:
                current.task.process.threads.names += 1
                return current.task.process.threads.names
            return outside_counter()  # type: ignore[no-any-return]

        real_threading._counter = counter
    make_locks_dual()
    adopt_locals()
    idents.reserve()


def make_locks_dual() -> None:
    """Locks at module level in the standard library become dual."""
    for name, module in list(sys.modules.items()):
        top = name.partition(".")[0]
        if top not in sys.stdlib_module_names or top in ("threading", "_thread"):
            continue
        for key, value in list(getattr(module, "__dict__", {}).items()):
            if type(value) in _LOCK_TYPES:
                module.__dict__[key] = DualLock(value, SimLock if type(value) is _LOCK_TYPES[0] else SimRLock)
