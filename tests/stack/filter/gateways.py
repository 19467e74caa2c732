"""A gateway joined by hand: two hosts inside, one outside, frames in a list. No engine, no cables, no programs."""

from __future__ import annotations

from typing import Any

from tests.stack.joined import Joined, Sent, ip

from netarium.addresses import ipv4_text
from netarium.stack.filter.filter import Filter, filter_of
from netarium.stack.filter.nat import NatSetup
from netarium.stack.stack import Stack
from netarium.wire.ethernet import ETHERTYPE_IPV4, Frame
from netarium.wire.icmp import ECHO_REQUEST, IcmpHeader
from netarium.wire.ipv4 import PROTOCOL_ICMP, PROTOCOL_TCP, PROTOCOL_UDP, Ipv4Header
from netarium.wire.tcp import TcpHeader
from netarium.wire.udp import UdpHeader

A, B, SERVER, OUTSIDE = "192.168.1.2", "192.168.1.3", "202.20.65.4", "202.20.65.5"


class Gateway:
    """a and b - gw - server, as in row R072. `nat` None: it tracks and does not translate."""

    def __init__(self, nat: NatSetup | None = None, **settings: Any) -> None:
        self.joined = Joined()
        joined = self.joined
        self.a = joined.host("a", f"{A}/24", gateway="192.168.1.1")
        self.b = joined.host("b", f"{B}/24", gateway="192.168.1.1")
        self.gw = joined.host("gw", "192.168.1.1/24", f"{OUTSIDE}/24", ip_forward=1)
        for name, value in settings.items():
            self.gw.settings.set(f"net.netfilter.nf_conntrack_{name}", value)
        self.server = joined.host("server", f"{SERVER}/24", gateway=OUTSIDE)
        joined.segment(*(each.interfaces["eth0"] for each in (self.a, self.b, self.gw)))
        joined.segment(self.gw.interfaces["eth1"], self.server.interfaces["eth0"])
        self.filter: Filter = filter_of(self.gw)
        self.filter.set_nat(nat)
        # So that what is asked of the neighbours does not stand among what is sent.
        for host, to in ((self.a, SERVER), (self.b, SERVER), (self.server, OUTSIDE)):
            self.udp(host, to, 1, 9)
        self.settle()
        for entry in list(self.filter.table.entries.values()):
            self.filter.table.entries.clear()
            self.filter.table.directions.clear()
            entry.release()
        self.gw.drops.clear()
        self.filter.pending = None

    def settle(self) -> list[Frame]:
        """Deliver everything; the IP packets that were sent, in order."""
        self.joined.quiesce()
        return [each.frame for each in self.joined.take() if each.frame.ethertype == ETHERTYPE_IPV4]

    def sent_by(self, host: str) -> list[Sent]:
        """Deliver everything; what one host sent."""
        self.joined.quiesce()
        return [
            each
            for each in self.joined.take()
            if each.host == host and each.frame.ethertype == ETHERTYPE_IPV4
        ]

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.joined.wait(round(seconds * 1e9))

    def send(self, host: Stack, to: str, protocol: int, transport: Any, payload: bytes, **more: Any) -> None:
        """Let a host send one packet."""
        host.enter(self.joined.now)
        host.ipv4.send_packet(0, ip(to), protocol, transport, payload, **more)
        host.settle()

    def udp(self, host: Stack, to: str, port: int, to_port: int, payload: bytes = b"x", **more: Any) -> None:
        """Let a host send one datagram."""
        self.send(host, to, PROTOCOL_UDP, UdpHeader(port, to_port), payload, **more)

    def tcp(self, host: Stack, to: str, port: int, to_port: int, flags: int, payload: bytes = b"") -> None:
        """Let a host send one segment."""
        self.send(host, to, PROTOCOL_TCP, TcpHeader(port, to_port, 100, 200, flags, 1000), payload)

    def echo(self, host: Stack, to: str, identifier: int, payload: bytes = b"ping") -> None:
        """Let a host send one echo request."""
        header = IcmpHeader(ECHO_REQUEST, 0, identifier << 16 | 1)
        self.send(host, to, PROTOCOL_ICMP, header, payload, dont_fragment=False)

    def states(self) -> list[int]:
        """The TCP states of the living connections."""
        return [entry.state for entry in self.filter.table.living()]

    def drops(self) -> dict[str, int]:
        """What the gateway dropped."""
        return {reason.name: count for reason, count in self.gw.drops.items()}


def text(frame: Frame) -> str:
    """`192.168.1.2:1024>202.20.65.4:80`."""
    header, transport = frame.network, frame.transport
    assert isinstance(header, Ipv4Header)
    source, destination = ipv4_text(header.source), ipv4_text(header.destination)
    if isinstance(transport, TcpHeader | UdpHeader):
        return f"{source}:{transport.source_port}>{destination}:{transport.destination_port}"
    if isinstance(transport, IcmpHeader):
        return f"{source}>{destination} type {transport.type} id {transport.identifier}"
    return f"{source}>{destination}"


MASQUERADE = NatSetup("eth1", ("eth0",))
