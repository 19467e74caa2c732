"""The same seed gives the same run with routing too: values or bytes on the cables, watched or not; and it is told."""

from __future__ import annotations

from typing import Any

import pytest

from netarium import Net
from netarium.journey import Cause


def run(protocol: str, seed: int = 1, **options: Any) -> Net:
    net = Net(seed=seed, **options)
    for number in range(3):
        net.router(
            f"r{number}",
            interfaces={
                "left": f"10.0.{number}.2/24",
                "right": f"10.0.{(number + 1) % 3}.1/24",
                "lan": f"10.1.{number}.1/24",
            },
            routing=protocol,
        )
    for number in range(3):
        net.link(f"r{number}:right", f"r{(number + 1) % 3}:left")
    net.at("70s", net.links[0].cut)
    net.drive(100 * 10**9, lambda: False)
    return net


@pytest.mark.parametrize("protocol", ["rip", "ospf"])
def test_the_same_seed_gives_the_same_digest(protocol: str) -> None:
    first = run(protocol)
    assert run(protocol).digest == first.digest
    assert run(protocol, wire="bytes").digest == first.digest
    assert run(protocol, trace=True).digest == first.digest
    assert run(protocol, seed=2).digest != first.digest


@pytest.mark.parametrize("protocol", ["rip", "ospf"])
def test_a_lab_of_routers_alone_ends(protocol: str) -> None:
    net = Net(seed=1)
    net.router("a", interfaces={"m": "10.0.0.1/30"}, routing=protocol)
    net.router("b", interfaces={"m": "10.0.0.2/30"}, routing=protocol)
    net.link("a:m", "b:m")
    net.run()
    assert net.now_ns < 10**9, "nobody but daemons has anything to do"


class States:
    def __init__(self, net: Net) -> None:
        self.told: list[tuple[str, str, str, str, Cause]] = []
        net.watch.add(self)

    def state(self, now: int, node: str, subject: str, before: str, after: str, cause: Cause) -> None:
        if subject.startswith(("ospf", "rip")):
            self.told.append((node, subject, before, after, cause))


def test_neighbors_and_routes_are_told_to_watchers() -> None:
    net = Net(seed=1)
    states = States(net)
    routing = {"protocol": "ospf", "network": {"m": "point-to-point"}}
    net.router("a", interfaces={"m": "10.0.0.1/30"}, routing=routing)
    net.router("b", interfaces={"m": "10.0.0.2/30", "lan": "10.0.5.1/24"}, routing=routing)
    link = net.link("a:m", "b:m")
    net.drive(30 * 10**9, lambda: False)
    steps = [
        (before, after)
        for node, subject, before, after, _ in states.told
        if node == "a" and "neighbor" in subject
    ]
    assert steps == [
        ("Init", "2-Way"), ("2-Way", "ExStart"), ("ExStart", "Exchange"), ("Exchange", "Loading"), ("Loading", "Full"),
    ]  # fmt: skip
    route = ("a", "ospf 10.0.5.0/24", "unreachable", "via 10.0.0.2 dev m metric 11", Cause.NEIGHBOR_ROUTER)
    assert route in states.told
    states.told.clear()
    link.cut()
    net.drive(31 * 10**9, lambda: False)
    assert ("a", "ospf m neighbor 10.0.5.1", "Full", "Down", Cause.OPERATOR) in states.told
