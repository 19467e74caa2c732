"""A free port, or ICMP identifier: the wanted one if it is free (port preservation), else another of its range.

Read first: RFC 4787 REQ-3, RFC 5382 REQ-7 (ranges: well-known ports stay well-known), RFC 6056 3.3.1 (where to begin).
The search goes through the whole range, so it fails only when nothing is free.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from netarium.wire.ipv4 import PROTOCOL_ICMP

if TYPE_CHECKING:
    from netarium.stack.stack import RandomSource

PORT_MAX: Final = 65535


def range_for(protocol: int, wanted: int, configured: tuple[int, int] | None) -> tuple[int, int]:
    """(lowest, highest) port to look among, as Linux: below 512, below 1024, and the rest do not mix."""
    if protocol == PROTOCOL_ICMP:
        return (0, PORT_MAX)
    if configured is not None:
        return configured
    if wanted < 512:
        return (1, 511)
    return (600, 1023) if wanted < 1024 else (1024, PORT_MAX)


def choose_port(
    wanted: int, bounds: tuple[int, int], is_free: Callable[[int], bool], random: RandomSource
) -> int | None:
    """A port within `bounds` that is free: `wanted` if it can be, else one from a random start on; None without any."""
    low, high = bounds
    if low <= wanted <= high and is_free(wanted):
        return wanted
    count = high - low + 1
    start = random.randrange(count)
    for step in range(count):
        port = low + (start + step) % count
        if is_free(port):
            return port
    return None
