"""R052: the trace of a lookup: connected, learned, default. R053: without a gateway a host reaches its LAN only."""

from __future__ import annotations

import errno
from typing import Any

from tests.acceptance.frames_seen import ask, echo_server

from netarium import Net
from netarium.journey import Stop


class Lookups:
    """Observer of route lookups on one node: destination -> what was looked at, what won and why."""

    def __init__(self, net: Net, node: str) -> None:
        self.node = node
        self.found: dict[str, dict[str, Any]] = {}
        net.watch.add(self)

    def step(self, now: int, node: str, stop: Stop, subject: str, details: dict[str, Any]) -> None:
        if node == self.node and stop is Stop.ROUTE:
            self.found[subject.removeprefix("for ")] = details


def test_r052_the_lookup_is_told_connected_learned_default() -> None:
    net = Net(seed=1)
    net.router(
        "r1",
        interfaces={"lan": "10.0.1.1/24", "mid": "10.0.2.1/24", "up": "10.0.9.1/24"},
        gateway="10.0.9.2",
        routing={"protocol": "ospf", "network": {"mid": "point-to-point"}, "passive": ["up", "lan"]},
    )
    net.router(
        "r2",
        interfaces={"mid": "10.0.2.2/24", "far": "10.0.3.1/24"},
        routing={"protocol": "ospf", "network": {"mid": "point-to-point"}},
    )
    outer = net.router("outer", interfaces={"down": "10.0.9.2/24", "net": "203.0.113.1/24"})
    pc = net.host("pc", address="10.0.1.2/24", gateway="10.0.1.1")
    near = net.host("near", address="10.0.2.9/24", gateway="10.0.2.2")
    far = net.host("far", address="10.0.3.2/24", gateway="10.0.3.1")
    switch = net.switch("s")
    for one, other in (
        (pc, "r1:lan"),
        (near, switch),
        ("r1:mid", switch),
        ("r2:mid", switch),
        ("r2:far", far),
    ):
        net.link(one, other)
    net.link("r1:up", "outer:down")
    assert outer.on
    net.drive(60 * 10**9, lambda: False)
    lookups = Lookups(net, "r1")
    for target in ("10.0.2.9", "10.0.3.2", "198.51.100.7"):
        pc.call(ask, target, b"x", 1.0)
    connected, learned, default = (lookups.found[each] for each in ("10.0.2.9", "10.0.3.2", "198.51.100.7"))
    assert connected["winner"].startswith("10.0.2.0/24 dev mid proto kernel")
    assert learned["winner"].startswith("10.0.3.0/24 via 10.0.2.2 dev mid proto ospf metric 2")
    assert default["winner"].startswith("0.0.0.0/0 via 10.0.9.2 dev up proto static")
    assert connected["reason"] == learned["reason"] == "the longest prefix that matches"
    assert default["reason"] == "the only route that matches"
    assert [len(each["candidates"]) for each in (connected, learned, default)] == [2, 2, 1]


def test_r053_without_a_gateway_only_the_lan_is_reached() -> None:
    net = Net(seed=1)
    switch = net.switch("s")
    bare = net.host("bare", address="10.0.1.2/24", link=switch)
    full = net.host("full", address="10.0.1.3/24", gateway="10.0.1.1", link=switch)
    local = net.host("local", address="10.0.1.4/24", link=switch)
    net.router("r", interfaces={"a": "10.0.1.1/24", "b": "10.0.2.1/24"})
    far = net.host("far", address="10.0.2.2/24", gateway="10.0.2.1")
    net.link("r:a", switch)
    net.link("r:b", far)
    for host in (local, far):
        host.run(echo_server())
    assert bare.call(ask, "10.0.1.4") == (b"HELLO", "10.0.1.4")
    error = bare.call(ask, "10.0.2.2")
    assert isinstance(error, OSError) and error.errno == errno.ENETUNREACH
    assert full.call(ask, "10.0.1.4") == (b"HELLO", "10.0.1.4")
    assert full.call(ask, "10.0.2.2") == (b"HELLO", "10.0.2.2")
