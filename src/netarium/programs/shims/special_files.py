"""FIFOs, which are refused for they would stop the whole net, and the files that describe the machine.

`os.open` of /etc/hosts and its like gives what the program's own host says, as `open` does.
"""

from __future__ import annotations

import errno
import os as real
from collections.abc import Callable
from stat import S_ISFIFO
from typing import Any

from netarium.names import ports
from netarium.programs.shims import file_times
from netarium.programs.shims.descriptors import is_pipe
from netarium.programs.shims.os import refuse, virtual_number
from netarium.programs.task import Task
from netarium.units import is_whole

_stat, _write, _seek = real.stat, real.write, real.lseek
_memory: Callable[[str], int] = real.memfd_create
_refused = refuse(
    "open", "opening a FIFO waits for its other end, which would stop the whole net; use os.pipe or a socket"
)


MACHINE_FILES = ("/etc/hosts", "/etc/resolv.conf", "/etc/services", "/etc/hostname", "/etc/nsswitch.conf")


def machine_file(task: Task, path: str) -> str:
    """What the program's host says in this file."""
    resolver = task.scheduler.resolver(task.process.host)
    if path == "/etc/hosts":
        return resolver.hosts_text()
    if path == "/etc/hostname":
        return resolver.hostname + "\n"
    if path == "/etc/services":
        return "".join(f"{each.name}\t{each.port}/{each.protocol}\n" for each in ports.OFFICIAL)
    if path == "/etc/nsswitch.conf":
        return "hosts: files dns\n"
    return resolver.configuration_text()


_STREAMS = {"/dev/stdin": 0, "/dev/stdout": 1, "/dev/stderr": 2}
_DESCRIPTORS = ("/dev/fd/", "/proc/self/fd/")


def open_again(task: Task, path: Any) -> int:
    """A new number for the descriptor that a path such as /dev/stdout or /dev/fd/1 means; -1 for every other path."""
    text = path if isinstance(path, str) else real.fspath(path) if isinstance(path, real.PathLike) else ""
    if not isinstance(text, str) or not text.startswith(("/dev/", "/proc/self/fd/")):
        return -1
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
    if isinstance(path, str | real.PathLike) and real.fspath(path) in MACHINE_FILES:
        if not flags & (real.O_WRONLY | real.O_RDWR):
            number = _memory(real.path.basename(real.fspath(path)))
            _write(number, machine_file(task, real.fspath(path)).encode())
            _seek(number, 0, real.SEEK_SET)
            task.process.own_files.add(number)
            return number
    else:
        refuse_fifo(task, path, dir_fd=dir_fd)
    return file_times.open(task, path, flags, mode, dir_fd=dir_fd)
