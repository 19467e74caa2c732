"""MAC addresses: every spelling is read, wrong ones are refused with the reason, none is handed out twice."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netarium.addresses import (
    MAC_MAX,
    AddressError,
    MacGenerator,
    half_mac_text,
    mac_serial,
    mac_text,
    mac_vendor,
    parse_mac,
)
from netarium.errors import UsageError

BOOK = 0x5820_B144_99DB


@pytest.mark.parametrize(
    "text",
    ["58-20-B1-44-99-DB", "58:20:b1:44:99:db", "58:20:B1:44:99:DB", "5820.b144.99db", "5820.B144.99DB"],
)
def test_every_way_of_writing_is_read(text: str) -> None:
    assert parse_mac(text) == BOOK


def test_printed_with_colons_or_dashes() -> None:
    assert mac_text(BOOK) == "58:20:b1:44:99:db"
    assert mac_text(BOOK, "-") == "58-20-B1-44-99-DB"


def test_vendor_and_serial_are_three_bytes_each() -> None:
    assert half_mac_text(mac_vendor(BOOK), "-") == "58-20-B1"
    assert half_mac_text(mac_serial(BOOK), "-") == "44-99-DB"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("58-20-B1-44-99", "10 hexadecimal digits instead of 12"),
        ("58-20-B1-44-99-DB-00", "14 hexadecimal digits instead of 12"),
        ("58-20-B1-44-99-DG", "no hexadecimal digits"),
        ("58-20:B1-44-99-DB", "not grouped"),
        ("5820b14499db", "not grouped"),
        ("5-820-B1-44-99-DB", "not grouped"),
        ("", "0 hexadecimal digits"),
        ("58:20:b1:44:99:db ", "no hexadecimal digits"),
        ("58:20:b1:44:99:d\u0663", "no hexadecimal digits"),
    ],
)
def test_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(AddressError, match=reason) as caught:
        parse_mac(text)
    assert "58:20:b1:44:99:db" in str(caught.value), "the message shows what would be right"
    assert isinstance(caught.value, UsageError)
    assert isinstance(caught.value, ValueError)


@given(st.integers(0, MAC_MAX), st.sampled_from([":", "-"]))
def test_reading_what_was_printed_gives_the_same(mac: int, separator: str) -> None:
    assert parse_mac(mac_text(mac, separator)) == mac


@given(st.lists(st.one_of(st.none(), st.integers(0x0200_0000_0001, 0x0200_0000_0020)), max_size=60))
def test_a_net_never_has_one_address_twice(wishes: list[int | None]) -> None:
    generator = MacGenerator()
    given_out: list[int] = []
    for wish in wishes:
        if wish is None:
            given_out.append(generator.next())
        else:
            try:
                generator.reserve(wish)
            except AddressError:
                assert wish in given_out, "an address that is free must not be refused"
                continue
            given_out.append(wish)
    assert len(set(given_out)) == len(given_out)


def test_generated_addresses_are_locally_administered_unicast() -> None:
    generator = MacGenerator()
    for _ in range(300):
        first = generator.next() >> 40
        assert first & 0b11 == 0b10


@pytest.mark.parametrize("mac", [0, MAC_MAX, 0x0100_5E00_0001])
def test_no_card_has_a_group_address_or_zero(mac: int) -> None:
    with pytest.raises(AddressError, match="cannot be a card's address"):
        MacGenerator().reserve(mac)


def test_when_all_are_in_use_it_says_so() -> None:
    generator = MacGenerator()
    generator._last = 0x02FF_FFFF_FFFF
    with pytest.raises(AddressError, match="all locally administered"):
        generator.next()
