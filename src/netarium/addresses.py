"""MAC and IP addresses: integers inside, text at the edges."""

from __future__ import annotations


def mac_text(mac: int) -> str:
    """`58:20:b1:44:99:db`."""
    return mac.to_bytes(6, "big").hex(":")


def ipv4_text(address: int) -> str:
    """`10.0.0.1`."""
    return f"{address >> 24}.{address >> 16 & 255}.{address >> 8 & 255}.{address & 255}"
