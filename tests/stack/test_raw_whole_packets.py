"""Raw sockets that bring their own IP header (IP_HDRINCL)."""

from __future__ import annotations

import pytest
from tests.stack.joined import Joined, ip

from netarium.stack.failures import Failure
from netarium.wire.ipv4 import PROTOCOL_UDP, Ipv4Header
from netarium.wire.packet import packet_bytes
from netarium.wire.udp import UdpHeader


def sender() -> tuple[Joined, object]:
    net = Joined()
    a = net.host("a", "10.0.0.1/24")
    b = net.host("b", "10.0.0.2/24")
    net.segment(a.interfaces["eth0"], b.interfaces["eth0"])
    a.neighbors["eth0"].add_permanent(ip("10.0.0.2"), b.interfaces["eth0"].mac)
    return net, a.raw.open(255)


def packet(**more: int) -> bytes:
    header = Ipv4Header(more.get("source", 0), ip("10.0.0.2"), PROTOCOL_UDP, 7, more.get("identification", 0))
    return packet_bytes(header, UdpHeader(1, 2), b"whole")


def test_source_and_identification_are_filled_in_where_they_are_zero_and_the_rest_is_as_given() -> None:
    net, raw = sender()
    assert raw.send_to(packet(), ip("10.0.0.2")) is None  # type: ignore[attr-defined]
    sent = net.sent[-1].frame
    assert (sent.network.source, sent.network.ttl, bytes(sent.payload)[-5:]) == (ip("10.0.0.1"), 7, b"whole")  # type: ignore[union-attr]


def test_a_source_that_is_another_s_is_sent_as_it_is() -> None:
    net, raw = sender()
    raw.send_to(packet(source=ip("192.0.2.9"), identification=77), ip("10.0.0.2"))  # type: ignore[attr-defined]
    sent = net.sent[-1].frame
    assert (sent.network.source, sent.network.identification) == (ip("192.0.2.9"), 77)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("data", "failure"),
    [
        (b"\x45", Failure.INVALID),
        (b"\x65" + bytes(30), Failure.INVALID),
        (bytes(2000), Failure.MESSAGE_TOO_LONG),
    ],
)
def test_what_is_no_packet_is_refused(data: bytes, failure: Failure) -> None:
    _, raw = sender()
    assert raw.send_to(data, ip("10.0.0.2")) is failure  # type: ignore[attr-defined]
