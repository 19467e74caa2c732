"""Virtual `fcntl.fcntl`: flags of virtual descriptors."""

from __future__ import annotations

import errno
import fcntl as real
import os
from typing import Any

from netarium.programs.shims import file_locks
from netarium.programs.shims.os import virtual_number
from netarium.programs.shims.select import number_of
from netarium.programs.task import Task
from netarium.sockets.errno import os_error
from netarium.sockets.local import LocalStream
from netarium.sockets.readiness import Pollable

_fcntl = real.fcntl


F_SETPIPE_SZ = 1031
F_GETPIPE_SZ = 1032
_PAGE_BYTES = 4096
_PIPE_BYTES_MAX = 1 << 20
"""Linux fs.pipe-max-size, beyond which root may go."""


def _pipe_size(task: Task, found: Pollable, wanted: int | None) -> int:
    """F_GETPIPE_SZ, or F_SETPIPE_SZ: a power of two of pages. EBADF, EINVAL, EPERM, EBUSY (Linux pipe_fcntl)."""
    if not isinstance(found, LocalStream):
        raise os_error(errno.EBADF)
    end = found if found.writes else found.peer
    if wanted is None:
        return end.capacity if end is not None else found.capacity
    if not 0 <= wanted <= 1 << 31:
        raise os_error(errno.EINVAL)
    size = max(_PAGE_BYTES, 1 << (wanted - 1).bit_length() if wanted else 0)
    if size > _PIPE_BYTES_MAX and not task.process.root:
        raise os_error(errno.EPERM)
    reader = found if found.reads else found.peer
    if reader is not None and reader.unread > size:
        raise os_error(errno.EBUSY)
    for each in (found, found.peer):
        if each is not None:
            each.capacity = size
            each.changed()
    return size


def fcntl(task: Task, fd: Any, cmd: int, arg: Any = 0) -> Any:
    """As fcntl.fcntl: F_GETFL, F_SETFL, F_GETFD, F_SETFD, F_DUPFD, the size of pipes; of files
    also the locks."""
    number = virtual_number(number_of(fd))
    if number < 0:
        if cmd in file_locks.LOCK_COMMANDS:
            return file_locks.command(task, number_of(fd), cmd, arg)
        result = _fcntl(fd, cmd, arg)
        if cmd in (real.F_DUPFD, real.F_DUPFD_CLOEXEC):
            task.process.own_files.add(result)
        return result
    descriptors = task.process.descriptors
    found = descriptors.get(number)
    if cmd == real.F_GETFL:
        return os.O_RDWR | (os.O_NONBLOCK if found.nonblocking else 0)
    if cmd == real.F_SETFL:
        found.nonblocking = bool(arg & os.O_NONBLOCK)
        return 0
    if cmd == real.F_GETFD:
        return 0 if descriptors.inheritable.get(number) else real.FD_CLOEXEC
    if cmd == real.F_SETFD:
        descriptors.inheritable[number] = not arg & real.FD_CLOEXEC
        return 0
    if cmd in (real.F_DUPFD, real.F_DUPFD_CLOEXEC):
        return descriptors.dup(number)
    if cmd in (F_SETPIPE_SZ, F_GETPIPE_SZ):
        return _pipe_size(task, found, arg if cmd == F_SETPIPE_SZ else None)
    raise os_error(errno.EINVAL)
