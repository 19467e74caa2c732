"""An IP packet from its parts and back: what raw sockets, fragments and ICMP quotations need, and `Frame`
too.

The table of transport protocols stands here and nowhere else: a new one is one parser and one line.
"""

from __future__ import annotations

from collections.abc import Callable

from netarium.errors import WireError
from netarium.journey import Drop
from netarium.wire import icmp_header, tcp, udp, udplite
from netarium.wire.checksum import checksum_fits, pseudo_sum, word_sum
from netarium.wire.icmp import IcmpHeader
from netarium.wire.icmpv6 import Icmpv6Header
from netarium.wire.ipv4 import PROTOCOL_ICMP, PROTOCOL_TCP, PROTOCOL_UDP, PROTOCOL_UDPLITE, Ipv4Header
from netarium.wire.ipv6 import PROTOCOL_ICMPV6, Ipv6Header
from netarium.wire.tcp import TcpHeader
from netarium.wire.udp import UdpHeader
from netarium.wire.udplite import UdpLiteHeader

TransportHeader = TcpHeader | UdpHeader | IcmpHeader | Icmpv6Header | UdpLiteHeader
IpHeader = Ipv4Header | Ipv6Header
Parsed = tuple[TransportHeader | None, bytes, Drop | None]
"""(header, what follows it, None); or (None, all the bytes, why) if it is malformed or its checksum wrong."""


def transport_bytes(
    network: IpHeader, transport: TransportHeader | None, payload: bytes | memoryview
) -> bytes:
    """What the IP packet carries, checksums filled in: the transport header and its payload."""
    if transport is None:
        return bytes(payload)
    length_bytes = transport.size_bytes + len(payload)
    pseudo = network.source + network.destination + network.protocol + length_bytes
    return transport.emit(payload, pseudo) + payload


def packet_bytes(network: IpHeader, transport: TransportHeader | None, payload: bytes | memoryview) -> bytes:
    """The whole IP packet, from its version byte on."""
    carried = transport_bytes(network, transport, payload)
    return network.emit(len(carried)) + carried


def parse_transport(network: IpHeader, data: bytes) -> Parsed:
    """The transport header of what an IP packet carries; `data` is whole, never a fragment.

    (None, data, None) when the protocol is none we know.
    """
    parsers = _PARSERS if type(network) is Ipv4Header else _PARSERS_IPV6
    parser = parsers.get(network.protocol)
    if parser is None:
        return None, data, None
    return parser(network, data)


def _parse_tcp(network: IpHeader, data: bytes) -> Parsed:
    try:
        header = TcpHeader.parse(data)
    except WireError:
        return None, data, Drop.TCP_MALFORMED
    pseudo = pseudo_sum(network.source, network.destination, PROTOCOL_TCP, len(data))
    if (pseudo + word_sum(data)) % 65535:
        return None, data, Drop.TCP_CHECKSUM
    return header, data[tcp.header_bytes_of(data) :], None


def _parse_udp(network: IpHeader, data: bytes) -> Parsed:
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


def _parse_udplite(network: IpHeader, data: bytes) -> Parsed:
    try:
        header = UdpLiteHeader.parse(data)
    except WireError:
        return None, data, Drop.UDP_MALFORMED
    covered_bytes = header.coverage_bytes or len(data)
    if covered_bytes > len(data):
        return None, data, Drop.UDP_MALFORMED  # RFC 3828 3.1
    pseudo = pseudo_sum(network.source, network.destination, PROTOCOL_UDPLITE, len(data))
    if not udplite.checksum_of(data) or (pseudo + word_sum(data[:covered_bytes])) % 65535:
        return None, data, Drop.UDP_CHECKSUM
    return header, data[udplite.SIZE_BYTES :], None


def _parse_icmp(network: IpHeader, data: bytes) -> Parsed:
    try:
        header = IcmpHeader.parse(data)
    except WireError:
        return None, data, Drop.ICMP_MALFORMED
    if not checksum_fits(word_sum(data)):
        return None, data, Drop.ICMP_CHECKSUM
    return header, data[icmp_header.SIZE_BYTES :], None


def _parse_udp_ipv6(network: IpHeader, data: bytes) -> Parsed:
    header, payload, fault = _parse_udp(network, data)
    if type(header) is UdpHeader and header.unchecked:
        return None, data, Drop.UDP_CHECKSUM  # RFC 8200, 8.1: over IPv6 a checksum is needed
    return header, payload, fault


def _parse_icmpv6(network: IpHeader, data: bytes) -> Parsed:
    try:
        header = Icmpv6Header.parse(data)
    except WireError:
        return None, data, Drop.ICMP_MALFORMED
    pseudo = pseudo_sum(network.source, network.destination, PROTOCOL_ICMPV6, len(data))
    if (pseudo + word_sum(data)) % 65535:
        return None, data, Drop.ICMP_CHECKSUM
    return header, data[icmp_header.SIZE_BYTES :], None


_PARSERS: dict[int, Callable[[IpHeader, bytes], Parsed]] = {
    PROTOCOL_TCP: _parse_tcp,
    PROTOCOL_UDP: _parse_udp,
    PROTOCOL_ICMP: _parse_icmp,
    PROTOCOL_UDPLITE: _parse_udplite,
}
_PARSERS_IPV6: dict[int, Callable[[IpHeader, bytes], Parsed]] = {
    PROTOCOL_TCP: _parse_tcp,
    PROTOCOL_UDP: _parse_udp_ipv6,
    PROTOCOL_ICMPV6: _parse_icmpv6,
    PROTOCOL_UDPLITE: _parse_udplite,
}
