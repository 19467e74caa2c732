"""R008: the MAC in use may be changed, and ARP follows. R011, R046: IP fragments what is too large, with the numbers of
the standard. R029: on the link directly, else by a router. R031: two cards, two addresses. R045: how large a packet is.
"""

from __future__ import annotations

import socket
from typing import Any

import pytest
from tests.acceptance.frames_seen import FramesSeen

from netarium import Net
from netarium.addresses import mac_text, parse_ipv4, parse_mac
from netarium.errors import UsageError, WireError
from netarium.wire.ipv4 import Ipv4Header


def two_hosts() -> tuple[Net, Any, Any]:
    net = Net(seed=1)
    switch = net.switch("s")
    a = net.host("a", address="10.0.0.1/24", link=switch)
    b = net.host("b", address="10.0.0.2/24", link=switch)
    return net, a, b


def learn(net: Net, host: Any) -> None:
    """Let `host` know its neighbour, and all that is under way arrive."""
    host.call(send_udp, 1)
    net.run(until="1s")


def send_udp(size: int, to: str = "10.0.0.2") -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        return sock.sendto(bytes(index & 0xFF for index in range(size)), (to, 9000))


def receive_udp() -> bytes:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("", 9000))
        sock.settimeout(60)
        return sock.recv(70_000)


def test_r008_the_mac_in_use_is_changed_and_arp_follows() -> None:
    net, a, b = two_hosts()
    learn(net, a)
    before = net["b"].node.stack.interfaces["eth0"].mac
    neighbors = a.node.stack.interfaces["eth0"].neighbors
    assert neighbors.entries[parse_ipv4("10.0.0.2")].mac == before
    new = parse_mac("06:00:00:00:00:99")
    b.run("ip link set dev eth0 address 06:00:00:00:00:99", root=True)
    net.run(until="2s")
    assert b.node.stack.interfaces["eth0"].mac == new
    assert neighbors.entries[parse_ipv4("10.0.0.2")].mac == new, "its announcement has told a's cache"
    service = b.run(receive_udp)
    a.run(send_udp, 10)
    net.run_until(service)
    assert service.result == bytes(range(10)), "and packets reach it there"
    b.run("ip addr add 10.0.0.77/24 dev eth0", root=True)
    net.run(until="3s")
    assert "10.0.0.77/24" in b.addresses["eth0"], "an IP address is configuration"
    assert mac_text(new) == "06:00:00:00:00:99"


def test_r011_and_r046_four_thousand_bytes_over_an_mtu_of_1500() -> None:
    net, a, b = two_hosts()
    learn(net, a)
    seen = FramesSeen(net)
    service = b.run(receive_udp)
    a.run(send_udp, 4000 - 20 - 8)  # an IP packet of 4000 bytes
    net.run_until(service)
    pieces = [f for f in seen.packets_by("a:eth0") if isinstance(f.network, Ipv4Header)]
    assert [len(f.payload) for f in pieces] == [1480, 1480, 1020]
    assert [f.network.fragment & 0x1FFF for f in pieces] == [0, 185, 370]  # type: ignore[union-attr]
    assert [f.network.fragment >> 13 & 1 for f in pieces] == [1, 1, 0]  # type: ignore[union-attr]
    assert len({f.network.identification for f in pieces}) == 1  # type: ignore[union-attr]
    assert all(f.data_bytes <= 1500 for f in pieces), "Ethernet carried each as it was"
    assert service.result == bytes(index & 0xFF for index in range(3972)), "reassembled equal"


def test_r046_a_lost_fragment_loses_all() -> None:
    net, a, b = two_hosts()
    learn(net, a)

    class SecondPiece:
        def judge(self, frame: Any, now: int, direction: Any) -> Any:
            from netarium.link.verdict import DROPPED

            header = frame.network
            return DROPPED if isinstance(header, Ipv4Header) and header.offset_bytes == 1480 else None

    net.link("a", "s").cable.add_rule(SecondPiece())
    a.call(send_udp, 3972)
    net.drive(40 * 10**9, lambda: False)  # the wait for the rest keeps no run going
    drops = {reason.name: count for reason, count in b.node.stack.drops.items()}
    assert drops["FRAGMENT_TIMEOUT"] == 1
    assert not b.node.stack.udp.datagrams_in


def test_r011_one_byte_more_than_fits_is_two_fragments() -> None:
    net, a, _b = two_hosts()
    learn(net, a)
    for size, count in ((1472, 1), (1473, 2)):
        seen = FramesSeen(net)
        a.call(send_udp, size)
        net.run()
        assert len([f for f in seen.packets_by("a:eth0") if isinstance(f.network, Ipv4Header)]) == count


def test_r029_direct_on_the_link_by_a_router_else_and_the_trace_says_which() -> None:
    net = Net(seed=1, trace=True)
    net.router("r", interfaces={"one": "10.0.1.254/24", "two": "10.0.2.254/24"})
    a = net.host("a", address="10.0.1.1/24", gateway="10.0.1.254")
    b = net.host("b", address="10.0.1.2/24")
    c = net.host("c", address="10.0.2.1/24", gateway="10.0.2.254")
    switch = net.switch("s")
    for box in (a, b, "r:one"):
        net.link(switch, box)
    net.link("r:two", c)
    a.call(send_udp, 10, "10.0.1.2")
    net.run(until="1s")
    a.call(send_udp, 10, "10.0.2.1")
    net.run(until="2s")
    assert a.node.stack.ipv4.route_for(parse_ipv4("10.0.1.2")).gateway == 0
    assert a.node.stack.ipv4.route_for(parse_ipv4("10.0.2.1")).gateway == parse_ipv4("10.0.1.254")
    asked = net.trace.select(event="step", stop="RESOLVE", at="a")
    assert [e["subject"] for e in asked] == ["arp 10.0.1.2", "arp 10.0.1.254"]


def test_r031_two_cards_two_addresses() -> None:
    net = Net()
    host = net.host("h", interfaces={"eth0": "10.0.0.1/24", "eth1": "10.0.1.1/24"})
    assert host.addresses == {"eth0": ["10.0.0.1/24"], "eth1": ["10.0.1.1/24"]}
    assert len({port.mac for port in host.node.ports.values()}) == 2


def test_r045_how_large_a_packet_and_a_header_may_be() -> None:
    assert len(Ipv4Header(1, 2, 17, 64).emit(65_515)) == 20
    with pytest.raises(UsageError, match="65535"):
        Ipv4Header(1, 2, 17, 64).emit(65_516)
    for words in range(16):
        data = bytes((0x40 | words, 0, 0, 60)) + bytes(56)
        if words < 5:
            with pytest.raises(WireError):
                Ipv4Header.parse(data)
        else:
            assert Ipv4Header.parse(data).size_bytes == 4 * words
