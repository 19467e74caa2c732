"""R055 to R060: the firewall of a router, LANs with and without a way out, private addresses and why they need NAT."""

from __future__ import annotations

import pytest
from tests.acceptance.frames_seen import FramesSeen
from tests.acceptance.nat_nets import NAT, ask_tcp, ask_udp, behind_gateway, failed, tcp_whoami, whoami

from netarium import Net
from netarium.addresses import is_private, parse_ipv4
from netarium.journey import Drop


def test_r055_deny_tcp_dport_23_drops_and_counts_and_others_pass() -> None:
    net = behind_gateway("a", firewall={"rules": ["deny tcp dport 23"]})
    for port in (23, 24):
        net["server"].run(tcp_whoami(port), root=True)
    net["server"].run(whoami(23), root=True)
    a = net["a"]
    assert a.call(failed, ask_tcp, "202.20.65.4", 23, 0, 10.0) is TimeoutError
    assert a.call(ask_tcp, "202.20.65.4", 24)[0] == "202.20.65.5"
    assert a.call(ask_udp, "202.20.65.4", 23)[0] == "202.20.65.5", "UDP to port 23 is another matter"
    rule, policy = (each for each in net["gw"].firewall if each.chain == "forward")
    assert (rule.text, rule.packets) == ("deny tcp dport 23", 4), "the SYN at 0, 1, 3 and 7 s"
    assert rule.bytes == 4 * 60
    assert net["gw"].node.stack.drops == {Drop.FILTER_RULE: 4}
    assert policy.packets > 0
    assert all(
        event["detail"] == "rule 1 of forward: deny tcp dport 23"
        for event in net.trace.select(event="dropped", at="gw", reason="FILTER_RULE")
    )


def test_r056_a_lan_works_without_an_uplink_and_joined_by_a_router_it_is_part_of_the_wan() -> None:
    net = Net(seed=1)
    lan, wan = net.switch("lan"), net.switch("wan")
    a = net.host("a", address="10.1.0.2/24", gateway="10.1.0.1", link=lan)
    b = net.host("b", address="10.1.0.3/24", gateway="10.1.0.1", link=lan)
    far = net.host("far", address="10.2.0.2/24", gateway="10.2.0.1", link=wan)
    b.run(whoami(9000))
    far.run(whoami(9000))
    assert a.call(ask_udp, "10.1.0.3", 9000)[0] == "10.1.0.2"
    assert a.call(failed, ask_udp, "10.2.0.2", 9000, 0, 5.0) is TimeoutError, "no way out"
    net.router("r", interfaces={"x": "10.1.0.1/24", "y": "10.2.0.1/24"})
    net.link("r:x", lan)
    net.link("r:y", wan)
    assert a.call(ask_udp, "10.2.0.2", 9000)[0] == "10.1.0.2"


def test_r057_two_lans_both_with_192_168_1_2_reach_one_server() -> None:
    net = Net(seed=1)
    outside = net.switch("outside")
    server = net.host("server", address="202.20.65.4/24", link=outside)
    server.run(whoami(9000))
    for name, address in (("one", "202.20.65.5"), ("two", "202.20.65.6")):
        gateway = net.router(
            f"gw-{name}", interfaces={"lan": "192.168.1.1/24", "wan": f"{address}/24"}, nat=NAT
        )
        net.link(f"{gateway.name}:wan", outside)
        net.link(net.host(name, address="192.168.1.2/24", gateway="192.168.1.1"), f"{gateway.name}:lan")
    assert net["one"].call(ask_udp, "202.20.65.4", 9000, 5000) == ("202.20.65.5", 5000)
    assert net["two"].call(ask_udp, "202.20.65.4", 9000, 5000) == ("202.20.65.6", 5000)


@pytest.mark.parametrize(
    ("address", "private"),
    [
        ("172.15.255.255", False), ("172.16.0.0", True), ("172.31.255.255", True), ("172.32.0.0", False),
        ("9.255.255.255", False), ("10.0.0.0", True), ("10.255.255.255", True), ("11.0.0.0", False),
        ("192.167.255.255", False), ("192.168.0.0", True), ("192.168.255.255", True), ("192.169.0.0", False),
    ],
)  # fmt: skip
def test_r058_private_addresses(address: str, private: bool) -> None:
    assert is_private(parse_ipv4(address)) is private


def public_internet(nat: object) -> Net:
    """A private LAN, its gateway, a provider's router that is public, and a server."""
    net = Net(seed=1, trace=True)
    a = net.host("a", address="192.168.1.2/24", gateway="192.168.1.1")
    net.router(
        "gw", interfaces={"lan": "192.168.1.1/24", "wan": "202.20.65.5/24"}, gateway="202.20.65.1", nat=nat
    )
    net.router("isp", interfaces={"x": "202.20.65.1/24", "y": "203.0.113.1/24"}, public=True)
    server = net.host("server", address="203.0.113.9/24", gateway="203.0.113.1")
    net.link(a, "gw:lan")
    net.link("gw:wan", "isp:x")
    net.link("isp:y", server)
    server.run(whoami(9000), name="whoami")
    return net


def test_r058_a_public_router_drops_private_destinations_and_no_others() -> None:
    net = public_internet(NAT)
    server = net["server"]
    for address in ("172.16.0.0", "172.31.255.255", "10.1.2.3", "192.168.77.1"):
        assert server.call(failed, ask_udp, address, 9, 0, 1.0) is TimeoutError
    assert net["isp"].node.stack.drops == {Drop.PRIVATE_ON_PUBLIC: 4}
    for address in ("172.15.255.255", "172.32.0.0"):
        server.call(failed, ask_udp, address, 9, 0, 1.0)
    assert net["isp"].node.stack.drops == {Drop.PRIVATE_ON_PUBLIC: 4, Drop.NO_ROUTE: 2}


def test_r059_r060_without_nat_the_request_arrives_and_the_answer_never_comes_back() -> None:
    net = public_internet(None)
    seen = FramesSeen(net)
    assert net["a"].call(failed, ask_udp, "203.0.113.9", 9000, 4000, 5.0) is TimeoutError
    (request,) = [
        frame for name, frame in seen.received if name == "server:eth0" and frame.ethertype == 0x0800
    ]
    assert request.network.source == parse_ipv4("192.168.1.2"), "the server has received it"
    (answer,) = seen.packets_by("server:eth0")
    assert answer.network.destination == parse_ipv4("192.168.1.2"), "and has answered"
    (drop,) = net.trace.select(event="dropped", at="isp")
    assert drop["reason"] == "PRIVATE_ON_PUBLIC"
    assert drop["detail"] == "for 192.168.1.2"
    assert [name for name, _ in seen.received if name == "gw:wan" and _.ethertype == 0x0800] == []


def test_r060_with_nat_the_same_request_is_answered() -> None:
    net = public_internet(NAT)
    assert net["a"].call(ask_udp, "203.0.113.9", 9000, 4000) == ("202.20.65.5", 4000)
    assert Drop.PRIVATE_ON_PUBLIC not in net["isp"].node.stack.drops
