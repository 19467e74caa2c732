"""Hypothesis strategies for headers and frames that the product itself would build."""

from hypothesis import strategies as st

from netarium.wire.arp import ArpPacket
from netarium.wire.ethernet import ETHERTYPE_ARP, ETHERTYPE_IPV4, Frame
from netarium.wire.icmp import IcmpHeader
from netarium.wire.ipv4 import (
    DONT_FRAGMENT,
    PROTOCOL_ICMP,
    PROTOCOL_TCP,
    PROTOCOL_UDP,
    PROTOCOL_UDPLITE,
    Ipv4Header,
)
from netarium.wire.packet import TransportHeader
from netarium.wire.tcp import TcpHeader
from netarium.wire.tcp_options import TcpOptions
from netarium.wire.udp import UdpHeader
from netarium.wire.udplite import UdpLiteHeader

u8 = st.integers(0, 0xFF)
u16 = st.integers(0, 0xFFFF)
u32 = st.integers(0, 0xFFFF_FFFF)
macs = st.integers(0, 0xFFFF_FFFF_FFFF)
payloads = st.binary(max_size=1500)
short_payloads = st.binary(max_size=64)

arp_packets = st.builds(ArpPacket, u16, macs, u32, macs, u32)
icmp_headers = st.builds(IcmpHeader, u8, u8, u32)
udp_headers = st.builds(UdpHeader, u16, u16, st.booleans())
udplite_headers = st.builds(UdpLiteHeader, u16, u16, st.sampled_from([0, 8]))


@st.composite
def unknown_options(draw: st.DrawFn) -> bytes:
    """One or two options of kinds that the stack does not know."""
    parts = []
    for _ in range(draw(st.integers(0, 2))):
        data = draw(st.binary(max_size=2))
        parts.append(bytes((draw(st.integers(9, 255)), len(data) + 2)) + data)
    return b"".join(parts)


@st.composite
def tcp_options(draw: st.DrawFn) -> TcpOptions | None:
    options = TcpOptions(
        draw(st.just(-1) | u16),
        draw(st.just(-1) | u8),
        draw(st.booleans()),
        tuple(draw(st.lists(st.tuples(u32, u32), max_size=1))),
        draw(unknown_options()),
    )
    return None if options == TcpOptions() else options


@st.composite
def tcp_headers(draw: st.DrawFn) -> TcpHeader:
    timestamp = draw(st.just(-1) | u32)
    return TcpHeader(
        draw(u16),
        draw(u16),
        draw(u32),
        draw(u32),
        draw(st.integers(0, 0xFFF)),
        draw(u16),
        timestamp,
        draw(u32) if timestamp >= 0 else 0,
        draw(st.none() | tcp_options()),
        draw(u16),
    )


ipv4_options = st.integers(0, 10).flatmap(lambda words: st.binary(min_size=4 * words, max_size=4 * words))


def ipv4_headers(
    protocols: st.SearchStrategy[int], fragments: st.SearchStrategy[int]
) -> st.SearchStrategy[Ipv4Header]:
    return st.builds(Ipv4Header, u32, u32, protocols, u8, u16, fragments, u8, ipv4_options)


whole = st.sampled_from([0, DONT_FRAGMENT, 0x8000])
fragments = st.integers(0, 0xFFFF).filter(lambda field: field & 0x3FFF)
tags = st.just(-1) | u16


@st.composite
def ip_frames(draw: st.DrawFn, payload: st.SearchStrategy[bytes] = payloads) -> Frame:
    transport: TransportHeader = draw(st.one_of(tcp_headers(), udp_headers, udplite_headers, icmp_headers))
    protocol = {
        TcpHeader: PROTOCOL_TCP,
        UdpHeader: PROTOCOL_UDP,
        UdpLiteHeader: PROTOCOL_UDPLITE,
        IcmpHeader: PROTOCOL_ICMP,
    }[type(transport)]
    network = draw(ipv4_headers(st.just(protocol), whole))
    return Frame(draw(macs), draw(macs), ETHERTYPE_IPV4, network, transport, draw(payload), None, draw(tags))


@st.composite
def fragment_frames(draw: st.DrawFn) -> Frame:
    network = draw(ipv4_headers(u8, fragments))
    return Frame(draw(macs), draw(macs), ETHERTYPE_IPV4, network, None, draw(payloads), None, draw(tags))


@st.composite
def arp_frames(draw: st.DrawFn) -> Frame:
    return Frame(draw(macs), draw(macs), ETHERTYPE_ARP, draw(arp_packets), None, b"", None, draw(tags))


@st.composite
def llc_frames(draw: st.DrawFn) -> Frame:
    payload = draw(payloads)
    return Frame(draw(macs), draw(macs), len(payload), None, None, payload, None, draw(tags))


frames = st.one_of(ip_frames(), fragment_frames(), arp_frames(), llc_frames())
