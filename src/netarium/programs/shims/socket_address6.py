"""Addresses of AF_INET6 as programs write them: (host, port[, flowinfo[, scope id]])."""

from __future__ import annotations

import errno
import socket as real
from typing import Any

from netarium.names.literal import format_ipv6, parse_ipv6
from netarium.programs.shims.socket_names import lookup
from netarium.programs.task import Task
from netarium.sockets.errno import os_error
from netarium.units import is_whole

Address6 = tuple[int, int, int, int]
FLOW_MAX = 0xFFFFF


def parse6(task: Task, address: Any, call: str) -> Address6:
    """(integer address, port, flow label, scope id); names are resolved, `%eth0` is a scope. Errors as CPython's."""
    if type(address) is not tuple:
        raise TypeError(f"{call}(): AF_INET6 address must be tuple, not {type(address).__name__}")
    if not 2 <= len(address) <= 4:
        raise TypeError(f"{call}(): AF_INET6 address must be a tuple (host, port[, flowinfo[, scopeid]])")
    host, port = address[:2]
    flow, scope = (*address[2:], 0, 0)[:2]
    for number in (port, flow, scope):
        if not isinstance(number, int):
            raise TypeError(f"'{type(number).__name__}' object cannot be interpreted as an integer")
    if not 0 <= port <= 65535:
        raise OverflowError(f"{call}(): port must be 0-65535.")
    if not 0 <= flow <= FLOW_MAX:
        raise OverflowError(f"{call}(): flowinfo must be 0-1048575.")
    if isinstance(host, bytes | bytearray):
        host = bytes(host).decode("ascii")
    elif not isinstance(host, str):
        raise TypeError(f"str, bytes or bytearray expected, not {type(host).__name__}")
    host, _, zone = host.partition("%")
    return _resolve(task, host), port, flow, zone_index(task, zone) if zone else scope


def _resolve(task: Task, host: str) -> int:
    if host == "":
        return 0
    value = parse_ipv6(host)
    if value is None:
        value = parse_ipv6(lookup(task, host, 6)[0])
        assert value is not None
    return value


def zone_index(task: Task, zone: str) -> int:
    """The scope id of `%eth0` or `%2`; EAI_NONAME when there is no such interface."""
    if is_whole(zone):
        return int(zone)
    for name, interface in task.process.host.stack.interfaces.items():
        if name == zone:
            return interface.number + 1
    raise real.gaierror(real.EAI_NONAME, "Name or service not known")


def show6(address: Any) -> tuple[str, int, int, int]:
    """An address of an AF_INET6 core as the program sees it."""
    if len(address) != 4:
        raise os_error(errno.EAFNOSUPPORT)
    value, port, flow, scope = address
    return format_ipv6(value), port, flow, scope
