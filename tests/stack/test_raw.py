"""Raw endpoints: copies of what is for this host, whole packets, their own limits (Linux raw(7))."""

from __future__ import annotations

from tests.stack.joined import drops, ip, pair

from netarium.stack.failures import Failure
from netarium.stack.raw import PACKET_OVERHEAD_BYTES
from netarium.wire.icmp import IcmpHeader
from netarium.wire.ipv4 import PROTOCOL_ICMP, PROTOCOL_UDP, Ipv4Header


def echo(sequence: int = 1, data: bytes = b"ping") -> bytes:
    return IcmpHeader(8, 0, 0x77 << 16 | sequence).emit(data) + data


def received(endpoint) -> list[tuple[int, bytes]]:
    found = []
    while (got := endpoint.receive()) is not None:
        found.append((got[1], got[0][Ipv4Header.parse(got[0]).size_bytes :]))
    return found


def test_every_raw_endpoint_gets_its_copy_and_the_protocol_too():
    joined, a, b = pair()
    one, two = a.raw.open(PROTOCOL_ICMP), a.raw.open(PROTOCOL_ICMP)
    listening = b.raw.open(PROTOCOL_ICMP)
    called = []
    one.on_change = lambda: called.append(1)
    one.send_to(echo(), ip("10.0.0.2"))
    joined.quiesce()
    answer = IcmpHeader(0, 0, 0x770001).emit(b"ping") + b"ping"
    assert received(one) == received(two) == [(ip("10.0.0.2"), answer)]
    assert received(listening) == [(ip("10.0.0.1"), echo())], "and the kernel has answered all the same"
    assert called == [1]


def test_a_udp_raw_endpoint_hears_beside_the_udp_socket():
    joined, a, b = pair()
    raw, server = b.raw.open(PROTOCOL_UDP), b.udp.open()
    server.bind(0, 9)
    a.udp.open().send_to(b"hi", ip("10.0.0.2"), 9)
    joined.quiesce()
    assert bytes(server.receive().payload) == b"hi"
    assert received(raw)[0][1].endswith(b"hi")


def test_bound_and_connected_endpoints_hear_only_what_is_meant():
    joined, a, b = pair()
    b.add_address("eth0", ip("10.0.0.3"), 24)
    bound, connected, filtered = (b.raw.open(PROTOCOL_ICMP) for _ in range(3))
    assert bound.bind(ip("10.0.0.3")) is None
    assert bound.bind(ip("10.9.9.9")) is Failure.ADDRESS_NOT_AVAILABLE
    assert connected.connect(ip("10.0.0.77")) is None
    assert connected.connect(ip("172.16.0.1")) is Failure.NETWORK_UNREACHABLE
    filtered.icmp_filter = 1 << 8
    sender = a.raw.open(PROTOCOL_ICMP)
    assert sender.send(echo()) is Failure.DESTINATION_REQUIRED
    sender.send_to(echo(1), ip("10.0.0.2"))
    sender.connect(ip("10.0.0.3"))
    sender.send(echo(2))
    joined.quiesce()
    assert received(bound) == [(ip("10.0.0.1"), echo(2))]
    assert received(connected) == received(filtered) == []


def test_limits_and_failures():
    joined, a, b = pair()
    sender, taker = a.raw.open(99), b.raw.open(99)
    assert sender.send_to(bytes(65516), ip("10.0.0.2")) is Failure.MESSAGE_TOO_LONG
    assert sender.send_to(b"", ip("172.16.0.1")) is Failure.NETWORK_UNREACHABLE
    assert sender.send_to(b"", ip("10.0.0.255")) is Failure.BROADCAST_NOT_ALLOWED
    taker.receive_buffer_bytes = 2 * (PACKET_OVERHEAD_BYTES + 120)
    for number in range(3):
        assert sender.send_to(bytes([number]) * 100, ip("10.0.0.2")) is None
    joined.quiesce()
    assert [text[0] for _, text in received(taker)] == [0, 1]
    assert drops(b) == {"RAW_BUFFER_FULL": 1}
    assert taker.queued_bytes == 0


def test_a_large_packet_goes_in_fragments_and_arrives_whole():
    joined, a, b = pair()
    raw = a.raw.open(PROTOCOL_ICMP)
    raw.send_to(echo(1, bytes(65507)), ip("10.0.0.2"))
    joined.quiesce()
    assert [len(text) for _, text in received(raw)] == [65515]
    assert not b.drops


def test_a_closed_endpoint_hears_nothing_and_time_to_live_is_its_own():
    joined, a, b = pair()
    taker, sender = b.raw.open(99), a.raw.open(99)
    sender.ttl, sender.tos = 7, 0x10
    sender.send_to(b"x", ip("10.0.0.2"))
    joined.quiesce()
    header = Ipv4Header.parse(taker.receive()[0])
    assert (header.ttl, header.tos) == (7, 0x10)
    taker.close()
    taker.close()
    sender.send_to(b"x", ip("10.0.0.2"))
    joined.quiesce()
    assert drops(b) == {"UNKNOWN_PROTOCOL": 1}
