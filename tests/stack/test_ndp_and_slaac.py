"""Neighbour unreachability, duplicate detection, SLAAC and its lifetimes, router advertisements, MLD."""

from __future__ import annotations

import itertools

import pytest
from tests.stack.joined import SECOND, Joined, Sent, drops
from tests.stack.joined6 import header_of, host6, ip6, packets6, pair6, ping6, types

from netarium.addresses import ipv6_text
from netarium.stack.ipv6_address import DEPRECATED, FAILED, OPTIMISTIC, PREFERRED, TENTATIVE, solicited_node
from netarium.stack.router_advertiser import Advertised
from netarium.stack.stack import Stack
from netarium.wire import icmpv6, ndp
from netarium.wire.ethernet import ETHERTYPE_IPV6, Frame
from netarium.wire.icmpv6 import Icmpv6Header
from netarium.wire.ipv6 import HOP_BY_HOP, PROTOCOL_ICMPV6, Ipv6Header

PREFIX = "2001:db8:5::"
MINUTE = 60 * SECOND


def neighbor(stack: Stack, address: str):  # type: ignore[no-untyped-def]
    return stack.interfaces["eth0"].ipv6.neighbors.entries[ip6(address)]  # type: ignore[union-attr]


def message(
    stack: Stack, source: int, kind: int, rest: int, payload: bytes, to: int, hops: int = 255
) -> None:
    """A message of neighbour discovery from the wire; with one hop, of MLD, with its router alert."""
    alert = bytes((PROTOCOL_ICMPV6, 0, 5, 2, 0, 0, 1, 0)) if hops == 1 else b""
    header = Ipv6Header(source, to, PROTOCOL_ICMPV6, hops, 0, 0, HOP_BY_HOP if alert else -1, alert)
    interface = stack.interfaces["eth0"]
    frame = Frame(interface.mac, 0x02AA, ETHERTYPE_IPV6, header, Icmpv6Header(kind, 0, rest), payload)
    stack.receive(interface, frame, stack.now)


def test_the_states_of_a_neighbour() -> None:
    joined, a, b = pair6()
    ping6(a, "2001:db8::2")
    joined.quiesce()
    entry = neighbor(a, "2001:db8::2")
    assert entry.shown_state(a.now) == "REACHABLE"
    assert neighbor(b, "2001:db8::1").shown_state(b.now) in ("DELAY", "STALE"), "b was told in passing"
    joined.wait(31 * SECOND)
    assert entry.shown_state(a.now) == "STALE"
    joined.take()
    ping6(a, "2001:db8::2", sequence=2)
    joined.quiesce()
    assert entry.state == "DELAY" and types(joined.take()) == [128, 129], "trusted for 5 s more"
    joined.wait(6 * SECOND)
    sent = packets6(joined.take())
    (probe,) = [f for f in sent if f.transport.type == 135 and header_of(f).destination == ip6("2001:db8::2")]  # type: ignore[union-attr]
    assert probe.destination == b.interfaces["eth0"].mac, "the probe is unicast"
    assert entry.shown_state(a.now) == "REACHABLE"


def test_a_neighbour_that_is_gone_fails_after_three_probes() -> None:
    joined, a, _b = pair6()
    ping6(a, "2001:db8::2")
    joined.quiesce()
    joined.lose = lambda sent: sent.host == "b"
    joined.wait(31 * SECOND)
    ping6(a, "2001:db8::2", sequence=2)
    joined.wait(10 * SECOND)
    assert neighbor(a, "2001:db8::2").state == "FAILED"


@pytest.mark.parametrize(
    ("flags", "mac", "state", "new_mac"),
    [
        (icmpv6.NA_SOLICITED | icmpv6.NA_OVERRIDE, 0x02BB, "REACHABLE", True),
        (icmpv6.NA_OVERRIDE, 0x02BB, "STALE", True),
        (icmpv6.NA_SOLICITED, 0x02BB, "STALE", False),
        (icmpv6.NA_SOLICITED, 0, "REACHABLE", False),
        (0, 0, "REACHABLE", False),
    ],
)
def test_what_an_advertisement_proves(flags: int, mac: int, state: str, new_mac: bool) -> None:
    joined, a, b = pair6()
    ping6(a, "2001:db8::2")
    joined.quiesce()
    options = [(ndp.TARGET_LINK_ADDRESS, mac.to_bytes(6, "big"))] if mac else []
    target = ip6("2001:db8::2")
    payload = ndp.target_message(target, options)
    message(a, target, icmpv6.NEIGHBOR_ADVERTISEMENT, flags, payload, ip6("2001:db8::1"))
    entry = neighbor(a, "2001:db8::2")
    assert entry.shown_state(a.now) == state
    assert (entry.mac == 0x02BB) is new_mac and (entry.mac == b.interfaces["eth0"].mac) is not new_mac


def test_messages_that_are_not_from_this_link_are_refused() -> None:
    _, a, _b = pair6()
    own = ip6("2001:db8::1")
    asked = ndp.target_message(own)
    message(a, ip6("2001:db8::2"), icmpv6.NEIGHBOR_SOLICITATION, 0, asked, own, hops=254)
    message(a, ip6("2001:db8::2"), icmpv6.NEIGHBOR_SOLICITATION, 0, asked[:8], own)
    message(a, 0, icmpv6.NEIGHBOR_SOLICITATION, 0, asked, own)
    message(a, ip6("2001:db8::2"), icmpv6.NEIGHBOR_SOLICITATION, 0, ndp.target_message(ip6("ff02::1")), own)
    message(a, ip6("2001:db8::2"), icmpv6.ROUTER_ADVERTISEMENT, 0, bytes(8), own)
    message(a, ip6("fe80::9"), icmpv6.REDIRECT, 0, bytes(16) + ip6("ff02::1").to_bytes(16, "big"), own)
    message(a, ip6("fe80::9"), icmpv6.NEIGHBOR_ADVERTISEMENT, 0, ndp.target_message(ip6("ff02::1")), own)
    source_mac = ndp.emit_options([(ndp.SOURCE_LINK_ADDRESS, bytes((2, 0, 0, 0, 0, 1)))])
    message(a, 0, icmpv6.ROUTER_SOLICITATION, 0, source_mac, own)
    assert drops(a) == {"ND_MALFORMED": 8}


# Duplicate address detection.


def test_an_address_is_tentative_then_ours() -> None:
    joined = Joined()
    a = host6(joined, "a", "", dad_transmits=1)
    joined.segment(a.interfaces["eth0"])
    a.add_ipv6_address("eth0", ip6("2001:db8::9"), 64)
    found = a.interfaces["eth0"].ipv6.find(ip6("2001:db8::9"))  # type: ignore[union-attr]
    assert found is not None and found.state == TENTATIVE and not a.ipv6.is_local(ip6("2001:db8::9"))  # type: ignore[union-attr]
    joined.wait(3 * SECOND)
    probes = [
        f
        for f in packets6(joined.take())
        if f.transport.type == 135 and header_of(f).destination == solicited_node(ip6("2001:db8::9"))  # type: ignore[union-attr]
    ]
    assert len(probes) == 1 and header_of(probes[0]).source == 0
    assert found.state == PREFERRED and a.ipv6.is_local(ip6("2001:db8::9"))  # type: ignore[union-attr]


def test_of_two_with_one_address_the_later_one_does_not_use_it() -> None:
    joined = Joined()
    a, b = (host6(joined, name, "", dad_transmits=1) for name in "ab")
    joined.segment(a.interfaces["eth0"], b.interfaces["eth0"])
    address = ip6("2001:db8::9")
    a.add_ipv6_address("eth0", address, 64)
    joined.wait(3 * SECOND)
    b.add_ipv6_address("eth0", address, 64)
    joined.wait(3 * SECOND)
    states = [each.interfaces["eth0"].ipv6.find(address).state for each in (a, b)]  # type: ignore[union-attr]
    assert states == [PREFERRED, FAILED]
    assert not b.ipv6.is_local(address)  # type: ignore[union-attr]


def test_two_that_want_it_at_once_both_go_without() -> None:
    joined = Joined()
    a, b = (host6(joined, name, "", dad_transmits=2) for name in "ab")
    joined.segment(a.interfaces["eth0"], b.interfaces["eth0"])
    for each in (a, b):
        each.add_ipv6_address("eth0", ip6("2001:db8::9"), 64)
    joined.wait(5 * SECOND)
    states = [each.interfaces["eth0"].ipv6.find(ip6("2001:db8::9")).state for each in (a, b)]  # type: ignore[union-attr]
    assert states == [FAILED, FAILED]


def test_addresses_of_the_start_are_usable_while_they_are_probed() -> None:
    joined = Joined()
    a = host6(joined, "a", "", dad_transmits=1)
    a.add_ipv6_address("eth0", ip6("2001:db8::9"), 64, at_start=True)
    found = a.interfaces["eth0"].ipv6.find(ip6("2001:db8::9"))  # type: ignore[union-attr]
    assert found is not None and found.state == OPTIMISTIC and a.ipv6.is_local(found.address)  # type: ignore[union-attr]


# Router discovery and SLAAC.


def advertised(**options: object) -> tuple[Joined, Stack, Stack]:
    joined = Joined()
    r = host6(joined, "r", PREFIX + "1/64", forwarding=1)
    h = host6(joined, "h", "", router_solicitations=3, dad_transmits=1)
    joined.segment(r.interfaces["eth0"], h.interfaces["eth0"])
    r.ipv6.advertise("eth0", Advertised(**options))  # type: ignore[union-attr,arg-type]
    return joined, r, h


def test_a_host_asks_is_answered_and_has_an_address_a_route_a_name_server() -> None:
    joined, r, h = advertised(dns_servers=(ip6("2001:db8::53"),), mtu=1400)
    joined.wait(5 * SECOND)
    on_link = h.interfaces["eth0"].ipv6
    assert on_link is not None
    mac = h.interfaces["eth0"].mac
    wanted = ip6(PREFIX) | (mac >> 24 << 40 | 0xFFFE000000 | mac & 0xFFFFFF) ^ 1 << 57
    assert h.ipv6.is_local(wanted)  # type: ignore[union-attr]
    route = h.ipv6.route_for(ip6("2001:db8:ffff::1"))  # type: ignore[union-attr]
    assert route is not None and route.gateway == r.interfaces["eth0"].ipv6.link_local  # type: ignore[union-attr]
    assert (route.mtu, route.source, route.protocol) == (1400, wanted, "ra")
    assert list(on_link.discovery.dns_servers) == [ip6("2001:db8::53")]
    assert h.ipv6.has_address_beyond_link()  # type: ignore[union-attr]
    ping6(h, PREFIX + "1")
    joined.quiesce()
    assert h.ipv6.icmp.received[129] == 1  # type: ignore[union-attr]
    assert 133 in types([s for s in joined.sent if s.host == "h"]) or r.ipv6.icmp.received.get(133), (
        "it asked"
    )  # type: ignore[union-attr]


def test_lifetimes_end() -> None:
    prefixes = ((ip6(PREFIX), 64, 40, 20),)
    joined, _r, h = advertised(prefixes=prefixes, lifetime_s=30)
    joined.wait(10 * SECOND)
    joined.lose = lambda sent: sent.host == "r"  # the router falls silent
    on_link = h.interfaces["eth0"].ipv6
    assert on_link is not None
    (found,) = [each for each in on_link.addresses if each.origin == "ra"]
    assert found.state == PREFERRED
    joined.wait(20 * SECOND)
    assert found.state == DEPRECATED and h.ipv6.is_local(found.address), "old connections go on"  # type: ignore[union-attr]
    joined.wait(11 * SECOND)
    assert h.ipv6.route_for(ip6("2001:db8:ffff::1")) is None, "the router's lifetime is over"  # type: ignore[union-attr]
    joined.wait(11 * SECOND)
    assert on_link.find(found.address) is None
    assert not [each for each in h.ipv6.routes.routes if each.prefix == ip6(PREFIX)]  # type: ignore[union-attr]


def test_an_advertisement_alone_does_not_shorten_a_lifetime_below_two_hours() -> None:
    joined, r, h = advertised()
    joined.wait(3 * SECOND)
    on_link = h.interfaces["eth0"].ipv6
    assert on_link is not None
    (found,) = [each for each in on_link.addresses if each.origin == "ra"]
    short = ndp.PrefixInformation(ip6(PREFIX), 64, ndp.ON_LINK | ndp.AUTONOMOUS, 60, 60)
    on_link.discovery.receive(
        r.interfaces["eth0"].ipv6.link_local, ndp.RouterAdvertisement(64, 1800, (short,))
    )  # type: ignore[union-attr]
    assert found.valid_until_ns == h.now + 7200 * SECOND


def test_a_router_that_stops_is_forgotten_at_once() -> None:
    joined, r, h = advertised()
    joined.wait(3 * SECOND)
    assert h.ipv6.route_for(ip6("2001:db8:ffff::1")) is not None  # type: ignore[union-attr]
    r.enter(joined.now)
    r.interfaces["eth0"].ipv6.advertiser.stop()  # type: ignore[union-attr]
    joined.quiesce()
    assert h.ipv6.route_for(ip6("2001:db8:ffff::1")) is None  # type: ignore[union-attr]


def test_unsolicited_advertisements_go_on() -> None:
    joined, _r, _h = advertised(most_s=600)
    joined.wait(60 * MINUTE)
    times = [s.time_ns // SECOND for s in joined.take() if types([s]) == [134]]
    assert 6 <= len(times) <= 25
    assert all(later - earlier <= 600 for earlier, later in itertools.pairwise(times))


def test_an_interface_that_goes_down_forgets_and_one_that_comes_up_asks() -> None:
    joined, _r, h = advertised()
    joined.wait(3 * SECOND)
    h.set_up("eth0", False)
    on_link = h.interfaces["eth0"].ipv6
    assert on_link is not None and not on_link.addresses and not on_link.discovery.routers
    h.set_up("eth0", True)
    joined.wait(8 * SECOND)
    assert h.ipv6.has_address_beyond_link()  # type: ignore[union-attr]


# MLD.


def reports(sent: list[Sent]) -> list[tuple[int, str]]:
    """(kind of record, group) of MLDv2 reports."""
    found = []
    for each in sent:
        frame = each.frame
        if isinstance(frame.transport, Icmpv6Header) and frame.transport.type == 143:
            payload = bytes(frame.payload)
            found.append((payload[0], ipv6_text(int.from_bytes(payload[4:20], "big"))))
            header = header_of(frame)
            assert header.ttl == 1 and header.first == HOP_BY_HOP and header.destination == ip6("ff02::16")
    return found


def test_groups_are_reported_when_joined_asked_for_and_left() -> None:
    joined, a, _b = pair6()
    joined.wait(2 * SECOND)
    joined.take()
    on_link = a.interfaces["eth0"].ipv6
    assert on_link is not None
    a.enter(joined.now)
    on_link.join(ip6("ff02::99"))
    on_link.join(ip6("ff02::99"))
    joined.wait(2 * SECOND)
    assert reports(joined.take()) == [(4, "ff02::99")] * 2, "said twice, for all who joined"
    router = ip6("fe80::77")
    message(a, router, icmpv6.MLD_QUERY, 1000 << 16, bytes(16) + bytes(4), ip6("ff02::1"), hops=1)
    joined.wait(2 * SECOND)
    assert (2, "ff02::99") in reports(joined.take())
    a.enter(joined.now)
    on_link.leave(ip6("ff02::99"))
    assert not reports(joined.take()), "one is left"
    on_link.leave(ip6("ff02::99"))
    joined.quiesce()
    assert reports(joined.take()) == [(3, "ff02::99")]


def test_while_an_older_router_is_heard_version_1_is_spoken() -> None:
    joined, a, _b = pair6()
    joined.wait(2 * SECOND)
    joined.take()
    message(a, ip6("fe80::77"), icmpv6.MLD_QUERY, 1000 << 16, bytes(16), ip6("ff02::1"), hops=1)
    joined.wait(2 * SECOND)
    kinds = [
        s.frame.transport.type
        for s in joined.take()
        if s.host == "a" and isinstance(s.frame.transport, Icmpv6Header)
    ]
    assert kinds and set(kinds) == {131}
