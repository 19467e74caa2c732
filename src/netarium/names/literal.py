"""Addresses written as text: what inet_pton takes, and for IPv4 the old notations of inet_aton ("127.1", "0x7f01")."""

from __future__ import annotations

from ipaddress import AddressValueError, IPv4Address, IPv6Address

from netarium.units import is_whole


def parse_ipv4(text: str) -> int | None:
    """A dotted quad as a 32-bit integer; None when `text` is none."""
    parts = text.split(".")
    if len(parts) != 4:
        return None
    value = 0
    for part in parts:
        if not part.isascii() or not part.isdigit() or len(part) > 3 or (len(part) > 1 and part[0] == "0"):
            return None
        number = int(part)
        if number > 255:
            return None
        value = value << 8 | number
    return value


def parse_ipv4_loosely(text: str) -> int | None:
    """As inet_aton(3): one to four parts, each decimal, octal (0...) or hexadecimal (0x...); None when it is none."""
    parts = text.split(".")
    if not 1 <= len(parts) <= 4:
        return None
    numbers = []
    for part in parts:
        number = _parse_number(part)
        if number is None:
            return None
        numbers.append(number)
    last = numbers.pop()
    if last >= 1 << (8 * (4 - len(numbers))) or any(number > 255 for number in numbers):
        return None
    value = 0
    for number in numbers:
        value = value << 8 | number
    return value << (8 * (4 - len(numbers))) | last


def _parse_number(text: str) -> int | None:
    if not text or not text.isascii():
        return None
    try:
        if text[:2] in ("0x", "0X"):
            return int(text[2:], 16) if "_" not in text else None
        if not is_whole(text):
            return None
        return int(text, 8 if len(text) > 1 and text[0] == "0" else 10)
    except ValueError:
        return None


def parse_ipv6(text: str) -> int | None:
    """An IPv6 address, without zone, as a 128-bit integer; None when `text` is none."""
    try:
        return int(IPv6Address(text)) if "%" not in text else None
    except (AddressValueError, ValueError):
        return None


def format_ipv4(value: int) -> str:
    """A 32-bit integer as a dotted quad."""
    return f"{value >> 24}.{value >> 16 & 255}.{value >> 8 & 255}.{value & 255}"


def format_ipv6(value: int) -> str:
    """A 128-bit integer in the canonical notation of RFC 5952."""
    address = IPv6Address(value)
    if address.ipv4_mapped is not None:
        return f"::ffff:{IPv4Address(value & 0xFFFFFFFF)}"
    return str(address)
