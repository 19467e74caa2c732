"""The options of IPPROTO_IPV6 (ipv6(7), RFC 3493 5, RFC 3542 6)."""

from __future__ import annotations

import errno
import socket as constants
from typing import Any, Final

from netarium.sockets.errno import os_error
from netarium.sockets.options import Option, as_int, capable_flag, flag, number

LEVEL: Final = constants.IPPROTO_IPV6
IPV6_MTU_DISCOVER: Final = 23
IPV6_MTU: Final = 24
IPV6_RECVERR: Final = 25
IPV6_TRANSPARENT: Final = 75
IPV6_FREEBIND: Final = 78


def _changed(sock: Any) -> None:
    sock.settings_changed()


def _write_only(sock: Any, value: int | bytes) -> None:
    chosen = as_int(value)
    claim = getattr(sock, "_claim", None) or getattr(getattr(sock, "endpoint", None), "binding", None)
    if claim is not None or getattr(sock, "connection", None) is not None:
        raise os_error(errno.EINVAL)  # Linux: not once it is bound
    sock.settings.only_ipv6 = int(bool(chosen))
    sock.settings_changed()


def _read_hops(sock: Any) -> int:
    chosen = sock.settings.hop_limit
    return int(chosen if chosen >= 0 else sock.stack.settings.ipv6_hop_limit)


def _write_hops(sock: Any, value: int | bytes) -> None:
    chosen = as_int(value)
    if not -1 <= chosen <= 255:
        raise os_error(errno.EINVAL)
    sock.settings.hop_limit = chosen
    sock.settings_changed()


def _write_class(sock: Any, value: int | bytes) -> None:
    chosen = as_int(value)
    if not -1 <= chosen <= 255:
        raise os_error(errno.EINVAL)
    chosen = max(chosen, 0)
    if sock.type == constants.SOCK_STREAM:  # ECN has the lowest two bits
        chosen = (chosen & ~3) | (sock.settings.traffic_class & 3)
    sock.settings.traffic_class = chosen
    sock.settings_changed()


def level_ipv6() -> dict[tuple[int, int], Option]:
    """What every AF_INET6 socket has."""
    return {
        (LEVEL, constants.IPV6_V6ONLY): Option(lambda sock: sock.settings.only_ipv6, _write_only),
        (LEVEL, constants.IPV6_UNICAST_HOPS): Option(_read_hops, _write_hops),
        (LEVEL, constants.IPV6_TCLASS): Option(lambda sock: sock.settings.traffic_class, _write_class),
        (LEVEL, IPV6_MTU_DISCOVER): number("mtu_discover", 0, 5, _changed),
        (LEVEL, IPV6_RECVERR): flag("receive_errors6", _changed),
        (LEVEL, IPV6_FREEBIND): flag("free_bind", _changed),
        (LEVEL, IPV6_TRANSPARENT): capable_flag("transparent", ("net_admin", "net_raw"), errno.EPERM),
        (LEVEL, constants.IPV6_RECVPKTINFO): flag("receive_info6"),
        (LEVEL, constants.IPV6_RECVHOPLIMIT): flag("receive_hop_limit"),
        (LEVEL, constants.IPV6_RECVTCLASS): flag("receive_class"),
    }
