"""R018 learn, R019 look up, R020 flood and relearn: a switch between hosts, by counts of frames per port."""

from __future__ import annotations

from tests.nodes.boxes import SECOND, World

from netarium.journey import Drop
from netarium.nodes.host import Host
from netarium.nodes.switch import Switch
from netarium.wire.ethernet import Frame


def office(count: int = 4) -> tuple[World, Switch, list[Host]]:
    world = World()
    switch = world.switch("office")
    hosts = [world.host("abcd"[number], f"10.0.0.{number + 1}/24") for number in range(count)]
    for host in hosts:
        world.link(host, switch)
    return world, switch, hosts


def send(world: World, sender: Host, receiver: Host) -> None:
    """One frame that nobody answers."""
    frame = Frame(receiver.ports["eth0"].mac, sender.ports["eth0"].mac, 0x88B5, None, None, b"x")
    sender.ports["eth0"].transmit(frame)
    world.run(1)


def table(switch: Switch) -> dict[int, str]:
    return {entry.mac: entry.port.name for entry in switch.mac_table}


def sent(switch: Switch) -> list[int]:
    return [port.frames_sent for port in switch.ports.values()]


def test_r018_the_first_frame_of_a_teaches_where_a_is() -> None:
    world, switch, (a, b, *_) = office()
    assert switch.mac_table == []
    send(world, a, b)
    assert table(switch) == {a.ports["eth0"].mac: "office:p1"}


def test_r018_moving_a_to_another_port_updates_the_entry() -> None:
    world, switch, (a, b, *_) = office()
    send(world, a, b)
    cable = a.ports["eth0"].cable
    assert cable is not None
    cable.unplug()
    world.link(a, switch)  # a new port, p5
    send(world, a, b)
    assert table(switch) == {a.ports["eth0"].mac: "office:p5"}
    send(world, b, a)
    assert switch.ports["p5"].frames_sent == 1
    assert switch.ports["p1"].frames_sent == 0


def test_r018_entries_age_out_after_300_s() -> None:
    world, switch, (a, b, *_) = office()
    send(world, a, b)
    world.run(298)
    assert len(switch.mac_table) == 1
    assert switch.mac_table[0].age_ns // SECOND == 298
    world.run(3)
    assert switch.mac_table == []


def test_r019_after_learning_other_ports_see_nothing() -> None:
    world, switch, (a, b, c, d) = office()
    send(world, b, a)
    before = sent(switch)
    for _ in range(5):
        send(world, a, b)
    assert [now - then for now, then in zip(sent(switch), before, strict=True)] == [0, 5, 0, 0]
    assert c.ports["eth0"].frames_received == 1  # the flooded one, from before
    assert d.ports["eth0"].frames_received == 1


def test_r019_a_destination_behind_the_same_port_is_filtered() -> None:
    world, switch, _ = office(2)
    hub = world.hub("hub")
    x, y = world.host("x", "10.0.0.8/24"), world.host("y", "10.0.0.9/24")
    for end in (x, y, switch):
        world.link(hub, end)
    send(world, x, y)
    send(world, y, x)
    before = sent(switch)
    send(world, x, y)  # the hub carries it to y and to the switch
    assert sent(switch) == before
    assert world.trace(event="dropped", reason=Drop.SWITCH_SAME_PORT.name, at="office:p3")


def test_r020_flood_then_unicast_by_counts_of_every_port() -> None:
    world, switch, (a, b, *_) = office()
    send(world, a, b)
    assert sent(switch) == [0, 1, 1, 1]  # flooded, not to where it came from
    send(world, b, a)
    assert sent(switch) == [1, 1, 1, 1]
    send(world, a, b)
    assert sent(switch) == [1, 2, 1, 1]


def test_r020_hosts_that_ping_teach_the_switch() -> None:
    world, switch, (a, b, c, _) = office()
    assert world.is_answered(a, "10.0.0.2")
    assert table(switch) == {a.ports["eth0"].mac: "office:p1", b.ports["eth0"].mac: "office:p2"}
    flooded = c.ports["eth0"].frames_received
    assert flooded == 1  # the ARP request alone
    assert world.is_answered(a, "10.0.0.2", sequence=2)
    assert c.ports["eth0"].frames_received == flooded
