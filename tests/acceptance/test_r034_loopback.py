"""R034: any 127/8 destination is delivered on the host and never sent to a NIC."""

from __future__ import annotations

import pytest
from tests.acceptance.frames_seen import PORT, FramesSeen, ask, echo_server

from netarium import Net
from netarium.wire.ethernet import ETHERTYPE_IPV4, Frame
from netarium.wire.ipv4 import PROTOCOL_UDP, Ipv4Header
from netarium.wire.udp import UdpHeader


def two_hosts():
    net = Net(seed=1)
    office = net.switch("office")
    a = net.host("a", address="192.168.1.1/24", gateway="192.168.1.254", link=office)
    b = net.host("b", address="192.168.1.2/24", link=office)
    return net, a, b, FramesSeen(net)


@pytest.mark.parametrize("address", ["127.0.0.1", "127.0.0.2", "127.1.2.3", "127.255.255.254"])
def test_r034_delivered_on_the_host_and_never_on_a_nic(address: str) -> None:
    net, a, b, seen = two_hosts()
    a.run(echo_server(address))
    b.run(echo_server())
    assert a.call(ask, address) == (b"HELLO", address)
    net.run()
    assert {name for name, _ in seen.sent} == {"a:lo"}
    assert all(frame.source == frame.destination == 0 for _, frame in seen.sent)


def test_r034_a_server_on_all_addresses_hears_all_of_them_and_answers_from_127_0_0_1_as_on_linux() -> None:
    _, a, _, seen = two_hosts()
    a.run(echo_server())
    assert a.call(ask, "127.9.9.9") == (b"HELLO", "127.0.0.1")
    assert {name for name, _ in seen.sent} == {"a:lo"}


def test_r034_a_server_on_127_0_0_1_is_not_reached_from_another_host() -> None:
    _net, a, b, _ = two_hosts()
    a.run(echo_server("127.0.0.1"))
    assert a.call(ask, "127.0.0.1") == (b"HELLO", "127.0.0.1")
    assert isinstance(b.call(ask, "192.168.1.1"), TimeoutError)


def test_r034_the_hosts_own_address_goes_over_lo_too() -> None:
    _net, a, _, seen = two_hosts()
    a.run(echo_server())
    assert a.call(ask, "192.168.1.1") == (b"HELLO", "192.168.1.1")
    assert {name for name, _ in seen.sent} == {"a:lo"}


def test_r034_a_frame_from_a_wire_to_127_is_dropped_by_name() -> None:
    net, a, b, _ = two_hosts()
    a.run(echo_server())
    net.run()
    forged = Ipv4Header(0xC0A80102, 0x7F000001, PROTOCOL_UDP, 64)
    mac = a.node.ports["eth0"].mac
    b.node.ports["eth0"].transmit(Frame(mac, 2, ETHERTYPE_IPV4, forged, UdpHeader(5, PORT), b"x"))
    net.run()
    assert [(reason.name, count) for reason, count in a.node.stack.drops.items()] == [("IP_MARTIAN", 1)]
