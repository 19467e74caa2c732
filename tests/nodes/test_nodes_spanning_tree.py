"""Spanning tree, both kinds: whatever the cables, one tree; a cut is healed; topology changes are told; ports obey."""

from __future__ import annotations

import networkx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.nodes.boxes import SECOND, World
from tests.nodes.trees import Forest

from netarium.errors import UsageError
from netarium.journey import Cause, Drop
from netarium.link.spanning_tree import path_cost
from netarium.link.storm import find_loop
from netarium.nodes.bridging import BridgeSetup, PortSetup
from netarium.nodes.switch import Switch
from netarium.wire import stp
from netarium.wire.ethernet import MAC_BROADCAST, Frame
from netarium.wire.stp import Bpdu

TRIANGLE = [(0, 1), (1, 2), (2, 0)]
KINDS = ["stp", "rstp"]


class Sent:
    """An observer of BPDUs: (time_ns, port name, BPDU)."""

    def __init__(self, world: World) -> None:
        self.bpdus: list[tuple[int, str, Bpdu]] = []
        world.watch.add(self)

    def frame(self, now: int, port: object, stop: object, frame: Frame) -> None:
        if getattr(stop, "name", "") == "LINK_SENT" and frame.destination == stp.BRIDGE_GROUP_ADDRESS:
            self.bpdus.append((now, port.name, Bpdu.of_frame(frame)))  # type: ignore[attr-defined]


@st.composite
def graphs(draw: st.DrawFn) -> tuple[int, list[tuple[int, int]], dict[int, int]]:
    """A connected net of up to 7 switches with more cables than a tree needs, some of them parallel; priorities."""
    number = draw(st.integers(2, 7))
    edges = [(draw(st.integers(0, index - 1)), index) for index in range(1, number)]
    nodes = st.integers(0, number - 1)
    more = draw(st.lists(st.tuples(nodes, nodes).filter(lambda pair: pair[0] != pair[1]), max_size=6))
    priorities = draw(st.dictionaries(nodes, st.sampled_from([0, 4096, 61440]), max_size=2))
    return number, edges + more, priorities


class NoLoop:
    """An observer that looks for a loop of forwarding ports at every change of a port's state."""

    def __init__(self, forest: Forest) -> None:
        self.forest = forest
        self.looked = 0
        forest.world.watch.add(self)

    def state(self, now: int, place: str, subject: str, before: str, after: str, cause: Cause) -> None:
        if subject == "spanning tree state" and after == "forwarding":
            self.looked += 1
            for switch in self.forest.switches:
                for port in switch.ports.values():
                    assert not find_loop(port, 0), f"a loop at {now} ns, when {place} began to forward"


def judge(forest: Forest, number: int) -> None:
    """The active cables are a tree, of least costs to the bridge with the least identifier."""
    active = networkx.Graph(forest.active())
    active.add_nodes_from(range(number))
    assert len(forest.active()) == number - 1
    assert networkx.is_tree(active)
    identifiers = [forest.tree(index).identifier for index in range(number)]
    root = identifiers.index(min(identifiers))
    cost = path_cost(1_000_000_000, forest.tree(0).is_rapid)
    whole = networkx.Graph()
    for cable in forest.cables:
        if cable.up:
            whole.add_edge(*(int(port.name.partition(":")[0][1:]) for port in (cable.a, cable.b)), cost=cost)
    least = networkx.single_source_dijkstra_path_length(whole, root, weight="cost")
    for index in range(number):
        assert forest.tree(index).root_id == identifiers[root]
        assert forest.tree(index).root_cost == least[index]


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=25, deadline=None)
@given(graph=graphs(), data=st.data())
def test_any_graph_becomes_one_tree_of_least_costs_and_does_so_again_after_a_cut(
    kind: str, graph: tuple[int, list[tuple[int, int]], dict[int, int]], data: st.DataObject
) -> None:
    number, edges, priorities = graph
    forest = Forest(number, edges, kind, priorities)
    watched = NoLoop(forest)
    forest.world.run(60)
    judge(forest, number)
    assert watched.looked
    index = data.draw(st.integers(0, len(edges) - 1))
    rest = networkx.MultiGraph(edges[:index] + edges[index + 1 :])
    if len(rest) == number and networkx.is_connected(rest):
        forest.cables[index].cut()
        forest.world.run(120)
        judge(forest, number)
        forest.cables[index].heal()
        forest.world.run(120)
        judge(forest, number)


def test_rapid_bridges_agree_in_less_than_a_second_and_old_ones_take_twice_the_forward_delay() -> None:
    rapid, old = Forest(3, TRIANGLE, "rstp"), Forest(3, TRIANGLE, "stp")
    rapid.world.run(1)
    assert len(rapid.active()) == 2
    old.world.run(14.9)
    assert set(old.states().values()) == {"listening", "blocking"}
    old.world.run(15)  # 29.9 s
    assert set(old.states().values()) == {"learning", "blocking"}
    old.world.run(0.2)
    assert sorted(old.states().values()) == ["blocking"] + ["forwarding"] * 5


def test_a_rapid_bridge_takes_its_alternate_port_at_once_when_the_root_port_is_cut() -> None:
    forest = Forest(3, TRIANGLE, "rstp")
    forest.world.run(10)
    cut = forest.cables[2]  # s2 to the root
    assert forest.role(cut.a) == "root"
    cut.cut()
    forest.world.run(0.01)
    assert sorted(forest.active()) == [(0, 1), (1, 2)]
    assert forest.state(cut.a) == "disabled"


def test_no_port_forwards_into_a_loop_while_bridges_of_unequal_cables_agree_anew() -> None:
    """Found by chance: without `sync` (17.29.3) three parallel cables form a loop when the root is lost."""
    forest = Forest(3, [(0, 1), (1, 2), (1, 2), (2, 1)], "rstp", {0: 8192, 2: 45056})
    for cable, delay_ns in zip(forest.cables, (10_000, 1_000_000, 10_000, 0), strict=True):
        cable.delay_ns = delay_ns
    watched = NoLoop(forest)
    forest.world.run(60)
    forest.cables[0].cut()
    forest.world.run(3)
    forest.cables[3].cut()
    forest.world.run(40)
    assert watched.looked > 2
    assert len(forest.active()) == 1


def test_the_root_is_the_bridge_with_the_least_priority_then_the_least_mac() -> None:
    forest = Forest(3, TRIANGLE, "rstp", {2: 4096})
    forest.world.run(5)
    assert [forest.tree(index).is_root for index in range(3)] == [False, False, True]
    assert forest.tree(0).root_id == 4096 << 48 | forest.tree(2).mac


def test_between_two_switches_the_second_cable_is_blocked_and_a_broadcast_passes_once() -> None:
    for kind in KINDS:
        forest = Forest(2, [(0, 1), (0, 1)], kind)
        world = forest.world
        a, b = world.host("a", "10.0.0.1/24"), world.host("b", "10.0.0.2/24")
        world.link(a, forest.switches[0])
        world.link(b, forest.switches[1])
        world.run(40)
        a.ports["eth0"].transmit(Frame(MAC_BROADCAST, a.ports["eth0"].mac, 0x88B5, None, None, b"once"))
        world.run(0.1)
        assert len(world.trace(event="received", at="b:eth0", ethertype=0x88B5)) == 1
        assert len(world.trace(event="dropped", reason=Drop.PORT_BLOCKED.name)) == 1
        assert world.is_answered(a, "10.0.0.2")


def test_a_host_is_forwarded_to_at_once_on_an_edge_port_after_3_s_by_rstp_and_after_30_s_by_stp() -> None:
    for kind, edge, seconds in (("rstp", True, 0), ("rstp", False, 3), ("stp", False, 30)):
        world = World()
        setup = BridgeSetup(
            spanning_tree=kind, macs=lambda: 0x0200_0000_1000, ports={"p1": PortSetup(edge=edge)}
        )
        switch = Switch(*world.common("s"), setup=setup)
        world.link(world.host("a", "10.0.0.1/24"), switch.ports["p1"])
        tree = switch.bridge.tree
        assert tree is not None
        port = tree.ports[switch.ports["p1"].number]
        world.run(seconds + 0.001)
        assert port.state == "forwarding", (kind, edge)
        if seconds:
            fresh = Switch(*world.common("t"), setup=setup)
            world.link(world.host("b", "10.0.0.2/24"), fresh.ports["p1"])
            world.run(seconds - 0.1)
            assert fresh.bridge.tree is not None
            assert fresh.bridge.tree.ports[fresh.ports["p1"].number].state != "forwarding"


def test_a_rapid_bridge_speaks_stp_to_a_neighbour_that_does() -> None:
    world = World()
    one = Switch(*world.common("one"), setup=BridgeSetup(spanning_tree="rstp", macs=lambda: 0x0200_0000_1001))
    two = Switch(*world.common("two"), setup=BridgeSetup(spanning_tree="stp", macs=lambda: 0x0200_0000_1000))
    sent = Sent(world)
    world.link(one, two)
    world.link(one, two)
    world.run(60)
    kinds = {bpdu.type for _, port, bpdu in sent.bpdus if port.startswith("one") and _ > 10 * SECOND}
    assert stp.RAPID not in kinds
    assert one.bridge.tree is not None and two.bridge.tree is not None
    assert two.bridge.tree.is_root
    assert not one.bridge.tree.is_root
    states = [each.state for each in one.bridge.tree.ports.values()]
    assert sorted(states) == ["discarding", "forwarding"]


def test_two_ports_of_one_bridge_on_a_hub_are_designated_and_backup() -> None:
    forest = Forest(1, [])
    hub = forest.world.hub("hub")
    switch = forest.switches[0]
    for _ in range(2):
        forest.world.link(switch, hub)
    forest.world.run(60)
    assert [forest.role(port) for port in switch.ports.values()] == ["designated", "backup"]
    assert [forest.state(port) for port in switch.ports.values()] == ["forwarding", "discarding"]


def test_a_topology_change_is_notified_to_the_root_acknowledged_and_shortens_ageing_to_15_s() -> None:
    forest = Forest(3, [(0, 1), (1, 2)], "stp")
    world = forest.world
    a, b = world.host("a", "10.0.0.1/24"), world.host("b", "10.0.0.2/24")
    world.link(a, forest.switches[0])
    world.run(120)
    bridges = [switch.bridge for switch in forest.switches]
    assert [bridge.ageing_ns // SECOND for bridge in bridges] == [300, 300, 300]
    sent = Sent(world)
    world.link(b, forest.switches[2])  # 30 s later it forwards, which is a change
    world.run(33)
    notified = [port for _, port, bpdu in sent.bpdus if bpdu.type == stp.TOPOLOGY_CHANGE_NOTIFICATION]
    assert notified[:2] == ["s2:p1", "s1:p1"]
    assert any(
        bpdu.flags & stp.TOPOLOGY_CHANGE_ACKNOWLEDGMENT for _, port, bpdu in sent.bpdus if port == "s0:p1"
    )
    assert [bridge.ageing_ns // SECOND for bridge in bridges] == [15, 15, 15]
    told = [
        time_ns for time_ns, port, bpdu in sent.bpdus if port == "s0:p1" and bpdu.flags & stp.TOPOLOGY_CHANGE
    ]
    assert told
    world.run(120)
    told = [
        time_ns for time_ns, port, bpdu in sent.bpdus if port == "s0:p1" and bpdu.flags & stp.TOPOLOGY_CHANGE
    ]
    assert 33 <= (told[-1] - told[0]) / SECOND <= 37  # maximum age and forward delay: 35 s
    assert [bridge.ageing_ns // SECOND for bridge in bridges] == [300, 300, 300]


def test_what_has_aged_fast_does_not_come_back() -> None:
    forest = Forest(1, [], "stp")
    world, switch = forest.world, forest.switches[0]
    a = world.host("a", "10.0.0.1/24")
    world.link(a, switch)
    world.run(40)
    a.ports["eth0"].transmit(Frame(0xFF, a.ports["eth0"].mac, 0x88B5, None, None, b""))
    world.run(1)
    assert len(switch.mac_table) == 1
    switch.bridge.age_fast(15 * SECOND)
    world.run(14.5)
    assert switch.mac_table == []
    world.run(60)
    assert switch.bridge.ageing_ns == 300 * SECOND
    assert switch.mac_table == []


def test_a_rapid_topology_change_forgets_at_once() -> None:
    forest = Forest(3, TRIANGLE, "rstp")
    world = forest.world
    a, b = world.host("a", "10.0.0.1/24"), world.host("b", "10.0.0.2/24")
    world.link(a, forest.switches[0])
    world.link(b, forest.switches[2])
    world.run(20)
    assert world.is_answered(a, "10.0.0.2")
    forest.cables[2].cut()
    world.run(1)
    assert world.is_answered(b, "10.0.0.1", sequence=2)
    passed = [forest.switches[1].ports[name].frames_received for name in ("p1", "p2")]
    assert min(passed) > 0


def test_a_bridge_that_crashes_is_gone_after_three_hellos_and_comes_back() -> None:
    forest = Forest(3, TRIANGLE, "rstp")
    forest.world.run(10)
    forest.switches[0].crash()
    forest.world.run(5.9)
    # Its cables are whole: only the missing BPDUs tell, three hello times after the last.
    forest.world.run(6)
    assert forest.tree(1).is_root
    assert forest.tree(2).root_id == forest.tree(1).identifier
    forest.switches[0].boot()
    forest.world.run(10)
    judge(forest, 3)


def test_malformed_bpdus_are_dropped_by_name_and_change_nothing() -> None:
    forest = Forest(2, [(0, 1)], "rstp")
    forest.world.run(5)
    good = Bpdu(stp.CONFIGURATION, 0, 0, 0, 0, 0, 1, 0, 5120, 512, 3840)
    for data in (
        b"",
        b"\x42\x42\x03",
        b"\x00" * 40,
        stp.LLC + good.emit()[:-1],
        stp.LLC + b"\0\1" + good.emit()[2:],
    ):
        frame = Frame(stp.BRIDGE_GROUP_ADDRESS, 9, len(data), None, None, data)
        forest.cables[0].a.transmit(frame)
        forest.world.run(0.1)
    assert len(forest.world.trace(event="dropped", reason="BPDU_MALFORMED")) == 5
    judge(forest, 2)


def test_costs_follow_the_rate() -> None:
    assert [path_cost(10**power, True) for power in (7, 8, 9, 10)] == [2_000_000, 200_000, 20_000, 2_000]
    assert [path_cost(10**power, False) for power in (7, 8, 9, 10)] == [100, 19, 4, 2]
    assert path_cost(None, True) == path_cost(None, False) == 1
    forest = Forest(3, [(0, 2), (0, 1), (1, 2)], "rstp")
    forest.cables[0].rate_bps = 10_000_000
    forest.world.run(5)
    assert sorted(forest.active()) == [(0, 1), (1, 2)]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"spanning_tree": "mstp"}, "use stp or rstp"),
        ({"spanning_tree": "stp", "priority": 1000}, "multiple of 4096"),
        ({"mac_limit": -1}, "give 0 or more"),
    ],
)
def test_what_cannot_be_is_refused_with_what_would_be_right(options: dict[str, object], words: str) -> None:
    world = World()
    with pytest.raises(UsageError, match=words):
        Switch(*world.common("s"), setup=BridgeSetup(macs=lambda: 1, **options))  # type: ignore[arg-type]
