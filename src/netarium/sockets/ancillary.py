"""Ancillary data of datagram sockets: what recvmsg tells beside the data, and what sendmsg is told.

Read first: cmsg(3), ip(7) (IP_PKTINFO, IP_RECVTTL, IP_RECVERR), RFC 3542 6 (IPV6_PKTINFO, IPV6_HOPLIMIT, IPV6_TCLASS).
"""

from __future__ import annotations

import errno
import socket as constants
import struct
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

from netarium.sockets.errno import ERRNO_OF, os_error

if TYPE_CHECKING:
    from netarium.stack.error_queue import ErrorReport, TooLongHere
    from netarium.stack.udp_endpoint import Datagram

Ancillary = list[tuple[int, int, bytes]]

LEVEL_IP: Final = constants.IPPROTO_IP
LEVEL_IPV6: Final = constants.IPPROTO_IPV6
IP_TOS: Final = 1
IP_TTL: Final = 2
IP_PKTINFO: Final = 8
IP_RECVERR: Final = 11
IPV6_RECVERR: Final = 25
_INT: Final = struct.Struct("i")
_PKTINFO: Final = struct.Struct("i4s4s")
_PKTINFO6: Final = struct.Struct("16si")
_EXTENDED: Final = struct.Struct("IBBBxII")


def of_datagram(sock: Any, datagram: Datagram) -> Ancillary:
    """What the options of `sock` ask to be told of a datagram."""
    settings = sock.settings
    found: Ancillary = []
    index = datagram.interface.number + 1
    if datagram.version == 4:
        address = datagram.destination.to_bytes(4, "big")
        if settings.receive_info:
            own = sock.stack.routes.find_local(datagram.destination)
            local = address if own is None else own.source.to_bytes(4, "big")
            found.append((LEVEL_IP, IP_PKTINFO, _PKTINFO.pack(index, local, address)))
        if settings.receive_ttl:
            found.append((LEVEL_IP, IP_TTL, _INT.pack(datagram.ttl)))
        if settings.receive_tos:
            found.append((LEVEL_IP, IP_TOS, bytes((datagram.tos,))))
    if settings.receive_info6:
        mapped = datagram.destination if datagram.version == 6 else 0xFFFF << 32 | datagram.destination
        data = _PKTINFO6.pack(mapped.to_bytes(16, "big"), index)
        found.append((LEVEL_IPV6, constants.IPV6_PKTINFO, data))
    if datagram.version == 6:
        if settings.receive_hop_limit:
            found.append((LEVEL_IPV6, constants.IPV6_HOPLIMIT, _INT.pack(datagram.ttl)))
        if settings.receive_class:
            found.append((LEVEL_IPV6, constants.IPV6_TCLASS, _INT.pack(datagram.tos)))
    return found


def of_report(report: ErrorReport | TooLongHere) -> Ancillary:
    """An entry of the error queue: struct sock_extended_err, then the address of who said it."""
    number = ERRNO_OF[report.kind.failure]
    head = _EXTENDED.pack(number, report.origin, report.type, report.code, report.info, 0)
    if report.version == 4:
        offender = struct.pack("=HH4s8x", constants.AF_INET, 0, report.offender.to_bytes(4, "big"))
        return [(LEVEL_IP, IP_RECVERR, head + offender)]
    address = report.offender.to_bytes(16, "big")
    offender = struct.pack("=HHI16sI", constants.AF_INET6, 0, 0, address, 0)
    return [(LEVEL_IPV6, IPV6_RECVERR, head + offender)]


def cut(found: Ancillary, room: int) -> tuple[Ancillary, bool]:
    """As much as `room` bytes of control buffer hold, each entry with its header; whether something was left out."""
    kept: Ancillary = []
    for level, kind, data in found:
        room -= constants.CMSG_LEN(0)
        if room < 0:
            return kept, True
        kept.append((level, kind, data[:room]))
        if len(data) > room:
            return kept, True
        room -= constants.CMSG_SPACE(len(data)) - constants.CMSG_LEN(0)
    return kept, False


class Overrides:
    """What one sendmsg chooses instead of the socket's options; the endpoint has its own again afterwards."""

    def __init__(self, endpoint: Any, given: Iterable[tuple[int, int, Any]]) -> None:
        self.endpoint: Final = endpoint
        self.before: Final[list[tuple[str, Any]]] = []
        try:
            for level, kind, data in given:
                self._take(level, kind, bytes(data))
        except OSError:
            self.undo()
            raise

    def _take(self, level: int, kind: int, data: bytes) -> None:
        if (level, kind) == (LEVEL_IP, IP_TTL):
            self._set("ttl", self._number(data, 1, 255))
        elif (level, kind) == (LEVEL_IP, IP_TOS):
            self._set("tos", data[0] if data else 0)
        elif (level, kind) == (LEVEL_IPV6, constants.IPV6_HOPLIMIT):
            hops = self._number(data, -1, 255)
            self._set("hop_limit", hops)
            self._set("multicast_ttl", hops)
        elif (level, kind) == (LEVEL_IPV6, constants.IPV6_TCLASS):
            self._set("traffic_class", max(self._number(data, -1, 255), 0))
        elif (level, kind) in ((LEVEL_IP, IP_PKTINFO), (LEVEL_IPV6, constants.IPV6_PKTINFO)):
            self._take_interface(level, data)
        else:
            raise os_error(errno.EINVAL)

    def _take_interface(self, level: int, data: bytes) -> None:
        if len(data) < (_PKTINFO.size if level == LEVEL_IP else _PKTINFO6.size):
            raise os_error(errno.EINVAL)
        stack = self.endpoint.protocol.stack
        if level == LEVEL_IP:
            index, local, _ = _PKTINFO.unpack_from(data)
        else:
            local, index = _PKTINFO6.unpack_from(data)
        if index:
            found = next((each for each in stack.interfaces.values() if each.number + 1 == index), None)
            if found is None:
                raise os_error(errno.ENODEV)
            self._set("interface", found)
        address = int.from_bytes(local, "big")
        if address:
            ip = stack.ipv4 if level == LEVEL_IP else stack.ipv6
            if not ip.is_local(address):
                # Linux ip_route_output_key_hash_rcu, ip6_datagram_send_ctl
                raise os_error(errno.ENETUNREACH if level == LEVEL_IP else errno.EINVAL)
            self._set("local_address", address)

    @staticmethod
    def _number(data: bytes, low: int, high: int) -> int:
        if len(data) < _INT.size:
            raise os_error(errno.EINVAL)
        number = int(_INT.unpack_from(data)[0])
        if not low <= number <= high:
            raise os_error(errno.EINVAL)
        return number

    def _set(self, name: str, value: Any) -> None:
        if not hasattr(self.endpoint, name):
            raise os_error(errno.EINVAL)
        self.before.append((name, getattr(self.endpoint, name)))
        setattr(self.endpoint, name, value)

    def undo(self) -> None:
        """The endpoint's own choices again."""
        for name, value in reversed(self.before):
            setattr(self.endpoint, name, value)
        self.before.clear()
