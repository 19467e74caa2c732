"""IPv6 and its companions as bytes: round trips, golden bytes, garbage."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.wire.strategies import macs, payloads, tags, tcp_headers, u8, u16, u32

from netarium.addresses import parse_ipv6
from netarium.errors import UsageError, WireError
from netarium.journey import Drop
from netarium.wire import icmpv6, ndp
from netarium.wire.ethernet import ETHERTYPE_IPV6, Frame
from netarium.wire.icmpv6 import Icmpv6Header
from netarium.wire.ipv6 import (
    AUTHENTICATION,
    DESTINATION_OPTIONS,
    FRAGMENT,
    HOP_BY_HOP,
    MORE_FRAGMENTS,
    PROTOCOL_ICMPV6,
    ROUTING,
    Ipv6Header,
    relink,
)
from netarium.wire.packet import packet_bytes, parse_transport, transport_bytes
from netarium.wire.tcp import TcpHeader
from netarium.wire.udp import UdpHeader

A, B = parse_ipv6("2001:db8::1"), parse_ipv6("2001:db8::2")
u20 = st.integers(0, 0xFFFFF)
u128 = st.integers(0, (1 << 128) - 1)
icmpv6_headers = st.builds(Icmpv6Header, u8, u8, u32)
udp6_headers = st.builds(UdpHeader, u16, u16)


@st.composite
def chains(draw: st.DrawFn) -> list[tuple[int, bytes]]:
    """Extension headers without fragment headers: (type, bytes after the next-header field)."""
    found = []
    for _ in range(draw(st.integers(0, 3))):
        kind = draw(st.sampled_from([HOP_BY_HOP, ROUTING, DESTINATION_OPTIONS, AUTHENTICATION]))
        words = draw(st.integers(0, 3))
        size = (words + 1) * 8 if kind != AUTHENTICATION else (words + 2) * 4
        if size < 8:
            words, size = 1, 12
        data = draw(st.binary(min_size=size - 2, max_size=size - 2))
        found.append((kind, bytes((words,)) + data))
    return found


def header_of(
    source: int,
    destination: int,
    protocol: int,
    ttl: int,
    tos: int,
    flow: int,
    chain: list[tuple[int, bytes]],
) -> Ipv6Header:
    kinds = [kind for kind, _ in chain] + [protocol]
    extensions = b"".join(bytes((kinds[at + 1],)) + rest for at, (_, rest) in enumerate(chain))
    return Ipv6Header(source, destination, protocol, ttl, tos, flow, kinds[0], extensions)


def ipv6_headers(protocols: st.SearchStrategy[int]) -> st.SearchStrategy[Ipv6Header]:
    return st.builds(header_of, u128, u128, protocols, u8, u8, u20, chains())


upper = st.sampled_from([6, 17, 58, 59, 89, 132])


@given(ipv6_headers(upper), st.integers(0, 1500))
def test_ipv6(header: Ipv6Header, carried: int) -> None:
    data = header.emit(carried)
    assert Ipv6Header.parse(data) == header
    assert len(data) == header.size_bytes
    assert b"".join(each for _, _, each in header.extension_headers()) == header.extensions


@st.composite
def ipv6_frames(draw: st.DrawFn) -> Frame:
    transport = draw(st.one_of(tcp_headers(), udp6_headers, icmpv6_headers))
    protocol = {TcpHeader: 6, UdpHeader: 17, Icmpv6Header: 58}[type(transport)]
    network = draw(ipv6_headers(st.just(protocol)))
    return Frame(draw(macs), draw(macs), ETHERTYPE_IPV6, network, transport, draw(payloads), None, draw(tags))


@given(ipv6_frames())
def test_parsing_the_bytes_of_a_frame_gives_an_equal_frame(frame: Frame) -> None:
    data = bytes(frame)
    assert len(data) == frame.size_bytes
    again = Frame.parse(data)
    assert again == frame
    assert again.digest() == frame.digest()
    assert bytes(again) == data


@given(ipv6_headers(upper), u32, st.integers(0, 8000), st.booleans(), payloads)
def test_a_fragment_is_parsed_up_to_its_fragment_header(
    header: Ipv6Header, identification: int, units: int, more: bool, payload: bytes
) -> None:
    field = units << 3 | (MORE_FRAGMENTS if more else 0)
    piece = header.fragmented(17, field, identification, len(header.extensions))
    frame = Frame(1, 2, ETHERTYPE_IPV6, piece, None, payload)
    again = Frame.parse(bytes(frame))
    if field:
        assert again == frame and again.network.is_fragment  # type: ignore[union-attr]
    else:
        assert not again.network.is_fragment  # type: ignore[union-attr]


def test_the_chain_is_relinked_at_its_end() -> None:
    options = bytes((17, 0)) + bytes(6)
    assert relink(DESTINATION_OPTIONS, options, FRAGMENT) == (
        bytes((FRAGMENT, 0)) + bytes(6),
        DESTINATION_OPTIONS,
    )
    assert relink(17, b"", FRAGMENT) == (b"", FRAGMENT)


def test_golden_bytes_of_an_echo_request() -> None:
    header = Ipv6Header(A, B, PROTOCOL_ICMPV6, 64)
    message = Icmpv6Header(icmpv6.ECHO_REQUEST, 0, 7 << 16 | 1)
    data = packet_bytes(header, message, b"hello")
    assert data.hex() == (
        "60000000000d3a40"
        "20010db8000000000000000000000001"
        "20010db8000000000000000000000002"
        "8000" + data[42:44].hex() + "0007000168656c6c6f"
    )
    words = data[8:40] + (13).to_bytes(4, "big") + bytes((0, 0, 0, 58)) + data[40:] + b"\0"
    total = sum(int.from_bytes(words[at : at + 2], "big") for at in range(0, len(words), 2))
    while total >> 16:
        total = (total >> 16) + (total & 0xFFFF)
    assert total == 0xFFFF


def test_faults_are_named() -> None:
    udp = bytearray(bytes(Frame(1, 2, ETHERTYPE_IPV6, Ipv6Header(A, B, 17, 64), UdpHeader(1, 2), b"xyz")))
    udp[14 + 40 + 6 : 14 + 40 + 8] = b"\0\0"
    assert Frame.parse(udp).fault is Drop.UDP_CHECKSUM, "over IPv6 a checksum of zero is none"
    echo = bytearray(
        bytes(Frame(1, 2, ETHERTYPE_IPV6, Ipv6Header(A, B, 58, 64), Icmpv6Header(128, 0), b"xyz"))
    )
    echo[-1] ^= 1
    assert Frame.parse(echo).fault is Drop.ICMP_CHECKSUM
    assert Frame.parse(echo[:50]).fault is Drop.IP_MALFORMED
    echo[14] = 0x40
    assert Frame.parse(echo).fault is Drop.IP_MALFORMED
    short = bytes(Frame(1, 2, ETHERTYPE_IPV6, Ipv6Header(A, B, 58, 64), None, b"abc", None))
    assert Frame.parse(short).fault is Drop.ICMP_MALFORMED


@given(st.binary(max_size=120))
def test_garbage_raises_wire_error_and_nothing_else(data: bytes) -> None:
    for parse in (
        Ipv6Header.parse,
        Icmpv6Header.parse,
        ndp.parse_options,
        ndp.parse_target,
        ndp.parse_redirect,
    ):
        try:
            parse(data)
        except WireError:
            pass
    try:
        ndp.RouterAdvertisement.parse(0, data)
    except WireError:
        pass
    Frame.parse(bytes(12) + b"\x86\xdd" + data)
    Frame.parse(
        bytes(12) + b"\x86\xdd\x60\0\0\0" + len(data).to_bytes(2, "big") + b"\0\x40" + bytes(32) + data
    )


@given(
    u8,
    u16,
    st.lists(st.tuples(u128, st.integers(0, 128), u8, u32, u32), max_size=3),
    st.integers(0, (1 << 48) - 1),
    u32,
    st.lists(u128, max_size=2),
    u32,
)
def test_router_advertisements_round_trip(hops, lifetime, prefixes, mac, mtu, servers, dns_lifetime) -> None:  # type: ignore[no-untyped-def]
    sent = ndp.RouterAdvertisement(
        hops, lifetime, tuple(ndp.PrefixInformation(*each) for each in prefixes), mac, mtu, tuple(servers),
        dns_lifetime if servers else 0, ndp.MANAGED, 30_000, 1000,
    )  # fmt: skip
    found = ndp.RouterAdvertisement.parse(sent.rest, sent.emit())
    names = getattr(ndp.RouterAdvertisement, "__slots__", None) or ndp.RouterAdvertisement.__mypyc_attrs__  # type: ignore[attr-defined]
    for name in names:
        if name != "prefixes":
            assert getattr(found, name) == getattr(sent, name)
    told = [(each.prefix, each.length, each.flags, each.valid_s, each.preferred_s) for each in found.prefixes]
    assert told == prefixes


def test_neighbour_messages_round_trip() -> None:
    data = ndp.target_message(A, [(ndp.SOURCE_LINK_ADDRESS, bytes.fromhex("020000000001"))])
    target, options = ndp.parse_target(data)
    assert target == A and ndp.link_address(options, ndp.SOURCE_LINK_ADDRESS) == 0x020000000001
    assert ndp.link_address(options, ndp.TARGET_LINK_ADDRESS) == 0


def test_a_payload_that_is_too_long_is_refused() -> None:
    with pytest.raises(UsageError, match="65535"):
        Ipv6Header(A, B, 17, 64).emit(65536)


def test_what_is_read_of_headers() -> None:
    assert "2001:db8::1>2001:db8::2" in repr(Ipv6Header(A, B, 17, 64, 3))
    piece = Ipv6Header(A, B, 17, 64).fragmented(17, 1448 | 1, 5, 0)
    assert "fragment=5@1448+" in repr(piece)
    assert "headers=60" in repr(Ipv6Header(A, B, 17, 64, 0, 0, 60, bytes((17, 0)) + bytes(6)))
    assert "echo request id=1 seq=2" in repr(Icmpv6Header(128, 0, 1 << 16 | 2))
    assert "mtu=1280" in repr(Icmpv6Header(2, 0, 1280))
    assert "no route" in repr(Icmpv6Header(1, 0)) and "code 99" in repr(Icmpv6Header(1, 99))
    assert "type 200 code=1" in repr(Icmpv6Header(200, 1))
    assert Icmpv6Header(128, 0, 1 << 16 | 2).with_identifier(9).identifier == 9
    assert Ipv6Header(A, B, 17, 64).readdressed(B, A) == Ipv6Header(B, A, 17, 64)
    assert Ipv6Header(A, B, 17, 64) != 3 and Icmpv6Header(1, 0) != 3
    frame = Frame(1, 2, ETHERTYPE_IPV6, Ipv6Header(A, B, 58, 64), Icmpv6Header(128, 0), b"")
    assert "IPv6 2001:db8::1" in repr(frame)


@given(icmpv6_headers, payloads)
def test_transports_over_ipv6(message: Icmpv6Header, payload: bytes) -> None:
    header = Ipv6Header(A, B, PROTOCOL_ICMPV6, 64)
    carried = transport_bytes(header, message, payload)
    assert parse_transport(header, carried) == (message, payload, None)
