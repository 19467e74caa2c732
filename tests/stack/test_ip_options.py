"""IPv4 options of what arrives, judged as Linux ip_options_compile does: by table, at a host and at a router."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.stack.joined import drops, ip, packets, pair

from netarium.stack.ip_options import look_over
from netarium.wire.ethernet import ETHERTYPE_IPV4, Frame
from netarium.wire.icmp import IcmpHeader
from netarium.wire.ipv4 import Ipv4Header
from netarium.wire.udp import UdpHeader

LOOSE = b"\x83\x07\x04\x0a\x00\x01\x02\x00"
STRICT = b"\x89\x07\x04\x0a\x00\x01\x02\x00"
RECORD = b"\x07\x07\x04\x00\x00\x00\x00\x00"
STAMP = b"\x44\x08\x05\x00\x00\x00\x00\x00"

TABLE = [
    (b"", -1),
    (b"\x01\x01\x01\x00", -1),
    (b"\x94\x04\x00\x00", -1),
    (RECORD, -1),
    (STAMP, -1),
    (b"\x99\x04\x00\x00", -1),  # unknown
    (b"\x01\x01\x01\x07", 23),  # no length
    (b"\x07\x01\x04\x00", 20),
    (b"\x07\x00\x04\x00", 20),
    (b"\x07\x27\x04\x00", 20),  # longer than there is
    (b"\x01\x99\x27\x00", 21),
    (b"\x07\x02\x00\x00", 21),
    (b"\x07\x07\x03\x00\x00\x00\x00\x00", 22),
    (b"\x07\x07\x05\x00\x00\x00\x00\x00", 22),
    (b"\x07\x07\x08\x00\x00\x00\x00\x00", -1),  # full
    (RECORD[:7] + b"\x01" + RECORD, 28),
    (b"\x44\x03\x05\x00", 21),
    (b"\x44\x08\x04\x00\x00\x00\x00\x00", 22),
    (b"\x44\x08\x05\x01\x00\x00\x00\x00", 22),
    (b"\x44\x08\x09\xf0\x00\x00\x00\x00", 23),
    (b"\x94\x03\x00\x00", 21),
    (b"\x83\x03\x03\x00", 22),
    (LOOSE[:7] + b"\x01" + STRICT, 28),
]


def packet(options: bytes, destination: str) -> Frame:
    header = Ipv4Header(ip("10.0.0.2"), ip(destination), 17, 64, options=options)
    return Frame(0, 0x02AA00000001, ETHERTYPE_IPV4, header, UdpHeader(5, 9), b"payload")


@pytest.mark.parametrize(("options", "wrong"), TABLE)
def test_a_malformed_option_is_told_to_its_sender_with_the_byte(options: bytes, wrong: int) -> None:
    joined, a, _b = pair()
    server = a.udp.open()
    assert server.bind(0, 9) is None
    eth0 = a.interfaces["eth0"]
    for _ in range(2):  # the second by the way that is remembered
        a.receive(eth0, packet(options, "10.0.0.1").readdressed(eth0.mac, 2), a.now)
    joined.quiesce()
    said = [f.transport for f in packets(joined.take()) if isinstance(f.transport, IcmpHeader)]
    if wrong < 0:
        assert len(server.queue) == 2 and not said and not drops(a)
    else:
        assert not server.queue and drops(a)["IP_OPTION"] == 2
        assert (said[0].type, said[0].code, said[0].rest) == (12, 0, wrong << 24)


@pytest.mark.parametrize("options", [LOOSE, STRICT])
def test_a_source_route_is_dropped_without_a_word(options: bytes) -> None:
    joined, a, _b = pair()
    eth0 = a.interfaces["eth0"]
    a.receive(eth0, packet(options, "10.0.0.1").readdressed(eth0.mac, 2), a.now)
    joined.quiesce()
    assert drops(a) == {"IP_OPTION": 1} and not packets(joined.take())


@given(st.binary(max_size=40))
def test_no_bytes_of_options_raise(options: bytes) -> None:
    wrong, _ = look_over(options)
    assert -1 <= wrong < 20 + max(len(options), 1)
