"""Forwarding, and what hosts and routers answer: RFC 1812 5.2 and 5.3, RFC 1122 3.2.2."""

from __future__ import annotations

import pytest
from tests.stack.joined import Joined, drops, ip, packets, pair, route_via, routed

from netarium.stack.failures import Failure
from netarium.stack.routes import BLACKHOLE, PROHIBIT, UNREACHABLE, Route
from netarium.wire.ethernet import ETHERTYPE_IPV4, MAC_BROADCAST, Frame
from netarium.wire.icmp import IcmpHeader
from netarium.wire.ipv4 import PROTOCOL_ICMP, PROTOCOL_UDP, Ipv4Header
from netarium.wire.udp import UdpHeader


def frame_to(
    stack, source: str, destination: str, protocol=PROTOCOL_UDP, ttl=64, fragment=0x4000, mac=-1, payload=b"x"
):
    interface = stack.interfaces["eth0"]
    header = Ipv4Header(ip(source), ip(destination), protocol, ttl, 1, fragment)
    transport = UdpHeader(5, 9) if protocol == PROTOCOL_UDP and not fragment & 0x3FFF else None
    destination_mac = interface.mac if mac < 0 else mac
    return Frame(destination_mac, 0x02AA00000001, ETHERTYPE_IPV4, header, transport, payload)


def inject(stack, frame: Frame) -> None:
    stack.receive(stack.interfaces["eth0"], frame, stack.now)


def icmp_from(raw) -> list[tuple[int, int, int]]:
    found = []
    while (got := raw.receive()) is not None:
        message = IcmpHeader.parse(got[0][20:])
        found.append((message.type, message.code, message.rest))
    return found


def test_a_router_takes_one_hop_and_leaves_the_rest():
    joined, a, _, b = routed()
    server = b.udp.open()
    server.bind(0, 9)
    a.udp.open().send_to(b"hello", ip("10.0.2.1"), 9)
    joined.quiesce()
    first, second = packets(joined.sent)
    assert first.network.ttl == 64 and second.network.ttl == 63
    assert second.network == first.network.forwarded()
    assert second.transport is first.transport and second.payload is first.payload, "nothing is copied"
    assert bytes(server.receive().payload) == b"hello"


def test_a_host_does_not_forward():
    joined, a, r, _ = routed()
    r.settings.set("net.ipv4.ip_forward", 0)
    a.udp.open().send_to(b"hello", ip("10.0.2.1"), 9)
    joined.quiesce()
    assert drops(r) == {"IP_NOT_FOR_US": 1}


def test_time_to_live_runs_out_at_the_router_and_the_sender_is_told():
    joined, a, r, _ = routed()
    raw = a.raw.open(PROTOCOL_ICMP)
    client = a.udp.open()
    client.ttl = 1
    client.send_to(b"x", ip("10.0.2.1"), 9)
    joined.quiesce()
    assert drops(r) == {"TTL_EXPIRED": 1}
    packet, source = raw.receive()
    assert source == ip("10.0.1.254")
    assert packet[20:22] == bytes([11, 0])
    assert Ipv4Header.parse(packet[28:]).destination == ip("10.0.2.1")


def test_no_route_is_told_to_the_sender_before_the_time_to_live_is_looked_at():
    joined, a, r, _ = routed()
    raw = a.raw.open(PROTOCOL_ICMP)
    client = a.udp.open()
    client.ttl = 1
    client.send_to(b"x", ip("172.20.0.1"), 9)
    joined.quiesce()
    assert icmp_from(raw) == [(3, 0, 0)]
    assert drops(r) == {"NO_ROUTE": 1}


@pytest.mark.parametrize(
    ("kind", "answer", "local"),
    [
        (UNREACHABLE, [(3, 1, 0)], Failure.HOST_UNREACHABLE),
        (PROHIBIT, [(3, 13, 0)], Failure.BROADCAST_NOT_ALLOWED),
        (BLACKHOLE, [], Failure.INVALID),
    ],
)
def test_routes_that_refuse(kind, answer, local):
    joined, a, r, _ = routed()
    r.routes.add(Route(ip("172.20.0.0"), 16, r.lo, kind=kind))
    raw = a.raw.open(PROTOCOL_ICMP)
    a.udp.open().send_to(b"x", ip("172.20.0.1"), 9)
    joined.quiesce()
    assert icmp_from(raw) == answer
    assert r.ipv4.send_packet(0, ip("172.20.0.1"), PROTOCOL_UDP, UdpHeader(1, 2), b"") is local


def test_too_large_with_dont_fragment_names_the_mtu():
    joined, a, r, _ = routed()
    r.set_mtu("eth1", 600)
    raw = a.raw.open(PROTOCOL_ICMP)
    a.udp.open().send_to(bytes(1000), ip("10.0.2.1"), 9)
    joined.quiesce()
    assert icmp_from(raw) == [(3, 4, 600)]
    assert drops(r) == {"FRAGMENTATION_NEEDED": 1}


def test_a_public_router_drops_private_destinations():
    joined, a, r, _ = routed()
    r.ipv4.forward.public = True
    a.udp.open().send_to(b"x", ip("10.0.2.1"), 9)
    joined.quiesce()
    assert drops(r) == {"PRIVATE_ON_PUBLIC": 1}


def test_link_broadcasts_are_not_forwarded():
    _, _, r, _ = routed()
    inject(r, frame_to(r, "10.0.1.1", "10.0.2.1", mac=MAC_BROADCAST))
    assert drops(r) == {"IP_NOT_FOR_US": 1}


MARTIANS = [
    ("127.0.0.1", "10.0.0.1"),
    ("224.0.0.1", "10.0.0.1"),
    ("255.255.255.255", "10.0.0.1"),
    ("0.1.2.3", "10.0.0.1"),
    ("240.0.0.1", "10.0.0.1"),
    ("10.0.0.1", "10.0.0.1"),
    ("10.0.0.255", "10.0.0.1"),
    ("0.0.0.0", "10.0.0.1"),
    ("10.0.0.9", "127.0.0.1"),
    ("10.0.0.9", "0.0.0.0"),
    ("10.0.0.9", "250.0.0.1"),
]


@pytest.mark.parametrize(("source", "destination"), MARTIANS)
def test_addresses_that_cannot_be_on_a_wire(source, destination):
    joined, a, _ = pair()
    inject(a, frame_to(a, source, destination))
    assert drops(a) == {"IP_MARTIAN": 1}
    assert not joined.sent


NEVER_ANSWERED = {
    "link broadcast": {"mac": MAC_BROADCAST, "destination": "10.0.0.255"},
    "limited broadcast": {"mac": MAC_BROADCAST, "destination": "255.255.255.255"},
    "subnet broadcast by unicast": {"destination": "10.0.0.255"},
    "source 0.0.0.0": {"mac": MAC_BROADCAST, "source": "0.0.0.0", "destination": "255.255.255.255"},
}


@pytest.mark.parametrize("name", NEVER_ANSWERED)
def test_no_icmp_error_where_rfc_1122_forbids_one(name):
    joined, a, _ = pair()
    values = {"source": "10.0.0.2", "destination": "10.0.0.1"} | NEVER_ANSWERED[name]
    inject(a, frame_to(a, **values))
    joined.quiesce()
    assert not joined.sent
    assert drops(a) == {"UDP_NO_SOCKET": 1}


def test_an_icmp_error_is_never_answered_by_another():
    joined, a, r, _ = routed()
    header = Ipv4Header(ip("10.0.1.1"), ip("10.0.2.1"), PROTOCOL_ICMP, 1)
    interface = r.interfaces["eth0"]
    for kind, count in ((3, 0), (11, 0), (5, 0), (12, 0), (4, 0), (8, 1)):
        joined.take()
        r.interfaces["eth0"].neighbors.add_permanent(ip("10.0.1.1"), a.interfaces["eth0"].mac)
        frame = Frame(interface.mac, 1, ETHERTYPE_IPV4, header, IcmpHeader(kind, 0), bytes(28))
        r.receive(interface, frame, 0)
        assert len(packets(joined.take())) == count


def test_unknown_protocols_are_told_unless_a_raw_socket_takes_them():
    joined, a, b = pair()
    sender, errors = a.raw.open(99), a.raw.open(PROTOCOL_ICMP)
    sender.send_to(b"abc", ip("10.0.0.2"))
    joined.quiesce()
    assert icmp_from(errors) == [(3, 2, 0)]
    assert drops(b) == {"UNKNOWN_PROTOCOL": 1}
    taker = b.raw.open(99)
    sender.send_to(b"abc", ip("10.0.0.2"))
    joined.quiesce()
    assert taker.receive()[0][20:] == b"abc"
    assert icmp_from(errors) == []


def test_icmp_errors_are_limited_per_address_and_per_host():
    joined, a, b = pair()
    a.interfaces["eth0"].neighbors.add_permanent(ip("10.0.0.2"), b.interfaces["eth0"].mac)
    for _ in range(10):
        inject(a, frame_to(a, "10.0.0.2", "10.0.0.1"))
    assert len(packets(joined.take())) == 6, "six at once to one address"
    a.enter(2_000_000_000)
    for _ in range(10):
        inject(a, frame_to(a, "10.0.0.2", "10.0.0.1"))
    assert len(packets(joined.take())) == 2, "then one a second"
    assert drops(a)["ICMP_RATE_LIMIT"] == 12


def test_echo_is_answered_with_the_same_data_from_the_address_that_was_asked():
    joined, a, b = pair()
    b.add_address("eth0", ip("10.0.0.3"), 24)
    raw = a.raw.open(PROTOCOL_ICMP)
    body = IcmpHeader(8, 0, 0x12340001).emit(b"data") + b"data"
    raw.send_to(body, ip("10.0.0.3"))
    joined.quiesce()
    packet, source = raw.receive()
    assert source == ip("10.0.0.3")
    assert IcmpHeader.parse(packet[20:]) == IcmpHeader(0, 0, 0x12340001)
    assert packet[28:] == b"data"


def test_echo_to_a_broadcast_is_ignored_unless_the_setting_says_otherwise():
    joined, a, b = pair()
    raw = a.raw.open(PROTOCOL_ICMP)
    raw.broadcast = True
    body = IcmpHeader(8, 0, 1).emit(b"") + b""
    raw.send_to(body, ip("10.0.0.255"))
    joined.quiesce()
    assert drops(b) == {"ICMP_IGNORED": 1}
    b.settings.set("net.ipv4.icmp_echo_ignore_broadcasts", 0)
    raw.send_to(body, ip("10.0.0.255"))
    joined.quiesce()
    sources = []
    while (got := raw.receive()) is not None:
        if got[0][20] == 0:
            sources.append(got[1])
    assert sources == [ip("10.0.0.2")]


def test_a_raw_packet_with_a_wrong_checksum_is_the_same_as_a_value_and_as_bytes():
    joined, a, b = pair()
    raw = a.raw.open(PROTOCOL_ICMP)
    raw.send_to(b"\x08\x00\xff\xff\x00\x01\x00\x01", ip("10.0.0.2"))
    joined.quiesce()
    frame = packets(joined.sent)[0]
    assert Frame.parse(bytes(frame)) == frame
    assert drops(b) == {"ICMP_CHECKSUM": 1}


def test_errors_that_quote_what_we_never_sent_are_ignored():
    joined, a, _ = pair()
    quoted = Ipv4Header(ip("10.9.9.9"), ip("10.0.0.2"), PROTOCOL_UDP, 64).emit(8) + bytes(8)
    for payload, reason in (
        (quoted, "ICMP_IGNORED"),
        (quoted[:24], "ICMP_MALFORMED"),
        (b"", "ICMP_MALFORMED"),
    ):
        a.drops.clear()
        header = Ipv4Header(ip("10.0.0.2"), ip("10.0.0.1"), PROTOCOL_ICMP, 64)
        inject(a, Frame(a.interfaces["eth0"].mac, 1, ETHERTYPE_IPV4, header, IcmpHeader(3, 3), payload))
        assert drops(a) == {reason: 1}
    assert not joined.sent


def test_a_loop_of_two_routers_ends_with_the_time_to_live():
    joined, a, r, _ = routed()
    s = joined.host("s", "10.0.3.2/24", gateway="", ip_forward=1)
    third = r.add_interface("eth2", 0x02AA00000003)
    r.add_address("eth2", ip("10.0.3.1"), 24)
    joined.segment(third, s.interfaces["eth0"])
    route_via(r, "99.0.0.0/8", "10.0.3.2")
    route_via(s, "0.0.0.0/0", "10.0.3.1")
    raw = a.raw.open(PROTOCOL_ICMP)
    a.udp.open().send_to(b"x", ip("99.0.0.1"), 9)
    joined.quiesce()
    hops = [each for each in packets(joined.sent) if each.network.protocol == PROTOCOL_UDP]
    assert [each.network.ttl for each in hops] == list(range(64, 0, -1))
    assert icmp_from(raw) == [(11, 0, 0)]


def test_a_packet_with_our_own_source_from_the_wire_is_a_martian():
    joined = Joined()
    r = joined.host("r", "10.0.0.1/24", gateway="10.0.0.2", ip_forward=1)
    s = joined.host("s", "10.0.0.2/24", gateway="10.0.0.1", ip_forward=1)
    joined.segment(r.interfaces["eth0"], s.interfaces["eth0"])
    r.udp.open().send_to(b"x", ip("99.0.0.1"), 9)
    joined.quiesce()
    assert drops(r) == {"IP_MARTIAN": 1, "ICMP_IGNORED": 1}, (
        "s redirects r to itself; routers believe no redirect"
    )


def test_what_two_addresses_decide_is_asked_again_when_an_address_comes_or_goes():
    _, _, r, _ = routed()
    there = frame_to(r, "10.0.1.1", "10.0.2.77")
    inject(r, there)
    inject(r, there)
    assert r.ipv4.forward.forwarded == 2
    r.add_address("eth1", ip("10.0.2.77"), 24)
    inject(r, there)
    inject(r, there)
    assert (r.ipv4.forward.forwarded, r.udp.no_socket) == (2, 2), "the router's own now"
    r.add_address("eth1", ip("10.0.1.1"), 32)
    inject(r, there)
    assert drops(r)["IP_MARTIAN"] == 1, "its own address cannot come from outside"
    r.remove_address("eth1", ip("10.0.1.1"))
    r.remove_address("eth1", ip("10.0.2.77"))
    inject(r, there)
    assert r.ipv4.forward.forwarded == 3


def test_a_hook_sees_packets_between_addresses_that_are_known_already():
    _, _, r, _ = routed()
    there = frame_to(r, "10.0.1.1", "10.0.2.77")
    inject(r, there)
    seen = []
    r.hooks.add("prerouting", 0, lambda frame, into, out: seen.append(frame))
    inject(r, there)
    assert len(seen) == 1 and r.ipv4.forward.forwarded == 1
