"""IPv6 between hosts and through a router: echo, neighbours, errors, fragments, scopes."""

from tests.stack.joined import SECOND, Joined, drops
from tests.stack.joined6 import header_of, host6, ip6, packets6, pair6, ping6, routed6, types

from netarium.stack.failures import Failure
from netarium.wire.ethernet import Frame


def test_echo_with_address_resolution_before_it():
    joined, a, b = pair6()
    ping6(a, "2001:db8::2")
    joined.quiesce()
    sent = joined.take()
    assert types(sent) == [135, 136, 128, 129]
    solicitation, advertisement, request, reply = packets6(sent)
    assert solicitation.destination == 0x3333FF000002
    assert header_of(solicitation).destination == ip6("ff02::1:ff00:2")
    assert header_of(solicitation).ttl == header_of(advertisement).ttl == 255
    assert advertisement.transport.rest >> 29 == 0b011, "solicited and override, no router"
    assert header_of(request).ttl == 64
    assert bytes(request.payload) == bytes(reply.payload)
    ping6(a, "2001:db8::2", sequence=2)
    joined.quiesce()
    assert types(joined.take()) == [128, 129], "both know each other now"
    assert drops(a) == {"ICMP_UNKNOWN_TYPE": 2}, "nobody waits for the replies"
    assert not drops(b)


def test_link_local_addresses_speak_where_an_interface_is_named():
    _joined, a, b = pair6()
    address = b.interfaces["eth0"].ipv6.link_local
    assert address >> 64 == 0xFE80 << 48
    assert a.ipv6.send_packet(0, address, 58, None, b"") is Failure.INVALID, "no scope: Linux says EINVAL"
    route = a.ipv6.route_for(address, 0, a.interfaces["eth0"])
    assert route.source == a.interfaces["eth0"].ipv6.link_local, "link-local speaks to link-local"
    assert a.ipv6.route_for(ip6("2001:db8::2")).source == ip6("2001:db8::1")


def test_the_loopback_address():
    joined, a, _ = pair6()
    ping6(a, "::1")
    assert a.ipv6.icmp.received == {128: 1, 129: 1}
    ping6(a, "2001:db8::1")
    assert a.ipv6.icmp.received == {128: 2, 129: 2}, "own addresses are reached by lo"
    assert not joined.take()


def test_a_router_takes_a_hop_and_says_when_it_was_the_last():
    joined, a, r, _b = routed6()
    ping6(a, "2001:db8:2::1")
    joined.quiesce()
    reply = packets6(joined.take())[-1]
    assert reply.transport.type == 129 and header_of(reply).ttl == 63
    ping6(a, "2001:db8:2::1", ttl=1)
    joined.quiesce()
    error = packets6(joined.take())[-1]
    assert (error.transport.type, error.transport.code) == (3, 0)
    assert header_of(error).source == ip6("2001:db8:1::254")
    assert drops(r) == {"TTL_EXPIRED": 1}


def test_no_route_and_nobody_there():
    joined, a, _r, _b = routed6()
    ping6(a, "2001:db8:9::1")
    joined.quiesce()
    error = packets6(joined.take())[-1]
    assert (error.transport.type, error.transport.code) == (1, 0)
    ping6(a, "2001:db8:2::77")
    joined.wait(4 * SECOND)
    sent = joined.take()
    asked = [f for f in packets6(sent) if f.transport.type == 135 and f.destination == 0x3333FF000077]
    assert len(asked) == 3
    error = packets6(sent)[-1]
    assert (error.transport.type, error.transport.code) == (1, 3), "address unreachable"


def test_a_router_does_not_fragment_and_the_sender_learns():
    joined, a, _r, _b = routed6(mtu=1300)
    ping6(a, "2001:db8:2::1", 1400)
    joined.quiesce()
    error = packets6(joined.take())[-1]
    assert (error.transport.type, error.transport.rest) == (2, 1300)
    assert error.size_bytes == 14 + 1280, "the quotation fits into the least MTU"
    assert a.ipv6.route_for(ip6("2001:db8:2::1")).mtu == 1300
    ping6(a, "2001:db8:2::1", 1400)
    joined.quiesce()
    sent = packets6(joined.take())
    pieces = [f for f in sent if header_of(f).is_fragment and header_of(f).source == ip6("2001:db8:1::1")]
    assert [header_of(f).offset_bytes for f in pieces[:2]] == [0, 1248]
    assert all(f.size_bytes <= 14 + 1300 for f in pieces)
    assert any(f.transport is None and header_of(f).source == ip6("2001:db8:2::1") for f in sent), "the reply"
    assert a.ipv6.icmp.received.get(129) == 1


def test_packet_sizes_up_to_the_largest():
    joined, a, b = pair6()
    for sequence, size in enumerate((0, 1, 1452, 1453, 4000, 65507, 65519)):
        ping6(a, "2001:db8::2", size, sequence=sequence)
        joined.quiesce()
        assert a.ipv6.icmp.received[129] == sequence + 1, size
    message = a.ipv6.send_packet(0, ip6("2001:db8::2"), 17, None, bytes(65536), dont_fragment=False)
    assert message is Failure.MESSAGE_TOO_LONG
    assert not drops(b)


def test_link_local_packets_stay_on_their_link():
    joined, a, r, _b = routed6()
    own = a.interfaces["eth0"].ipv6.link_local
    a.ipv6.send_packet(own, ip6("2001:db8:2::1"), 17, None, bytes(8))
    joined.quiesce()
    error = packets6(joined.take())[-1]
    assert (error.transport.type, error.transport.code) == (1, 2), "beyond scope"
    assert drops(r) == {"BEYOND_SCOPE": 1}


def test_ipv6_is_off_where_it_was_not_asked_for():
    joined = Joined()
    a = host6(joined, "a", "2001:db8::1/64")
    b = joined.host("b", "10.0.0.2/24")
    joined.segment(a.interfaces["eth0"], b.interfaces["eth0"])
    ping6(a, "2001:db8::2")
    joined.wait(5 * SECOND)
    assert b.ipv6 is None
    assert set(drops(b)) <= {"NOT_FOR_THIS_MAC", "UNKNOWN_ETHERTYPE"}
    assert not [each for each in joined.take() if each.host == "b"]


def test_a_multicast_ping_reaches_all_nodes():
    joined, a, _b = pair6()
    route = a.ipv6.route_for(ip6("ff02::1"), 0, a.interfaces["eth0"])
    ping6(a, "ff02::1", route=route)
    joined.quiesce()
    assert a.ipv6.icmp.received[129] == 2, "b's answer and our own"


def test_every_frame_of_a_conversation_survives_its_bytes():
    joined, a, _b = pair6()
    ping6(a, "2001:db8::2", 3000)
    joined.quiesce()
    for each in joined.take():
        assert Frame.parse(bytes(each.frame)) == each.frame
