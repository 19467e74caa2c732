"""Several next hops of equal cost: a flow keeps its way, flows are spread, and a way that is down is not taken."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.acceptance.frames_seen import FramesSeen

from netarium import Net
from netarium.addresses import parse_ipv4
from netarium.control import Control
from netarium.stack.failures import Failure
from netarium.stack.routes import flow_hash
from netarium.wire.ethernet import ETHERTYPE_IPV4, Frame
from netarium.wire.ipv4 import PROTOCOL_UDP, Ipv4Header
from netarium.wire.udp import UdpHeader

PREFIX = parse_ipv4("10.9.0.0")
HOPS = ((parse_ipv4("10.0.1.2"), "one"), (parse_ipv4("10.0.2.2"), "two"))


def forked(policy: int = 0) -> tuple[Net, Control, FramesSeen]:
    """A router with two ways to 10.9.0.0/16, their neighbours known."""
    net = Net(seed=1)
    r = net.router(
        "r",
        interfaces={"in": "10.0.0.1/24", "one": "10.0.1.1/24", "two": "10.0.2.1/24"},
        settings={"net.ipv4.fib_multipath_hash_policy": policy},
    )
    for name in ("in", "one", "two"):
        net.link(f"r:{name}", net.host(f"h-{name}", address=f"10.7.{len(name)}.{ord(name[0])}/32"))
    control = Control(r.node.stack, lambda: net.now_ns)
    for gateway, name in HOPS:
        assert control.add_neighbor(name, gateway, 0x020000000099) is None
    assert control.add_route(PREFIX, 16, hops=HOPS, metric=5, protocol="ospf") is None
    return net, control, FramesSeen(net)


def send(net: Net, source: int, destination: int, port: int = 9) -> None:
    header = Ipv4Header(source, destination, PROTOCOL_UDP, 64)
    mac = net["r"].node.ports["in"].mac
    net["h-in"].node.ports["eth0"].transmit(
        Frame(mac, 0x02AAAAAAAAAA, ETHERTYPE_IPV4, header, UdpHeader(port, 9), b"x")
    )
    net.run()


def ways(seen: FramesSeen) -> list[str]:
    return [port.partition(":")[2] for port, _ in seen.sent if port in ("r:one", "r:two")]


def test_a_flow_keeps_its_way_and_flows_are_spread() -> None:
    net, _, seen = forked()
    by_flow = {}
    for source in range(40):
        for _ in range(3):
            seen.clear()
            send(net, parse_ipv4("10.0.0.9") + source, PREFIX + 77)
            (way,) = ways(seen)
            assert by_flow.setdefault(source, way) == way
    counts = Counter(by_flow.values())
    assert min(counts["one"], counts["two"]) >= 10, counts


@pytest.mark.parametrize(("policy", "spread"), [(0, False), (1, True)])
def test_ports_count_with_hash_policy_1_only(policy: int, spread: bool) -> None:
    net, _, seen = forked(policy)
    for port in range(1000, 1040):
        send(net, parse_ipv4("10.0.0.9"), PREFIX + 77, port)
    assert (len(set(ways(seen))) == 2) is spread


def test_a_way_that_is_down_is_not_taken() -> None:
    net, control, seen = forked()
    assert control.set_interface_up("one", False) is None
    for source in range(10):
        send(net, parse_ipv4("10.0.0.9") + source, PREFIX + 77)
    assert ways(seen) == ["two"] * 10
    assert control.set_interface_up("two", False) is None
    assert control.route_to(PREFIX + 77) is None


def test_own_packets_too_and_the_way_of_a_lookup_is_one() -> None:
    _, control, _ = forked()
    found = Counter(control.route_to(PREFIX + each).interface.name for each in range(64))  # type: ignore[union-attr]
    assert min(found["one"], found["two"]) >= 16


def test_what_control_says_of_it() -> None:
    _, control, _ = forked()
    (route,) = [each for each in control.routes() if each.prefix == PREFIX]
    assert repr(route) == (
        "10.9.0.0/16 proto ospf metric 5 nexthop via 10.0.1.2 dev one nexthop via 10.0.2.2 dev two"
    )
    assert control.add_route(PREFIX, 16, hops=HOPS, metric=5) is Failure.EXISTS
    assert (
        control.add_route(PREFIX, 16, hops=((HOPS[0][0], "nowhere"), HOPS[1]), metric=6) is Failure.NO_DEVICE
    )
    assert control.remove_route(PREFIX, 16, gateway=HOPS[0][0], metric=5) is None
    assert not [each for each in control.routes() if each.prefix == PREFIX]


@given(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1))
def test_the_hash_has_32_bits(salt: int, source: int, destination: int) -> None:
    assert 0 <= flow_hash(salt, source, destination) < 1 << 32
