"""Switches in lab files and in Python: what is refused and where, what is read back, domains, loops, corruption."""

from __future__ import annotations

from pathlib import Path

import pytest

from netarium import Net
from netarium.errors import LabError, UsageError
from netarium.lab.layer2 import bridging_loops, broadcast_domains, collision_domains

VLAN = Path(__file__).parents[2] / "examples" / "labs" / "vlan.yaml"
TWO = """nodes:
  one: {kind: switch, ports: {up: {trunk: [10, 20]%s}, p1: {vlan: 10}}}
  two:
    kind: switch
    ports: {up: {%s}}
links:
  - [one:p1, a]
  - [one:up, two:up]
"""
HOST = "  a: {kind: host, address: 10.0.0.1/24}\n"

BAD = {
    "a trunk to an access port": (
        TWO % ("", "vlan: 10"),
        "lab.yaml:9: links[2]: one:up (trunk 10, 20) does not fit two:up (VLAN 10): what the access port sends is "
        "untagged, and the trunk takes that for another VLAN or for none; make both trunks, or give one:up "
        "`native: 10`",
    ),
    "a trunk with another native VLAN than the access port": (
        TWO % (", native: 1", "vlan: 10"),
        "lab.yaml:9: links[2]: one:up (trunk 10, 20, native 1) does not fit two:up (VLAN 10)",
    ),
    "two trunks without a VLAN in common": (
        TWO % ("", "trunk: [30]"),
        "lab.yaml:9: links[2]: one:up (trunk 10, 20) does not fit two:up (trunk 30): they have no VLAN in common, so "
        "that no frame can pass; let both carry the same VLANs",
    ),
    "a trunk without a native VLAN to a host": (
        (TWO % ("", "trunk: [10]"))
        .replace("[one:up, two:up]", "[one:up, a]")
        .replace("[one:p1, a]", "[one:p2, two]")
        .replace("links:", HOST + "links:"),
        "lab.yaml:9: links[2]: one:up (trunk 10, 20) does not fit a:eth0: a host or router takes no tags, so that no "
        "frame can pass; make one:up an access port, such as `vlan: 10`, or give it a `native` VLAN",
    ),
    "two trunks with different native VLANs": (
        TWO % (", native: 1", "trunk: [10], native: 2"),
        "lab.yaml:9: links[2]: one:up (trunk 10, 20, native 1) does not fit two:up (trunk 10, native 2): their native",
    ),
    "a VLAN interface on a layer-2 switch": (
        "nodes:\n  s:\n    kind: switch\n    interfaces:\n      vlan10: 10.0.0.1/24\n",
        "lab.yaml:4: nodes.s.interfaces: s is a switch of layer 2 and has no interfaces; say `layer: 3`",
    ),
    "a VLAN that no port carries": (
        "nodes:\n  s:\n    kind: switch\n    layer: 3\n    ports: {p1: {vlan: 10}, up: {trunk: [20, 30]}}\n"
        "    interfaces:\n      vlan10: 10.0.0.1/24\n      vlan40: 10.0.4.1/24\n",
        "lab.yaml:8: nodes.s.interfaces.vlan40: s has no VLAN 40: no port carries it; its ports carry 10, 20, 30",
    ),
    "a VLAN that does not exist": (
        "nodes:\n  s:\n    kind: switch\n    ports:\n      p1: {vlan: 10}\n      p2: {vlan: 4095}\n",
        "lab.yaml:6: nodes.s.ports.p2: s:p2: vlan: VLAN 4095 does not exist; use 1 to 4094",
    ),
    "a trunk of VLANs that do not exist": (
        "nodes:\n  s:\n    kind: switch\n    ports:\n      p1: {trunk: [0]}\n",
        "lab.yaml:5: nodes.s.ports.p1: s:p1: trunk: VLAN 0 does not exist; use 1 to 4094",
    ),
    "an empty trunk": (
        "nodes:\n  s:\n    kind: switch\n    ports:\n      p1: {trunk: []}\n",
        "lab.yaml:5: nodes.s.ports.p1: s:p1: trunk: it carries no VLAN; list some, such as [10, 20]",
    ),
    "access and trunk": (
        "nodes:\n  s:\n    kind: switch\n    ports:\n      p1: {trunk: [10], vlan: 10}\n",
        "lab.yaml:5: nodes.s.ports.p1: s:p1: `vlan` and `trunk` cannot stand together",
    ),
    "native without trunk": (
        "nodes:\n  s:\n    kind: switch\n    ports:\n      p1: {native: 10}\n",
        "lab.yaml:5: nodes.s.ports.p1: s:p1: `native` belongs to a trunk; write `vlan` for an access port",
    ),
    "unknown key of a port": (
        "nodes:\n  s:\n    kind: switch\n    ports:\n      p1: {vlna: 10}\n",
        "lab.yaml:5: unknown key 'vlna'; did you mean 'vlan'?",
    ),
    "a VLAN that is no number": (
        "nodes:\n  s:\n    kind: switch\n    ports:\n      p1: {vlan: ten}\n",
        "lab.yaml:5: nodes.s.ports.p1.vlan: 'ten' does not fit: it should be a valid integer",
    ),
    "an interface with another name on a layer-3 switch": (
        "nodes:\n  s:\n    kind: switch\n    layer: 3\n    interfaces:\n      eth0: 10.0.0.1/24\n",
        "lab.yaml:6: nodes.s.interfaces.eth0: a layer-3 switch has no interface 'eth0'; its interfaces",
    ),
    "an address on a layer-3 switch": (
        "nodes:\n  s:\n    kind: switch\n    layer: 3\n    address: 10.0.0.1/24\n",
        "lab.yaml:5: nodes.s.address: s is a switch of layer 3 and has no address; write `interfaces: {vlanN:",
    ),
    "a layer that there is not": (
        "nodes:\n  s:\n    kind: switch\n    layer: 4\n",
        "lab.yaml:4: nodes.s.layer: 4 does not fit: it should be 2 or 3",
    ),
    "a spanning tree that there is not": (
        "nodes:\n  s:\n    kind: switch\n    spanning_tree: mstp\n",
        "lab.yaml:4: nodes.s.spanning_tree: 'mstp' does not fit: it should be 'stp' or 'rstp'",
    ),
    "a priority without a tree": (
        "nodes:\n  s:\n    kind: switch\n    priority: 4096\n",
        "lab.yaml:4: nodes.s.priority: `priority` belongs to a spanning tree; say `spanning_tree: rstp` too",
    ),
    "a priority between the steps": (
        "nodes:\n  s:\n    kind: switch\n    spanning_tree: stp\n    priority: 1000\n",
        "nodes.s: spanning tree priority 1000; give a multiple of 4096 from 0 to 61440",
    ),
    "an edge port without a tree": (
        "nodes:\n  s:\n    kind: switch\n    ports:\n      p1: {edge: true}\n",
        "lab.yaml:5: nodes.s.ports.p1.edge: s:p1: `edge` belongs to a spanning tree",
    ),
    "a cable to a VLAN interface": (
        "nodes:\n  s:\n    kind: switch\n    layer: 3\n    ports: {p1: {vlan: 10}}\n"
        "    interfaces: {vlan10: 10.0.0.2/24}\n" + HOST + "links:\n  - [a, s:vlan10]\n",
        "lab.yaml:9: links[1]: vlan10 is the router's foot in a VLAN of s, and no port; link a port, such as p1",
    ),
    "one address twice in one VLAN": (
        "nodes:\n  s:\n    kind: switch\n    layer: 3\n    ports: {p1: {vlan: 10}}\n"
        "    interfaces: {vlan10: 10.0.0.1/24}\n" + HOST + "links:\n  - [a, s:p1]\n",
        "a:eth0 has the address 10.0.0.1/24, which s:vlan10 has in the same broadcast domain",
    ),
    "a corruption after what there is not": (
        "nodes:\n" + HOST + "  b: {kind: host, address: 10.0.0.2/24}\nlinks:\n  - between: [a, b]\n"
        "    corrupt: {after: ip}\n",
        "lab.yaml:6: links[1].corrupt.after: 'ip' does not fit: it should be 'fcs'",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_a_switch_that_cannot_be_is_refused_by_file_line_and_name(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text, message = BAD[case]
    if "[one:p1, a]" in text:
        text = text.replace("links:", HOST + "links:")
    monkeypatch.chdir(tmp_path)
    Path("lab.yaml").write_text(text)
    with pytest.raises(LabError) as caught:
        Net.load("lab.yaml")
    assert message in str(caught.value)
    assert caught.value.line is not None


def test_the_same_is_refused_in_python() -> None:
    net = Net()
    net.switch("one", ports={"up": {"trunk": [10]}})
    net.switch("two", ports={"p1": {"vlan": 10}})
    with pytest.raises(UsageError, match="does not fit"):
        net.link("one:up", "two:p1")
    with pytest.raises(UsageError, match="a switch has no 'vlans'"):
        net.switch("three", vlans=[1])
    with pytest.raises(UsageError, match="layer 2 and has no interfaces"):
        net.switch("four", interfaces={"vlan10": "10.0.0.1/24"})


def test_ports_that_fit_are_linked() -> None:
    net = Net()
    net.switch("one", ports={"t1": {"trunk": [10]}, "t2": {"trunk": [10], "native": 5}, "a1": {"vlan": 5}})
    net.switch(
        "two", ports={"t1": {"trunk": [20, 10]}, "t2": {"trunk": [10], "native": 5}, "a1": {"vlan": 6}}
    )
    net.switch("plain")
    net.link("one:t1", "two:t1")
    net.link("one:t2", "two:t2")
    net.link("one:a1", "two:a1")  # joins VLAN 5 and 6: a cable may do that
    net.link("plain", "two")
    net.check()
    (notice,) = [each for each in net.notices if " joins " in each]
    assert notice.startswith(
        "one:a1--two:a1 joins VLAN 5 of one:a1 and VLAN 6 of two:a1 to one LAN; give both ports"
    )


def test_a_trunk_behind_which_nobody_takes_tags_is_noticed_and_one_that_goes_on_is_not() -> None:
    net = Net()
    net.switch("one", ports={"up": {"trunk": [10]}, "p1": {"vlan": 10}})
    net.switch("plain")
    net.hub("hub")
    net.link(net.host("a", "10.0.0.1/24"), "plain")
    net.link("one:up", "plain")
    net.link("plain", "hub")
    net.check()
    (notice,) = net.notices
    assert notice.startswith(
        "one:up (trunk 10) sends tags to nobody who takes them: plain passes them on as they are"
    )
    net.switch("two", ports={"up": {"trunk": [20]}, "more": {"trunk": [10]}})
    net.link("two:up", "hub")
    net.check()
    assert len(net.notices) == 2, "no VLAN in common"
    net.link("two:more", "hub")
    net.check()
    assert [each for each in net.notices if each.startswith("one:up")] == []


def test_a_port_without_a_name_is_one_that_nobody_has_configured() -> None:
    net = Net()
    floor = net.switch("floor", ports={"p1": {"vlan": 10}, "p3": {"vlan": 20}})
    hosts = [net.host(f"h{number}", f"10.0.0.{number}/24", link=floor) for number in (1, 2)]
    assert [link.cable.b.name for link in net.links] == ["floor:p4", "floor:p5"]
    assert [domain.vlans for domain in broadcast_domains(net.boxes.values(), [])][:3] == [[10], [20], [1]]
    assert hosts


def test_tables_and_states_are_read_from_the_box() -> None:
    net = Net()
    core = net.switch(
        "core",
        layer=3,
        ports={"p1": {"vlan": 10}},
        interfaces={"vlan10": "10.0.0.1/24"},
        spanning_tree="rstp",
    )
    a = net.host("a", "10.0.0.2/24")
    net.link(a, "core:p1")
    assert core.kind == "switch"
    assert core.port_states == {"p1": "discarding"}
    net.run_until(lambda: net.now_ns > 4 * 10**9)
    assert core.port_states == {"p1": "forwarding"}
    a.run("ping -c 1 10.0.0.1")
    net.run()
    assert [(entry.vlan, entry.port.name) for entry in core.mac_table] == [(10, "core:p1")]
    assert core.addresses == {"vlan10": ["10.0.0.1/24"]}


def test_limits_of_learning_are_the_switchs_and_the_ports() -> None:
    net = Net()
    switch = net.switch("s", mac_limit=2, ports={"p1": {"mac_limit": 1}})
    hub = net.hub("hub")
    net.link("s:p1", hub)
    for number in (1, 2, 3):
        net.host(f"h{number}", f"10.0.0.{number}/24", link=hub)
    other = net.host("other", "10.0.0.9/24", link=switch)
    for number in (1, 2, 3):
        net[f"h{number}"].run("ping -c 1 10.0.0.9")
    net.run()
    assert [entry.port.name for entry in switch.mac_table].count("s:p1") == 1
    assert len(switch.mac_table) == 2
    assert switch.node.bridge.table_full > 0
    assert all(service.exit_code == 0 for service in net.services)  # what is not learnt is flooded
    assert other.on


def test_a_loop_is_noticed_unless_switches_have_a_spanning_tree_or_vlans_keep_it_open() -> None:
    def loops(**options: object) -> list[str]:
        net = Net()
        for name in ("one", "two"):
            net.switch(name, **options)
        for _ in range(2):
            net.add_link((net["one"], ""), (net["two"], ""), {})
        return bridging_loops(net.boxes.values(), [link.cable for link in net.links])

    assert loops() == ["one:p2--two:p2"]
    assert loops(spanning_tree="stp") == []
    assert loops(ports={"x": {"vlan": 7}}) == ["one:p3--two:p3"]
    net = Net()
    for name in ("one", "two"):
        net.switch(name, ports={"a": {"vlan": 10}, "b": {"vlan": 20}})
    net.link("one:a", "two:a")
    net.link("one:b", "two:b")
    assert bridging_loops(net.boxes.values(), [link.cable for link in net.links]) == []


def test_the_domains_of_the_vlan_lab() -> None:
    net = Net.load(VLAN)
    cables = [link.cable for link in net.links]
    found = broadcast_domains(net.boxes.values(), cables)
    assert [(domain.vlans, domain.members) for domain in found] == [
        ([10], ["floor1", "core", "a", "c"]),
        ([20], ["floor1", "core", "b"]),
    ]
    assert [[str(network) for network in domain.networks()] for domain in found] == [
        ["10.0.10.0/24"],
        ["10.0.20.0/24"],
    ]
    assert len(collision_domains(net.boxes.values(), cables)) == 4


def test_a_plain_switch_between_two_trunks_keeps_their_vlans_apart() -> None:
    net = Net()
    for name in ("one", "two"):
        net.switch(name, ports={"up": {"trunk": [10, 20]}, "p1": {"vlan": 10}, "p2": {"vlan": 20}})
    net.switch("plain")
    net.link("one:up", "plain")
    net.link("two:up", "plain")
    found = broadcast_domains(net.boxes.values(), [link.cable for link in net.links])
    assert [domain.vlans for domain in found] == [[10], [20], []]


def test_corruption_after_the_fcs_is_found_by_the_checksums_above() -> None:
    for given, reasons in (
        ("100%", {"FRAME_CHECK_SEQUENCE"}),
        (
            {"after": "fcs"},
            {"ARP_MALFORMED", "NOT_FOR_THIS_MAC", "UNKNOWN_ETHERTYPE", "ARP_NOT_FOR_US", "IP_CHECKSUM"},
        ),
    ):
        net = Net(trace=True)
        a, b = net.host("a", "10.0.0.1/24"), net.host("b", "10.0.0.2/24")
        link = net.link(a, b, corrupt=given)
        assert link.corrupt == 1.0
        a.run("ping -c 3 -W 1 10.0.0.2")
        net.run()
        found = {event["reason"] for event in net.trace.select(event="dropped")}
        assert found & reasons
        assert ("FRAME_CHECK_SEQUENCE" in found) == (given == "100%")
        link.corrupt = {"chance": "10%", "after": "fcs"}
        assert (link.cable.corrupt, link.cable.corrupt_after_fcs) == (0.1, True)
        link.corrupt = 0
        assert link.corrupt == 0


def test_layer_3_switches_run_routing_protocols_on_their_vlan_interfaces() -> None:
    net = Net(seed=6)
    for number, vlan in ((1, 10), (2, 20)):
        net.switch(
            f"c{number}",
            layer=3,
            routing="ospf",
            ports={"p1": {"vlan": vlan}, "t": {"trunk": [99]}},
            interfaces={f"vlan{vlan}": f"10.0.{vlan}.1/24", "vlan99": f"10.0.99.{number}/24"},
        )
        host = net.host(f"h{number}", f"10.0.{vlan}.2/24", gateway=f"10.0.{vlan}.1")
        net.link(host, f"c{number}:p1")
    net.link("c1:t", "c2:t", rate="10Mbps")
    assert net["c1"].node.vlan_rates() == {"vlan10": 1_000_000_000, "vlan99": 10_000_000}
    net["h1"].run("ping -c 3 10.0.20.2", at="60s")
    net.run()
    assert "3 received" in net.service("h1").stdout
    routes = [route for route in net["c1"].node.stack.routes.routes if route.protocol == "ospf"]
    assert [(route.interface.name, route.metric) for route in routes] == [("vlan99", 11)]
    with pytest.raises(UsageError, match="layer 2 and has no routing"):
        net.switch("plain", routing="rip")


def test_a_layer_3_switch_switches_flows_of_ipv6_too() -> None:
    net = Net(seed=7)
    core = net.switch(
        "core",
        layer=3,
        ports={"p1": {"vlan": 10}, "p2": {"vlan": 20}},
        interfaces={"vlan10": "2001:db8:10::1/64", "vlan20": "2001:db8:20::1/64"},
    )
    for name, vlan, port in (("a", 10, "p1"), ("b", 20, "p2")):
        route = {"to": "2001:db8::/32", "via": f"2001:db8:{vlan}::1"}
        net.link(net.host(name, f"2001:db8:{vlan}::2/64", routes=[route]), f"core:{port}")
    found = broadcast_domains(net.boxes.values(), [link.cable for link in net.links])
    assert [str(network) for domain in found for network in domain.networks()] == [
        "2001:db8:10::/64",
        "2001:db8:20::/64",
    ]
    net["a"].run("ping -6 -c 5 2001:db8:20::2", at="5s")
    net.run()
    assert "5 received" in net.service("a").stdout
    assert net.service("a").stdout.count("ttl=63") == 5
    assert (core.routed, core.switched) == (2, 8)
    assert [(flow.family, flow.packets) for flow in core.flows] == [(6, 4), (6, 4)]
    core.run("bridge flow")
    net.run()
    assert "src 2001:db8:10::2 dst 2001:db8:20::2 proto 58" in net.service("core").stdout
