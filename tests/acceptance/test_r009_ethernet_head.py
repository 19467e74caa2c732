"""R009: a frame is 14 bytes of header (destination, source, EtherType), data and 4 bytes of FCS."""

from zlib import crc32

import pytest

from netarium.addresses import parse_ipv4, parse_mac
from netarium.wire.arp import ArpPacket
from netarium.wire.ethernet import ETHERTYPE_ARP, ETHERTYPE_IPV4, Frame
from netarium.wire.ipv4 import PROTOCOL_UDP, Ipv4Header
from netarium.wire.udp import UdpHeader

DESTINATION, SOURCE = parse_mac("58-20-B1-44-99-DB"), parse_mac("02-00-00-00-00-01")
ONE, TWO = parse_ipv4("192.168.15.46"), parse_ipv4("192.168.15.68")


@pytest.mark.parametrize(
    ("frame", "ethertype", "data"),
    [
        (
            Frame(
                DESTINATION,
                SOURCE,
                ETHERTYPE_IPV4,
                Ipv4Header(ONE, TWO, PROTOCOL_UDP, 64),
                UdpHeader(5, 6),
                bytes(100),
            ),
            "0800",
            20 + 8 + 100,
        ),
        (Frame(DESTINATION, SOURCE, ETHERTYPE_ARP, ArpPacket(1, SOURCE, ONE, 0, TWO), None, b""), "0806", 46),
    ],
)
def test_r009_the_parts_of_a_frame(frame: Frame, ethertype: str, data: int) -> None:
    on_the_wire = frame.bytes_with_fcs()
    assert on_the_wire[0:6] == bytes.fromhex("5820b14499db")
    assert on_the_wire[6:12] == bytes.fromhex("020000000001")
    assert on_the_wire[12:14].hex() == ethertype
    assert len(on_the_wire) == 14 + data + 4, "18 bytes of overhead"
    assert on_the_wire[-4:] == crc32(on_the_wire[:-4]).to_bytes(4, "little")
