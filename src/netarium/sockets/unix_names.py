"""The names of AF_UNIX sockets on one host (unix(7)): paths, abstract names, and those the kernel chooses.

Paths are entries of this table: two hosts that share a directory never meet. `programs/shims/files` lets programs see
and unlink them as the files they are, `programs/unix_entries` makes the entries of directories. A path stays when its
socket is closed, until it is unlinked; an abstract name (its first byte is 0) goes with its socket, and each type of
socket has names of its own (Linux unix_abstract_hash): in the table its second byte is the type.
"""

from __future__ import annotations

import errno
from typing import Any, Final

from netarium.sockets.errno import os_error

ABSTRACT: Final = b"\0"
FIRST_INODE: Final = 1 << 20


class Name:
    """One name: who is bound to it (None when that is closed), and what stat(2) says of a path."""

    __slots__ = ("entry", "inode", "mode", "socket", "uid")

    def __init__(self, socket: Any, inode: int, uid: int) -> None:
        self.socket = socket
        self.inode = inode
        self.mode = 0o755
        self.uid = uid
        self.entry: tuple[int, int, int] | None = None
        """(device, inode, time of change in ns) of its placeholder in the directory, see `programs/unix_entries`."""


class Names(dict[bytes, Name]):
    """The table of one host. `last_inode` is the newest name's: no later one has it again."""

    __slots__ = ("__weakref__", "entries", "last_inode", "made")

    def __init__(self) -> None:
        super().__init__()
        self.last_inode = FIRST_INODE
        self.entries: dict[tuple[int, int, int], Name] = {}
        """The names that have a placeholder, by its identity."""
        self.made: dict[tuple[int, int, int], bytes] = {}
        """Where the placeholders are."""


def abstract_key(key: bytes, kind: int) -> bytes:
    """The key in the table of what a program calls `key`."""
    return ABSTRACT + bytes((kind,)) + key[1:] if key.startswith(ABSTRACT) else key


def claim(names: Names, key: bytes, socket: Any, uid: int) -> bytes:
    """Take a name, b"" for one of the kernel's choice; its key. EADDRINUSE when it is there."""
    wanted = key
    number = 0
    while True:
        if not wanted:
            number += 1
            key = ABSTRACT + b"%05x" % number
        key = abstract_key(key, socket.type)
        if key not in names:
            break
        if wanted:
            raise os_error(errno.EADDRINUSE)
    names.last_inode += 1
    names[key] = Name(socket, names.last_inode, uid)
    return key


def give_back(names: dict[bytes, Name], key: bytes, socket: Any) -> None:
    """The socket is closed: an abstract name is free, a path stays."""
    found = names.get(key)
    if found is None or found.socket is not socket:
        return
    if key.startswith(ABSTRACT):
        del names[key]
    else:
        found.socket = None


def find(names: dict[bytes, Name], key: bytes, kind: int) -> Any:
    """Who is bound to a name. ENOENT for a path that is not there, else ECONNREFUSED."""
    found = names.get(abstract_key(key, kind))
    if found is None:
        raise os_error(errno.ECONNREFUSED if key.startswith(ABSTRACT) else errno.ENOENT)
    if found.socket is None:
        raise os_error(errno.ECONNREFUSED)
    return found.socket
