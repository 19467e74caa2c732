"""socket(2): which combinations of family, type and protocol there are, and who may open them."""

from __future__ import annotations

import errno
from typing import Final

from netarium.engine.events import Engine
from netarium.sockets.base import (
    AF_INET,
    AF_INET6,
    AF_NETLINK,
    AF_PACKET,
    AF_UNIX,
    SOCK_DGRAM,
    SOCK_RAW,
    SOCK_SEQPACKET,
    SOCK_STREAM,
    Credentials,
    Socket,
)
from netarium.sockets.datagram import DatagramSocket
from netarium.sockets.errno import os_error
from netarium.sockets.netlink import NETLINK_ROUTE, NetlinkSocket
from netarium.sockets.packet import PacketSocket
from netarium.sockets.raw import RawSocket
from netarium.sockets.stream import StreamSocket
from netarium.sockets.udplite import UdpLiteSocket
from netarium.sockets.unix import UnixSocket
from netarium.sockets.unix_datagram import UnixDatagramSocket
from netarium.stack.stack import Stack

PROTOCOL_ICMP: Final = 1
PROTOCOL_TCP: Final = 6
PROTOCOL_UDP: Final = 17
PROTOCOL_ICMPV6: Final = 58
PROTOCOL_UDPLITE: Final = 136
SOCK_MAX: Final = 11
"""Linux: types from here on are EINVAL, whatever the family."""


def open_socket(
    credentials: Credentials, stack: Stack, engine: Engine, family: int, kind: int, protocol: int
) -> Socket:
    """A new socket, or Linux' error: EAFNOSUPPORT, EPROTONOSUPPORT, ESOCKTNOSUPPORT, EPERM, EACCES."""
    if not 0 <= kind < SOCK_MAX:
        raise os_error(errno.EINVAL)
    if family == AF_UNIX:
        if protocol not in (0, AF_UNIX):
            raise os_error(errno.EPROTONOSUPPORT)
        if kind in (SOCK_DGRAM, SOCK_RAW):  # Linux unix_create: raw ones are datagram sockets
            return UnixDatagramSocket(credentials, stack, engine, protocol)
        if kind not in (SOCK_STREAM, SOCK_SEQPACKET):
            raise os_error(errno.ESOCKTNOSUPPORT)
        return UnixSocket(credentials, stack, engine, kind, protocol)
    if family == AF_PACKET:
        if kind not in (SOCK_RAW, SOCK_DGRAM):
            raise os_error(errno.ESOCKTNOSUPPORT)
        if not credentials.may("net_raw"):
            raise os_error(errno.EPERM)
        return PacketSocket(credentials, stack, engine, kind, protocol)
    if family == AF_NETLINK:
        if kind not in (SOCK_RAW, SOCK_DGRAM):
            raise os_error(errno.ESOCKTNOSUPPORT)
        if protocol != NETLINK_ROUTE:
            raise os_error(errno.EPROTONOSUPPORT)
        return NetlinkSocket(credentials, stack, engine, kind, protocol)
    if family == AF_INET6 and stack.ipv6 is not None:
        return _open_ipv6(credentials, stack, engine, kind, protocol)
    if family != AF_INET:
        raise os_error(errno.EAFNOSUPPORT)
    if kind == SOCK_STREAM:
        if protocol not in (0, PROTOCOL_TCP):
            raise os_error(errno.EPROTONOSUPPORT)
        return StreamSocket(credentials, stack, engine, protocol)
    if kind == SOCK_DGRAM:
        if protocol == PROTOCOL_UDPLITE:
            return UdpLiteSocket(credentials, stack, engine, protocol)
        if protocol == PROTOCOL_ICMP:
            raise os_error(
                errno.EACCES
            )  # net.ipv4.ping_group_range is empty, as on Linux unless a system sets it
        if protocol not in (0, PROTOCOL_UDP):
            raise os_error(errno.EPROTONOSUPPORT)
        return DatagramSocket(credentials, stack, engine, protocol)
    if kind == SOCK_RAW:
        if not credentials.may("net_raw"):
            raise os_error(errno.EPERM)
        if not 0 < protocol < 256:
            raise os_error(errno.EPROTONOSUPPORT)
        return RawSocket(credentials, stack, engine, protocol)
    raise os_error(errno.ESOCKTNOSUPPORT)


def _open_ipv6(credentials: Credentials, stack: Stack, engine: Engine, kind: int, protocol: int) -> Socket:
    from netarium.sockets.datagram6 import DatagramSocket6
    from netarium.sockets.raw6 import RawSocket6
    from netarium.sockets.stream6 import StreamSocket6

    if kind == SOCK_STREAM and protocol in (0, PROTOCOL_TCP):
        return StreamSocket6(credentials, stack, engine, protocol)
    if kind == SOCK_DGRAM and protocol == PROTOCOL_UDPLITE:
        from netarium.sockets.udplite import UdpLiteSocket6

        return UdpLiteSocket6(credentials, stack, engine, protocol)
    if kind == SOCK_DGRAM and protocol == PROTOCOL_ICMPV6:
        raise os_error(errno.EACCES)
    if kind == SOCK_DGRAM and protocol in (0, PROTOCOL_UDP):
        return DatagramSocket6(credentials, stack, engine, protocol)
    if kind == SOCK_RAW:
        if not credentials.may("net_raw"):
            raise os_error(errno.EPERM)
        if 0 < protocol < 256:
            return RawSocket6(credentials, stack, engine, protocol)
    elif kind not in (SOCK_STREAM, SOCK_DGRAM):
        raise os_error(errno.ESOCKTNOSUPPORT)
    raise os_error(errno.EPROTONOSUPPORT)
