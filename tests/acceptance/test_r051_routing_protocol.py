"""R051: on a weighted graph of 5 routers the costs of routes equal Dijkstra's; after a cut they converge again."""

from __future__ import annotations

import pytest
from tests.services.routing.weighted import build, prefix_of

LINKS = [  # (router, router, cost in both directions)
    (0, 1, 1),
    (1, 2, 2),
    (2, 3, 1),
    (0, 3, 4),
    (1, 3, 7),
    (3, 4, 2),
    (0, 4, 8),
]


@pytest.mark.parametrize("protocol", ["ospf", "rip"])
def test_r051_costs_are_dijkstras_and_converge_after_a_cut(protocol: str) -> None:
    made = build(protocol, [({a: cost, b: cost}, "broadcast") for a, b, cost in LINKS], 5)
    made.pass_time(90)
    infinity = 16 if protocol == "rip" else 1 << 30
    made.check(infinity)
    stub = prefix_of("172.16.4.0/24")
    assert made.installed()["r0"][stub] == 7, "by r3 at 4, or by r1 and r2 at 4; then 2, and the stub's 1"
    cut = prefix_of("10.0.5.0/24")  # r3 - r4
    made.cables[cut][0].cable.cut()
    made.cut.append(cut)
    made.pass_time(120 if protocol == "rip" else 12)
    assert made.installed()["r0"][stub] == 9, "r0 - r4 at 8 is the only way left, and the stub's 1"
    made.check(infinity)
    assert made.loops() == []
