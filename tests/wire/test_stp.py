"""BPDUs: golden bytes, round trips, and what is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.wire.test_golden_bytes import golden

from netarium.errors import WireError
from netarium.wire import stp
from netarium.wire.ethernet import Frame
from netarium.wire.stp import Bpdu

u16 = st.integers(0, 0xFFFF)
u32 = st.integers(0, 0xFFFF_FFFF)
u64 = st.integers(0, (1 << 64) - 1)
BRIDGE = 0x8000_0200_0000_1000


@st.composite
def bpdus(draw: st.DrawFn) -> Bpdu:
    type, version = draw(st.sampled_from([(stp.CONFIGURATION, 0), (stp.RAPID, 2), (stp.RAPID, 3)]))
    max_age = draw(st.integers(1, 0xFFFF))
    flags = draw(st.integers(0, 255)) | (stp.ROLE_ROOT << stp.ROLE_SHIFT)
    times = draw(st.integers(0, max_age - 1)), max_age, draw(u16), draw(u16)
    return Bpdu(type, version, flags, draw(u64), draw(u32), draw(u64), draw(u16), *times)


def test_a_rapid_bpdu_byte_for_byte() -> None:
    flags = stp.PROPOSAL | stp.ROLE_DESIGNATED << stp.ROLE_SHIFT | stp.LEARNING
    bpdu = Bpdu(stp.RAPID, 2, flags, BRIDGE, 20_000, BRIDGE + 1, 0x8003, 256, 5120, 512, 3840)
    assert bytes(bpdu.frame(0x0200_0000_1001)) == golden(
        "0180c2000000",  # destination: the bridge group address
        "020000001001",  # source: the port
        "0027",  # IEEE 802.3 length: 39
        "42 42 03",  # LLC: spanning tree, spanning tree, unnumbered information
        "0000 02 02",  # protocol, version, type
        "1e",  # designated, learning, proposal
        "8000 020000001000",  # root: priority, MAC
        "00004e20",  # cost
        "8000 020000001001",  # bridge
        "8003",  # port
        "0100 1400 0200 0f00",  # message age 1 s, maximum age 20 s, hello 2 s, forward delay 15 s
        "00",  # version 1 length
        "00" * 7,  # padding to 60
    )
    assert repr(bpdu) == (
        "<Bpdu RST root=32768/02:00:00:00:10:00 cost=20000 bridge=32768/02:00:00:00:10:01 port=0x8003 age=1 "
        "designated proposal learning>"
    )


def test_lengths_and_notification() -> None:
    notice = Bpdu(stp.TOPOLOGY_CHANGE_NOTIFICATION, 0)
    assert notice.emit() == golden("0000 00 80")
    assert notice.frame(1).ethertype == 7
    config = Bpdu(stp.CONFIGURATION, 0, 0, BRIDGE, 0, BRIDGE, 1, 0, 5120, 512, 3840)
    assert (config.frame(1).ethertype, len(config.emit()), config.size_bytes) == (38, 35, 35)
    assert repr(notice) == "<Bpdu TCN>"


@given(
    bpdu=bpdus() | st.just(Bpdu(stp.TOPOLOGY_CHANGE_NOTIFICATION, 0)), source=st.integers(0, (1 << 48) - 1)
)
def test_what_is_emitted_is_parsed_and_survives_the_frame(bpdu: Bpdu, source: int) -> None:
    assert len(bpdu.emit()) == bpdu.size_bytes
    assert Bpdu.parse(bpdu.emit()) == bpdu
    frame = bpdu.frame(source)
    again = Frame.parse(bytes(frame))
    assert again == frame
    assert Bpdu.of_frame(again) == bpdu


@given(bpdu=bpdus(), cut=st.integers(0, 35))
def test_a_bpdu_that_is_too_short_is_refused(bpdu: Bpdu, cut: int) -> None:
    data = bpdu.emit()
    if cut < len(data):
        with pytest.raises(WireError):
            Bpdu.parse(data[:cut])


@given(data=st.binary(max_size=60))
def test_garbage_is_parsed_or_refused_and_nothing_else(data: bytes) -> None:
    try:
        Bpdu.parse(data)
    except WireError:
        pass


def test_what_the_standard_tells_to_discard() -> None:
    config = Bpdu(stp.CONFIGURATION, 0, 0, BRIDGE, 0, BRIDGE, 1, 5120, 5120, 512, 3840)
    with pytest.raises(WireError, match="message age"):
        Bpdu.parse(config.emit())
    with pytest.raises(WireError, match="protocol 1"):
        Bpdu.parse(b"\0\1" + config.emit()[2:])
    with pytest.raises(WireError, match="type 0x02 in version 0"):
        Bpdu.parse(b"\0\0\0\2" + config.emit()[4:] + b"\0")
    with pytest.raises(WireError, match="LLC"):
        Bpdu.of_frame(Frame(stp.BRIDGE_GROUP_ADDRESS, 1, 8, None, None, b"\xaa\xaa\x03" + bytes(5)))


def test_a_rapid_bpdu_of_an_unknown_role_counts_as_a_configuration_bpdu() -> None:
    bpdu = Bpdu(stp.RAPID, 2, 0, BRIDGE, 7, BRIDGE, 1, 0, 5120, 512, 3840)
    read = Bpdu.parse(bpdu.emit())
    assert (read.type, read.version, read.role, read.cost) == (stp.CONFIGURATION, 0, stp.ROLE_DESIGNATED, 7)
