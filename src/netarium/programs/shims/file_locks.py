"""Virtual waiting for locks on files (flock(2), fcntl(2), lockf): in virtual time, never of the whole net.

The locks of flock and F_OFD_SETLK are the real kernel's, only tried and never waited for: it knows which descriptions
of files are still open. Those of lockf and F_SETLK belong to a process, and all programs share the real one, so these
are kept here; a file that was closed has lost them, which is looked at when somebody wants them. Waiters try again
after each turn of a task, and each time in the order they came; who would wait for itself in a circle of programs gets
EDEADLK. The two kinds do not see each other.
"""

from __future__ import annotations

import errno
import fcntl as real
import os
import struct
from collections.abc import Callable
from typing import Any, NamedTuple

from netarium.programs.shims.os import virtual_number
from netarium.programs.shims.select import number_of
from netarium.programs.task import WAIT_LOCK, Task
from netarium.sockets.errno import os_error

_flock, _fcntl, _fstat, _seek = real.flock, real.fcntl, os.fstat, os.lseek
_STRUCT = struct.Struct("hhqqi")
"""struct flock: type, whence, start, length, pid (64 bits)."""
_KINDS = {real.F_RDLCK: real.LOCK_SH, real.F_WRLCK: real.LOCK_EX, real.F_UNLCK: real.LOCK_UN}
_OFD_WAIT = {getattr(real, "F_OFD_SETLKW", 38): getattr(real, "F_OFD_SETLK", 37)}
LOCK_COMMANDS = frozenset((real.F_GETLK, real.F_SETLK, real.F_SETLKW, *_OFD_WAIT))
"""The commands of fcntl.fcntl that `command` does."""
_END = 1 << 63


class Held(NamedTuple):
    """A lock of lockf: bytes start to end (end not included) of a file, open as `number`."""

    process: Any
    number: int
    exclusive: bool
    start: int
    end: int


def _number(fd: Any) -> int:
    number = number_of(fd)
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
    _check_mode(number, kind)
    first, end = _span(number, len, start, whence)
    _lock_span(task, number, kind, first, end, blocking=not cmd & real.LOCK_NB)


def _check_mode(number: int, kind: int) -> None:
    """EBADF where the file is not open for what the lock is about."""
    mode = _fcntl(number, real.F_GETFL) & os.O_ACCMODE
    if (kind == real.LOCK_SH and mode == os.O_WRONLY) or (kind == real.LOCK_EX and mode == os.O_RDONLY):
        raise os_error(errno.EBADF)


def command(task: Task, number: int, cmd: int, arg: Any) -> Any:
    """F_GETLK, F_SETLK, F_SETLKW and F_OFD_SETLKW of fcntl.fcntl; `arg` is a struct flock."""
    if isinstance(arg, int) or len(arg) < _STRUCT.size - 4:
        raise os_error(errno.EFAULT)
    if cmd in _OFD_WAIT:
        return _wait_for_description(task, number, _OFD_WAIT[cmd], bytes(arg))
    kind, whence, start, length, _ = _STRUCT.unpack(bytes(arg)[: _STRUCT.size].ljust(_STRUCT.size, b"\0"))
    if kind not in _KINDS:
        raise os_error(errno.EINVAL)
    first, end = _span(number, length, start, whence)
    if cmd == real.F_GETLK:
        return _told(task, number, kind, first, end, bytes(arg))
    _check_mode(number, _KINDS[kind])
    _lock_span(task, number, _KINDS[kind], first, end, blocking=cmd == real.F_SETLKW)
    return bytes(arg)


def _wait_for_description(task: Task, number: int, attempt_command: int, arg: bytes) -> bytes:
    given = bytearray(arg)

    def attempt() -> bool:
        try:
            _fcntl(number, attempt_command, bytes(given))
        except BlockingIOError:
            return False
        return True

    _acquire(task, attempt, True, "fcntl")
    return arg


def _told(task: Task, number: int, kind: int, first: int, end: int, arg: bytes) -> bytes:
    """F_GETLK: the lock that stands against it, or F_UNLCK and all as it was."""
    if kind == real.F_UNLCK:
        raise os_error(errno.EINVAL)
    held = _conflict(task, number, kind == real.F_WRLCK, first, end)
    if held is None:
        return struct.pack("h", real.F_UNLCK) + arg[2:]
    found = real.F_WRLCK if held.exclusive else real.F_RDLCK
    length = 0 if held.end == _END else held.end - held.start
    pid = held.process.credentials.pid
    return _STRUCT.pack(found, os.SEEK_SET, held.start, length, pid) + arg[_STRUCT.size :]


def os_lockf(task: Task, fd: int, command: int, length: int, /) -> None:
    """As os.lockf: F_LOCK, F_TLOCK, F_ULOCK and F_TEST, from where the file stands."""
    number = _number(fd)
    first, end = _span(number, length, 0, os.SEEK_CUR)
    if command == os.F_TEST:
        if _conflict(task, number, True, first, end) is not None:
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


def _conflict(task: Task, number: int, exclusive: bool, first: int, end: int) -> Held | None:
    """The first lock of another program that stands against this."""
    key = _key(number)
    table: dict[Any, list[Held]] = task.scheduler.file_locks
    table[key] = [held for held in table.get(key, ()) if _is_open(held, key)]
    for held in table[key]:
        overlaps = held.start < end and first < held.end
        if held.process is not task.process and overlaps and (exclusive or held.exclusive):
            return held
    return None


def _lock_span(task: Task, number: int, kind: int, first: int, end: int, *, blocking: bool) -> None:
    process, waits_for = task.process, task.scheduler.file_lock_waits

    def attempt() -> bool:
        against = None if kind == real.LOCK_UN else _conflict(task, number, kind == real.LOCK_EX, first, end)
        if against is not None:
            other: Any = against.process
            while blocking and other is not None:
                if other is process:
                    raise os_error(errno.EDEADLK)
                other = waits_for.get(other)
            waits_for[process] = against.process
            return False
        _put(task, number, kind, first, end)
        return True

    try:
        _acquire(task, attempt, blocking, "lockf")
    finally:
        waits_for.pop(process, None)


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
    failure: OSError | None = None

    def again() -> bool:
        nonlocal done, failure
        if task.process.ended:
            return True  # its numbers are closed, and may be another's by now
        try:
            done = done or attempt()
        except OSError as error:  # this runs between the tasks: the waiting one is to see it
            done, failure = True, error
        if done:
            task.wake()
        return done

    scheduler.lock_waiters.append(again)
    try:
        while not done:
            scheduler.park(task, call, None, kind=WAIT_LOCK)
        if failure is not None:
            raise failure
    finally:
        if again in scheduler.lock_waiters:
            scheduler.lock_waiters.remove(again)
