"""The bits of a frame: their order, and that they give the frame back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netarium.errors import WireError
from netarium.link.bits import SIMPLIFICATION, decode_bits, draw_bits, encode_bits
from netarium.link.direction import flip_bit
from netarium.wire.ethernet import Frame


@given(st.binary(max_size=200), st.integers(0, (1 << 48) - 1))
def test_bits_give_the_same_bytes_back(payload: bytes, mac: int) -> None:
    frame = Frame(mac, 1, 0x88B5, None, None, payload)
    assert decode_bits(encode_bits(frame)) == bytes(frame)


def test_the_least_significant_bit_of_each_byte_is_sent_first() -> None:
    bits = encode_bits(Frame(0x010203040506, 0, 0x88B5, None, None, b""))
    assert bits[:64] == "10101010" * 7 + "10101011"
    assert bits[64:88] == "10000000" + "01000000" + "11000000"


@given(st.integers(min_value=0))
def test_one_wrong_bit_is_found(number: int) -> None:
    bits = encode_bits(Frame(2, 1, 0x88B5, None, None, b"hello"))
    place = 64 + number % (len(bits) - 64)
    wrong = bits[:place] + ("0" if bits[place] == "1" else "1") + bits[place + 1 :]
    with pytest.raises(WireError, match="FCS"):
        decode_bits(wrong)


@pytest.mark.parametrize("bits", ["", "10101010" * 8, "10101011" + "0" * 8, "1010101112"])
def test_what_is_no_frame_is_refused(bits: str) -> None:
    with pytest.raises(WireError):
        decode_bits(bits)


def test_the_drawing_shows_a_level_per_bit_and_says_that_it_is_simplified() -> None:
    drawing = draw_bits("1100", per_line=2)
    assert drawing.splitlines() == [SIMPLIFICATION, "11", "▔▔", "00", "▁▁"]


@given(st.binary(min_size=1, max_size=50), st.integers(0, 10_000))
def test_flipping_a_bit_twice_restores_it_and_once_changes_exactly_one(data: bytes, bit: int) -> None:
    once = flip_bit(data, bit)
    differing = int.from_bytes(data, "big") ^ int.from_bytes(once, "big")
    assert differing.bit_count() == 1
    assert flip_bit(once, bit) == data
