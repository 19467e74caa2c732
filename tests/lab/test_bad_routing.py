"""What is wrong with a router's `routing` is said with node and line, and nothing is run."""

import pytest

from netarium import LabError, Net
from netarium.errors import UsageError

HEAD = "nodes:\n  a:\n    kind: router\n    interfaces: {x: 10.0.1.1/24, m: 10.0.0.1/30}\n    routing: "
"""What follows stands in line 5."""

CASES = {
    "unknown protocol": (
        "osfp",
        "lab.yaml:5: nodes.a.routing: 'osfp' does not fit: it should be 'rip' or 'ospf'",
    ),
    "unknown protocol in a mapping": (
        "{protocol: bgp}",
        "lab.yaml:5: nodes.a.routing.protocol: 'bgp' does not fit: it should be 'rip' or 'ospf'",
    ),
    "no protocol": ("{passive: x}", "lab.yaml:5: nodes.a.routing lacks `protocol`"),
    "unknown option": ("{protocol: rip, kost: 3}", "lab.yaml:5: unknown key 'kost'; did you mean 'cost'?"),
    "an option of the other protocol": (
        "{protocol: rip, router_id: 1.1.1.1}",
        "lab.yaml:5: nodes.a.routing: routing rip has no 'router_id'; it belongs to the other protocol",
    ),
    "an interface that is not there": (
        "{protocol: ospf, passive: y}",
        "lab.yaml:5: nodes.a.routing: routing passive: there is no interface 'y'; known here: x, m",
    ),
    "a cost for an interface that is not there": (
        "{protocol: ospf, cost: {y: 3}}",
        "lab.yaml:5: nodes.a.routing: routing cost: there is no interface 'y'; known here: x, m",
    ),
    "a cost that cannot be": (
        "{protocol: rip, cost: {m: 16}}",
        "lab.yaml:5: nodes.a.routing: routing cost: 16 does not fit; write a whole number from 1 to 15",
    ),
    "a router id that is none": ("{protocol: ospf, router_id: 1.1.1}", "'1.1.1' is no IPv4 address"),
    "a hello of half seconds": (
        "{protocol: ospf, hello: 1500ms}",
        "routing hello: 1500ms does not fit; write whole seconds from 1s to 65535s",
    ),
    "dead before the next hello": (
        "{protocol: ospf, hello: 10s, dead: 10s}",
        "routing dead: 10s must be longer than hello, 10s",
    ),
    "a source of routes that is none": (
        "{protocol: ospf, redistribute: [bgp]}",
        "redistribute: 'bgp' is no source of routes; write some of connected, static, rip, ospf",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_the_message_names_the_line_and_what_would_be_right(case, tmp_path):
    text, message = CASES[case]
    path = tmp_path / "lab.yaml"
    path.write_text(HEAD + text + "\n")
    with pytest.raises(LabError) as caught:
        Net.load(path)
    assert message in str(caught.value)
    assert "lab.yaml:5: " in str(caught.value)


def test_routing_on_a_node_without_interfaces(tmp_path):
    path = tmp_path / "lab.yaml"
    path.write_text("nodes:\n  a:\n    kind: router\n    routing: ospf\n")
    with pytest.raises(LabError) as caught:
        Net.load(path)
    assert "lab.yaml:4: nodes.a.routing: routing: ospf on a node without interfaces; write" in str(
        caught.value
    )


def pair(net, a, b, link=True, **more):
    net.router("a", interfaces={"x": "10.0.0.1/24", **more}, routing=a)
    net.router("b", interfaces={"x": "10.0.0.2/24"}, routing=b)
    if link:
        net.link("a:x", "b:x")


def test_duplicate_router_ids_in_a_lab_file(tmp_path):
    path = tmp_path / "lab.yaml"
    path.write_text(
        "nodes:\n  a:\n    kind: router\n    address: 10.0.0.1/24\n"
        "    routing: {protocol: ospf, router_id: 10.0.0.2}\n"
        "  b:\n    kind: router\n    address: 10.0.0.2/24\n    routing: ospf\nlinks:\n  - [a, b]\n"
    )
    with pytest.raises(LabError) as caught:
        Net.load(path)
    assert str(caught.value).endswith(
        "lab.yaml:9: b and a both have the router id 10.0.0.2; give one of them another router_id"
    )


def test_duplicate_router_ids_matter_only_where_routers_speak_to_each_other():
    same = {"protocol": "ospf", "router_id": "1.1.1.1"}
    net = Net(seed=1)
    pair(net, same, same)
    with pytest.raises(UsageError, match=r"b and a both have the router id 1\.1\.1\.1"):
        net.run()
    for a, b, link in ((same, same, False), (same, "rip", True), ({**same, "passive": "x"}, same, True)):
        net = Net(seed=1)
        pair(net, a, b, link)
        net.run()


def test_python_says_the_same():
    with pytest.raises(UsageError, match="there is no routing protocol 'ripv2'; did you mean 'rip'"):
        Net().router("r", address="10.0.0.1/24", routing="ripv2")
    with pytest.raises(UsageError, match="a host has no 'routing'"):
        Net().host("h", address="10.0.0.1/24", routing="rip")
