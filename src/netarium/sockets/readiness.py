"""The readiness mask and the waiters that everything with a descriptor has. The bits are Linux' (epoll_ctl(2))."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

IN: Final = 0x001
PRI: Final = 0x002
OUT: Final = 0x004
ERR: Final = 0x008
HUP: Final = 0x010
NVAL: Final = 0x020
RDNORM: Final = 0x040
RDBAND: Final = 0x080
WRNORM: Final = 0x100
WRBAND: Final = 0x200
RDHUP: Final = 0x2000
EXCLUSIVE: Final = 1 << 28
ONESHOT: Final = 1 << 30
EDGE: Final = 1 << 31


class Pollable:
    """Something with a descriptor. `waiters` are called, in order, whenever the mask may have changed.

    `users` counts the descriptors that share it (dup); the last `release` closes it. `restful` says whether a wait
    on it is a server's rest (DESIGN 3): a listening socket, or a UDP socket bound by the program.
    """

    __slots__ = ("closed", "nonblocking", "users", "waiters")

    def __init__(self) -> None:
        self.waiters: list[Callable[[], None]] = []
        self.nonblocking = False
        """O_NONBLOCK, which all descriptors of it share."""
        self.users = 0
        self.closed = False

    @property
    def restful(self) -> bool:
        """Whether waiting here is a server's rest."""
        return False

    def readiness(self) -> int:
        """The bits that hold now."""
        raise NotImplementedError

    def changed(self) -> None:
        """Tell the waiters. They may remove themselves while being told."""
        waiters = self.waiters
        if len(waiters) == 1:
            waiters[0]()
        elif waiters:
            for waiter in tuple(waiters):
                waiter()

    def describe(self, call: str = "") -> str:
        """What a report says a task waits for, such as `from 10.0.0.1:80`."""
        return ""

    def retain(self) -> None:
        """One more descriptor shares it."""
        self.users += 1

    def release(self) -> None:
        """One descriptor less; the last one closes it."""
        self.users -= 1
        if self.users == 0 and not self.closed:
            self.closed = True
            self.close()
            self.changed()

    def close(self) -> None:
        """Let go of what it holds in the stack. Called once."""
