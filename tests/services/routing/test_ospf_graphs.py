"""OSPF on random weighted graphs: path costs equal Dijkstra's; after cuts, crashes and boots too."""

from __future__ import annotations

import random

import pytest
from tests.services.routing.weighted import Weighted, build, cables_of, random_links

SETTLE_S = 70
"""RouterDeadInterval 40 s (waiting for a designated router), MinLSInterval, one retransmission, SPF hold."""

CUT_S = 12
"""A cut is seen at once by the loss of the carrier: MinLSInterval, one retransmission, SPF hold."""


def random_net(seed: int, routers_max: int = 30) -> tuple[Weighted, random.Random]:
    stream = random.Random(seed)
    routers = stream.randint(2, routers_max)
    links = random_links(stream, routers, routers // 2, 30, lans=routers // 6)
    return build("ospf", links, routers, seed=seed), stream


@pytest.mark.parametrize("seed", range(20))
def test_costs_are_dijkstras(seed: int) -> None:
    made, _ = random_net(seed)
    made.pass_time(SETTLE_S)
    made.check()
    assert made.loops() == []


@pytest.mark.parametrize("seed", range(100, 106))
def test_after_a_cut_and_its_repair(seed: int) -> None:
    made, stream = random_net(seed, 15)
    made.pass_time(SETTLE_S)
    cables = cables_of(made)
    for prefix, cable in stream.sample(cables, min(3, len(cables))):
        cable.cut()
        made.cut.append(prefix)
    made.pass_time(CUT_S)
    made.check()
    assert made.loops() == []
    for _, cable in cables:
        cable.heal()
    made.cut.clear()
    made.pass_time(SETTLE_S)
    made.check()


@pytest.mark.parametrize("seed", range(200, 206))
def test_after_a_crash_and_a_boot(seed: int) -> None:
    made, stream = random_net(seed, 15)
    made.pass_time(SETTLE_S)
    victims = stream.sample(made.routers, max(1, len(made.routers) // 5))
    for box in victims:
        box.crash()
    made.pass_time(SETTLE_S)
    made.check()
    for box in victims:
        box.boot()
    made.pass_time(SETTLE_S)
    made.check()
