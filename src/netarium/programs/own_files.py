"""The files of the real kernel's that one process has open: what it may close, and what is closed when it ends.

A number says little by itself: a file object closes its own without a word to anybody, and the kernel gives the number
to the next who opens something, in this process, another, or outside. So a number is kept with its file object, or,
where there is none (os.open), with the file's identity; and the last process that was given a number has it.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Container, Iterator
from typing import Any, NamedTuple
from weakref import ref

_close, _fstat = os.close, os.fstat


class _Opened(NamedTuple):
    """A file object: what `open` gave, and the FileIO below it, which has the number."""

    outer: ref[Any]
    raw: ref[io.FileIO]
    is_shared: bool
    """A library that others have too has opened it, and may have it for them: it is not closed at the end."""


class _Loose(NamedTuple):
    """A bare number, and which file it stands for."""

    device: int
    inode: int


_holders: dict[int, OwnFiles] = {}
"""Number -> who was given it last, of all processes of all nets."""


def _raw_of(file: Any) -> io.FileIO | None:
    for name in ("buffer", "raw"):
        file = getattr(file, name, file)
    return file if isinstance(file, io.FileIO) else None


class OwnFiles:
    """What one process has open of the real kernel's."""

    __slots__ = ("_files",)

    def __init__(self) -> None:
        self._files: dict[int, _Opened | _Loose] = {}

    def _take(self, number: int) -> None:
        before = _holders.get(number)
        if before is not self:
            if before is not None:
                before._files.pop(number, None)
            _holders[number] = self

    def add(self, number: int) -> None:
        """A descriptor that no file object owns: of os.open, os.dup and the like."""
        status = _fstat(number)
        self._take(number)
        self._files[number] = _Loose(status.st_dev, status.st_ino)

    def add_object(self, file: Any, *, is_shared: bool = False) -> None:
        """A file object that owns its descriptor."""
        raw = _raw_of(file)
        if raw is not None:
            number = raw.fileno()
            self._take(number)
            self._files[number] = _Opened(ref(file), ref(raw), is_shared)

    def discard(self, number: int) -> None:
        """The process has closed it."""
        self._files.pop(number, None)

    def __contains__(self, number: object) -> bool:
        found = self._files.get(number) if isinstance(number, int) else None
        return found is not None and self._is_open(number, found)  # type: ignore[arg-type]

    def __iter__(self) -> Iterator[int]:
        """The numbers that are open, in the order in which they were opened."""
        return iter([number for number, found in self._files.items() if self._is_open(number, found)])

    @staticmethod
    def _is_open(number: int, found: _Opened | _Loose) -> bool:
        if isinstance(found, _Loose):
            try:
                status = _fstat(number)
            except OSError:
                return False
            return (status.st_dev, status.st_ino) == found
        raw = found.raw()
        return raw is not None and not raw.closed and raw.fileno() == number

    def flush(self) -> None:
        """Write what file objects still hold back."""
        for number in self:
            found = self._files.get(number)
            outer = found.outer() if isinstance(found, _Opened) else None
            if outer is not None:
                _quietly(outer.flush)

    def close_all(self, *, flush: bool, spared: Container[int] = ()) -> None:
        """The process ends: give all back. `spared` are the ids of file objects that are not to be closed.

        Without `flush` what file objects still hold back is lost, as when the kernel ends a process.
        """
        if not self._files:
            return
        for number in self:
            found = self._files.get(number)
            if isinstance(found, _Opened):
                outer, raw = found.outer(), found.raw()
                if found.is_shared or (outer is not None and id(outer) in spared):
                    if outer is not None and (flush or not found.is_shared):
                        _quietly(outer.flush)
                    continue
                if flush and outer is not None:
                    _quietly(outer.close)
                if raw is not None:
                    # The objects above it find it closed, and lose what they hold without an error.
                    _quietly(raw.close)
            elif found is not None:
                _close(number)
        for number in self._files:
            if _holders.get(number) is self:
                del _holders[number]
        self._files.clear()


_BETWEEN = sys.stdlib_module_names | {"netarium"}
"""Modules that open files for others."""


def opened_by_shared_module(own: Container[str]) -> bool:
    """Whether who opens a file now is a library of all programs, not the program; `own` are its modules' top names.

    For a function of the test the program is the module of its outermost call.
    """
    first: dict[str, Any] | None = None
    last: dict[str, Any] | None = None
    frame = sys._getframe(1)
    while frame is not None:
        top = str(frame.f_globals.get("__name__", "")).partition(".")[0]
        if top not in _BETWEEN:
            if first is None:
                if top in own:
                    return False
                first = frame.f_globals
            last = frame.f_globals
        frame = frame.f_back  # type: ignore[assignment]
    return first is not last


def streams_of_shared_logging() -> frozenset[int]:
    """The ids of the streams that handlers of `logging` write to, of the module that is in place.

    The functions of a test share it with the test: a handler that one has made serves the others, and the test.
    """
    logging = sys.modules.get("logging")
    handlers = [each() for each in getattr(logging, "_handlerList", ())]
    return frozenset(id(each.stream) for each in handlers if getattr(each, "stream", None) is not None)


def _quietly(function: Any) -> None:
    """Errors of files at the end are told by nobody, as CPython has it."""
    try:
        function()
    except (OSError, ValueError):
        return
