"""`bridge` on a layer-3 switch: text and JSON of its tables, flushing, and what is refused."""

from __future__ import annotations

import json

import pytest

from netarium import Net
from netarium.errors import LabError, UsageError

OPERATIONS = [
    ("fdb show dev p1", ["02:00:00:00:00:03 dev p1 vlan 10 master core"]),
    ("fdb show vlan 20", ["02:00:00:00:00:04 dev p2 vlan 20 master core",
                          "02:00:00:00:00:02 dev vlan20 vlan 20 self master core permanent"]),
    ("-s fdb dev p1", ["02:00:00:00:00:03 dev p1 vlan 10 used 2/2 master core"]),
    ("link", ["1: p1: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 master core state forwarding priority 128 cost 4",
              "2: p2: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 master core state forwarding priority 128 cost 4",
              "3: up: <BROADCAST,MULTICAST,UP,NO-CARRIER> mtu 1500 master core state disabled priority 128 cost 1"]),
    ("vlan", ["port              vlan-id", "p1                10 PVID Egress Untagged",
              "p2                20 PVID Egress Untagged", "up                1 PVID Egress Untagged",
              "                  10", "                  20"]),
    ("vlan show dev up vlan 10", ["port              vlan-id", "up                10"]),
    ("flow", ["vlan 10 -> vlan 20 src 10.0.10.2 dst 10.0.20.2 proto 1 sport 0 dport 0 packets 1",
              "vlan 20 -> vlan 10 src 10.0.20.2 dst 10.0.10.2 proto 1 sport 0 dport 0 packets 1"]),
]  # fmt: skip


@pytest.fixture
def net() -> Net:
    """a (VLAN 10) has pinged b (VLAN 20) across the switch `core`, twice; it is 5 s."""
    net = Net(seed=1)
    core = net.switch(
        "core",
        layer=3,
        ports={"p1": {"vlan": 10}, "p2": {"vlan": 20}, "up": {"trunk": [10, 20], "native": 1}},
        interfaces={"vlan10": "10.0.10.1/24", "vlan20": "10.0.20.1/24"},
    )
    net.link(net.host("a", "10.0.10.2/24", gateway="10.0.10.1"), "core:p1")
    net.link(net.host("b", "10.0.20.2/24", gateway="10.0.20.1"), "core:p2")
    net["a"].run("ping -c 2 10.0.20.2", at="1s")
    assert core.kind == "switch"
    net.at("5s", lambda: None)
    net.run()
    return net


def said(net: Net, host: str, words: str, root: bool = False) -> tuple[str, str, int]:
    service = net[host].run(f"bridge {words}", root=root)
    service.wait()
    return service.stdout, service.stderr, service.exit_code


@pytest.mark.parametrize(("words", "lines"), OPERATIONS)
def test_each_table_reads_as_iproute2_prints_it(net: Net, words: str, lines: list[str]) -> None:
    assert said(net, "core", words) == ("".join(f"{line}\n" for line in lines), "", 0)


def test_json_has_the_same(net: Net) -> None:
    out, _, code = said(net, "core", "-j fdb show dev p1")
    assert code == 0
    row = {"mac": "02:00:00:00:00:03", "ifname": "p1", "vlan": 10, "flags": [], "master": "core", "state": ""}
    assert json.loads(out) == [row]
    (first, *_) = json.loads(said(net, "core", "--json link")[0])
    assert (first["ifname"], first["state"], first["cost"]) == ("p1", "forwarding", 4)
    vlans = json.loads(said(net, "core", "-j vlan show dev p2")[0])
    assert vlans == [{"ifname": "p2", "vlans": [{"vlan": 20, "flags": ["PVID", "Egress Untagged"]}]}]
    flows = json.loads(said(net, "core", "flow --json")[0])
    assert [(flow["packets"], flow["family"]) for flow in flows] == [(1, 4), (1, 4)]


def test_flushing_needs_root_and_forgets_what_was_asked_for(net: Net) -> None:
    assert said(net, "core", "fdb flush") == ("", "RTNETLINK answers: Operation not permitted\n", 255)
    assert len(net["core"].mac_table) == 2
    assert said(net, "core", "fdb flush vlan 10", root=True)[2] == 0
    assert [entry.vlan for entry in net["core"].mac_table] == [20]
    assert said(net, "core", "fdb flush", root=True)[2] == 0
    assert net["core"].mac_table == []


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ("fbd", 'Object "fbd" is unknown, try "bridge help".'),
        ("fdb add", 'Command "add" is unknown, try "bridge fdb help".'),
        ("fdb show dev", 'Command line is not complete. Try option "help"'),
        ("fdb show br", 'Command line is not complete. Try option "help"'),
        ("fdb show vlan 5000", 'Invalid argument "5000" for vid: 1 to 4094'),
        ("fdb show vlan ²", 'Invalid argument "²" for vid: 1 to 4094'),
        ("fdb show dev p9", 'Cannot find device "p9"'),
        ("fdb show brport p9", 'Cannot find device "p9"'),
        ("fdb show dev vlan77", 'Cannot find device "vlan77"'),
        ("fdb show br p9", 'Cannot find bridge device "p9"'),
        ("fdb flush dev p9", 'Cannot find bridge device "p9"'),
        ("link show dev p9", 'Cannot find device "p9"'),
        ("vlan show dev p9", 'Cannot find device "p9"'),
        ("link show br core", 'Command "br" is unknown, try "bridge link help".'),
        ("-x fdb", 'Option "-x" is unknown, try "bridge -help".'),
        ("", "Usage: bridge"),
    ],
)
def test_what_is_not_understood_is_refused(net: Net, words: str, error: str) -> None:
    out, err, code = said(net, "core", words)
    assert (out, code) == ("", 255)
    assert err.startswith(error)


def test_the_table_of_a_bridge_is_asked_for_by_its_name(net: Net) -> None:
    whole = said(net, "core", "fdb")
    assert said(net, "core", "fdb show br core") == whole
    assert said(net, "core", "fdb show br core brport p1")[0] == said(net, "core", "fdb dev p1")[0] != ""
    assert said(net, "core", "fdb show br p1") == ("", "", 0), (
        "as of iproute2: a device, but no bridge with entries"
    )
    assert said(net, "core", "fdb show dev vlan20")[0].endswith("self master core permanent\n")
    assert said(net, "core", "fdb flush dev core", root=True) == ("", "", 0)
    assert net["core"].mac_table == []


def test_flushing_what_is_not_there_changes_nothing(net: Net) -> None:
    error = 'Cannot find bridge device "nosuch"\n'
    assert said(net, "core", "fdb flush dev nosuch", root=True) == ("", error, 255)
    assert len(net["core"].mac_table) == 2


def test_a_host_without_a_bridge_knows_its_own_devices(net: Net) -> None:
    assert said(net, "a", "fdb show dev eth0") == ("", "", 0)
    assert said(net, "a", "fdb show dev eth9") == ("", 'Cannot find device "eth9"\n', 255)


def test_on_a_host_the_tables_are_empty(net: Net) -> None:
    assert said(net, "a", "fdb") == ("", "", 0)
    assert said(net, "a", "-j link") == ("[]\n", "", 0)
    assert said(net, "a", "help")[2] == 0


@pytest.fixture
def office() -> Net:
    """pc has pinged nas across the layer-2 switch `sw`; it is 5 s."""
    net = Net(seed=1)
    switch = net.switch("sw")
    net.host("pc", "10.0.0.1/24", link=switch)
    net.host("nas", "10.0.0.2/24", link=switch)
    net["pc"].run("ping -c 1 10.0.0.2")
    net.at("5s", lambda: None)
    net.run()
    return net


def test_a_layer_2_switch_shows_its_tables_as_a_layer_3_switch_does(office: Net) -> None:
    assert said(office, "sw", "fdb") == (
        "02:00:00:00:00:01 dev p1 master sw\n02:00:00:00:00:02 dev p2 master sw\n", "", 0,
    )  # fmt: skip
    rows = json.loads(said(office, "sw", "fdb --json")[0])
    assert [(row["mac"], row["ifname"]) for row in rows] == [
        ("02:00:00:00:00:01", "p1"), ("02:00:00:00:00:02", "p2"),
    ]  # fmt: skip
    assert said(office, "sw", "link dev p1")[0].startswith(
        "1: p1: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500"
    )
    assert said(office, "sw", "fdb flush dev p1", root=True) == ("", "", 0)
    assert [entry.port.name for entry in office["sw"].mac_table] == ["sw:p2"]


def test_the_vlans_of_a_layer_2_switch_are_shown() -> None:
    with Net() as net:
        net.switch("sw", ports={"p1": {"vlan": 10}, "up": {"trunk": [10, 20]}})
        assert said(net, "sw", "vlan")[0].splitlines() == [
            "port              vlan-id", "p1                10 PVID Egress Untagged",
            "up                10", "                  20",
        ]  # fmt: skip


def test_a_layer_2_switch_runs_no_program_that_needs_a_network(office: Net) -> None:
    for program in ("ping 10.0.0.1", "server.py", ["python", "-m", "http.server"], lambda: None):
        with pytest.raises(
            UsageError, match=r"sw is a layer-2 switch: it has no IP and runs bridge alone, not"
        ):
            office["sw"].run(program)


def test_the_tools_of_a_layer_2_switch_end_and_begin_with_it(office: Net) -> None:
    office["sw"].crash()
    later = office["sw"].run("bridge fdb", at="7s")
    office.at("6s", office["sw"].boot)
    office.run(until="8s")
    assert (later.stdout, later.exit_code) == ("", 0)


def test_the_switch_of_a_home_router_is_seen_from_the_router(office: Net) -> None:
    net = Net()
    home = net.home_router("home", wan="198.51.100.2/24")
    net.link(net.host("pc", "dhcp"), home)
    net.run("5s")
    said_by = [said(net, name, "fdb")[0] for name in ("home", "home.lan")]
    assert "dev lan1 master home.lan" in said_by[0]
    assert said_by[0] == said_by[1]


def test_a_lab_runs_the_tools_of_a_layer_2_switch(tmp_path) -> None:
    lab = tmp_path / "lab.yaml"
    lab.write_text(
        "nodes:\n  sw: {kind: switch}\n  pc: {kind: host, address: 10.0.0.1/24}\nlinks: [[pc, sw]]\n"
        "programs:\n  - {on: pc, run: ping -c 1 -W 1 10.0.0.9}\n  - {on: sw, at: 500ms, run: bridge fdb}\n"
    )
    with Net.load(lab) as net:
        net.run()
        assert net.service("sw").stdout == "02:00:00:00:00:01 dev p1 master sw\n"
    lab.write_text("nodes:\n  sw: {kind: switch}\nprograms:\n  - {on: sw, run: ping 10.0.0.1}\n")
    with pytest.raises(LabError, match=r"lab.yaml:4: .*runs bridge alone, not ping"):
        Net.load(lab)
