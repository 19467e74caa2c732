"""Clauses of RFC 8200, 4007 and 7112 one by one: headers, fragments, ways in and out, errors told to endpoints."""

from __future__ import annotations

import pytest
from tests.stack.joined import SECOND, Joined, drops
from tests.stack.joined6 import (
    arrives6,
    discovery6,
    header_of,
    host6,
    ip6,
    packets6,
    pair6,
    route6,
    routed6,
)

from netarium.stack.failures import Failure
from netarium.stack.ipv6_address import LOOPBACK
from netarium.stack.ipv6_fragments import fragment_packet
from netarium.stack.ipv6_routes import Ipv6Route
from netarium.stack.routes import MULTICAST
from netarium.wire import icmpv6, ndp
from netarium.wire.ethernet import ETHERTYPE_IPV6, Frame
from netarium.wire.ipv6 import DESTINATION_OPTIONS, HOP_BY_HOP, ROUTING, Ipv6Header
from netarium.wire.packet import packet_bytes
from netarium.wire.udp import UdpHeader

A, B = ip6("2001:db8::1"), ip6("2001:db8::2")
PAD = bytes((1, 4, 0, 0, 0, 0))


# Headers and fragments (RFC 8200 4).


def test_options_of_one_byte_are_skipped() -> None:
    _joined, _a, b = pair6()
    endpoint = b.ipv6.udp.open6()  # type: ignore[union-attr]
    endpoint.bind(0, 9000)
    header = Ipv6Header(A, B, 17, 64, 0, 0, DESTINATION_OPTIONS, bytes((17, 0)) + bytes(6))
    arrives6(b, header, b"data", UdpHeader(5, 9000))
    assert len(endpoint.queue) == 1 and not b.drops


def test_fragments_repeat_the_headers_that_routers_read_and_no_others() -> None:
    kept = bytes((ROUTING, 0)) + PAD + bytes((DESTINATION_OPTIONS, 0, 4, 0)) + bytes(4)
    header = Ipv6Header(A, B, 17, 64, 0, 0, HOP_BY_HOP, kept + bytes((17, 0)) + PAD)
    frame = Frame(1, 2, ETHERTYPE_IPV6, header, UdpHeader(5, 9), bytes(3000))
    assert fragment_packet(frame, 4000, 7) == [frame], "it fits"
    pieces = fragment_packet(frame, 1400, 7)
    heads = [header_of(each) for each in pieces]
    assert len(pieces) == 3 and all(each.size_bytes <= 14 + 1400 for each in pieces)
    for each in heads:
        assert [kind for kind, _, _ in each.extension_headers()] == [HOP_BY_HOP, ROUTING, 44]
        assert each.protocol == DESTINATION_OPTIONS
    assert [each.offset_bytes for each in heads] == [0, 1336, 2672]
    assert all(Frame.parse(bytes(each)) == each for each in pieces)
    _joined, _a, b = pair6()
    endpoint = b.ipv6.udp.open6()  # type: ignore[union-attr]
    endpoint.bind(0, 9)
    for each in reversed(pieces):
        arrives6(b, header_of(each), bytes(each.payload))
    assert [bytes(each.payload) for each in endpoint.queue] == [bytes(3000)]


def test_a_fragment_within_fragments_is_dropped() -> None:
    _joined, a, _b = pair6()
    inner = Ipv6Header(B, A, 17, 64).fragmented(17, 8 | 1, 9, 0)
    data = inner.extensions + bytes(32)
    outer = Ipv6Header(B, A, 17, 64).fragmented(44, 1, 7, 0)
    arrives6(a, outer, data[:24])
    last = Ipv6Header(B, A, 17, 64).fragmented(44, 24, 7, 0)
    arrives6(a, last, data[24:])
    assert drops(a) == {"FRAGMENT_MALFORMED": 1}


@pytest.mark.parametrize(
    ("protocol", "data", "whole"),
    [
        (17, bytes(8), True),
        (60, bytes((17, 0)) + PAD + bytes(8), True),
        (60, bytes((17, 0)) + PAD + bytes(7), False),
        (60, bytes((59, 0)) + PAD, True),
        (60, bytes((17, 9)) + PAD, False),
    ],
)
def test_the_first_fragment_has_the_whole_chain_by_table(protocol: int, data: bytes, whole: bool) -> None:
    """RFC 7112: with what follows in the second fragment nobody could filter."""
    _joined, a, _b = pair6()
    data = data[: len(data) & ~7]  # as of every fragment but the last
    arrives6(a, Ipv6Header(B, A, 17, 64).fragmented(protocol, 1, 7, 0), data)
    assert (a.icmp.sent, drops(a)) == ({}, {} if whole else {"FRAGMENT_MALFORMED": 1})


# In and out at the edges.


def test_packets_by_an_interface_without_ipv6_and_for_anothers_link_local_address() -> None:
    joined = Joined()
    a = host6(joined, "a", "2001:db8::1/64", "2001:db8:1::1/64")
    for each in ("eth0", "eth1"):
        a.interfaces[each].transmit = lambda frame: None
    other = a.interfaces["eth1"].ipv6.link_local  # type: ignore[union-attr]
    arrives6(a, Ipv6Header(ip6("fe80::7"), other, 17, 64), b"data", UdpHeader(1, 2))
    assert drops(a) == {"BEYOND_SCOPE": 1}
    a.interfaces["eth0"].ipv6 = None
    arrives6(a, Ipv6Header(B, A, 17, 64), b"data", UdpHeader(1, 2))
    assert drops(a) == {"BEYOND_SCOPE": 1, "IPV6_DISABLED": 1}
    route = Ipv6Route(B, 128, a.interfaces["eth0"], 0, A, 1500)
    assert a.ipv6.send_packet(A, B, 17, UdpHeader(1, 2), b"", route=route) is None  # type: ignore[union-attr]
    assert drops(a)["IPV6_DISABLED"] == 2


def test_a_group_of_this_host_alone_by_lo() -> None:
    joined, a, _b = pair6()
    endpoint = a.ipv6.udp.open6()  # type: ignore[union-attr]
    endpoint.bind(0, 9000)
    route = Ipv6Route(ip6("ff01::1"), 128, a.lo, 0, LOOPBACK, 1500, 0, "device", MULTICAST)
    assert a.ipv6.send_packet(LOOPBACK, ip6("ff01::1"), 17, UdpHeader(5, 9000), b"me", route=route) is None  # type: ignore[union-attr]
    joined.quiesce()
    assert [bytes(each.payload) for each in endpoint.queue] == [b"me"]
    assert not packets6(joined.take())


def test_a_message_cut_off_before_its_eight_bytes_is_malformed() -> None:
    _joined, a, _b = pair6()
    frame = Frame(a.interfaces["eth0"].mac, 0x02AA, ETHERTYPE_IPV6, Ipv6Header(B, A, 58, 64), None, b"1234")
    a.receive(a.interfaces["eth0"], Frame.parse(bytes(frame)), 0)
    assert drops(a) == {"ICMP_MALFORMED": 1}


def test_an_interface_named_takes_its_own_route() -> None:
    joined = Joined()
    a = host6(joined, "a", "2001:db8::1/64", "2001:db8:1::1/64")
    route6(a, "2001:db8:9::/48", "2001:db8:1::254", "eth1")
    ip = a.ipv6
    assert ip is not None
    far = ip6("2001:db8:9::9")
    by_eth1, by_eth0 = (ip.route_for(far, 0, a.interfaces[each]) for each in ("eth1", "eth0"))
    assert by_eth1 is not None and by_eth1.gateway == ip6("2001:db8:1::254")
    assert by_eth0 is not None and not by_eth0.gateway, (
        "taken to be on its link, as Linux does for SO_BINDTODEVICE"
    )
    route6(a, "::/0", "2001:db8::254", "eth0")
    assert ip.default_interface() is a.interfaces["eth0"]


def test_addresses_come_and_go() -> None:
    joined, a, _b = pair6()
    on_link = a.interfaces["eth0"].ipv6
    assert on_link is not None
    assert not on_link.add_address(A, 64) and not on_link.remove_address(ip6("2001:db8::77"))
    a.add_ipv6_address("eth0", ip6("2001:db8::3"), 64)
    assert on_link.remove_address(A)
    assert a.ipv6.route_for(B) is not None, "another address has that network still"  # type: ignore[union-attr]
    on_link.leave(ip6("ff02::1234"))
    assert on_link.remove_address(ip6("2001:db8::3"))
    assert a.ipv6.route_for(B) is None  # type: ignore[union-attr]
    prefix = ndp.PrefixInformation(ip6("2001:db8::"), 64, 0xC0, 600, 300)
    message = ndp.RouterAdvertisement(64, 0, (prefix,))
    discovery6(a, ip6("fe80::99"), ip6("ff02::1"), icmpv6.ROUTER_ADVERTISEMENT, message.rest, message.emit())
    a.add_ipv6_address("eth0", A, 64)
    (taken,) = [each for each in on_link.addresses if each.origin == "ra"]
    on_link.remove_address(taken.address)
    on_link.remove_address(A)
    assert a.ipv6.route_for(B, A) is not None, "routers say that it is on the link"  # type: ignore[union-attr]
    joined.wait(601 * SECOND)
    assert a.ipv6.route_for(B, A) is None  # type: ignore[union-attr]


def test_a_hosts_loopback_goes_down_and_up() -> None:
    _joined, a, _b = pair6()
    a.set_up("lo", False)
    assert not a.ipv6.is_local(LOOPBACK)  # type: ignore[union-attr]
    a.set_up("lo", True)
    assert a.ipv6.is_local(LOOPBACK)  # type: ignore[union-attr]


# Errors told to endpoints of IPv6.


def test_an_endpoints_pending_error_comes_first_and_a_later_fragment_tells_none() -> None:
    joined, a, _r, _b = routed6()
    sends = a.ipv6.udp.open6()  # type: ignore[union-attr]
    assert sends.connect(ip6("2001:db8:2::1"), 9000) is None
    assert sends.send(b"nobody hears") is None
    joined.quiesce()
    assert sends.send(b"the next") is Failure.CONNECTION_REFUSED
    assert sends.send(b"the next") is None
    quoted = Ipv6Header(ip6("2001:db8:1::1"), ip6("2001:db8:2::1"), 17, 60).fragmented(17, 1400, 7, 0)
    error = packet_bytes(quoted, None, bytes(16))
    joined.quiesce()
    sends.take_error()
    discovery6(
        a, ip6("2001:db8:1::254"), ip6("2001:db8:1::1"), icmpv6.DESTINATION_UNREACHABLE, 0, error, code=4
    )
    assert sends.error is None, "a later fragment has no ports to go by"
