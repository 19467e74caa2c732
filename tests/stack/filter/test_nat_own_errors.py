"""What the NAT box itself says about a connection's first packet quotes that packet as its sender sent it.

RFC 5508 section 4: no inside address leaves in a quotation, and the sender recognises what it sent.
"""

from __future__ import annotations

import pytest
from tests.stack.filter.gateways import OUTSIDE, SERVER, A, Gateway, text
from tests.stack.joined import ip

from netarium.stack.filter.balance import Server, VirtualService
from netarium.stack.filter.nat import KEEP, NatSetup
from netarium.wire.checksum import checksum_fits, pseudo_sum, word_sum
from netarium.wire.ethernet import Frame
from netarium.wire.ipv4 import PROTOCOL_UDP, Ipv4Header

NOWHERE = "10.9.9.9"
OTHER = "202.20.65.6"
STATIC = NatSetup("eth1", source=KEEP, static={ip(A): ip(OTHER)})


def forward(to: str) -> NatSetup:
    return NatSetup("eth1", ("eth0",), forward={(PROTOCOL_UDP, 7000): (ip(to), 9)})


def check_error(gateway: Gateway, icmp_type: int, to: str, port: int) -> None:
    """The one error the box sent outside quotes a packet from the server's port 6000 to `to`, `port`."""
    (error,) = [each.frame for each in gateway.sent_by("gw") if f" type {icmp_type} " in text(each.frame)]
    for hidden in (A, NOWHERE):
        assert ip(hidden).to_bytes(4, "big") not in bytes(error)
    data = bytes(error.payload)
    header, rest = Ipv4Header.parse(data), data[20:]
    assert (header.source, header.destination) == (ip(SERVER), ip(to))
    assert (int.from_bytes(rest[:2], "big"), int.from_bytes(rest[2:4], "big")) == (6000, port)
    if len(rest) == int.from_bytes(rest[4:6], "big"):
        assert checksum_fits(pseudo_sum(ip(SERVER), ip(to), PROTOCOL_UDP, len(rest)) + word_sum(rest))
    assert Frame.parse(bytes(error)).fault is None


def test_time_exceeded_about_the_first_packet_to_a_forwarded_service() -> None:
    gateway = Gateway(forward(A))
    gateway.udp(gateway.server, OUTSIDE, 6000, 7000, ttl=1)
    check_error(gateway, 11, OUTSIDE, 7000)
    assert gateway.filter.table.entries == {}, "and it began no connection"


def test_time_exceeded_about_the_first_packet_to_a_static_address() -> None:
    gateway = Gateway(STATIC)
    gateway.gw.add_address("eth1", ip(OTHER), 24)
    gateway.wait(5)  # the server has asked for it in vain before
    gateway.settle()
    gateway.udp(gateway.server, OTHER, 6000, 33434, ttl=1)
    check_error(gateway, 11, OTHER, 33434)


def test_time_exceeded_about_the_first_packet_to_a_balanced_service() -> None:
    gateway = Gateway()
    gateway.filter.balancer.add(VirtualService(PROTOCOL_UDP, 0, 7000, [Server(ip(A), 9)]))
    gateway.udp(gateway.server, OUTSIDE, 6000, 7000, ttl=1)
    check_error(gateway, 11, OUTSIDE, 7000)


@pytest.mark.pure("what is Final cannot be written")
def test_fragmentation_needed_about_a_first_packet() -> None:
    gateway = Gateway(forward(A))
    gateway.gw.interfaces["eth0"].mtu = 1000
    gateway.gw.routes.changed()
    for route in gateway.gw.routes.candidates(ip(A)):
        route.mtu = min(route.mtu, 1000)
    gateway.udp(gateway.server, OUTSIDE, 6000, 7000, bytes(1200), dont_fragment=True)
    check_error(gateway, 3, OUTSIDE, 7000)


def test_no_route_to_the_target_of_a_first_packet() -> None:
    gateway = Gateway(forward(NOWHERE))
    gateway.udp(gateway.server, OUTSIDE, 6000, 7000)
    check_error(gateway, 3, OUTSIDE, 7000)


@pytest.mark.parametrize("times", [2, 3])
def test_every_one_of_several_first_packets_is_quoted_as_it_was_sent(times: int) -> None:
    gateway = Gateway(forward(A))
    for _ in range(times):
        gateway.udp(gateway.server, OUTSIDE, 6000, 7000, ttl=1)
        check_error(gateway, 11, OUTSIDE, 7000)
