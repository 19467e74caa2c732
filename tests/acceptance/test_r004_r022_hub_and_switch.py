"""R004, R005, R014 to R017 and R022: where frames go at layer 2, in nets of hosts, hubs, switches and a router."""

from __future__ import annotations

import pytest
from tests.nodes.boxes import World

from netarium.nodes.host import Host
from netarium.wire.ethernet import ETHERTYPE_IPV4, MAC_BROADCAST, Frame
from netarium.wire.ipv4 import Ipv4Header
from netarium.wire.udp import UdpHeader

ETHERTYPE_TEST = 0x88B5


def lan(middle: str, count: int = 4) -> tuple[World, list[Host]]:
    world = World()
    box = world.hub("box") if middle == "hub" else world.switch("box")
    hosts = [world.host("abcd"[number], f"10.0.0.{number + 1}/24") for number in range(count)]
    for host in hosts:
        world.link(host, box)
    return world, hosts


def mac(host: Host) -> int:
    return host.ports["eth0"].mac


def reached(
    world: World, hosts: list[Host], sender: Host, destination: int, payload: bytes = b"x"
) -> list[str]:
    """Send one frame that nobody answers; the names of the hosts whose NICs saw it."""
    before = [host.ports["eth0"].frames_received for host in hosts]
    sender.ports["eth0"].transmit(Frame(destination, mac(sender), ETHERTYPE_TEST, None, None, payload))
    world.run(0.01)
    return [
        host.name
        for host, count in zip(hosts, before, strict=True)
        if host.ports["eth0"].frames_received > count
    ]


def test_r004_a_hub_repeats_to_all_others_and_a_third_nic_sees_and_drops() -> None:
    world, hosts = lan("hub")
    a, b, c, _ = hosts
    assert reached(world, hosts, a, mac(b)) == ["b", "c", "d"]
    assert reached(world, hosts, a, mac(a) + 99) == ["b", "c", "d"]
    assert c.stack.interfaces["eth0"].drops_in == 2
    assert len(world.trace(event="dropped", at="c", reason="NOT_FOR_THIS_MAC")) == 2


def test_r005_r014_what_reaches_three_by_hub_reaches_one_by_a_switch_that_has_learnt() -> None:
    world, hosts = lan("switch")
    a, b, *_ = hosts
    reached(world, hosts, b, mac(a))
    assert reached(world, hosts, a, mac(b)) == ["b"]


@pytest.mark.parametrize("middle", ["hub", "switch"])
def test_r015_a_broadcast_leaves_by_all_ports_but_the_one_it_came_in_by(middle: str) -> None:
    world, hosts = lan(middle)
    for sender in hosts:
        assert reached(world, hosts, sender, MAC_BROADCAST) == [h.name for h in hosts if h is not sender]


def test_r016_two_switches_with_two_links_multiply_a_broadcast_until_one_link_is_cut() -> None:
    world = World()
    world.watch.remove(world.recorder)
    a = world.host("a", "10.0.0.1/24")
    one, other = world.switch("one"), world.switch("other")
    world.link(a, one)
    world.link(one, other)
    second = world.link(one, other)

    def passed() -> int:
        return sum(port.frames_received for switch in (one, other) for port in switch.ports.values())

    a.ports["eth0"].transmit(Frame(MAC_BROADCAST, mac(a), ETHERTYPE_TEST, None, None, b"x"))
    world.run(0.001)
    early = passed()
    world.run(0.001)
    assert early > 50
    assert passed() > early + 50  # it goes on
    second.cut()
    world.run(0.001)
    after = passed()
    world.run(1)
    assert passed() == after
    assert world.engine.foreground == 0


def test_r017_a_broadcast_never_appears_behind_a_router() -> None:
    world = World()
    near, far = world.host("near", "10.0.1.1/24"), world.host("far", "10.0.2.1/24")
    router = world.router("r", "10.0.1.254/24", "10.0.2.254/24")
    world.link(near, router.ports["eth0"])
    world.link(far, router.ports["eth1"])
    assert reached(world, [near, far], near, MAC_BROADCAST) == []
    header = Ipv4Header(0x0A000101, 0xFFFFFFFF, 17, 64)
    sent = Frame(MAC_BROADCAST, mac(near), ETHERTYPE_IPV4, header, UdpHeader(68, 67), b"x")
    near.ports["eth0"].transmit(sent)
    world.run()
    assert router.ports["eth0"].frames_received == 2
    assert router.ports["eth1"].frames_sent == 0


def test_r022_a_switch_decides_the_same_whatever_the_ip_header_says() -> None:
    world, hosts = lan("switch")
    a, b, c, d = hosts
    reached(world, hosts, b, mac(a))
    for source, destination, protocol in ((1, 2, 6), (0x0A000004, 0x0A000003, 17), (0, 0xFFFFFFFF, 1)):
        before = [host.ports["eth0"].frames_received for host in (b, c, d)]
        header = Ipv4Header(source, destination, protocol, 1)
        sent = Frame(mac(b), mac(a), ETHERTYPE_IPV4, header, None, b"x")
        a.ports["eth0"].transmit(Frame.parse(bytes(sent)))  # as it would come from a wire, faults named
        world.run(0.01)
        after = [host.ports["eth0"].frames_received for host in (b, c, d)]
        assert [now - then for now, then in zip(after, before, strict=True)] == [1, 0, 0]
