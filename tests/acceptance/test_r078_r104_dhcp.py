"""R078, R100 to R104: what a host lacks, and how DHCP gives it."""

from __future__ import annotations

import socket
import time

import pytest
from tests.acceptance.frames_seen import FramesSeen
from tests.acceptance.naming import authority, look_up, zone

from netarium import Net
from netarium.addresses import ipv4_text
from netarium.wire import dhcp
from netarium.wire.dhcp import DhcpMessage
from netarium.wire.ethernet import MAC_BROADCAST
from netarium.wire.udp import UdpHeader

POOL = "192.168.1.100-192.168.1.200"


def office(pool: str = POOL, **more: object):
    """A router with a DHCP server and names, on a switch with a client and a bystander."""
    net = Net(seed=4, names=False)
    switch = net.switch("switch")
    net.router(
        "gw",
        interfaces={"lan": "192.168.1.1/24", "wan": "20.0.0.1/24"},
        dhcp={"lan": {"range": pool, "dns": "20.0.0.53", "lease": "1h", **more}},
    )
    net.link("gw:lan", switch)
    net.host(
        "server", address="20.0.0.53/24", gateway="20.0.0.1", link=net["gw"],
        services=authority(zone(".", "ns.", "20.0.0.53", "www.example. 60 IN A 20.0.0.53")),
    )  # fmt: skip
    net.host("bystander", address="192.168.1.7/24", link=switch)
    pc = net.host("pc", address="dhcp", link=switch)
    return net, pc


def dhcp_frames(seen: FramesSeen, port: str):
    """(frame, DHCP message) that this port sent."""
    return [
        (frame, DhcpMessage.parse(frame.payload))
        for name, frame in seen.sent
        if name == port and type(frame.transport) is UdpHeader and frame.transport.source_port in (67, 68)
    ]


def nothing() -> None:
    """A program that has nothing to do."""


def run_after_dhcp(net: Net, pc, function, *arguments):
    service = pc.run(function, *arguments, after="dhcp", stdin="")
    net.run_until(service)
    if service.exception is not None:
        raise service.exception
    return service.result


def test_r101_the_requests_are_broadcast_from_no_address_and_port_68_to_67():
    net, pc = office()
    seen = FramesSeen(net)
    run_after_dhcp(net, pc, nothing)
    client_mac = pc.node.ports["eth0"].mac
    asked = dhcp_frames(seen, "pc:eth0")
    assert [message.name for _, message in asked] == ["DHCPDISCOVER", "DHCPREQUEST"]
    for frame, _ in asked:
        assert (frame.source, frame.destination) == (client_mac, 0xFFFFFFFFFFFF)
        assert addresses_of(frame) == ("0.0.0.0", "255.255.255.255")
        assert (frame.transport.source_port, frame.transport.destination_port) == (68, 67)


def addresses_of(frame):
    """Source and destination of the IP header, as text."""
    return ipv4_text(frame.network.source), ipv4_text(frame.network.destination)


def test_r103_the_responses_come_from_the_server_with_a_lease_and_the_client_shows_what_it_got():
    net, pc = office()
    seen = FramesSeen(net)
    run_after_dhcp(net, pc, nothing)
    client_mac, server_mac = pc.node.ports["eth0"].mac, net["gw"].node.ports["lan"].mac
    answered = dhcp_frames(seen, "gw:lan")
    assert [message.name for _, message in answered] == ["DHCPOFFER", "DHCPACK"]
    for frame, message in answered:
        assert frame.source == server_mac
        assert frame.destination in (client_mac, MAC_BROADCAST)
        source, destination = addresses_of(frame)
        assert source == "192.168.1.1"
        assert destination in ("255.255.255.255", "192.168.1.100")
        assert (frame.transport.source_port, frame.transport.destination_port) == (67, 68)
        assert message.number(dhcp.LEASE_TIME) == 3600
        assert ipv4_text(message.your_address) == "192.168.1.100"
    shown = {}
    for command in ("ip addr show eth0", "ip route", "resolvectl status"):
        tool = pc.run(command, stdin="")
        assert tool.wait() == 0
        shown[command] = tool.stdout
    assert "inet 192.168.1.100/24 " in shown["ip addr show eth0"]
    assert "default via 192.168.1.1 dev eth0" in shown["ip route"]
    assert "20.0.0.53" in shown["resolvectl status"]


def test_r102_all_hosts_receive_the_request_and_only_the_server_takes_it():
    net, pc = office()
    seen = FramesSeen(net)
    run_after_dhcp(net, pc, nothing)
    requests = [frame for frame, _ in dhcp_frames(seen, "pc:eth0")]
    heard = [name for name, frame in seen.received if frame in requests]
    assert heard.count("bystander:eth0") == heard.count("gw:lan") == 2
    dropped = {reason.name: count for reason, count in net["bystander"].node.stack.drops.items()}
    assert dropped["UDP_NO_SOCKET"] == 2, "each request is one drop, with its reason"
    assert "UDP_NO_SOCKET" not in {reason.name for reason in net["gw"].node.stack.drops}


def test_r100_a_new_host_gets_address_mask_gateway_and_name_server():
    net, pc = office()
    run_after_dhcp(net, pc, nothing)
    assert pc.addresses == {"eth0": ["192.168.1.100/24"]}
    stack = pc.node.stack
    assert [str(route) for route in stack.routes.routes if route.length == 0] == [
        "0.0.0.0/0 via 192.168.1.1 dev eth0 proto dhcp"
    ]
    assert pc.resolver.stub.configuration.servers == ["20.0.0.53"]


def test_r104_right_after_it_ping_by_name_works():
    net, pc = office()
    ping = pc.run("ping -c 1 www.example", after="dhcp", stdin="")
    net.run_until(ping)
    assert ping.exit_code == 0, ping.stdout + ping.stderr
    assert "from 20.0.0.53" in ping.stdout


def test_r100_an_exhausted_pool_gives_no_address_and_the_client_says_so():
    net, pc = office(pool="192.168.1.100-192.168.1.100")
    late = net.host("late", address="dhcp", link=net["switch"], boot="10s")
    net["bystander"].call(time.sleep, 120)
    assert pc.addresses == {"eth0": ["192.168.1.100/24"]}
    assert late.addresses == {"eth0": []}
    client = net.service("late/dhclient")
    assert client.stdout.count("DHCPDISCOVER") == 4
    assert "No DHCPOFFERS received." in client.stdout
    assert "no free leases" in net.service("gw/dhcpd").stdout


def reach(address: str) -> str:
    """What comes of one UDP message to `address`, or the error."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(5)
        try:
            sock.connect((address, 9))
            sock.send(b"x")
            sock.recv(100)
        except ConnectionRefusedError:
            return "reached"
        except OSError as error:
            return str(error.strerror or "nothing came back")
    return "answered"


@pytest.mark.parametrize(
    ("options", "lan", "beyond", "by_name"),
    [
        # No address: nothing goes.
        ({}, "Network is unreachable", "Network is unreachable", "Name or service not known"),
        # An address without a mask's network (/32): who is near cannot be told.
        ({"address": "192.168.1.50/32"}, "Network is unreachable", "Network is unreachable", None),
        # No gateway: the LAN only.
        ({"address": "192.168.1.50/24"}, "reached", "Network is unreachable", "Name or service not known"),
        # No name server: by address only.
        (
            {"address": "192.168.1.50/24", "gateway": "192.168.1.1"},
            "reached",
            "reached",
            "Name or service not known",
        ),
        (
            {"address": "192.168.1.50/24", "gateway": "192.168.1.1", "dns": "20.0.0.53"},
            "reached",
            "reached",
            "ok",
        ),
    ],
)
def test_r078_each_of_the_four_elements_missed_in_turn(options, lan, beyond, by_name):
    net, _ = office()
    host = net.host("host", link=net["switch"], **options)
    assert host.call(reach, "192.168.1.7") == lan
    assert host.call(reach, "20.0.0.53") == beyond
    if by_name == "ok":
        assert host.call(look_up, "www.example") == ["20.0.0.53"]
    elif by_name is not None:
        assert host.call(look_up, "www.example") == by_name
