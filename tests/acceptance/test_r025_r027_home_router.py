"""R025 and R027: the home router as one box, and programs of the LAN."""

from __future__ import annotations

import socket
import time
from pathlib import Path

import pytest
from tests.acceptance.frames_seen import FramesSeen
from tests.acceptance.nat_nets import addresses, ask_tcp, ask_udp, tcp_whoami, whoami

from netarium import Net
from netarium.errors import UsageError


def home() -> Net:
    net = Net(seed=1)
    router = net.home_router("home", wan="202.20.65.5/24", forward={"tcp/8080": "192.168.1.2:80"})
    for number, port in ((2, "home:lan1"), (3, "home:lan2"), (4, "home:wifi"), (5, "home:wifi")):
        net.link(net.host(f"h{number}", address=f"192.168.1.{number}/24", gateway="192.168.1.1"), port)
    net.link(net.host("server", address="202.20.65.4/24"), "home:wan")
    assert router.kind == "router"
    return net


@pytest.mark.parametrize(("asker", "answerer"), [("h2", "h3"), ("h2", "h4"), ("h4", "h5")])
def test_r025_lan_and_wireless_speak_by_mac_in_one_subnet_without_nat(asker: str, answerer: str) -> None:
    net = home()
    seen = FramesSeen(net)
    net[answerer].run(whoami(9000))
    address = net[answerer].address
    assert net[asker].call(ask_udp, address, 9000, 5000) == (net[asker].address, 5000)
    (request,) = seen.packets_by(f"{asker}:eth0")
    assert request.destination == net[answerer].node.ports["eth0"].mac, "straight to the other's MAC"
    assert request.network.ttl == 64
    (received,) = [
        frame for name, frame in seen.received if name == f"{answerer}:eth0" and frame.ethertype == 0x0800
    ]
    assert received.network.ttl == 64, "no router in between"
    assert net["home"].connections == [], "the router has tracked nothing"
    assert {entry.port.name for entry in net["home"].mac_table} >= {"home.lan:lan1"} or asker == "h4"


@pytest.mark.parametrize("name", ["h2", "h4"])
def test_r025_the_wan_is_reached_routed_and_with_nat(name: str) -> None:
    net = home()
    seen = FramesSeen(net)
    net["server"].run(whoami(9000))
    assert net[name].call(ask_udp, "202.20.65.4", 9000, 5000) == ("202.20.65.5", 5000)
    (outside,) = seen.packets_by("home:wan")
    assert addresses(outside) == ("202.20.65.5", "202.20.65.4")
    assert outside.network.ttl == 63


def test_r025_it_forwards_ports_and_is_one_box() -> None:
    net = home()
    net["h2"].run(tcp_whoami(80, "h2"), root=True, daemon=True)
    assert net["server"].call(ask_tcp, "202.20.65.5", 8080)[2] == "h2"
    net["home"].crash()
    assert not net["home.lan"].on, "the switch went off with it"
    net["home"].boot()
    assert net["home.lan"].on
    assert net["server"].call(ask_tcp, "202.20.65.5", 8080)[2] == "h2"
    net.link("h2", "home").cut()
    with pytest.raises(UsageError, match="home has no port 'lam1'; did you mean 'lan1'"):
        net.link(net.host("h9", address="192.168.1.9/24"), "home:lam1")


def test_r027_a_broadcast_reaches_all_of_the_lan_and_none_behind_the_router() -> None:
    net = home()

    def listen() -> tuple[str, int] | None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.bind(("", 9000))
            sock.settimeout(5)
            try:
                return sock.recvfrom(100)[1]
            except TimeoutError:
                return None

    def call_all() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            sock.bind(("", 5000))
            for address in ("192.168.1.255", "255.255.255.255"):
                sock.sendto(b"is anybody there?", (address, 9000))

    listeners = {name: net[name].run(listen) for name in ("h3", "h4", "h5", "home", "server")}
    seen = FramesSeen(net)
    net["h2"].run(call_all)
    net.run()
    heard = {name: service.result is not None for name, service in listeners.items()}
    assert heard == {"h3": True, "h4": True, "h5": True, "home": True, "server": False}
    assert seen.packets_by("home:wan") == [], "nothing went out"


ZONE = """
example.com.     300 IN SOA ns.example.com. nobody.example.com. 1 1800 900 604800 60
example.com.     300 IN NS  ns.example.com.
ns.example.com.  300 IN A   203.0.113.53
www.example.com. 300 IN A   203.0.113.80
"""


def test_r025_plugged_in_it_gives_leases_and_names_to_cable_and_wireless_clients() -> None:
    net = Net(seed=1)
    router = net.home_router("home", wan="dhcp")
    for name, port in (("pc", "home"), ("phone", "home:wifi")):
        net.link(net.host(name, address="dhcp"), port)
    leases = {"range": "202.20.65.100-202.20.65.110", "dns": "203.0.113.53"}
    net.router(
        "isp",
        interfaces={"cust": "202.20.65.1/24", "up": "203.0.113.1/24"},
        dhcp={"cust": leases},
        public=True,
    )
    net.link("home:wan", "isp:cust")
    names = [{"dns": {"zones": {"example.com.": ZONE}}}]
    net.link(net.host("ns", address="203.0.113.53/24", gateway="203.0.113.1", services=names), "isp:up")
    net["pc"].call(time.sleep, 20)
    addresses = [net[name].address for name in ("pc", "phone")]
    assert sorted(addresses) == ["192.168.1.100", "192.168.1.101"]
    assert router.addresses == {"lan": ["192.168.1.1/24"], "wan": ["202.20.65.100/24"]}
    for name in ("pc", "phone"):
        assert net[name].call(socket.gethostbyname, "www.example.com") == "203.0.113.80"
    asked = [each for each in router.connections if each.original.destination_port == 53]
    assert {each.source_translated for each in asked} == {False}, (
        "the router asks for them, by its own address"
    )
    assert net["ns"].call(socket.gethostbyname, "localhost") == "127.0.0.1"


def test_r025_from_a_lab_file(tmp_path: Path) -> None:
    lab = tmp_path / "lab.yaml"
    lab.write_text(
        "nodes:\n  home: {kind: home-router, wan: 202.20.65.5/24, gateway: 202.20.65.4, dhcp: {lease: 1h}}\n"
        "  a: {kind: host, address: dhcp}\n  fixed: {kind: host, address: 192.168.1.7/24, gateway: 192.168.1.1}\n"
        "  server: {kind: host, address: 202.20.65.4/24}\n"
        "links:\n  - [a, home]\n  - [fixed, home:wifi]\n  - [home:wan, server]\n"
        "programs:\n  - {on: a, run: ping -c 1 202.20.65.4, after: dhcp}\n  - {on: fixed, run: ping -c 1 202.20.65.4}\n"
    )
    net = Net.load(lab)
    net.run(check=True)
    outside = {row.outside.partition(":")[0] for row in net["home"].nat_table}
    assert outside == {"202.20.65.5"} and len(net["home"].nat_table) == 2
    assert net["a"].address == "192.168.1.100"


def test_r025_leases_can_be_turned_off() -> None:
    net = Net(seed=1)
    net.home_router("home", wan="202.20.65.5/24", dhcp=False)
    assert net["home"].dhcp is None and net.lifecycle.services == []
