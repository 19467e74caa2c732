"""The only door to the disk: everything inside one directory, nothing outside.

A name is walked part by part, each opened relative to the directory before it and never through a symlink, so no
change made meanwhile can lead outside. A symlink that stays inside is followed by walking its target the same way.
A file under way has a temporary name beside its final one and takes that only when it is whole.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from netarium.apps.files.protocol import PARTIAL_ENDING, FileHeader, Refused, split_name

SYMLINKS_MAX = 16
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True)
class Entry:
    """One line of a listing: `kind` is file, directory, other (a symlink, a device) or unreadable.

    `why` says what hinders: the name breaks a rule, or a directory (which has its own line too) cannot be read.
    """

    name: str
    kind: str
    size: int
    mtime_ns: int
    mode: int
    why: str = ""


class Folder:
    """A directory that is served, or that files are fetched into."""

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        try:
            self._root = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise type(error)(f"{self.path}: there is no such directory") from None

    def close(self) -> None:
        """Give the directory back."""
        os.close(self._root)

    # Walking

    @contextlib.contextmanager
    def _parent(self, parts: tuple[str, ...], make: bool = False) -> Iterator[tuple[int, str]]:
        """The open directory a name is in, and the name's last part; symlinks are followed while they stay inside."""
        parts = self._follow(parts, make)
        directory = os.dup(self._root)
        try:
            for part in parts[:-1]:
                if make:
                    _make_directory(part, directory)
                following = _open_directory(part, directory)
                os.close(directory)
                directory = following
            yield directory, parts[-1]
        finally:
            os.close(directory)

    def _follow(self, parts: tuple[str, ...], make: bool) -> tuple[str, ...]:
        """The parts with every symlink in them replaced by its target, if that is inside."""
        done: list[str] = []
        left, links = list(reversed(parts)), 0
        while left:
            part = left.pop()
            target = self._link_target(done, part)
            if target is None:
                done.append(part)
                continue
            links += 1
            if links > SYMLINKS_MAX:
                raise Refused("the name runs through too many symlinks", "symlink")
            if target.startswith("/"):
                raise Refused("the name leads through a symlink out of the served directory", "symlink")
            for piece in reversed([piece for piece in target.split("/") if piece not in ("", ".")]):
                left.append(piece)
            while left and left[-1] == "..":
                left.pop()
                if not done:
                    raise Refused("the name leads through a symlink out of the served directory", "symlink")
                done.pop()
            if ".." in left:
                raise Refused("the name leads through a symlink with '..' in the midst of it", "symlink")
        if not done:
            raise Refused("the name is that of the served directory itself", "name")
        return tuple(done)

    def _link_target(self, before: list[str], part: str) -> str | None:
        """Where a part points if it is a symlink, else None."""
        directory = os.dup(self._root)
        try:
            for piece in before:
                following = _open_directory(piece, directory)
                os.close(directory)
                directory = following
            return os.readlink(part, dir_fd=directory)
        except OSError:
            return None  # no symlink, or not there at all
        except Refused:
            return None
        finally:
            os.close(directory)

    # Reading

    def open_file(self, name: str) -> tuple[int, os.stat_result]:
        """A regular file open for reading, and what it is."""
        with self._parent(split_name(name)) as (directory, leaf):
            try:
                # O_NONBLOCK: a FIFO must not hold us before we have seen what it is.
                handle = os.open(
                    leaf, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=directory
                )
            except OSError as error:
                raise Refused(_why(error, name), "no-file") from None
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            os.close(handle)
            kind = "a directory" if stat.S_ISDIR(status.st_mode) else "no regular file"
            raise Refused(f"{name} is {kind}", "directory" if kind == "a directory" else "no-file")
        return handle, status

    def header(self, name: str, status: os.stat_result, algorithm: str) -> FileHeader:
        """The header of a file of ours."""
        return FileHeader(name, status.st_size, status.st_mtime_ns, status.st_mode & 0o777, algorithm)

    def list(self, name: str = "", recursive: bool = False) -> Iterator[Entry]:
        """What is in a directory (with `recursive`, below it), or the one file itself; sorted.

        What cannot be read is listed too, as unreadable: a tree is never shown smaller than it is without a word.
        """
        if not name:
            # Opened anew: a duplicate would share its place in the directory with listings in other threads.
            handle = _open_directory(".", self._root)
        else:
            with self._parent(split_name(name)) as (directory, leaf):
                try:
                    status = os.stat(leaf, dir_fd=directory, follow_symlinks=False)
                except OSError as error:
                    raise Refused(_why(error, name), "no-file") from None
                if not stat.S_ISDIR(status.st_mode):
                    yield _entry(name, status)
                    return
                handle = _open_directory(leaf, directory)
        yield from self._walk(handle, name + "/" if name else "", recursive)

    def _walk(self, handle: int, prefix: str, recursive: bool) -> Iterator[Entry]:
        below: list[str] = []
        try:
            with os.scandir(handle) as found:
                names = sorted(entry.name for entry in found)
            for leaf in names:
                if leaf.endswith(PARTIAL_ENDING):
                    continue
                try:
                    status = os.stat(leaf, dir_fd=handle, follow_symlinks=False)
                except OSError:
                    continue  # gone meanwhile
                try:
                    split_name(prefix + leaf)
                except Refused as error:
                    yield Entry(prefix + leaf, "unreadable", 0, 0, 0, str(error))
                    continue
                yield _entry(prefix + leaf, status)
                if recursive and stat.S_ISDIR(status.st_mode):
                    below.append(leaf)
            for leaf in below:
                try:
                    following = _open_directory(leaf, handle)
                except Refused as error:
                    yield Entry(prefix + leaf, "unreadable", 0, 0, 0, str(error))
                    continue
                yield from self._walk(following, f"{prefix}{leaf}/", True)
        finally:
            os.close(handle)

    # Writing

    def make_directory(self, name: str) -> None:
        """Make a directory and those above it; there already is good."""
        with self._parent((*split_name(name), "."), make=True):
            pass

    def open_partial(self, name: str) -> Partial:
        """The file under way to this name: new, or what an earlier transfer left. It has one owner at a time."""
        with self._parent(split_name(name), make=True) as (directory, leaf):
            temporary = f".{leaf}{PARTIAL_ENDING}"
            with contextlib.suppress(FileNotFoundError):
                if stat.S_ISDIR(os.stat(leaf, dir_fd=directory, follow_symlinks=False).st_mode):
                    raise Refused(f"{name} is a directory", "directory")
            flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            try:
                handle = os.open(temporary, flags, 0o600, dir_fd=directory)
            except OSError as error:
                raise Refused(_why(error, name), "disk") from None
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _same_file(handle, temporary, directory)
            except OSError:
                os.close(handle)
                raise Refused(f"another transfer of {name} is under way", "busy") from None
            return Partial(handle, os.dup(directory), leaf, temporary)


class Partial:
    """A file under way: write to `handle`, then `finish` or `keep` or `discard` it."""

    def __init__(self, handle: int, directory: int, leaf: str, temporary: str) -> None:
        self.handle, self._directory, self._leaf, self._temporary = handle, directory, leaf, temporary
        self.size = os.fstat(handle).st_size

    def free_bytes(self) -> int:
        """Room left on the disk."""
        status = os.fstatvfs(self.handle)
        return status.f_bavail * status.f_frsize

    def truncate(self, size: int) -> None:
        """Cut what is there to `size` bytes and go on behind it."""
        if (
            size != self.size
        ):  # ext4 flushes a file at its close that was cut to nothing, even if it was empty
            os.ftruncate(self.handle, size)
        os.lseek(self.handle, size, os.SEEK_SET)
        self.size = size

    def cut(self, size: int) -> None:
        """Keep at most so much of what came."""
        if size < os.fstat(self.handle).st_size:
            os.ftruncate(self.handle, size)

    def finish(self, header: FileHeader, sync: bool) -> None:
        """The file is whole: give it its mode, its time and its name."""
        os.fchmod(self.handle, header.mode)
        os.utime(self.handle, ns=(header.mtime_ns, header.mtime_ns))
        if sync:
            os.fsync(self.handle)
        os.rename(self._temporary, self._leaf, src_dir_fd=self._directory, dst_dir_fd=self._directory)
        if sync:
            os.fsync(self._directory)
        self._close()

    def keep(self) -> None:
        """Leave what came for a later resume; nothing at all leaves no file. After another end it does nothing."""
        if self.handle < 0:
            return
        if os.fstat(self.handle).st_size == 0:
            self.discard()
        else:
            self._close()

    def discard(self) -> None:
        """Delete what came."""
        with contextlib.suppress(OSError):
            os.unlink(self._temporary, dir_fd=self._directory)
        self._close()

    def _close(self) -> None:
        if self.handle >= 0:
            os.close(self.handle)
            os.close(self._directory)
        self.handle = -1


def _make_directory(part: str, directory: int) -> None:
    try:
        os.mkdir(part, 0o777, dir_fd=directory)
    except FileExistsError:
        pass
    except OSError as error:
        raise Refused(_why(error, part), "disk") from None


def _open_directory(part: str, directory: int) -> int:
    try:
        return os.open(part, _DIRECTORY, dir_fd=directory)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENOTDIR):
            raise Refused(f"{part} is no directory", "no-file") from None
        raise Refused(_why(error, part), "no-file") from None


def _same_file(handle: int, name: str, directory: int) -> None:
    """Raise OSError if the name is another file by now: its owner before us finished between our open and our lock."""
    ours, named = os.fstat(handle), os.stat(name, dir_fd=directory, follow_symlinks=False)
    if (ours.st_dev, ours.st_ino) != (named.st_dev, named.st_ino) or not stat.S_ISREG(ours.st_mode):
        raise BlockingIOError


def _entry(name: str, status: os.stat_result) -> Entry:
    mode = status.st_mode
    kind = "file" if stat.S_ISREG(mode) else "directory" if stat.S_ISDIR(mode) else "other"
    return Entry(name, kind, status.st_size if kind == "file" else 0, status.st_mtime_ns, mode & 0o777)


def _why(error: OSError, name: str) -> str:
    return f"{name}: {(error.strerror or 'error').lower()}"
