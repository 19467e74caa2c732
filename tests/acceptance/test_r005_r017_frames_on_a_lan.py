"""R004, R005, R014, R015, R017, R022 and R042 with programs on hosts of a `Net`: whom a frame reaches."""

from __future__ import annotations

import socket

import pytest
from tests.acceptance.frames_seen import FramesSeen, ask, echo_server

from netarium import Net
from netarium.wire.ethernet import MAC_BROADCAST
from netarium.wire.udp import UdpHeader


def lan(middle: str) -> tuple[Net, FramesSeen]:
    """Hosts a, b, c and d around one box; b echoes; every address is known, so that no ARP is in the way."""
    net = Net(seed=5)
    box = getattr(net, middle)("box")
    for number, name in enumerate("abcd", 1):
        net.host(name, f"10.0.0.{number}/24", gateway="10.0.0.254", link=box)
    net["b"].run(echo_server())
    assert net["a"].call(ask, "10.0.0.2") == (b"HELLO", "10.0.0.2")
    return net, FramesSeen(net)


def shout(address: str) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        sock.sendto(b"hello all", (address, 9999))


def reached(seen: FramesSeen, source: str) -> list[str]:
    """The hosts whose NIC saw a UDP datagram from that address, in order of names."""
    number = int.from_bytes(socket.inet_aton(source), "big")
    return sorted(
        name.partition(":")[0]
        for name, frame in seen.received
        if name.endswith(":eth0")
        and isinstance(frame.transport, UdpHeader)
        and frame.network.source == number
    )


@pytest.mark.parametrize(("middle", "expected"), [("hub", ["b", "c", "d"]), ("switch", ["b"])])
def test_r005_the_same_unicast_reaches_three_by_a_hub_and_one_by_a_switch_that_has_learnt(
    middle: str, expected: list[str]
) -> None:
    net, seen = lan(middle)
    net["a"].call(ask, "10.0.0.2")
    assert reached(seen, "10.0.0.1") == expected
    assert reached(seen, "10.0.0.2") == (["a"] if middle == "switch" else ["a", "c", "d"])


def test_r004_a_third_nic_behind_a_hub_sees_the_frame_and_drops_it() -> None:
    net, _ = lan("hub")
    before = [net[name].node.stack.interfaces["eth0"].drops_in for name in "cd"]
    net["a"].call(ask, "10.0.0.2")
    after = [net[name].node.stack.interfaces["eth0"].drops_in for name in "cd"]
    assert [now - then for now, then in zip(after, before, strict=True)] == [2, 2]


def test_r014_after_learning_a_frame_leaves_only_by_the_port_of_its_destination() -> None:
    net, seen = lan("switch")
    before = net["box"].floods
    net["a"].call(ask, "10.0.0.2")
    sent = [
        name
        for name, frame in seen.sent
        if name.startswith("box:") and isinstance(frame.transport, UdpHeader)
    ]
    assert sent == ["box:p2", "box:p1"]
    assert net["box"].floods == before


@pytest.mark.parametrize("middle", ["hub", "switch"])
@pytest.mark.parametrize("address", ["255.255.255.255", "10.0.0.255"])
def test_r015_a_broadcast_leaves_by_all_ports_but_the_one_it_came_in_by(middle: str, address: str) -> None:
    net, seen = lan(middle)
    net["c"].run(shout, address)
    net.run()
    assert reached(seen, "10.0.0.3") == ["a", "b", "d"]
    frames = [frame for name, frame in seen.sent if name == "c:eth0"]
    assert [frame.destination for frame in frames] == [MAC_BROADCAST]


@pytest.mark.parametrize("address", ["255.255.255.255", "10.0.1.255"])
def test_r017_a_broadcast_never_appears_on_the_far_side_of_a_router(address: str) -> None:
    net = Net(seed=5)
    near, far = net.switch("near"), net.switch("far")
    net.router("r", interfaces={"x": "10.0.1.254/24", "y": "10.0.2.254/24"})
    net.link("r:x", near)
    net.link("r:y", far)
    a = net.host("a", "10.0.1.1/24", gateway="10.0.1.254", link=near)
    net.host("b", "10.0.1.2/24", link=near)
    net.host("c", "10.0.2.1/24", link=far)
    seen = FramesSeen(net)
    a.run(shout, address)
    net.run()
    assert reached(seen, "10.0.1.1") == ["b"]
    assert [name for name, _ in seen.received if name == "r:x"] == ["r:x"]
    assert not [name for name, _ in seen.sent if name in ("r:y", "c:eth0")]


def test_r022_the_switch_sends_it_by_the_same_port_whatever_the_ip_header_says() -> None:
    net, seen = lan("switch")

    def send() -> None:
        for ttl, tos in ((64, 0), (1, 0xB8), (255, 0x10)):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
                sock.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, ttl)
                sock.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, tos)
                sock.sendto(b"x", ("10.0.0.2", 9000))

    net["a"].run(send)
    net.run()
    assert reached(seen, "10.0.0.1") == ["b", "b", "b"]
    datagrams = [f for name, f in seen.received if name == "b:eth0" and isinstance(f.transport, UdpHeader)]
    assert [(f.network.ttl, f.network.tos) for f in datagrams] == [(64, 0), (1, 0xB8), (255, 0x10)]


def test_r042_two_networks_on_one_switch_do_not_talk_without_a_router_and_do_with_one() -> None:
    net = Net(seed=5)
    switch = net.switch("s")
    a = net.host("a", "192.168.1.1/24", link=switch)
    b = net.host("b", "192.168.2.1/24", link=switch)
    seen = FramesSeen(net)
    for host, target in ((a, "192.168.2.1"), (b, "192.168.1.1")):
        service = host.run(f"ping -c 1 {target}")
        service.wait()
        assert service.exit_code != 0
        assert "Network is unreachable" in service.stderr
    assert seen.sent == []  # no route: not even ARP is asked

    net = Net(seed=5)
    switch = net.switch("s")
    a = net.host("a", "192.168.1.1/24", gateway="192.168.1.254", link=switch)
    b = net.host("b", "192.168.2.1/24", gateway="192.168.2.254", link=switch)
    net.router("r", interfaces={"x": ["192.168.1.254/24", "192.168.2.254/24"]})
    net.link("r:x", switch)
    for host, target in ((a, "192.168.2.1"), (b, "192.168.1.1")):
        service = host.run(f"ping -c 2 {target}")
        service.wait()
        assert service.exit_code == 0
        assert "2 received" in service.stdout
