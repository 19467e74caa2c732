"""Every value of `wire` is equal to what its bytes say, to nothing of another kind, and says in words what it is."""

from __future__ import annotations

import pytest

from netarium.addresses import parse_ipv4, parse_ipv6
from netarium.errors import WireError
from netarium.wire import ndp, ospf
from netarium.wire.arp import ArpPacket
from netarium.wire.checksum import checksum, word_sum
from netarium.wire.icmp import IcmpHeader
from netarium.wire.icmpv6 import Icmpv6Header
from netarium.wire.igmp import REPORT, IgmpMessage
from netarium.wire.ipv4 import Ipv4Header
from netarium.wire.ipv6 import Ipv6Header
from netarium.wire.ospf_lsa import (
    NETWORK,
    STUB,
    ExternalBody,
    Lsa,
    LsaHeader,
    NetworkBody,
    RouterBody,
    RouterLink,
)
from netarium.wire.rip import REQUEST, RipEntry, RipMessage
from netarium.wire.tcp import TcpHeader
from netarium.wire.udp import UdpHeader

V4 = (parse_ipv4("10.0.0.1"), parse_ipv4("10.0.0.2"))
V6 = (parse_ipv6("2001:db8::1"), parse_ipv6("2001:db8::2"))
LSA = LsaHeader(1, 2, NETWORK, V4[0], V4[1], -0x7FFFFFFF, 7, 24)

VALUES = {
    "arp": (lambda: ArpPacket(1, 2, V4[0], 0, V4[1]), "10.0.0.2"),
    "ipv4": (lambda: Ipv4Header(*V4, 17, 64), "<IPv4 10.0.0.1>10.0.0.2 ttl=64 UDP>"),
    "ipv6": (lambda: Ipv6Header(*V6, 17, 64), "<IPv6 2001:db8::1>2001:db8::2 hlim=64 UDP>"),
    "icmp": (lambda: IcmpHeader(3, 4, 1400), "<ICMP fragmentation needed mtu=1400>"),
    "icmpv6": (lambda: Icmpv6Header(2, 0, 1400), "<ICMPv6 packet too big mtu=1400>"),
    "igmp": (lambda: IgmpMessage(REPORT, 0, parse_ipv4("239.1.2.3")), "<IGMP type 0x16 group 0xef010203>"),
    "udp": (lambda: UdpHeader(5, 9), "5>9"),
    "tcp": (lambda: TcpHeader(5, 9, 1, 2, 2, 3), "5>9"),
    "rip entry": (lambda: RipEntry(V4[0], 0xFFFFFF00, 3), "10.0.0.1/24 metric 3"),
    "rip": (lambda: RipMessage(REQUEST, (RipEntry(V4[0], 0xFFFFFF00, 3),)), "request"),
    "lsa header": (lambda: LSA, "10.0.0.1"),
    "lsa": (lambda: Lsa(LSA, bytes(4)), "10.0.0.1"),
    "router link": (lambda: RouterLink(STUB, V4[0], 0xFFFFFF00, 10), "<stub 10.0.0.1 255.255.255.0 cost 10>"),
    "ospf": (lambda: ospf.OspfPacket(V4[0], 0, ospf.Acknowledgment([LSA])), "<OSPF Acknowledgment of 10.0.0.1>"),
}  # fmt: skip


@pytest.mark.parametrize("name", VALUES)
def test_equal_to_its_like_and_to_nothing_else(name: str) -> None:
    make, says = VALUES[name]
    assert make() == make()
    others = [other() for key, (other, _) in VALUES.items() if key != name]
    assert not any(make() == other for other in (*others, None, 1, says))
    assert says in repr(make())
    with pytest.raises(TypeError):
        hash(make())


@pytest.mark.parametrize(
    "body",
    [RouterBody(1, [RouterLink(STUB, 1, 2, 3)]), NetworkBody(0xFFFFFF00, [1, 2]), ExternalBody(0xFFFFFF00, 20, 0, 0)],
    ids=["router", "network", "external"],
)  # fmt: skip
def test_lsa_bodies_are_equal_to_what_their_bytes_say(body: RouterBody | NetworkBody | ExternalBody) -> None:
    assert type(body).parse(body.emit()) == body
    assert body != LSA


def test_malformed_router_lsas_and_ospf_packets_are_named() -> None:
    with pytest.raises(WireError, match="links take"):
        RouterBody.parse(RouterBody(0, []).emit() + bytes(4))
    packet = bytearray(ospf.OspfPacket(V4[0], 0, ospf.Acknowledgment([LSA])).emit())
    for at, value, says in ((23, 1, None), (12, packet[12] ^ 1, "checksum"), (15, 1, "authentication")):
        spoilt = packet.copy()
        spoilt[at] = value
        if says is None:
            assert ospf.parse_packet(bytes(spoilt)).router == V4[0], (
                "the checksum leaves authentication data out"
            )
            continue
        with pytest.raises(WireError, match=says):
            ospf.parse_packet(bytes(spoilt))
    packet[1], packet[12], packet[13] = 9, 0, 0
    field = checksum(word_sum(bytes(packet[:16])) + word_sum(bytes(packet[24:])))
    packet[12:14] = field.to_bytes(2, "big")
    with pytest.raises(WireError, match="type 9"):
        ospf.parse_packet(bytes(packet))


def test_a_prefix_option_has_a_length_that_can_be() -> None:
    _, data = ndp.PrefixInformation(V6[0], 64, 0xC0, 2, 1).emit()
    for wrong in (data[:29], bytes((129,)) + data[1:]):
        with pytest.raises(WireError, match="prefix option"):
            ndp.PrefixInformation.parse(wrong)
