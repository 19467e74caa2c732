"""One thread of a simulated process as the scheduler knows it: its greenlet, what it waits for; a process' tables."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, Any, Protocol
from weakref import WeakKeyDictionary

from greenlet import greenlet

from netarium.engine.events import NEVER_NS

if TYPE_CHECKING:
    from netarium.programs.process import Process

CALL_COST_NS = 1_000
"""What one virtual system call costs in virtual time when nothing else makes time pass."""
CALLS_BEFORE_YIELD = 256
"""After so many calls at one instant a task sleeps for their cost."""

WAIT_WORK = 0
"""Waits for something that is to come: recv, connect, sendall, sleep, input."""
WAIT_REST = 1
"""Waits where a server rests: accept, recvfrom on a bound port, select with such a socket."""
WAIT_LOCK = 2
"""Waits for another task: locks, queues, joins."""
WAIT_ASK = 3
"""WAIT_REST or WAIT_WORK: what is waited for is asked when somebody wants to know. An epoll set may be large."""


class Describable(Protocol):
    """What a task waits for; asked only when a report is written."""

    def describe(self, call: str = "") -> str:
        """Such as `from 10.0.0.1:80`; empty when there is nothing to say."""
        ...


class TaskGreenlet(greenlet):
    """The greenlet of one task; dispatchers know by its type that they are inside the net."""

    __slots__ = ("task",)  # every virtual call reads it, and a slot is read fastest

    task: Task


class Task:
    """One thread of a simulated process. `wake` is bound once, so that waiters cost no allocation."""

    __slots__ = (
        "asyncgen_hooks",
        "call",
        "calls",
        "calls_charged",
        "calls_limit",
        "deadline_ns",
        "entry_ns",
        "foreground",
        "function",
        "greenlet",
        "ident",
        "idle_activity",
        "idle_calls",
        "idle_count",
        "idle_key",
        "in_call",
        "is_ready",
        "kills",
        "kind",
        "local",
        "locks",
        "name",
        "parked",
        "parked_at_ns",
        "process",
        "reads",
        "running_loop",
        "scheduler",
        "target",
        "timed_out",
        "wake",
    )

    def __init__(self, process: Process, function: Callable[[], Any], name: str) -> None:
        self.process = process
        self.scheduler = process.scheduler
        self.function = function
        self.name = name
        self.greenlet: TaskGreenlet | None = None
        self.ident = 0
        self.in_call = False
        """A watched call is running; those it makes by itself are not told."""
        self.is_ready = False
        self.parked = False
        self.timed_out = False
        self.deadline_ns = NEVER_NS
        self.entry_ns = NEVER_NS
        self.foreground = False
        self.call = ""
        self.target: Describable | None = None
        self.kind = WAIT_WORK
        self.idle_key: Hashable = None
        """The descriptors of the last wait that timed out, `idle_count` how often in a row it was the same ones."""
        self.idle_count = 0
        self.idle_calls = -1
        self.idle_activity = -1
        self.calls = 0
        """Counted by every virtual call that is I/O; past `calls_limit` the call charges for them."""
        self.calls_charged = 0
        self.calls_limit = CALLS_BEFORE_YIELD
        self.reads = 0
        """Clock reads and empty polls since time last passed: they cost time, but are no I/O."""
        self.locks = 0
        """Free locks taken since time last passed."""
        self.parked_at_ns = 0
        self.kills = 0
        self.local: dict[Any, Any] = {}
        self.running_loop: Any = None
        self.asyncgen_hooks: Any = None
        self.wake: Callable[[], None] = self._wake

    def _wake(self) -> None:
        if not self.is_ready:
            self.is_ready = True
            self.timed_out = False
            self.scheduler.ready.append(self)

    def fire(self, argument: Any) -> None:
        """The engine's entry of this task is due: time out, arm again or ignore a stale entry."""
        now = self.scheduler.engine.now
        if self.entry_ns != now:
            return
        self.entry_ns = NEVER_NS
        if self.deadline_ns > now:
            if self.deadline_ns != NEVER_NS:
                self.entry_ns = self.deadline_ns
                self.scheduler.engine.at(self.deadline_ns, self)
        elif self.parked and not self.is_ready:
            self._wake()
            self.timed_out = True

    @property
    def rests(self) -> bool:
        """Waits where a server rests."""
        if self.kind == WAIT_ASK:
            return bool(getattr(self.target, "restful", False))
        return self.kind == WAIT_REST

    @property
    def idle(self) -> bool:
        """Parked in a wait whose time-out leads back to itself: no work is to be expected of it."""
        return (
            self.parked and self.deadline_ns != NEVER_NS and not self.foreground and not self.process.daemon
        )


class ThreadTables:
    """What `threading` and `concurrent.futures` keep, of one process."""

    def __init__(self) -> None:
        self.active: dict[int, Any] = {}
        self.limbo: dict[Any, Any] = {}
        self.shutdown_locks: set[Any] = set()
        self.pool_queues: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()
        self.exit_functions: list[Callable[[], Any]] = []
        """threading._register_atexit: called before its threads are joined."""
        self.shutting_down = False
        """Its main thread is over, its threads are being joined or were."""
        self.pools_ended = False
        """The flag `_shutdown` of concurrent.futures.thread."""
        self.main: Any = None
        self.idents = 0
        self.names = 0
        self.stack_size = 0
