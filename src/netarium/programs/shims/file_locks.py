"""Virtual waiting for locks on files (flock(2), lockf): the program waits in virtual time, never the whole net.

flock's locks are the real kernel's, only tried and never waited for: it knows which descriptions of files are still
open. The locks of lockf belong to a process, and all programs share the real one, so these are kept here; a file that
was closed has lost them, which is looked at when somebody wants them. Waiters try again after each turn of a task,
and each time in the order they came.
"""

from __future__ import annotations

import errno
import fcntl as real
import os
from collections.abc import Callable
from typing import Any, NamedTuple

from netarium.programs.shims.os import virtual_number
from netarium.programs.task import WAIT_LOCK, Task
from netarium.sockets.errno import os_error

_flock, _fstat, _seek = real.flock, os.fstat, os.lseek
_END = 1 << 63


class Held(NamedTuple):
    """A lock of lockf: bytes start to end (end not included) of a file, open as `number`."""

    process: Any
    number: int
    exclusive: bool
    start: int
    end: int


def _number(fd: Any) -> int:
    number = fd if isinstance(fd, int) else int(fd.fileno())
    if virtual_number(number) >= 0:
        raise os_error(errno.EBADF)
    return number


def flock(task: Task, fd: Any, operation: int, /) -> None:
    """As fcntl.flock."""
    number = _number(fd)

    def attempt() -> bool:
        try:
            _flock(number, operation | real.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    _acquire(task, attempt, not operation & real.LOCK_NB, "flock")


def lockf(task: Task, fd: Any, cmd: int, len: int = 0, start: int = 0, whence: int = 0, /) -> None:
    """As fcntl.lockf."""
    number = _number(fd)
    kind = cmd & ~real.LOCK_NB
    if kind not in (real.LOCK_UN, real.LOCK_SH, real.LOCK_EX):
        raise ValueError("unrecognized lockf argument")
    mode = real.fcntl(number, real.F_GETFL) & os.O_ACCMODE
    if (kind == real.LOCK_SH and mode == os.O_WRONLY) or (kind == real.LOCK_EX and mode == os.O_RDONLY):
        raise os_error(errno.EBADF)
    first, end = _span(number, len, start, whence)
    _lock_span(task, number, kind, first, end, blocking=not cmd & real.LOCK_NB)


def os_lockf(task: Task, fd: int, command: int, length: int, /) -> None:
    """As os.lockf: F_LOCK, F_TLOCK, F_ULOCK and F_TEST, from where the file stands."""
    number = _number(fd)
    first, end = _span(number, length, 0, os.SEEK_CUR)
    if command == os.F_TEST:
        if _conflict(task, number, True, first, end):
            raise os_error(errno.EACCES)
    elif command in (os.F_LOCK, os.F_TLOCK, os.F_ULOCK):
        kind = real.LOCK_UN if command == os.F_ULOCK else real.LOCK_EX
        _lock_span(task, number, kind, first, end, blocking=command == os.F_LOCK)
    else:
        raise os_error(errno.EINVAL)


def _span(number: int, length: int, start: int, whence: int) -> tuple[int, int]:
    """(first byte, end) of what is meant; a negative length is before, 0 reaches to the end of all files."""
    base = 0
    if whence == os.SEEK_CUR:
        base = _seek(number, 0, os.SEEK_CUR)
    elif whence == os.SEEK_END:
        base = _fstat(number).st_size
    elif whence != os.SEEK_SET:
        raise os_error(errno.EINVAL)
    first = base + start
    end = _END if length == 0 else first + length
    first, end = min(first, end), max(first, end)
    if first < 0:
        raise os_error(errno.EINVAL)
    return first, end


def _key(number: int) -> tuple[int, int]:
    status = _fstat(number)
    return status.st_dev, status.st_ino


def _is_open(held: Held, key: tuple[int, int]) -> bool:
    try:
        return not held.process.ended and _key(held.number) == key
    except OSError:
        return False


def _conflict(task: Task, number: int, exclusive: bool, first: int, end: int) -> bool:
    key = _key(number)
    table: dict[Any, list[Held]] = task.scheduler.file_locks
    table[key] = [held for held in table.get(key, ()) if _is_open(held, key)]
    return any(
        held.process is not task.process
        and held.start < end
        and first < held.end
        and (exclusive or held.exclusive)
        for held in table[key]
    )


def _lock_span(task: Task, number: int, kind: int, first: int, end: int, *, blocking: bool) -> None:
    def attempt() -> bool:
        if kind != real.LOCK_UN and _conflict(task, number, kind == real.LOCK_EX, first, end):
            return False
        _put(task, number, kind, first, end)
        return True

    _acquire(task, attempt, blocking, "lockf")


def _put(task: Task, number: int, kind: int, first: int, end: int) -> None:
    """Set or take away the own lock on these bytes; those before and after keep what they had."""
    kept: list[Held] = []
    table: dict[Any, list[Held]] = task.scheduler.file_locks
    key = _key(number)
    for held in table.get(key, ()):
        if held.process is not task.process or held.end <= first or end <= held.start:
            kept.append(held)
            continue
        if held.start < first:
            kept.append(held._replace(end=first))
        if end < held.end:
            kept.append(held._replace(start=end))
    if kind != real.LOCK_UN:
        kept.append(Held(task.process, number, kind == real.LOCK_EX, first, end))
    table[key] = kept


def _acquire(task: Task, attempt: Callable[[], bool], blocking: bool, call: str) -> None:
    scheduler = task.scheduler
    task.calls += 1
    if task.calls > task.calls_limit:
        scheduler.charge(task)
    if attempt():
        return
    if not blocking:
        raise os_error(errno.EAGAIN)
    done = False

    def again() -> bool:
        nonlocal done
        done = done or attempt()
        if done:
            task.wake()
        return done

    scheduler.lock_waiters.append(again)
    try:
        while not done:
            scheduler.park(task, call, None, kind=WAIT_LOCK)
    finally:
        if again in scheduler.lock_waiters:
            scheduler.lock_waiters.remove(again)
