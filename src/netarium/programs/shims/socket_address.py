"""Addresses as programs write them, to what the cores take, and back."""

from __future__ import annotations

import errno
import os
import socket as real
from typing import Any

from netarium.addresses import ipv4_text
from netarium.names.literal import parse_ipv4_loosely
from netarium.programs import unix_entries
from netarium.programs.shims.socket_address6 import parse6, show6
from netarium.programs.shims.socket_names import as_text, lookup
from netarium.programs.task import Task
from netarium.sockets.errno import os_error
from netarium.sockets.packet import address_of as packet_address

_KNOWN_MAX = 8192
UNIX_PATH_MAX = 108
_INET = int(real.AF_INET)
_ints: dict[str, int] = {"": 0, "<broadcast>": 0xFFFFFFFF}
SHOWN: dict[tuple[int, int], tuple[str, int]] = {}
"""IPv4 addresses of cores as programs see them."""
_PARSED: dict[tuple[str, int], tuple[int, int]] = {}
"""Literal IPv4 addresses of programs, checked before."""


def parse(task: Task, core: Any, address: Any, call: str) -> tuple[Any, ...]:
    """(integer address, port) of an AF_INET address; names are resolved. Errors as CPython's."""
    family = core.family
    if family == _INET:
        try:
            return _PARSED[address]
        except (KeyError, TypeError):
            pass
        if type(address) is not tuple:
            raise TypeError(f"{call}(): AF_INET address must be tuple, not {type(address).__name__}")
        if len(address) != 2:
            raise TypeError(f"{call}(): AF_INET address must be a pair (host, port)")
        host, port = address
        if not isinstance(port, int):
            raise TypeError(f"'{type(port).__name__}' object cannot be interpreted as an integer")
        if not 0 <= port <= 65535:
            raise OverflowError(f"{call}(): port must be 0-65535.")
        value = _ints.get(host) if type(host) is str else None
        if value is None:
            return (resolve(task, host), port)
        if len(_PARSED) < _KNOWN_MAX and type(port) is int:
            _PARSED[address] = (value, port)
        return (value, port)
    if family == real.AF_INET6:
        return parse6(task, address, call)
    if family == real.AF_UNIX:
        name, key = unix_name(address, call)
        if (
            call != "bind"
            and key
            and not key.startswith(b"\0")
            and unix_entries.find(core.credentials.local_names, key) is None
        ):
            _refuse_file(key)
        return name, key
    if family == real.AF_PACKET:
        return packet_address(address, call)
    if family == real.AF_NETLINK:
        if type(address) is not tuple or len(address) != 2:
            raise TypeError(f"{call}(): AF_NETLINK address must be a pair (pid, groups)")
        return (int(address[0]), int(address[1]))
    if family == -1:
        raise os_error(errno.EBADF)
    raise os_error(errno.EAFNOSUPPORT)


def unix_name(address: Any, call: str) -> tuple[bytes, bytes]:
    """(the name as written, its key in the host's table) of an AF_UNIX address; errors as CPython's and Linux'."""
    if isinstance(address, str):
        name = os.fsencode(address)
    else:
        try:
            name = bytes(memoryview(address))
        except TypeError:
            raise TypeError(f"a bytes-like object is required, not '{type(address).__name__}'") from None
    if not name or name.startswith(b"\0"):
        if len(name) > UNIX_PATH_MAX:
            raise OSError("AF_UNIX path too long")
        return name, name
    if len(name) >= UNIX_PATH_MAX:
        raise OSError("AF_UNIX path too long")
    name = name.partition(b"\0")[0]
    key = os.path.abspath(name)
    if call == "bind":
        if os.path.lexists(key):
            raise os_error(errno.EADDRINUSE)
        if not os.path.isdir(os.path.dirname(key)):
            raise os_error(errno.ENOENT)
    return name, key


def _refuse_file(path: bytes) -> None:
    """What connecting to a path says that is no name of a socket: ECONNREFUSED where there is something else."""
    try:
        os.stat(path)
    except OSError as error:
        raise os_error(error.errno or errno.ENOENT) from None
    raise os_error(errno.ECONNREFUSED)


def resolve(task: Task, host: Any) -> int:
    """The IPv4 address of a host as a program names it."""
    if isinstance(host, bytes | bytearray):
        host = bytes(host).decode("ascii")
    elif not isinstance(host, str):
        raise TypeError(f"str, bytes or bytearray expected, not {type(host).__name__}")
    elif not host.isascii():
        try:
            host = as_text(host)
        except UnicodeError:
            raise TypeError("encoding of hostname failed") from None
    if "\0" in host:
        raise TypeError("host name must not contain null character")
    value = parse_ipv4_loosely(host)
    if value is None:
        text = lookup(task, host, 4)[0]
        value = parse_ipv4_loosely(text)
        assert value is not None
        return value
    if len(_ints) < _KNOWN_MAX:
        _ints[host] = value
    return value


def show(core: Any, address: Any) -> Any:
    """An address of a core as the program sees it."""
    if address is None:
        return None
    if core.family == _INET:
        found = SHOWN.get(address)
        if found is None:
            found = (ipv4_text(address[0]), address[1])
            if len(SHOWN) < _KNOWN_MAX:
                SHOWN[address] = found
        return found
    if core.family == real.AF_INET6:
        return show6(address)
    if core.family == real.AF_UNIX:
        return address if address.startswith(b"\0") else os.fsdecode(address)
    return address
