"""Calls on descriptor numbers beside read and write: vectors, sendfile, splice, and what only files can do.

Numbers of the real kernel are files that the program opened itself (`own_files`); every other real number is not open
to it. So a daemon that closes all numbers up to 1,024 closes its own, not those of the process that runs the net.
"""

from __future__ import annotations

import errno
import os as real
import termios
from collections.abc import Callable, Sequence
from typing import Any

from netarium.programs.shims import file_times
from netarium.programs.shims.os import RefusedError, blocking, read, virtual_number, write
from netarium.programs.streams import Output, Stdin
from netarium.programs.task import Task
from netarium.sockets.base import PEEK
from netarium.sockets.errno import os_error
from netarium.sockets.local import LocalStream
from netarium.sockets.readiness import Pollable

SENDFILE_BYTES_MAX = 65_536
BUFFERS_MAX = 1024
"""IOV_MAX."""
_close, _closerange, _dup, _dup2, _pread, _fstat = (
    real.close,
    real.closerange,
    real.dup,
    real.dup2,
    real.pread,
    real.fstat,
)
_memfd_create: Callable[[str, int], int] = real.memfd_create
_seek, _pwrite = real.lseek, real.pwrite
_readv, _writev, _sendfile, _splice = real.readv, real.writev, real.sendfile, real.splice
_stat_result = real.stat_result


def find(task: Task, number: Any) -> Pollable | None:
    """The virtual object of a number; None for one of the real kernel's."""
    virtual = virtual_number(number)
    return None if virtual < 0 else task.process.descriptors.get(virtual)


def is_pipe(found: Pollable) -> bool:
    """Pipes, and the standard streams."""
    return isinstance(found, LocalStream | Stdin | Output)


def status(task: Task, number: int) -> real.stat_result:
    """As os.fstat: a socket, a pipe or a file."""
    found = find(task, number)
    if found is None:
        return file_times.seen_inside(task, _fstat(number))
    mode = 0o010600 if is_pipe(found) else 0o140777
    return _stat_result((mode, virtual_number(number), 9, 1, 0, 0, 0, 0, 0, 0))


fstat = status


def close(task: Task, fd: int) -> None:
    """As os.close."""
    virtual = virtual_number(fd)
    if virtual >= 0:
        task.process.descriptors.close(virtual)
        return
    if isinstance(fd, int) and fd not in task.process.own_files:
        raise os_error(errno.EBADF)
    task.process.own_files.discard(fd)
    _close(fd)


def closerange(task: Task, fd_low: int, fd_high: int, /) -> None:
    """As os.closerange: errors are not told."""
    descriptors = task.process.descriptors
    first = max(fd_low, virtual_number(2) + 1)  # the standard streams are those of 0, 1 and 2
    named = [number for number, _ in descriptors.items() if first <= number < fd_high]
    named += [virtual_number(number) for number in range(max(fd_low, 0), min(fd_high, 3))]
    for number in named:
        if descriptors.find(number) is not None:
            descriptors.close(number)
    for number in task.process.own_files:
        if fd_low <= number < fd_high:
            task.process.own_files.discard(number)
            _closerange(number, number + 1)


def dup(task: Task, fd: int, /) -> int:
    """As os.dup."""
    virtual = virtual_number(fd)
    if virtual >= 0:
        return task.process.descriptors.dup(virtual)
    number = _dup(fd)
    task.process.own_files.add(number)
    return number


def memfd_create(task: Task, name: str, flags: int = real.MFD_CLOEXEC) -> int:
    """As os.memfd_create."""
    number = _memfd_create(name, flags)
    task.process.own_files.add(number)
    return number


def dup2(task: Task, fd: int, fd2: int, inheritable: bool = True) -> int:
    """As os.dup2; a virtual number cannot become one of the real kernel's, nor the other way."""
    virtual, other = virtual_number(fd), virtual_number(fd2)
    if virtual < 0 and other < 0:
        if fd2 not in task.process.own_files and _is_open(fd2):
            raise RefusedError(
                f"os.dup2() to descriptor {fd2}, which belongs to the process that runs the net"
            )
        number = _dup2(fd, fd2, inheritable)
        task.process.own_files.add(number)
        return number
    if virtual < 0 or other < 0:
        _fstat(fd) if virtual < 0 else task.process.descriptors.get(virtual)
        raise RefusedError(
            f"os.dup2({fd}, {fd2}) of program {task.process.name} on {task.process.host.name}: files have the real "
            "kernel's numbers, sockets, pipes and the standard streams have the net's; put another file into "
            "sys.stdin, sys.stdout or sys.stderr, or use os.dup"
        )
    if virtual != other:
        task.process.descriptors.replace(other, task.process.descriptors.get(virtual))
    return fd2


def _is_open(number: int) -> bool:
    try:
        _fstat(number)
    except OSError:
        return False
    return True


def readv(task: Task, fd: int, buffers: Sequence[Any], /) -> int:
    """As os.readv."""
    if find(task, fd) is None:
        return _readv(fd, buffers)
    if len(buffers) > BUFFERS_MAX:
        raise os_error(errno.EINVAL)
    views = [memoryview(each).cast("B") for each in buffers]
    data = read(task, fd, sum(len(view) for view in views))
    start = 0
    for view in views:
        piece = data[start : start + len(view)]
        view[: len(piece)] = piece
        start += len(piece)
    return len(data)


def writev(task: Task, fd: int, buffers: Sequence[Any], /) -> int:
    """As os.writev."""
    if find(task, fd) is None:
        return _writev(fd, buffers)
    if len(buffers) > BUFFERS_MAX:
        raise os_error(errno.EINVAL)
    return write(task, fd, b"".join(bytes(each) for each in buffers))


def sendfile(
    task: Task, out_fd: int, in_fd: int, offset: int | None, count: int, *rest: Any, **named: Any
) -> int:
    """As os.sendfile: from a real file to a virtual descriptor, or between files."""
    source = find(task, in_fd)
    if find(task, out_fd) is None and source is None:
        return _sendfile(out_fd, in_fd, offset, count, *rest, **named)
    if source is not None:
        raise os_error(errno.EINVAL if offset is None else errno.ESPIPE)
    return _from_file(task, out_fd, in_fd, offset, count)


def _from_file(task: Task, out_fd: int, in_fd: int, offset: int | None, count: int) -> int:
    """What was taken of the file moves its position, where no offset is given."""
    position = _seek(in_fd, 0, real.SEEK_CUR) if offset is None else offset
    data = _pread(in_fd, min(count, SENDFILE_BYTES_MAX), position)
    taken = write(task, out_fd, data) if data else 0
    if offset is None:
        _seek(in_fd, position + taken, real.SEEK_SET)
    return taken


def splice(
    task: Task,
    src: int,
    dst: int,
    count: int,
    offset_src: int | None = None,
    offset_dst: int | None = None,
    flags: int = 0,
) -> int:
    """As os.splice: one of the two is a pipe."""
    source, target = find(task, src), find(task, dst)
    if source is None and target is None:
        return _splice(src, dst, count, offset_src, offset_dst, flags)
    for found, offset in ((source, offset_src), (target, offset_dst)):
        if offset is not None and found is not None and is_pipe(found):
            raise os_error(errno.ESPIPE)
    if not (source is not None and is_pipe(source)) and not (target is not None and is_pipe(target)):
        raise os_error(errno.EINVAL)
    if source is None:
        return _from_file(task, dst, src, offset_src, count)
    receive = getattr(source, "receive", None)
    if receive is None:
        raise os_error(errno.EINVAL)
    data = blocking(task, source, "splice", lambda: receive(min(count, SENDFILE_BYTES_MAX), PEEK))
    if not data:
        return 0
    taken = write(task, dst, data) if target is not None else _into_file(task, dst, data, offset_dst)
    receive(taken)
    return taken


def _into_file(task: Task, number: int, data: bytes, offset: int | None) -> int:
    if offset is None:
        return file_times.write(task, number, data)
    taken = _pwrite(number, data, offset)
    file_times.stamp(task, number)
    return taken


def _refusing(
    plain: Callable[..., Any], of_pipes: int, of_sockets: int, default: int | None = None
) -> Callable[..., Any]:
    """The call, which fails with these errnos on virtual descriptors; 0 for None instead of a failure."""

    def call(task: Task, *args: Any, **keywords: Any) -> Any:
        fd = args[0] if args else keywords.get("fd", default)
        found = find(task, fd) if isinstance(fd, int) else None
        if found is None:
            return plain(*args, **keywords)
        number = of_pipes if is_pipe(found) else of_sockets
        if number:
            raise os_error(number)
        return None

    return call


FAILURES: dict[str, tuple[int, int]] = {
    "pread": (errno.ESPIPE, errno.ESPIPE),
    "preadv": (errno.ESPIPE, errno.ESPIPE),
    "pwrite": (errno.ESPIPE, errno.ESPIPE),
    "pwritev": (errno.ESPIPE, errno.ESPIPE),
    "lseek": (errno.ESPIPE, errno.ESPIPE),
    "posix_fadvise": (errno.ESPIPE, 0),
    "posix_fallocate": (errno.ESPIPE, errno.ENODEV),
    "fsync": (errno.EINVAL, errno.EINVAL),
    "fdatasync": (errno.EINVAL, errno.EINVAL),
    "copy_file_range": (errno.EINVAL, errno.EINVAL),
    "fchmod": (0, 0),
    "fchown": (0, 0),
    "fchdir": (errno.ENOTDIR, errno.ENOTDIR),
    "ttyname": (errno.ENOTTY, errno.ENOTTY),
    "tcgetpgrp": (errno.ENOTTY, errno.ENOTTY),
    "tcsetpgrp": (errno.ENOTTY, errno.ENOTTY),
    "get_terminal_size": (errno.ENOTTY, errno.ENOTTY),
}
"""What fails on descriptors that are no files: errno of pipes and of sockets, as Linux; 0 where it does nothing."""


def failing() -> list[tuple[str, Callable[..., Any]]]:
    """(name in `os`, virtual function) of each in `FAILURES`."""
    return [
        (name, _refusing(getattr(real, name), *numbers, default=1 if name == "get_terminal_size" else None))
        for name, numbers in FAILURES.items()
        if hasattr(real, name)
    ]


TERMINALS = "tcgetattr tcsetattr tcsendbreak tcdrain tcflush tcflow tcgetwinsize tcsetwinsize"
"""What `termios` asks of terminals, which no virtual descriptor is."""


def no_terminals() -> list[tuple[str, Callable[..., Any]]]:
    """(name in `termios`, virtual function)."""
    return [
        (name, _no_terminal(getattr(termios, name))) for name in TERMINALS.split() if hasattr(termios, name)
    ]


def _no_terminal(plain: Callable[..., Any]) -> Callable[..., Any]:
    def call(task: Task, fd: Any, *args: Any) -> Any:
        number = fd if isinstance(fd, int) else fd.fileno()
        if virtual_number(number) < 0:
            return plain(fd, *args)
        task.process.descriptors.get(virtual_number(number))
        raise termios.error(errno.ENOTTY, real.strerror(errno.ENOTTY))

    return call
