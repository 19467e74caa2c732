"""R041: a packet to the own subnet makes ARP ask for the target, one to another network for the gateway."""

from __future__ import annotations

import pytest
from tests.acceptance.frames_seen import FramesSeen, ask, echo_server

from netarium import Net
from netarium.addresses import parse_ipv4
from netarium.wire.arp import REQUEST


@pytest.mark.parametrize(
    ("target", "asked_for", "answers_from"),
    [
        ("192.168.1.2", "192.168.1.2", "192.168.1.2"),
        ("192.168.2.2", "192.168.1.254", "192.168.2.2"),
    ],
)
def test_r041_arp_asks_for_the_target_or_for_the_gateway(
    target: str, asked_for: str, answers_from: str
) -> None:
    net = Net(seed=1)
    one, two = net.switch("one"), net.switch("two")
    a = net.host("a", address="192.168.1.1/24", gateway="192.168.1.254", link=one)
    b = net.host("b", address="192.168.1.2/24", gateway="192.168.1.254", link=one)
    c = net.host("c", address="192.168.2.2/24", gateway="192.168.2.254", link=two)
    router = net.router("r", interfaces={"eth0": "192.168.1.254/24", "eth1": "192.168.2.254/24"})
    net.link("r:eth0", one)
    net.link("r:eth1", two)
    seen = FramesSeen(net)
    b.run(echo_server())
    c.run(echo_server())
    assert a.call(ask, target) == (b"HELLO", answers_from)
    requests = [frame.network for frame in seen.arp_by("a:eth0") if frame.network.operation == REQUEST]
    assert [request.target_ip for request in requests] == [parse_ipv4(asked_for)]
    (packet,) = seen.packets_by("a:eth0")
    assert packet.network.destination == parse_ipv4(target), "the IP destination is the target in both cases"
    owner = router if asked_for.endswith("254") else b
    assert packet.destination == owner.node.ports["eth0"].mac
