"""Options of ip(7) by which a program hears groups and chooses how it speaks to them, for UDP and raw sockets.

IP_ADD_MEMBERSHIP and IP_DROP_MEMBERSHIP take struct ip_mreq (group, address of an interface) or ip_mreqn (with an
interface's index, which goes first); IP_MULTICAST_IF takes those or a plain address. A membership ends with its socket.
As with Linux' IP_MULTICAST_ALL = 1, a socket hears every group that somebody on its host has joined.
"""

from __future__ import annotations

import errno
import socket as constants
import struct
from typing import TYPE_CHECKING, Any, Final

from netarium.sockets.errno import os_error
from netarium.sockets.options import Option, as_int, flag

if TYPE_CHECKING:
    from netarium.sockets.base import Socket
    from netarium.stack.interface import Interface

Membership = tuple[int, "Interface"]
MREQ_BYTES: Final = 8
MREQN_BYTES: Final = 12


def _interface_at(sock: Socket, index: int, address: int, group: int) -> Interface | None:
    """By index, else by address, else where the route to the group leads (Linux ip_mc_find_dev)."""
    interfaces = sock.stack.interfaces
    if index:
        return next((each for each in interfaces.values() if each.number + 1 == index), None)
    if address:
        return sock.stack.interface_with(address)
    route = sock.stack.ipv4.route_for(group) if group else None
    return route.interface if route is not None else None


def _request(sock: Socket, value: int | bytes) -> Membership:
    if isinstance(value, int) or len(value) < MREQ_BYTES:
        raise os_error(errno.EINVAL)
    group, address = int.from_bytes(value[:4], "big"), int.from_bytes(value[4:8], "big")
    index = int.from_bytes(value[8:12], "little") if len(value) >= MREQN_BYTES else 0
    if group >> 28 != 0xE:
        raise os_error(errno.EINVAL)
    interface = _interface_at(sock, index, address, group)
    if interface is None:
        raise os_error(errno.ENODEV)
    return group, interface


def _join(sock: Any, value: int | bytes) -> None:
    wanted = _request(sock, value)
    if wanted in sock.memberships:
        raise os_error(errno.EADDRINUSE)
    sock.memberships.append(wanted)
    sock.enter()
    sock.stack.igmp.join(wanted[1], wanted[0])
    sock.stack.settle()


def _leave(sock: Any, value: int | bytes) -> None:
    wanted = _request(sock, value)
    if wanted not in sock.memberships:
        raise os_error(errno.EADDRNOTAVAIL)
    sock.memberships.remove(wanted)
    sock.enter()
    sock.stack.igmp.leave(wanted[1], wanted[0])
    sock.stack.settle()


def leave_all(memberships: list[Membership]) -> None:
    """The socket is closed."""
    for group, interface in memberships:
        interface.stack.igmp.leave(interface, group)
    memberships.clear()


def _write_interface(sock: Any, value: int | bytes) -> None:
    if isinstance(value, int):
        value = struct.pack("i", value)
    if len(value) < 4:
        raise os_error(errno.EINVAL)
    at = 0 if len(value) < MREQ_BYTES else 4
    address = int.from_bytes(value[at : at + 4], "big")
    index = int.from_bytes(value[8:12], "little") if len(value) >= MREQN_BYTES else 0
    if not address and not index:
        sock.endpoint.multicast_interface = None
        return
    interface = _interface_at(sock, index, address, 0)
    if interface is None:
        raise os_error(errno.EADDRNOTAVAIL)
    sock.endpoint.multicast_interface = interface


def _read_interface(sock: Any) -> bytes:
    interface: Interface | None = sock.endpoint.multicast_interface
    addresses = [] if interface is None else interface.addresses
    return (addresses[0].address if addresses else 0).to_bytes(4, "big")


def _write_ttl(sock: Any, value: int | bytes) -> None:
    chosen = as_int(value)
    chosen = 1 if chosen == -1 else chosen  # -1 is the default
    if not 0 <= chosen <= 255:
        raise os_error(errno.EINVAL)
    sock.settings.multicast_ttl = chosen
    sock.settings_changed()


def _changed(sock: Any) -> None:
    sock.settings_changed()


def _write_only(sock: Any) -> int:
    raise os_error(errno.ENOPROTOOPT)


def multicast() -> dict[tuple[int, int], Option]:
    """The options of sockets that send to and hear groups; such a socket has `memberships` and an `endpoint`."""
    level = constants.IPPROTO_IP
    return {
        (level, constants.IP_ADD_MEMBERSHIP): Option(_write_only, _join),
        (level, constants.IP_DROP_MEMBERSHIP): Option(_write_only, _leave),
        (level, constants.IP_MULTICAST_IF): Option(_read_interface, _write_interface),
        (level, constants.IP_MULTICAST_TTL): Option(lambda sock: sock.settings.multicast_ttl, _write_ttl),
        (level, constants.IP_MULTICAST_LOOP): flag("multicast_loop", _changed),
    }
