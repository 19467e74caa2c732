"""The options of TCP sockets (tcp(7))."""

from __future__ import annotations

import errno
import socket as constants
import struct
from typing import Any, Final

from netarium.sockets.errno import os_error
from netarium.sockets.options import (
    FORCED_BYTES_MAX,
    IP_MTU,
    IP_MTU_DISCOVER,
    IP_MTU_MAX,
    IP_PKTINFO,
    IP_RECVTOS,
    IP_RECVTTL,
    LOW_WATER_MAX,
    RECEIVE_BUFFER_BYTES_MIN,
    SEND_BUFFER_BYTES_MIN,
    SO_RCVBUFFORCE,
    SO_RCVLOWAT,
    SO_SNDBUFFORCE,
    Option,
    as_int,
    common,
    flag,
    forced,
    mtu_discovery,
)
from netarium.sockets.tcp_info import tcp_info_bytes

SECOND_NS: Final = 1_000_000_000
TCP_CONGESTION: Final = 13
TCP_USER_TIMEOUT: Final = 18
TCP_DEFER_ACCEPT: Final = 9
TCP_WINDOW_CLAMP: Final = 10
TCP_LINGER2: Final = 8
TCP_SYNCNT: Final = 7
TCP_NOTSENT_LOWAT: Final = 25
SO_ORIGINAL_DST: Final = 80


def _flag(name: str) -> Option:
    def write(sock: Any, value: int | bytes) -> None:
        setattr(sock.chosen, name, bool(as_int(value)))
        sock.settings_changed()

    return Option(lambda sock: int(getattr(sock.chosen, name)), write)


def _seconds(name: str, setting: str, high: int) -> Option:
    """A time in whole seconds, kept in ns; 0 there stands for the sysctl's."""

    def read(sock: Any) -> int:
        chosen = getattr(sock.chosen, name)
        return int(chosen // SECOND_NS if chosen else getattr(sock.stack.settings, setting))

    def write(sock: Any, value: int | bytes) -> None:
        chosen = as_int(value)
        if not 1 <= chosen <= high:
            raise os_error(errno.EINVAL)
        setattr(sock.chosen, name, chosen * SECOND_NS)
        sock.settings_changed()

    return Option(read, write)


def _count(name: str, setting: str, high: int) -> Option:
    """A count; 0 there stands for the sysctl's."""

    def read(sock: Any) -> int:
        return int(getattr(sock.chosen, name) or getattr(sock.stack.settings, setting))

    def write(sock: Any, value: int | bytes) -> None:
        chosen = as_int(value)
        if not 1 <= chosen <= high:
            raise os_error(errno.EINVAL)
        setattr(sock.chosen, name, chosen)
        sock.settings_changed()

    return Option(read, write)


def _buffer(name: str, current: str, setting: str, most: str, smallest: int) -> Option:
    def read(sock: Any) -> int:
        chosen = getattr(sock.chosen, name)
        if chosen:
            return int(chosen)
        if sock.connection is not None:
            return int(getattr(sock.connection, current))
        return int(getattr(sock.stack.settings, setting)[1])

    def write(sock: Any, value: int | bytes) -> None:
        chosen = as_int(value)
        limit = getattr(sock.stack.settings, most) if most else FORCED_BYTES_MAX
        chosen = limit if chosen < 0 else min(chosen, limit)
        setattr(sock.chosen, name, max(2 * chosen, smallest))
        sock.settings_changed()

    return Option(read, write)


FIN_TIMEOUT_MAX_S: Final = 120
"""Linux TCP_FIN_TIMEOUT_MAX."""


def _read_linger2(sock: Any) -> int:
    chosen = sock.chosen.linger2_s
    return int(chosen or sock.stack.settings.tcp_fin_timeout) if chosen >= 0 else -1


def _write_linger2(sock: Any, value: int | bytes) -> None:
    sock.chosen.linger2_s = max(min(as_int(value), FIN_TIMEOUT_MAX_S), -1)


DEFERRED_MAX_S: Final = 120
CLAMP_BYTES_MIN: Final = 1_152
"""Linux SOCK_MIN_RCVBUF / 2."""


def _write_defer(sock: Any, value: int | bytes) -> None:
    """Whole retransmissions of the SYN-ACK: 1, 3, 7, ... seconds (Linux secs_to_retrans, retrans_to_secs)."""
    wanted, waited, step = as_int(value), 0, 1
    while waited < wanted:
        waited += step
        step = min(2 * step, DEFERRED_MAX_S)
    sock.chosen.defer_accept_s = waited
    sock.settings_changed()


def _write_clamp(sock: Any, value: int | bytes) -> None:
    chosen = as_int(value)
    if chosen == 0 and (sock.connection is not None or sock.listener is not None):
        raise os_error(errno.EINVAL)
    sock.chosen.window_clamp_bytes = max(chosen, CLAMP_BYTES_MIN) if chosen else 0
    sock.settings_changed()


def _not_sent() -> Option:
    """TCP_NOTSENT_LOWAT: 32 bits without a sign, so that -1 is no limit; 0 is the sysctl's."""

    def read(sock: Any) -> int:
        chosen = sock.chosen.notsent_lowat_bytes
        return int(chosen - (1 << 32) if chosen >> 31 else chosen)

    def write(sock: Any, value: int | bytes) -> None:
        sock.chosen.notsent_lowat_bytes = as_int(value) & 0xFFFFFFFF
        sock.settings_changed()

    return Option(read, write)


def _write_low_water(sock: Any, value: int | bytes) -> None:
    """SO_RCVLOWAT: no more than half of what the receive buffer may become (Linux tcp_set_rcvlowat)."""
    chosen = as_int(value)
    most = (sock.chosen.receive_buffer_bytes or sock.stack.settings.tcp_rmem[2]) // 2
    sock.low_water = min(chosen if chosen > 0 else LOW_WATER_MAX if chosen < 0 else 1, most)
    connection = sock.connection
    if connection is not None and not sock.chosen.receive_buffer_bytes:
        connection.rcv_buffer_bytes = max(connection.rcv_buffer_bytes, 2 * sock.low_water)
    sock.changed()


def _read_mss(sock: Any) -> int:
    return int(sock.connection.mss) if sock.connection is not None else int(sock.chosen.mss_max or 536)


def _write_mss(sock: Any, value: int | bytes) -> None:
    chosen = as_int(value)
    if chosen and not 88 <= chosen <= 32_767:
        raise os_error(errno.EINVAL)
    sock.chosen.mss_max = chosen
    sock.settings_changed()


def _write_quickack(sock: Any, value: int | bytes) -> None:
    sock.chosen.quickack = bool(as_int(value))
    if sock.chosen.quickack and sock.connection is not None:
        sock.enter()
        sock.connection.push()
        sock.stack.settle()


def _read_congestion(sock: Any) -> bytes:
    name = sock.chosen.congestion or sock.stack.settings.tcp_congestion_control
    return str(name).encode("ascii").ljust(16, b"\0")


def _write_congestion(sock: Any, value: int | bytes) -> None:
    from netarium.stack.tcp.congestion.algorithm import ALGORITHMS

    if isinstance(value, int):
        value = struct.pack("i", value)
    name = value.split(b"\0", 1)[0].decode("ascii", "replace")
    if name not in ALGORITHMS:
        raise os_error(errno.ENOENT)
    sock.chosen.congestion = name
    sock.settings_changed()


def _user_timeout() -> Option:
    def write(sock: Any, value: int | bytes) -> None:
        chosen = as_int(value)
        if chosen < 0:
            raise os_error(errno.EINVAL)
        sock.chosen.user_timeout_ns = chosen * 1_000_000
        sock.settings_changed()

    return Option(lambda sock: sock.chosen.user_timeout_ns // 1_000_000, write)


def _original_destination(sock: Any) -> bytes:
    """SO_ORIGINAL_DST (linux/netfilter_ipv4.h): struct sockaddr_in of where a redirected connection was meant for."""
    if sock.connection is None:
        raise os_error(errno.ENOTCONN)
    tracked, c = sock.stack.hooks.filter, sock.connection
    key = (constants.IPPROTO_TCP, c.local_ip, c.local_port, c.remote_ip, c.remote_port)
    found = None if tracked is None else tracked.original_destination(key)
    if found is None:
        raise os_error(errno.ENOENT)
    return struct.pack("=H", constants.AF_INET) + struct.pack("!HI8x", found[1], found[0])


def _read_mtu(sock: Any) -> int:
    if sock.connection is None or sock.connection.route is None:
        raise os_error(errno.ENOTCONN)
    return min(int(sock.connection.route.mtu), IP_MTU_MAX)


_TCP: Final = constants.IPPROTO_TCP
_SOCKET: Final = constants.SOL_SOCKET

TCP_OPTIONS: Final = {
    **common(),
    (_SOCKET, SO_RCVLOWAT): Option(lambda sock: sock.low_water, _write_low_water),
    (_SOCKET, SO_RCVBUFFORCE): forced(
        _buffer("receive_buffer_bytes", "rcv_buffer_bytes", "tcp_rmem", "", RECEIVE_BUFFER_BYTES_MIN)
    ),
    (_SOCKET, SO_SNDBUFFORCE): forced(
        _buffer("send_buffer_bytes", "send_buffer_bytes", "tcp_wmem", "", SEND_BUFFER_BYTES_MIN)
    ),
    (_SOCKET, constants.SO_ACCEPTCONN): Option(lambda sock: int(sock.listener is not None)),
    (_SOCKET, constants.SO_RCVBUF): _buffer(
        "receive_buffer_bytes", "rcv_buffer_bytes", "tcp_rmem", "rmem_max", RECEIVE_BUFFER_BYTES_MIN
    ),
    (_SOCKET, constants.SO_SNDBUF): _buffer(
        "send_buffer_bytes", "send_buffer_bytes", "tcp_wmem", "wmem_max", SEND_BUFFER_BYTES_MIN
    ),
    (constants.IPPROTO_IP, IP_MTU): Option(_read_mtu),
    # As on Linux a stream tells none of these; only IP_PKTOPTIONS, which is not here, would.
    (constants.IPPROTO_IP, IP_PKTINFO): flag("receive_info"),
    (constants.IPPROTO_IP, IP_RECVTTL): flag("receive_ttl"),
    (constants.IPPROTO_IP, IP_RECVTOS): flag("receive_tos"),
    (constants.IPPROTO_IP, IP_MTU_DISCOVER): mtu_discovery(),
    (constants.IPPROTO_IP, SO_ORIGINAL_DST): Option(_original_destination),
    (_TCP, constants.TCP_NODELAY): _flag("nodelay"),
    (_TCP, constants.TCP_CORK): _flag("cork"),
    (_TCP, constants.TCP_MAXSEG): Option(_read_mss, _write_mss),
    (_TCP, constants.TCP_KEEPIDLE): _seconds("keepalive_idle_ns", "tcp_keepalive_time", 32_767),
    (_TCP, constants.TCP_KEEPINTVL): _seconds("keepalive_interval_ns", "tcp_keepalive_intvl", 32_767),
    (_TCP, constants.TCP_KEEPCNT): _count("keepalive_count", "tcp_keepalive_probes", 127),
    (_TCP, TCP_LINGER2): Option(_read_linger2, _write_linger2),
    (_TCP, TCP_SYNCNT): _count("syn_retries", "tcp_syn_retries", 127),
    (_TCP, TCP_DEFER_ACCEPT): Option(lambda sock: sock.chosen.defer_accept_s, _write_defer),
    (_TCP, TCP_WINDOW_CLAMP): Option(lambda sock: sock.chosen.window_clamp_bytes, _write_clamp),
    (_TCP, TCP_NOTSENT_LOWAT): _not_sent(),
    (_TCP, TCP_CONGESTION): Option(_read_congestion, _write_congestion),
    (_TCP, TCP_USER_TIMEOUT): _user_timeout(),
    (_TCP, constants.TCP_QUICKACK): Option(lambda sock: int(sock.chosen.quickack), _write_quickack),
    (_TCP, constants.TCP_INFO): Option(tcp_info_bytes),
}
