"""Names of AF_UNIX sockets as entries of real directories: placeholders, which listdir, rename, open and links find.

Who is bound to a name the host's table says (`sockets/unix_names`), for hosts that share a directory are two machines.
The placeholder is a file of the type socket that nobody listens at: a program of another host does not see it (only
when it lists the directory), and it is removed with its net. Where none can be made, a name is in the table alone.
"""

from __future__ import annotations

import itertools
import os
import stat as modes
from weakref import finalize, ref

from netarium.sockets.unix_names import Name, Names

_mknod, _stat, _lstat, _unlink, _utime = os.mknod, os.stat, os.lstat, os.unlink, os.utime
Identity = tuple[int, int, int]
"""(device, inode, time of change in ns) of a placeholder. An inode alone is soon another file's."""
_owners: dict[Identity, ref[Names]] = {}
"""The placeholders of all hosts of all nets."""
_finalize = finalize.__init__
"""As it is outside: what a program begins would be called at the program's end."""


_numbers = itertools.count(1)


def make(names: Names, key: bytes, mode: int) -> None:
    """The placeholder of a name that was bound just now; the mode is without what the umask forbids."""
    names[key].mode = mode
    try:
        _mknod(key, modes.S_IFSOCK | mode)
        # Between two ticks of the kernel's coarse clock, where no file that it makes has its time.
        moment = _lstat(key).st_mtime_ns + next(_numbers) % 1000
        _utime(key, ns=(moment, moment))
    except OSError:
        return  # a directory that is read only, or another host's placeholder
    found = identity(key, False)
    if found is None:
        return
    before = _owners.get(found)
    owner = None if before is None else before()
    if owner is not None:  # its own is gone, and the inode is used anew
        owner.entries.pop(found, None)
        owner.made.pop(found, None)
    if not names.made:
        _finalize(finalize.__new__(finalize), names, _remove_all, names.made)
    names[key].entry = found
    names.entries[found] = names[key]
    names.made[found] = key
    _owners[found] = ref(names)


def identity(path: bytes, follow: bool) -> Identity | None:
    """Of the placeholder at a path; None when something else or nothing is there."""
    try:
        status = _stat(path) if follow else _lstat(path)
    except OSError:
        return None
    return (status.st_dev, status.st_ino, status.st_mtime_ns) if modes.S_ISSOCK(status.st_mode) else None


def find(names: Names, key: bytes, follow: bool = True) -> Name | None:
    """The name that a path means on this host, also by links and after a rename."""
    name = names.get(key)
    if name is not None and name.entry is None:
        return name
    if not names.entries:
        return None
    found = identity(key, follow)
    if found is not None and found in names.entries:
        names[key] = names.entries[found]  # where the table is looked at next
        return names[key]
    if name is not None and not _is_there(key):
        del names[key]
    return None


def _is_there(path: bytes) -> bool:
    try:
        _lstat(path)
    except OSError:
        return False
    return True


def any_made() -> bool:
    """Whether there are placeholders at all, so that nobody else pays for them."""
    return bool(_owners)


def is_placeholder(path: bytes, follow: bool) -> bool:
    """Whether what is at a path is any host's placeholder."""
    return bool(_owners) and identity(path, follow) in _owners


def is_anothers(names: Names, path: bytes) -> bool:
    """Whether what is at a path is another host's placeholder, which this host has not."""
    if not _owners:
        return False
    found = identity(path, True)
    return found is not None and found in _owners and found not in names.entries


def remove(names: Names, key: bytes) -> None:
    """unlink of a name of this host."""
    name = names.pop(key)
    if name.entry is None:
        return
    last = _lstat(key).st_nlink == 1
    _unlink(key)
    if last:
        names.entries.pop(name.entry, None)
        names.made.pop(name.entry, None)
        _owners.pop(name.entry, None)


def moved(names: Names, source: bytes, target: bytes) -> None:
    """rename has moved what was at `source`."""
    old = names.pop(source, None)
    names.pop(target, None)
    if old is not None and old.entry is None:
        names[target] = old
    found = identity(target, False) if names.entries else None
    if found is not None and found in names.entries:
        names[target] = names.entries[found]
        names.made[found] = target


def remove_all(names: Names) -> None:
    """The end of the net: nothing of it stays in the directories."""
    _remove_all(names.made)
    names.entries.clear()


def _remove_all(made: dict[Identity, bytes]) -> None:
    for found, path in made.items():
        _owners.pop(found, None)
        if identity(path, False) == found:
            try:
                _unlink(path)
            except OSError:
                continue
    made.clear()
