"""Random bytes, and right bytes spoilt, into every parser of `wire`: WireError or a value, and nothing else."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import random
from collections.abc import Callable

import pytest

import netarium.wire
from netarium.errors import WireError
from netarium.wire import ethernet, icmpv6, ipv4, ipv6, ndp, ospf, packet, tcp_options
from netarium.wire.arp import ArpPacket
from netarium.wire.dhcp import DhcpMessage
from netarium.wire.ethernet import ETHERTYPE_IPV4, ETHERTYPE_IPV6, Frame
from netarium.wire.icmp import IcmpHeader
from netarium.wire.icmpv6 import Icmpv6Header
from netarium.wire.igmp import IgmpMessage
from netarium.wire.ipv4 import Ipv4Header
from netarium.wire.ipv6 import DESTINATION_OPTIONS, Ipv6Header
from netarium.wire.ospf_lsa import ExternalBody, Lsa, LsaHeader, NetworkBody, RouterBody
from netarium.wire.packet import packet_bytes, parse_transport
from netarium.wire.rip import RipMessage
from netarium.wire.stp import Bpdu
from netarium.wire.tcp import TcpHeader
from netarium.wire.udp import UdpHeader
from netarium.wire.udplite import UdpLiteHeader

V4 = {number: Ipv4Header(0x0A000001, 0x0A000002, number, 64) for number in (1, 6, 17, 136)}
V6 = {number: Ipv6Header(1 << 125, 1 << 124, number, 64) for number in (6, 17, 58, 136)}


def transports(data: bytes) -> None:
    for header in (*V4.values(), *V6.values()):
        parse_transport(header, data)


def frames(data: bytes) -> None:
    """A frame that was parsed can be sent on, and is what it was."""
    for ethertype in (b"", b"\x08\x00", b"\x86\xdd", b"\x08\x06", b"\x81\x00"):
        frame = Frame.parse(data[:12] + ethertype + data[12:] if ethertype else data)
        assert len(bytes(frame)) == frame.size_bytes


def sealed(body_class: type) -> Callable[[bytes], object]:
    """A body is parsed within a packet, whose head and checksum are right."""

    class Body:
        type = body_class.type  # type: ignore[attr-defined]

        def __init__(self, data: bytes) -> None:
            self.data = data

        def emit(self) -> bytes:
            return self.data

    return lambda data: ospf.parse_packet(ospf.emit_packet(1, 0, Body(data)))  # type: ignore[arg-type]


PARSERS: dict[str, Callable[[bytes], object]] = {
    "arp.ArpPacket": ArpPacket.parse,
    "dhcp.DhcpMessage": DhcpMessage.parse,
    "ethernet.Frame": frames,
    "ethernet.open_ipv6": ethernet.open_ipv6,
    "icmp.IcmpHeader": IcmpHeader.parse,
    "icmpv6.Icmpv6Header": Icmpv6Header.parse,
    "igmp.IgmpMessage": IgmpMessage.parse,
    "ipv4.Ipv4Header": Ipv4Header.parse,
    "ipv6.Ipv6Header": Ipv6Header.parse,
    "ndp.PrefixInformation": ndp.PrefixInformation.parse,
    "ndp.RouterAdvertisement": lambda data: ndp.RouterAdvertisement.parse(len(data) * 7919, data),
    "ndp.parse_options": ndp.parse_options,
    "ndp.parse_redirect": ndp.parse_redirect,
    "ndp.parse_target": ndp.parse_target,
    "ospf.Hello": sealed(ospf.Hello),
    "ospf.Description": sealed(ospf.Description),
    "ospf.Request": sealed(ospf.Request),
    "ospf.Update": sealed(ospf.Update),
    "ospf.Acknowledgment": sealed(ospf.Acknowledgment),
    "ospf.parse_packet": ospf.parse_packet,
    "ospf_lsa.LsaHeader": LsaHeader.parse,
    "ospf_lsa.Lsa": Lsa.parse,
    "ospf_lsa.RouterBody": RouterBody.parse,
    "ospf_lsa.NetworkBody": NetworkBody.parse,
    "ospf_lsa.ExternalBody": ExternalBody.parse,
    "packet.parse_transport": transports,
    "rip.RipMessage": RipMessage.parse,
    "stp.Bpdu": Bpdu.parse,
    "tcp.TcpHeader": TcpHeader.parse,
    "tcp_options.parse_options": tcp_options.parse_options,
    "udp.UdpHeader": UdpHeader.parse,
    "udplite.UdpLiteHeader": UdpLiteHeader.parse,
}

SPECIMENS = [
    bytes(Frame(1 << 41, 1 << 42, ETHERTYPE_IPV4, V4[17], UdpHeader(1, 2), b"data")),
    bytes(Frame(1 << 41, 1 << 42, ETHERTYPE_IPV6, V6[58], Icmpv6Header(icmpv6.ECHO_REQUEST, 0, 7), b"data")),
    packet_bytes(V4[6], TcpHeader(1, 2, 3, 4, 2, 5, 6, 7), b"data"),
    packet_bytes(V6[17].fragmented(17, ipv6.MORE_FRAGMENTS, 9, 0), None, bytes(16)),
    packet_bytes(
        Ipv6Header(1, 2, 59, 64, 0, 0, DESTINATION_OPTIONS, bytes((59, 0, 1, 4, 0, 0, 0, 0))), None, b""
    ),
    ndp.RouterAdvertisement(
        64, 1800, (ndp.PrefixInformation(1 << 125, 64, 0xC0, 60, 30),), 0x02AA, 1400, (1, 2), 60
    ).emit(),
    ndp.target_message(1 << 125, [(ndp.SOURCE_LINK_ADDRESS, bytes(6))]),
    ArpPacket(1, 2, 3, 4, 5).emit(),
    IgmpMessage(0x16, 0, 0xEF010203).emit(),
]


def the_parsers_there_are() -> set[str]:
    found = set()
    for module in pkgutil.iter_modules(netarium.wire.__path__):
        contents = importlib.import_module(f"netarium.wire.{module.name}")
        for name, each in vars(contents).items():
            if getattr(each, "__module__", "") != contents.__name__:
                continue
            parses = inspect.isfunction(each) and name.startswith(("parse", "open"))
            if parses or (inspect.isclass(each) and hasattr(each, "parse")):
                found.add(f"{module.name}.{name}")
    return found - {"icmp_header.IcmpBase"}


@pytest.mark.pure("inspect does not know compiled functions")
def test_none_is_left_out() -> None:
    assert the_parsers_there_are() == set(PARSERS)


def shoot(count: int, seed: int) -> None:
    rng = random.Random(seed)
    parsers = list(PARSERS.values())
    for _ in range(count):
        if rng.random() < 0.5:
            data = rng.randbytes(rng.choice((rng.randrange(20), rng.randrange(80), rng.randrange(300))))
        else:
            spoilt = bytearray(rng.choice(SPECIMENS))
            for _ in range(rng.randrange(4)):
                spoilt[rng.randrange(len(spoilt))] = rng.getrandbits(8)
            data = bytes(spoilt[rng.choice((0, 0, 14, 34, 54)) : rng.randrange(len(spoilt)) + 1])
        for parse in parsers:
            try:
                parse(data)
            except WireError as error:
                assert str(error)


@pytest.mark.parametrize("seed", range(2))
def test_garbage_raises_wire_error_and_nothing_else(seed: int) -> None:
    shoot(1500, seed)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(100, 125))
def test_ten_million_times_garbage(seed: int) -> None:
    """25 seeds of 12,500 byte strings, each into every one of the 32 parsers."""
    shoot(12_500, seed)


def test_the_fields_that_lengths_are_read_from() -> None:
    """Named offsets and what they are at, of both families."""
    data = packet_bytes(V4[17], UdpHeader(1, 2), b"data")
    assert (ipv4.total_bytes_of(data), ipv4.header_bytes_of(data)) == (32, 20) and ipv4.checksum_is_right(
        data
    )
    assert ipv6.payload_bytes_of(packet.packet_bytes(V6[17], UdpHeader(1, 2), b"data")) == 12
