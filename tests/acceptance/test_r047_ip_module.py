"""R047: a host drops foreign packets, a router forwards them (TTL-1); protocol 6 and 17 go to TCP and UDP."""

from __future__ import annotations

import socket

import pytest
from tests.acceptance.frames_seen import PORT, FramesSeen, ask, echo_server

from netarium import Net
from netarium.addresses import parse_ipv4
from netarium.wire.ethernet import ETHERTYPE_IPV4, Frame
from netarium.wire.ipv4 import PROTOCOL_TCP, PROTOCOL_UDP, Ipv4Header
from netarium.wire.udp import UdpHeader


def foreign(mac: int) -> Frame:
    header = Ipv4Header(parse_ipv4("10.0.1.1"), parse_ipv4("10.0.2.1"), PROTOCOL_UDP, 64)
    return Frame(mac, 0x02AAAAAAAAAA, ETHERTYPE_IPV4, header, UdpHeader(5, PORT), b"x")


@pytest.mark.parametrize("kind", ["host", "router"])
def test_r047_a_host_drops_foreign_packets_and_a_router_forwards_them(kind: str) -> None:
    net = Net(seed=1)
    middle = getattr(net, kind)("m", interfaces={"eth0": "10.0.1.254/24", "eth1": "10.0.2.254/24"})
    a = net.host("a", address="10.0.1.1/24")
    b = net.host("b", address="10.0.2.1/24")
    net.link(a, "m:eth0")
    net.link(b, "m:eth1")
    seen = FramesSeen(net)
    net.run()
    a.node.ports["eth0"].transmit(foreign(middle.node.ports["eth0"].mac))
    net.run()
    drops = {reason.name: count for reason, count in middle.node.stack.drops.items()}
    forwarded = [frame.network.ttl for frame in seen.packets_by("m:eth1")]
    if kind == "host":
        assert (drops, forwarded) == ({"IP_NOT_FOR_US": 1}, [])
    else:
        assert (drops, forwarded) == ({}, [63])
        assert {reason.name for reason in b.node.stack.drops} >= {"UDP_NO_SOCKET"}


def test_r047_the_protocol_number_names_the_module() -> None:
    net = Net(seed=1)
    office = net.switch("office")
    a = net.host("a", address="10.0.0.1/24", link=office)
    b = net.host("b", address="10.0.0.2/24", link=office)
    seen = FramesSeen(net)

    def tcp_server() -> None:
        listener = socket.create_server(("", PORT))
        connection, _ = listener.accept()
        connection.sendall(b"by TCP")
        connection.close()

    def tcp_client() -> bytes:
        with socket.create_connection(("10.0.0.2", PORT)) as connection:
            return connection.recv(100)

    b.run(echo_server())
    b.run(tcp_server)
    assert a.call(ask, "10.0.0.2", b"by udp") == (b"BY UDP", "10.0.0.2")
    assert {frame.network.protocol for frame in seen.packets_by("a:eth0")} == {PROTOCOL_UDP} == {17}
    seen.clear()
    assert a.call(tcp_client) == b"by TCP"
    net.run()
    assert {frame.network.protocol for frame in seen.packets_by("a:eth0")} == {PROTOCOL_TCP} == {6}
