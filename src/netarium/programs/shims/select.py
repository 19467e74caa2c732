"""Virtual `select` and `poll` over readiness masks; `epoll` is next door. Stock `selectors` and asyncio run on top.

A descriptor the kernel knows (below 1 << 30) cannot be waited for inside the net: waiting for the real world would
stop virtual time. Such a call is refused by name.
"""

from __future__ import annotations

import errno
import operator
import os
import stat
from collections.abc import Callable, Hashable, Iterable
from typing import Any

from greenlet import getcurrent

from netarium.engine.events import NEVER_NS
from netarium.programs.shims.os import RefusedError, virtual_number
from netarium.programs.task import CALLS_BEFORE_YIELD, WAIT_REST, WAIT_WORK, Task, TaskGreenlet
from netarium.sockets.base import AF_UNIX, Socket
from netarium.sockets.epoll import ALWAYS
from netarium.sockets.errno import os_error
from netarium.sockets.readiness import ERR, HUP, IN, NVAL, OUT, PRI, RDNORM, WRNORM, Pollable

_fstat = os.fstat
_READ = IN | RDNORM | HUP | ERR
_WRITE = OUT | WRNORM | ERR
DAY_NS = 86_400_000_000_000
"""asyncio and trio never wait longer than this at a time: such a time-out stands for none, and is no work to come."""


class _Waited:
    """What a task waits for in select or poll, for the deadlock report."""

    def __init__(self, pollables: Iterable[Pollable]) -> None:
        self._pollables = list(pollables)

    @property
    def restful(self) -> bool:
        """Whether one of them is where a server rests."""
        return any(each.restful for each in self._pollables)

    def describe(self, call: str = "") -> str:
        """All of them."""
        texts = [each.describe(call).removeprefix("for ") for each in self._pollables]
        return "for " + ", ".join(text for text in texts if text) if any(texts) else ""


def number_of(value: Any) -> int:
    """The descriptor a value stands for. Errors as CPython's."""
    if isinstance(value, int):
        number = value
    elif hasattr(value, "fileno"):
        number = value.fileno()
        if not isinstance(number, int):
            raise TypeError("fileno() returned a non-integer")
    else:
        raise TypeError("argument must be an int, or have a fileno() method.")
    if not -(1 << 31) <= number < 1 << 31:
        raise OverflowError("Python int too large to convert to C int")
    if number < 0:
        raise ValueError(f"file descriptor cannot be a negative integer ({number})")
    return number


class _RegularFile(Pollable):
    """A real file: as on Linux select and poll find it ready at all times."""

    __slots__ = ()

    def readiness(self) -> int:
        """Readable and writable."""
        return IN | OUT | RDNORM | WRNORM


_REGULAR_FILE = _RegularFile()


def _pollable(task: Task, number: int, call: str) -> Pollable | None:
    virtual = virtual_number(number)
    if virtual >= 0:
        return task.process.descriptors.find(virtual)
    try:
        mode = _fstat(number).st_mode
    except OSError:
        return None
    if stat.S_ISREG(mode):
        return _REGULAR_FILE
    raise RefusedError(
        f"{call}() of program {task.process.name} on {task.process.host.name}: descriptor {number} is a real one "
        "(a device or a terminal); inside the net only sockets, pipes, files and the standard streams can be waited for"
    )


def deadline_of(task: Task, seconds: float | None) -> int:
    """-1 for a poll that does not wait, NEVER_NS for ever."""
    if seconds is None:
        return NEVER_NS
    if seconds <= 0:
        return -1
    return task.scheduler.engine.now + -int(-seconds * 1_000_000_000 // 1)


def _hears_the_net(pollable: Pollable) -> bool:
    """Whether something may come from outside the program: what is there for its own threads does not count."""
    watched = getattr(pollable, "watched", None)
    if watched is not None:
        return any(_hears_the_net(each) for each in watched())
    return isinstance(pollable, Socket) and (pollable.family != AF_UNIX or pollable.restful)


def wait(
    task: Task,
    call: str,
    pollables: list[Pollable],
    deadline: int,
    attempt: Callable[[], Any],
    key: Hashable,
    kind: int,
) -> Any:
    """Park until `attempt` finds something or the deadline has come; its last answer."""
    found = attempt()
    if found or deadline == -1:
        if not found:
            task.reads += 1
            if task.reads > CALLS_BEFORE_YIELD:
                task.scheduler.charge(task)
        else:
            charge(task)
        return found
    if deadline != NEVER_NS:
        if deadline - task.scheduler.engine.now >= DAY_NS:
            task.scheduler.expect_nothing(task, key)
        elif not any(_hears_the_net(each) for each in pollables):
            key = None  # it only sleeps: asyncio waits so where it has nothing but timers
    wake = task.wake
    for each in pollables:
        each.waiters.append(wake)
    try:
        while True:
            if not task.scheduler.park(task, call, _Waited(pollables), deadline, kind, key):
                return attempt()
            found = attempt()
            if found:
                charge(task)
                return found
    finally:
        for each in pollables:
            each.waiters.remove(wake)


def charge(task: Task) -> None:
    """What a call costs that found something."""
    task.calls = calls = task.calls + 1
    if calls > task.calls_limit:
        task.scheduler.charge(task)


def select(
    task: Task, rlist: Any, wlist: Any, xlist: Any, timeout: float | None = None
) -> tuple[list[Any], ...]:
    """As select.select."""
    if timeout is not None:
        if not isinstance(timeout, int | float):
            raise TypeError("timeout must be a number or None")
        if timeout < 0:
            raise ValueError("timeout must be non-negative")
    lists = [[(each, number_of(each)) for each in names] for names in (rlist, wlist, xlist)]
    objects: dict[int, Pollable] = {}
    for names in lists:
        for _, number in names:
            found = _pollable(task, number, "select")
            if found is None:
                raise os_error(errno.EBADF)
            objects[number] = found
    masks = (_READ, _WRITE, PRI)

    def attempt() -> tuple[list[Any], ...]:
        ready: list[list[Any]] = []
        for names, mask in zip(lists, masks, strict=True):
            ready.append([each for each, number in names if objects[number].readiness() & mask])
        return tuple(ready) if any(ready) else ()

    kind = WAIT_REST if any(objects[number].restful for _, number in lists[0]) else WAIT_WORK
    key = ("select", *(tuple(number for _, number in names) for names in lists))
    found = wait(task, "select", list(objects.values()), deadline_of(task, timeout), attempt, key, kind)
    return found or ([], [], [])


def _events(value: Any) -> int:
    """An event mask as CPython reads an unsigned short."""
    number = operator.index(value)
    if number < 0:
        raise ValueError("value must be positive")
    if number > 0xFFFF:
        raise OverflowError("Python int too large for C unsigned short")
    return number


class Poll:
    """As select.poll objects."""

    def __new__(cls, *args: Any) -> Poll:
        """As the C type: only select.poll() makes them."""
        raise TypeError("cannot create 'select.poll' instances")

    def _prepare(self) -> None:
        self._registered: dict[int, int] = {}
        self._polling = False

    def register(self, fd: Any, eventmask: int = IN | PRI | OUT) -> None:
        """Watch a descriptor."""
        self._registered[number_of(fd)] = _events(eventmask)

    def modify(self, fd: Any, eventmask: int) -> None:
        """Change what is watched for."""
        number = number_of(fd)
        if number not in self._registered:
            raise os_error(errno.ENOENT)
        self._registered[number] = _events(eventmask)

    def unregister(self, fd: Any) -> None:
        """Watch no more."""
        del self._registered[number_of(fd)]

    def poll(self, timeout: float | None = None) -> list[tuple[int, int]]:
        """(descriptor, events) of what is ready; the time-out is in milliseconds."""
        task = inside("poll")
        if timeout is not None and not isinstance(timeout, int | float):
            raise TypeError("timeout must be an integer or None")
        if timeout is not None and not -(1 << 31) <= timeout < 1 << 31:
            raise OverflowError("timeout is too large")
        if self._polling:
            raise RuntimeError("concurrent poll() invocation")
        objects = {number: _pollable(task, number, "poll") for number in self._registered}
        registered = dict(self._registered)

        def attempt() -> list[tuple[int, int]]:
            ready = []
            for number, wanted in registered.items():
                each = objects[number]
                mask = NVAL if each is None else each.readiness() & (wanted | ALWAYS)
                if mask:
                    ready.append((number, mask))
            return ready

        watched = [each for each in objects.values() if each is not None]
        restful = any(
            each is not None and each.restful and registered[number] & IN for number, each in objects.items()
        )
        seconds = None if timeout is None or timeout < 0 else timeout / 1000
        key = ("poll", *registered.items())
        self._polling = True
        try:
            found = wait(
                task,
                "poll",
                watched,
                deadline_of(task, seconds),
                attempt,
                key,
                WAIT_REST if restful else WAIT_WORK,
            )
        finally:
            self._polling = False
        return found or []


def inside(call: str) -> Task:
    """The task that calls; RuntimeError outside the net."""
    current = getcurrent()
    if type(current) is not TaskGreenlet:
        raise RuntimeError(f"a virtual {call} object is used outside the net")
    return current.task


Poll.__module__, Poll.__qualname__, Poll.__name__ = "select", "poll", "poll"


def poll(task: Task) -> Poll:
    """As select.poll."""
    made = object.__new__(Poll)
    made._prepare()
    return made
