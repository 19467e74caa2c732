"""One process' descriptors. Their numbers begin at 1 << 30, which the kernel never hands out.

So a call that was missed by the shims fails with EBADF instead of reaching a real descriptor. Standard input, output
and error are the first three.
"""

from __future__ import annotations

import errno
from heapq import heappop, heappush
from typing import Final, Protocol
from weakref import ref

from netarium.sockets.errno import os_error
from netarium.sockets.readiness import Pollable

DESCRIPTOR_BASE: Final = 1 << 30
DESCRIPTORS_MAX: Final = 1 << 20
"""As `ulimit -n` of a generous server: RLIMIT_NOFILE 1,048,576."""


class Holder(Protocol):
    """A program's object that makes its calls by a descriptor's number, and keeps at hand what that means."""

    def descriptor_means(self, number: int, pollable: Pollable | None) -> bool:
        """Told that the number means something else now, or nothing; whether it still goes by this number."""


class Descriptors:
    """Numbers to open objects; the lowest free number is given first (POSIX)."""

    def __init__(self) -> None:
        self._objects: dict[int, Pollable] = {}
        self._holders: dict[int, tuple[ref[Holder], ...]] = {}
        self._free: list[int] = []
        self._next = DESCRIPTOR_BASE
        self.inheritable: dict[int, bool] = {}

    def add(self, pollable: Pollable) -> int:
        """Give `pollable` a number. EMFILE when there are too many."""
        if self._free:
            number = heappop(self._free)
        elif self._next - DESCRIPTOR_BASE < DESCRIPTORS_MAX:
            number = self._next
            self._next += 1
        else:
            raise os_error(errno.EMFILE)
        self._objects[number] = pollable
        pollable.retain()
        if number in self._holders:
            self._tell(number, pollable)
        return number

    def attach(self, number: int, holder: Holder) -> None:
        """Tell `holder`, while it lives, when this number is closed, and when it means something again."""
        self._holders[number] = (*self._holders.get(number, ()), ref(holder))

    def _tell(self, number: int, pollable: Pollable | None) -> None:
        left = []
        for each in self._holders.pop(number):
            holder = each()
            if holder is not None and holder.descriptor_means(number, pollable):
                left.append(each)
        if left:
            self._holders[number] = tuple(left)

    def get(self, number: int) -> Pollable:
        """What has this number. EBADF when nothing has."""
        pollable = self._objects.get(number)
        if pollable is None:
            raise os_error(errno.EBADF)
        return pollable

    def find(self, number: int) -> Pollable | None:
        """What has this number, or None."""
        return self._objects.get(number)

    def dup(self, number: int) -> int:
        """A second number for the same object."""
        return self.add(self.get(number))

    def replace(self, number: int, pollable: Pollable) -> None:
        """As dup2: `number`, open or not, now means `pollable`."""
        pollable.retain()
        old = self._objects.get(number)
        if old is None:
            while self._next <= number:
                heappush(self._free, self._next)
                self._next += 1
            if number in self._free:
                self._free.remove(number)
        self._objects[number] = pollable
        if number in self._holders:
            self._tell(number, pollable)
        if old is not None:
            old.release()

    def close(self, number: int) -> None:
        """Free the number; the object is closed with its last one. EBADF when nothing has it."""
        pollable = self._objects.pop(number, None)
        if pollable is None:
            raise os_error(errno.EBADF)
        heappush(self._free, number)
        self.inheritable.pop(number, None)
        if number in self._holders:
            self._tell(number, None)
        pollable.release()

    def close_all(self) -> None:
        """What the kernel does when a process ends: in order of number."""
        self._holders.clear()
        for number in sorted(self._objects):
            self._objects.pop(number).release()
        self._free.clear()
        self._next = DESCRIPTOR_BASE

    def items(self) -> list[tuple[int, Pollable]]:
        """(number, object), in order of number."""
        return sorted(self._objects.items(), key=lambda item: item[0])

    def __len__(self) -> int:
        return len(self._objects)
