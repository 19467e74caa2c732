"""`--bytes`: the fields of a frame are those tshark names, and nothing is shown that the trace has not kept."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from netarium.story import octets
from netarium.story.language import Language
from netarium.wire.ethernet import Frame

SYN = bytes.fromhex(
    "02000000000202000000000108004500003c6d2e4000400635cac0a80164caad0b0ab8ce00507a96410e00000000a002faf0"
    "99300000020405b40402080a30f9765e0000000001030307"
)
ARP_TAGGED = bytes.fromhex(
    "ffffffffffff0200000000018100000a08060001080006040001020000000001c0a80a01000000000000c0a80a02" + "00" * 18
)


def values(data: bytes) -> dict[str, str]:
    """Field -> what it says."""
    return {field.key: field.value for field in octets.fields_of(data, len(data))}


def test_every_byte_of_a_frame_belongs_to_one_field() -> None:
    for data in (SYN, ARP_TAGGED):
        fields = octets.fields_of(data, len(data))
        assert b"".join(field.data for field in fields) == data
        assert [field.offset for field in fields] == sorted(field.offset for field in fields)


def test_a_syn_says_what_it_says() -> None:
    found = values(SYN)
    assert found["eth.type"] == "0x0800 IPv4"
    assert found["ip.version"] == "4, 20"
    assert (found["ip.ttl"], found["ip.protocol"]) == ("64", "6 TCP")
    assert (found["ip.source"], found["ip.destination"]) == ("192.168.1.100", "202.173.11.10")
    assert (found["port.source"], found["port.destination"]) == ("47310", "80")
    assert (found["tcp.sequence"], found["tcp.bits"]) == (str(0x7A96410E), "40, SYN")


def test_each_option_of_tcp_has_its_name_and_value() -> None:
    found = values(SYN)
    assert found["tcp.option.mss"] == "1460"
    assert found["tcp.option.sack-permitted"] == ""
    assert found["tcp.option.timestamps"] == f"{0x30F9765E}, 0"
    assert found["tcp.option.scale"] == "7 (x 128)"
    assert "tcp.options" not in found
    for language, text in (
        ("en", "TCP option: maximum segment size (MSS)"),
        ("zh", "TCP 选项：最大报文段长度 (MSS)"),
    ):
        assert any(text in line for line in octets.lines(SYN, len(SYN), Language.load(language)))


def test_options_that_cannot_be_are_shown_as_they_are() -> None:
    broken = SYN.replace(bytes.fromhex("020405b40402080a"), bytes.fromhex("02ff05b40402080a"))
    assert values(broken)["tcp.options"] == ""
    assert sum(len(field.data) for field in octets.fields_of(broken, len(broken))) == len(broken)


def test_the_tag_of_a_vlan_and_the_padding_are_named() -> None:
    found = values(ARP_TAGGED)
    assert found["tag.control"] == "VLAN 10, 0"
    assert found["arp.target"] == "192.168.10.2"
    assert "padding" in found


def test_what_was_not_kept_is_said_and_has_no_check_sequence() -> None:
    text = "\n".join(octets.lines(SYN, len(SYN) + 100, Language.load("en")))
    assert "100 more bytes, not kept in the trace" in text
    assert "CRC-32" not in text
    whole = "\n".join(octets.lines(SYN, len(SYN), Language.load("en")))
    assert Frame.parse(SYN).size_bytes == len(SYN)
    assert "74 34 80 b7" in whole
    assert "00000010 00000000" in whole
    assert "line codes" in whole


@given(st.binary(min_size=14, max_size=120))
def test_no_bytes_break_it(data: bytes) -> None:
    for language in ("en", "zh"):
        assert list(octets.lines(data, len(data), Language.load(language)))
