"""Quantities as people write them: "5ms", "100Mbps", "64KiB", "2%" to numbers and back.

    duration_ns, format_duration   integer nanoseconds
    rate_bps, format_rate          integer bits a second
    size_bytes, format_size        integer bytes
    queue_limit                    frames or bytes
    fraction, format_fraction      0.0 to 1.0
    is_whole                       whether a text is a whole number

Texts are read exactly, as fractions: "0.1ms" is 100,000 ns. What `format_...` prints, its reader reads back.
A bare number is refused where its unit could be mistaken. Every refusal is a `UnitError` that names the forms
it takes.
"""

from __future__ import annotations

import re
from fractions import Fraction

from netarium.errors import UsageError

NS_PER_SECOND = 1_000_000_000

_DURATIONS = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,
    "μs": 1_000,
    "ms": 1_000_000,
    "s": NS_PER_SECOND,
    "m": 60 * NS_PER_SECOND,
    "min": 60 * NS_PER_SECOND,
    "h": 3600 * NS_PER_SECOND,
    "d": 86400 * NS_PER_SECOND,
}
_RATES = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}
_SIZES = {
    "": 1,
    "b": 1,
    "kb": 10**3,
    "mb": 10**6,
    "gb": 10**9,
    "tb": 10**12,
    "kib": 1 << 10,
    "mib": 1 << 20,
    "gib": 1 << 30,
    "tib": 1 << 40,
}
_DURATION_FORMS = '"5ms", "1.5s", "2m", "1h" or "1m30s" (ns, us, ms, s, m, h, d)'
_RATE_FORMS = '"9600bps", "100Mbps", "1.5Gbps" (bps, kbps, Mbps, Gbps, Tbps; bits a second)'
_SIZE_FORMS = '"1500", "64KiB", "10MB" (B, kB, MB, GB, KiB, MiB, GiB)'
_QUEUE_FORMS = '"1000 frames", "64KiB" or a number of frames'
_FRACTION_FORMS = '"2%" or 0.02, from 0 to 1'

_NUMBER = r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)"
_DURATION_PART = re.compile(_NUMBER + r"\s*([a-zµμ]+)")
_RATE = re.compile(_NUMBER + r"\s*([kmgt]?)(?:bps|bit/s|bit)", re.IGNORECASE)
_SIZE = re.compile(_NUMBER + r"\s*([kmgt]?i?b|)", re.IGNORECASE)
_FRAMES = re.compile(r"([0-9]+)\s*(?:frames?|packets?)?")
_FRACTION = re.compile(_NUMBER + r"\s*(%?)")


class UnitError(UsageError, ValueError):
    """A quantity that cannot be read; the message names the forms that can."""


_DIGITS_MAX = 4000
"""More of them Python's `int` refuses."""


def is_whole(text: str) -> bool:
    """Whether `int` can read it and it is nothing but the digits 0 to 9; `str.isdigit` takes `²` too."""
    return text.isascii() and text.isdigit() and len(text) <= _DIGITS_MAX


def duration_ns(text: str) -> int:
    """The nanoseconds of "5ms", "1.5s", "2m", "1m30s"; of "0" too."""
    text = _text(text, "duration", _DURATION_FORMS)
    if text == "0":
        return 0
    total = Fraction(0)
    at = 0
    last_unit = 0
    for part in _DURATION_PART.finditer(text):
        unit = _DURATIONS.get(part[2])
        between = text[at : part.start()]
        # Units come once and from the largest down; only blanks stand between them.
        if unit is None or between.strip() or (last_unit and unit >= last_unit):
            raise _refusal(text, "duration", _DURATION_FORMS)
        total += Fraction(part[1]) * unit
        last_unit = unit
        at = part.end()
    if not last_unit or text[at:].strip():
        raise _refusal(text, "duration", _DURATION_FORMS)
    return _whole(total, text, "nanoseconds")


def format_duration(time_ns: int) -> str:
    """The shortest exact text: "5ms", "1.5s", "1m30s", "1h". `duration_ns` reads it back."""
    if time_ns < 0:
        return "-" + format_duration(-time_ns)
    if time_ns < 60 * NS_PER_SECOND:
        for name in ("s", "ms", "us"):
            if time_ns >= _DURATIONS[name]:
                return _decimal(time_ns, _DURATIONS[name]) + name
        return f"{time_ns}ns" if time_ns else "0s"
    hours, rest_ns = divmod(time_ns, _DURATIONS["h"])
    minutes, rest_ns = divmod(rest_ns, _DURATIONS["m"])
    text = (f"{hours}h" if hours else "") + (f"{minutes}m" if minutes else "")
    return text + (_decimal(rest_ns, NS_PER_SECOND) + "s" if rest_ns else "")


def rate_bps(text: str) -> int:
    """The bits a second of "100Mbps", "1Gbps"; "100Mbit" and "100Mbit/s" mean the same."""
    text = _text(text, "rate", _RATE_FORMS)
    found = _RATE.fullmatch(text)
    if found is None:
        raise _refusal(text, "rate", _RATE_FORMS)
    rate = _whole(Fraction(found[1]) * _RATES[found[2].lower()], text, "bits a second")
    if rate == 0:
        raise UnitError(
            f"{text!r}: a rate of 0 carries nothing; to cut a link take it down, or write {_RATE_FORMS}"
        )
    return rate


def format_rate(rate: int) -> str:
    """The exact text in the greatest unit: "100Mbps", "1.5Gbps", "9.6kbps"."""
    for name, unit in (("Tbps", 10**12), ("Gbps", 10**9), ("Mbps", 10**6), ("kbps", 10**3)):
        if rate >= unit:
            return _decimal(rate, unit) + name
    return f"{rate}bps"


def size_bytes(text: str | int) -> int:
    """The bytes of "64KiB" (times 1,024), "10MB" (times 1,000,000), "1500" or 1500."""
    if isinstance(text, int) and not isinstance(text, bool):
        text = str(text)
    text = _text(text, "size", _SIZE_FORMS)
    found = _SIZE.fullmatch(text)
    if found is None:
        raise _refusal(text, "size", _SIZE_FORMS)
    return _whole(Fraction(found[1]) * _SIZES[found[2].lower()], text, "bytes")


def format_size(size: int) -> str:
    """The exact text: "64KiB" where it is a whole number of those, else "10MB", "1.5kB", "1501B"."""
    for name, unit in (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if size and size % unit == 0:
            return f"{size // unit}{name}"
    for name, unit in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if size >= unit and size * 10 % unit == 0:
            return _decimal(size, unit) + name
    return f"{size}B"


def queue_limit(text: str | int) -> tuple[int | None, int | None]:
    """(frames, bytes) of a queue's limit, one of them None: "1000 frames", "64KiB", 1000 (frames)."""
    if isinstance(text, int) and not isinstance(text, bool):
        text = str(text)
    text = _text(text, "queue", _QUEUE_FORMS)
    found = _FRAMES.fullmatch(text)
    if found is not None:
        return int(found[1]), None
    try:
        return None, size_bytes(text)
    except UnitError:
        raise _refusal(text, "queue", _QUEUE_FORMS) from None


def fraction(value: str | float) -> float:
    """The probability of "2%", "0.02" or 0.02."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        number = float(value)
    else:
        text = _text(value, "fraction", _FRACTION_FORMS)
        found = _FRACTION.fullmatch(text)
        if found is None:
            raise _refusal(text, "fraction", _FRACTION_FORMS)
        number = float(Fraction(found[1]) / (100 if found[2] else 1))
    if not 0.0 <= number <= 1.0:
        raise _refusal(value, "fraction", _FRACTION_FORMS)
    return number


def format_fraction(value: float) -> str:
    """In per cent: "2%", "0.5%"."""
    return f"{value * 100:.10g}%"


def _text(value: object, what: str, forms: str) -> str:
    if not isinstance(value, str):
        raise _refusal(value, what, forms)
    return value.strip()


def _refusal(value: object, what: str, forms: str) -> UnitError:
    return UnitError(f"{value!r} is no {what}; write {forms}")


def _whole(number: Fraction, text: str, unit: str) -> int:
    if number.denominator != 1:
        raise UnitError(f"{text!r} is {float(number)} {unit}; it must be a whole number of them")
    return number.numerator


def _decimal(number: int, unit: int) -> str:
    """`number / unit` exactly; `unit` is a power of ten."""
    whole, rest = divmod(number, unit)
    if rest == 0:
        return str(whole)
    digits = str(rest).zfill(len(str(unit)) - 1).rstrip("0")
    return f"{whole}.{digits}"
