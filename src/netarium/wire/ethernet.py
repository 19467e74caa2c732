"""Ethernet II frames as values (IEEE 802.3, 3.2; RFC 894 for IPv4, RFC 2464 for IPv6, RFC 826 for ARP).

A `Frame` is what travels through the net: headers as values, bytes only where somebody asks for them. It is
never changed after it was built: who changes a header builds a new frame that shares the rest.
"""

from __future__ import annotations

from collections.abc import Callable
from struct import Struct
from typing import Final
from zlib import crc32

from netarium.addresses import mac_text
from netarium.errors import UsageError, WireError
from netarium.journey import Drop
from netarium.wire import ipv4, ipv6
from netarium.wire.arp import ArpPacket
from netarium.wire.ipv4 import Ipv4Header
from netarium.wire.ipv6 import Ipv6Header
from netarium.wire.packet import TransportHeader, parse_transport

DESTINATION: Final = 0
SOURCE: Final = 6
ETHERTYPE: Final = 12
TAG_CONTROL: Final = 14
HEADER_BYTES: Final = 14
TAG_BYTES: Final = 4
FCS_BYTES: Final = 4
FRAME_BYTES_MIN: Final = 60
"""The least length of a frame without its FCS; shorter ones are padded with zeros (IEEE 802.3, 3.2.8). A tag comes on
top of it, as where a switch puts it into a padded frame (802.1Q annex G: a bridge may send 68 bytes at least).
"""
DATA_BYTES_MAX: Final = 1500
"""The most data of a frame (IEEE 802.3, 3.2.7): the MTU. Jumbo frames are an agreement of both ends."""

ETHERTYPE_IPV4: Final = 0x0800
ETHERTYPE_ARP: Final = 0x0806
ETHERTYPE_VLAN: Final = 0x8100
ETHERTYPE_IPV6: Final = 0x86DD
LENGTH_MAX: Final = 0x05DC
"""Up to here the EtherType field is the length of an IEEE 802.3 frame with LLC, as spanning tree uses it."""

MAC_BROADCAST: Final = 0xFFFF_FFFF_FFFF
MAC_GROUP_BIT: Final = 0x0100_0000_0000
"""Set in the MAC addresses of groups: multicast and broadcast."""

NetworkHeader = ArpPacket | Ipv4Header | Ipv6Header
Opened = tuple[NetworkHeader | None, TransportHeader | None, bytes, Drop | None]

_DIGEST: Final = Struct("!QQiH")
_DIGEST_IPV4: Final = Struct("!QQiIIBBHHB")
_ETHERTYPE_NAMES: Final = {
    ETHERTYPE_IPV4: "IPv4",
    ETHERTYPE_ARP: "ARP",
    ETHERTYPE_VLAN: "VLAN",
    ETHERTYPE_IPV6: "IPv6",
}


class Frame:
    """One Ethernet frame.

    `destination` and `source` are 48-bit integers; `network` and `transport` the headers as far as the frame
    is right; `payload` what follows the last of them; `fault` the reason when something after that is
    malformed or has a wrong checksum; `tag` the 802.1Q tag or -1. `size_bytes` is the length on the wire
    without FCS, padding included.
    """

    __slots__ = (
        "carried_crc",
        "destination",
        "digest_crc",
        "ethertype",
        "fault",
        "network",
        "payload",
        "size_bytes",
        "source",
        "tag",
        "transport",
    )

    def __init__(
        self,
        destination: int,
        source: int,
        ethertype: int,
        network: NetworkHeader | None,
        transport: TransportHeader | None,
        payload: bytes | memoryview,
        fault: Drop | None = None,
        tag: int = -1,
        size_bytes: int = 0,
        carried_crc: int = -1,
    ) -> None:
        # `size_bytes` and `carried_crc` are handed on by frames that share all that these depend on.
        self.destination: Final = destination
        self.source: Final = source
        self.ethertype: Final = ethertype
        self.network: Final = network
        self.transport: Final = transport
        self.payload: Final = payload
        self.fault: Final = fault
        self.tag: Final = tag
        self.carried_crc = carried_crc
        self.digest_crc = -1
        if size_bytes == 0:
            size_bytes = HEADER_BYTES + len(payload)
            if network is not None:
                size_bytes += network.size_bytes
            if transport is not None:
                size_bytes += transport.size_bytes
            if size_bytes < FRAME_BYTES_MIN:
                size_bytes = FRAME_BYTES_MIN
            if tag >= 0:
                size_bytes += TAG_BYTES
        self.size_bytes = size_bytes

    @staticmethod
    def parse(data: bytes | memoryview) -> Frame:
        """The frame in `data`, which ends before the FCS. Raises WireError for less than 14 bytes, and for
        nothing else.

        Each header that is malformed or has a wrong checksum is None, and so are all above it; its bytes are
        the payload, and `fault` says why. Padding is left out where a length says where the data ends.
        """
        data = bytes(data)
        if len(data) < HEADER_BYTES:
            raise WireError(f"an Ethernet header needs {HEADER_BYTES} bytes, here are {len(data)}")
        addresses = int.from_bytes(data[:ETHERTYPE], "big")
        destination, source = addresses >> 48, addresses & MAC_BROADCAST
        ethertype = data[12] << 8 | data[13]
        start, tag = HEADER_BYTES, -1
        if ethertype == ETHERTYPE_VLAN:
            if len(data) < HEADER_BYTES + TAG_BYTES:
                return Frame(destination, source, ethertype, None, None, data[start:], Drop.FRAME_MALFORMED)
            tag = data[14] << 8 | data[15]
            ethertype = data[16] << 8 | data[17]
            start = HEADER_BYTES + TAG_BYTES
        opener = _OPENERS.get(ethertype)
        if opener is not None:
            network, transport, payload, fault = opener(data[start:])
        elif ethertype <= LENGTH_MAX:
            network, transport, payload, fault = _open_llc(data[start:], ethertype)
        else:
            network, transport, payload, fault = None, None, data[start:], None
        return Frame(destination, source, ethertype, network, transport, payload, fault, tag)

    def __bytes__(self) -> bytes:
        """The frame as it is on the wire without FCS: lengths, checksums and padding filled in."""
        head = (self.destination << 64 | self.source << 16 | self.ethertype).to_bytes(HEADER_BYTES, "big")
        if self.tag >= 0:
            head = head[:ETHERTYPE] + (ETHERTYPE_VLAN << 16 | self.tag).to_bytes(4, "big") + head[ETHERTYPE:]
        network, transport, payload = self.network, self.transport, self.payload
        if network is None:
            data = b"".join((head, payload))
        elif type(network) is Ipv4Header or type(network) is Ipv6Header:
            carried_bytes = len(payload)
            if transport is None:
                data = b"".join((head, network.emit(carried_bytes), payload))
            else:
                carried_bytes += transport.size_bytes
                pseudo = network.source + network.destination + network.protocol + carried_bytes
                data = b"".join((head, network.emit(carried_bytes), transport.emit(payload, pseudo), payload))
        else:
            assert type(network) is ArpPacket
            data = b"".join((head, network.emit(), payload))
        if len(data) < FRAME_BYTES_MIN + TAG_BYTES:
            return data.ljust(FRAME_BYTES_MIN if self.tag < 0 else FRAME_BYTES_MIN + TAG_BYTES, b"\0")
        return data

    def bytes_with_fcs(self, mtu_bytes: int = DATA_BYTES_MAX) -> bytes:
        """The frame with its FCS, as on a cable of this MTU. UsageError when its data exceeds the MTU."""
        if self.data_bytes > mtu_bytes:
            raise UsageError(f"a frame with {self.data_bytes} bytes of data; at most {mtu_bytes}, the MTU")
        data = bytes(self)
        return data + crc32(data).to_bytes(FCS_BYTES, "little")

    @property
    def data_bytes(self) -> int:
        """The length of the data and its padding, without header, tag and FCS: what an MTU limits."""
        return self.size_bytes - (HEADER_BYTES if self.tag < 0 else HEADER_BYTES + TAG_BYTES)

    @property
    def is_group(self) -> bool:
        """Whether the destination is a group of stations: multicast or broadcast."""
        return self.destination & MAC_GROUP_BIT != 0

    def readdressed(self, destination: int, source: int) -> Frame:
        """The same between other stations, everything else shared."""
        return Frame(
            destination,
            source,
            self.ethertype,
            self.network,
            self.transport,
            self.payload,
            self.fault,
            self.tag,
            self.size_bytes,
            self.carried_crc,
        )

    def forwarded(self, destination: int, source: int, network: NetworkHeader) -> Frame:
        """What a router sends on: other stations, and a header of the same size; the rest shared."""
        return Frame(
            destination,
            source,
            self.ethertype,
            network,
            self.transport,
            self.payload,
            self.fault,
            self.tag,
            self.size_bytes,
            self.carried_crc,
        )

    def with_headers(self, network: NetworkHeader, transport: TransportHeader | None) -> Frame:
        """The same payload under other headers: what NAT makes of it."""
        return Frame(
            self.destination,
            self.source,
            self.ethertype,
            network,
            transport,
            self.payload,
            self.fault,
            self.tag,
            0,
            self.carried_crc if transport is self.transport else -1,
        )

    def tagged(self, tag: int) -> Frame:
        """The same with another 802.1Q tag, or none for -1."""
        return Frame(
            self.destination,
            self.source,
            self.ethertype,
            self.network,
            self.transport,
            self.payload,
            self.fault,
            tag,
            0,
            self.carried_crc,
        )

    def digest(self) -> int:
        """The CRC-32 of all header values and the payload; checksums and padding do not count.

        Equal frames have equal digests. Computed once a frame; the part of transport header
        and payload once for all frames that share them.
        """
        crc = self.digest_crc
        if crc >= 0:
            return crc
        crc = self.carried_crc
        if crc < 0:
            crc = crc32(self.payload)
            if self.transport is not None:
                crc = self.transport.digest(crc)
            self.carried_crc = crc
        network = self.network
        if type(network) is Ipv4Header:
            head = _DIGEST_IPV4.pack(
                self.destination,
                self.source,
                self.tag,
                network.source,
                network.destination,
                network.protocol,
                network.ttl,
                network.identification,
                network.fragment,
                network.tos,
            )
            if network.options:
                head += network.options
            self.digest_crc = crc = crc32(head, crc)
            return crc
        head = _DIGEST.pack(self.destination, self.source, self.tag, self.ethertype)
        if type(network) is Ipv6Header:
            head += network.digest_bytes()
        elif network is not None:
            assert type(network) is ArpPacket
            head += network.emit()
        self.digest_crc = crc = crc32(head, crc)
        return crc

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Frame):
            return NotImplemented
        return (
            self.destination == other.destination
            and self.source == other.source
            and self.ethertype == other.ethertype
            and self.tag == other.tag
            and self.fault is other.fault
            and self.network == other.network
            and self.transport == other.transport
            and self.payload == other.payload
        )

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<Frame {self.describe()}>"

    def describe(self) -> str:
        """What an engineer reads of it, without the brackets of `repr`."""
        words = [f"{mac_text(self.source)}>{mac_text(self.destination)}"]
        if self.tag >= 0:
            words.append(f"vlan={self.tag & 0xFFF}")
        if self.network is None:
            words.append(_ETHERTYPE_NAMES.get(self.ethertype, f"ethertype={self.ethertype:#06x}"))
        elif type(self.network) is Ipv4Header or type(self.network) is Ipv6Header:
            words.append(self.network.describe())
            if self.transport is not None:
                words.append(self.transport.describe())
            elif self.fault is None:
                words.append(f"protocol={self.network.protocol}")
        else:
            words.append(repr(self.network)[1:-1])
        if len(self.payload):
            words.append(f"len={len(self.payload)}")
        if self.fault is not None:
            words.append(f"fault={self.fault.name}")
        return " ".join(words)


def frame_check_sequence(data: bytes) -> int:
    """The FCS of a frame, CRC-32 (IEEE 802.3, 3.2.9); on the wire it follows the data, low byte first."""
    return crc32(data)


def frame_check_is_right(data: bytes) -> bool:
    """Whether the last four bytes of `data` are the FCS of those before them."""
    return len(data) > FCS_BYTES and crc32(data[:-FCS_BYTES]) == int.from_bytes(data[-FCS_BYTES:], "little")


def _open_ipv4(data: bytes) -> Opened:
    try:
        network = Ipv4Header.parse(data)
    except WireError:
        return None, None, data, Drop.IP_MALFORMED
    if not ipv4.checksum_is_right(data):
        return None, None, data, Drop.IP_CHECKSUM
    total_bytes = ipv4.total_bytes_of(data)
    if total_bytes > len(data):
        return None, None, data, Drop.IP_MALFORMED
    carried = data[network.size_bytes : total_bytes]
    if network.is_fragment:
        return network, None, carried, None
    transport, payload, fault = parse_transport(network, carried)
    return network, transport, payload, fault


def open_ipv6(data: bytes) -> Opened:
    """(header, transport header, payload, fault) of a whole IPv6 packet; trailing padding is left out."""
    if len(data) < ipv6.SIZE_BYTES:
        return None, None, data, Drop.IP_MALFORMED
    end = ipv6.SIZE_BYTES + ipv6.payload_bytes_of(data)
    if end > len(data):
        return None, None, data, Drop.IP_MALFORMED
    try:
        network = Ipv6Header.parse(data[:end])
    except WireError:
        return None, None, data, Drop.IP_MALFORMED
    carried = data[network.size_bytes : end]
    if network.is_fragment:
        return network, None, carried, None
    transport, payload, fault = parse_transport(network, carried)
    return network, transport, payload, fault


def _open_arp(data: bytes) -> Opened:
    try:
        return ArpPacket.parse(data), None, b"", None
    except WireError:
        return None, None, data, Drop.ARP_MALFORMED


def _open_llc(data: bytes, length_bytes: int) -> Opened:
    if length_bytes > len(data):
        return None, None, data, Drop.FRAME_MALFORMED
    return None, None, data[:length_bytes], None


_OPENERS: dict[int, Callable[[bytes], Opened]] = {
    ETHERTYPE_IPV4: _open_ipv4,
    ETHERTYPE_ARP: _open_arp,
    ETHERTYPE_IPV6: open_ipv6,
}
"""How the data of each EtherType is opened."""
