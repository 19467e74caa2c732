"""What else a frame can do: sizes, sharing when a header is replaced, equality, digest, text."""

import pytest
from hypothesis import given
from tests.wire.strategies import frames, ip_frames, macs, u16, u32

from netarium.errors import UsageError
from netarium.journey import Drop
from netarium.wire import icmp, tcp, vlan
from netarium.wire.arp import ArpPacket
from netarium.wire.ethernet import ETHERTYPE_ARP, ETHERTYPE_IPV4, MAC_BROADCAST, Frame, frame_check_is_right
from netarium.wire.icmp import IcmpHeader
from netarium.wire.ipv4 import MORE_FRAGMENTS, PROTOCOL_ICMP, PROTOCOL_TCP, PROTOCOL_UDP, Ipv4Header
from netarium.wire.packet import packet_bytes, transport_bytes
from netarium.wire.tcp import TcpHeader
from netarium.wire.tcp_options import TcpOptions
from netarium.wire.udp import UdpHeader
from netarium.wire.udplite import UdpLiteHeader

A, B = 0x0A00_0001, 0x0A00_0002
NETWORK = Ipv4Header(A, B, PROTOCOL_TCP, 64, 9, 0, 4, b"\x01" * 4)
SEGMENT = TcpHeader(1, 2, 3, 4, tcp.ACK, 5, 6, 7)
FRAME = Frame(11, 12, ETHERTYPE_IPV4, NETWORK, SEGMENT, b"payload")


@given(frames, macs, macs)
def test_readdressed_shares_everything_but_the_stations(frame: Frame, destination: int, source: int) -> None:
    moved = frame.readdressed(destination, source)
    assert (moved.destination, moved.source) == (destination, source)
    assert moved.readdressed(frame.destination, frame.source) == frame
    assert moved.network is frame.network
    assert moved.payload is frame.payload
    assert bytes(moved)[12:] == bytes(frame)[12:]


@given(ip_frames())
def test_forwarded_has_one_hop_less_and_fresh_checksums(frame: Frame) -> None:
    network = frame.network
    assert isinstance(network, Ipv4Header)
    if network.ttl == 0:
        return
    sent_on = frame.forwarded(1, 2, network.forwarded())
    built = Frame(
        1,
        2,
        ETHERTYPE_IPV4,
        Ipv4Header(
            network.source,
            network.destination,
            network.protocol,
            network.ttl - 1,
            network.identification,
            network.fragment,
            network.tos,
            network.options,
        ),
        frame.transport,
        frame.payload,
        None,
        frame.tag,
    )
    assert sent_on == built
    assert sent_on.size_bytes == built.size_bytes
    assert bytes(sent_on) == bytes(built)


@given(ip_frames(), u32, u32, u16, u16)
def test_what_nat_makes_of_a_frame_is_right_and_comes_back(
    frame: Frame, source: int, destination: int, from_port: int, to_port: int
) -> None:
    network, transport = frame.network, frame.transport
    assert isinstance(network, Ipv4Header)
    frame.digest()  # so that a wrongly shared digest would show
    if isinstance(transport, IcmpHeader):
        changed = transport.with_identifier(from_port)
        back = changed.with_identifier(transport.identifier)
    else:
        assert isinstance(transport, TcpHeader | UdpHeader | UdpLiteHeader)
        changed = transport.with_ports(from_port, to_port)
        back = changed.with_ports(transport.source_port, transport.destination_port)
    rewritten = frame.with_headers(network.readdressed(source, destination), changed)
    parsed = Frame.parse(bytes(rewritten))
    assert parsed == rewritten
    assert parsed.fault is None
    assert parsed.digest() == rewritten.digest()
    assert (
        rewritten.with_headers(rewritten.network.readdressed(network.source, network.destination), back)
        == frame
    )


@given(ip_frames())
def test_tagged_and_untagged_again(frame: Frame) -> None:
    tagged = frame.tagged(vlan.tag_of(10, 3))
    assert tagged.tagged(-1) == frame.tagged(-1)
    assert Frame.parse(bytes(tagged)) == tagged
    assert len(bytes(tagged)) == tagged.size_bytes


CHANGED = [
    Frame(99, 12, ETHERTYPE_IPV4, NETWORK, SEGMENT, b"payload"),
    Frame(11, 99, ETHERTYPE_IPV4, NETWORK, SEGMENT, b"payload"),
    Frame(11, 12, ETHERTYPE_IPV4, NETWORK, SEGMENT, b"Payload"),
    Frame(11, 12, ETHERTYPE_IPV4, NETWORK, SEGMENT, b"payload", None, 0),
    Frame(11, 12, ETHERTYPE_IPV4, NETWORK.forwarded(), SEGMENT, b"payload"),
    *[
        Frame(11, 12, ETHERTYPE_IPV4, network, SEGMENT, b"payload")
        for network in (
            NETWORK.readdressed(B, B),
            NETWORK.readdressed(A, A),
            NETWORK.fragmented(MORE_FRAGMENTS, NETWORK.options),
            NETWORK.fragmented(0, b""),
            Ipv4Header(A, B, PROTOCOL_UDP, 64, 9, 0, 4, b"\x01" * 4),
            Ipv4Header(A, B, PROTOCOL_TCP, 64, 10, 0, 4, b"\x01" * 4),
            Ipv4Header(A, B, PROTOCOL_TCP, 64, 9, 0, 5, b"\x01" * 4),
        )
    ],
    *[
        Frame(11, 12, ETHERTYPE_IPV4, NETWORK, transport, b"payload")
        for transport in (
            TcpHeader(9, 2, 3, 4, tcp.ACK, 5, 6, 7),
            TcpHeader(1, 9, 3, 4, tcp.ACK, 5, 6, 7),
            TcpHeader(1, 2, 9, 4, tcp.ACK, 5, 6, 7),
            TcpHeader(1, 2, 3, 9, tcp.ACK, 5, 6, 7),
            TcpHeader(1, 2, 3, 4, tcp.RST, 5, 6, 7),
            TcpHeader(1, 2, 3, 4, tcp.ACK, 9, 6, 7),
            TcpHeader(1, 2, 3, 4, tcp.ACK, 5, 9, 7),
            TcpHeader(1, 2, 3, 4, tcp.ACK, 5, 6, 9),
            TcpHeader(1, 2, 3, 4, tcp.ACK, 5, 6, 7, TcpOptions(mss=1)),
            TcpHeader(1, 2, 3, 4, tcp.ACK, 5, 6, 7, None, 9),
            UdpHeader(1, 2),
            UdpHeader(1, 3),
            UdpHeader(1, 2, unchecked=True),
            IcmpHeader(8, 0, 1),
            IcmpHeader(8, 0, 2),
            IcmpHeader(8, 1, 1),
            IcmpHeader(0, 0, 1),
            None,
        )
    ],
]


def test_every_value_counts_in_equality_and_digest() -> None:
    all_frames = [FRAME, *CHANGED]
    for at, one in enumerate(all_frames):
        for other in all_frames[at + 1 :]:
            assert one != other
            assert one.digest() != other.digest(), (one, other)
    for name in ("operation", "sender_mac", "sender_ip", "target_mac", "target_ip"):
        values = {"operation": 1, "sender_mac": 2, "sender_ip": 3, "target_mac": 4, "target_ip": 5}
        one = Frame(1, 2, ETHERTYPE_ARP, ArpPacket(**values), None, b"")
        other = Frame(1, 2, ETHERTYPE_ARP, ArpPacket(**(values | {name: 9})), None, b"")
        assert one != other
        assert one.digest() != other.digest()


def test_a_frame_is_no_key_and_equals_nothing_else() -> None:
    for value in (
        FRAME,
        NETWORK,
        SEGMENT,
        UdpHeader(1, 2),
        IcmpHeader(1, 2),
        ArpPacket(1, 2, 3, 4, 5),
        TcpOptions(),
    ):
        assert value != 1
        with pytest.raises(TypeError):
            hash(value)


def test_sizes_with_padding_tag_and_fcs() -> None:
    small = Frame(1, 2, 0x88B5, None, None, b"x")
    assert (small.size_bytes, small.data_bytes, len(small.bytes_with_fcs())) == (60, 46, 64)
    full = Frame(1, 2, 0x88B5, None, None, bytes(1500))
    assert (full.size_bytes, len(full.bytes_with_fcs())) == (1514, 1518)
    tagged = full.tagged(10)
    assert (tagged.size_bytes, tagged.data_bytes, len(tagged.bytes_with_fcs())) == (1518, 1500, 1522)
    with pytest.raises(UsageError, match="1501 bytes of data; at most 1500"):
        Frame(1, 2, 0x88B5, None, None, bytes(1501)).bytes_with_fcs()
    assert len(Frame(1, 2, 0x88B5, None, None, bytes(9000)).bytes_with_fcs(mtu_bytes=9000)) == 9018


def test_the_fcs_shows_every_flipped_bit() -> None:
    data = FRAME.bytes_with_fcs()
    assert frame_check_is_right(data)
    for bit in range(len(data) * 8):
        wrong = bytearray(data)
        wrong[bit // 8] ^= 1 << bit % 8
        assert not frame_check_is_right(bytes(wrong))
    assert not frame_check_is_right(b"")


def test_groups() -> None:
    assert Frame(MAC_BROADCAST, 2, 0x88B5, None, None, b"").is_group
    assert Frame(0x0180_C200_0000, 2, 0x88B5, None, None, b"").is_group
    assert not Frame(0x0200_0000_0001, 2, 0x88B5, None, None, b"").is_group


def test_padding_is_stripped_where_the_ip_length_ends_it() -> None:
    data = bytes(
        Frame(1, 2, ETHERTYPE_IPV4, Ipv4Header(A, B, PROTOCOL_UDP, 64), UdpHeader(1, 2), b"x")
    ) + bytes(9)
    assert Frame.parse(data).payload == b"x"
    # UDP too may end before the packet does; the rest is nothing.
    longer = Ipv4Header(A, B, PROTOCOL_UDP, 64)
    inner = UdpHeader(1, 2, unchecked=True).emit(b"x", 0) + b"xyz"
    assert Frame.parse(bytes(Frame(1, 2, ETHERTYPE_IPV4, longer, None, inner))).payload == b"x"


def test_an_unknown_protocol_and_an_unknown_ethertype_are_no_fault() -> None:
    unknown = Frame.parse(bytes(Frame(1, 2, ETHERTYPE_IPV4, Ipv4Header(A, B, 99, 64), None, b"data")))
    assert (unknown.transport, unknown.payload, unknown.fault) == (None, b"data", None)
    other = Frame.parse(bytes(Frame(1, 2, 0x88B5, None, None, bytes(50))))
    assert (other.network, other.payload, other.fault) == (None, bytes(50), None)


def test_a_fragment_keeps_its_bytes_and_its_place() -> None:
    header = Ipv4Header(A, B, PROTOCOL_TCP, 64, 7, MORE_FRAGMENTS | 185)
    frame = Frame.parse(bytes(Frame(1, 2, ETHERTYPE_IPV4, header, None, bytes(64))))
    assert (frame.transport, frame.fault, frame.payload) == (None, None, bytes(64))
    assert isinstance(frame.network, Ipv4Header)
    assert (frame.network.is_fragment, frame.network.offset_bytes) == (True, 1480)
    assert "fragment=7@1480+" in repr(frame)
    assert not NETWORK.is_fragment


def test_the_fields_of_a_tag() -> None:
    tag = vlan.tag_of(10, 5, drop_eligible=True)
    assert (vlan.vlan_of(tag), vlan.priority_of(tag), vlan.is_drop_eligible(tag)) == (10, 5, True)
    assert vlan.vlan_of(vlan.tag_of(4094)) == 4094
    for arguments in ((4095,), (-1,), (1, 8), (1, -1)):
        with pytest.raises(UsageError):
            vlan.tag_of(*arguments)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (ArpPacket(2, 1, A, 2, B), "<ARP 10.0.0.1 is at 00:00:00:00:00:01 (to 10.0.0.2)>"),
        (ArpPacket(7, 1, A, 2, B), "<ARP operation 7 from 10.0.0.1 to 10.0.0.2>"),
        (Ipv4Header(A, B, 99, 1), "<IPv4 10.0.0.1>10.0.0.2 ttl=1 protocol 99>"),
        (NETWORK, "<IPv4 10.0.0.1>10.0.0.2 ttl=64 tos=0x04 options=01010101 TCP>"),
        (UdpHeader(5, 53), "<UDP 5>53>"),
        (UdpHeader(5, 53, True), "<UDP 5>53 unchecked>"),
        (IcmpHeader(3, 3), "<ICMP port unreachable>"),
        (IcmpHeader(3, 4, 1400), "<ICMP fragmentation needed mtu=1400>"),
        (IcmpHeader(3, 99), "<ICMP destination unreachable code 99>"),
        (IcmpHeader(11, 0), "<ICMP time exceeded code=0>"),
        (IcmpHeader(42, 1), "<ICMP type 42 code=1>"),
        (TcpHeader(1, 2, 3, 4, tcp.FIN | tcp.ACK, 5), "<TCP 1>2 [FIN ACK] seq=3 ack=4 win=5>"),
        (TcpHeader(1, 2, 3, 4, tcp.URG, 5, urgent=6), "<TCP 1>2 [URG] seq=3 win=5 urg=6>"),
        (TcpHeader(1, 2, 3, 4, 0, 5), "<TCP 1>2 [none] seq=3 win=5>"),
        (TcpOptions(sack=((1, 2),), unknown=b"\xfe\x02"), "<TCP options sack=1-2 unknown=fe02>"),
        (TcpOptions(), "<TCP options none>"),
    ],
)
def test_what_an_engineer_reads(value: object, text: str) -> None:
    assert repr(value) == text


def test_the_text_of_frames_that_are_not_right() -> None:
    checked = Frame(1, 2, ETHERTYPE_IPV4, Ipv4Header(A, B, PROTOCOL_TCP, 64), None, b"xy", Drop.TCP_CHECKSUM)
    assert repr(checked).endswith("IPv4 10.0.0.1>10.0.0.2 ttl=64 len=2 fault=TCP_CHECKSUM>")
    wrong = Frame(1, 2, ETHERTYPE_IPV4, None, None, b"xy", Drop.IP_CHECKSUM, 10)
    assert repr(wrong) == "<Frame 00:00:00:00:00:02>00:00:00:00:00:01 vlan=10 IPv4 len=2 fault=IP_CHECKSUM>"
    other = Frame(1, 2, 0x88B5, None, None, b"")
    assert repr(other) == "<Frame 00:00:00:00:00:02>00:00:00:00:00:01 ethertype=0x88b5>"
    unknown = Frame(1, 2, ETHERTYPE_IPV4, Ipv4Header(A, B, 99, 64), None, b"")
    assert repr(unknown).endswith("ttl=64 protocol=99>")


def test_which_icmp_messages_quote_a_packet() -> None:
    assert IcmpHeader(icmp.TIME_EXCEEDED, 0).is_error
    assert not IcmpHeader(icmp.ECHO_REQUEST, 0).is_error
    assert IcmpHeader(icmp.ECHO_REQUEST, 0, 0x0007_0003).sequence == 3
    assert (
        Frame(1, 2, ETHERTYPE_IPV4, Ipv4Header(A, B, PROTOCOL_ICMP, 1), IcmpHeader(8, 0), b"").fault is None
    )


def test_frames_that_share_a_segment_share_its_digest_and_nothing_else() -> None:
    first = Frame(11, 12, ETHERTYPE_IPV4, NETWORK, SEGMENT, b"payload")
    before = first.digest()
    second = first.forwarded(21, 22, NETWORK.forwarded())
    assert second.carried_crc == first.carried_crc
    assert second.digest() != before
    assert second.digest() == Frame(21, 22, ETHERTYPE_IPV4, NETWORK.forwarded(), SEGMENT, b"payload").digest()
    assert first.digest() == before
    for other in (
        first.tagged(3),
        first.readdressed(5, 6),
        first.with_headers(NETWORK, SEGMENT.with_ports(9, 9)),
    ):
        assert other.digest() == Frame.parse(bytes(other)).digest()


def test_what_an_ip_packet_of_unknown_contents_carries() -> None:
    assert transport_bytes(NETWORK, None, memoryview(b"data")) == b"data"
    assert packet_bytes(NETWORK, None, b"data")[-4:] == b"data"
