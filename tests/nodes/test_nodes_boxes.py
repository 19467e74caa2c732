"""Nodes: hosts reach each other through hub, switch and router; power; the one event a host has in the engine."""

from __future__ import annotations

import pytest
from tests.nodes.boxes import SECOND, World, ipv4

from netarium.errors import StormError, UsageError
from netarium.nodes.host import InterfaceSetup, RouteSetup
from netarium.stack.timers import TimerOwner


class Alarm(TimerOwner):
    """A timer that remembers when it rang."""

    def __init__(self) -> None:
        super().__init__()
        self.rang: list[int] = []

    def on_timer(self, now: int) -> None:
        self.rang.append(now)


@pytest.mark.parametrize("middle", ["cable", "hub", "switch"])
def test_two_hosts_reach_each_other(middle: str) -> None:
    world = World()
    a, b = world.host("a", "10.0.0.1/24"), world.host("b", "10.0.0.2/24")
    if middle == "cable":
        world.link(a, b)
    else:
        box = world.hub("box") if middle == "hub" else world.switch("box")
        world.link(a, box)
        world.link(b, box)
    assert world.is_answered(a, "10.0.0.2")
    assert world.is_answered(b, "10.0.0.1")


def test_a_router_forwards_between_its_networks_and_a_host_does_not() -> None:
    for is_router in (True, False):
        world = World()
        a = world.host("a", "10.0.1.1/24", gateway="10.0.1.254")
        b = world.host("b", "10.0.2.1/24", gateway="10.0.2.254")
        middle = world.router("r", "10.0.1.254/24", "10.0.2.254/24")
        if not is_router:
            middle.stack.settings.set("net.ipv4.ip_forward", 0)
        world.link(a, middle.ports["eth0"])
        world.link(b, middle.ports["eth1"])
        assert world.is_answered(a, "10.0.2.1") is is_router
        assert bool(world.trace(event="dropped", reason="IP_NOT_FOR_US")) is not is_router


def test_static_routes_lead_over_two_routers() -> None:
    world = World()
    a = world.host("a", "10.0.1.1/24", gateway="10.0.1.254")
    b = world.host("b", "10.0.3.1/24", gateway="10.0.3.254")
    r1 = world.router(
        "r1", "10.0.1.254/24", "10.0.2.1/24", routes=[RouteSetup(ipv4("10.0.3.0"), 24, ipv4("10.0.2.2"))]
    )
    r2 = world.router(
        "r2", "10.0.2.2/24", "10.0.3.254/24", routes=[RouteSetup(0, 0, ipv4("10.0.2.1"), "eth0")]
    )
    world.link(a, r1.ports["eth0"])
    world.link(r1.ports["eth1"], r2.ports["eth0"])
    world.link(r2.ports["eth1"], b)
    assert world.is_answered(a, "10.0.3.1")
    assert [event["ttl"] for event in world.trace(event="received", at="b:eth0", type=8)] == [62]


def test_a_host_that_crashes_takes_nothing_and_knows_nothing_when_it_boots() -> None:
    world = World()
    a, b = world.host("a", "10.0.0.1/24"), world.host("b", "10.0.0.2/24")
    world.link(a, b)
    told: list[str] = []
    b.on_crash.append(lambda: told.append("crash"))
    b.on_boot.append(lambda: told.append("boot"))
    assert world.is_answered(a, "10.0.0.2")
    old_stack = b.stack
    assert old_stack.interfaces["eth0"].neighbors.listing()
    b.crash()
    b.crash()
    assert not world.is_answered(a, "10.0.0.2")
    assert world.trace(event="dropped", at="b:eth0", reason="NODE_DOWN")
    b.boot()
    b.boot()
    assert told == ["crash", "boot"]
    assert b.stack is not old_stack
    assert not b.stack.interfaces["eth0"].neighbors.listing()
    assert world.is_answered(a, "10.0.0.2")
    states = [(event["before"], event["after"], event["cause"]) for event in world.trace(subject="host")]
    assert states == [("on", "off", "NODE_DOWN"), ("off", "on", "OPERATOR")]


def test_what_still_holds_the_stack_of_a_crashed_host_is_neither_heard_nor_seen() -> None:
    world = World()
    a, b = world.host("a", "10.0.0.1/24"), world.host("b", "10.0.0.2/24")
    world.link(a, b)
    assert world.is_answered(b, "10.0.0.1")
    b.crash()
    before = len(world.recorder.events)
    heap = len(world.engine.heap)
    world.ping(b, "10.0.0.1")
    world.ping(b, "10.0.0.77")  # needs ARP, and its timers
    world.ping(b, "127.0.0.1")
    assert len(world.engine.heap) == heap
    world.run()
    assert len(world.recorder.events) == before


def test_a_crash_forgets_what_was_changed_and_boot_comes_back_to_the_configuration() -> None:
    world = World()
    a = world.host("a", "10.0.0.1/24", settings={"net.ipv4.ip_default_ttl": 9})
    a.stack.settings.set("net.ipv4.ip_default_ttl", 77)
    a.stack.add_address("eth0", ipv4("10.0.0.9"), 24)
    a.crash()
    a.boot()
    assert a.stack.settings.get("net.ipv4.ip_default_ttl") == 9
    assert not a.owns_address(ipv4("10.0.0.9"))
    assert a.owns_address(ipv4("10.0.0.1"))
    assert not a.owns_address(0x7F000001)


def test_a_switch_that_crashes_forgets_its_table() -> None:
    world = World()
    a, b = world.host("a", "10.0.0.1/24"), world.host("b", "10.0.0.2/24")
    switch = world.switch("switch")
    world.link(a, switch)
    world.link(b, switch)
    assert world.is_answered(a, "10.0.0.2")
    assert len(switch.mac_table) == 2
    switch.crash()
    assert switch.mac_table == []
    assert not world.is_answered(a, "10.0.0.2")
    switch.boot()
    assert world.is_answered(a, "10.0.0.2")


def test_a_host_that_starts_switched_off_takes_nothing_until_it_boots() -> None:
    world = World()
    a, b = world.host("a", "10.0.0.1/24"), world.host("b", "10.0.0.2/24", on=False)
    world.link(a, b)
    assert not world.is_answered(a, "10.0.0.2")
    assert world.trace(event="dropped", reason="NODE_DOWN")
    b.boot()
    assert world.is_answered(a, "10.0.0.2")


@pytest.mark.pure("its owner of timers is interpreted")
def test_a_host_polls_its_stack_at_each_deadline_and_has_no_event_more_than_needed() -> None:
    world = World()
    host = world.host("a", "10.0.0.1/24")
    stack = host.stack
    alarms = [Alarm() for _ in range(3)]

    def arm(alarm: Alarm, at_ns: int) -> None:
        stack.enter(world.engine.now)
        stack.timers.arm(alarm, at_ns)
        stack.settle()

    arm(alarms[0], 500)
    assert len(world.engine.heap) == 1
    arm(alarms[1], 900)  # later: the host's event stays as it is
    assert len(world.engine.heap) == 1
    arm(alarms[2], 200)  # sooner: a new one
    assert len(world.engine.heap) == 2
    arm(alarms[2], 700)  # later again: the event at 200 finds nothing due
    world.run()
    assert [alarm.rang for alarm in alarms] == [[500], [900], [700]]
    assert world.engine.heap == []
    assert world.engine.fired == 4  # 200, 500, 700, 900


@pytest.mark.pure("its owner of timers is interpreted")
def test_timers_of_a_crashed_host_never_ring() -> None:
    world = World()
    host = world.host("a", "10.0.0.1/24")
    alarm, after = Alarm(), Alarm()
    host.stack.timers.arm(alarm, 5 * SECOND)
    host.stack.settle()
    assert host.has_foreground()
    host.crash()
    assert not host.has_foreground()
    host.boot()
    host.stack.timers.arm(after, 6 * SECOND)
    host.stack.settle()
    world.run()
    assert alarm.rang == []
    assert after.rang == [6 * SECOND]


def test_a_nic_can_be_added_to_a_running_host() -> None:
    world = World()
    a, b = world.host("a", "10.0.0.1/24"), world.host("b", "10.0.0.2/24")
    world.link(a, b)
    c = world.host("c", "10.0.9.2/24")
    world.link(a.add_interface("eth1", world.setup("10.0.9.1/24")), c)
    assert world.is_answered(c, "10.0.9.1")
    a.crash()
    a.boot()
    assert world.is_answered(c, "10.0.9.1")
    with pytest.raises(UsageError, match="already has a port eth1"):
        a.add_interface("eth1", world.setup())
    with pytest.raises(UsageError, match="lo"):
        a.add_interface("lo", world.setup())


def test_every_port_and_every_loopback_has_a_number_of_its_own() -> None:
    world = World()
    a, b, switch = world.host("a", "10.0.0.1/24"), world.host("b", "10.0.0.2/24"), world.switch("s")
    world.link(a, switch)
    world.link(b, switch)
    ports = [a.loopback, a.ports["eth0"], b.loopback, b.ports["eth0"], *switch.ports.values()]
    assert [port.number for port in ports] == list(range(6))
    assert [port.name for port in ports] == ["a:lo", "a:eth0", "b:lo", "b:eth0", "s:p1", "s:p2"]


def test_frames_of_lo_are_shown_under_its_name() -> None:
    world = World()
    a = world.host("a", "10.0.0.1/24")
    world.ping(a, "127.0.0.1")
    assert [(event["event"], event["type"]) for event in world.trace(at="a:lo")] == [
        ("sent", 8),
        ("received", 8),
        ("sent", 0),
        ("received", 0),
    ]


@pytest.mark.parametrize("name", ["", "a:b", "a/b", " a"])
def test_a_name_that_would_be_ambiguous_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="no name for a node"):
        World().switch(name)


def test_a_configuration_that_cannot_work_is_refused_by_name() -> None:
    world = World()
    with pytest.raises(UsageError, match=r"gateway 10\.9\.9\.9 is in no network"):
        world.host("a", "10.0.0.1/24", gateway="10.9.9.9")
    with pytest.raises(UsageError, match="no interface eth7; it has lo, eth0"):
        world.host("b", "10.0.0.1/24", routes=[RouteSetup(0, 0, ipv4("10.0.0.2"), "eth7")])


def test_two_boots_of_a_host_do_not_repeat_their_randomness_but_two_runs_do() -> None:
    def draws() -> list[int]:
        world = World()
        host = world.host("a", "10.0.0.1/24")
        drawn = [host.stack.random.getrandbits(64)]
        host.crash()
        host.boot()
        return [*drawn, host.stack.random.getrandbits(64)]

    first, second = draws(), draws()
    assert first == second
    assert first[0] != first[1]


def test_an_interface_without_addresses_can_be_configured() -> None:
    world = World()
    host = world.host("a")
    assert host.stack.interfaces["eth0"].addresses == []
    assert isinstance(host.setup.interfaces["eth0"], InterfaceSetup)


def test_a_loop_of_cables_that_take_no_time_is_a_storm() -> None:
    world = World()
    a = world.host("a", "10.0.0.1/24")
    one, other = world.switch("one"), world.switch("other")
    world.link(a, one)
    for _ in range(2):
        world.link(one, other, delay_ns=0, rate_bps=None)
    world.engine.events_per_instant_max = 1000
    world.ping(a, "10.0.0.2")
    with pytest.raises(StormError, match="more than 1000 events at 10512 ns"):
        world.run()
