"""parse(emit(x)) == x for every header, and Frame.parse(bytes(f)) == f for every frame that we build."""

from hypothesis import given
from hypothesis import strategies as st
from tests.wire.strategies import (
    arp_packets,
    frames,
    icmp_headers,
    ip_frames,
    ipv4_headers,
    payloads,
    short_payloads,
    tcp_headers,
    u8,
    u16,
    u32,
    udp_headers,
    udplite_headers,
)

from netarium.journey import Drop
from netarium.wire import tcp
from netarium.wire.arp import ArpPacket
from netarium.wire.ethernet import Frame, frame_check_is_right
from netarium.wire.icmp import IcmpHeader
from netarium.wire.ipv4 import PROTOCOL_UDPLITE, Ipv4Header, checksum_is_right, total_bytes_of
from netarium.wire.packet import packet_bytes, parse_transport, transport_bytes
from netarium.wire.tcp import TcpHeader
from netarium.wire.tcp_options import TcpOptions
from netarium.wire.udp import UdpHeader, length_bytes_of
from netarium.wire.udplite import UdpLiteHeader


@given(arp_packets, st.binary(max_size=20))
def test_arp(packet: ArpPacket, padding: bytes) -> None:
    assert ArpPacket.parse(packet.emit() + padding) == packet
    assert len(packet.emit()) == packet.size_bytes


@given(ipv4_headers(u8, u16), st.integers(0, 65475))
def test_ipv4(header: Ipv4Header, carried: int) -> None:
    data = header.emit(carried)
    assert Ipv4Header.parse(data) == header
    assert len(data) == header.size_bytes
    assert checksum_is_right(data)
    assert total_bytes_of(data) == header.size_bytes + carried


@given(icmp_headers, payloads)
def test_icmp(header: IcmpHeader, payload: bytes) -> None:
    data = header.emit(payload)
    assert IcmpHeader.parse(data) == header
    assert len(data) == header.size_bytes


@given(udp_headers, payloads, u32)
def test_udp(header: UdpHeader, payload: bytes, pseudo: int) -> None:
    data = header.emit(payload, pseudo)
    assert UdpHeader.parse(data) == header
    assert length_bytes_of(data) == len(data) + len(payload)


@given(udplite_headers, payloads, u32)
def test_udplite(header: UdpLiteHeader, payload: bytes, pseudo: int) -> None:
    data = header.emit(payload, pseudo)
    assert UdpLiteHeader.parse(data) == header
    assert len(data) == header.size_bytes


@given(st.binary(min_size=1, max_size=200), st.data())
def test_udplite_finds_damage_within_its_coverage_only(payload: bytes, data: st.DataObject) -> None:
    covered = data.draw(st.integers(8, 8 + len(payload)))
    network = Ipv4Header(0x0A000001, 0x0A000002, PROTOCOL_UDPLITE, 64)
    sent = bytearray(transport_bytes(network, UdpLiteHeader(1, 2, covered), payload))
    place = data.draw(st.integers(8, len(sent) - 1))
    sent[place] ^= data.draw(st.integers(1, 255))
    header, carried, fault = parse_transport(network, bytes(sent))
    if place < covered:
        assert (header, fault) == (None, Drop.UDP_CHECKSUM)
    else:
        assert fault is None and carried == bytes(sent[8:])


@given(tcp_headers(), payloads, u32)
def test_tcp(header: TcpHeader, payload: bytes, pseudo: int) -> None:
    data = header.emit(payload, pseudo)
    assert TcpHeader.parse(data) == header
    assert len(data) == header.size_bytes == tcp.header_bytes_of(data)


@given(st.lists(st.tuples(u32, u32), min_size=1, max_size=3), u32)
def test_sack_blocks_beside_timestamps(blocks: list[tuple[int, int]], timestamp: int) -> None:
    header = TcpHeader(1, 2, 3, 4, tcp.ACK, 5, timestamp, 6, TcpOptions(sack=tuple(blocks)))
    assert TcpHeader.parse(header.emit(b"", 0)) == header


@given(frames)
def test_frames(frame: Frame) -> None:
    data = bytes(frame)
    assert len(data) == frame.size_bytes
    parsed = Frame.parse(data)
    assert parsed == frame
    assert parsed.size_bytes == frame.size_bytes
    assert parsed.digest() == frame.digest()
    assert frame_check_is_right(frame.bytes_with_fcs(mtu_bytes=65535))


@given(ip_frames())
def test_a_memoryview_is_as_good_as_bytes(frame: Frame) -> None:
    viewed = Frame(
        frame.destination,
        frame.source,
        frame.ethertype,
        frame.network,
        frame.transport,
        memoryview(frame.payload),
        None,
        frame.tag,
    )
    assert viewed == frame
    assert frame == viewed
    assert bytes(viewed) == bytes(frame)
    assert viewed.digest() == frame.digest()
    assert Frame.parse(memoryview(bytes(viewed))) == frame


@given(ip_frames(short_payloads))
def test_packets_and_what_they_carry(frame: Frame) -> None:
    assert isinstance(frame.network, Ipv4Header)
    packet = packet_bytes(frame.network, frame.transport, frame.payload)
    start = 14 if frame.tag < 0 else 18
    assert bytes(frame)[start : start + len(packet)] == packet
    carried = transport_bytes(frame.network, frame.transport, frame.payload)
    assert packet.endswith(carried)
    assert parse_transport(frame.network, carried) == (frame.transport, frame.payload, None)
