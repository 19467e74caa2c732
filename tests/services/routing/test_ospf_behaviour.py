"""OSPF's rules one by one: designated routers, ageing, restarts, external routes, passive interfaces, foreign bytes."""

from __future__ import annotations

import random
from typing import Any

import pytest
from tests.services.routing.weighted import build, pass_time

from netarium import Net
from netarium.addresses import parse_ipv4
from netarium.journey import Stop
from netarium.wire.ethernet import ETHERTYPE_IPV4, Frame
from netarium.wire.ipv4 import Ipv4Header
from netarium.wire.ospf import PROTOCOL, Hello, OspfPacket, Update, emit_packet, parse_packet
from netarium.wire.ospf_lsa import MAX_AGE_S, Lsa, RouterBody


class Packets:
    """Every OSPF packet sent: (seconds, port, packet)."""

    def __init__(self, net: Net) -> None:
        self.sent: list[tuple[float, str, OspfPacket]] = []
        net.watch.add(self)

    def frame(self, now: int, port: Any, stop: Stop, frame: Frame) -> None:
        header = frame.network
        if stop is Stop.LINK_SENT and isinstance(header, Ipv4Header) and header.protocol == PROTOCOL:
            self.sent.append((now / 1e9, port.name, parse_packet(frame.payload)))

    def last_hello(self, port: str) -> Hello:
        return next(
            packet.body
            for _, name, packet in reversed(self.sent)
            if name == port and isinstance(packet.body, Hello)
        )

    def of(self, kind: type, after_s: float = 0) -> list[tuple[float, str, Any]]:
        return [
            (time, port, packet.body)
            for time, port, packet in self.sent
            if isinstance(packet.body, kind) and time > after_s
        ]


def lan(routers: int, **priorities: int) -> tuple[Net, Packets]:
    """Routers on one switch; router N is 10.0.0.N and has 172.16.N.0/24."""
    net = Net(seed=1)
    switch = net.switch("s")
    for number in range(1, routers + 1):
        net.router(
            f"r{number}",
            interfaces={"e": f"10.0.0.{number}/24", "stub": f"172.16.{number}.1/24"},
            routing={"protocol": "ospf", "priority": {"e": priorities.get(f"r{number}", 1)}},
        )
        net.link(f"r{number}:e", switch)
    return net, Packets(net)


def roles(packets: Packets, net: Net) -> set[tuple[int, int]]:
    """(designated, backup) as the living routers' last hellos say, by last byte."""
    found = set()
    for box in net.boxes.values():
        if box.kind == "router" and box.on:
            hello = packets.last_hello(f"{box.name}:e")
            found.add((hello.designated & 255, hello.backup & 255))
    return found


def reached(net: Net, router: str) -> list[str]:
    return [
        repr(route).split()[0] for route in net[router].node.stack.routes.routes if route.protocol == "ospf"
    ]


def test_the_highest_priority_then_the_highest_id_is_designated() -> None:
    net, packets = lan(4, r2=9)
    pass_time(net, 61)
    assert roles(packets, net) == {(2, 4)}
    assert len(reached(net, "r1")) == 3


def test_priority_0_is_never_designated() -> None:
    net, packets = lan(3, r3=0, r2=0)
    pass_time(net, 61)
    assert roles(packets, net) == {(1, 0)}
    assert sorted(reached(net, "r3")) == ["172.16.1.0/24", "172.16.2.0/24"]


def test_a_latecomer_does_not_take_over_and_the_backup_follows_the_dead() -> None:
    net, packets = lan(3)
    net["r3"].crash()
    pass_time(net, 61)
    assert roles(packets, net) == {(2, 1)}
    net["r3"].boot()
    pass_time(net, 130)
    assert roles(packets, net) == {(2, 1)}, (
        "r3 has the highest id, and still the old ones stay (RFC 2328 9.4)"
    )
    net["r2"].crash()
    pass_time(net, 190)
    assert roles(packets, net) == {(1, 3)}, "the backup is designated now, and the next becomes backup"
    assert reached(net, "r3") == ["172.16.1.0/24"]


def test_updates_of_others_go_to_the_designated_and_its_backup_only() -> None:
    net, packets = lan(4)
    pass_time(net, 61)
    packets.sent.clear()
    seen: list[tuple[str, int]] = []

    class Destinations:
        def frame(self, now: int, port: Any, stop: Stop, frame: Frame) -> None:
            header = frame.network
            if stop is not Stop.LINK_SENT or port.name.startswith("s:") or not isinstance(header, Ipv4Header):
                return
            if header.protocol != PROTOCOL or header.destination >> 28 != 14:
                return
            if isinstance(parse_packet(frame.payload).body, Update):
                seen.append((port.name, header.destination & 255))

    net.watch.add(Destinations())
    net["r1"].run("ip addr add 172.17.1.1/24 dev stub", root=True)
    net["r1"].run("ip link set stub down", root=True)
    pass_time(net, 90)
    assert seen[0] == ("r1:e", 6), "r1 is neither: its change goes to 224.0.0.6"
    assert ("r4:e", 5) in seen, "and the designated router tells all, 224.0.0.5"
    assert {port for port, _ in seen} == {"r1:e", "r4:e"}
    assert "172.16.1.0/24" not in reached(net, "r2")


def test_own_lsas_are_refreshed_before_they_are_old_and_routes_stay() -> None:
    made = build("ospf", [({0: 1, 1: 1}, "point-to-point")], 2)
    packets = Packets(made.net)
    made.pass_time(60)
    made.check()
    made.pass_time(2 * 3600)
    made.check()
    refreshed = [
        (time, lsa.header.router & 0xFFFF, lsa.header.sequence)
        for time, _, body in packets.of(Update, 60)
        for lsa in body.lsas
    ]
    times = sorted({round(time) for time, _, _ in refreshed})
    assert 4 <= len(times) <= 8, times
    assert all(later - earlier <= 1801 for earlier, later in zip([60, *times], times, strict=False))
    assert max(lsa.header.age_s for _, _, body in packets.of(Update) for lsa in body.lsas) < MAX_AGE_S


def test_what_nobody_refreshes_is_forgotten_after_an_hour() -> None:
    """A chain of three; the last crashes: at once unreachable, and its LSA leaves the databases at MaxAge."""
    made = build("ospf", [({0: 1, 1: 1}, "point-to-point"), ({1: 1, 2: 1}, "point-to-point")], 3)
    packets = Packets(made.net)
    made.pass_time(60)
    made.net["r2"].crash()
    made.pass_time(60)
    made.check()
    made.pass_time(3600)
    dead = [
        (time, lsa.header.router)
        for time, _, body in packets.of(Update)
        for lsa in body.lsas
        if lsa.header.age_s == MAX_AGE_S
    ]
    assert {router for _, router in dead} == {parse_ipv4("172.16.2.1")}
    assert all(3600 <= time <= 3680 for time, _ in dead)
    made.net["r2"].boot()
    made.pass_time(60)
    made.check()


def test_a_router_that_comes_back_outbids_its_own_old_lsas() -> None:
    made = build("ospf", [({0: 1, 1: 1}, "point-to-point")], 2)
    packets = Packets(made.net)
    made.pass_time(60)
    old = max(lsa.header.sequence for _, _, body in packets.of(Update) for lsa in body.lsas)
    made.net["r1"].crash()
    made.pass_time(5)
    made.net["r1"].boot()
    packets.sent.clear()
    made.pass_time(60)
    made.check()
    own = [
        lsa.header.sequence
        for _, port, body in packets.of(Update)
        for lsa in body.lsas
        if port == "r1:e0" and lsa.header.router == parse_ipv4("172.16.1.1")
    ]
    assert max(own) > old


def chain_with_outside(**routing: Any) -> Net:
    """edge - inner, and beyond edge a default route."""
    net = Net(seed=1)
    given = {"protocol": "ospf", "network": {"m": "point-to-point"}}
    net.router(
        "edge",
        interfaces={"m": "10.0.0.1/30", "up": "203.0.113.2/24"},
        gateway="203.0.113.1",
        routes=[{"to": "198.51.100.0/24", "via": "203.0.113.9"}],
        routing={**given, "passive": "up", **routing},
    )
    net.router("inner", interfaces={"m": "10.0.0.2/30", "lan": "10.0.5.1/24"}, routing=given)
    net.link("edge:m", "inner:m")
    pass_time(net, 40)
    return net


def test_a_default_route_is_told_if_asked_for() -> None:
    assert reached(chain_with_outside(), "inner") == ["203.0.113.0/24"]
    net = chain_with_outside(default_originate=True)
    assert reached(net, "inner") == ["203.0.113.0/24", "0.0.0.0/0"]
    (default,) = [route for route in net["inner"].node.stack.routes.routes if not route.length]
    assert repr(default) == "0.0.0.0/0 via 10.0.0.1 dev m proto ospf metric 10"
    assert net["inner"].node.stack.routes.lookup(parse_ipv4("8.8.8.8")).gateway == parse_ipv4("10.0.0.1")


def test_static_routes_are_told_if_redistributed_and_withdrawn() -> None:
    net = chain_with_outside(redistribute="static")
    assert reached(net, "inner") == ["203.0.113.0/24", "198.51.100.0/24"]
    net["edge"].run("ip route del 198.51.100.0/24", root=True)
    pass_time(net, 60)
    assert reached(net, "inner") == ["203.0.113.0/24"]


def test_a_passive_interface_is_told_of_but_silent() -> None:
    net = Net(seed=1)
    packets = Packets(net)
    routing = {"protocol": "ospf", "passive": "lan"}
    net.router("a", interfaces={"lan": "10.0.1.1/24", "m": "10.0.0.1/30"}, routing=routing)
    net.router("b", interfaces={"m": "10.0.0.2/30"}, routing="ospf")
    net.link("a:m", "b:m")
    net.link("a:lan", net.host("h", address="10.0.1.2/24"))
    pass_time(net, 60)
    assert {port for _, port, _ in packets.sent} == {"a:m", "b:m"}
    assert reached(net, "b") == ["10.0.1.0/24"]


@pytest.mark.parametrize("protocol", ["ospf", "rip"])
def test_further_addresses_are_told_of(protocol: str) -> None:
    net = Net(seed=1)
    interfaces = {"m": "10.0.0.1/30", "lan": ["10.0.1.1/24", "10.0.1.2/24", "10.0.2.1/25"]}
    net.router("a", interfaces=interfaces, routing=protocol)
    net.router("b", interfaces={"m": "10.0.0.2/30"}, routing=protocol)
    net.link("a:m", "b:m")
    pass_time(net, 60)
    found = [
        repr(route).split()[0] for route in net["b"].node.stack.routes.routes if route.protocol == protocol
    ]
    assert sorted(found) == ["10.0.1.0/24", "10.0.2.0/25"]


def test_a_router_without_an_address_waits_for_one() -> None:
    net = Net(seed=1)
    net.router("a", interfaces={"m": None, "lan": None}, routing="ospf")
    net.router("b", interfaces={"m": "10.0.0.2/30"}, routing="ospf")
    net.link("a:m", "b:m")
    net["a"].run("ip addr add 10.0.0.1/30 dev m", root=True, at="5s")
    net["a"].run("ip addr add 10.0.3.1/24 dev lan", root=True, at="100s")
    pass_time(net, 130)
    assert reached(net, "b") == ["10.0.3.0/24"]


@pytest.mark.parametrize("other", [{"hello": "5s"}, {"dead": "60s"}])
def test_other_intervals_are_no_neighbors(other: dict[str, str]) -> None:
    net = Net(seed=1)
    net.router(
        "a", interfaces={"m": "10.0.0.1/30", "x": "10.0.1.1/24"}, routing={"protocol": "ospf", **other}
    )
    net.router("b", interfaces={"m": "10.0.0.2/30"}, routing="ospf")
    net.link("a:m", "b:m")
    pass_time(net, 90)
    assert reached(net, "b") == []


def foreign(net: Net, data: bytes, source: str = "10.0.0.2") -> None:
    """Put an OSPF packet on the cable to r0 as if r1 had sent it."""
    header = Ipv4Header(parse_ipv4(source), 0xE0000005, PROTOCOL, 1)
    net["r1"].node.ports["e0"].transmit(
        Frame(0x01005E000005, net["r1"].node.ports["e0"].mac, ETHERTYPE_IPV4, header, None, data)
    )


def test_foreign_bytes_neither_stop_it_nor_change_its_routes() -> None:
    made = build("ospf", [({0: 1, 1: 1}, "point-to-point")], 2)
    made.pass_time(60)
    stream = random.Random(7)
    router = parse_ipv4("172.16.1.1")
    for _ in range(300):
        body = stream.randbytes(stream.randrange(100))
        for data in (
            stream.randbytes(stream.randrange(60)),
            whole_packet(router, stream.randint(1, 5), body),
        ):
            foreign(made.net, data, "10.0.0.2" if stream.random() < 0.9 else "9.9.9.9")
        made.pass_time(0.01)
    broken = bytearray(Lsa.build(1, router, router, 99, RouterBody(0, []).emit()).emit())
    broken[16] ^= 1  # the checksum
    foreign(made.net, emit_packet(router, 0, Update([Lsa.parse(bytes(broken))])))
    made.pass_time(60)
    services = {service.name: service for service in made.net.lifecycle.services}
    assert not services["r0/ospfd"].ended, services["r0/ospfd"].stderr
    made.check()


def whole_packet(router: int, kind: int, body: bytes) -> bytes:
    """A packet with a right header and checksum around any bytes."""
    from netarium.wire.checksum import checksum, word_sum

    head = bytes((2, kind)) + (24 + len(body)).to_bytes(2, "big") + router.to_bytes(4, "big") + bytes(16)
    field = checksum(word_sum(head + body))
    return head[:12] + field.to_bytes(2, "big") + head[14:] + body


def test_an_interface_that_gets_its_address_later_joins_in() -> None:
    net = Net(seed=1)
    net.router("a", interfaces={"m": None, "x": "10.0.1.1/24"}, routing="ospf")
    net.router("b", interfaces={"m": "10.0.0.2/30"}, routing="ospf")
    net.link("a:m", "b:m")
    net["a"].run("ip addr add 10.0.0.1/30 dev m", root=True, at="20s")
    pass_time(net, 100)
    assert reached(net, "b") == ["10.0.1.0/24"]
