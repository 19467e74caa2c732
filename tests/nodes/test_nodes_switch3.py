"""The layer-3 switch: VLANs joined by a router inside, flows by the cache, and when the cache is not asked."""

from __future__ import annotations

import pytest
from tests.nodes.boxes import SECOND, World, ipv4

from netarium.errors import UsageError
from netarium.journey import Drop
from netarium.link.vlan import access, trunk
from netarium.nodes.bridging import BridgeSetup, PortSetup
from netarium.nodes.flow_cache import IDLE_NS
from netarium.nodes.host import Host
from netarium.nodes.switch3 import Switch3
from netarium.stack.routes import Route
from netarium.wire.ethernet import ETHERTYPE_IPV4, MAC_BROADCAST, Frame
from netarium.wire.icmp import IcmpHeader
from netarium.wire.ipv4 import PROTOCOL_ICMP, PROTOCOL_UDP, Ipv4Header
from netarium.wire.udp import UdpHeader


class Core:
    """a and c in VLAN 10, b in VLAN 20, around a layer-3 switch."""

    def __init__(self) -> None:
        self.world = world = World()
        ports = {"p1": PortSetup(access(10)), "p2": PortSetup(access(20)), "p3": PortSetup(access(10))}
        self.switch = Switch3(
            *world.common("core"),
            interfaces={"vlan10": world.setup("10.0.10.1/24"), "vlan20": world.setup("10.0.20.1/24")},
            setup=BridgeSetup(ports=ports),
        )
        self.a = world.host("a", "10.0.10.2/24", gateway="10.0.10.1")
        self.b = world.host("b", "10.0.20.2/24", gateway="10.0.20.1")
        self.c = world.host("c", "10.0.10.3/24", gateway="10.0.10.1")
        for host, port in ((self.a, "p1"), (self.b, "p2"), (self.c, "p3")):
            world.link(host, self.switch.ports[port])

    def counts(self) -> tuple[int, int]:
        return self.switch.routed, self.switch.switched

    def send(self, ttl: int = 64, size: int = 100, options: bytes = b"") -> None:
        """An echo reply from a to b, which nobody answers, sent to the gateway's MAC."""
        header = Ipv4Header(ipv4("10.0.10.2"), ipv4("10.0.20.2"), PROTOCOL_ICMP, ttl, options=options)
        gateway = self.switch.stack.interfaces["vlan10"].mac
        mac = self.a.ports["eth0"].mac
        frame = Frame(gateway, mac, ETHERTYPE_IPV4, header, IcmpHeader(0, 0), bytes(size))
        self.a.ports["eth0"].transmit(frame)
        self.world.run(0.5)


def received(host: Host) -> int:
    return host.ports["eth0"].frames_received


def test_the_first_packet_of_a_flow_is_routed_and_the_next_are_switched_the_same_way() -> None:
    core = Core()
    for number in range(1, 6):
        assert core.world.is_answered(core.a, "10.0.20.2", sequence=number)
        assert core.counts() == (2, 2 * (number - 1))
    asked = core.world.trace(event="received", at="b:eth0", type=8)
    assert len(asked) == 5
    assert {event["ttl"] for event in asked} == {63}
    assert len({(event["mac_source"], event["mac_destination"]) for event in asked}) == 1
    flows = core.switch.flows.entries()
    assert [(each.vlan_in, each.vlan_out, each.packets) for each in flows] == [(10, 20, 4), (20, 10, 4)]


def test_traffic_within_a_vlan_never_touches_the_routing_module() -> None:
    core = Core()
    assert core.world.is_answered(core.a, "10.0.10.3")
    inside = core.switch.stack.interfaces["vlan10"]
    before = inside.frames_in
    for number in range(2, 6):
        assert core.world.is_answered(core.a, "10.0.10.3", sequence=number)
    assert inside.frames_in == before
    assert core.counts() == (0, 0)
    assert received(core.b) == 0


def test_a_broadcast_stays_in_its_vlan_though_the_router_hears_it() -> None:
    core = Core()
    before = received(core.b), received(core.c)
    heard = core.switch.stack.interfaces["vlan10"].frames_in
    core.a.ports["eth0"].transmit(Frame(MAC_BROADCAST, core.a.ports["eth0"].mac, 0x88B5, None, None, b""))
    core.world.run(1)
    assert (received(core.b), received(core.c)) == (before[0], before[1] + 1)
    assert core.switch.stack.interfaces["vlan10"].frames_in == heard + 1


def test_the_switch_itself_answers() -> None:
    core = Core()
    assert core.world.is_answered(core.a, "10.0.10.1")
    assert core.world.is_answered(core.a, "10.0.20.1", sequence=2)
    assert core.counts() == (0, 0)
    assert {entry.vlan for entry in core.switch.mac_table} == {10}


def test_the_last_hop_the_large_packet_and_options_are_the_routing_modules() -> None:
    core = Core()
    core.send()
    core.send()
    assert core.counts() == (1, 1)
    core.send(ttl=1)
    assert core.world.trace(event="dropped", at="core", reason=Drop.TTL_EXPIRED.name)
    assert core.world.trace(event="received", at="a:eth0", type=11)
    core.send(options=b"\x01\x01\x01\x00")
    assert core.counts() == (2, 1)
    core.switch.stack.set_mtu("vlan20", 600)
    core.send()  # a new generation of routes: routed once more, then switched again
    core.send()
    assert core.counts() == (3, 2)
    core.send(size=1000)
    assert core.world.trace(event="dropped", at="core", reason=Drop.FRAGMENTATION_NEEDED.name)


def test_a_route_that_changes_is_seen_at_once() -> None:
    core = Core()
    core.send()
    core.send()
    assert core.counts() == (1, 1)
    stack = core.switch.stack
    stack.routes.add(Route(ipv4("10.0.20.2"), 32, stack.interfaces["vlan10"], ipv4("10.0.10.3")))
    before = received(core.b)
    core.send()
    assert received(core.b) == before
    assert core.world.trace(event="received", at="c:eth0", destination="10.0.20.2")


def test_a_flow_that_was_silent_for_300_s_is_routed_again() -> None:
    core = Core()
    core.send()
    core.world.run(IDLE_NS // SECOND - 2)
    core.send()
    core.send()
    assert core.counts() == (1, 2)
    core.world.run(IDLE_NS // SECOND + 1)
    core.send()
    core.send()
    assert core.counts() == (2, 3)


def test_a_neighbour_that_is_not_proven_of_late_is_used_and_asked_again() -> None:
    core = Core()
    core.send()
    for _ in range(8):
        core.world.run(10)
        core.send()
    assert core.counts() == (1, 8)
    requests = core.world.trace(event="sent", at="core:p2", protocol="ARP", operation="request")
    assert len(requests) >= 2
    assert {event["mac_destination"] for event in requests[1:]} != {"ff:ff:ff:ff:ff:ff"}


def test_a_neighbour_that_answers_no_more_is_the_routing_modules() -> None:
    core = Core()
    core.send()
    core.send()
    core.b.crash()
    for _ in range(20):
        core.world.run(5)
        core.send()
    assert core.switch.routed > 10
    assert core.world.trace(event="received", at="a:eth0", type=3, code=1)


def test_ports_tell_flows_apart() -> None:
    core = Core()
    gateway, mac = core.switch.stack.interfaces["vlan10"].mac, core.a.ports["eth0"].mac
    header = Ipv4Header(ipv4("10.0.10.2"), ipv4("10.0.20.2"), PROTOCOL_UDP, 64)
    for source_port in (1000, 1000, 1001, 1001):
        frame = Frame(gateway, mac, ETHERTYPE_IPV4, header, UdpHeader(source_port, 9), b"")
        core.a.ports["eth0"].transmit(frame)
    core.world.run(1)
    flows = [each for each in core.switch.flows.entries() if each.protocol == PROTOCOL_UDP]
    assert [(each.source_port, each.destination_port) for each in flows] == [(1000, 9), (1001, 9)]


def test_a_filter_takes_every_packet_to_the_routing_module() -> None:
    core = Core()
    seen = []

    def hook(frame: Frame, entered: object, leaving: object) -> Frame:
        seen.append(frame)
        return frame

    core.send()
    core.switch.stack.hooks.add("forward", 0, hook)
    for _ in range(3):
        core.send()
    assert len(seen) == 3
    assert core.counts() == (4, 0)


def test_a_crash_forgets_flows_and_addresses_and_a_boot_begins_anew() -> None:
    core = Core()
    core.send()
    core.send()
    core.switch.crash()
    core.send()
    assert core.world.trace(event="dropped", reason=Drop.NODE_DOWN.name)
    core.switch.boot()
    assert core.switch.mac_table == []
    assert core.counts() == (0, 0)
    core.send()
    core.send()
    assert core.counts() == (1, 1)


def test_a_vlan_interface_has_a_carrier_while_a_port_of_its_vlan_has_one() -> None:
    core = Core()
    carrier = [core.switch.stack.interfaces[name].carrier for name in ("vlan10", "vlan20")]
    assert carrier == [True, True]
    cables = {port.name: port.cable for port in core.switch.ports.values()}
    for name, expected in (("p1", [True, True]), ("p2", [True, False]), ("p3", [False, False])):
        cable = cables[f"core:{name}"]
        assert cable is not None
        cable.cut()
        assert [core.switch.stack.interfaces[each].carrier for each in ("vlan10", "vlan20")] == expected
    core.switch.crash()
    core.switch.boot()
    assert not core.switch.stack.interfaces["vlan20"].carrier
    assert cables["core:p2"] is not None
    cables["core:p2"].heal()
    assert core.switch.stack.interfaces["vlan20"].carrier


def test_over_a_trunk_one_cable_carries_both_vlans() -> None:
    world = World()
    switch = Switch3(
        *world.common("core"),
        interfaces={"vlan10": world.setup("10.0.10.1/24"), "vlan20": world.setup("10.0.20.1/24")},
        setup=BridgeSetup(ports={"down": PortSetup(trunk([10, 20]))}),
    )
    from netarium.nodes.switch import Switch

    ports = {"p1": PortSetup(access(10)), "p2": PortSetup(access(20)), "up": PortSetup(trunk([10, 20]))}
    floor = Switch(*world.common("floor"), setup=BridgeSetup(ports=ports))
    a = world.host("a", "10.0.10.2/24", gateway="10.0.10.1")
    b = world.host("b", "10.0.20.2/24", gateway="10.0.20.1")
    world.link(a, floor.ports["p1"])
    world.link(b, floor.ports["p2"])
    world.link(floor.ports["up"], switch.ports["down"])
    assert world.is_answered(a, "10.0.20.2")
    tags = [event["vlan"] for event in world.trace(event="received", at="core:down", type=8)]
    assert tags == [10]
    tags = [event["vlan"] for event in world.trace(event="sent", at="core:down", type=8)]
    assert tags == [20]


def test_a_host_takes_a_priority_tag_off_and_drops_other_tags_by_name() -> None:
    world = World()
    a, b = world.host("a", "10.0.0.1/24"), world.host("b", "10.0.0.2/24")
    world.link(a, b)
    header = Ipv4Header(ipv4("10.0.0.1"), ipv4("10.0.0.2"), 1, 64)
    for tag in (5 << 13, 5 << 13 | 10):
        echo = Frame(
            b.ports["eth0"].mac,
            a.ports["eth0"].mac,
            ETHERTYPE_IPV4,
            header,
            IcmpHeader(8, 0),
            b"x",
            None,
            tag,
        )
        a.ports["eth0"].transmit(echo)
        world.run(5)
    assert len(world.trace(event="sent", at="b:eth0", type=0)) == 1
    assert "vlan" not in world.trace(event="sent", at="b:eth0", type=0)[0]
    dropped = world.trace(event="dropped", at="b")
    assert [event["reason"] for event in dropped] == [Drop.VLAN_NOT_FOR_HOST.name]


@pytest.mark.parametrize("name", ["eth0", "vlan0", "vlan5000", "vlan010", "vlan"])
def test_an_interface_that_is_no_vlans_is_refused(name: str) -> None:
    world = World()
    with pytest.raises(UsageError, match="vlan"):
        Switch3(*world.common("core"), interfaces={name: world.setup()}, setup=BridgeSetup(vlans=True))
