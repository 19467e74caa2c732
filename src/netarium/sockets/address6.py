"""Addresses of AF_INET6 sockets: (128-bit integer, port, flow label, scope id); IPv4 ones are mapped (RFC 3493)."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, Final

from netarium.sockets.errno import os_error
from netarium.stack.ipv6_address import MAPPED, is_mapped, needs_link

if TYPE_CHECKING:
    from netarium.stack.interface import Interface
    from netarium.stack.ipv6 import Ipv6
    from netarium.stack.stack import Stack

Address6 = tuple[int, int, int, int]
UNSPECIFIED: Final[Address6] = (0, 0, 0, 0)


def ipv6_of(stack: Stack) -> Ipv6:
    """The host's IPv6; EAFNOSUPPORT where it is off, as on a kernel with ipv6.disable=1."""
    if stack.ipv6 is None:
        raise os_error(errno.EAFNOSUPPORT)
    return stack.ipv6


def scoped_interface(stack: Stack, address: int, scope: int) -> Interface | None:
    """The interface that a scope id names; it counts only for addresses of a link. ENODEV when there is none."""
    if not scope or not needs_link(address):
        return None
    for each in stack.interfaces.values():
        if each.number + 1 == scope:
            return each
    raise os_error(errno.ENODEV)


def shown(version: int, address: int, port: int, interface: Interface | None = None) -> Address6:
    """An address of the stack as an AF_INET6 socket shows it; `interface` gives a link-local one its scope id."""
    if version == 4:
        return address | MAPPED if address else 0, port, 0, 0
    scope = interface.number + 1 if interface is not None and needs_link(address) else 0
    return address, port, 0, scope


def split(address: int) -> tuple[int, int]:
    """(version, address as the stack has it)."""
    return (4, address & 0xFFFFFFFF) if is_mapped(address) else (6, address)
