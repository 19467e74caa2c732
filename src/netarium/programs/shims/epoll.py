"""Virtual `epoll` over the sets of `sockets.epoll`; select and poll are in `select`."""

from __future__ import annotations

import errno
import operator
import os
import select as real
from typing import Any

from greenlet import getcurrent

from netarium.programs.shims.os import virtual_number
from netarium.programs.shims.select import charge, deadline_of, inside, number_of, wait
from netarium.programs.task import WAIT_ASK, TaskGreenlet
from netarium.sockets.epoll import Epoll
from netarium.sockets.errno import os_error
from netarium.sockets.readiness import IN, OUT, PRI, Pollable

_EVENTS_MAX = 1 << 20
_real_fstat = os.fstat


class SimEpoll:
    """As select.epoll objects."""

    def __init__(self, sizehint: int = -1, flags: int = 0) -> None:
        sizehint, flags = operator.index(sizehint), operator.index(flags)
        if sizehint < -1 or sizehint == 0:
            raise ValueError("negative sizehint")
        if flags & ~real.EPOLL_CLOEXEC:
            raise os_error(errno.EINVAL)
        task = inside("epoll")
        self._process = task.process
        self._core = Epoll()
        self._number = self._process.descriptors.add(self._core)
        self._watch: list[Pollable] = [self._core]

    @classmethod
    def fromfd(cls, fd: int) -> SimEpoll:
        """An object for an epoll descriptor that exists."""
        task = inside("epoll")
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
        number = number_of(fd)
        self._core.register(number, self._find(number), eventmask)

    def modify(self, fd: Any, eventmask: int) -> None:
        """EPOLL_CTL_MOD."""
        self._check()
        number = number_of(fd)
        self._core.modify(number, self._find(number), eventmask)

    def unregister(self, fd: Any) -> None:
        """EPOLL_CTL_DEL."""
        self._check()
        number = number_of(fd)
        self._find(number)
        self._core.unregister(number)

    def _find(self, number: int) -> Pollable:
        if virtual_number(number) < 0:
            _real_fstat(number)  # EBADF where there is nothing
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
            charge(task)
            return ready
        seconds = None if timeout is None or timeout < 0 else timeout
        key = ("epoll", self._number, core.version)
        found = wait(
            task,
            "epoll",
            self._watch,
            deadline_of(task, seconds),
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
