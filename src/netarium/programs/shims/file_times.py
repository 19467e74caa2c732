"""File times inside the net are virtual; names in a folder come sorted. Files themselves are the real ones.

A file that is written inside the net by Python's own means (open, os.write, os.truncate, os.utime, os.mkdir) has the
virtual time of its last write. A file that was there before has the wall-clock second at which the net began
(2026-01-01 00:00:00 UTC unless the net was given another epoch), whatever the real file says. A file that C code has
written (sqlite3, mmap) is noticed when a program looks at it twice and its real time or size has changed in between;
it then has the time of the second look. The times of folders do not change with what is put into them.

Importing goes on by the real times (`posix.stat` is left alone): compiled modules are kept as ever.
"""

from __future__ import annotations

import errno
import io
import os as real
from collections.abc import Iterator
from stat import S_ISREG
from types import TracebackType
from typing import Any

from netarium.programs.shims import dispatch
from netarium.programs.task import Task
from netarium.programs.unix_entries import is_placeholder
from netarium.sockets.errno import os_error

_stat, _fstat = real.stat, real.fstat
_open, _write, _ftruncate, _truncate = real.open, real.write, real.ftruncate, real.truncate
_utime, _mkdir, _scandir, _listdir = real.utime, real.mkdir, real.scandir, real.listdir
_stat_result = real.stat_result
_WRITING = real.O_WRONLY | real.O_RDWR
NAMES = ("open", "ftruncate", "truncate", "utime", "mkdir", "scandir", "listdir")


class FileTime:
    """One file's virtual times in ns since 1970, and what the real file looked like at the last look."""

    __slots__ = ("accessed_ns", "modified_ns", "seen")

    def __init__(self, modified_ns: int) -> None:
        self.modified_ns = modified_ns
        self.accessed_ns = -1
        self.seen: tuple[int, int] | None = None
        """(real st_mtime_ns, st_size); None: written by our own hands since."""

    def stamp(self, now_ns: int) -> None:
        """It is written now."""
        self.modified_ns = now_ns
        self.accessed_ns = -1
        self.seen = None


def _now(task: Task) -> int:
    return task.scheduler.engine.now + task.scheduler.epoch_ns


def _entry(task: Task, result: real.stat_result) -> FileTime:
    times: dict[tuple[int, int], FileTime] = task.scheduler.file_times
    key = (result.st_dev, result.st_ino)
    found = times.get(key)
    if found is None:
        epoch_ns = task.scheduler.epoch_ns
        found = times[key] = FileTime(epoch_ns - epoch_ns % 10**9)
        found.seen = (result.st_mtime_ns, result.st_size)
    return found


def seen_inside(task: Task, result: real.stat_result) -> real.stat_result:
    """What a program sees of a real stat result."""
    found = _entry(task, result)
    looks = (result.st_mtime_ns, result.st_size)
    if found.seen is None:
        found.seen = looks
    elif found.seen != looks and S_ISREG(result.st_mode):
        found.stamp(_now(task))
        found.seen = looks
    modified_ns = found.modified_ns
    accessed_ns = found.accessed_ns if found.accessed_ns >= 0 else modified_ns
    parts: Any = result.__reduce__()
    values, extra = parts[1]
    seconds = (accessed_ns // 10**9, modified_ns // 10**9, modified_ns // 10**9)
    named = dict(extra)
    for name, moment_ns in (("atime", accessed_ns), ("mtime", modified_ns), ("ctime", modified_ns)):
        named[f"st_{name}"] = moment_ns / 1e9
        named[f"st_{name}_ns"] = moment_ns
    return _stat_result((*values[:7], *seconds), named)


def stamp(task: Task, number: int) -> FileTime:
    """The file of a real descriptor is written now."""
    found = _entry(task, _fstat(number))
    found.stamp(_now(task))
    return found


def open(task: Task, path: Any, flags: int, mode: int = 0o777, *, dir_fd: Any = None) -> int:
    """As os.open."""
    fresh = False
    if flags & real.O_CREAT:
        try:
            _stat(path, dir_fd=dir_fd)
        except OSError:
            fresh = True
    number = _open(path, flags, mode, dir_fd=dir_fd)
    if fresh or (flags & real.O_TRUNC and flags & _WRITING):
        stamp(task, number)
    task.process.own_files.add(number)
    return number


def write(task: Task, number: int, data: Any) -> int:
    """os.write to a real file."""
    count = _write(number, data)
    if count:
        stamp(task, number)
    return count


def ftruncate(task: Task, fd: int, length: int) -> None:
    """As os.ftruncate; EINVAL for what is no file."""
    if task.process.descriptors.find(fd) is not None:
        raise os_error(errno.EINVAL)
    _ftruncate(fd, length)
    stamp(task, fd)


def truncate(task: Task, path: Any, length: int) -> None:
    """As os.truncate."""
    _truncate(path, length)
    _entry(task, _stat(path)).stamp(_now(task))


def utime(
    task: Task,
    path: Any,
    times: Any = None,
    *,
    ns: Any = None,
    dir_fd: Any = None,
    follow_symlinks: bool = True,
) -> None:
    """As os.utime; the real file gets the same times, or the real now. A socket's placeholder is known by its own."""
    if (
        dir_fd is None
        and isinstance(path, str | bytes | real.PathLike)
        and is_placeholder(real.path.abspath(real.fsencode(path)), follow_symlinks)
    ):
        return
    if ns is None:
        _utime(path, times, dir_fd=dir_fd, follow_symlinks=follow_symlinks)
    else:
        _utime(path, times, ns=ns, dir_fd=dir_fd, follow_symlinks=follow_symlinks)
    found = _entry(task, _stat(path, dir_fd=dir_fd, follow_symlinks=follow_symlinks))
    found.stamp(_now(task))
    if ns is not None:
        found.accessed_ns, found.modified_ns = ns
    elif times is not None:
        found.accessed_ns, found.modified_ns = (round(moment * 1e9) for moment in times)


def mkdir(task: Task, path: Any, mode: int = 0o777, *, dir_fd: Any = None) -> None:
    """As os.mkdir."""
    _mkdir(path, mode, dir_fd=dir_fd)
    _entry(task, _stat(path, dir_fd=dir_fd)).stamp(_now(task))


def listdir(task: Task, path: Any = None) -> list[Any]:
    """As os.listdir; sorted, where the kernel gives any order."""
    if isinstance(path, str) and path.rstrip("/") == "/sys/class/net":
        return sorted(task.process.host.stack.interfaces)
    return sorted(_listdir(path))


class DirEntry:
    """As os.DirEntry."""

    __slots__ = ("_real", "_task", "name", "path")

    def __init__(self, task: Task, entry: Any) -> None:
        self._task = task
        self._real = entry
        self.name = entry.name
        self.path = entry.path

    def stat(self, *, follow_symlinks: bool = True) -> real.stat_result:
        """The entry's status, with virtual times."""
        return seen_inside(self._task, self._real.stat(follow_symlinks=follow_symlinks))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def __fspath__(self) -> Any:
        return self.path

    def __repr__(self) -> str:
        return f"<DirEntry {self.name!r}>"


class Scan:
    """As what os.scandir gives: an iterator that is a context manager."""

    def __init__(self, entries: list[DirEntry]) -> None:
        self._entries = iter(entries)

    def __iter__(self) -> Iterator[DirEntry]:
        return self

    def __next__(self) -> DirEntry:
        return next(self._entries)

    def close(self) -> None:
        """Nothing more will come."""
        self._entries = iter(())

    def __enter__(self) -> Scan:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def scandir(task: Task, path: Any = None) -> Scan:
    """As os.scandir; sorted by name."""
    with _scandir(path) as found:
        return Scan([DirEntry(task, entry) for entry in sorted(found, key=lambda entry: entry.name)])


class WrittenFile(io.FileIO):
    """The raw end of a file that is open for writing: each write stamps it."""

    def __init__(self, task: Task, file: Any, mode: str, closefd: bool, opener: Any) -> None:
        super().__init__(file, mode, closefd, opener)
        self._task = task
        status = _fstat(self.fileno())
        self._time = _entry(task, status)
        if "w" in mode or "x" in mode or ("a" in mode and not status.st_size):
            self._time.stamp(_now(task))

    def write(self, data: Any) -> int:
        """As FileIO.write."""
        count = super().write(data)
        self._time.stamp(_now(self._task))
        return count

    def truncate(self, size: int | None = None) -> int:
        """As FileIO.truncate."""
        length = super().truncate(size)
        self._time.stamp(_now(self._task))
        return length


WrittenFile.__name__ = WrittenFile.__qualname__ = "FileIO"
WrittenFile.__module__ = "_io"


def open_written(
    task: Task,
    file: Any,
    mode: str,
    buffering: int,
    encoding: str | None,
    errors: str | None,
    newline: str | None,
    closefd: bool,
    opener: Any,
) -> Any:
    """`open` for a mode that writes, checked by the caller."""
    binary = "b" in mode
    raw = WrittenFile(task, file, mode.replace("b", "").replace("t", ""), closefd, opener)
    try:
        if buffering == 0:
            return raw
        size = buffering if buffering > 1 else raw._blksize or io.DEFAULT_BUFFER_SIZE  # type: ignore[attr-defined]
        kind = io.BufferedRandom if "+" in mode else io.BufferedWriter
        buffered = kind(raw, size)
        if binary:
            return buffered
        text = io.TextIOWrapper(buffered, encoding, errors, newline, line_buffering=buffering == 1)
        text.mode = mode  # type: ignore[misc]
        return text
    except BaseException:
        raw.close()
        raise


def keep_imports_real() -> None:
    """The import system looks at files by the module `posix`: that one keeps its originals."""
    import posix

    for name in ("stat", "lstat", *NAMES):
        setattr(posix, name, dispatch.original("os", name))
