"""Fragments: RFC 791 3.2 and RFC 815 by table, the limits, and the overlap rule of Linux."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.stack.joined import SECOND, Joined, drops, ip, packets, pair, routed

from netarium.stack.fragments import copied_options, fragment_packet
from netarium.wire.ethernet import ETHERTYPE_IPV4, Frame
from netarium.wire.ipv4 import MORE_FRAGMENTS, PROTOCOL_ICMP, PROTOCOL_UDP, Ipv4Header
from netarium.wire.packet import transport_bytes
from netarium.wire.udp import UdpHeader

HEADERS = 28  # IPv4 and UDP


def datagram(payload: bytes, identification: int = 7, source: str = "10.0.0.2") -> Frame:
    header = Ipv4Header(ip(source), ip("10.0.0.1"), PROTOCOL_UDP, 64, identification, 0)
    return Frame(0, 0x02AA00000001, ETHERTYPE_IPV4, header, UdpHeader(5, 9), payload)


def piece(data: bytes, start: int, end: int, identification: int = 7) -> Frame:
    """Bytes [start, end) of the packet that carries `data`, as one fragment."""
    more = MORE_FRAGMENTS if end < len(data) else 0
    header = Ipv4Header(ip("10.0.0.2"), ip("10.0.0.1"), PROTOCOL_UDP, 64, identification, more | start >> 3)
    return Frame(0, 0x02AA00000001, ETHERTYPE_IPV4, header, None, data[start:end])


def receiver():
    joined = Joined()
    a = joined.host("a", "10.0.0.1/24")
    joined.segment(a.interfaces["eth0"])
    server = a.udp.open()
    server.bind(0, 9)
    return a, server


def feed(stack, frame: Frame) -> None:
    interface = stack.interfaces["eth0"]
    stack.receive(interface, frame.readdressed(interface.mac, frame.source), stack.now)


def test_r046_a_packet_of_4000_bytes_over_an_mtu_of_1500():
    pieces = fragment_packet(datagram(bytes(4000 - HEADERS)), 1500)
    assert [len(each.payload) for each in pieces] == [1480, 1480, 1020]
    assert [each.network.fragment & 0x1FFF for each in pieces] == [0, 185, 370]
    assert [bool(each.network.fragment & MORE_FRAGMENTS) for each in pieces] == [True, True, False]
    assert {each.network.identification for each in pieces} == {7}


@given(
    st.binary(min_size=1, max_size=5000),
    st.integers(68, 1600),
    st.integers(68, 1600),
    st.randoms(use_true_random=False),
)
def test_cut_twice_in_any_order_is_whole_again(payload, first_mtu, second_mtu, random):
    """A second, narrower link cuts fragments again; order does not matter."""
    pieces = [
        again
        for each in fragment_packet(datagram(payload), first_mtu)
        for again in fragment_packet(each, second_mtu)
    ]
    random.shuffle(pieces)
    for each in pieces:
        assert each.network.size_bytes + len(each.payload) <= second_mtu
        assert Frame.parse(bytes(each)) == each
    stack, server = receiver()
    for each in pieces:
        feed(stack, each)
    assert bytes(server.receive().payload) == payload
    assert server.receive() is None
    assert stack.ipv4.fragments.bytes_held == 0
    assert not stack.ipv4.fragments.packets


DATA = transport_bytes(datagram(bytes(range(256)) * 2).network, UdpHeader(5, 9), bytes(range(256)) * 2)
assert len(DATA) == 520

ORDERS = {
    "in order": ([(0, 256), (256, 520)], "whole"),
    "last first": ([(256, 520), (0, 256)], "whole"),
    "three, middle last": ([(0, 128), (384, 520), (128, 384)], "whole"),
    "a duplicate": ([(0, 256), (0, 256), (256, 520)], "whole"),
    "a duplicate within a run": ([(0, 128), (128, 256), (64, 192), (256, 520)], "whole"),
    "the last twice": ([(256, 520), (256, 520), (0, 256)], "whole"),
    "a hole": ([(0, 128), (256, 520)], None),
    "first missing": ([(128, 256), (256, 520)], None),
    "overlap at the end": ([(0, 256), (128, 384), (384, 520)], "FRAGMENT_OVERLAP"),
    "overlap over a hole": ([(0, 128), (256, 384), (64, 320)], "FRAGMENT_OVERLAP"),
    "around another": ([(128, 256), (0, 384)], "FRAGMENT_OVERLAP"),
}


@pytest.mark.parametrize("name", ORDERS)
def test_orders_holes_duplicates_and_overlaps(name):
    ranges, outcome = ORDERS[name]
    stack, server = receiver()
    for start, end in ranges:
        feed(stack, piece(DATA, start, end))
    got = server.receive()
    if outcome == "whole":
        assert bytes(got.payload) == DATA[8:]
        assert set(drops(stack)) <= {"FRAGMENT_DUPLICATE"}
    else:
        assert got is None
        assert drops(stack) == ({outcome: 1} if outcome else {})


def last_piece(start: int, data: bytes) -> Frame:
    header = Ipv4Header(ip("10.0.0.2"), ip("10.0.0.1"), PROTOCOL_UDP, 64, 7, start >> 3)
    return Frame(0, 0x02AA00000001, ETHERTYPE_IPV4, header, None, data)


def test_two_ends_that_differ_end_the_packet():
    stack, _ = receiver()
    feed(stack, last_piece(256, bytes(100)))
    feed(stack, last_piece(256, bytes(200)))
    assert drops(stack) == {"FRAGMENT_MALFORMED": 1}
    assert not stack.ipv4.fragments.packets


def test_a_fragment_past_65535_bytes_is_malformed():
    stack, _ = receiver()
    feed(stack, last_piece(65528, bytes(100)))
    assert drops(stack) == {"FRAGMENT_MALFORMED": 1}


def test_fragments_of_other_packets_do_not_mix():
    stack, server = receiver()
    feed(stack, piece(DATA, 0, 256, identification=1))
    feed(stack, piece(DATA, 256, 520, identification=2))
    assert server.receive() is None
    assert len(stack.ipv4.fragments.packets) == 2


def test_after_thirty_seconds_the_sender_is_told_if_the_first_fragment_came():
    joined, a, b = pair()
    raw = b.raw.open(PROTOCOL_ICMP)
    for first in (False, True):
        header_range = (0, 256) if first else (256, 520)
        interface = a.interfaces["eth0"]
        frame = piece(DATA, *header_range, identification=8 if first else 9)
        a.receive(interface, frame.readdressed(interface.mac, b.interfaces["eth0"].mac), joined.now)
    assert not a.has_foreground(), "nobody waits for lost fragments"
    joined.wait(30 * SECOND)
    assert drops(a) == {"FRAGMENT_TIMEOUT": 2}
    packet, _ = raw.receive()
    assert packet[20:22] == bytes([11, 1])
    assert raw.receive() is None
    assert a.ipv4.fragments.bytes_held == 0


def test_a_lost_fragment_loses_the_whole_packet():
    joined, a, b = pair()
    server = b.udp.open()
    server.bind(0, 9)
    a.interfaces["eth0"].neighbors.add_permanent(ip("10.0.0.2"), b.interfaces["eth0"].mac)
    joined.lose = lambda sent: len(joined.sent) == 2
    client = a.udp.open()
    client.send_to(bytes(3972), ip("10.0.0.2"), 9)
    client.send_to(bytes(3972), ip("10.0.0.2"), 9)
    joined.wait(31 * SECOND)
    assert len(server.queue) == 1
    assert drops(b)["FRAGMENT_TIMEOUT"] == 1


def test_above_the_memory_limit_no_new_packet_is_begun():
    stack, _ = receiver()
    stack.settings.set("net.ipv4.ipfrag_high_thresh", 2000)
    for number in range(10):
        feed(stack, piece(DATA, 0, 256, identification=number))
    assert len(stack.ipv4.fragments.packets) == 4
    assert drops(stack) == {"FRAGMENT_MEMORY": 6}


def test_a_router_cuts_what_the_next_link_does_not_carry_and_only_the_host_joins_it():
    joined, a, r, b = routed()
    r.set_mtu("eth1", 600)
    server = b.udp.open()
    server.bind(0, 9)
    header = Ipv4Header(ip("10.0.1.1"), ip("10.0.2.1"), PROTOCOL_UDP, 64, 3, 0)
    frame = Frame(0, 0, ETHERTYPE_IPV4, header, UdpHeader(5, 9), bytes(range(250)) * 4)
    a.ipv4.output.send_built(frame, 1028, a.ipv4.route_for(ip("10.0.2.1")))
    joined.quiesce()
    pieces = [
        sent.frame for sent in joined.sent if sent.host == "r" and sent.frame.ethertype == ETHERTYPE_IPV4
    ]
    assert [len(each.payload) for each in pieces] == [576, 432]
    assert {each.network.ttl for each in pieces} == {63}
    assert bytes(server.receive().payload) == bytes(range(250)) * 4


def test_a_datagram_larger_than_the_mtu_is_cut_by_its_sender():
    joined, a, b = pair()
    server = b.udp.open()
    server.bind(0, 9)
    client = a.udp.open()
    assert client.send_to(bytes(65507), ip("10.0.0.2"), 9) is None
    joined.quiesce()
    assert len(packets(joined.sent)) == 45
    assert len(server.receive().payload) == 65507


def test_options_marked_as_copied_go_into_every_fragment():
    options = bytes([7, 3, 4, 0x83, 3, 4, 1, 0])
    assert copied_options(options) == bytes([0x83, 3, 4])
    assert copied_options(bytes([0x83, 0, 1])) == b""
    assert copied_options(bytes([0x83, 9, 1])) == b""


NOT_ECT, ECT_1, ECT_0, CE = range(4)


@pytest.mark.parametrize(
    ("fields", "whole"),
    [
        ((ECT_0, ECT_0), ECT_0),
        ((ECT_0, CE), CE),
        ((CE, ECT_1), CE),
        ((CE, CE), CE),
        ((ECT_1, ECT_0), ECT_1),
        ((NOT_ECT, NOT_ECT), NOT_ECT),
        ((NOT_ECT, CE), None),
        ((ECT_0, NOT_ECT), None),
    ],
)
@pytest.mark.parametrize("backwards", [False, True])
def test_congestion_that_a_fragment_met_is_not_lost(fields, whole, backwards):
    """RFC 3168 5.3, as Linux ip_frag_ecn_table: the whole is marked where a fragment was; no mixture with Not-ECT."""
    a, server = receiver()
    data = transport_bytes(datagram(b"").network, UdpHeader(5, 9), bytes(1000))
    pieces = []
    for field, (start, end) in zip(fields, ((0, 504), (504, len(data))), strict=True):
        each = piece(data, start, end)
        header = each.network
        assert isinstance(header, Ipv4Header)
        marked = Ipv4Header(
            header.source, header.destination, header.protocol, 64, 7, header.fragment, 0x28 | field
        )
        pieces.append(Frame(0, each.source, ETHERTYPE_IPV4, marked, None, each.payload))
    for each in reversed(pieces) if backwards else pieces:
        feed(a, each)
    assert [each.tos for each in server.queue] == ([] if whole is None else [0x28 | whole])
    assert drops(a) == ({} if whole is not None else {"FRAGMENT_MALFORMED": 1})
