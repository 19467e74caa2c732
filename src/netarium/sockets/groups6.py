"""How AF_INET6 sockets hear groups and speak to them: IPV6_JOIN_GROUP and its companions (RFC 3493 5.2)."""

from __future__ import annotations

import errno
import socket as constants
from typing import TYPE_CHECKING, Any, Final

from netarium.sockets.address6 import ipv6_of
from netarium.sockets.errno import os_error
from netarium.sockets.options import Option, as_int, number
from netarium.sockets.options6 import LEVEL

if TYPE_CHECKING:
    from netarium.stack.ipv6_interface import Ipv6Interface

Membership6 = tuple[int, "Ipv6Interface"]
MREQ_BYTES: Final = 20


def _request(sock: Any, value: int | bytes) -> Membership6:
    """struct ipv6_mreq: the group, the index of an interface (0: where the default route leads)."""
    if isinstance(value, int) or len(value) < MREQ_BYTES:
        raise os_error(errno.EINVAL)
    group, index = int.from_bytes(value[:16], "big"), int.from_bytes(value[16:20], "little")
    if group >> 120 != 0xFF:
        raise os_error(errno.EINVAL)
    ip6 = ipv6_of(sock.stack)
    if index:
        found = next((each for each in ip6.interfaces.values() if each.interface.number + 1 == index), None)
    else:
        chosen = ip6.default_interface()
        found = chosen.ipv6 if chosen is not None else None
    if found is None:
        raise os_error(errno.ENODEV)
    return group, found


def _join(sock: Any, value: int | bytes) -> None:
    wanted = _request(sock, value)
    if wanted in sock.memberships6:
        raise os_error(errno.EADDRINUSE)
    sock.memberships6.append(wanted)
    sock.enter()
    wanted[1].join(wanted[0])
    sock.stack.settle()


def _leave(sock: Any, value: int | bytes) -> None:
    wanted = _request(sock, value)
    if wanted not in sock.memberships6:
        raise os_error(errno.EADDRNOTAVAIL)
    sock.memberships6.remove(wanted)
    sock.enter()
    wanted[1].leave(wanted[0])
    sock.stack.settle()


def leave_all6(memberships: list[Membership6]) -> None:
    """The socket is closed."""
    for group, on_link in memberships:
        on_link.leave(group)
    memberships.clear()


def _write_interface(sock: Any, value: int | bytes) -> None:
    index = as_int(value)
    if not index:
        sock.endpoint.multicast_interface = None
        return
    for each in sock.stack.interfaces.values():
        if each.number + 1 == index:
            sock.endpoint.multicast_interface = each
            return
    raise os_error(errno.ENODEV)


def _read_interface(sock: Any) -> int:
    interface = sock.endpoint.multicast_interface
    return 0 if interface is None else interface.number + 1


def _no_value(sock: Any) -> int:
    raise os_error(errno.ENOPROTOOPT)


def _changed(sock: Any) -> None:
    sock.settings_changed()


def _read_hops(sock: Any) -> int:
    return max(int(sock.settings.multicast_ttl), 0)


def _write_hops(sock: Any, value: int | bytes) -> None:
    chosen = as_int(value)
    if not -1 <= chosen <= 255:
        raise os_error(errno.EINVAL)
    sock.settings.multicast_ttl = 1 if chosen == -1 else chosen  # -1 is the default
    sock.settings_changed()


def groups_ipv6() -> dict[tuple[int, int], Option]:
    """The options of sockets that send to and hear groups; such a socket has `memberships6` and an `endpoint`."""
    return {
        (LEVEL, constants.IPV6_JOIN_GROUP): Option(_no_value, _join),
        (LEVEL, constants.IPV6_LEAVE_GROUP): Option(_no_value, _leave),
        (LEVEL, constants.IPV6_MULTICAST_IF): Option(_read_interface, _write_interface),
        (LEVEL, constants.IPV6_MULTICAST_HOPS): Option(_read_hops, _write_hops),
        (LEVEL, constants.IPV6_MULTICAST_LOOP): number("multicast_loop", 0, 1, _changed),
    }
