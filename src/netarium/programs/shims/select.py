"""Virtual `select`, `poll` and `epoll` over readiness masks. Stock `selectors` and asyncio run on top.

A descriptor the kernel knows (below 1 << 30) cannot be waited for inside the net: waiting for the real world would
stop virtual time. Such a call is refused by name.
"""

from __future__ import annotations

import errno
import operator
import os
import select as real
import stat
from collections.abc import Callable, Hashable, Iterable
from typing import Any

from greenlet import getcurrent

from netarium.engine.events import NEVER_NS
from netarium.programs.scheduler import CALLS_BEFORE_YIELD, WAIT_ASK, WAIT_REST, WAIT_WORK, Task, TaskGreenlet
from netarium.programs.shims.os import RefusedError, virtual_number
from netarium.sockets.epoll import ALWAYS, Epoll
from netarium.sockets.errno import os_error
from netarium.sockets.readiness import ERR, HUP, IN, NVAL, OUT, PRI, RDNORM, WRNORM, Pollable

_fstat = os.fstat
_READ = IN | RDNORM | HUP | ERR
_WRITE = OUT | WRNORM | ERR
_EVENTS_MAX = 1 << 20
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


def _number(value: Any) -> int:
    if isinstance(value, int):
        number = value
    elif hasattr(value, "fileno"):
        number = value.fileno()
        if not isinstance(number, int):
            raise TypeError("fileno() returned a non-integer")
    else:
        raise TypeError("argument must be an int, or have a fileno() method.")
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


def _deadline(task: Task, seconds: float | None) -> int:
    """-1 for a poll that does not wait, NEVER_NS for ever."""
    if seconds is None:
        return NEVER_NS
    if seconds <= 0:
        return -1
    return task.scheduler.engine.now + -int(-seconds * 1_000_000_000 // 1)


def _wait(
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
            _charge(task)
        return found
    if deadline != NEVER_NS and deadline - task.scheduler.engine.now >= DAY_NS:
        task.scheduler.expect_nothing(task, key)
    wake = task.wake
    for each in pollables:
        each.waiters.append(wake)
    try:
        while True:
            if not task.scheduler.park(task, call, _Waited(pollables), deadline, kind, key):
                return attempt()
            found = attempt()
            if found:
                _charge(task)
                return found
    finally:
        for each in pollables:
            each.waiters.remove(wake)


def _charge(task: Task) -> None:
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
    lists = [[(each, _number(each)) for each in names] for names in (rlist, wlist, xlist)]
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
    found = _wait(task, "select", list(objects.values()), _deadline(task, timeout), attempt, key, kind)
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
        self._registered[_number(fd)] = _events(eventmask)

    def modify(self, fd: Any, eventmask: int) -> None:
        """Change what is watched for."""
        number = _number(fd)
        if number not in self._registered:
            raise os_error(errno.ENOENT)
        self._registered[number] = _events(eventmask)

    def unregister(self, fd: Any) -> None:
        """Watch no more."""
        del self._registered[_number(fd)]

    def poll(self, timeout: float | None = None) -> list[tuple[int, int]]:
        """(descriptor, events) of what is ready; the time-out is in milliseconds."""
        task = _inside("poll")
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
            found = _wait(
                task,
                "poll",
                watched,
                _deadline(task, seconds),
                attempt,
                key,
                WAIT_REST if restful else WAIT_WORK,
            )
        finally:
            self._polling = False
        return found or []


class SimEpoll:
    """As select.epoll objects."""

    def __init__(self, sizehint: int = -1, flags: int = 0) -> None:
        sizehint, flags = operator.index(sizehint), operator.index(flags)
        if sizehint < -1 or sizehint == 0:
            raise ValueError("negative sizehint")
        if flags & ~real.EPOLL_CLOEXEC:
            raise os_error(errno.EINVAL)
        task = _inside("epoll")
        self._process = task.process
        self._core = Epoll()
        self._number = self._process.descriptors.add(self._core)
        self._watch: list[Pollable] = [self._core]

    @classmethod
    def fromfd(cls, fd: int) -> SimEpoll:
        """An object for an epoll descriptor that exists."""
        task = _inside("epoll")
        core = task.process.descriptors.get(fd)
        if not isinstance(core, Epoll):
            raise os_error(errno.EINVAL)
        made = cls.__new__(cls)
        made._process, made._core, made._number, made._watch = task.process, core, fd, [core]
        return made

    @property
    def closed(self) -> bool:
        """Whether it was closed."""
        return self._number < 0

    def _check(self) -> None:
        if self._number < 0:
            raise ValueError("I/O operation on closed epoll object")

    def fileno(self) -> int:
        """The descriptor."""
        self._check()
        return self._number

    def close(self) -> None:
        """Let go of it."""
        number, self._number = self._number, -1
        if number >= 0 and not self._process.ended:
            self._process.descriptors.close(number)

    def register(self, fd: Any, eventmask: int = IN | PRI | OUT) -> None:
        """EPOLL_CTL_ADD."""
        self._check()
        number = _number(fd)
        self._core.register(number, self._find(number), eventmask)

    def modify(self, fd: Any, eventmask: int) -> None:
        """EPOLL_CTL_MOD."""
        self._check()
        number = _number(fd)
        self._core.modify(number, self._find(number), eventmask)

    def unregister(self, fd: Any) -> None:
        """EPOLL_CTL_DEL."""
        self._check()
        number = _number(fd)
        self._find(number)
        self._core.unregister(number)

    def _find(self, number: int) -> Pollable:
        if virtual_number(number) < 0:
            # As Linux answers for a regular file, which epoll does not take.
            raise os_error(errno.EPERM)
        return self._process.descriptors.get(virtual_number(number))

    def poll(self, timeout: float | None = None, maxevents: int = -1) -> list[tuple[int, int]]:
        """(descriptor, events) of what is ready; the time-out is in seconds."""
        self._check()
        if self._core.closed:
            raise os_error(errno.EBADF)
        if maxevents == -1:
            maxevents = _EVENTS_MAX
        elif maxevents <= 0:
            raise ValueError(f"maxevents must be greater than 0, got {maxevents}")
        current = getcurrent()
        if type(current) is not TaskGreenlet:
            raise RuntimeError("a virtual epoll object is used outside the net")
        task = current.task
        core = self._core
        ready = core.poll(maxevents)
        if ready:
            _charge(task)
            return ready
        seconds = None if timeout is None or timeout < 0 else timeout
        key = ("epoll", self._number, core.version)
        found = _wait(
            task,
            "epoll",
            self._watch,
            _deadline(task, seconds),
            lambda: core.poll(maxevents),
            key,
            WAIT_ASK,
        )
        return found or []

    def __enter__(self) -> SimEpoll:
        self._check()
        return self

    def __exit__(self, *details: Any) -> None:
        self.close()

    def __del__(self) -> None:
        if getattr(self, "_number", -1) >= 0 and not self._process.ended:
            self._process.scheduler.doomed.append((self._process, self._number, self._core))
            self._number = -1


def _inside(call: str) -> Task:
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


class _EpollMeta(type):
    def __call__(cls, *args: Any, **keywords: Any) -> Any:
        if type(getcurrent()) is TaskGreenlet:
            return SimEpoll(*args, **keywords)
        return _real_epoll(*args, **keywords)

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, _real_epoll | SimEpoll)


_real_epoll = real.epoll


class epoll(metaclass=_EpollMeta):
    """select.epoll, inside or outside."""

    @staticmethod
    def fromfd(fd: int) -> Any:
        """As select.epoll.fromfd."""
        return (SimEpoll if type(getcurrent()) is TaskGreenlet else _real_epoll).fromfd(fd)
