"""Garbage never raises: headers have one error, frames a fault that names the first thing that is wrong."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.wire.strategies import frames

from netarium.errors import UsageError, WireError
from netarium.journey import Drop
from netarium.wire import tcp
from netarium.wire.arp import ArpPacket
from netarium.wire.checksum import checksum, pseudo_sum, word_sum
from netarium.wire.ethernet import ETHERTYPE_ARP, ETHERTYPE_IPV4, ETHERTYPE_VLAN, Frame
from netarium.wire.icmp import IcmpHeader
from netarium.wire.ipv4 import PROTOCOL_ICMP, PROTOCOL_TCP, PROTOCOL_UDP, Ipv4Header
from netarium.wire.packet import TransportHeader
from netarium.wire.tcp import TcpHeader
from netarium.wire.tcp_options import TcpOptions, parse_options
from netarium.wire.udp import UdpHeader
from netarium.wire.udplite import UdpLiteHeader

PARSERS = [
    ArpPacket.parse,
    Ipv4Header.parse,
    IcmpHeader.parse,
    UdpHeader.parse,
    UdpLiteHeader.parse,
    TcpHeader.parse,
]
IP = (0x0A00_0001, 0x0A00_0002)


def frame_of(protocol: int, transport: TransportHeader | None, payload: bytes = b"payload") -> Frame:
    return Frame(1 << 41, 1 << 42, ETHERTYPE_IPV4, Ipv4Header(*IP, protocol, 64), transport, payload)


def opened(frame: Frame, **changes: int) -> Frame:
    """The frame parsed from its bytes after some of them were changed: `at_14=0x65`."""
    data = bytearray(bytes(frame))
    for place, value in changes.items():
        data[int(place[3:])] = value
    return Frame.parse(bytes(data))


@pytest.mark.parametrize("parse", PARSERS)
@given(data=st.binary(max_size=80))
def test_header_parsers_raise_wire_error_and_nothing_else(parse, data: bytes) -> None:
    try:
        parse(data)
    except WireError as error:
        assert type(error) is WireError
        assert str(error)


@given(st.binary(max_size=13))
def test_less_than_an_ethernet_header_is_the_only_thing_that_raises(data: bytes) -> None:
    with pytest.raises(WireError, match="14 bytes"):
        Frame.parse(data)


@given(
    st.binary(min_size=12, max_size=12),
    st.sampled_from([0x0800, 0x0806, 0x8100, 0x86DD, 0x0026, 0x88B5]),
    st.binary(),
)
def test_random_bytes_give_a_frame_that_can_be_sent_on(addresses: bytes, ethertype: int, rest: bytes) -> None:
    frame = Frame.parse(addresses + ethertype.to_bytes(2, "big") + rest)
    assert len(bytes(frame)) == frame.size_bytes
    assert repr(frame)
    assert isinstance(frame.digest(), int)


def test_random_ip_packets_give_frames_that_can_be_sent_on() -> None:
    # Random bytes seldom get past the checksums, so here they are put right: the parsers behind them must
    # cope.
    numbers = random.Random(7)
    reached = set()
    for _ in range(4000):
        protocol = numbers.choice([1, 6, 17, 99])
        carried = bytearray(numbers.randbytes(numbers.randrange(60)))
        if len(carried) > 12 and protocol == 6:
            carried[12] = numbers.choice([0x50, 0x60, 0x80, 0xF0])
        frame = frame_of(protocol, None, bytes(carried))
        parsed = Frame.parse(bytes(frame))
        reached.add(parsed.fault)
        assert parsed.network == frame.network
        assert len(bytes(parsed)) == parsed.size_bytes
    assert {
        Drop.TCP_MALFORMED,
        Drop.TCP_CHECKSUM,
        Drop.UDP_MALFORMED,
        Drop.ICMP_MALFORMED,
        Drop.ICMP_CHECKSUM,
    } <= reached


@given(frames)
def test_cut_off_at_every_length(frame: Frame) -> None:
    data = bytes(frame)
    for length in range(14, len(data), max(1, len(data) // 97)):
        cut = Frame.parse(data[:length])
        assert len(bytes(cut)) == cut.size_bytes
        if cut.fault is None and cut.network is not None:
            # Only padding was lost.
            assert cut == frame


def test_every_length_of_a_full_tcp_frame_names_the_ip_length() -> None:
    frame = frame_of(PROTOCOL_TCP, TcpHeader(1, 2, 3, 4, tcp.ACK, 5, 6, 7), bytes(100))
    data = bytes(frame)
    for length in range(14, len(data)):
        cut = Frame.parse(data[:length])
        assert (cut.network, cut.transport, cut.fault) == (None, None, Drop.IP_MALFORMED)
        assert cut.payload == data[14:length]


@given(frames, st.integers(14, 70), st.integers(0, 7))
def test_one_flipped_bit_never_goes_unnoticed_in_tcp_and_udp(frame: Frame, at: int, bit: int) -> None:
    data = bytearray(bytes(frame))
    at = min(at, len(data) - 1)
    data[at] ^= 1 << bit
    flipped = Frame.parse(bytes(data))
    assert len(bytes(flipped)) == flipped.size_bytes
    is_checked = isinstance(frame.transport, TcpHeader) or (
        isinstance(frame.transport, UdpHeader) and not frame.transport.unchecked
    )
    if is_checked and frame.tag < 0 and at < 14 + frame.network.size_bytes + 8:
        assert flipped.fault is not None


TCP_FRAME = frame_of(PROTOCOL_TCP, TcpHeader(1, 2, 3, 4, tcp.ACK, 5, 6, 7))
UDP_FRAME = frame_of(PROTOCOL_UDP, UdpHeader(1, 2))
ICMP_FRAME = frame_of(PROTOCOL_ICMP, IcmpHeader(8, 0, 1))


@pytest.mark.parametrize(
    ("frame", "change", "fault"),
    [
        (TCP_FRAME, {"at_14": 0x65}, Drop.IP_MALFORMED),  # version 6 under the EtherType of 4
        (TCP_FRAME, {"at_14": 0x44}, Drop.IP_MALFORMED),  # header of 4 words
        (TCP_FRAME, {"at_17": 19}, Drop.IP_MALFORMED),  # total length below the header's
        (TCP_FRAME, {"at_22": 63}, Drop.IP_CHECKSUM),
        (TCP_FRAME, {"at_46": 0x40}, Drop.TCP_MALFORMED),  # data offset of 4 words
        (TCP_FRAME, {"at_46": 0xF0}, Drop.TCP_MALFORMED),  # data offset past the end
        (TCP_FRAME, {"at_60": 99}, Drop.TCP_CHECKSUM),
        (TCP_FRAME, {"at_57": 1}, Drop.TCP_MALFORMED),  # timestamps of length 1
        (TCP_FRAME, {"at_67": 0}, Drop.TCP_CHECKSUM),
        (UDP_FRAME, {"at_39": 7}, Drop.UDP_MALFORMED),  # length below 8
        (UDP_FRAME, {"at_39": 99}, Drop.UDP_MALFORMED),  # length past the packet's end
        (UDP_FRAME, {"at_43": 0}, Drop.UDP_CHECKSUM),
        (ICMP_FRAME, {"at_43": 0}, Drop.ICMP_CHECKSUM),
    ],
)
def test_the_fault_names_what_is_wrong(frame: Frame, change: dict[str, int], fault: Drop) -> None:
    wrong = opened(frame, **change)
    assert wrong.fault is fault
    assert wrong.transport is None
    assert wrong.destination == frame.destination
    if fault.layer == "network":
        assert wrong.network is None
    else:
        assert wrong.network == frame.network
        assert bytes(wrong)[14 : 14 + 20] == bytes(frame)[14 : 14 + 20], "a router forwards it as it is"


def test_a_wrong_tcp_checksum_is_forwarded_byte_for_byte() -> None:
    data = bytearray(bytes(TCP_FRAME))
    data[-1] ^= 0xFF
    wrong = Frame.parse(bytes(data))
    assert bytes(wrong) == bytes(data)


def test_lengths_below_a_header() -> None:
    for protocol, fault, least in (
        (PROTOCOL_TCP, Drop.TCP_MALFORMED, 20),
        (PROTOCOL_UDP, Drop.UDP_MALFORMED, 8),
        (PROTOCOL_ICMP, Drop.ICMP_MALFORMED, 8),
    ):
        for length in range(least):
            assert Frame.parse(bytes(frame_of(protocol, None, bytes(length)))).fault is fault


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"at_15": 2}, "hardware"),
        ({"at_16": 0x86}, "protocol"),
        ({"at_18": 8}, "size"),
        ({"at_19": 16}, "size"),
    ],
)
def test_arp_of_other_kinds(change: dict[str, int], why: str) -> None:
    frame = Frame(1, 2, ETHERTYPE_ARP, ArpPacket(1, 2, 3, 4, 5), None, b"")
    wrong = opened(frame, **change)
    assert (wrong.network, wrong.fault) == (None, Drop.ARP_MALFORMED), why


def test_arp_cut_off() -> None:
    data = bytes(Frame(1, 2, ETHERTYPE_ARP, ArpPacket(1, 2, 3, 4, 5), None, b""))
    for length in range(14, 42):
        assert Frame.parse(data[:length]).fault is Drop.ARP_MALFORMED
    assert Frame.parse(data[:42]).fault is None


def test_a_tag_that_is_cut_off() -> None:
    for length in range(4):
        cut = Frame.parse(bytes(12) + ETHERTYPE_VLAN.to_bytes(2, "big") + bytes(length))
        assert (cut.fault, cut.tag) == (Drop.FRAME_MALFORMED, -1)


def test_a_length_field_past_the_end() -> None:
    assert Frame.parse(bytes(12) + b"\x00\x30" + bytes(46)).fault is Drop.FRAME_MALFORMED
    assert Frame.parse(bytes(12) + b"\x00\x03" + b"abc" + bytes(43)).payload == b"abc"


@pytest.mark.parametrize(
    "options",
    [
        "0200",
        "0201",
        "0205 05b4 00",
        "02",
        "0305 07",
        "0303",
        "0402 08",
        "0801",
        "080b" + "00" * 9,
        "0502",
        "0509" + "00" * 7,
        "fe",
        "fe00",
        "fe05 00",
    ],
)
def test_tcp_options_whose_length_cannot_be(options: str) -> None:
    with pytest.raises(WireError):
        parse_options(bytes.fromhex(options))


def test_tcp_options_as_others_lay_them_out() -> None:
    # macOS: MSS, NOP, window scale, NOP, NOP, timestamps, SACK permitted, end of list.
    data = bytes.fromhex("020405b4 01 030306 0101 080a 00000001 00000000 0402 0000")
    assert parse_options(data) == (1, 0, TcpOptions(1460, 6, True))
    # Nothing counts after the end of the list; of two MSS the last counts.
    assert parse_options(bytes.fromhex("02040001 02040002 00 0402")) == (-1, 0, TcpOptions(2))
    assert parse_options(bytes.fromhex("0101 01 00")) == (-1, 0, TcpOptions())
    assert parse_options(b"") == (-1, 0, None)
    # TCP Fast Open (34) is nothing we know: kept as it is.
    assert parse_options(bytes.fromhex("2204 abcd")) == (-1, 0, TcpOptions(unknown=bytes.fromhex("2204abcd")))


@pytest.mark.parametrize(
    "options",
    [
        "020405b4 01 030306 0101 080a 00000001 00000000 0402 0000",  # macOS
        "020405b4 01 030308 0101 0402",  # Windows
        "080a 00000001 00000002 0101",  # timestamps alone, padded behind
        "01010101",
        "00000000",
        "0402 fe02 02040001",  # would be longer in our layout
        "080a 00000001 00000002 051a" + "00000001" * 6 + "fe02",  # would not fit in our layout
        "020405b4 00 ffffff",  # rubbish after the end of the list
    ],
)
def test_a_router_sends_options_on_as_another_system_laid_them_out(options: str) -> None:
    data = bytes.fromhex(options)
    head = bytearray(TcpHeader(1, 2, 3, 4, tcp.SYN, 5).emit(b"", 0)[:20])
    head[12] = (20 + len(data)) << 2
    head[16:18] = bytes(2)
    segment = bytes(head) + data + b"payload"
    total = word_sum(segment) + pseudo_sum(*IP, PROTOCOL_TCP, len(segment))
    segment = segment[:16] + checksum(total).to_bytes(2, "big") + segment[18:]
    came = bytes(frame_of(PROTOCOL_TCP, None, segment))
    frame = Frame.parse(came)
    assert isinstance(frame.transport, TcpHeader)
    assert bytes(frame) == came
    rewritten = frame.with_headers(frame.network, frame.transport.with_ports(7, 8))
    assert bytes(rewritten)[54 : 54 + len(data)] == data
    # Whoever builds a header with other timestamps from these options gets them in our layout, not the old ones.
    if frame.transport.options is not None and frame.transport.timestamp >= 0 and len(data) < 40:
        other = TcpHeader(1, 2, 3, 4, tcp.SYN, 5, 99, 98, frame.transport.options)
        assert TcpHeader.parse(other.emit(b"", 0)).timestamp == 99


def test_options_that_only_fit_without_padding_are_laid_out_without() -> None:
    blocks = ((1, 2), (3, 4), (5, 6))
    options = TcpOptions(sack=blocks, unknown=b"\xfe\x02")
    header = TcpHeader(1, 2, 3, 4, tcp.ACK, 5, 6, 7, options)
    assert header.size_bytes == 60
    assert TcpHeader.parse(header.emit(b"", 0)) == header


def test_building_what_cannot_be_is_refused() -> None:
    with pytest.raises(UsageError, match="at most 40"):
        TcpHeader(1, 2, 3, 4, tcp.ACK, 5, 6, 7, TcpOptions(sack=((1, 2),) * 4))
    with pytest.raises(UsageError, match="at most 40"):
        Ipv4Header(*IP, PROTOCOL_TCP, 64, options=bytes(41))
    with pytest.raises(UsageError, match="at most 65535"):
        Ipv4Header(*IP, PROTOCOL_UDP, 64).emit(65516)
    with pytest.raises(UsageError, match="at most 65535"):
        UdpHeader(1, 2).emit(bytes(65528), 0)
