"""Longest-prefix match, source choice, the local table (RFC 1812 5.2.4, RFC 4632 5.1)."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from tests.stack.joined import Joined, ip, pair, route_via

from netarium.stack.routes import LOCAL, Route, RouteTable


def a_host():
    joined = Joined()
    return joined.host("a", "10.0.0.1/24", "10.0.5.1/24")


def test_the_longest_prefix_wins_whatever_the_order_and_the_metric():
    a = a_host()
    route_via(a, "0.0.0.0/0", "10.0.0.254")
    route_via(a, "172.16.0.0/12", "10.0.0.2", metric=1)
    route_via(a, "172.16.5.0/24", "10.0.0.3", metric=100)
    route_via(a, "172.16.5.7/32", "10.0.0.4")
    for destination, gateway in (
        ("172.16.5.7", "10.0.0.4"),
        ("172.16.5.8", "10.0.0.3"),
        ("172.17.0.1", "10.0.0.2"),
        ("8.8.8.8", "10.0.0.254"),
    ):
        assert a.routes.lookup(ip(destination)).gateway == ip(gateway)


def test_of_one_prefix_the_smallest_metric_wins_then_the_oldest():
    a = a_host()
    route_via(a, "9.0.0.0/8", "10.0.0.2", metric=20)
    route_via(a, "9.0.0.0/8", "10.0.0.3", metric=10)
    route_via(a, "9.0.0.0/8", "10.0.0.4", metric=10)
    assert a.routes.lookup(ip("9.1.1.1")).gateway == ip("10.0.0.3")
    explanation = a.routes.explain(ip("9.1.1.1"))
    assert len(explanation["candidates"]) == 3
    assert explanation["reason"] == "the smallest metric of the longest prefix"


def test_a_route_by_an_interface_that_is_down_does_not_count_and_comes_back_with_it():
    a = a_host()
    route_via(a, "0.0.0.0/0", "10.0.0.254", metric=1)
    route_via(a, "0.0.0.0/0", "10.0.5.254", metric=2)
    a.set_up("eth0", False)
    assert a.routes.lookup(ip("8.8.8.8")).gateway == ip("10.0.5.254")
    assert a.routes.lookup(ip("10.0.0.7")).gateway == ip("10.0.5.254")
    a.set_up("eth0", True)
    assert a.routes.lookup(ip("8.8.8.8")).gateway == ip("10.0.0.254")


def test_every_change_moves_the_generation_and_clears_the_cache():
    a = a_host()
    before = a.routes.generation
    assert a.routes.lookup(ip("8.8.8.8")) is None
    route_via(a, "0.0.0.0/0", "10.0.0.254")
    assert a.routes.generation > before
    route = a.routes.lookup(ip("8.8.8.8"))
    assert route is not None and route is a.routes.lookup(ip("8.8.8.8"))
    assert a.routes.remove(a.routes.routes[-1])
    assert not a.routes.remove(route)
    assert a.routes.lookup(ip("8.8.8.8")) is None


def test_the_source_is_the_address_of_the_next_hops_subnet():
    a = a_host()
    a.add_address("eth0", ip("192.168.7.1"), 24)
    route_via(a, "8.0.0.0/8", "192.168.7.254")
    assert a.ipv4.route_for(ip("8.8.8.8")).source == ip("192.168.7.1")
    assert a.ipv4.route_for(ip("10.0.5.9")).source == ip("10.0.5.1")
    assert a.ipv4.route_for(ip("10.0.5.1")).source == ip("10.0.5.1"), "to itself from itself"
    assert a.ipv4.route_for(ip("127.8.8.8")).source == ip("127.0.0.1")


def test_own_addresses_are_local_and_removed_ones_are_not():
    a = a_host()
    assert a.routes.lookup(ip("10.0.0.1")).kind == LOCAL
    assert a.remove_address("eth0", ip("10.0.0.1"))
    assert not a.remove_address("eth0", ip("10.0.0.1"))
    assert a.routes.lookup(ip("10.0.0.1")) is None
    assert a.routes.lookup(ip("10.0.0.9")) is None, "the connected route went with it"


def test_a_slash_31_has_no_broadcast_address():
    joined = Joined()
    a = joined.host("a", "10.0.0.0/31")
    assert a.routes.lookup(ip("10.0.0.1")).kind != LOCAL
    assert a.interfaces["eth0"].addresses[0].broadcast == 0


PREFIXES = st.tuples(st.integers(0, 0xFFFFFFFF), st.integers(0, 32), st.integers(0, 3))


@given(st.lists(PREFIXES, max_size=40), st.lists(st.integers(0, 0xFFFFFFFF), max_size=10), st.integers(0, 40))
def test_lookup_agrees_with_a_scan_of_all_routes(prefixes, destinations, removed):
    _, a, _ = pair()
    table = RouteTable()
    for number, (address, length, metric) in enumerate(prefixes):
        prefix = address & (0xFFFFFFFF << (32 - length)) & 0xFFFFFFFF
        table.add(Route(prefix, length, a.interfaces["eth0"], number + 1, 1, metric=metric))
    for route in table.routes[:removed]:
        table.remove(route)
    destinations = destinations + [address for address, _, _ in prefixes]
    for destination in destinations:
        if destination >> 24 == 127:
            continue
        matching = [each for each in table.routes if (destination ^ each.prefix) >> (32 - each.length) == 0]
        best = min(matching, key=lambda each: (-each.length, each.metric), default=None)
        got = table.lookup(destination)
        assert (got and got.gateway) == (best and best.gateway)
