"""Which socket options exist and what they take and give (socket(7), ip(7), tcp(7)).

An option that is not in a socket's table is ENOPROTOOPT: never accepted without effect. Values are ints in the
machine's byte order, or structs as bytes. Each family of sockets builds its table from the parts here.
"""

from __future__ import annotations

import errno
import socket as constants
import struct
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from netarium.sockets.errno import os_error

if TYPE_CHECKING:
    from netarium.sockets.base import Socket

BUFFER_BYTES_DEFAULT: Final = 212_992
"""Linux net.core.rmem_default and wmem_default."""
BUFFER_BYTES_MAX: Final = 212_992
"""Linux net.core.rmem_max and wmem_max; what is asked for is doubled after this limit."""
SEND_BUFFER_BYTES_MIN: Final = 4_608
RECEIVE_BUFFER_BYTES_MIN: Final = 2_304
FORCED_BYTES_MAX: Final = 0x3FFFFFFF
LOW_WATER_MAX: Final = 0x7FFFFFFF
SO_PEERCRED: Final = 17
SO_RCVLOWAT: Final = 18
SO_SNDLOWAT: Final = 19
SO_SNDBUFFORCE: Final = 32
SO_RCVBUFFORCE: Final = 33
SO_MARK: Final = 36
IP_FREEBIND: Final = 15
IP_TRANSPARENT: Final = 19
_PROTOCOL_OF: Final = {int(constants.SOCK_STREAM): 6, int(constants.SOCK_DGRAM): 17}
SO_RCVTIMEO: Final = 20
SO_SNDTIMEO: Final = 21
SO_PROTOCOL: Final = 38
SO_DOMAIN: Final = 39
SO_BINDTODEVICE: Final = 25
IP_MTU: Final = 14
IP_MTU_MAX: Final = 65535
"""The most that IP_MTU tells, of lo too (Linux IP_MAX_MTU)."""
IP_PKTINFO: Final = 8
IP_MTU_DISCOVER: Final = 10
IP_RECVERR: Final = 11
IP_RECVTTL: Final = 12
IP_RECVTOS: Final = 13


class SocketSettings:
    """What the program has chosen, for all kinds of sockets."""

    __slots__ = (
        "broadcast", "debug", "device", "free_bind", "header_included", "hop_limit", "keepalive", "linger",
        "linger_s", "low_water", "mark", "mtu_discover", "multicast_loop", "multicast_ttl", "only_ipv6",
        "oob_inline", "pass_credentials", "priority", "receive_buffer_bytes", "receive_class", "receive_errors",
        "receive_errors6", "receive_hop_limit", "receive_info", "receive_info6", "receive_limit_ns",
        "receive_tos", "receive_ttl", "reuse_address", "reuse_port", "send_buffer_bytes", "send_limit_ns",
        "tos", "traffic_class", "transparent", "ttl",
    )  # fmt: skip

    def __init__(self) -> None:
        self.hop_limit = -1
        self.traffic_class = 0
        self.only_ipv6 = 0
        self.mtu_discover = 1
        self.receive_errors = self.receive_errors6 = 0
        self.receive_info = self.receive_info6 = 0
        self.receive_ttl = self.receive_tos = self.receive_hop_limit = self.receive_class = 0
        self.reuse_address = 0
        self.reuse_port = 0
        self.broadcast = 0
        self.keepalive = 0
        self.linger = 0
        self.linger_s = 0
        self.oob_inline = 0
        self.debug = self.free_bind = self.transparent = self.mark = 0
        self.low_water = 1
        self.priority = 0
        self.receive_buffer_bytes = BUFFER_BYTES_DEFAULT
        self.send_buffer_bytes = BUFFER_BYTES_DEFAULT
        self.device = b""
        self.ttl = -1
        self.tos = 0
        self.multicast_ttl = 1
        self.multicast_loop = 1
        self.header_included = 0
        self.pass_credentials = 0
        self.receive_limit_ns = self.send_limit_ns = 0
        """SO_RCVTIMEO and SO_SNDTIMEO; 0 for ever."""

    def copy(self) -> SocketSettings:
        """The same choices for another socket."""
        other = SocketSettings()
        for name in SocketSettings.__slots__:
            setattr(other, name, getattr(self, name))
        return other


class Option:
    """One option: `get(socket)` gives an int or bytes; `set(socket, value)`; without `set` it is read-only."""

    __slots__ = ("get", "set")

    def __init__(
        self, get: Callable[[Any], int | bytes], set: Callable[[Any, Any], None] | None = None
    ) -> None:
        self.get = get
        self.set = set

    def read(self, sock: Socket, size: int) -> int | bytes:
        """As getsockopt(2): an int when `size` is 0, else at most `size` bytes."""
        if not 0 <= size <= 1024:
            raise OSError("getsockopt buflen out of range")
        value = self.get(sock)
        if size == 0:
            return value if isinstance(value, int) else struct.unpack("i", value[:4].ljust(4, b"\0"))[0]
        return (struct.pack("i", value) if isinstance(value, int) else value)[:size]

    def write(self, sock: Socket, value: int | bytes) -> None:
        """As setsockopt(2)."""
        if self.set is None:
            raise os_error(errno.ENOPROTOOPT)
        self.set(sock, value)


def as_int(value: int | bytes) -> int:
    """The int of an option's value; EINVAL when it is too short."""
    if isinstance(value, int):
        if not -(1 << 31) <= value < 1 << 32:
            raise OverflowError("signed integer is greater than maximum")
        return value
    if len(value) < 4:
        raise os_error(errno.EINVAL)
    return int(struct.unpack("i", value[:4])[0])


def flag(name: str, after: Callable[[Any], None] | None = None) -> Option:
    """An option that is 0 or 1, kept in `settings`."""

    def write(sock: Socket, value: int | bytes) -> None:
        setattr(sock.settings, name, int(bool(as_int(value))))
        if after is not None:
            after(sock)

    return Option(lambda sock: getattr(sock.settings, name), write)


def capable_flag(name: str, capabilities: tuple[str, ...], refusal: int) -> Option:
    """A flag that only who has one of `capabilities` may set; everybody may clear it. `refusal` is the errno."""

    def write(sock: Socket, value: int | bytes) -> None:
        chosen = int(bool(as_int(value)))
        if chosen and not any(sock.credentials.may(each) for each in capabilities):
            raise os_error(refusal)
        setattr(sock.settings, name, chosen)

    return Option(lambda sock: getattr(sock.settings, name), write)


def number(name: str, low: int, high: int, after: Callable[[Any], None] | None = None) -> Option:
    """An int within limits, kept in `settings`; EINVAL outside."""

    def write(sock: Socket, value: int | bytes) -> None:
        chosen = as_int(value)
        if not low <= chosen <= high:
            raise os_error(errno.EINVAL)
        setattr(sock.settings, name, chosen)
        if after is not None:
            after(sock)

    return Option(lambda sock: getattr(sock.settings, name), write)


def buffer(
    name: str, smallest: int, after: Callable[[Any], None] | None = None, most: int = BUFFER_BYTES_MAX
) -> Option:
    """SO_RCVBUF, SO_SNDBUF: doubled for bookkeeping, as Linux does, within limits."""

    def write(sock: Socket, value: int | bytes) -> None:
        chosen = as_int(value)
        chosen = most if chosen < 0 else min(chosen, most)
        setattr(sock.settings, name, max(2 * chosen, smallest))
        if after is not None:
            after(sock)

    return Option(lambda sock: getattr(sock.settings, name), write)


def linger(after: Callable[[Any], None] | None = None) -> Option:
    """SO_LINGER: struct linger of two ints."""

    def write(sock: Socket, value: int | bytes) -> None:
        if isinstance(value, int) or len(value) < 8:
            raise os_error(errno.EINVAL)
        sock.settings.linger, sock.settings.linger_s = struct.unpack("ii", value[:8])
        if after is not None:
            after(sock)

    return Option(lambda sock: struct.pack("ii", sock.settings.linger, sock.settings.linger_s), write)


def wait_limit(name: str) -> Option:
    """SO_RCVTIMEO, SO_SNDTIMEO: struct timeval of two longs; zero waits for ever."""

    def read(sock: Socket) -> bytes:
        seconds, rest_ns = divmod(getattr(sock.settings, name), 1_000_000_000)
        return struct.pack("ll", seconds, rest_ns // 1000)

    def write(sock: Socket, value: int | bytes) -> None:
        if isinstance(value, int) or len(value) < 16:
            raise os_error(errno.EINVAL)
        seconds, microseconds = struct.unpack("ll", value[:16])
        if not 0 <= microseconds < 1_000_000:
            raise os_error(errno.EDOM)
        # Linux sock_set_timeout: a negative time does not wait; 1 us is the least there is.
        limit_ns = (seconds * 1_000_000 + microseconds) * 1000 if seconds >= 0 else 1000
        setattr(sock.settings, name, limit_ns)

    return Option(read, write)


def _write_device(sock: Any, value: int | bytes) -> None:
    if isinstance(value, int):
        value = struct.pack("i", value)
    name = value.split(b"\0", 1)[0]
    if name and name.decode("ascii", "replace") not in sock.stack.interfaces:
        raise os_error(errno.ENODEV)
    if sock.settings.device and not sock.credentials.may("net_raw"):
        raise os_error(errno.EPERM)  # once, everybody may (Linux 5.7, sock_bindtoindex_locked)
    sock.settings.device = name
    sock.settings_changed()


def _write_ttl(sock: Any, value: int | bytes) -> None:
    chosen = as_int(value)
    if chosen != -1 and not 1 <= chosen <= 255:
        raise os_error(errno.EINVAL)
    sock.settings.ttl = chosen
    sock.settings_changed()


def _write_tos(sock: Any, value: int | bytes) -> None:
    chosen = as_int(value) & 0xFF
    if sock.type == constants.SOCK_STREAM:  # ECN has the lowest two bits (Linux do_ip_setsockopt)
        chosen = (chosen & ~3) | (sock.settings.tos & 3)
    sock.settings.tos = chosen
    sock.settings_changed()


def _read_ttl(sock: Any) -> int:
    chosen = sock.settings.ttl
    return int(chosen if chosen >= 0 else sock.stack.settings.ip_default_ttl)


def _changed(sock: Any) -> None:
    sock.settings_changed()


def _write_priority(sock: Any, value: int | bytes) -> None:
    chosen = as_int(value)
    if not 0 <= chosen <= 6 and not _may_manage(sock):
        raise os_error(errno.EPERM)
    sock.settings.priority = chosen


def _write_mark(sock: Any, value: int | bytes) -> None:
    if not _may_manage(sock):
        raise os_error(errno.EPERM)
    sock.settings.mark = as_int(value)


def _may_manage(sock: Any) -> bool:
    return bool(sock.credentials.may("net_admin") or sock.credentials.may("net_raw"))


def _write_low_water(sock: Any, value: int | bytes) -> None:
    """SO_RCVLOWAT: 0 is 1, less is all there can be (Linux sk_setsockopt)."""
    chosen = as_int(value)
    sock.settings.low_water = LOW_WATER_MAX if chosen < 0 else chosen or 1
    sock.settings_changed()


def forced(option: Option) -> Option:
    """SO_RCVBUFFORCE, SO_SNDBUFFORCE: beyond the host's limit; EPERM without CAP_NET_ADMIN. To be written only."""

    def read(sock: Any) -> int:
        raise os_error(errno.ENOPROTOOPT)

    def write(sock: Any, value: int | bytes) -> None:
        if not sock.credentials.may("net_admin"):
            raise os_error(errno.EPERM)
        assert option.set is not None
        option.set(sock, max(as_int(value), 0))

    return Option(read, write)


def _protocol(sock: Any) -> int:
    return int(sock.protocol or _PROTOCOL_OF.get(sock.type, 0))


def general() -> dict[tuple[int, int], Option]:
    """SOL_SOCKET options of which AF_UNIX and internet sockets have the same."""
    level = constants.SOL_SOCKET
    return {
        (level, constants.SO_TYPE): Option(lambda sock: sock.type),
        (level, SO_DOMAIN): Option(lambda sock: sock.family),
        (level, constants.SO_ERROR): Option(lambda sock: sock.take_error()),
        (level, constants.SO_DEBUG): capable_flag("debug", ("net_admin",), errno.EACCES),
        (level, constants.SO_REUSEADDR): flag("reuse_address", _changed),
        (level, constants.SO_KEEPALIVE): flag("keepalive", _changed),
        (level, constants.SO_LINGER): linger(_changed),
        (level, SO_SNDLOWAT): Option(lambda sock: 1),
        (level, SO_MARK): Option(lambda sock: sock.settings.mark, _write_mark),
        (level, constants.SO_PRIORITY): Option(lambda sock: sock.settings.priority, _write_priority),
        (level, SO_RCVTIMEO): wait_limit("receive_limit_ns"),
        (level, SO_SNDTIMEO): wait_limit("send_limit_ns"),
    }


def low_water() -> Option:
    """SO_RCVLOWAT: streams wait for so much; datagrams take no notice (socket(7))."""
    return Option(lambda sock: sock.settings.low_water, _write_low_water)


def common() -> dict[tuple[int, int], Option]:
    """SOL_SOCKET and IPPROTO_IP options that every internet socket has."""
    level = constants.SOL_SOCKET
    return {
        **general(),
        (level, SO_PROTOCOL): Option(_protocol),
        (level, SO_RCVLOWAT): low_water(),
        (level, SO_PEERCRED): Option(lambda sock: struct.pack("3i", 0, -1, -1)),
        (level, constants.SO_ACCEPTCONN): Option(lambda sock: 0),
        (level, constants.SO_REUSEPORT): flag("reuse_port", _changed),
        (level, constants.SO_BROADCAST): flag("broadcast", _changed),
        (level, constants.SO_OOBINLINE): flag("oob_inline", _changed),
        (level, constants.SO_RCVBUF): buffer("receive_buffer_bytes", RECEIVE_BUFFER_BYTES_MIN, _changed),
        (level, constants.SO_SNDBUF): buffer("send_buffer_bytes", SEND_BUFFER_BYTES_MIN, _changed),
        (level, SO_RCVBUFFORCE): forced(
            buffer("receive_buffer_bytes", RECEIVE_BUFFER_BYTES_MIN, _changed, FORCED_BYTES_MAX)
        ),
        (level, SO_SNDBUFFORCE): forced(
            buffer("send_buffer_bytes", SEND_BUFFER_BYTES_MIN, _changed, FORCED_BYTES_MAX)
        ),
        (level, SO_BINDTODEVICE): Option(lambda sock: sock.settings.device, _write_device),
        (constants.IPPROTO_IP, constants.IP_TTL): Option(_read_ttl, _write_ttl),
        (constants.IPPROTO_IP, constants.IP_TOS): Option(lambda sock: sock.settings.tos, _write_tos),
        (constants.IPPROTO_IP, IP_FREEBIND): flag("free_bind", _changed),
        (constants.IPPROTO_IP, IP_TRANSPARENT): capable_flag(
            "transparent", ("net_admin", "net_raw"), errno.EPERM
        ),
    }


def mtu_discovery() -> Option:
    """IP_MTU_DISCOVER, of all sockets of IPv4: DONT, WANT, DO, PROBE, INTERFACE, OMIT."""
    return number("mtu_discover", 0, 5, _changed)


def reports() -> dict[tuple[int, int], Option]:
    """What datagram sockets may ask to be told (ip(7)), and how they discover a path's MTU."""
    level = constants.IPPROTO_IP
    return {
        (level, IP_MTU_DISCOVER): mtu_discovery(),
        (level, IP_RECVERR): flag("receive_errors", _changed),
        (level, IP_PKTINFO): flag("receive_info"),
        (level, IP_RECVTTL): flag("receive_ttl"),
        (level, IP_RECVTOS): flag("receive_tos"),
    }
