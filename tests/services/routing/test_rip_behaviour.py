"""RIP's rules one by one: requests, time-outs, garbage collection, outside routes, silence, foreign bytes."""

from __future__ import annotations

import random
import socket
from itertools import pairwise
from typing import Any

from tests.services.routing.weighted import build, pass_time

from netarium import Net
from netarium.addresses import parse_ipv4
from netarium.journey import Stop
from netarium.wire.ethernet import Frame
from netarium.wire.rip import INFINITY, PORT, REQUEST, RESPONSE, RipEntry, RipMessage
from netarium.wire.udp import UdpHeader


class Messages:
    """Every RIP message sent: (seconds, port, message)."""

    def __init__(self, net: Net) -> None:
        self.sent: list[tuple[float, str, RipMessage]] = []
        net.watch.add(self)

    def frame(self, now: int, port: Any, stop: Stop, frame: Frame) -> None:
        if (
            stop is Stop.LINK_SENT
            and isinstance(frame.transport, UdpHeader)
            and frame.transport.source_port == PORT
        ):
            self.sent.append((now / 1e9, port.name, RipMessage.parse(frame.payload)))


def pair(**routing: Any) -> Net:
    """a - b; a has a LAN and knows a default route."""
    net = Net(seed=1)
    net.router(
        "a",
        interfaces={"m": "10.0.0.1/30", "lan": "10.0.1.1/24"},
        gateway="10.0.1.9",
        routes=[{"to": "198.51.100.0/24", "via": "10.0.1.8"}],
        routing={"protocol": "rip", **routing},
    )
    net.router("b", interfaces={"m": "10.0.0.2/30"}, routing="rip")
    net.link("a:m", "b:m")
    net.link("a:lan", net.host("h", address="10.0.1.2/24"))
    return net


def known(net: Net, router: str) -> dict[str, int]:
    return {
        repr(route).split()[0]: route.metric
        for route in net[router].node.stack.routes.routes
        if route.protocol == "rip"
    }


def test_a_new_router_asks_and_is_answered_at_once() -> None:
    net = pair()
    messages = Messages(net)
    pass_time(net, 1)
    assert known(net, "b") == {"10.0.1.0/24": 2}
    assert next(message.command for _, port, message in messages.sent if port == "b:m") == REQUEST
    (request,) = [
        message for _, port, message in messages.sent if port == "b:m" and message.command == REQUEST
    ]
    assert request.entries == (RipEntry(0, 0, INFINITY, family=0),)


def test_updates_come_every_25_to_35_seconds() -> None:
    net = pair()
    messages = Messages(net)
    pass_time(net, 600)
    times = [time for time, port, message in messages.sent if port == "a:m" and time > 20]
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert len(gaps) > 15 and all(25 <= gap <= 35 for gap in gaps)
    assert max(gaps) - min(gaps) > 1, "spread by chance"


def test_a_silent_neighbour_is_given_up_after_180_seconds_and_told_of_for_120_more() -> None:
    made = build("rip", [({0: 1, 1: 1}, ""), ({1: 1, 2: 1}, "")], 3)
    messages = Messages(made.net)
    made.pass_time(60)
    last = max(time for time, port, _ in messages.sent if port == "r0:e0")
    made.net["r0"].crash()
    pass_time(made.net, last + 179)
    assert "172.16.0.0/24" in known(made.net, "r1")
    pass_time(made.net, last + 181)
    assert "172.16.0.0/24" not in known(made.net, "r1")
    assert "172.16.0.0/24" not in known(made.net, "r2"), "told by a triggered update"
    made.pass_time(300)
    stub = parse_ipv4("172.16.0.0")
    told = [
        (time, entry.metric)
        for time, port, message in messages.sent
        for entry in message.entries
        if port == "r1:e1" and entry.prefix == stub and time > last + 180
    ]
    assert {metric for _, metric in told} == {INFINITY}
    assert max(time for time, _ in told) <= last + 180 + 120


def test_outside_routes_are_told_if_asked_for() -> None:
    net = pair(default_originate=True, redistribute="static")
    pass_time(net, 40)
    assert known(net, "b") == {"10.0.1.0/24": 2, "0.0.0.0/0": 2, "198.51.100.0/24": 2}
    plain = pair()
    pass_time(plain, 40)
    assert known(plain, "b") == {"10.0.1.0/24": 2}


def test_a_passive_interface_listens_and_says_nothing() -> None:
    net = pair(passive="m")
    messages = Messages(net)
    pass_time(net, 60)
    assert {port for _, port, _ in messages.sent} == {"b:m", "a:lan"}
    assert known(net, "b") == {}


def test_anybody_may_ask_from_any_port() -> None:
    """RFC 2453 3.9.1: a diagnosis asks from another port and is answered there."""
    net = pair()

    def ask() -> list[tuple[int, int]]:
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.settimeout(5)
        wanted = [
            RipEntry(parse_ipv4("10.0.1.0"), 0xFFFFFF00, 0),
            RipEntry(parse_ipv4("10.9.0.0"), 0xFFFF0000, 0),
        ]
        sock.sendto(RipMessage(REQUEST, wanted).emit(), ("10.0.1.1", PORT))
        data, _ = sock.recvfrom(2000)
        message = RipMessage.parse(data)
        assert message.command == RESPONSE
        return [(entry.prefix, entry.metric) for entry in message.entries]

    pass_time(net, 10)
    assert net["h"].call(ask) == [(parse_ipv4("10.0.1.0"), 1), (parse_ipv4("10.9.0.0"), INFINITY)]


def test_lies_and_foreign_bytes_change_nothing() -> None:
    """From a port other than 520, with impossible prefixes and metrics, or no RIP at all."""
    net = pair()

    def lie() -> None:
        stream = random.Random(5)
        good = RipMessage(RESPONSE, [RipEntry(parse_ipv4("10.77.0.0"), 0xFFFF0000, 1)]).emit()
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.sendto(good, ("10.0.1.1", PORT))  # not from port 520
        neighbour = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        neighbour.bind(("", PORT))
        impossible = [
            RipEntry(parse_ipv4("10.77.0.1"), 0xFFFF0000, 1),
            RipEntry(parse_ipv4("10.77.0.0"), 0xFF00FF00, 1),
            RipEntry(parse_ipv4("127.0.0.0"), 0xFF000000, 1),
            RipEntry(parse_ipv4("224.0.0.0"), 0xFF000000, 1),
            RipEntry(parse_ipv4("10.77.0.0"), 0xFFFF0000, 0),
            RipEntry(parse_ipv4("10.77.0.0"), 0xFFFF0000, 17),
            RipEntry(parse_ipv4("10.77.0.0"), 0xFFFF0000, 1, family=99),
        ]
        neighbour.sendto(RipMessage(RESPONSE, impossible).emit(), ("10.0.1.1", PORT))
        for _ in range(200):
            neighbour.sendto(stream.randbytes(stream.randrange(60)), ("10.0.1.1", PORT))
            neighbour.sendto(bytes((2, 1, 0, 0)) + good[4:], ("10.0.1.1", PORT))

    pass_time(net, 10)
    net["h"].run(lie, root=True)
    pass_time(net, 60)
    daemons = {service.name: service for service in net.lifecycle.services}
    assert not daemons["a/ripd"].ended, daemons["a/ripd"].stderr
    assert known(net, "a") == {}
    assert known(net, "b") == {"10.0.1.0/24": 2}
