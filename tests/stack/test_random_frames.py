"""Random frames with right checksums into a host and a router of both families: nothing raises, and every packet is
delivered, answered, forwarded or a named drop. `make soak` does ten million.
"""

from __future__ import annotations

import random

import pytest
from tests.stack.joined import SECOND, Joined, ip
from tests.stack.joined6 import ip6

from netarium.stack.stack import Stack
from netarium.wire import icmpv6, ndp
from netarium.wire.arp import ArpPacket
from netarium.wire.ethernet import ETHERTYPE_ARP, ETHERTYPE_IPV4, ETHERTYPE_IPV6, MAC_BROADCAST, Frame
from netarium.wire.icmp import IcmpHeader
from netarium.wire.icmpv6 import Icmpv6Header
from netarium.wire.ipv4 import Ipv4Header
from netarium.wire.ipv6 import Ipv6Header
from netarium.wire.packet import packet_bytes
from netarium.wire.tcp import TcpHeader
from netarium.wire.udp import UdpHeader

OWN_MAC = 0x020000000001


class Target:
    """A host or router that is shot at; what it sends goes nowhere."""

    def __init__(self, forwarding: int) -> None:
        self.sent = 0
        joined = Joined()
        self.stack: Stack = joined.host("t", "10.0.0.1/24", "10.0.1.1/24", ip_forward=forwarding)
        stack = self.stack
        stack.settings.set("net.ipv6.conf.all.forwarding", forwarding)
        stack.settings.set("net.ipv6.conf.all.dad_transmits", 0)
        stack.interfaces["eth0"].mac = OWN_MAC
        for number, name in enumerate(("eth0", "eth1")):
            stack.add_ipv6_address(name, ip6(f"2001:db8:{number}::1"), 64)
            stack.interfaces[name].transmit = self.count
        self.endpoints = [stack.udp.open(), stack.ipv6.udp.open6()]  # type: ignore[union-attr]
        for each in self.endpoints:
            each.bind(0, 9000 + each.protocol.stack.now + (self.endpoints.index(each)))
            each.receive_buffer_bytes = 10_000
        from netarium.stack.tcp.socket_options import SocketOptions

        stack.tcp.listen(stack.ipv4, (0, 80), 5, SocketOptions())
        stack.ipv6.tcp.listen(stack.ipv6, (0, 80), 5, SocketOptions())  # type: ignore[union-attr]

    def count(self, frame: Frame) -> None:
        self.sent += 1
        bytes(frame)

    def tally(self) -> int:
        """Everything that can have become of a frame, or of what frames brought about, added up."""
        stack = self.stack
        ip6_ = stack.ipv6
        assert ip6_ is not None
        return (
            sum(stack.drops.values())
            + self.sent
            + stack.udp.datagrams_in
            + ip6_.udp.datagrams_in
            + sum(stack.icmp.received.values())
            + sum(ip6_.icmp.received.values())
            + sum(table.learned for table in stack.neighbors.values())
            + stack.ipv4.fragments.bytes_held
            + ip6_.fragments.bytes_held
            + sum(len(e.queue) for table in stack.neighbors.values() for e in table.entries.values())
            + sum(len(e.queue) for i in ip6_.interfaces.values() for e in i.neighbors.entries.values())
            + len(stack.tcp.connections)
            + len(ip6_.tcp.connections)
        )


class Shots:
    """Frames by chance, most of them nearly right."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)

    def blob(self, most: int = 80) -> bytes:
        return self.rng.randbytes(self.rng.randrange(most))

    def ports(self) -> tuple[int, int]:
        choices = (80, 9000, 9001, 53, self.rng.randrange(65536))
        return self.rng.choice(choices), self.rng.choice(choices)

    def v4(self) -> int:
        choices = (
            "10.0.0.1",
            "10.0.0.2",
            "10.0.1.7",
            "10.0.0.255",
            "255.255.255.255",
            "224.0.0.1",
            "127.0.0.1",
            "0.0.0.0",
        )
        return ip(self.rng.choice(choices)) if self.rng.random() < 0.9 else self.rng.getrandbits(32)

    def v6(self) -> int:
        choices = (
            "2001:db8::1", "2001:db8::2", "2001:db8:1::7", "2001:db8:1::1", "fe80::1", "fe80::ff:fe00:1", "ff02::1",
            "ff02::2", "ff02::1:ff00:1", "::", "::1", "::ffff:10.0.0.1", "2001:db8:9::1",
        )  # fmt: skip
        return ip6(self.rng.choice(choices)) if self.rng.random() < 0.9 else self.rng.getrandbits(128)

    def tcp(self) -> TcpHeader:
        rng = self.rng
        return TcpHeader(
            *self.ports(), rng.getrandbits(32), rng.getrandbits(32), rng.randrange(256), rng.randrange(65536)
        )

    def ipv4(self) -> Frame:
        rng = self.rng
        protocol = rng.choice((1, 1, 6, 17, 17, 2, 47, rng.randrange(256)))
        header = Ipv4Header(
            self.v4(), self.v4(), protocol, rng.choice((0, 1, 2, 64, 255)), rng.randrange(4),
            rng.choice((0, 0, 0x4000, 0x2000, rng.randrange(65536), rng.randrange(8), 0x2000 | rng.randrange(8))),
            rng.randrange(256),
            rng.choice((b"", b"", rng.randbytes(4), bytes((7, 7, 4, 0, 0, 0, 0, 0)))),
        )  # fmt: skip
        return self.carrying(ETHERTYPE_IPV4, header, protocol)

    def ipv6(self) -> Frame:
        rng = self.rng
        protocol = rng.choice((58, 58, 58, 6, 17, 59, 50, rng.randrange(256)))
        header = Ipv6Header(
            self.v6(), self.v6(), protocol, rng.choice((0, 1, 64, 255, 255)), rng.randrange(256)
        )
        if rng.random() < 0.3:
            kind = rng.choice((0, 43, 60, 51, 135))
            body = rng.choice(
                (
                    bytes((1, 4, 0, 0, 0, 0)),
                    rng.randbytes(6),
                    bytes((5, 2, 0, 0, 1, 0)),
                    bytes((200, 4)) + bytes(4),
                )
            )
            extension = bytes((protocol, 0)) + body if kind != 51 else bytes((protocol, 1)) + bytes(10)
            header = Ipv6Header(
                header.source, header.destination, protocol, header.ttl, 0, 0, kind, extension
            )
        if rng.random() < 0.3:
            field = rng.choice((0, 1, rng.randrange(9) << 3, rng.randrange(9) << 3 | 1, rng.randrange(65536)))
            header = header.fragmented(header.first, field, rng.randrange(4), 0)
            return self.framed(ETHERTYPE_IPV6, header, None, self.blob(60))
        return self.carrying(ETHERTYPE_IPV6, header, protocol)

    def carrying(self, ethertype: int, header: Ipv4Header | Ipv6Header, protocol: int) -> Frame:
        rng = self.rng
        transport: object = None
        payload = self.blob()
        if protocol == 6:
            transport = self.tcp()
        elif protocol == 17:
            transport = UdpHeader(*self.ports())
        elif protocol == 1 and ethertype == ETHERTYPE_IPV4:
            transport = IcmpHeader(
                rng.choice((0, 3, 5, 8, 11, 12, rng.randrange(256))), rng.randrange(16), rng.getrandbits(32)
            )
            if rng.random() < 0.6:
                quoted = Ipv4Header(ip("10.0.0.1"), self.v4(), rng.choice((1, 6, 17)), 60)
                payload = packet_bytes(quoted, UdpHeader(*self.ports()), self.blob(20))
        elif protocol == 58:
            transport = Icmpv6Header(
                rng.choice((1, 2, 3, 4, 128, 129, 130, 133, 134, 135, 136, 137, 143, rng.randrange(256))),
                rng.choice((0, 0, 0, rng.randrange(8))), rng.getrandbits(32),
            )  # fmt: skip
            payload = self.discovery(transport.type)
        return self.framed(ethertype, header, transport, payload)

    def discovery(self, kind: int) -> bytes:
        rng = self.rng
        options = [
            (rng.choice((1, 2, 3, 5, 25, rng.randrange(256))), rng.randbytes(rng.choice((6, 14, 30))))
            for _ in range(2)
        ]
        if rng.random() < 0.2:
            return self.blob()
        if kind in (icmpv6.NEIGHBOR_SOLICITATION, icmpv6.NEIGHBOR_ADVERTISEMENT):
            return ndp.target_message(self.v6(), options)
        if kind == icmpv6.ROUTER_ADVERTISEMENT:
            prefixes = (
                ndp.PrefixInformation(
                    self.v6(), rng.choice((0, 64, 64, 128)), rng.randrange(256), rng.getrandbits(32), 60
                ),
            )
            said = ndp.RouterAdvertisement(
                64, rng.choice((0, 1, 1800)), prefixes, rng.getrandbits(48), rng.choice((0, 1280, 1400, 9000))
            )
            return said.emit()
        if kind == icmpv6.REDIRECT:
            return self.v6().to_bytes(16, "big") + self.v6().to_bytes(16, "big") + ndp.emit_options(options)
        if kind < 128:
            quoted = Ipv6Header(ip6("2001:db8::1"), self.v6(), rng.choice((58, 6, 17)), 60)
            return packet_bytes(quoted, UdpHeader(*self.ports()), self.blob(20))
        return self.blob()

    def framed(self, ethertype: int, network: object, transport: object, payload: bytes) -> Frame:
        rng = self.rng
        destination = rng.choice((OWN_MAC, OWN_MAC, OWN_MAC, MAC_BROADCAST, 0x333300000001, 0x01005E000001))
        frame = Frame(destination, 0x020000000099, ethertype, network, transport, payload)  # type: ignore[arg-type]
        return frame if rng.random() < 0.5 else Frame.parse(bytes(frame))

    def next(self) -> Frame:
        chance = self.rng.random()
        if chance < 0.45:
            return self.ipv4()
        if chance < 0.95:
            return self.ipv6()
        if chance < 0.98:
            packet = ArpPacket(self.rng.randrange(4), self.rng.getrandbits(48), self.v4(), 0, self.v4())
            return self.framed(ETHERTYPE_ARP, packet, None, b"")
        return Frame.parse(self.rng.randbytes(self.rng.randrange(14, 200)))


def shoot(count: int, seed: int) -> None:
    for forwarding in (0, 1):
        target, shots = Target(forwarding), Shots(seed)
        stack = target.stack
        interface = stack.interfaces["eth0"]
        now = 0
        before = target.tally()
        for number in range(count):
            frame = shots.next()
            stack.receive(interface, frame, now)
            after = target.tally()
            assert after != before, f"vanished: {frame!r}"
            before = after
            if number % 50 == 0:
                now += SECOND // 4
                stack.poll(now)
                before = target.tally()
            if number % 500 == 0:
                for each in target.endpoints:
                    while each.receive() is not None:
                        pass


@pytest.mark.parametrize("seed", range(3))
def test_nothing_raises_and_nothing_vanishes(seed: int) -> None:
    shoot(4_000, seed)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(100, 150))
def test_ten_million_frames(seed: int) -> None:
    """50 seeds of 100,000 frames each into a host and into a router."""
    shoot(100_000, seed)
