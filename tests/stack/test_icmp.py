"""ICMP taken and given: which types, which settings, which limits, and who is told (RFC 792, RFC 1122 3.2.2)."""

from __future__ import annotations

import pytest
from tests.stack.joined import SECOND, drops, ip, packets, pair

from netarium.stack.failures import Failure, NetworkError
from netarium.stack.icmp import network_error
from netarium.wire.ethernet import ETHERTYPE_IPV4, Frame
from netarium.wire.icmp import IcmpHeader
from netarium.wire.ipv4 import MORE_FRAGMENTS, PROTOCOL_ICMP, PROTOCOL_UDP, Ipv4Header
from netarium.wire.udp import UdpHeader


def tell(stack, message: IcmpHeader, payload: bytes = b"", source: str = "10.0.0.2") -> None:
    interface = stack.interfaces["eth0"]
    header = Ipv4Header(ip(source), ip("10.0.0.1"), PROTOCOL_ICMP, 64)
    stack.receive(interface, Frame(interface.mac, 1, ETHERTYPE_IPV4, header, message, payload), stack.now)


def quote(source_port: int, destination_port: int, offset: int = 0) -> bytes:
    header = Ipv4Header(ip("10.0.0.1"), ip("10.0.0.2"), PROTOCOL_UDP, 64, 1, offset)
    return header.emit(8) + UdpHeader(source_port, destination_port).emit(b"", 0)


@pytest.mark.parametrize(
    ("kind", "code", "rest", "failure"),
    [
        (3, 0, 0, Failure.NETWORK_UNREACHABLE),
        (3, 1, 0, Failure.HOST_UNREACHABLE),
        (3, 2, 0, Failure.NO_PROTOCOL_OPTION),
        (3, 3, 0, Failure.CONNECTION_REFUSED),
        (3, 4, 576, Failure.MESSAGE_TOO_LONG),
        (3, 5, 0, Failure.NOT_SUPPORTED),
        (3, 6, 0, Failure.NETWORK_UNREACHABLE),
        (3, 7, 0, Failure.HOST_DOWN),
        (3, 13, 0, Failure.HOST_UNREACHABLE),
        (11, 0, 0, Failure.HOST_UNREACHABLE),
        (12, 0, 0, Failure.PROTOCOL),
    ],
)
def test_errors_reach_the_endpoint_whose_packet_they_quote(kind, code, rest, failure):
    _, a, _ = pair()
    ours, other = a.udp.open(), a.udp.open()
    for endpoint, port in ((ours, 5000), (other, 5001)):
        endpoint.all_errors = True
        endpoint.bind(0, port)
        endpoint.connect(ip("10.0.0.2"), 9)
    tell(a, IcmpHeader(kind, code, rest), quote(5000, 9))
    assert (ours.error, other.error) == (failure, None)
    assert not a.drops


def test_the_mtu_of_the_path_is_handed_on():
    assert network_error(IcmpHeader(3, 4, 576)) == (NetworkError.MESSAGE_TOO_LONG, 576)
    assert network_error(IcmpHeader(12, 0, 9 << 24)) == (NetworkError.PARAMETER_PROBLEM, 9)
    assert network_error(IcmpHeader(3, 99)) == (None, 0)


@pytest.mark.parametrize("kind", [4, 5])
def test_source_quench_and_redirects_change_nothing(kind):
    _, a, _ = pair()
    endpoint = a.udp.open()
    endpoint.all_errors = True
    endpoint.bind(0, 5000)
    endpoint.connect(ip("10.0.0.2"), 9)
    tell(a, IcmpHeader(kind, 0), quote(5000, 9))
    assert endpoint.error is None
    assert drops(a) == {"ICMP_IGNORED": 1}


def test_a_quoted_later_fragment_has_no_ports_to_go_by():
    _, a, _ = pair()
    endpoint = a.udp.open()
    endpoint.bind(0, 5000)
    endpoint.connect(ip("10.0.0.2"), 9)
    tell(a, IcmpHeader(3, 3), quote(5000, 9, offset=185))
    assert endpoint.error is None


def test_types_nobody_takes_are_named_drops():
    _, a, _ = pair()
    for kind in (0, 13, 14, 17, 200):
        tell(a, IcmpHeader(kind, 0))
    assert drops(a) == {"ICMP_UNKNOWN_TYPE": 5}


def test_a_host_may_be_told_to_answer_no_echo():
    joined, a, _ = pair()
    a.settings.set("net.ipv4.icmp_echo_ignore_all", 1)
    tell(a, IcmpHeader(8, 0))
    assert drops(a) == {"ICMP_IGNORED": 1}
    assert not joined.sent


def test_a_large_echo_is_answered_in_fragments():
    joined, _a, b = pair()
    raw = b.raw.open(PROTOCOL_ICMP)
    message = IcmpHeader(8, 0, 1)
    raw.send_to(message.emit(bytes(3000)) + bytes(3000), ip("10.0.0.1"))
    joined.quiesce()
    answer, _ = raw.receive()
    assert len(answer) == 20 + 8 + 3000
    assert [bool(f.network.fragment & MORE_FRAGMENTS) for f in packets(joined.sent)] == [
        True,
        True,
        False,
    ] * 2


def refuse(a, source: str) -> None:
    """A datagram to a closed port, from `source`."""
    interface = a.interfaces["eth0"]
    header = Ipv4Header(ip(source), ip("10.0.0.1"), PROTOCOL_UDP, 64)
    a.receive(interface, Frame(interface.mac, 1, ETHERTYPE_IPV4, header, UdpHeader(5, 9), b"x"), a.now)


def test_the_whole_host_sends_fifty_errors_at_once_and_a_thousand_a_second():
    _, a, _ = pair()
    for number in range(100):
        refuse(a, f"10.0.0.{number + 10}")
    assert a.icmp.sent == {3: 50}
    a.enter(SECOND // 100)
    for number in range(100):
        refuse(a, f"10.0.0.{number + 110}")
    assert a.icmp.sent == {3: 60}, "ten more in ten milliseconds"
    assert drops(a)["ICMP_RATE_LIMIT"] == 140


def test_limits_can_be_switched_off_and_do_not_hold_on_lo():
    _, a, _ = pair()
    client = a.udp.open()
    for _ in range(100):
        client.send_to(b"x", ip("127.0.0.1"), 9)
    a.settle()
    assert a.icmp.sent == {3: 100}
    a.settings.set("net.ipv4.icmp_ratelimit", 0)
    a.settings.set("net.ipv4.icmp_msgs_per_sec", 0)
    for _ in range(100):
        refuse(a, "10.0.0.2")
    assert a.icmp.sent == {3: 200}
    a.settings.set("net.ipv4.icmp_ratelimit", 1000)
    a.settings.set("net.ipv4.icmp_ratemask", 0)
    for _ in range(100):
        refuse(a, "10.0.0.2")
    assert a.icmp.sent == {3: 300}


def test_an_error_quotes_the_packet_up_to_576_bytes_in_all():
    joined, _a, b = pair()
    raw = b.raw.open(PROTOCOL_ICMP)
    b.udp.open().send_to(bytes(range(250)) * 5, ip("10.0.0.1"), 9)
    joined.quiesce()
    packet, _ = raw.receive()
    assert len(packet) == 576
    quoted = Ipv4Header.parse(packet[28:])
    sent = next(
        each.frame for each in joined.sent if each.host == "b" and each.frame.ethertype == ETHERTYPE_IPV4
    )
    assert quoted == sent.network
    assert packet[28:] == bytes(sent)[14 : 14 + 548]
