"""Stacks with IPv6 joined by hand, over `joined`."""

from __future__ import annotations

from tests.stack.joined import Joined, Sent

from netarium.addresses import parse_ipv6
from netarium.stack.ipv6_routes import Ipv6Route
from netarium.stack.stack import Stack
from netarium.wire.ethernet import ETHERTYPE_IPV6, Frame
from netarium.wire.icmpv6 import ECHO_REQUEST, Icmpv6Header
from netarium.wire.ipv6 import PROTOCOL_ICMPV6, Ipv6Header

ip6 = parse_ipv6


def host6(joined: Joined, name: str, *addresses: str, **settings: object) -> Stack:
    """A host with an interface eth0, eth1 ... for each address ("" for link-local only); DAD is off by default."""
    stack = joined.host(name, *("" for _ in addresses))
    values = {"dad_transmits": 0, "router_solicitations": 0, **settings}
    for key, value in values.items():
        stack.settings.set("net.ipv6.conf.all." + key, value)
    stack.enter(joined.now)
    stack.enable_ipv6()
    for number, text in enumerate(addresses):
        address, _, length = text.partition("/")
        if address:
            stack.add_ipv6_address(f"eth{number}", ip6(address), int(length))
    return stack


def route6(stack: Stack, prefix: str, gateway: str, interface: str = "eth0") -> None:
    """Add a route by a gateway."""
    assert stack.ipv6 is not None
    address, _, length = prefix.partition("/")
    route = Ipv6Route(ip6(address), int(length), stack.interfaces[interface], ip6(gateway))
    assert stack.ipv6.routes.add(route)


def pair6(**settings: object) -> tuple[Joined, Stack, Stack]:
    """Two hosts on one segment: a 2001:db8::1/64 and b 2001:db8::2/64."""
    joined = Joined()
    a, b = host6(joined, "a", "2001:db8::1/64", **settings), host6(joined, "b", "2001:db8::2/64", **settings)
    joined.segment(a.interfaces["eth0"], b.interfaces["eth0"])
    joined.take()
    return joined, a, b


def routed6(mtu: int = 1500) -> tuple[Joined, Stack, Stack, Stack]:
    """a 2001:db8:1::1 - router r (::254 in both, `mtu` on the second link) - b 2001:db8:2::1."""
    joined = Joined()
    a = host6(joined, "a", "2001:db8:1::1/64")
    r = host6(joined, "r", "2001:db8:1::254/64", "2001:db8:2::254/64", forwarding=1)
    b = host6(joined, "b", "2001:db8:2::1/64")
    joined.segment(a.interfaces["eth0"], r.interfaces["eth0"])
    joined.segment(r.interfaces["eth1"], b.interfaces["eth0"])
    r.set_mtu("eth1", mtu)
    b.set_mtu("eth0", mtu)
    route6(a, "::/0", "2001:db8:1::254")
    route6(b, "::/0", "2001:db8:2::254")
    joined.take()
    return joined, a, r, b


def ping6(
    stack: Stack, destination: str, size: int = 8, *, ttl: int = -1, sequence: int = 1, **how: object
) -> object:
    """Send an echo request; what `send_packet` says."""
    assert stack.ipv6 is not None
    message = Icmpv6Header(ECHO_REQUEST, 0, 7 << 16 | sequence)
    how.setdefault("dont_fragment", False)
    data = bytes(index & 0xFF for index in range(size))
    failure = stack.ipv6.send_packet(0, ip6(destination), PROTOCOL_ICMPV6, message, data, ttl=ttl, **how)  # type: ignore[arg-type]
    stack.settle()
    return failure


def packets6(sent: list[Sent]) -> list[Frame]:
    """IPv6 frames, MLD left out."""
    return [
        each.frame
        for each in sent
        if each.frame.ethertype == ETHERTYPE_IPV6
        and not (
            isinstance(each.frame.transport, Icmpv6Header) and each.frame.transport.type in (131, 132, 143)
        )
    ]


def types(sent: list[Sent]) -> list[int]:
    """The ICMPv6 types among them, in order."""
    return [f.transport.type for f in packets6(sent) if isinstance(f.transport, Icmpv6Header)]


def header_of(frame: Frame) -> Ipv6Header:
    assert type(frame.network) is Ipv6Header
    return frame.network


def arrives6(stack: Stack, header: Ipv6Header, payload: bytes, transport: object = None) -> None:
    """A packet has come to eth0 by the wire."""
    interface = stack.interfaces["eth0"]
    frame = Frame(interface.mac, 0x02AA, ETHERTYPE_IPV6, header, transport, payload)  # type: ignore[arg-type]
    stack.receive(interface, frame, stack.now)


def discovery6(
    stack: Stack, source: int, to: int, kind: int, rest: int = 0, payload: bytes = b"", code: int = 0
) -> None:
    """A message of neighbour discovery, or another of ICMPv6 with hop limit 255, has come to eth0."""
    header = Ipv6Header(source, to, PROTOCOL_ICMPV6, 255)
    arrives6(stack, header, payload, Icmpv6Header(kind, code, rest))
