"""R007: a MAC address is read, printed and split into vendor and serial; a wrong one is refused; none comes twice."""

import pytest

from netarium.addresses import (
    AddressError,
    MacGenerator,
    half_mac_text,
    mac_serial,
    mac_text,
    mac_vendor,
    parse_mac,
)


def test_r007_read_and_printed() -> None:
    mac = parse_mac("58-20-B1-44-99-DB")
    assert mac_text(mac, "-") == "58-20-B1-44-99-DB"
    assert half_mac_text(mac_vendor(mac), "-") == "58-20-B1"
    assert half_mac_text(mac_serial(mac), "-") == "44-99-DB"


@pytest.mark.parametrize("text", ["58-20-B1-44-99", "58-20-B1-44-99-DB-01"])
def test_r007_a_wrong_length_is_refused(text: str) -> None:
    with pytest.raises(AddressError, match="instead of 12"):
        parse_mac(text)


def test_r007_two_generated_cards_never_share_one() -> None:
    generator = MacGenerator()
    macs = [generator.next() for _ in range(10_000)]
    assert len(set(macs)) == len(macs)
