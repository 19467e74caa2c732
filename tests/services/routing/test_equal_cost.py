"""OSPF installs every next hop of the best cost, and traffic uses all of them."""

from __future__ import annotations

from tests.services.routing.weighted import build, prefix_of

SQUARE = [
    ({0: 5, 1: 5}, "point-to-point"),
    ({0: 5, 2: 5}, "broadcast"),
    ({1: 5, 3: 5}, "broadcast"),
    ({2: 5, 3: 5}, "point-to-point"),
]


def test_two_ways_round_a_square() -> None:
    made = build("ospf", SQUARE, 4)
    made.pass_time(60)
    made.check()
    prefix, length = prefix_of("172.16.3.0/24")
    (route,) = made.net["r0"].node.stack.routes.by_length[length][prefix]
    hops = sorted((each.interface.name, each.metric) for each in route.hops)
    assert hops == [("e0", 11), ("e1", 11)]
    made.cables[prefix_of("10.0.2.0/24")][0].cable.cut()
    made.pass_time(12)
    (route,) = made.net["r0"].node.stack.routes.by_length[length][prefix]
    assert (route.interface.name, route.metric) == ("e1", 11)
