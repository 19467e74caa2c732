"""Counting to infinity (RFC 2453 3.4.3): on a chain of two without split horizon, not with it; on a triangle even with
split horizon, but never beyond 16.

N, 192.168.9.0/24, hangs at router a. Then a is off for a second and comes back without it: nobody tells the others.
"""

from __future__ import annotations

from typing import Any

import pytest
from tests.services.routing.weighted import pass_time

from netarium import Net
from netarium.addresses import parse_ipv4
from netarium.journey import Stop
from netarium.nodes.host import InterfaceSetup
from netarium.wire.ethernet import Frame
from netarium.wire.rip import INFINITY, PORT, RESPONSE, RipMessage
from netarium.wire.udp import UdpHeader

N = parse_ipv4("192.168.9.0")
N_KEY = (N, 24)


class Metrics:
    """What routers say of N: (seconds, port, metric)."""

    def __init__(self, net: Net) -> None:
        self.said: list[tuple[float, str, int]] = []
        net.watch.add(self)

    def frame(self, now: int, port: Any, stop: Stop, frame: Frame) -> None:
        udp = frame.transport
        if stop is Stop.LINK_SENT and isinstance(udp, UdpHeader) and udp.source_port == PORT:
            message = RipMessage.parse(frame.payload)
            for entry in message.entries:
                if message.command == RESPONSE and entry.prefix == N:
                    self.said.append((now / 1e9, port.name, entry.metric))

    def after(self, seconds: float) -> list[int]:
        return [metric for time, _, metric in self.said if time > seconds]


def lose_n(net: Net) -> None:
    """Off for a second, and back without an address on the interface to N."""
    setup = net["a"].node.setup
    net["a"].crash()
    setup.interfaces["n"] = InterfaceSetup(setup.interfaces["n"].mac)
    net.at(f"{net.now_ns // 10**9 + 1}s", net["a"].boot)


def known(net: Net, router: str) -> int | None:
    """The metric of N in a router's table."""
    for route in net[router].node.stack.routes.routes:
        if (route.prefix, route.length) == N_KEY and route.protocol == "rip":
            return route.metric
    return None


def chain(split_horizon: object) -> tuple[Net, Metrics]:
    net = Net(seed=3)
    routing = {"protocol": "rip", "split_horizon": split_horizon}
    net.router("a", interfaces={"n": "192.168.9.1/24", "b": "10.0.0.1/24"}, routing=routing)
    net.router("b", interfaces={"a": "10.0.0.2/24"}, routing=routing)
    net.link("a:b", "b:a")
    metrics = Metrics(net)
    pass_time(net, 60)
    assert known(net, "b") == 2
    lose_n(net)
    return net, metrics


def test_a_chain_of_two_counts_to_16_without_split_horizon() -> None:
    net, metrics = chain(False)
    pass_time(net, 61 + 16 * 5)
    rising = metrics.after(60)
    assert rising[:14] == list(range(2, 16)), "b says 2, a says 3, b says 4, and so on"
    assert max(rising) == INFINITY
    assert known(net, "a") is None and known(net, "b") is None


@pytest.mark.parametrize("split_horizon", [True, "poisoned"])
def test_a_chain_of_two_does_not_count_with_split_horizon(split_horizon: object) -> None:
    net, metrics = chain(split_horizon)
    pass_time(net, 300)
    assert not [metric for metric in metrics.after(60) if 2 <= metric < INFINITY]
    assert known(net, "a") is None
    assert known(net, "b") is None, "timed out after 180 s"


def test_a_triangle_counts_in_spite_of_split_horizon_but_not_beyond_16() -> None:
    """b has not heard a for 40 s when a loses N, so that it gives N up before c does, and believes c's old news."""
    net = Net(seed=3)
    net.router(
        "a",
        interfaces={"n": "192.168.9.1/24", "b": "10.0.1.1/24", "c": "10.0.2.1/24"},
        routing={"protocol": "rip", "split_horizon": True},
    )
    net.router("b", interfaces={"a": "10.0.1.2/24", "c": "10.0.3.2/24"}, routing="rip")
    net.router("c", interfaces={"a": "10.0.2.3/24", "b": "10.0.3.3/24"}, routing="rip")
    a_to_b = net.link("a:b", "b:a")
    net.link("a:c", "c:a")
    net.link("b:c", "c:b")
    metrics = Metrics(net)
    pass_time(net, 60)
    assert (known(net, "b"), known(net, "c")) == (2, 2)
    a_to_b.loss = 1.0
    pass_time(net, 100)
    lose_n(net)
    pass_time(net, 101)
    a_to_b.loss = 0.0
    pass_time(net, 60 + 180 + 40 + 16 * 5)
    seen = metrics.after(101)
    start = max(index for index, metric in enumerate(seen) if metric == 2)
    assert seen[start : start + 15] == list(range(2, 17)), (
        "c says 2, b 3, a 4, c 5, and so on, round the triangle"
    )
    assert set(seen[start + 15 :]) == {INFINITY}
    counting = [time for time, _, metric in metrics.said if 2 < metric < INFINITY]
    assert counting[-1] - counting[0] <= 16 * 5, "triggered updates are at most 5 s apart"
    assert max(seen) == INFINITY
    assert [known(net, router) for router in "abc"] == [None, None, None]
