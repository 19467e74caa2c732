"""TCP over a path whose links carry 1500, 1400, 576 and 1500 bytes: with ICMP, and with ICMP filtered."""

from __future__ import annotations

import pytest
from tests.stack.joined import SECOND, Joined, Sent, ip
from tests.stack.joined6 import ip6, routed6
from tests.stack.test_path_mtu import path

from netarium.stack.stack import Stack
from netarium.stack.tcp.socket_options import SocketOptions
from netarium.wire.icmp import IcmpHeader
from netarium.wire.tcp import TcpHeader

COUNT = 60_000
DATA = bytes(index * 7 & 0xFF for index in range(COUNT))


def carried(
    joined: Joined, a: Stack, ip_of_a: object, b: Stack, ip_of_b: object, ends: tuple[int, int], s: int
) -> bytes:
    """What b has received of DATA, sent by a, after `s` seconds."""
    listener = ip_of_b.tcp.listen(ip_of_b, (0, 80), 5, SocketOptions())  # type: ignore[attr-defined]
    c = ip_of_a.tcp.connect(ip_of_a, (ends[0], 4000), (ends[1], 80), SocketOptions())  # type: ignore[attr-defined]
    joined.wait(1 * SECOND)
    served = listener.accept()
    a.enter(joined.now)
    sent, got = c.send(DATA), b""
    a.settle()
    for _ in range(10 * s):
        joined.wait(SECOND // 10)
        b.enter(joined.now)
        while data := served.receive(100_000):
            got += data
        b.settle()
        a.enter(joined.now)
        sent += c.send(DATA[sent:])
        a.settle()
        if len(got) == COUNT:
            break
    return got


def is_too_big(sent: Sent) -> bool:
    message = sent.frame.transport
    return isinstance(message, IcmpHeader) and (message.type, message.code) == (3, 4)


@pytest.mark.parametrize("filtered", [False, True])
def test_all_arrives_whether_icmp_does_or_not(filtered: bool) -> None:
    joined, a, b = path(1500, 1400, 576, 1500)
    if filtered:
        joined.lose = is_too_big  # type: ignore[assignment]
        a.settings.set("net.ipv4.tcp_mtu_probing", 1)
    ends = ip("10.0.0.1"), ip("10.0.3.2")
    assert carried(joined, a, a.ipv4, b, b.ipv4, ends, 60) == DATA
    sizes = [
        len(each.frame.payload)
        for each in joined.take()
        if each.host == "a" and isinstance(each.frame.transport, TcpHeader)
    ]
    assert max(sizes) == 1448 and sizes[-1] <= 576 - 52
    assert (a.ipv4.route_for(ends[1]).mtu == 576) is not filtered  # type: ignore[union-attr]


def test_without_probing_a_black_hole_swallows_it_as_on_linux() -> None:
    joined, a, b = path(1500, 576, 1500)
    joined.lose = is_too_big  # type: ignore[assignment]
    assert carried(joined, a, a.ipv4, b, b.ipv4, (ip("10.0.0.1"), ip("10.0.2.2")), 30) == b""


def test_over_ipv6_too() -> None:
    joined, a, _r, b = routed6(mtu=1280)
    b.set_mtu("eth0", 1500)
    ends = ip6("2001:db8:1::1"), ip6("2001:db8:2::1")
    assert carried(joined, a, a.ipv6, b, b.ipv6, ends, 60) == DATA
    assert a.ipv6.route_for(ends[1]).mtu == 1280  # type: ignore[union-attr]
