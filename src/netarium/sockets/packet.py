"""Packet sockets (packet(7)): frames of one interface or all, past the host's own TCP/IP; for root and CAP_NET_RAW.

SOCK_RAW hands out and takes whole frames, SOCK_DGRAM what follows the Ethernet header. As on Linux a socket of one
EtherType hears what arrives; one of ETH_P_ALL hears what leaves too; no socket hears what it has sent itself.
"""

from __future__ import annotations

import errno
import struct
from collections import deque
from typing import Any, Final

from netarium.engine.events import Engine
from netarium.errors import WireError
from netarium.journey import Drop
from netarium.sockets.base import AF_PACKET, SOCK_RAW, Credentials, Socket
from netarium.sockets.errno import os_error
from netarium.sockets.options import Option, common
from netarium.sockets.readiness import IN, OUT, RDNORM, WRBAND, WRNORM
from netarium.stack.interface import Interface
from netarium.stack.stack import Stack
from netarium.wire.ethernet import HEADER_BYTES, MAC_BROADCAST, MAC_GROUP_BIT, TAG_BYTES, Frame

ETH_P_ALL: Final = 3
HOST, BROADCAST, MULTICAST, OTHERHOST, OUTGOING = range(5)
"""Packet types, as in the address that `recvfrom` gives."""
ARPHRD_ETHER: Final = 1
ARPHRD_LOOPBACK: Final = 772
FRAME_OVERHEAD_BYTES: Final = 768
SOL_PACKET: Final = 263
PACKET_ADD_MEMBERSHIP: Final = 1
PACKET_DROP_MEMBERSHIP: Final = 2
PACKET_STATISTICS: Final = 6

Address = tuple[str, int, int, int, bytes]
"""(interface, EtherType, packet type, hardware type, MAC), as the socket module shows it."""


def _take_statistics(sock: Any) -> bytes:
    """struct tpacket_stats, which begins anew when it was read."""
    heard, lost = sock.counted
    sock.counted = [0, 0]
    return struct.pack("II", heard, lost)


class PacketSocket(Socket):
    """A packet socket of one program. `protocol` is the EtherType in host order."""

    __slots__ = ("_queue", "_queued_bytes", "_sending", "_tapped", "counted", "ethertype", "interface")

    def __init__(
        self, credentials: Credentials, stack: Stack, engine: Engine, kind: int, protocol: int
    ) -> None:
        super().__init__(credentials, stack, engine, AF_PACKET, kind, protocol)
        # The program gives the EtherType in network order: socket.htons(ETH_P_ALL).
        self.ethertype = (protocol & 0xFF) << 8 | protocol >> 8
        self.interface: Interface | None = None
        self._queue: deque[tuple[Frame, Address]] = deque()
        self._queued_bytes = 0
        self._tapped: list[Interface] = []
        self._sending = False
        self.counted = [0, 0]
        """Frames heard and frames for which there was no room, since PACKET_STATISTICS was asked last."""
        self._tap()

    def bind(self, interface: str, ethertype: int) -> None:
        """Hear one interface only ("" for all), and one EtherType (0: nothing)."""
        if interface and interface not in self.stack.interfaces:
            raise os_error(errno.ENODEV)
        self.interface = self.stack.interfaces[interface] if interface else None
        self.ethertype = ethertype or self.ethertype
        self._untap()
        self._tap()

    def name(self) -> Address:
        """What it is bound to."""
        interface = self.interface
        if interface is None:
            return "", self.ethertype, HOST, ARPHRD_ETHER, b""
        return interface.name, self.ethertype, HOST, _hardware(interface), interface.mac.to_bytes(6, "big")

    def send(self, data: bytes | memoryview) -> int:
        """Send a whole frame by the interface it is bound to."""
        if self.type != SOCK_RAW:
            raise os_error(errno.EDESTADDRREQ)
        return self._send_frame(bytes(data), self.interface)

    def send_to(self, data: bytes, interface: str, ethertype: int, mac: bytes = b"") -> int:
        """Send a frame by `interface`; of SOCK_DGRAM the Ethernet header is made here."""
        out = self.stack.interfaces.get(interface) if interface else self.interface
        if self.type != SOCK_RAW and out is not None:
            if len(mac) != 6:
                raise os_error(errno.EINVAL)
            head = mac + out.mac.to_bytes(6, "big") + (ethertype or self.ethertype).to_bytes(2, "big")
            return self._send_frame(head + data, out) - HEADER_BYTES
        return self._send_frame(data, out)

    def _send_frame(self, data: bytes, interface: Interface | None) -> int:
        if interface is None:
            raise os_error(errno.ENXIO)
        if not interface.up:
            raise os_error(errno.ENETDOWN)
        if len(data) - HEADER_BYTES > interface.mtu:
            raise os_error(errno.EMSGSIZE)
        try:
            frame = Frame.parse(data)
        except WireError:
            raise os_error(errno.EINVAL) from None
        self.enter()
        self._sending = True
        try:
            interface.send_frame(frame)
        finally:
            self._sending = False
        self.stack.settle()
        return len(data)

    def receive(self, count: int, peek: int = 0) -> bytes | None:
        """One frame, cut to `count` bytes."""
        found = self.receive_from(count, peek)
        return None if found is None else found[0]

    def receive_from(self, count: int, peek: int = 0) -> tuple[bytes, Address] | None:
        """(one frame cut to `count` bytes, its address)."""
        if not self._queue:
            return None
        frame, address = self._queue[0]
        if not peek:
            self._queue.popleft()
            self._queued_bytes -= frame.size_bytes + FRAME_OVERHEAD_BYTES
        data = bytes(frame)
        if address[2] == OUTGOING or address[3] == ARPHRD_LOOPBACK:
            data = data[: _unpadded_bytes(frame)]
        return (data if self.type == SOCK_RAW else data[HEADER_BYTES:])[:count], address

    def close(self) -> None:
        """Hear nothing more."""
        self._untap()
        self._queue.clear()

    def readiness(self) -> int:
        """The mask."""
        return OUT | WRNORM | WRBAND | (IN | RDNORM if self._queue else 0)

    def settings_changed(self) -> None:
        """Options take effect when they are looked at."""

    def describe(self, call: str = "") -> str:
        """`on eth0`."""
        return f"on {self.interface.name}" if self.interface is not None else "on every interface"

    def _tap(self) -> None:
        if not self.ethertype:
            return
        every = list(self.stack.interfaces.values())
        self._tapped = every if self.interface is None else [self.interface]
        for interface in self._tapped:
            interface.taps = [*(interface.taps or ()), self._hear]

    def _untap(self) -> None:
        for interface in self._tapped:
            left = [each for each in interface.taps or () if each != self._hear]
            interface.taps = left or None
        self._tapped = []

    def _hear(self, frame: Frame, interface: Interface, outgoing: bool) -> None:
        if self.ethertype != ETH_P_ALL and (outgoing or frame.ethertype != self.ethertype):
            return
        if outgoing and self._sending:
            return
        size = frame.size_bytes + FRAME_OVERHEAD_BYTES
        self.counted[0] += 1
        if self._queue and self._queued_bytes + size > self.settings.receive_buffer_bytes:
            self.counted[1] += 1
            self.stack.drop(Drop.RAW_BUFFER_FULL, frame, f"packet socket on {interface.name}")
            return
        self._queued_bytes += size
        source = frame.source.to_bytes(6, "big")
        kind = OUTGOING if outgoing else _packet_type(frame, interface)
        self._queue.append((frame, (interface.name, frame.ethertype, kind, _hardware(interface), source)))
        self.changed()

    options: Final = {  # type: ignore[misc]
        **common(),
        # Promiscuous mode: the tap stands before the address filter anyway.
        (SOL_PACKET, PACKET_ADD_MEMBERSHIP): Option(lambda sock: 0, lambda sock, value: None),
        (SOL_PACKET, PACKET_DROP_MEMBERSHIP): Option(lambda sock: 0, lambda sock, value: None),
        (SOL_PACKET, PACKET_STATISTICS): Option(_take_statistics),
    }


def _unpadded_bytes(frame: Frame) -> int:
    """Its length before the hardware fills it up to the least length of a frame; on `lo` nothing does."""
    tag_bytes = 0 if frame.tag < 0 else TAG_BYTES
    network_bytes = 0 if frame.network is None else frame.network.size_bytes
    transport_bytes = 0 if frame.transport is None else frame.transport.size_bytes
    return HEADER_BYTES + tag_bytes + network_bytes + transport_bytes + len(frame.payload)


def _packet_type(frame: Frame, interface: Interface) -> int:
    if frame.destination == MAC_BROADCAST:
        return BROADCAST
    if frame.destination & MAC_GROUP_BIT:
        return MULTICAST
    return HOST if frame.destination == interface.mac else OTHERHOST


def _hardware(interface: Interface) -> int:
    return ARPHRD_LOOPBACK if interface.is_loopback else ARPHRD_ETHER


def address_of(value: Any, call: str) -> tuple[Any, ...]:
    """A program's (interface, EtherType[, packet type[, hardware type[, MAC]]]); errors as CPython's."""
    if type(value) is not tuple:
        raise TypeError(f"{call}(): AF_PACKET address must be tuple, not {type(value).__name__}")
    if not 2 <= len(value) <= 5:
        raise TypeError(f"{call}(): AF_PACKET address must be a tuple of two to five elements")
    interface, ethertype = value[0], value[1]
    if not isinstance(interface, str) or not isinstance(ethertype, int):
        raise TypeError(f"{call}(): an AF_PACKET address is (interface name, EtherType)")
    if not 0 <= ethertype <= 0xFFFF:
        raise OverflowError(f"{call}(): proto must be 0-65535.")
    mac = bytes(value[4]) if len(value) > 4 else b""
    return (interface, ethertype, mac) if call.startswith("send") else (interface, ethertype)
