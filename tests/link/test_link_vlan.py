"""802.1Q: which frames a port takes, in which VLAN they are, and with which tag they leave."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.link.wires import ETHERTYPE_TEST, Bench, Keeper

from netarium.errors import UsageError
from netarium.journey import Drop
from netarium.link.port import Port
from netarium.link.vlan import PortVlans, VlanBridge, access, trunk, untagged
from netarium.wire.ethernet import ETHERTYPE_VLAN, MAC_BROADCAST, Frame
from netarium.wire.vlan import priority_of, tag_of, vlan_of


class VlanBox:
    """A bridge with a station at each of `members`; station 0 has MAC 0xA0 and so on."""

    def __init__(self, *members: PortVlans) -> None:
        self.bench = Bench()
        self.bridge = VlanBridge("box", self.bench.engine, self.bench.watch)
        self.stations: list[Port] = []
        self.keepers: list[Keeper] = []
        for number, each in enumerate(members):
            station, keeper = self.bench.port(f"s{number}:eth0")
            port = Port(f"box:p{number}", 100 + number, 0, self.bridge, self.bench.engine, self.bench.watch)
            self.bridge.ports.append(port)
            self.bridge.members[port.number] = each
            self.bench.cable(station, port)
            self.stations.append(station)
            self.keepers.append(keeper)

    def send(self, station: int, destination: int, tag: int = -1, payload: bytes = b"x") -> dict[int, int]:
        """Send one frame; the stations it reached and the tags it had there."""
        before = [len(keeper.got) for keeper in self.keepers]
        frame = Frame(destination, 0xA0 + station, ETHERTYPE_TEST, None, None, payload, None, tag)
        self.stations[station].transmit(frame)
        self.bench.run()
        return {
            number: keeper.frames[-1].tag
            for number, keeper in enumerate(self.keepers)
            if len(keeper.got) > before[number]
        }


def test_a_broadcast_stays_in_its_vlan_and_is_tagged_on_the_trunk() -> None:
    box = VlanBox(access(10), access(20), access(10), trunk([10, 20]), trunk([20]))
    assert box.send(0, MAC_BROADCAST) == {2: -1, 3: 10}
    assert box.send(1, MAC_BROADCAST) == {3: 20, 4: 20}
    assert box.send(3, MAC_BROADCAST, tag=20) == {1: -1, 4: 20}


def test_a_tag_is_four_bytes_more_and_its_tpid_is_8100() -> None:
    box = VlanBox(access(10), trunk([10]))
    for size in (0, 1, 46, 47, 1500):
        box.send(0, MAC_BROADCAST, payload=bytes(size))
        plain = Frame(MAC_BROADCAST, 0xA0, ETHERTYPE_TEST, None, None, bytes(size))
        got = box.keepers[1].frames[-1]
        assert got.size_bytes == len(bytes(got)) == plain.size_bytes + 4
        assert bytes(got)[12:16] == b"\x81\x00\x00\x0a"
    assert box.keepers[1].frames[-1].size_bytes == 1518  # 1522 with the FCS


def test_a_native_vlan_travels_untagged_and_an_untagged_frame_is_in_it() -> None:
    box = VlanBox(access(10), access(99), trunk([10], native=99))
    assert box.send(1, MAC_BROADCAST) == {2: -1}
    assert box.send(0, MAC_BROADCAST) == {2: 10}
    assert box.send(2, MAC_BROADCAST) == {1: -1}
    assert box.send(2, MAC_BROADCAST, tag=99) == {1: -1}


@pytest.mark.parametrize(
    ("members", "tag", "reason"),
    [
        (trunk([10]), -1, Drop.VLAN_UNTAGGED),
        (trunk([10]), tag_of(0, 5), Drop.VLAN_UNTAGGED),
        (trunk([10]), 20, Drop.VLAN_NOT_ALLOWED),
        (trunk([10], native=1), 20, Drop.VLAN_NOT_ALLOWED),
        (access(10), 10, Drop.VLAN_TAGGED_ON_ACCESS),
        (access(10), 20, Drop.VLAN_TAGGED_ON_ACCESS),
        (trunk([10]), 0xFFF, Drop.VLAN_NOT_ALLOWED),
    ],
)
def test_frames_that_a_port_does_not_admit_are_dropped_by_name(
    members: PortVlans, tag: int, reason: Drop
) -> None:
    box = VlanBox(members, access(10), access(20))
    assert box.send(0, MAC_BROADCAST, tag=tag) == {}
    assert box.bench.drops.all == [("box:p0", reason)]
    assert box.bridge.mac_table() == []


def test_a_priority_tag_is_taken_in_the_ports_vlan_and_the_priority_stays_on_trunks() -> None:
    box = VlanBox(access(10), access(10), trunk([10, 20]), trunk([10]))
    reached = box.send(0, MAC_BROADCAST, tag=tag_of(0, 6))
    assert reached[1] == -1
    assert (vlan_of(reached[2]), priority_of(reached[2])) == (10, 6)
    tag = tag_of(10, 3, drop_eligible=True)
    assert box.send(2, MAC_BROADCAST, tag=tag)[3] == tag


def test_each_vlan_learns_for_itself() -> None:
    box = VlanBox(access(10), access(10), access(20), trunk([10, 20]))
    box.send(3, MAC_BROADCAST, tag=20)
    assert box.send(2, 0xA3) == {3: 20}
    assert box.send(0, 0xA3) == {1: -1, 3: 10}  # not learnt in VLAN 10: flooded
    box.send(3, MAC_BROADCAST, tag=10)
    assert box.send(0, 0xA3) == {3: 10}
    table = {(entry.vlan, entry.mac): entry.port.name for entry in box.bridge.mac_table()}
    assert table[(10, 0xA3)] == table[(20, 0xA3)] == "box:p3"


def test_the_same_address_in_two_vlans_is_two_stations() -> None:
    box = VlanBox(access(10), access(20), trunk([10, 20]))
    for station, vlan in ((0, 10), (1, 20)):
        frame = Frame(MAC_BROADCAST, 0xCC, ETHERTYPE_TEST, None, None, b"")
        box.stations[station].transmit(frame)
        box.bench.run()
        assert box.send(2, 0xCC, tag=vlan) == {station: -1}


def test_a_port_that_nobody_configured_is_in_vlan_1() -> None:
    box = VlanBox(access(1), access(10))
    del box.bridge.members[101]
    assert box.send(0, MAC_BROADCAST) == {1: -1}


def test_what_a_second_tag_hides_shows_when_the_first_is_taken_off() -> None:
    """The VLAN hopping trick: values and bytes must agree on it."""
    box = VlanBox(trunk([20], native=10), trunk([20], native=10))
    inner = b"\x00\x14\x88\xb5" + b"hidden" + bytes(50)
    frame = Frame(MAC_BROADCAST, 0xA0, ETHERTYPE_VLAN, None, None, inner, None, 10)
    box.stations[0].transmit(frame)
    box.bench.run()
    got = box.keepers[1].frames[-1]
    assert got.tag == 20
    assert got == Frame.parse(bytes(got))


@given(tag=st.integers(-1, 0xFFFF), payload=st.binary(min_size=46, max_size=1500))
def test_taking_a_tag_off_and_putting_it_on_again_changes_nothing(tag: int, payload: bytes) -> None:
    frame = Frame(1, 2, ETHERTYPE_TEST, None, None, payload, None, tag)
    bare = untagged(frame)
    assert bare.tag == -1
    assert bare.tagged(tag) == frame
    assert bytes(bare.tagged(tag)) == bytes(frame)


@given(
    vlans=st.lists(st.integers(1, 4094), min_size=1, max_size=4, unique=True),
    tags=st.lists(st.integers(-1, 0xFFF), max_size=5),
)
def test_no_frame_ever_leaves_its_vlan(vlans: list[int], tags: list[int]) -> None:
    """The judge: every station at an access port sees only what was sent in its VLAN."""
    box = VlanBox(
        trunk(vlans, native=vlans[0]), *(access(vlan) for vlan in vlans), access(vlans[0] % 4094 + 1)
    )
    for tag in tags:
        meant = vlans[0] if tag <= 0 else tag
        reached = box.send(0, MAC_BROADCAST, tag=tag)
        expected = [
            n for n, each in enumerate(box.bridge.ports) if n and box.bridge.vlans_of(each).native == meant
        ]
        assert list(reached) == (expected if meant in vlans else [])
        assert set(reached.values()) <= {-1}


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: access(0), "VLAN 0 does not exist; use 1 to 4094"),
        (lambda: access(4095), "VLAN 4095 does not exist"),
        (lambda: trunk([10, 4095]), "VLAN 4095 does not exist"),
        (lambda: trunk([10, 10]), "stands twice"),
        (lambda: trunk([]), "carries no VLAN"),
        (lambda: trunk([10], native=5000), "native: VLAN 5000"),
    ],
)
def test_vlans_that_cannot_be_are_refused(make: object, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        make()  # type: ignore[operator]
