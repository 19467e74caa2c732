"""FIFOs, which are refused for they would stop the whole net, and the files that describe the machine.

`os.open` of /etc/hosts and its like gives what the program's own host says, as `open` does.
"""

from __future__ import annotations

import errno
import os as real
from collections.abc import Callable
from stat import S_ISFIFO
from typing import Any

from netarium.programs.shims import file_times
from netarium.programs.shims.descriptors import is_pipe
from netarium.programs.shims.machine_files import machine_file, random_source
from netarium.programs.shims.os import refuse, virtual_number
from netarium.programs.task import Task
from netarium.units import is_whole

_stat, _write, _seek = real.stat, real.write, real.lseek
_memory: Callable[[str], int] = real.memfd_create
_refused = refuse(
    "open", "opening a FIFO waits for its other end, which would stop the whole net; use os.pipe or a socket"
)


def machine_text(task: Task, path: Any) -> str | None:
    """What the program's host says in the file of this path; None for the real ones."""
    if not isinstance(path, str | real.PathLike):
        return None
    text = real.fspath(path)
    return machine_file(task, text) if isinstance(text, str) else None


_STREAMS = {"/dev/stdin": 0, "/dev/stdout": 1, "/dev/stderr": 2}
_DESCRIPTORS = ("/dev/fd/", "/proc/self/fd/")


def open_again(task: Task, path: Any) -> int:
    """A new number for the descriptor that a path such as /dev/stdout or /dev/fd/1 means; -1 for every other path."""
    text = path if isinstance(path, str) else real.fspath(path) if isinstance(path, real.PathLike) else ""
    if not isinstance(text, str) or not text.startswith(("/dev/", "/proc/self/fd/")):
        return -1
    found_random = random_source(task, text)
    if found_random >= 0:
        return found_random
    if text == "/dev/tty":
        # A program has no terminal, also where the process of the net has one.
        raise OSError(errno.ENXIO, real.strerror(errno.ENXIO), text)
    number = _STREAMS.get(text, -1)
    for folder in _DESCRIPTORS:
        if text.startswith(folder) and is_whole(text[len(folder) :]):
            number = int(text[len(folder) :])
    virtual = virtual_number(number)
    if virtual < 0:
        return -1
    found = task.process.descriptors.find(virtual)
    if found is None:
        raise OSError(errno.ENOENT, real.strerror(errno.ENOENT), text)
    if not is_pipe(found):
        raise OSError(errno.ENXIO, real.strerror(errno.ENXIO), text)
    return task.process.descriptors.dup(virtual)


def refuse_fifo(task: Task, path: Any, **keywords: Any) -> None:
    """RefusedError when this path is a FIFO; a descriptor that is open already may be one."""
    if isinstance(path, int):
        return
    try:
        status = _stat(path, **keywords)
    except (OSError, ValueError, TypeError):
        return  # what is wrong with it `open` says
    if S_ISFIFO(status.st_mode):
        _refused(task)


def open(task: Task, path: Any, flags: int, mode: int = 0o777, *, dir_fd: Any = None) -> int:
    """As os.open."""
    again = open_again(task, path)
    if again >= 0:
        return again
    text = None if dir_fd is not None or flags & (real.O_WRONLY | real.O_RDWR) else machine_text(task, path)
    if text is not None:
        number = _memory(real.path.basename(real.fspath(path)))
        _write(number, text.encode())
        _seek(number, 0, real.SEEK_SET)
        task.process.own_files.add(number)
        return number
    refuse_fifo(task, path, dir_fd=dir_fd)
    return file_times.open(task, path, flags, mode, dir_fd=dir_fd)
