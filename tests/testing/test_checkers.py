"""Checkers: they pass what fits, and tell everything that does not, beside the frame."""

import pytest

from netarium.errors import UsageError
from netarium.journey import Drop
from netarium.testing.checkers import (
    arp,
    check,
    ethernet,
    fault,
    find,
    icmp,
    ipv4,
    matches,
    only,
    parse_flags,
    payload,
    tcp,
    udp,
)
from netarium.wire.arp import ArpPacket
from netarium.wire.ethernet import ETHERTYPE_ARP, ETHERTYPE_IPV4, Frame
from netarium.wire.icmp import IcmpHeader
from netarium.wire.ipv4 import Ipv4Header
from netarium.wire.tcp import ACK, SYN, TcpHeader
from netarium.wire.tcp_options import TcpOptions
from netarium.wire.udp import UdpHeader

A, B = 0x0A00_0001, 0x0A00_0002
SYN_FRAME = Frame(
    1,
    2,
    ETHERTYPE_IPV4,
    Ipv4Header(A, B, 6, 64),
    TcpHeader(4321, 80, 9, 0, SYN, 64240, options=TcpOptions(1460)),
    b"",
)
DATA_FRAME = Frame(1, 2, ETHERTYPE_IPV4, Ipv4Header(A, B, 17, 64), UdpHeader(1, 53), b"hello", None, 10)
ARP_FRAME = Frame(1, 2, ETHERTYPE_ARP, ArpPacket(1, 2, A, 0, B), None, b"")
PING_FRAME = Frame(1, 2, ETHERTYPE_IPV4, Ipv4Header(A, B, 1, 64), IcmpHeader(8, 0, 7 << 16 | 3), b"")
ALL = [SYN_FRAME, DATA_FRAME, ARP_FRAME, PING_FRAME]


@pytest.mark.parametrize(
    ("frame", "checkers"),
    [
        (SYN_FRAME, [ipv4(source="10.0.0.1", ttl=64), tcp(flags="SYN", mss=1460, window_scale=-1)]),
        (
            SYN_FRAME,
            [ethernet(destination="00:00:00:00:00:01", vlan=-1, size_bytes=60), tcp(flags=SYN, timestamp=-1)],
        ),
        (DATA_FRAME, [ethernet(vlan=10), udp(destination_port=53), payload(b"hello"), fault(None)]),
        (DATA_FRAME, [payload(lambda data: data.startswith(b"he")), ipv4(ttl=lambda ttl: ttl > 60)]),
        (ARP_FRAME, [arp(operation=1, sender_ip="10.0.0.1", target_mac=0)]),
        (PING_FRAME, [icmp(type=8, identifier=7, sequence=3)]),
    ],
)
def test_what_fits_passes(frame: Frame, checkers: list) -> None:
    check(frame, *checkers)
    assert matches(frame, *checkers)


@pytest.mark.parametrize(
    ("frame", "checker", "complaint"),
    [
        (SYN_FRAME, ipv4(source="10.0.0.9"), "ipv4.source is 10.0.0.1, wanted 10.0.0.9"),
        (SYN_FRAME, ipv4(ttl=63), "ipv4.ttl is 64, wanted 63"),
        (SYN_FRAME, ipv4(ttl=lambda ttl: ttl > 64), "ipv4.ttl is 64, wanted another"),
        (SYN_FRAME, tcp(flags="SYN ACK"), "tcp.flags is SYN, wanted SYN ACK"),
        (SYN_FRAME, tcp(sack=((1, 2),)), r"tcp.sack is \(\), wanted \(\(1, 2\),\)"),
        (SYN_FRAME, udp(), "udp: there is no such header"),
        (DATA_FRAME, tcp(), "tcp: there is no TCP header"),
        (DATA_FRAME, payload(b"bye"), "frame.payload is b'hello', wanted b'bye'"),
        (DATA_FRAME, fault(Drop.UDP_CHECKSUM), "frame.fault is None, wanted"),
        (DATA_FRAME, ethernet(vlan=11), "ethernet.vlan is 10, wanted 11"),
        (ARP_FRAME, ipv4(), "ipv4: there is no such header"),
        (ARP_FRAME, arp(target_ip="10.0.0.3"), "arp.target_ip is 10.0.0.2, wanted 10.0.0.3"),
        (PING_FRAME, icmp(type=0), "icmp.type is 8, wanted 0"),
    ],
)
def test_what_does_not_fit_is_told_beside_the_frame(frame: Frame, checker, complaint: str) -> None:
    assert not matches(frame, checker)
    with pytest.raises(AssertionError, match=complaint) as caught:
        check(frame, checker)
    assert repr(frame) in str(caught.value)


def test_all_complaints_are_told_at_once() -> None:
    with pytest.raises(AssertionError) as caught:
        check(SYN_FRAME, ipv4(ttl=1, tos=1), tcp(window=1))
    assert len(str(caught.value).splitlines()) == 4


def test_find_and_only() -> None:
    assert find(ALL, ipv4()) == [SYN_FRAME, DATA_FRAME, PING_FRAME]
    assert only(ALL, tcp()) is SYN_FRAME
    with pytest.raises(AssertionError, match="3 frames fit instead of one"):
        only(ALL, ipv4())
    with pytest.raises(AssertionError, match=r"0 frames fit(.|\n)*\(no frames\)"):
        only([])


def test_misspelt_names_are_refused() -> None:
    with pytest.raises(UsageError, match="no 'tll'; it knows source, destination"):
        ipv4(tll=64)
    with pytest.raises(UsageError, match="no TCP flag 'SYNACK'; the flags are SYN, FIN"):
        tcp(flags="SYNACK")
    assert parse_flags("SYN ACK") == SYN | ACK
    assert parse_flags("") == 0
