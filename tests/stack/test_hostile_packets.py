"""What nobody well-meaning sends, read against the clauses: nothing raises, nothing is believed that must not be."""

from __future__ import annotations

import pytest
from tests.stack.joined import SECOND, Joined, drops, ip, pair
from tests.stack.joined6 import header_of, host6, ip6, pair6, ping6, routed6

from netarium.stack.ipv6_address import FAILED, solicited_node
from netarium.stack.source_selection import order_destinations
from netarium.stack.stack import Stack
from netarium.wire import icmpv6, ndp
from netarium.wire.ethernet import ETHERTYPE_IPV4, ETHERTYPE_IPV6, Frame
from netarium.wire.icmp import REDIRECT, IcmpHeader
from netarium.wire.icmpv6 import Icmpv6Header
from netarium.wire.igmp import LEAVE, QUERY, REPORT, REPORT_V1, IgmpMessage
from netarium.wire.ipv4 import MORE_FRAGMENTS, Ipv4Header
from netarium.wire.ipv6 import DESTINATION_OPTIONS, HOP_BY_HOP, PROTOCOL_ICMPV6, Ipv6Header
from netarium.wire.packet import packet_bytes
from netarium.wire.udp import UdpHeader


def feed(
    stack: Stack, ethertype: int, header: Ipv4Header | Ipv6Header, payload: bytes, transport=None
) -> None:  # type: ignore[no-untyped-def]
    interface = stack.interfaces["eth0"]
    stack.receive(interface, Frame(interface.mac, 0x02AA, ethertype, header, transport, payload), stack.now)


def discovery(stack: Stack, source: str, to: int, kind: int, rest: int, payload: bytes) -> None:
    header = Ipv6Header(ip6(source), to, PROTOCOL_ICMPV6, 255)
    feed(stack, ETHERTYPE_IPV6, header, payload, Icmpv6Header(kind, 0, rest))


# Fragments (RFC 791 3.2, RFC 8200 4.5): each fits below 65,535 bytes by itself, with the first one's header all do not.


def test_fragments_that_only_together_are_too_large_are_dropped_whole() -> None:
    joined, a, _b = pair()
    options = bytes((1,)) * 40
    rest = 65_515
    for start in range(0, rest, 1480):
        end = min(start + 1480, rest)
        more = MORE_FRAGMENTS if end < rest else 0
        header = Ipv4Header(
            ip("10.0.0.2"), ip("10.0.0.1"), 17, 64, 7, more | start >> 3, 0, options if not start else b""
        )
        feed(a, ETHERTYPE_IPV4, header, bytes(end - start))
    assert drops(a) == {"FRAGMENT_MALFORMED": 1}
    assert a.ipv4.fragments.bytes_held == 0 and not a.ipv4.fragments.packets
    joined.wait(SECOND)


def test_ipv6_fragments_that_only_together_are_too_large_are_dropped_whole() -> None:
    _joined, a, _b = pair6()
    padding = bytes((0, 4, 1, 36)) + bytes(36)  # 40 bytes of destination options before the fragment header
    rest = 65_520
    for start in range(0, rest, 1400):
        end = min(start + 1400, rest)
        plain = Ipv6Header(ip6("2001:db8::2"), ip6("2001:db8::1"), 17, 64)
        if not start:
            plain = Ipv6Header(plain.source, plain.destination, 17, 64, 0, 0, DESTINATION_OPTIONS, padding)
        header = plain.fragmented(17, start | (end < rest), 7, len(plain.extensions))
        feed(a, ETHERTYPE_IPV6, header, bytes(end - start))
    assert drops(a) == {"FRAGMENT_MALFORMED": 1}
    assert a.ipv6 is not None and a.ipv6.fragments.bytes_held == 0 and not a.ipv6.fragments.packets


# Hops (RFC 1112 6.1, RFC 8200 3): with 0 a packet stays on the host.


def test_a_multicast_without_a_hop_reaches_this_host_alone() -> None:
    joined, a, _b = pair()
    a.igmp.join(a.interfaces["eth0"], ip("239.1.2.3"))
    hears = a.udp.open()
    hears.bind(0, 9000)
    sends = a.udp.open()
    sends.multicast_interface = a.interfaces["eth0"]
    sends.multicast_ttl = 0
    joined.take()
    assert sends.send_to(b"here only", ip("239.1.2.3"), 9000) is None
    joined.quiesce()
    assert not [s for s in joined.take() if isinstance(s.frame.transport, UdpHeader)]
    assert [bytes(each.payload) for each in hears.queue] == [b"here only"]


def test_an_ipv6_multicast_without_a_hop_reaches_this_host_alone() -> None:
    joined, a, _b = pair6()
    a.interfaces["eth0"].ipv6.join(ip6("ff02::99"))  # type: ignore[union-attr]
    hears = a.ipv6.udp.open6()  # type: ignore[union-attr]
    hears.bind(0, 9000)
    sends = a.ipv6.udp.open6()  # type: ignore[union-attr]
    sends.multicast_ttl = 0
    joined.take()
    assert sends.send_to(b"here only", ip6("ff02::99"), 9000, a.interfaces["eth0"]) is None
    joined.quiesce()
    assert not [s for s in joined.take() if isinstance(s.frame.transport, UdpHeader)]
    assert [bytes(each.payload) for each in hears.queue] == [b"here only"]


# Duplicates (RFC 4862 5.4, RFC 4429 3.3).


def test_an_address_in_use_during_its_detection_is_given_up_when_its_owner_answers() -> None:
    joined = Joined()
    a, b = (host6(joined, name, "", dad_transmits=1) for name in "ab")
    joined.segment(a.interfaces["eth0"], b.interfaces["eth0"])
    address = ip6("2001:db8::9")
    a.add_ipv6_address("eth0", address, 64)
    joined.wait(3 * SECOND)
    b.add_ipv6_address("eth0", address, 64, at_start=True)
    joined.wait(3 * SECOND)
    found = b.interfaces["eth0"].ipv6.find(address)  # type: ignore[union-attr]
    assert found is not None and found.state == FAILED
    assert a.ipv6.is_local(address) and not b.ipv6.is_local(address)  # type: ignore[union-attr]


# Neighbour discovery (RFC 4861 7.1, 7.2.3).


@pytest.mark.parametrize("mac", [0xFFFFFFFFFFFF, 0x333300000001, 0x01005E000001])
def test_a_neighbour_has_no_mac_of_a_group(mac: int) -> None:
    _joined, a, _b = pair6()
    target, option = ip6("2001:db8::1"), mac.to_bytes(6, "big")
    asks = ndp.target_message(target, [(ndp.SOURCE_LINK_ADDRESS, option)])
    discovery(a, "2001:db8::66", solicited_node(target), icmpv6.NEIGHBOR_SOLICITATION, 0, asks)
    ping6(a, "2001:db8::67")
    tells = ndp.target_message(ip6("2001:db8::67"), [(ndp.TARGET_LINK_ADDRESS, option)])
    flags = icmpv6.NA_SOLICITED | icmpv6.NA_OVERRIDE
    discovery(a, "2001:db8::67", target, icmpv6.NEIGHBOR_ADVERTISEMENT, flags, tells)
    entries = a.interfaces["eth0"].ipv6.neighbors.entries  # type: ignore[union-attr]
    assert mac not in {each.mac for each in entries.values()}


# Router advertisements (RFC 4861 6.3.4).


def test_an_address_given_by_hand_keeps_its_network_when_an_advertised_prefix_ends() -> None:
    _joined, a, _b = pair6()
    on_link = a.interfaces["eth0"].ipv6
    assert on_link is not None and a.ipv6 is not None
    for valid_s in (600, 0):
        prefix = ndp.PrefixInformation(ip6("2001:db8::"), 64, ndp.ON_LINK, valid_s, valid_s)
        said = ndp.RouterAdvertisement(64, 0, (prefix,))
        discovery(a, "fe80::99", ip6("ff02::1"), icmpv6.ROUTER_ADVERTISEMENT, said.rest, said.emit())
    route = a.ipv6.route_for(ip6("2001:db8::2"))
    assert route is not None and not route.gateway


def test_advertisements_do_not_fill_the_memory() -> None:
    _joined, a, _b = pair6()
    for number in range(100):
        prefixes = tuple(
            ndp.PrefixInformation(ip6("2001:db8::") + (number * 4 + each << 64), 64, 0xC0, 600, 600)
            for each in range(4)
        )
        said = ndp.RouterAdvertisement(64, 1800, prefixes, dns_servers=(number + 1, number + 1001))
        discovery(
            a, f"fe80::{number + 1:x}", ip6("ff02::1"), icmpv6.ROUTER_ADVERTISEMENT, said.rest, said.emit()
        )
    on_link = a.interfaces["eth0"].ipv6
    assert on_link is not None
    assert len([each for each in on_link.addresses if each.origin == "ra"]) == 16, "Linux: max_addresses"
    found = on_link.discovery
    assert len(found.routers) <= 16 and len(found.prefixes) <= 64 and len(found.dns_servers) <= 16


# Who may ask for groups (RFC 3810 6.2 and 8.1, RFC 2236 4).


@pytest.mark.parametrize(
    ("source", "hops", "extensions", "size", "answered"),
    [
        ("fe80::77", 1, bytes((58, 0, 5, 2, 0, 0, 1, 0)), 20, True),
        ("fe80::77", 1, bytes((58, 0, 5, 2, 0, 0, 1, 0)), 16, True),
        ("fe80::77", 1, bytes((58, 0, 5, 2, 0, 0, 1, 0)), 18, False),
        ("fe80::77", 1, bytes((58, 0, 1, 4, 0, 0, 0, 0)), 20, False),
        ("fe80::77", 1, b"", 20, False),
        ("fe80::77", 2, bytes((58, 0, 5, 2, 0, 0, 1, 0)), 20, False),
        ("2001:db8::2", 1, bytes((58, 0, 5, 2, 0, 0, 1, 0)), 20, False),
    ],
)  # fmt: skip
def test_a_query_for_groups_is_of_a_router_of_this_link(
    source: str, hops: int, extensions: bytes, size: int, answered: bool
) -> None:
    joined, a, _b = pair6()
    joined.wait(3 * SECOND)
    joined.take()
    first = HOP_BY_HOP if extensions else -1
    header = Ipv6Header(ip6(source), ip6("ff02::1"), PROTOCOL_ICMPV6, hops, 0, 0, first, extensions)
    feed(a, ETHERTYPE_IPV6, header, bytes(size), Icmpv6Header(icmpv6.MLD_QUERY, 0, 100 << 16))
    joined.wait(SECOND)
    said = [s for s in joined.take() if s.host == "a" and isinstance(s.frame.network, Ipv6Header)]
    assert bool(said) is answered


def test_in_version_1_of_mld_another_members_report_is_enough() -> None:
    joined, a, _b = pair6()
    group, alert = ip6("ff02::99"), bytes((58, 0, 5, 2, 0, 0, 1, 0))
    a.interfaces["eth0"].ipv6.join(group)  # type: ignore[union-attr]
    joined.wait(3 * SECOND)
    joined.take()
    asks = Ipv6Header(ip6("fe80::77"), ip6("ff02::1"), PROTOCOL_ICMPV6, 1, 0, 0, HOP_BY_HOP, alert)
    feed(a, ETHERTYPE_IPV6, asks, bytes(16), Icmpv6Header(icmpv6.MLD_QUERY, 0, 5000 << 16))
    says = Ipv6Header(ip6("fe80::78"), group, PROTOCOL_ICMPV6, 1, 0, 0, HOP_BY_HOP, alert)
    feed(a, ETHERTYPE_IPV6, says, group.to_bytes(16, "big"), Icmpv6Header(icmpv6.MLD_REPORT, 0))
    joined.wait(6 * SECOND)
    assert group not in [header_of(s.frame).destination for s in joined.take() if s.host == "a"]


def test_a_router_may_give_more_than_half_a_minute_to_answer() -> None:
    """RFC 3810 5.1.3: a code from 0x8000 on is a number with an exponent; 0x8000 is 32,768 ms."""
    joined, a, _b = pair6()
    group, alert = ip6("ff02::99"), bytes((58, 0, 5, 2, 0, 0, 1, 0))
    a.interfaces["eth0"].ipv6.join(group)  # type: ignore[union-attr]
    joined.wait(3 * SECOND)
    for code, most_s in ((0x8000, 33), (0x9000, 66), (0x7FFF, 33)):
        joined.take()
        asks = Ipv6Header(ip6("fe80::77"), ip6("ff02::1"), PROTOCOL_ICMPV6, 1, 0, 0, HOP_BY_HOP, alert)
        feed(
            a,
            ETHERTYPE_IPV6,
            asks,
            group.to_bytes(16, "big") + bytes(4),
            Icmpv6Header(icmpv6.MLD_QUERY, 0, code << 16),
        )
        pending = a.ipv6.mld.pending["eth0", group]  # type: ignore[union-attr]
        assert (
            joined.now <= pending.deadline_ns <= joined.now + most_s * SECOND and not pending.is_foreground()
        )
        joined.wait(most_s * SECOND)
        assert [s.host for s in joined.take()] == ["a"], "one report"


def igmp_of(joined: Joined) -> list[int]:
    frames = [each.frame for each in joined.take() if isinstance(each.frame.network, Ipv4Header)]
    return [IgmpMessage.parse(bytes(f.payload)).type for f in frames if f.network.protocol == 2]  # type: ignore[union-attr]


def test_to_an_igmp_router_of_version_1_its_reports_are_sent_and_no_leave() -> None:
    joined, a, _b = pair()
    interface = a.interfaces["eth0"]
    a.igmp.join(interface, ip("239.1.2.3"))
    joined.wait(30 * SECOND)
    assert igmp_of(joined) == [REPORT, REPORT]
    interface.join(0x01005E000001)
    header = Ipv4Header(ip("10.0.0.2"), ip("224.0.0.1"), 2, 1)
    query = IgmpMessage(QUERY, 0, 0).emit()
    a.receive(interface, Frame(0x01005E000001, 2, ETHERTYPE_IPV4, header, None, query), a.now)
    joined.wait(11 * SECOND)
    assert igmp_of(joined) == [REPORT_V1]
    a.enter(joined.now)
    a.igmp.leave(interface, ip("239.1.2.3"))
    assert igmp_of(joined) == []
    joined.wait(400 * SECOND)
    a.igmp.join(interface, ip("239.1.2.4"))
    joined.wait(11 * SECOND)
    a.igmp.leave(interface, ip("239.1.2.4"))
    assert igmp_of(joined) == [REPORT, REPORT, LEAVE], "400 s later that router is forgotten"


# Path MTU (RFC 8201 4) and redirects (RFC 792, RFC 1122 3.2.2.2).


def test_a_large_ping_over_ipv6_learns_the_paths_mtu() -> None:
    joined, a, _r, _b = routed6(mtu=1300)
    ping6(a, "2001:db8:2::1", 1400)
    joined.quiesce()
    assert a.ipv6.route_for(ip6("2001:db8:2::1")).mtu == 1300  # type: ignore[union-attr]
    ping6(a, "2001:db8:2::1", 1400)
    joined.quiesce()
    assert a.ipv6.icmp.received[129] == 1  # type: ignore[union-attr]


@pytest.mark.parametrize(("code", "believed"), [(0, True), (1, True), (3, True), (4, False), (9, False)])
def test_a_redirect_has_one_of_four_codes(code: int, believed: bool) -> None:
    joined = Joined()
    a = joined.host("a", "10.0.0.1/24", gateway="10.0.0.254")
    quoted = Ipv4Header(ip("10.0.0.1"), ip("10.9.0.9"), 17, 64)
    feed(
        a, ETHERTYPE_IPV4, Ipv4Header(ip("10.0.0.254"), ip("10.0.0.1"), 1, 64),
        packet_bytes(quoted, UdpHeader(5, 9), b"data"), IcmpHeader(REDIRECT, code, ip("10.0.0.253")),
    )  # fmt: skip
    assert (a.ipv4.route_for(ip("10.9.0.9")).gateway == ip("10.0.0.253")) is believed  # type: ignore[union-attr]


# Addresses (RFC 6724 6, rules 3 and 9).


def test_host_parts_of_addresses_do_not_order_destinations() -> None:
    """The common prefix of source and destination is no longer than the source's own prefix (RFC 6724 2.2)."""
    source = ip6("2001:db8::1")
    wanted = [ip6("2001:db8::ffff"), ip6("2001:db8::3"), ip6("2001:db8:1::3")]
    assert order_destinations(wanted, lambda each: source) == wanted


def test_a_destination_reached_from_a_deprecated_address_comes_later() -> None:
    sources = {ip6("2001:db8:1::9"): ip6("2001:db8:1::1"), ip6("2001:db8:2::9"): ip6("2001:db8:2::1")}
    old = {ip6("2001:db8:1::1")}
    ordered = order_destinations(sources, sources.__getitem__, old.__contains__)
    assert ordered == [ip6("2001:db8:2::9"), ip6("2001:db8:1::9")]


def test_errors_are_never_about_groups_broadcasts_errors_or_nobody() -> None:
    """RFC 1122 3.2.2: each of these would be answered by port unreachable, were it for one host from one host."""
    asks = UdpHeader(5, 9)
    for source, destination, mac, answered in (
        ("10.0.0.2", "10.0.0.1", 0, True),
        ("10.0.0.2", "10.0.0.255", 0xFFFFFFFFFFFF, False),
        ("10.0.0.2", "255.255.255.255", 0xFFFFFFFFFFFF, False),
        ("10.0.0.2", "224.0.0.1", 0x01005E000001, False),
        ("10.0.0.2", "10.0.0.1", 0xFFFFFFFFFFFF, False),
        ("0.0.0.0", "10.0.0.1", 0, False),
        ("127.0.0.1", "10.0.0.1", 0, False),
        ("10.0.0.255", "10.0.0.1", 0, False),
        ("224.0.0.1", "10.0.0.1", 0, False),
        ("240.0.0.1", "10.0.0.1", 0, False),
        ("10.0.0.1", "10.0.0.1", 0, False),
    ):
        _joined, a, _b = pair()
        interface = a.interfaces["eth0"]
        interface.join(0x01005E000001)
        header = Ipv4Header(ip(source), ip(destination), 17, 64)
        frame = Frame(mac or interface.mac, 0x02AA, ETHERTYPE_IPV4, header, asks, b"data")
        a.receive(interface, frame, 0)
        assert bool(a.icmp.sent) is answered, (source, destination)
        assert sum(a.drops.values()) == 1, (source, destination)
