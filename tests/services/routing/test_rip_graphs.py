"""RIP on random weighted graphs: costs equal Dijkstra's where they are below 16, farther is unreachable; it converges
again after cuts, crashes and boots, and no loop outlives the protocol's bound.
"""

from __future__ import annotations

import random

import pytest
from tests.services.routing.weighted import Weighted, build, cables_of, random_links

from netarium.wire.rip import INFINITY

SETTLE_S = 120
"""A triggered update every 1 to 5 s, a diameter of below 16."""
LOST_S = 180 + 16 * 5 + 35
"""The time-out; 16 rounds of counting by triggered updates, at most 5 s apart; and one periodic update."""


def random_net(seed: int, routers_max: int, cost_max: int) -> tuple[Weighted, random.Random]:
    stream = random.Random(seed)
    routers = stream.randint(2, routers_max)
    links = random_links(stream, routers, routers // 2, cost_max, lans=routers // 6)
    return build("rip", links, routers, seed=seed), stream


@pytest.mark.parametrize(("seed", "cost_max"), [(seed, 1 + seed % 4) for seed in range(20)])
def test_costs_are_dijkstras_up_to_15(seed: int, cost_max: int) -> None:
    made, _ = random_net(seed, 30, cost_max)
    made.pass_time(SETTLE_S)
    made.check(INFINITY)
    assert made.loops() == []


def test_farther_than_15_is_unreachable() -> None:
    """A chain of 18: the routers at its ends are 17 links apart."""
    made = build("rip", [({number: 1, number + 1: 1}, "") for number in range(17)], 18)
    made.pass_time(SETTLE_S)
    made.check(INFINITY)
    reached = made.installed()["r0"]
    assert max(reached.values()) == 15
    assert len(made.costs) - len(reached) - 2 == 17 + 18 - 2 - (14 + 14), "links and stubs beyond hop 15"


@pytest.mark.parametrize("seed", range(300, 306))
def test_after_cuts_crashes_and_boots(seed: int) -> None:
    made, stream = random_net(seed, 12, 2)
    made.pass_time(SETTLE_S)
    victim = stream.choice(made.routers)
    victim.crash()
    prefix, cable = stream.choice(cables_of(made))
    cable.cut()
    made.cut.append(prefix)
    made.pass_time(LOST_S)
    assert made.loops() == [], "no loop outlives the bound"
    made.check(INFINITY)
    victim.boot()
    cable.heal()
    made.cut.clear()
    made.pass_time(SETTLE_S)
    made.check(INFINITY)
