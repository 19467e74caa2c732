"""dpkt as a second opinion, both ways: it reads what we emit, and we read what it emits."""

import struct

import dpkt
from hypothesis import given
from hypothesis import strategies as st
from tests.wire.strategies import (
    arp_frames,
    ip_frames,
    macs,
    payloads,
    short_payloads,
    tcp_headers,
    u8,
    u16,
    u32,
)

from netarium.wire.arp import ArpPacket
from netarium.wire.checksum import word_sum
from netarium.wire.ethernet import ETHERTYPE_ARP, ETHERTYPE_IPV4, Frame
from netarium.wire.icmp import IcmpHeader
from netarium.wire.ipv4 import PROTOCOL_ICMP, PROTOCOL_TCP, PROTOCOL_UDP, Ipv4Header
from netarium.wire.packet import TransportHeader
from netarium.wire.tcp import TcpHeader
from netarium.wire.udp import UdpHeader
from netarium.wire.udplite import UdpLiteHeader


def ip(number: int) -> bytes:
    return number.to_bytes(4, "big")


def mac(number: int) -> bytes:
    return number.to_bytes(6, "big")


@given(ip_frames())
def test_dpkt_reads_what_we_emit(frame: Frame) -> None:
    network = frame.network
    assert isinstance(network, Ipv4Header)
    # Without a tag: dpkt keeps tags apart from the type, which is not what is looked at here.
    theirs = dpkt.ethernet.Ethernet(bytes(frame.tagged(-1)))
    assert (theirs.dst, theirs.src, theirs.type) == (
        mac(frame.destination),
        mac(frame.source),
        ETHERTYPE_IPV4,
    )
    packet = theirs.data
    assert (packet.src, packet.dst, packet.p, packet.ttl) == (
        ip(network.source),
        ip(network.destination),
        network.protocol,
        network.ttl,
    )
    assert (packet.id, packet.tos, packet.opts) == (network.identification, network.tos, network.options)
    assert packet.len == network.size_bytes + frame.transport.size_bytes + len(frame.payload)
    dpkt_agrees_on_transport(packet, frame.transport, frame.payload)


def dpkt_agrees_on_transport(packet: dpkt.ip.IP, transport: TransportHeader | None, payload: bytes) -> None:
    inner = packet.data
    if isinstance(transport, TcpHeader):
        assert (inner.sport, inner.dport) == (transport.source_port, transport.destination_port)
        assert (inner.seq, inner.ack, inner.win) == (
            transport.sequence,
            transport.acknowledgment,
            transport.window,
        )
        assert (inner.flags & 0xFF, inner.urp) == (transport.flags & 0xFF, transport.urgent)
        assert inner.data == payload
        options = dict(dpkt.tcp.parse_opts(inner.opts))
        if transport.timestamp >= 0:
            assert options[dpkt.tcp.TCP_OPT_TIMESTAMP] == ip(transport.timestamp) + ip(transport.echo)
        if transport.options is not None and transport.options.mss >= 0:
            assert options[dpkt.tcp.TCP_OPT_MSS] == transport.options.mss.to_bytes(2, "big")
    elif isinstance(transport, UdpHeader):
        assert (inner.sport, inner.dport, inner.ulen) == (
            transport.source_port,
            transport.destination_port,
            8 + len(payload),
        )
        assert (inner.sum == 0) == transport.unchecked
        assert inner.data == payload
    elif isinstance(transport, UdpLiteHeader):  # unknown to dpkt: bytes
        assert inner[:4] == struct.pack("!HH", transport.source_port, transport.destination_port)
        assert inner[8:] == payload
    else:
        assert isinstance(transport, IcmpHeader)
        assert (inner.type, inner.code) == (transport.type, transport.code)


def in_dpkt(source: int, destination: int, protocol: int, ttl: int, inner: object) -> bytes:
    packet = dpkt.ip.IP(src=ip(source), dst=ip(destination), p=protocol, ttl=ttl, data=inner)
    packet.len = len(packet)
    return bytes(dpkt.ethernet.Ethernet(dst=mac(1), src=mac(2), type=ETHERTYPE_IPV4, data=packet))


@given(u32, u32, u8, u16, u16, u32, u32, st.integers(0, 255), u16, payloads)
def test_we_read_tcp_of_dpkt(
    source: int,
    destination: int,
    ttl: int,
    source_port: int,
    destination_port: int,
    sequence: int,
    acknowledgment: int,
    flags: int,
    window: int,
    payload: bytes,
) -> None:
    inner = dpkt.tcp.TCP(
        sport=source_port, dport=destination_port, seq=sequence, ack=acknowledgment, flags=flags, win=window
    )
    inner.data = payload
    frame = Frame.parse(in_dpkt(source, destination, PROTOCOL_TCP, ttl, inner))
    assert frame.fault is None, "its checksums are right for us"
    assert frame.network == Ipv4Header(source, destination, PROTOCOL_TCP, ttl, 0, 0)
    assert frame.transport == TcpHeader(
        source_port, destination_port, sequence, acknowledgment, flags, window
    )
    assert frame.payload == payload


@given(u32, u32, u16, u16, payloads)
def test_we_read_udp_of_dpkt(
    source: int, destination: int, from_port: int, to_port: int, payload: bytes
) -> None:
    inner = dpkt.udp.UDP(sport=from_port, dport=to_port, ulen=8 + len(payload), data=payload)
    frame = Frame.parse(in_dpkt(source, destination, PROTOCOL_UDP, 64, inner))
    assert frame.fault is None
    assert isinstance(frame.transport, UdpHeader)
    assert (frame.transport.source_port, frame.transport.destination_port) == (from_port, to_port)
    assert frame.payload == payload


@given(u16, u16, short_payloads)
def test_we_read_echoes_of_dpkt(identifier: int, sequence: int, payload: bytes) -> None:
    echo = dpkt.icmp.ICMP.Echo(id=identifier, seq=sequence, data=payload)
    frame = Frame.parse(in_dpkt(1, 2, PROTOCOL_ICMP, 64, dpkt.icmp.ICMP(type=8, data=echo)))
    assert frame.transport == IcmpHeader(8, 0, identifier << 16 | sequence)
    assert frame.payload == payload


@given(arp_frames())
def test_dpkt_reads_our_arp(frame: Frame) -> None:
    packet = frame.network
    assert isinstance(packet, ArpPacket)
    theirs = dpkt.ethernet.Ethernet(bytes(frame.tagged(-1))).data
    assert (theirs.op, theirs.sha, theirs.spa, theirs.tha, theirs.tpa) == (
        packet.operation,
        mac(packet.sender_mac),
        ip(packet.sender_ip),
        mac(packet.target_mac),
        ip(packet.target_ip),
    )


@given(u16, macs, u32, macs, u32)
def test_we_read_arp_of_dpkt(
    operation: int, sender_mac: int, sender: int, target_mac: int, target: int
) -> None:
    theirs = dpkt.arp.ARP(
        op=operation, sha=mac(sender_mac), spa=ip(sender), tha=mac(target_mac), tpa=ip(target)
    )
    frame = Frame.parse(
        bytes(dpkt.ethernet.Ethernet(dst=mac(1), src=mac(2), type=ETHERTYPE_ARP, data=theirs))
    )
    assert frame.network == ArpPacket(operation, sender_mac, sender, target_mac, target)


@given(tcp_headers(), payloads, u32, u32)
def test_checksums_agree(header: TcpHeader, payload: bytes, source: int, destination: int) -> None:
    data = (
        header.emit(payload, source + destination + PROTOCOL_TCP + header.size_bytes + len(payload)) + payload
    )
    pseudo = ip(source) + ip(destination) + b"\0\x06" + len(data).to_bytes(2, "big")
    assert dpkt.in_cksum(pseudo + data) == 0
    assert word_sum(pseudo + data) == 0xFFFF
