"""Sequence numbers: 32 bits on the wire, growing ints inside. (RFC 9293 section 3.4)

Inside a connection a sequence number is an int that only grows, so `<` is right and nothing wraps. A number from
the wire is unwrapped once, against a number known to be near it; one to the wire is masked once.
"""

from __future__ import annotations

from typing import Final

MASK: Final = 0xFFFFFFFF


def unwrap(wire_number: int, near: int) -> int:
    """The growing number that `wire_number` stands for, the one within 2^31 of `near`."""
    return near + ((wire_number - near + 0x80000000) & MASK) - 0x80000000
