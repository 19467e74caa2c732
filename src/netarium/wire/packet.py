"""An IP packet from its parts and back: what raw sockets, fragments and ICMP quotations need, and `Frame`
too.

The table of transport protocols stands here and nowhere else: a new one is one parser and one line.
"""

from __future__ import annotations

from collections.abc import Callable

from netarium.errors import WireError
from netarium.journey import Drop
from netarium.wire import icmp, tcp, udp
from netarium.wire.checksum import checksum_fits, pseudo_sum, word_sum
from netarium.wire.icmp import IcmpHeader
from netarium.wire.ipv4 import PROTOCOL_ICMP, PROTOCOL_TCP, PROTOCOL_UDP, Ipv4Header
from netarium.wire.tcp import TcpHeader
from netarium.wire.udp import UdpHeader

TransportHeader = TcpHeader | UdpHeader | IcmpHeader
Parsed = tuple[TransportHeader | None, bytes, Drop | None]
"""(header, what follows it, None); or (None, all the bytes, why) if it is malformed or its checksum wrong."""


def transport_bytes(
    network: Ipv4Header, transport: TransportHeader | None, payload: bytes | memoryview
) -> bytes:
    """What the IP packet carries, checksums filled in: the transport header and its payload."""
    if transport is None:
        return bytes(payload)
    length_bytes = transport.size_bytes + len(payload)
    pseudo = network.source + network.destination + network.protocol + length_bytes
    return transport.emit(payload, pseudo) + payload


def packet_bytes(
    network: Ipv4Header, transport: TransportHeader | None, payload: bytes | memoryview
) -> bytes:
    """The whole IP packet, from its version byte on."""
    carried = transport_bytes(network, transport, payload)
    return network.emit(len(carried)) + carried


def parse_transport(network: Ipv4Header, data: bytes) -> Parsed:
    """The transport header of what an IP packet carries; `data` is whole, never a fragment.

    (None, data, None) when the protocol is none we know.
    """
    parser = _PARSERS.get(network.protocol)
    if parser is None:
        return None, data, None
    return parser(network, data)


def _parse_tcp(network: Ipv4Header, data: bytes) -> Parsed:
    try:
        header = TcpHeader.parse(data)
    except WireError:
        return None, data, Drop.TCP_MALFORMED
    pseudo = pseudo_sum(network.source, network.destination, PROTOCOL_TCP, len(data))
    if (pseudo + word_sum(data)) % 65535:
        return None, data, Drop.TCP_CHECKSUM
    return header, data[tcp.header_bytes_of(data) :], None


def _parse_udp(network: Ipv4Header, data: bytes) -> Parsed:
    try:
        header = UdpHeader.parse(data)
    except WireError:
        return None, data, Drop.UDP_MALFORMED
    length_bytes = udp.length_bytes_of(data)
    if length_bytes > len(data):
        return None, data, Drop.UDP_MALFORMED
    if not header.unchecked:
        pseudo = pseudo_sum(network.source, network.destination, PROTOCOL_UDP, length_bytes)
        if (pseudo + word_sum(data[:length_bytes])) % 65535:
            return None, data, Drop.UDP_CHECKSUM
    return header, data[udp.SIZE_BYTES : length_bytes], None


def _parse_icmp(network: Ipv4Header, data: bytes) -> Parsed:
    try:
        header = IcmpHeader.parse(data)
    except WireError:
        return None, data, Drop.ICMP_MALFORMED
    if not checksum_fits(word_sum(data)):
        return None, data, Drop.ICMP_CHECKSUM
    return header, data[icmp.SIZE_BYTES :], None


_PARSERS: dict[int, Callable[[Ipv4Header, bytes], Parsed]] = {
    PROTOCOL_TCP: _parse_tcp,
    PROTOCOL_UDP: _parse_udp,
    PROTOCOL_ICMP: _parse_icmp,
}
