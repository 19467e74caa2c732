"""R021 VLANs on a trunk, R023 and R024 domains, R054 the layer-3 switch; vlan.yaml as it stands."""

from __future__ import annotations

import socket
import subprocess
from pathlib import Path

import pytest
from tests.acceptance.frames_seen import FramesSeen

from netarium import Net
from netarium.lab.layer2 import broadcast_domains, collision_domains
from netarium.testing.tshark import find_tshark, skip_without_tshark
from netarium.wire.arp import ArpPacket
from netarium.wire.ethernet import ETHERTYPE_VLAN, MAC_BROADCAST, Frame
from netarium.wire.ipv4 import Ipv4Header
from netarium.wire.vlan import vlan_of

LABS = Path(__file__).parents[2] / "examples" / "labs"


def shout(address: str = "255.255.255.255") -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        sock.sendto(b"x", (address, 9999))


def domains(net: Net) -> tuple[int, int]:
    """How many collision and broadcast domains."""
    boxes, cables = list(net.boxes.values()), [link.cable for link in net.links]
    return len(collision_domains(boxes, cables)), len(broadcast_domains(boxes, cables))


def is_ping(frame: Frame, source: str) -> bool:
    number = int.from_bytes(socket.inet_aton(source), "big")
    return isinstance(frame.network, Ipv4Header) and frame.network.source == number


def test_r021_a_broadcast_in_vlan_10_is_not_seen_in_vlan_20_and_is_tagged_on_the_trunk() -> None:
    net = Net.load(LABS / "vlan.yaml")
    seen = FramesSeen(net)
    net["a"].run(shout, at="20s")
    net.run(until="19s")
    seen.clear()
    net.run()
    (sent,) = [frame for name, frame in seen.sent if name == "a:eth0"]
    assert sent.destination == MAC_BROADCAST
    reached = {name for name, _ in seen.received}
    assert reached == {"floor1:p1", "core:down", "c:eth0"}  # not b, which is in VLAN 20
    (tagged,) = [frame for name, frame in seen.received if name == "core:down"]
    assert tagged.size_bytes == sent.size_bytes + 4
    data = bytes(tagged)
    assert int.from_bytes(data[12:14], "big") == ETHERTYPE_VLAN == 0x8100
    assert vlan_of(int.from_bytes(data[14:16], "big")) == 10
    assert data[:12] + data[16:] == bytes(sent) + bytes(len(data) - 4 - len(bytes(sent)))


def test_r021_arp_is_four_bytes_more_on_the_trunk_and_in_its_own_vlan_only() -> None:
    net = Net.load(LABS / "vlan.yaml")
    seen = FramesSeen(net)
    net.run()
    arps = [(name, frame) for name, frame in seen.sent if isinstance(frame.network, ArpPacket)]
    sizes = {(name in ("floor1:up", "core:down"), frame.size_bytes, frame.tag >= 0) for name, frame in arps}
    assert sizes == {(True, 64, True), (False, 60, False)}
    vlans = {vlan_of(frame.tag) for _, frame in arps if frame.tag >= 0}
    assert vlans == {10, 20}
    assert not [f for name, f in seen.received if name == "b:eth0" and is_ping(f, "10.0.10.3")]


def test_r054_the_first_packet_of_a_flow_is_routed_the_next_are_switched_by_the_flow_cache() -> None:
    net = Net.load(LABS / "vlan.yaml")
    core = net["core"]
    net.run(until="9s")  # ping -c 3 from VLAN 10 to VLAN 20: a flow there, a flow back
    assert (core.routed, core.switched) == (2, 4)
    assert [(flow.vlan_in, flow.vlan_out, flow.packets) for flow in core.flows] == [(10, 20, 2), (20, 10, 2)]
    inside = core.node.stack.interfaces["vlan10"].frames_in
    net.run()  # and now within VLAN 10
    assert (core.routed, core.switched) == (2, 4)
    frames = core.node.stack.interfaces["vlan10"].frames_in - inside
    assert frames == 1, "intra-VLAN traffic reaches the router as a broadcast only: a's ARP request for c"
    for service in net.services:
        assert service.exit_code == 0
        assert "3 received, 0% packet loss" in service.stdout
    between, within = (service.stdout for service in net.services)
    assert between.count("ttl=63") == 3  # routed or switched, it is one hop
    assert within.count("ttl=64") == 3


def test_r054_switched_packets_are_the_same_frames_as_routed_ones() -> None:
    net = Net.load(LABS / "vlan.yaml")
    seen = FramesSeen(net)
    net.run(until="9s")
    frames = [frame for name, frame in seen.received if name == "b:eth0" and is_ping(frame, "10.0.10.2")]
    assert len(frames) == 3
    assert len({(f.source, f.destination, f.network.ttl, f.tag, f.size_bytes) for f in frames}) == 1
    assert frames[0].network.ttl == 63


@pytest.mark.parametrize("ports", [2, 3, 8])
def test_r023_a_switch_of_n_ports_gives_n_collision_domains_and_a_hub_one(ports: int) -> None:
    for kind, expected in (("switch", (ports, 1)), ("hub", (1, 1))):
        net = Net()
        box = getattr(net, kind)("box")
        for number in range(ports):
            net.host(f"h{number}", f"10.0.0.{number + 1}/24", link=box)
        assert domains(net) == expected


def test_r023_a_drawn_topology_of_hubs_and_switches_is_counted() -> None:
    net = Net()
    for name in ("h1", "h2", "h3"):
        net.hub(name)
    switch = net.switch("s")
    for number, hub in enumerate(("h1", "h1", "h2", "h2", "h3")):
        net.host(f"a{number}", f"10.0.0.{number + 1}/24", link=net[hub])
    net.link("h1", "h2")  # two hubs in a row are one collision domain
    net.link("h2", switch)
    net.link("h3", switch)
    net.host("direct", "10.0.0.9/24", link=switch)
    assert domains(net) == (3, 1)


def test_r024_a_router_with_three_interfaces_gives_three_broadcast_domains_and_none_hears_another() -> None:
    net = Net(seed=2)
    net.router("r", interfaces={f"e{number}": f"10.0.{number}.254/24" for number in (1, 2, 3)})
    for number in (1, 2, 3):
        switch = net.switch(f"s{number}")
        net.link(f"r:e{number}", switch)
        for host in (1, 2):
            net.host(
                f"h{number}{host}", f"10.0.{number}.{host}/24", gateway=f"10.0.{number}.254", link=switch
            )
    assert domains(net) == (9, 3)
    seen = FramesSeen(net)
    for number in (1, 2, 3):
        seen.clear()
        net[f"h{number}1"].run(shout)
        net.run()
        assert {name for name, _ in seen.received} == {f"s{number}:p2", f"h{number}2:eth0", f"r:e{number}"}


def test_r024_vlans_split_a_broadcast_domain_too() -> None:
    net = Net.load(LABS / "vlan.yaml")
    assert domains(net) == (4, 2)


def test_r021_tshark_reads_the_tags(tmp_path: Path) -> None:
    skip_without_tshark()
    file = tmp_path / "vlan.pcapng"
    net = Net.load(LABS / "vlan.yaml")
    net.capture(file, on=["floor1:up"])
    net.run()
    net.close()
    fields = ["-T", "fields", "-e", "vlan.id", "-e", "vlan.etype", "-e", "frame.len"]
    done = subprocess.run(
        [find_tshark(), "-r", str(file), *fields], capture_output=True, text=True, check=True
    )
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    assert {row[0] for row in rows} == {"10", "20"}
    assert {row[1] for row in rows} == {"0x0800", "0x0806"}
    assert {row[2] for row in rows} == {"64", "102"}  # ARP 60 and ping 98, and four bytes
