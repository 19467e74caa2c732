"""IPv4 or IPv6: the addresses of a script, the host's way to the peer, and the packets that the peer's lines become."""

from __future__ import annotations

from typing import Any, Protocol

from netarium.addresses import parse_ipv6
from netarium.sockets.base import AF_INET, AF_INET6
from netarium.stack.ipv6_routes import Ipv6Route
from netarium.stack.routes import Route
from netarium.stack.stack import Stack
from netarium.testing.packetscript.script import IcmpError
from netarium.wire.ethernet import ETHERTYPE_IPV4, ETHERTYPE_IPV6, Frame
from netarium.wire.icmp import IcmpHeader
from netarium.wire.icmpv6 import Icmpv6Header
from netarium.wire.ipv4 import PROTOCOL_ICMP, PROTOCOL_TCP, Ipv4Header
from netarium.wire.ipv6 import PROTOCOL_ICMPV6, Ipv6Header
from netarium.wire.packet import packet_bytes
from netarium.wire.tcp import TcpHeader

OWN_MAC, GATEWAY_MAC = 0x020000000001, 0x020000000002
INTERFACE = "tun0"
HOPS = 64


class Family(Protocol):
    """What differs. `local` is the host under test, `remote` the peer whose packets the script writes."""

    socket_family: int
    local: int
    remote: int

    def connect(self, stack: Stack) -> None:
        """Give the host its address and its way to the peer."""
        ...

    def frame(self, header: TcpHeader, payload: bytes, ecn: int) -> bytes:
        """A segment of the peer."""
        ...

    def error(self, error: IcmpError, quoted: TcpHeader) -> bytes:
        """An ICMP error that quotes a segment of the host."""
        ...


class Family4:
    """192.168.0.1 and 192.0.2.1."""

    socket_family = AF_INET
    local = 0xC0A80001
    remote = 0xC0000201
    gateway = 0xC0A80002

    def connect(self, stack: Stack) -> None:
        """Give the host its address and its way to the peer."""
        stack.add_address(INTERFACE, self.local, 16)
        stack.neighbors[INTERFACE].add_permanent(self.gateway, GATEWAY_MAC)
        stack.routes.add(Route(0, 0, stack.interfaces[INTERFACE], self.gateway))

    def frame(self, header: TcpHeader, payload: bytes, ecn: int) -> bytes:
        """A segment of the peer."""
        network = Ipv4Header(self.remote, self.local, PROTOCOL_TCP, HOPS, tos=ecn)
        return bytes(Frame(OWN_MAC, GATEWAY_MAC, ETHERTYPE_IPV4, network, header, payload))

    def error(self, error: IcmpError, quoted: TcpHeader) -> bytes:
        """An ICMP error: the packet's header and the first 8 bytes behind it. (RFC 792)"""
        packet = Ipv4Header(self.local, self.remote, PROTOCOL_TCP, HOPS)
        inner = packet_bytes(packet, quoted, bytes(error.size))[:28]
        network = Ipv4Header(self.remote, self.local, PROTOCOL_ICMP, HOPS)
        header: Any = IcmpHeader(error.type, error.code, error.mtu)
        return bytes(Frame(OWN_MAC, GATEWAY_MAC, ETHERTYPE_IPV4, network, header, inner))


class Family6:
    """fd3d:a0b:17d6::1 and 2001:db8::1, as packetdrill has them."""

    socket_family = AF_INET6
    local = parse_ipv6("fd3d:a0b:17d6::1")
    remote = parse_ipv6("2001:db8::1")
    gateway = parse_ipv6("fd3d:a0b:17d6::2")

    def connect(self, stack: Stack) -> None:
        """Give the host its address, without a word on the wire, and its way to the peer."""
        stack.settings.set("net.ipv6.conf.all.dad_transmits", 0)
        stack.settings.set("net.ipv6.conf.all.router_solicitations", 0)
        stack.add_ipv6_address(INTERFACE, self.local, 48)
        assert stack.ipv6 is not None
        stack.ipv6.interfaces[INTERFACE].neighbors.add_permanent(self.gateway, GATEWAY_MAC)
        stack.ipv6.routes.add(Ipv6Route(0, 0, stack.interfaces[INTERFACE], self.gateway))

    def frame(self, header: TcpHeader, payload: bytes, ecn: int) -> bytes:
        """A segment of the peer."""
        network = Ipv6Header(self.remote, self.local, PROTOCOL_TCP, HOPS, tos=ecn)
        return bytes(Frame(OWN_MAC, GATEWAY_MAC, ETHERTYPE_IPV6, network, header, payload))

    def error(self, error: IcmpError, quoted: TcpHeader) -> bytes:
        """An ICMPv6 error: as much of the packet as fits into 1280 bytes. (RFC 4443 section 3)"""
        packet = Ipv6Header(self.local, self.remote, PROTOCOL_TCP, HOPS)
        inner = packet_bytes(packet, quoted, bytes(error.size))[: 1280 - 48]
        network = Ipv6Header(self.remote, self.local, PROTOCOL_ICMPV6, HOPS)
        header: Any = Icmpv6Header(error.type, error.code, error.mtu)
        return bytes(Frame(OWN_MAC, GATEWAY_MAC, ETHERTYPE_IPV6, network, header, inner))
