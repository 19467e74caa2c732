"""Storms: a loop is found and named whatever it is made of, and without one no number of frames is a storm."""

from __future__ import annotations

import pytest
from tests.nodes.boxes import World

from netarium.errors import StormError
from netarium.link import hub, storm, switch
from netarium.link.storm import FLOODS_BEFORE_LOOK, find_loop
from netarium.link.vlan import access, trunk
from netarium.nodes.bridging import BridgeSetup, PortSetup
from netarium.nodes.host import Host
from netarium.nodes.switch import Switch
from netarium.units import format_duration
from netarium.wire.ethernet import MAC_BROADCAST, Frame


def shout(host: Host) -> None:
    port = host.ports["eth0"]
    port.transmit(Frame(MAC_BROADCAST, port.mac, 0x88B5, None, None, b"x"))


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> int:
    """Look after fewer floods, so that the test is short."""
    for module in (hub, switch, storm):
        monkeypatch.setattr(module, "FLOODS_BEFORE_LOOK", 500)
    return 500


@pytest.mark.pure("the number of floods is a constant there")
@pytest.mark.parametrize("delay_ns", [0, 10_000, 2_000_000_000])
@pytest.mark.parametrize("kinds", ["switch switch", "hub hub", "hub switch"])
def test_a_loop_ends_in_an_error_that_names_it(soon: int, kinds: str, delay_ns: int) -> None:
    world = World()
    world.watch.remove(world.recorder)
    first, second = kinds.split()
    one, other = getattr(world, first)("one"), getattr(world, second)("other")
    a = world.host("a", "10.0.0.1/24")
    world.link(a, one)
    for _ in range(2):
        world.link(one, other, delay_ns=delay_ns)
    shout(a)
    with pytest.raises(StormError) as caught:
        world.run(10_000_000)
    message = str(caught.value)
    assert "goes round for ever: " in message
    assert "one:p2--other:p1" in message and "one:p3--other:p2" in message
    assert "a:eth0" not in message
    switches = [name for name, kind in (("one", first), ("other", second)) if kind == "switch"]
    assert ("spanning_tree" in message) == bool(switches), "a hub has none"
    if switches:
        assert f"or give {', '.join(sorted(switches))} `spanning_tree: rstp`" in message.replace(
            "other, one", "one, other"
        )
    assert f"a broadcast storm at {format_duration(world.engine.now)}: " in message


def test_the_loop_alone_is_named_not_the_way_to_it() -> None:
    world = World()
    boxes = [world.switch(f"s{number}") for number in range(5)]
    for one, other in ((0, 1), (1, 2), (2, 3), (3, 4), (4, 2)):
        world.link(boxes[one], boxes[other])
    loop = find_loop(boxes[0].ports["p1"], 0) or find_loop(boxes[1].ports["p1"], 0)
    names = {port.name.partition(":")[0] for port, _ in loop}
    assert names == {"s2", "s3", "s4"}


@pytest.mark.pure("the number of floods is a constant there")
def test_without_a_loop_no_number_of_frames_is_a_storm(soon: int) -> None:
    world = World()
    world.watch.remove(world.recorder)
    one, other = world.switch("one"), world.hub("other")
    hosts = [world.host("abc"[number], f"10.0.0.{number + 1}/24") for number in range(3)]
    for host, box in zip(hosts, (one, one, other), strict=True):
        world.link(host, box)
    world.link(one, other)
    for _ in range(5 * soon):
        shout(hosts[0])
        world.run(0.001)
    assert hosts[2].ports["eth0"].frames_received == 5 * soon
    assert one.bridge.floods == 5 * soon


def test_a_cut_cable_is_no_part_of_a_loop() -> None:
    world = World()
    one, other = world.switch("one"), world.switch("other")
    world.link(one, other)
    second = world.link(one, other)
    assert find_loop(one.ports["p1"], 0)
    second.cut()
    assert not find_loop(one.ports["p1"], 0)
    second.heal()
    assert find_loop(one.ports["p1"], 0)


def test_a_ring_of_different_vlans_is_no_loop() -> None:
    world = World()

    def box(name: str, *carried: object) -> Switch:
        ports = {f"p{number}": PortSetup(vlans=each) for number, each in enumerate(carried)}  # type: ignore[arg-type]
        return Switch(*world.common(name), setup=BridgeSetup(ports=ports))

    both = [box(name, trunk([10, 20]), trunk([10, 20]), access(10), access(20)) for name in ("one", "other")]
    split = [box(name, access(10), access(20), access(10), access(20)) for name in ("three", "four")]
    for boxes in (both, split):
        for port in ("p0", "p1"):
            world.link(boxes[0].ports[port], boxes[1].ports[port])
    assert [tag for _, tag in find_loop(both[0].ports["p2"], 0)] == [10, 10]
    assert not find_loop(split[0].ports["p2"], 0)
    assert not find_loop(split[0].ports["p3"], 0)


def test_the_limit_leaves_room_to_watch_a_storm() -> None:
    assert FLOODS_BEFORE_LOOK == 20_000
