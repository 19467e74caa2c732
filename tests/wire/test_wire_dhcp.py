"""DHCP messages: round trip, RFC 2131's layout byte by byte, and that malformed bytes have one error."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netarium.errors import UsageError, WireError
from netarium.wire import dhcp
from netarium.wire.dhcp import DhcpMessage

ADDRESSES = st.integers(0, 0xFFFFFFFF)
MESSAGES = st.builds(
    DhcpMessage,
    st.sampled_from([dhcp.BOOT_REQUEST, dhcp.BOOT_REPLY]),
    ADDRESSES,
    st.binary(max_size=16),
    st.dictionaries(
        st.integers(1, 254).filter(lambda code: code != dhcp.OVERLOAD), st.binary(max_size=600), max_size=8
    ),
    client_address=ADDRESSES,
    your_address=ADDRESSES,
    next_server=ADDRESSES,
    relay_address=ADDRESSES,
    seconds=st.integers(0, 0xFFFF),
    flags=st.integers(0, 0xFFFF),
    hops=st.integers(0, 255),
    hardware_type=st.integers(0, 255),
)


@given(MESSAGES)
def test_what_is_emitted_parses_to_the_same(message):
    assert DhcpMessage.parse(message.emit()) == message


@given(st.binary(max_size=400))
def test_any_bytes_parse_or_are_one_error(data):
    try:
        DhcpMessage.parse(data)
    except WireError:
        return


@given(MESSAGES, st.data())
def test_a_message_with_changed_bytes_parses_or_is_one_error(message, data):
    wire = bytearray(message.emit())
    for _ in range(3):
        wire[data.draw(st.integers(0, len(wire) - 1))] = data.draw(st.integers(0, 255))
    try:
        DhcpMessage.parse(bytes(wire))
    except WireError:
        return


def discover() -> DhcpMessage:
    return DhcpMessage(
        dhcp.BOOT_REQUEST,
        0x3903F326,
        bytes.fromhex("00053c04 8d59"),
        {dhcp.MESSAGE_TYPE: b"\x01", dhcp.REQUESTED_ADDRESS: bytes([192, 168, 1, 100])},
        seconds=7,
        flags=dhcp.FLAG_BROADCAST,
    )


def test_the_fields_stand_where_rfc_2131_has_them():
    wire = discover().emit()
    assert len(wire) == 300
    assert wire[:4] == b"\x01\x01\x06\x00"
    assert wire[4:8] == bytes.fromhex("3903f326")
    assert wire[8:12] == b"\x00\x07\x80\x00"
    assert wire[28:44] == bytes.fromhex("00053c048d59") + bytes(10)
    assert wire[236:240] == bytes([99, 130, 83, 99])
    assert wire[240:250] == b"\x35\x01\x01\x32\x04\xc0\xa8\x01\x64\xff"
    assert set(wire[250:]) == {0}


def test_options_are_read_as_what_they_are():
    message = DhcpMessage.parse(discover().emit())
    assert (message.kind, message.name) == (dhcp.DISCOVER, "DHCPDISCOVER")
    assert message.address(dhcp.REQUESTED_ADDRESS) == 0xC0A80164
    assert message.address(dhcp.ROUTER) == 0
    assert message.number(dhcp.LEASE_TIME, 60) == 60
    assert message.client_key == b"\x01" + message.hardware_address


def test_a_client_identifier_goes_before_the_hardware_address():
    message = DhcpMessage(1, 1, b"\0" * 6, {dhcp.CLIENT_IDENTIFIER: b"\xffme"})
    assert message.client_key == b"\xffme"


def test_options_may_overflow_into_file_and_sname():
    wire = bytearray(discover().emit())
    wire[108:112] = b"\x0c\x01a\xff"
    wire[44:48] = b"\x0f\x01b\xff"
    wire[240:247] = b"\x34\x01\x03\x35\x01\x01\xff"
    message = DhcpMessage.parse(bytes(wire))
    assert (message.text(dhcp.HOST_NAME), message.text(dhcp.DOMAIN_NAME)) == ("a", "b")


def test_a_long_option_goes_in_pieces():
    message = DhcpMessage(1, 1, b"\0" * 6, {224: b"x" * 600})
    wire = message.emit()
    assert wire.count(b"\xe0\xff" + b"x" * 255) == 2
    assert DhcpMessage.parse(wire) == message


@pytest.mark.parametrize(
    "spoil",
    [
        lambda wire: wire[:235],
        lambda wire: b"\x03" + wire[1:],
        lambda wire: wire[:2] + b"\x11" + wire[3:],
        lambda wire: wire[:236] + b"\0\0\0\0" + wire[240:],
        lambda wire: wire[:240] + b"\x35",
        lambda wire: wire[:240] + b"\x35\x05\x01",
    ],
)
def test_malformed_messages_are_wire_errors(spoil):
    with pytest.raises(WireError):
        DhcpMessage.parse(spoil(discover().emit()))


def test_impossible_messages_are_not_emitted():
    with pytest.raises(UsageError):
        DhcpMessage(1, 1, bytes(17), {}).emit()
    with pytest.raises(UsageError):
        DhcpMessage(1, 1, bytes(6), {255: b""}).emit()
