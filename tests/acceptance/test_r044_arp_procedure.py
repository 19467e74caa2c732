"""R044: 172.16.10.10 asks all for 172.16.10.11, one answers, by unicast; off-link it asks for the gateway."""

from __future__ import annotations

from tests.acceptance.frames_seen import FramesSeen, ask, echo_server

from netarium import Net
from netarium.addresses import parse_ipv4
from netarium.wire.arp import REPLY, REQUEST, ArpPacket
from netarium.wire.ethernet import MAC_BROADCAST


def subnet():
    net = Net(seed=1)
    office = net.switch("office")
    a = net.host("a", address="172.16.10.10/24", gateway="172.16.10.1", link=office)
    b = net.host("b", address="172.16.10.11/24", gateway="172.16.10.1", link=office)
    net.host("c", address="172.16.10.12/24", gateway="172.16.10.1", link=office)
    outside = net.switch("outside")
    net.router("r", interfaces={"eth0": "172.16.10.1/24", "eth1": "8.8.8.1/24"})
    net.link("r:eth0", office)
    net.link("r:eth1", outside)
    d = net.host("d", address="8.8.8.8/24", gateway="8.8.8.1", link=outside)
    b.run(echo_server())
    d.run(echo_server())
    return net, a, b, FramesSeen(net)


def test_r044_the_request_goes_to_all_and_one_answers_by_unicast() -> None:
    _net, a, b, seen = subnet()
    mac_a, mac_b = a.node.ports["eth0"].mac, b.node.ports["eth0"].mac
    assert a.call(ask, "172.16.10.11") == (b"HELLO", "172.16.10.11")
    (request,) = seen.arp_by("a:eth0")
    assert request.destination == MAC_BROADCAST == 0xFFFFFFFFFFFF
    assert request.network == ArpPacket(
        REQUEST, mac_a, parse_ipv4("172.16.10.10"), 0, parse_ipv4("172.16.10.11")
    )
    heard = [name for name, frame in seen.received if frame == request]
    assert heard == ["office:p1", "b:eth0", "c:eth0", "r:eth0"], "the switch, and then all others"
    answers = [frame for name, frame in seen.sent if name[1:] == ":eth0" and frame.network != request.network]
    (answer,) = [frame for frame in answers if isinstance(frame.network, ArpPacket)]
    assert (answer.source, answer.destination) == (mac_b, mac_a)
    assert answer.network == ArpPacket(
        REPLY, mac_b, parse_ipv4("172.16.10.11"), mac_a, parse_ipv4("172.16.10.10")
    )


def test_r044_for_an_off_link_target_it_asks_for_the_gateway() -> None:
    _, a, _, seen = subnet()
    assert a.call(ask, "8.8.8.8") == (b"HELLO", "8.8.8.8")
    (request,) = seen.arp_by("a:eth0")
    assert request.destination == MAC_BROADCAST
    assert request.network.target_ip == parse_ipv4("172.16.10.1")
