"""Virtual `fcntl`: flags of virtual descriptors, and how many bytes wait."""

from __future__ import annotations

import errno
import fcntl as real
import os
import struct
import termios
from typing import Any

from netarium.programs.shims.os import virtual_number
from netarium.programs.task import Task
from netarium.sockets.errno import os_error
from netarium.sockets.readiness import OUT, Pollable

_SIOCATMARK = 0x8905
_fcntl, _ioctl = real.fcntl, real.ioctl


def _number(fd: Any) -> int:
    return fd if isinstance(fd, int) else int(fd.fileno())


def fcntl(task: Task, fd: Any, cmd: int, arg: Any = 0) -> Any:
    """As fcntl.fcntl: F_GETFL, F_SETFL, F_GETFD, F_SETFD, F_DUPFD."""
    number = virtual_number(_number(fd))
    if number < 0:
        return _fcntl(fd, cmd, arg)
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


def ioctl(task: Task, fd: Any, request: int, arg: Any = 0, mutate_flag: bool = True) -> Any:
    """As fcntl.ioctl: FIONREAD, FIONBIO and, of TCP sockets, SIOCATMARK."""
    number = virtual_number(_number(fd))
    if number < 0:
        return _ioctl(fd, request, arg, mutate_flag)
    found = task.process.descriptors.get(number)
    if request == termios.FIONREAD:
        return _answer(arg, _waiting_bytes(found), mutate_flag)
    if request == _SIOCATMARK and hasattr(found, "at_mark"):
        return _answer(arg, int(found.at_mark()), mutate_flag)
    if request == termios.FIONBIO:
        found.nonblocking = bool(arg if isinstance(arg, int) else struct.unpack("i", bytes(arg[:4]))[0])
        return 0
    raise os_error(errno.ENOTTY)


def _waiting_bytes(found: Pollable) -> int:
    if found.readiness() & ~OUT == 0:
        return 0
    receive = getattr(found, "receive", None)
    if receive is None:
        return 0
    return len(receive(1 << 30, 2) or b"")


def _answer(arg: Any, value: int, mutate_flag: bool) -> Any:
    packed = struct.pack("i", value)
    if isinstance(arg, bytes):
        return packed
    if isinstance(arg, int):
        return 0
    view = memoryview(arg).cast("B")
    view[:4] = packed
    return 0 if mutate_flag else packed
