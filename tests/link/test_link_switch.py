"""Hub and switch: where a frame goes, what is learnt, moved, aged and forgotten."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.link.wires import ETHERTYPE_TEST, Bench, Keeper

from netarium.journey import Drop
from netarium.link.hub import Repeater
from netarium.link.port import Port
from netarium.link.switch import AGEING_NS, Bridge
from netarium.wire.ethernet import ETHERTYPE_IPV4, MAC_BROADCAST, Frame
from netarium.wire.ipv4 import Ipv4Header

SECOND = 1_000_000_000


class Box:
    """A bridge or repeater with `count` stations around it; station 0 has MAC 0xA0 and so on."""

    def __init__(self, inside: type[Bridge] | type[Repeater], count: int = 4) -> None:
        self.bench = Bench()
        if inside is Bridge:
            self.inside: Bridge | Repeater = Bridge("box", self.bench.engine, self.bench.watch)
        else:
            self.inside = Repeater()
        self.stations: list[Port] = []
        self.keepers: list[Keeper] = []
        self.cables = []
        for number in range(count):
            station, keeper = self.bench.port(f"s{number}:eth0")
            port = Port(f"box:p{number}", 100 + number, 0, self.inside, self.bench.engine, self.bench.watch)
            self.inside.ports.append(port)
            self.cables.append(self.bench.cable(station, port))
            self.stations.append(station)
            self.keepers.append(keeper)

    @property
    def bridge(self) -> Bridge:
        assert isinstance(self.inside, Bridge)
        return self.inside

    def send(
        self, station: int, destination: int, source: int | None = None, payload: bytes = b""
    ) -> list[int]:
        """Send one frame; returns the stations it reached."""
        before = [len(keeper.got) for keeper in self.keepers]
        source = 0xA0 + station if source is None else source
        self.stations[station].transmit(Frame(destination, source, ETHERTYPE_TEST, None, None, payload))
        self.bench.run()
        return [number for number, keeper in enumerate(self.keepers) if len(keeper.got) > before[number]]

    def table(self) -> dict[int, str]:
        return {entry.mac: entry.port.name for entry in self.bridge.mac_table()}


def wait(box: Box, seconds: float) -> None:
    class Nothing:
        def fire(self, argument: object) -> None:
            pass

    box.bench.engine.at(box.bench.engine.now + int(seconds * SECOND), Nothing())
    box.bench.run()


@pytest.mark.parametrize("destination", [0xA1, 0xA0, MAC_BROADCAST, 0x01005E000001, 0x0180C2000000])
def test_a_hub_repeats_everything_to_all_others(destination: int) -> None:
    box = Box(Repeater)
    assert box.send(0, destination) == [1, 2, 3]
    assert box.send(2, destination) == [0, 1, 3]


def test_a_switch_floods_what_it_does_not_know_and_learns_from_the_answer() -> None:
    box = Box(Bridge)
    assert box.send(0, 0xA1) == [1, 2, 3]
    assert box.table() == {0xA0: "box:p0"}
    assert box.send(1, 0xA0) == [0]
    assert box.send(0, 0xA1) == [1]
    assert box.table() == {0xA0: "box:p0", 0xA1: "box:p1"}


@pytest.mark.parametrize("destination", [MAC_BROADCAST, 0x01005E000001])
def test_broadcast_and_multicast_are_always_flooded(destination: int) -> None:
    box = Box(Bridge)
    box.send(1, 0xA0)
    assert box.send(0, destination) == [1, 2, 3]
    assert destination not in box.table()


def test_a_frame_for_the_port_it_came_from_is_filtered() -> None:
    box = Box(Bridge)
    box.send(0, 0xBB, source=0xB1)  # two stations behind one port, as behind a hub
    box.send(0, 0xBB, source=0xB2)
    assert box.send(0, 0xB1, source=0xB2) == []
    assert box.bench.drops.all[-1] == ("box:p0", Drop.SWITCH_SAME_PORT)


def test_an_address_that_turns_up_elsewhere_moves() -> None:
    box = Box(Bridge)
    box.send(0, 0xA1)
    box.send(3, 0xA1, source=0xA0)
    assert box.table()[0xA0] == "box:p3"
    assert box.send(1, 0xA0) == [3]


def test_a_group_address_as_source_is_not_learnt() -> None:
    box = Box(Bridge)
    box.send(0, 0xA1, source=0x01005E000001)
    assert box.table() == {}


@pytest.mark.parametrize("last", [0x0, 0x3, 0xE, 0xF])
def test_reserved_addresses_stay_on_their_cable(last: int) -> None:
    box = Box(Bridge)
    assert box.send(0, 0x0180C2000000 + last) == []
    assert box.bench.drops.reasons == [Drop.SWITCH_RESERVED]
    assert box.send(0, 0x0180C2000010) == [1, 2, 3]


def test_an_entry_counts_until_300_s_after_the_last_frame_and_not_longer() -> None:
    box = Box(Bridge)
    assert AGEING_NS == 300 * SECOND
    box.send(0, 0xFF)
    wait(box, 299)
    assert box.send(1, 0xA0) == [0]
    assert [entry.age_ns // SECOND for entry in box.bridge.mac_table() if entry.mac == 0xA0] == [299]
    wait(box, 1.1)
    assert box.send(1, 0xA0) == [0, 2, 3]
    assert 0xA0 not in box.table()
    box.send(0, 0xFF)
    assert box.send(1, 0xA0) == [0]


def test_a_frame_renews_the_entry_of_its_source() -> None:
    box = Box(Bridge)
    for _ in range(3):
        box.send(0, 0xFF)
        wait(box, 200)
    assert box.send(1, 0xA0) == [0]


def test_a_cut_cable_makes_the_switch_forget_what_was_behind_it() -> None:
    box = Box(Bridge)
    box.send(0, 0xFF)
    box.send(1, 0xFF)
    box.cables[0].cut()
    assert box.table() == {0xA1: "box:p1"}
    assert box.send(1, 0xA0) == [2, 3]  # flooding leaves out the dead port
    box.cables[0].heal()
    assert box.send(1, 0xA0) == [0, 2, 3]


def test_a_switch_with_nowhere_to_send_says_so() -> None:
    box = Box(Bridge, count=1)
    assert box.send(0, 0xA1) == []
    assert box.bench.drops.reasons == [Drop.SWITCH_NO_PORT]


def test_a_full_table_learns_nothing_new_until_entries_age() -> None:
    box = Box(Bridge)
    box.bridge.entries_max = 2
    box.send(0, 0xFF, source=0xC1)
    box.send(0, 0xFF, source=0xC2)
    box.send(0, 0xFF, source=0xC3)
    assert set(box.table()) == {0xC1, 0xC2}
    assert box.bridge.table_full == 1
    assert box.send(1, 0xC3, source=0xC1) == [0, 2, 3]  # unknown: flooded; and a known one still moves
    wait(box, 301)
    box.send(0, 0xFF, source=0xC3)
    assert set(box.table()) == {0xC3}


@given(
    limits=st.dictionaries(st.integers(0, 3), st.integers(0, 3), min_size=1),
    room=st.integers(1, 6),
    acts=st.lists(
        st.tuples(st.integers(0, 3), st.integers(0xC0, 0xC5), st.sampled_from([0, 0, 100, 250])), max_size=30
    ),
)
def test_limits_hold_whatever_is_sent_moves_ages_and_is_cut(
    limits: dict[int, int], room: int, acts: list[tuple[int, int, int]]
) -> None:
    box = Box(Bridge)
    bridge = box.bridge
    bridge.entries_max = room
    for number, most in limits.items():
        bridge.limit(bridge.ports[number], most)
    for number, (station, source, seconds) in enumerate(acts):
        box.send(station, MAC_BROADCAST, source=source)
        if seconds == 250 and number % 3 == 0:
            box.cables[station].cut()
            box.cables[station].heal()
        wait(box, seconds)
        held = [seen.port.number - 100 for seen in bridge.seen.values()]
        assert len(held) <= room
        for port, most in limits.items():
            assert held.count(port) == bridge.learnt.get(100 + port, 0) <= most


def test_the_decision_is_made_by_layer_2_alone() -> None:
    box = Box(Bridge)
    box.send(1, 0xFF)
    for source, destination in ((1, 2), (0xFFFFFFFF, 0), (0x7F000001, 0xE0000001)):
        frame = Frame(0xA1, 0xA0, ETHERTYPE_IPV4, Ipv4Header(source, destination, 99, 1), None, b"x")
        before = [len(keeper.got) for keeper in box.keepers]
        box.stations[0].transmit(frame)
        box.bench.run()
        assert [len(k.got) - b for k, b in zip(box.keepers, before, strict=True)] == [0, 1, 0, 0]
        assert box.keepers[1].frames[-1] is frame  # not even copied


def test_the_ports_of_a_switch_count_what_passes_them() -> None:
    box = Box(Bridge)
    box.send(0, 0xA1)
    box.send(1, 0xA0)
    box.send(0, 0xA1)
    assert [port.frames_sent for port in box.bridge.ports] == [1, 2, 1, 1]
    assert [port.frames_received for port in box.bridge.ports] == [2, 1, 0, 0]
