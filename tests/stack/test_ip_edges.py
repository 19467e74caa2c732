"""What is left of both families' IP: limits of tables, states in between, groups that nobody reports."""

from __future__ import annotations

from tests.stack.joined import SECOND, Joined, drops, ip, pair, route_via
from tests.stack.joined6 import discovery6, host6, ip6, pair6, ping6, types

from netarium.stack.icmp_limit import ADDRESSES_REMEMBERED_MAX, RateLimit
from netarium.stack.ipv6_address import DEPRECATED, SCOPE_SITE, TENTATIVE, scope_of
from netarium.stack.path_mtu import PATHS_MAX
from netarium.stack.router_advertiser import Advertised
from netarium.stack.stack import Stack
from netarium.wire import icmpv6, ndp
from netarium.wire.ethernet import ETHERTYPE_IPV4, ETHERTYPE_IPV6, Frame
from netarium.wire.icmp import ECHO_REQUEST, PROTOCOL_UNREACHABLE, IcmpHeader
from netarium.wire.icmpv6 import Icmpv6Header
from netarium.wire.igmp import QUERY, REPORT, IgmpMessage
from netarium.wire.ipv4 import MORE_FRAGMENTS, Ipv4Header
from netarium.wire.ipv6 import HOP_BY_HOP, PROTOCOL_ICMPV6, Ipv6Header
from netarium.wire.packet import packet_bytes

ALERT = bytes((58, 0, 5, 2, 0, 0, 1, 0))


def arrives(stack: Stack, header: Ipv4Header, payload: bytes, transport: IcmpHeader | None = None) -> None:
    interface = stack.interfaces["eth0"]
    stack.receive(interface, Frame(interface.mac, 2, ETHERTYPE_IPV4, header, transport, payload), stack.now)


def test_what_is_remembered_of_peers_and_paths_has_an_end() -> None:
    _joined, a, _b = pair()
    limit = RateLimit(a)
    a.settings.set("net.ipv4.icmp_msgs_per_sec", 0)
    for number in range(ADDRESSES_REMEMBERED_MAX + 10):
        assert limit.allows(number, 1000)
    assert len(limit.peers) == ADDRESSES_REMEMBERED_MAX and 0 not in limit.peers
    paths = a.ipv4.paths
    route_via(a, "10.1.0.0/16", "10.0.0.2")
    for number in range(PATHS_MAX + 10):
        paths.learn_gateway(ip("10.1.0.0") + number, ip("10.0.0.2"))
    assert len(paths.known) == len(a.routes.exceptions) == PATHS_MAX
    paths.forget((ip("10.9.9.9"), "eth0", ip("10.0.0.2")))
    assert len(paths.known) == PATHS_MAX


def test_a_first_fragment_is_judged_by_its_first_byte() -> None:
    """RFC 1122 3.2.2: no error about an error, also where only its first fragment can be read."""
    for kind, answered in ((ECHO_REQUEST, True), (3, False)):
        _joined, a, _b = pair()
        header = Ipv4Header(ip("10.0.0.2"), ip("10.0.0.1"), 1, 64, 7, MORE_FRAGMENTS)
        frame = Frame(0, 2, ETHERTYPE_IPV4, header, None, bytes((kind,)) + bytes(7))
        a.icmp.send_error(frame, 3, PROTOCOL_UNREACHABLE)
        assert bool(a.icmp.sent) is answered


def test_a_redirect_is_not_sent_to_a_group_or_twice_at_once() -> None:
    _joined, a, _b = pair()
    quiet = Frame(1, 2, ETHERTYPE_IPV4, Ipv4Header(ip("224.0.0.9"), ip("10.9.0.9"), 17, 64), None, b"")
    loud = Frame(1, 2, ETHERTYPE_IPV4, Ipv4Header(ip("10.0.0.2"), ip("10.9.0.9"), 17, 64), None, b"")
    a.icmp.send_redirect(quiet, ip("10.0.0.3"))
    assert not a.icmp.sent
    for _ in range(10):
        a.icmp.send_redirect(loud, ip("10.0.0.3"))
    assert a.icmp.sent == {5: 6}, "six at once, then one a second"


def test_an_echo_cut_off_before_its_eight_bytes_is_malformed() -> None:
    _joined, a, _b = pair()
    frame = Frame(
        a.interfaces["eth0"].mac,
        2,
        ETHERTYPE_IPV4,
        Ipv4Header(ip("10.0.0.2"), ip("10.0.0.1"), 1, 64),
        None,
        b"12",
    )
    a.receive(a.interfaces["eth0"], Frame.parse(bytes(frame)), 0)
    a.icmp.receive(frame, a.interfaces["eth0"])
    assert drops(a) == {"ICMP_MALFORMED": 2}


def test_all_systems_is_heard_and_never_reported_and_the_sooner_answer_stands() -> None:
    joined, a, _b = pair()
    interface = a.interfaces["eth0"]
    for group in ("224.0.0.1", "239.1.2.3"):
        a.igmp.join(interface, ip(group))
    joined.wait(30 * SECOND)
    joined.take()
    for response in (10, 255):
        header = Ipv4Header(ip("10.0.0.2"), ip("224.0.0.1"), 2, 1)
        message = IgmpMessage(QUERY, response, 0).emit()
        a.receive(interface, Frame(0x01005E000001, 2, ETHERTYPE_IPV4, header, None, message), a.now)
    joined.wait(SECOND)
    said = [IgmpMessage.parse(bytes(each.frame.payload)) for each in joined.take()]
    assert said == [IgmpMessage(REPORT, 0, ip("239.1.2.3"))], "within the second that the first query gives"


def test_groups_of_the_host_alone_and_reports_of_others_are_nothing_to_mld() -> None:
    joined, a, _b = pair6()
    joined.wait(3 * SECOND)
    on_link, group = a.interfaces["eth0"].ipv6, ip6("ff01::99")
    assert on_link is not None
    joined.take()
    on_link.join(group)
    on_link.leave(group)
    joined.wait(3 * SECOND)
    assert not joined.take()
    header = Ipv6Header(ip6("fe80::7"), ip6("ff02::1"), PROTOCOL_ICMPV6, 1, 0, 0, HOP_BY_HOP, ALERT)
    frame = Frame(0x333300000001, 2, ETHERTYPE_IPV6, header, Icmpv6Header(icmpv6.MLD_REPORT, 0), bytes(16))
    a.receive(a.interfaces["eth0"], frame, a.now)
    assert drops(a)["ICMP_IGNORED"] == 1
    for _ in range(2):  # of two queries the second finds that a report is on its way
        frame = Frame(
            0x333300000001, 2, ETHERTYPE_IPV6, header, Icmpv6Header(icmpv6.MLD_QUERY, 0, 900 << 16), bytes(20)
        )
        a.receive(a.interfaces["eth0"], frame, a.now)
    joined.wait(SECOND)
    assert len(joined.take()) == len([each for each in on_link.groups if each != ip6("ff02::1")])


def test_a_router_advertises_when_its_link_local_address_is_its_own() -> None:
    joined = Joined()
    r = host6(joined, "r", "", forwarding=1, dad_transmits=1, optimistic_dad=0)
    joined.segment(r.interfaces["eth0"])
    on_link = r.interfaces["eth0"].ipv6
    assert on_link is not None and r.ipv6 is not None and not on_link.link_local
    r.ipv6.advertise("eth0", Advertised())
    assert on_link.advertiser is not None
    on_link.advertiser.send(1800)
    assert 134 not in types(joined.take())
    joined.wait(5 * SECOND)
    assert 134 in types(joined.take())
    on_link.advertiser.solicited()
    soon = on_link.advertiser.deadline_ns
    on_link.advertiser.solicited()
    assert on_link.advertiser.deadline_ns <= soon


def test_no_interface_is_up_so_none_is_the_default_one() -> None:
    _joined, a, _b = pair6()
    assert a.ipv6 is not None and a.ipv6.default_interface() is a.interfaces["eth0"]
    a.set_up("eth0", False)
    assert a.ipv6.default_interface() is None
    assert a.ipv6.route_for(ip6("ff0e::1")) is None


def test_scopes() -> None:
    assert scope_of(ip6("fec0::1")) == SCOPE_SITE and scope_of(ip6("ff05::1")) == 5


def test_lifetimes_of_an_address_that_is_still_probed_wait_for_its_end() -> None:
    joined = Joined()
    a = host6(joined, "a", "", dad_transmits=1)
    joined.segment(a.interfaces["eth0"])
    joined.wait(3 * SECOND)
    on_link = a.interfaces["eth0"].ipv6
    assert on_link is not None
    for preferred_s in (5, 0):
        prefix = ndp.PrefixInformation(ip6("2001:db8:5::"), 64, 0xC0, 9000, preferred_s)
        said = ndp.RouterAdvertisement(64, 0, (prefix,))
        discovery6(a, ip6("fe80::99"), ip6("ff02::1"), icmpv6.ROUTER_ADVERTISEMENT, said.rest, said.emit())
    (taken,) = [each for each in on_link.addresses if each.origin == "ra"]
    assert taken.state == TENTATIVE
    joined.wait(3 * SECOND)
    assert taken.state == DEPRECATED, "said in vain would be: preferred for ever"


def test_a_gateways_route_into_an_addresses_own_network_stays_when_the_address_goes() -> None:
    joined, a, _b = pair6()
    from tests.stack.joined6 import route6

    route6(a, "2001:db8::/64", "fe80::9")
    on_link = a.interfaces["eth0"].ipv6
    assert on_link is not None and a.ipv6 is not None
    on_link.remove_address(ip6("2001:db8::1"))
    assert [each.gateway for each in a.ipv6.routes.routes if each.prefix == ip6("2001:db8::")] == [
        ip6("fe80::9")
    ]
    ping6(a, "2001:db8::2")
    joined.quiesce()


def test_a_quoted_header_alone_is_no_use() -> None:
    _joined, a, _b = pair()
    quoted = packet_bytes(Ipv4Header(ip("10.0.0.1"), ip("10.9.0.9"), 17, 64), None, bytes(7))
    arrives(a, Ipv4Header(ip("10.0.0.254"), ip("10.0.0.1"), 1, 64), quoted, IcmpHeader(3, 1))
    assert drops(a) == {"ICMP_MALFORMED": 1}
