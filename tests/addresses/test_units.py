"""Quantities as people write them: read exactly, printed so that they are read back, or refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netarium.units import (
    UnitError,
    duration_ns,
    format_duration,
    format_fraction,
    format_rate,
    format_size,
    fraction,
    queue_limit,
    rate_bps,
    size_bytes,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("5ms", 5_000_000),
        ("1.5s", 1_500_000_000),
        (".5s", 500_000_000),
        ("0.1ms", 100_000),
        ("10us", 10_000),
        ("10µs", 10_000),
        ("7ns", 7),
        ("2m", 120_000_000_000),
        ("2min", 120_000_000_000),
        ("1h", 3_600_000_000_000),
        ("1d", 86_400_000_000_000),
        ("1m30s", 90_000_000_000),
        ("1h 2m 3.5s", 3_723_500_000_000),
        ("5 ms", 5_000_000),
        ("0", 0),
        ("0s", 0),
    ],
)
def test_durations(text: str, expected: int) -> None:
    assert duration_ns(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "5",
        "ms",
        "5 parsecs",
        "-1s",
        "1s2",
        "1s1m",
        "1m1m",
        "s5",
        "1e3s",
        "1.2.3s",
        "5ms!",
        5,
        0.5,
        None,
        True,
    ],
)
def test_no_duration(text: str) -> None:
    with pytest.raises(UnitError, match=r'is no duration; write "5ms"'):
        duration_ns(text)


def test_less_than_a_nanosecond_is_refused() -> None:
    with pytest.raises(UnitError, match="whole number"):
        duration_ns("0.5ns")


@pytest.mark.parametrize(
    ("time_ns", "text"),
    [
        (0, "0s"),
        (7, "7ns"),
        (1_500, "1.5us"),
        (5_000_000, "5ms"),
        (1_234_567, "1.234567ms"),
        (1_500_000_000, "1.5s"),
        (60_000_000_000, "1m"),
        (90_000_000_000, "1m30s"),
        (3_600_000_000_000, "1h"),
        (3_600_000_000_001, "1h0.000000001s"),
        (-5_000_000, "-5ms"),
    ],
)
def test_printed_durations(time_ns: int, text: str) -> None:
    assert format_duration(time_ns) == text


@given(st.integers(0, 1 << 62))
def test_a_printed_duration_is_read_back(time_ns: int) -> None:
    assert duration_ns(format_duration(time_ns)) == time_ns


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("100Mbps", 100_000_000),
        ("1Gbps", 1_000_000_000),
        ("1.5 Gbps", 1_500_000_000),
        ("9600bps", 9600),
        ("56kbps", 56_000),
        ("100Mbit", 100_000_000),
        ("100mbit/s", 100_000_000),
    ],
)
def test_rates(text: str, expected: int) -> None:
    assert rate_bps(text) == expected


@pytest.mark.parametrize("text", ["", "100", "fast", "100MB", "-1Mbps", 100, None])
def test_no_rate(text: str) -> None:
    with pytest.raises(UnitError, match=r'is no rate; write "9600bps"'):
        rate_bps(text)


def test_a_rate_of_zero_and_half_a_bit() -> None:
    with pytest.raises(UnitError, match="carries nothing"):
        rate_bps("0Mbps")
    with pytest.raises(UnitError, match="whole number"):
        rate_bps("0.5bps")


@given(st.integers(1, 1 << 50))
def test_a_printed_rate_is_read_back(rate: int) -> None:
    assert rate_bps(format_rate(rate)) == rate


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("64KiB", 65536),
        ("10MB", 10_000_000),
        ("1.5kB", 1500),
        ("1500", 1500),
        (1500, 1500),
        ("20B", 20),
        ("1GiB", 1 << 30),
    ],
)
def test_sizes(text: str, expected: int) -> None:
    assert size_bytes(text) == expected


@pytest.mark.parametrize("text", ["", "B", "64KiBps", "many", "-1", -1, True, None])
def test_no_size(text: str) -> None:
    with pytest.raises(UnitError, match='is no size; write "1500"'):
        size_bytes(text)


@given(st.integers(0, 1 << 50))
def test_a_printed_size_is_read_back(size: int) -> None:
    assert size_bytes(format_size(size)) == size


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1000 frames", (1000, None)),
        ("1 frame", (1, None)),
        ("50packets", (50, None)),
        ("1000", (1000, None)),
        (1000, (1000, None)),
        ("64KiB", (None, 65536)),
    ],
)
def test_queues(text: str, expected: tuple[int | None, int | None]) -> None:
    assert queue_limit(text) == expected


@pytest.mark.parametrize("text", ["", "long", "3 cars", False, None])
def test_no_queue(text: str) -> None:
    with pytest.raises(UnitError, match='is no queue; write "1000 frames"'):
        queue_limit(text)


@pytest.mark.parametrize(
    ("value", "expected"),
    [("2%", 0.02), ("0.5 %", 0.005), ("0.02", 0.02), (0.02, 0.02), (1, 1.0), ("100%", 1.0), (0, 0.0)],
)
def test_fractions(value: str | float, expected: float) -> None:
    assert fraction(value) == expected


@pytest.mark.parametrize("value", ["", "%", "2", "101%", -0.1, 1.1, "x", True, None, float("nan")])
def test_no_fraction(value: str | float) -> None:
    with pytest.raises(UnitError, match='is no fraction; write "2%"'):
        fraction(value)


@given(st.integers(0, 10_000))
def test_a_printed_fraction_is_read_back(parts: int) -> None:
    assert fraction(format_fraction(parts / 10_000)) == parts / 10_000
