"""Names of AF_UNIX sockets as the files they would be: a program sees, changes and unlinks those of its host.

The names live in the host's table (`sockets/unix_names`) and have a placeholder in the directory (`unix_entries`);
every other path is the real file.
"""

from __future__ import annotations

import errno
import os
import stat as modes
from collections.abc import Callable
from typing import Any

from netarium.programs import unix_entries
from netarium.programs.shims.descriptors import status as descriptor_status
from netarium.programs.shims.file_times import seen_inside
from netarium.programs.shims.os import virtual_number
from netarium.programs.task import Task
from netarium.sockets.errno import os_error
from netarium.sockets.unix_names import Name

_abspath, _fsencode, _stat_result = os.path.abspath, os.fsencode, os.stat_result
_EXECUTE_WRITE_READ = os.X_OK | os.W_OK | os.R_OK


def _found(task: Task, path: Any, directory: Any = None, follow: bool = True) -> tuple[bytes, Name] | None:
    """(key, name) when this path is a socket's name on the task's host. ENOENT when it is another host's."""
    if directory is not None or not isinstance(path, str | bytes | os.PathLike):
        return None
    names = task.process.credentials.local_names
    if not names:
        return None
    key = _abspath(_fsencode(path))
    name = unix_entries.find(names, key, follow)
    return None if name is None else (key, name)


def _refuse_anothers(task: Task, path: Any, directory: Any, status: os.stat_result) -> None:
    """ENOENT for the placeholder of another host."""
    if (
        modes.S_ISSOCK(status.st_mode)
        and directory is None
        and not isinstance(path, int)
        and unix_entries.is_anothers(task.process.credentials.local_names, _abspath(_fsencode(path)))
    ):
        raise OSError(errno.ENOENT, os.strerror(errno.ENOENT), path)


def _remove(plain: Callable[..., Any]) -> Callable[..., Any]:
    def remove(task: Task, path: Any, *, dir_fd: Any = None) -> None:
        found = _found(task, path, dir_fd, follow=False)
        if found is not None:
            unix_entries.remove(task.process.credentials.local_names, found[0])
            return
        if unix_entries.any_made():
            _refuse_anothers(task, path, dir_fd, _plain_lstat(path, dir_fd=dir_fd))
        plain(path, dir_fd=dir_fd)

    return remove


def _rename(plain: Callable[..., Any]) -> Callable[..., Any]:
    def rename(task: Task, src: Any, dst: Any, *, src_dir_fd: Any = None, dst_dir_fd: Any = None) -> None:
        names = task.process.credentials.local_names
        found = _found(task, src, src_dir_fd, follow=False)
        if found is None or found[1].entry is not None:
            plain(src, dst, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd)
        if names and src_dir_fd is None and dst_dir_fd is None:
            unix_entries.moved(names, _abspath(_fsencode(src)), _abspath(_fsencode(dst)))

    return rename


def _status(plain: Callable[..., Any], follow: bool) -> Callable[..., Any]:
    def status(task: Task, path: Any, *, dir_fd: Any = None, **keywords: Any) -> os.stat_result:
        if isinstance(path, int) and not keywords and dir_fd is None and virtual_number(path) >= 0:
            return descriptor_status(task, path)
        found = _found(task, path, dir_fd, follow and keywords.get("follow_symlinks", True))
        if found is None:
            real = plain(path, dir_fd=dir_fd, **keywords)
            _refuse_anothers(task, path, dir_fd, real)
            return seen_inside(task, real)
        name = found[1]
        return _stat_result((modes.S_IFSOCK | name.mode, name.inode, 1, 1, name.uid, name.uid, 0, 0, 0, 0))

    return status


_plain_lstat = os.lstat
unlink = _remove(os.unlink)
remove = _remove(os.remove)
rename = _rename(os.rename)
replace = _rename(os.replace)
stat = _status(os.stat, follow=True)
lstat = _status(os.lstat, follow=False)
_access, _chmod, _chown = os.access, os.chmod, os.chown


def access(task: Task, path: Any, mode: int, **keywords: Any) -> bool:
    """As os.access: whether the name is there and its mode allows."""
    found = _found(task, path, keywords.get("dir_fd"))
    if found is None:
        return _access(path, mode, **keywords)
    if task.process.root:
        return True
    own = found[1].uid == task.process.credentials.users[1]
    allowed = found[1].mode >> (6 if own else 0) & 7
    return not mode & _EXECUTE_WRITE_READ & ~allowed


def chmod(task: Task, path: Any, mode: int, **keywords: Any) -> None:
    """As os.chmod."""
    found = _found(task, path, keywords.get("dir_fd"))
    if found is None:
        _chmod(path, mode, **keywords)
    else:
        found[1].mode = mode & 0o7777
        if found[1].entry is not None:
            _chmod(path, found[1].mode, **keywords)


def chown(task: Task, path: Any, uid: int, gid: int, **keywords: Any) -> None:
    """As os.chown: root's privilege."""
    found = _found(task, path, keywords.get("dir_fd"))
    if found is None:
        _chown(path, uid, gid, **keywords)
    elif not task.process.root:
        raise os_error(errno.EPERM)
    else:
        found[1].uid = found[1].uid if uid == -1 else uid
