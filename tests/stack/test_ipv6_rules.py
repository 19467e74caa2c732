"""Clauses of RFC 4861, 4862, 8200 and 8106 one by one: what a host makes of each thing that a neighbour may say."""

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
    ping6,
    types,
)

from netarium.stack.ipv6_address import DEPRECATED, PREFERRED, TENTATIVE
from netarium.stack.router_advertiser import Advertised
from netarium.stack.router_discovery import RouterDiscovery
from netarium.stack.stack import Stack
from netarium.wire import icmpv6, ndp
from netarium.wire.ipv6 import Ipv6Header
from netarium.wire.udp import UdpHeader

A, B = ip6("2001:db8::1"), ip6("2001:db8::2")
ROUTER = ip6("fe80::99")
ALL_NODES = ip6("ff02::1")


def advertises(stack: Stack, message: ndp.RouterAdvertisement, router: int = ROUTER) -> None:
    discovery6(stack, router, ALL_NODES, icmpv6.ROUTER_ADVERTISEMENT, message.rest, message.emit())


def discovery_of(stack: Stack) -> RouterDiscovery:
    on_link = stack.interfaces["eth0"].ipv6
    assert on_link is not None
    return on_link.discovery


def state_of(stack: Stack, address: int) -> str:
    return stack.interfaces["eth0"].ipv6.neighbors.entries[address].shown_state(stack.now)  # type: ignore[union-attr]


def mac_option(kind: int, mac: int) -> list[tuple[int, bytes]]:
    return [(kind, mac.to_bytes(6, "big"))]


# Neighbour unreachability (RFC 4861 7.2.3 to 7.2.5, 7.3).


def test_an_advertisement_that_nobody_asked_for_makes_no_entry() -> None:
    _joined, a, _b = pair6()
    payload = ndp.target_message(B, mac_option(ndp.TARGET_LINK_ADDRESS, 0x02BB))
    discovery6(a, B, A, icmpv6.NEIGHBOR_ADVERTISEMENT, icmpv6.NA_SOLICITED, payload)
    assert drops(a) == {"ND_NOT_FOR_US": 1}
    assert not a.interfaces["eth0"].ipv6.neighbors.entries  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("flags", "mac", "state"),
    [
        (icmpv6.NA_SOLICITED, 0x02BB, "REACHABLE"),
        (0, 0x02BB, "DELAY"),  # known but not proven: what waited is sent, and it will be probed
        (icmpv6.NA_SOLICITED, 0, "INCOMPLETE"),
    ],
    ids=["solicited", "unsolicited", "without-mac"],
)
def test_the_answer_to_a_first_solicitation(flags: int, mac: int, state: str) -> None:
    joined, a, _b = pair6()
    joined.lose = lambda sent: True
    ping6(a, "2001:db8::2")
    joined.quiesce()
    payload = ndp.target_message(B, mac_option(ndp.TARGET_LINK_ADDRESS, mac) if mac else [])
    discovery6(a, B, A, icmpv6.NEIGHBOR_ADVERTISEMENT, flags, payload)
    assert state_of(a, B) == state
    assert (128 in types(joined.take())) is (state != "INCOMPLETE"), "the echo request that waited"


def test_a_permanent_entry_believes_nobody() -> None:
    _joined, a, _b = pair6()
    table = a.interfaces["eth0"].ipv6.neighbors  # type: ignore[union-attr]
    table.add_permanent(B, 0x02CC)
    options = mac_option(ndp.TARGET_LINK_ADDRESS, 0x02BB)
    flags = icmpv6.NA_SOLICITED | icmpv6.NA_OVERRIDE
    discovery6(a, B, A, icmpv6.NEIGHBOR_ADVERTISEMENT, flags, ndp.target_message(B, options))
    asks = ndp.target_message(A, mac_option(ndp.SOURCE_LINK_ADDRESS, 0x02BB))
    discovery6(a, B, A, icmpv6.NEIGHBOR_SOLICITATION, 0, asks)
    assert table.entries[B].mac == 0x02CC


def test_an_unproven_claim_of_another_mac_is_ignored_where_nothing_is_proven() -> None:
    """RFC 4861 7.2.5: without override, and in another state than REACHABLE, the cache does not change."""
    joined, a, b = pair6()
    ping6(a, "2001:db8::2")
    joined.quiesce()
    joined.wait(31 * SECOND)
    assert state_of(a, B) == "STALE"
    payload = ndp.target_message(B, mac_option(ndp.TARGET_LINK_ADDRESS, 0x02BB))
    discovery6(a, B, A, icmpv6.NEIGHBOR_ADVERTISEMENT, icmpv6.NA_SOLICITED, payload)
    entry = a.interfaces["eth0"].ipv6.neighbors.entries[B]  # type: ignore[union-attr]
    assert (state_of(a, B), entry.mac) == ("STALE", b.interfaces["eth0"].mac)


def test_a_router_that_says_it_is_none_is_no_default_router_any_more() -> None:
    _joined, a, _b = pair6()
    advertises(a, ndp.RouterAdvertisement(64, 1800, link_address=0x02BB))
    assert list(discovery_of(a).routers) == [ROUTER]
    payload = ndp.target_message(ROUTER, mac_option(ndp.TARGET_LINK_ADDRESS, 0x02BB))
    discovery6(a, ROUTER, A, icmpv6.NEIGHBOR_ADVERTISEMENT, icmpv6.NA_SOLICITED | icmpv6.NA_OVERRIDE, payload)
    assert not discovery_of(a).routers
    assert a.ipv6.route_for(ip6("2001:db8:ffff::1")) is None  # type: ignore[union-attr]


def test_another_who_advertises_an_address_of_ours_changes_nothing() -> None:
    _joined, a, _b = pair6()
    payload = ndp.target_message(A, mac_option(ndp.TARGET_LINK_ADDRESS, 0x02BB))
    discovery6(a, A, ALL_NODES, icmpv6.NEIGHBOR_ADVERTISEMENT, icmpv6.NA_OVERRIDE, payload)
    assert drops(a) == {"ND_NOT_FOR_US": 1}
    assert a.ipv6.is_local(A)  # type: ignore[union-attr]


def test_a_solicitation_for_a_tentative_address_is_not_answered() -> None:
    """RFC 4862 5.4.3: of one that has an address already it is address resolution by mistake, and is ignored."""
    joined = Joined()
    a = host6(joined, "a", "", dad_transmits=1)
    joined.segment(a.interfaces["eth0"])
    joined.wait(3 * SECOND)
    a.add_ipv6_address("eth0", A, 64)
    joined.take()
    asks = ndp.target_message(A, mac_option(ndp.SOURCE_LINK_ADDRESS, 0x02BB))
    discovery6(a, B, ip6("ff02::1:ff00:1"), icmpv6.NEIGHBOR_SOLICITATION, 0, asks)
    arrives6(a, Ipv6Header(B, A, 17, 64), b"data", UdpHeader(1, 2))
    assert drops(a) == {"ND_NOT_FOR_US": 1, "NO_ADDRESS": 1}
    assert 136 not in types(joined.take())
    assert a.interfaces["eth0"].ipv6.find(A).state == TENTATIVE  # type: ignore[union-attr]


def test_one_solicits_from_the_address_that_the_waiting_packet_has() -> None:
    joined, a, _b = pair6()
    a.add_ipv6_address("eth0", ip6("2001:db8:7::1"), 64)
    joined.take()
    a.ipv6.send_packet(ip6("2001:db8:7::1"), B, 17, UdpHeader(1, 2), b"data")  # type: ignore[union-attr]
    (asked,) = packets6(joined.take())
    assert header_of(asked).source == ip6("2001:db8:7::1")


# Router discovery (RFC 4861 6.1, 6.3; RFC 4862 5.5.3; RFC 8106 5.3).


def test_a_host_takes_the_numbers_that_its_router_says() -> None:
    joined, a, _b = pair6()
    advertises(a, ndp.RouterAdvertisement(33, 1800, mtu=1400, reachable_ms=5000, retransmit_ms=300))
    on_link = a.interfaces["eth0"].ipv6
    assert on_link is not None
    assert (on_link.hop_limit, on_link.mtu, on_link.neighbors.reachable_ns, on_link.retransmit_ns) == (
        33, 1400, 5 * SECOND, 300_000_000,
    )  # fmt: skip
    joined.take()
    ping6(a, "2001:db8::2")
    joined.quiesce()
    (request,) = [f for f in packets6(joined.take()) if f.transport.type == 128]  # type: ignore[union-attr]
    assert header_of(request).ttl == 33
    advertises(a, ndp.RouterAdvertisement(0, 1800, mtu=9000))
    assert (on_link.hop_limit, on_link.mtu) == (33, 1400), (
        "0 says nothing, and 9000 is more than the link has"
    )


@pytest.mark.parametrize(
    ("prefix", "length", "flags", "valid_s", "preferred_s", "address", "on_the_link"),
    [
        ("2001:db8:5::", 64, 0xC0, 600, 300, True, True),
        ("2001:db8:5::", 64, 0x40, 600, 300, True, False),
        ("2001:db8:5::", 64, 0x80, 600, 300, False, True),
        ("2001:db8:5::", 64, 0xC0, 300, 600, False, True),  # preferred for longer than valid: (c)
        ("2001:db8:5::", 64, 0xC0, 0, 0, False, False),
        ("2001:db8:5::", 48, 0xC0, 600, 300, False, True),  # with 64 bits of identifier it makes no 128: (d)
        ("fe80::", 64, 0xC0, 600, 300, False, False),  # the link-local prefix is ignored: (b)
        ("ff02::", 64, 0xC0, 600, 300, False, False),
        ("::", 0, 0xC0, 600, 300, False, False),
    ],
)
def test_prefixes_by_table(
    prefix: str, length: int, flags: int, valid_s: int, preferred_s: int, address: bool, on_the_link: bool
) -> None:
    _joined, a, _b = pair6()
    information = ndp.PrefixInformation(ip6(prefix), length, flags, valid_s, preferred_s)
    advertises(a, ndp.RouterAdvertisement(64, 0, (information,)))
    on_link = a.interfaces["eth0"].ipv6
    assert on_link is not None
    assert any(each.origin == "ra" for each in on_link.addresses) is address
    assert ((ip6(prefix), length) in on_link.discovery.prefixes) is on_the_link


def test_a_prefix_does_not_change_an_address_given_by_hand() -> None:
    joined = Joined()
    a = host6(joined, "a", "")
    by_hand = ip6("2001:db8:5::") | (a.interfaces["eth0"].ipv6.link_local & ((1 << 64) - 1))  # type: ignore[union-attr]
    a.add_ipv6_address("eth0", by_hand, 64)
    prefix = ndp.PrefixInformation(ip6("2001:db8:5::"), 64, 0xC0, 600, 300)
    advertises(a, ndp.RouterAdvertisement(64, 0, (prefix,)))
    found = a.interfaces["eth0"].ipv6.find(by_hand)  # type: ignore[union-attr]
    joined.wait(700 * SECOND)
    assert found is not None and found.origin == "static" and found.state == PREFERRED


def test_a_prefix_for_ever_and_one_whose_addresses_become_preferred_again() -> None:
    joined, a, _b = pair6()
    for_ever = ndp.PrefixInformation(ip6("2001:db8:5::"), 64, 0xC0, ndp.INFINITE, ndp.INFINITE)
    advertises(a, ndp.RouterAdvertisement(64, 0, (for_ever,)))
    short = ndp.PrefixInformation(ip6("2001:db8:6::"), 64, 0xC0, 9000, 10)
    advertises(a, ndp.RouterAdvertisement(64, 0, (short,)))
    on_link = a.interfaces["eth0"].ipv6
    assert on_link is not None
    taken = [each for each in on_link.addresses if each.origin == "ra"]
    joined.wait(11 * SECOND)
    assert [each.state for each in taken] == [PREFERRED, DEPRECATED]
    assert a.ipv6.is_deprecated(taken[1].address) and not a.ipv6.is_deprecated(taken[0].address)  # type: ignore[union-attr]
    advertises(a, ndp.RouterAdvertisement(64, 0, (short,)))
    assert [each.state for each in taken] == [PREFERRED, PREFERRED]
    joined.wait(100_000 * SECOND)
    assert [each.address for each in on_link.addresses if each.origin == "ra"] == [taken[0].address]


def test_a_name_server_is_forgotten_at_its_end_or_when_its_router_says_so() -> None:
    joined, a, _b = pair6()
    servers = (ip6("2001:db8::53"), ip6("2001:db8::54"))
    advertises(a, ndp.RouterAdvertisement(64, 0, dns_servers=servers, dns_lifetime_s=100))
    assert tuple(discovery_of(a).dns_servers) == servers
    advertises(a, ndp.RouterAdvertisement(64, 0, dns_servers=servers[:1], dns_lifetime_s=0))
    assert tuple(discovery_of(a).dns_servers) == servers[1:]
    joined.wait(101 * SECOND)
    assert not discovery_of(a).dns_servers


def test_of_two_routers_the_one_that_does_not_answer_comes_second() -> None:
    joined, a, _b = pair6()
    other = ip6("fe80::77")
    for each in (ROUTER, other):
        advertises(a, ndp.RouterAdvertisement(64, 1800), each)
    far = "2001:db8:ffff::1"
    assert a.ipv6.route_for(ip6(far)).gateway == ROUTER  # type: ignore[union-attr]
    ping6(a, far)
    joined.wait(10 * SECOND)
    assert a.ipv6.route_for(ip6(far)).gateway == other  # type: ignore[union-attr]


@pytest.mark.parametrize("name", ["forwarding", "accept_ra"])
def test_advertisements_that_a_host_need_not_believe(name: str) -> None:
    _joined, a, _b = pair6(**{name: int(name == "forwarding")})
    advertises(a, ndp.RouterAdvertisement(64, 1800))
    assert drops(a) == {"ICMP_IGNORED": 1}
    assert not discovery_of(a).routers


def test_a_host_that_is_no_router_answers_no_solicitation_but_learns_of_the_asker() -> None:
    _joined, a, _b = pair6()
    options = ndp.emit_options(mac_option(ndp.SOURCE_LINK_ADDRESS, 0x02BB))
    discovery6(a, ip6("fe80::5"), ip6("ff02::1"), icmpv6.ROUTER_SOLICITATION, 0, options)
    assert drops(a) == {"ICMP_IGNORED": 1}
    assert state_of(a, ip6("fe80::5")) == "STALE"


def test_advertising_anew_ends_what_was_advertised() -> None:
    joined = Joined()
    r = host6(joined, "r", "2001:db8:5::1/64", forwarding=1)
    joined.segment(r.interfaces["eth0"])
    r.ipv6.advertise("eth0", Advertised(lifetime_s=1800))  # type: ignore[union-attr]
    joined.wait(SECOND)
    r.enter(joined.now)
    r.ipv6.advertise("eth0", Advertised(lifetime_s=600))  # type: ignore[union-attr]
    joined.wait(SECOND)
    frames = [f for f in packets6(joined.take()) if f.transport.type == 134]  # type: ignore[union-attr]
    assert [f.transport.rest & 0xFFFF for f in frames] == [1800, 0, 600]  # type: ignore[union-attr]


# Redirects (RFC 4861 8.1, 8.3).


@pytest.mark.parametrize(
    ("source", "target", "destination", "dropped"),
    [
        ("fe80::99", "fe80::88", "2001:db8:ffff::1", {}),
        ("fe80::99", "2001:db8:ffff::1", "2001:db8:ffff::1", {}),  # on the link
        ("fe80::77", "fe80::88", "2001:db8:ffff::1", {"ICMP_IGNORED": 1}),  # not the first hop
        ("2001:db8::2", "fe80::88", "2001:db8:ffff::1", {"ND_MALFORMED": 1}),
        ("fe80::99", "2001:db8::2", "2001:db8:ffff::1", {"ND_MALFORMED": 1}),
        ("fe80::99", "fe80::88", "ff02::1", {"ND_MALFORMED": 1}),
    ],
)
def test_redirects_by_table(source: str, target: str, destination: str, dropped: dict[str, int]) -> None:
    _joined, a, _b = pair6()
    advertises(a, ndp.RouterAdvertisement(64, 1800))
    payload = ip6(target).to_bytes(16, "big") + ip6(destination).to_bytes(16, "big")
    payload += ndp.emit_options(mac_option(ndp.TARGET_LINK_ADDRESS, 0x02BB))
    discovery6(a, ip6(source), A, icmpv6.REDIRECT, 0, payload)
    assert drops(a) == dropped
    route = a.ipv6.route_for(ip6("2001:db8:ffff::1"))  # type: ignore[union-attr]
    assert route is not None and (route.gateway == ip6(target)) is not bool(dropped)
    if not dropped:
        assert state_of(a, ip6(target)) == "STALE"
