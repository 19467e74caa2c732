"""Virtual `open` for the few files that describe the machine: a program sees its own host's.

Every other file is the real one. Reading the real /etc/resolv.conf, /etc/hosts or /etc/services would be a silent
escape (dnspython does it). A virtual descriptor number opens as the socket or pipe it stands for.
"""

from __future__ import annotations

import io
from typing import Any

from netarium.programs.own_files import opened_by_shared_module
from netarium.programs.shims.descriptors import close as close_number
from netarium.programs.shims.file_times import open_written
from netarium.programs.shims.os import read as read_number
from netarium.programs.shims.os import virtual_number
from netarium.programs.shims.os import write as write_number
from netarium.programs.shims.special_files import machine_text, open_again, refuse_fifo
from netarium.programs.task import Task

_real_open = io.open


def open_file(
    task: Task,
    file: Any,
    mode: str = "r",
    buffering: int = -1,
    encoding: str | None = None,
    errors: str | None = None,
    newline: str | None = None,
    closefd: bool = True,
    opener: Any = None,
) -> Any:
    """As builtins.open."""
    text = machine_text(task, file) if "r" in mode and "+" not in mode else None
    if text is not None:
        if "b" in mode:
            return io.BytesIO(text.encode())
        return io.StringIO(text)
    again = -1 if opener is not None else open_again(task, file)
    if again >= 0:
        return _open_descriptor(task, again, mode, buffering, encoding, errors, newline, True)
    if isinstance(file, int) and not isinstance(file, bool) and virtual_number(file) >= 0:
        return _open_descriptor(task, file, mode, buffering, encoding, errors, newline, closefd)
    if isinstance(mode, str) and "b" not in mode and encoding is None:
        encoding = "utf-8"  # LANG=C.UTF-8, whatever the machine's is
    if opener is None:
        refuse_fifo(task, file)
    if _may_write(mode, buffering):
        opened = open_written(task, file, mode, buffering, encoding, errors, newline, closefd, opener)
    else:
        opened = _real_open(file, mode, buffering, encoding, errors, newline, closefd, opener)
    if closefd:
        process = task.process
        process.own_files.add_object(opened, is_shared=opened_by_shared_module(process.context.tops))
    return opened


_WRITING_MODES = frozenset(
    f"{how}{plus}{kind}" for how in "wax" for plus in ("", "+") for kind in ("", "t", "b")
) | {"r+", "r+b", "r+t"}  # fmt: skip


def _may_write(mode: Any, buffering: Any) -> bool:
    """Whether this opens for writing. What `open` would object to is left to it."""
    if not isinstance(mode, str) or not isinstance(buffering, int):
        return False
    standard = mode.replace("b", "").replace("t", "") + ("b" if "b" in mode else "t" if "t" in mode else "")
    standard = standard[0] + "+" + standard[1:].replace("+", "") if "+" in standard else standard
    if standard not in _WRITING_MODES or len(standard) != len(mode):
        return False
    return not (buffering == 0 and "b" not in mode) and buffering >= -1


class DescriptorIO(io.RawIOBase):
    """A raw stream over a virtual descriptor."""

    def __init__(self, task: Task, number: int, mode: str, closefd: bool) -> None:
        super().__init__()
        task.process.descriptors.get(virtual_number(number))
        self._task = task
        self._number = number
        self._reads = "r" in mode or "+" in mode
        self._writes = "w" in mode or "a" in mode or "+" in mode
        self._closefd = closefd
        self.name = number
        self.mode = mode

    def readable(self) -> bool:
        """By its mode."""
        return self._reads

    def writable(self) -> bool:
        """By its mode."""
        return self._writes

    def fileno(self) -> int:
        """The descriptor."""
        return self._number

    def readinto(self, buffer: Any) -> int:
        """As os.read."""
        data = read_number(self._task, self._number, len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def write(self, data: Any) -> int:
        """As os.write."""
        return write_number(self._task, self._number, bytes(data))

    def close(self) -> None:
        """Close, the descriptor too unless `closefd` is False."""
        if not self.closed:
            super().close()
            if self._closefd and not self._task.process.ended:
                close_number(self._task, self._number)


def _open_descriptor(
    task: Task,
    number: int,
    mode: str,
    buffering: int,
    encoding: str | None,
    errors: str | None,
    newline: str | None,
    closefd: bool,
) -> Any:
    raw = DescriptorIO(task, number, mode.replace("b", "").replace("t", ""), closefd)
    if buffering == 0:
        return raw
    buffered: Any = io.BufferedReader(raw) if raw.readable() else io.BufferedWriter(raw)
    if raw.readable() and raw.writable():
        buffered = io.BufferedRWPair(raw, raw)
    if "b" in mode:
        return buffered
    return io.TextIOWrapper(buffered, encoding or "utf-8", errors, newline, line_buffering=buffering == 1)
