"""Virtual `fcntl.fcntl`: flags of virtual descriptors."""

from __future__ import annotations

import errno
import fcntl as real
import os
from typing import Any

from netarium.programs.shims import file_locks
from netarium.programs.shims.os import virtual_number
from netarium.programs.task import Task
from netarium.sockets.errno import os_error

_fcntl = real.fcntl


def _number(fd: Any) -> int:
    return fd if isinstance(fd, int) else int(fd.fileno())


def fcntl(task: Task, fd: Any, cmd: int, arg: Any = 0) -> Any:
    """As fcntl.fcntl: F_GETFL, F_SETFL, F_GETFD, F_SETFD, F_DUPFD; of files also the locks."""
    number = virtual_number(_number(fd))
    if number < 0:
        if cmd in file_locks.LOCK_COMMANDS:
            return file_locks.command(task, _number(fd), cmd, arg)
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
    raise os_error(errno.EINVAL)
