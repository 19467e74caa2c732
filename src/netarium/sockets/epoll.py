"""epoll over readiness masks; select and poll ask `readiness()` themselves.

An `Epoll` keeps a candidate list: what changed since it was last found not ready. Polling looks at the candidates
alone, so it costs O(ready), however many descriptors are registered (epoll(7), "ready list").
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from typing import Final

from netarium.sockets.errno import os_error
from netarium.sockets.readiness import EDGE, ERR, EXCLUSIVE, HUP, IN, ONESHOT, Pollable

_FLAGS: Final = EDGE | ONESHOT | EXCLUSIVE
ALWAYS: Final = ERR | HUP
"""Reported whether asked for or not."""


class _Registration:
    __slots__ = ("armed", "candidate", "events", "number", "pollable", "waiter")

    def __init__(self, number: int, pollable: Pollable, events: int, waiter: Callable[[], None]) -> None:
        self.number = number
        self.pollable = pollable
        self.events = events
        self.waiter = waiter
        self.armed = True
        self.candidate = False


class Epoll(Pollable):
    """One epoll instance; itself pollable (nesting)."""

    __slots__ = ("_candidates", "_registrations", "version")

    def __init__(self) -> None:
        super().__init__()
        self._registrations: dict[int, _Registration] = {}
        self._candidates: list[_Registration] = []
        self.version = 0
        """Counts changes of the set: two waits with the same version wait for the same descriptors."""

    @property
    def restful(self) -> bool:
        """Whether a listening or bound socket is registered for reading."""
        return any(each.events & IN and each.pollable.restful for each in self._registrations.values())

    def register(self, number: int, pollable: Pollable, events: int) -> None:
        """EPOLL_CTL_ADD. EEXIST when it is there, EINVAL for itself."""
        known = self._registrations.get(number)
        if known is not None:
            if known.pollable is pollable and not pollable.closed:
                raise os_error(errno.EEXIST)
            self._forget(known)
        if pollable is self:
            raise os_error(errno.EINVAL)
        registration = _Registration(number, pollable, events, _nothing)

        def waiter() -> None:
            self._became_candidate(registration)

        registration.waiter = waiter
        self._registrations[number] = registration
        pollable.waiters.append(waiter)
        self.version += 1
        self._became_candidate(registration)

    def modify(self, number: int, pollable: Pollable, events: int) -> None:
        """EPOLL_CTL_MOD. ENOENT when it is not registered."""
        registration = self._registrations.get(number)
        if registration is None or registration.pollable is not pollable:
            raise os_error(errno.ENOENT)
        registration.events = events
        registration.armed = True
        self.version += 1
        self._became_candidate(registration)

    def unregister(self, number: int) -> None:
        """EPOLL_CTL_DEL. ENOENT when it is not registered."""
        registration = self._registrations.get(number)
        if registration is None:
            raise os_error(errno.ENOENT)
        self._forget(registration)

    def poll(self, events_max: int) -> list[tuple[int, int]]:
        """(number, events) of what is ready now, at most `events_max`, in the order it became ready."""
        candidates = self._candidates
        if not candidates:
            return []
        ready: list[tuple[int, int]] = []
        again: list[_Registration] = []
        taken = 0
        for registration in candidates:
            if len(ready) >= events_max:
                break
            taken += 1
            registration.candidate = False
            if not registration.armed:
                continue
            if registration.pollable.closed:
                self._forget(registration)
                continue
            events = registration.pollable.readiness() & (registration.events | ALWAYS) & ~_FLAGS
            if not events:
                continue
            ready.append((registration.number, events))
            if registration.events & ONESHOT:
                registration.armed = False
            elif not registration.events & EDGE:
                registration.candidate = True
                again.append(registration)
        # Those that were reported go to the end, so that a small `events_max` starves nobody.
        self._candidates = candidates[taken:] + again
        return ready

    def watched(self) -> Iterator[Pollable]:
        """What is registered, in the order of registering."""
        return (each.pollable for each in self._registrations.values())

    def readiness(self) -> int:
        """Readable when something registered is ready."""
        for registration in self._candidates:
            if registration.armed and not registration.pollable.closed:
                events = registration.pollable.readiness() & (registration.events | ALWAYS) & ~_FLAGS
                if events:
                    return IN
        return 0

    def describe(self, call: str = "") -> str:
        """What is registered, for the deadlock report."""
        texts = [each.pollable.describe(call) for each in self._registrations.values()]
        return ", ".join(text for text in texts if text)

    def close(self) -> None:
        """Forget all registrations."""
        for registration in list(self._registrations.values()):
            self._forget(registration)

    def _became_candidate(self, registration: _Registration) -> None:
        if not registration.candidate:
            registration.candidate = True
            self._candidates.append(registration)
        self.changed()

    def _forget(self, registration: _Registration) -> None:
        registration.armed = False
        self._registrations.pop(registration.number, None)
        if registration.waiter in registration.pollable.waiters:
            registration.pollable.waiters.remove(registration.waiter)
        self.version += 1


def _nothing() -> None:
    """The waiter of a registration that is being made."""
