"""ip: its output as iproute2's, text and JSON; what cannot be is refused in its words, with its exit codes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from netarium import Net


@pytest.fixture
def net() -> Net:
    """Two OSPF routers that have found each other; a also has a default route."""
    made = Net(seed=1)
    kinds = {"protocol": "ospf", "network": {"m": "point-to-point"}, "cost": {"m": 4}}
    made.router("a", interfaces={"x": "10.0.1.1/24", "m": "10.0.0.1/30"}, gateway="10.0.1.9", routing=kinds)
    made.router("b", interfaces={"y": "10.0.2.1/24", "m": "10.0.0.2/30"}, routing=kinds)
    made.link("a:m", "b:m")
    made.drive(30 * 10**9, lambda: False)
    return made


def ip(net: Net, line: str, root: bool = True, code: int = 0) -> str:
    service = net["a"].run(f"ip {line}", root=root)
    service.wait()
    assert service.exit_code == code, service.stderr
    return str(service.stdout if code == 0 else service.stderr)


def test_route_tells_where_each_came_from(net: Net) -> None:
    assert ip(net, "route") == (
        "default via 10.0.1.9 dev x proto static \n"
        "10.0.0.0/30 dev m proto kernel scope link src 10.0.0.1 \n"
        "10.0.1.0/24 dev x proto kernel scope link src 10.0.1.1 \n"
        "10.0.2.0/24 via 10.0.0.2 dev m proto ospf metric 14 \n"
    )
    assert ip(net, "r s proto ospf") == "10.0.2.0/24 via 10.0.0.2 dev m proto ospf metric 14 \n"
    assert ip(net, "route list dev x").count("\n") == 2
    found = json.loads(ip(net, "-j route"))
    assert found[3] == {
        "dst": "10.0.2.0/24", "gateway": "10.0.0.2", "dev": "m", "protocol": "ospf", "metric": 14, "flags": [],
    }  # fmt: skip
    assert found[1]["scope"] == "link" and found[1]["prefsrc"] == "10.0.0.1"


def test_route_get_tells_the_way_and_with_details_why(net: Net) -> None:
    assert ip(net, "route get 10.0.2.7") == "10.0.2.7 via 10.0.0.2 dev m src 10.0.0.1 uid 0 \n    cache \n"
    assert ip(net, "route get 10.0.0.1") == "local 10.0.0.1 dev lo src 10.0.0.1 uid 0 \n    cache <local> \n"
    told = ip(net, "-d route get 10.0.2.7")
    assert (
        "because: the longest prefix that matches: 10.0.2.0/24 via 10.0.0.2 dev m proto ospf metric 14"
        in told
    )
    (found,) = json.loads(ip(net, "-d --json route get 10.0.2.7"))
    assert found["reason"] == "the longest prefix that matches"
    assert [each.split()[0] for each in found["candidates"]] == ["10.0.2.0/24", "0.0.0.0/0"]


def test_route_changes(net: Net) -> None:
    ip(net, "route add 10.5.0.0/16 via 10.0.1.9 metric 7")
    assert ip(net, "route show 10.5.0.0/16") == "10.5.0.0/16 via 10.0.1.9 dev x metric 7 \n"
    assert (
        ip(net, "route add 10.5.0.0/16 via 10.0.1.8 metric 7", code=2) == "RTNETLINK answers: File exists\n"
    )
    ip(net, "route replace 10.5.0.0/16 via 10.0.1.8 metric 7 proto static")
    assert ip(net, "route show 10.5.0.0/16") == "10.5.0.0/16 via 10.0.1.8 dev x proto static metric 7 \n"
    ip(net, "route del 10.5.0.0/16")
    assert ip(net, "route show 10.5.0.0/16") == ""
    ip(net, "route add unreachable 10.6.0.0/16")
    assert ip(net, "route get 10.6.1.1", code=2) == "RTNETLINK answers: No route to host\n"


def test_several_next_hops(net: Net) -> None:
    ip(net, "route add 10.5.0.0/16 nexthop via 10.0.1.9 nexthop via 10.0.0.2 dev m")
    assert ip(net, "route show 10.5.0.0/16") == (
        "10.5.0.0/16 \n\tnexthop via 10.0.1.9 dev x weight 1 \n\tnexthop via 10.0.0.2 dev m weight 1 \n"
    )
    (found,) = json.loads(ip(net, "-j route show 10.5.0.0/16"))
    assert [each["gateway"] for each in found["nexthops"]] == ["10.0.1.9", "10.0.0.2"]


def test_addr_and_link(net: Net) -> None:
    text = ip(net, "addr show dev m")
    mac = text.split()[text.split().index("link/ether") + 1]
    assert text == (
        "3: m: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc pfifo state UP group default qlen 1000\n"
        f"    link/ether {mac} brd ff:ff:ff:ff:ff:ff\n"
        "    inet 10.0.0.1/30 brd 10.0.0.3 scope global m\n"
        "       valid_lft forever preferred_lft forever\n"
    )
    lo = ip(net, "a s lo")
    assert lo.startswith("1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN group default")
    assert "    inet 127.0.0.1/8 scope host lo\n" in lo
    (found,) = json.loads(ip(net, "-j addr show m"))
    assert (found["ifindex"], found["operstate"], found["address"]) == (3, "UP", mac)
    assert found["addr_info"][0]["local"] == "10.0.0.1" and found["addr_info"][0]["prefixlen"] == 30
    net.links[0].cut()
    assert "<NO-CARRIER,BROADCAST,MULTICAST,UP> mtu 1500 qdisc pfifo state DOWN mode" in ip(
        net, "link show m"
    )
    ip(net, "link set m down mtu 1400")
    assert "m: <BROADCAST,MULTICAST> mtu 1400 qdisc pfifo state DOWN mode DEFAULT" in ip(net, "link show m")
    assert "10.0.0.0/30 dev m proto kernel scope link src 10.0.0.1 dead \n" in ip(net, "route")
    assert "m:" not in ip(net, "link show up")


def test_addresses_come_and_go(net: Net) -> None:
    ip(net, "addr add 10.8.0.1/24 dev x")
    assert "    inet 10.8.0.1/24 brd 10.8.0.255 scope global x\n" in ip(net, "addr show x")
    assert "10.8.0.0/24 dev x proto kernel scope link src 10.8.0.1 \n" in ip(net, "route")
    assert ip(net, "addr add 10.8.0.1/24 dev x", code=2) == "RTNETLINK answers: File exists\n"
    ip(net, "addr del 10.8.0.1/24 dev x")
    assert "10.8.0" not in ip(net, "route")


def test_statistics(net: Net) -> None:
    (found,) = json.loads(ip(net, "-s -j link show m"))
    port = net["a"].node.ports["m"]
    assert found["stats64"]["tx"]["packets"] == port.frames_sent
    assert found["stats64"]["rx"]["bytes"] == port.bytes_received
    lines = ip(net, "-s link show m").splitlines()
    assert lines[2].split() == ["RX:", "bytes", "packets", "errors", "dropped", "missed", "mcast"]
    assert lines[3].split()[:2] == [str(port.bytes_received), str(port.frames_received)]


def test_neigh(net: Net) -> None:
    mac = "02:00:00:00:00:04"
    assert ip(net, "neigh") == f"10.0.0.2 dev m lladdr {mac} REACHABLE \n"
    assert json.loads(ip(net, "-j neigh")) == [
        {"dst": "10.0.0.2", "dev": "m", "lladdr": mac, "state": ["REACHABLE"]}
    ]
    ip(net, "neigh replace 10.0.1.9 lladdr 02:00:00:00:00:99 dev x nud permanent")
    assert ip(net, "neigh show dev x") == "10.0.1.9 dev x lladdr 02:00:00:00:00:99 PERMANENT \n"
    ip(net, "neigh del 10.0.1.9 dev x")
    assert ip(net, "neigh show dev x") == ""


@pytest.mark.parametrize(
    ("line", "code", "message"),
    [
        ("", 255, "Usage: ip [ OPTIONS ] OBJECT { COMMAND | help }"),
        ("-z route", 255, 'Option "-z" is unknown, try "ip -help".'),
        ("xx", 1, 'Object "xx" is unknown, try "ip help".'),
        ("route xx", 1, 'Command "xx" is unknown, try "ip route help".'),
        ("route show 10.0.0", 1, 'Error: any valid prefix is expected rather than "10.0.0".'),
        ("route add 10.0.0.0/33 dev x", 1, 'Error: any valid prefix is expected rather than "10.0.0.0/33".'),
        ("route add 10.5.0.0/16 via", 1, 'Command line is not complete. Try option "help"'),
        ("route add 10.5.0.0/16 foo bar", 1, 'Error: either "to" is duplicate, or "foo" is a garbage.'),
        ("route add 10.5.0.0/16 dev nix", 1, 'Cannot find device "nix"'),
        ("route add 10.5.0.0/16 via 9.9.9.9", 2, "RTNETLINK answers: Network is unreachable"),
        ("route del 10.5.0.0/16", 2, "RTNETLINK answers: No such process"),
        ("link set nix up", 1, 'Cannot find device "nix"'),
        ("addr show nix", 1, 'Device "nix" does not exist.'),
        ("addr add 10.8.0.1/24", 1, 'Not enough information: "dev" argument is required.'),
        ("neigh add 10.0.1.9 lladdr zz dev x", 1, '"zz" is invalid lladdr.'),
    ],
)
def test_what_is_wrong_is_said_in_iproute2s_words(net: Net, line: str, code: int, message: str) -> None:
    assert ip(net, line, code=code).startswith(message)


def test_changes_need_root(net: Net) -> None:
    refused = "RTNETLINK answers: Operation not permitted\n"
    for line in ("route add 10.5.0.0/16 via 10.0.1.9", "link set x down", "addr add 10.8.0.1/24 dev x"):
        assert ip(net, line, root=False, code=2) == refused
    assert ip(net, "route", root=False).startswith("default via")


def test_help(net: Net) -> None:
    told: Any = ip(net, "help")
    assert told.startswith("Usage: ip ")
