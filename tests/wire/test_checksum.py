"""The Internet checksum: the fast arithmetic agrees with RFC 1071 done word by word."""

from hypothesis import given
from hypothesis import strategies as st

from netarium.wire.checksum import checksum, checksum_fits, pseudo_sum, word_sum


def by_the_book(data: bytes) -> int:
    """RFC 1071, 4.1, word by word: the folded sum before the complement."""
    data += bytes(len(data) % 2)
    total = sum(data[at] << 8 | data[at + 1] for at in range(0, len(data), 2))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def test_the_example_of_rfc_1071() -> None:
    data = bytes.fromhex("0001 f203 f4f5 f6f7")
    assert word_sum(data) == 0xDDF2
    assert checksum(word_sum(data)) == 0x220D


@given(st.binary(max_size=3000))
def test_sum_is_that_of_the_book(data: bytes) -> None:
    assert word_sum(data) == by_the_book(data)
    assert word_sum(memoryview(data)) == by_the_book(data)


@given(
    st.sampled_from([399, 400, 401, 1459, 1460, 1461, 1535, 1536, 1537, 9000, 65535]),
    st.binary(min_size=1, max_size=50),
)
def test_sum_of_long_buffers(size: int, seed: bytes) -> None:
    data = (seed * (size // len(seed) + 1))[:size]
    assert word_sum(data) == by_the_book(data)


def test_zero_and_ones_at_every_fold() -> None:
    for size in (0, 1, 2, 399, 1460, 3000, 65535):
        assert word_sum(bytes(size)) == 0
        assert word_sum(b"\xff" * size) == by_the_book(b"\xff" * size)


@given(st.binary(min_size=2, max_size=200))
def test_a_buffer_with_its_checksum_fits_and_one_with_another_does_not(data: bytes) -> None:
    data += bytes(len(data) % 2)
    field = checksum(word_sum(data))
    assert checksum_fits(word_sum(data) + field)
    assert not checksum_fits(word_sum(data) + (field ^ 1))


@given(
    st.integers(0, (1 << 128) - 1), st.integers(0, (1 << 128) - 1), st.integers(0, 255), st.integers(0, 65535)
)
def test_the_pseudo_header_of_both_families(
    source: int, destination: int, protocol: int, length: int
) -> None:
    data = source.to_bytes(16, "big") + destination.to_bytes(16, "big")
    data += length.to_bytes(4, "big") + protocol.to_bytes(4, "big")
    assert checksum(pseudo_sum(source, destination, protocol, length)) == 0xFFFF - by_the_book(data)
