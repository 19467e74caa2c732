"""R030: an IPv4 address is read and printed; what is none is refused with the reason."""

import pytest

from netarium.addresses import AddressError, ipv4_text, parse_ipv4


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0.0.0.0", 0),
        ("10.0.0.1", 0x0A000001),
        ("192.168.15.68", 0xC0A80F44),
        ("255.255.255.255", 0xFFFFFFFF),
    ],
)
def test_r030_both_ways(text: str, number: int) -> None:
    assert parse_ipv4(text) == number
    assert ipv4_text(number) == text


@pytest.mark.parametrize(
    ("text", "reason"), [("256.1.1.1", "256 is more than 255"), ("1.2.3", "3 numbers instead of 4")]
)
def test_r030_refused(text: str, reason: str) -> None:
    with pytest.raises(AddressError, match=reason):
        parse_ipv4(text)
