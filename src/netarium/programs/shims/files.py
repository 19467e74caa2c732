"""Names of AF_UNIX sockets as the files they would be: a program sees, changes and unlinks those of its host.

The names live in the host's table (`sockets/unix_names`); every other path is the real file.
"""

from __future__ import annotations

import errno
import os
import stat as modes
from collections.abc import Callable
from typing import Any

from netarium.programs.shims.descriptors import status as descriptor_status
from netarium.programs.shims.file_times import seen_inside
from netarium.programs.shims.os import virtual_number
from netarium.programs.task import Task
from netarium.sockets.errno import os_error
from netarium.sockets.unix_names import Name

_abspath, _fsencode, _stat_result = os.path.abspath, os.fsencode, os.stat_result
_EXECUTE_WRITE_READ = os.X_OK | os.W_OK | os.R_OK


def _found(task: Task, path: Any, directory: Any = None) -> tuple[bytes, Name] | None:
    """(key, name) when this path is a socket's name on the task's host."""
    names = task.process.credentials.local_names
    if not names or directory is not None or not isinstance(path, str | bytes | os.PathLike):
        return None
    key = _abspath(_fsencode(path))
    name = names.get(key)
    return None if name is None else (key, name)


def _remove(plain: Callable[..., Any]) -> Callable[..., Any]:
    def remove(task: Task, path: Any, *, dir_fd: Any = None) -> None:
        found = _found(task, path, dir_fd)
        if found is None:
            plain(path, dir_fd=dir_fd)
        else:
            del task.process.credentials.local_names[found[0]]

    return remove


def _status(plain: Callable[..., Any]) -> Callable[..., Any]:
    def status(task: Task, path: Any, *, dir_fd: Any = None, **keywords: Any) -> os.stat_result:
        if isinstance(path, int) and not keywords and dir_fd is None and virtual_number(path) >= 0:
            return descriptor_status(task, path)
        found = _found(task, path, dir_fd)
        if found is None:
            return seen_inside(task, plain(path, dir_fd=dir_fd, **keywords))
        name = found[1]
        return _stat_result((modes.S_IFSOCK | name.mode, name.inode, 1, 1, name.uid, name.uid, 0, 0, 0, 0))

    return status


unlink = _remove(os.unlink)
remove = _remove(os.remove)
stat = _status(os.stat)
lstat = _status(os.lstat)
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


def chown(task: Task, path: Any, uid: int, gid: int, **keywords: Any) -> None:
    """As os.chown: root's privilege."""
    found = _found(task, path, keywords.get("dir_fd"))
    if found is None:
        _chown(path, uid, gid, **keywords)
    elif not task.process.root:
        raise os_error(errno.EPERM)
    else:
        found[1].uid = found[1].uid if uid == -1 else uid
