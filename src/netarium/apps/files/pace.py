"""Holding a transfer to a rate, and reading rates and sizes as people write them."""

from __future__ import annotations

import re
import time

_UNITS = {"": 1, "k": 1000, "m": 1000**2, "g": 1000**3, "t": 1000**4}
_BINARY = {"ki": 1024, "mi": 1024**2, "gi": 1024**3, "ti": 1024**4}


def parse_size(text: str) -> int:
    """Bytes in "5MB", "64KiB", "10M", "1.5 GB" or "5MB/s" (per second)."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([kmgt]i?)?b?(?:/s|ps)?\s*", text.lower())
    value = float(match.group(1)) * {**_UNITS, **_BINARY}[match.group(2) or ""] if match else 0.0
    if not 1 <= value < 1 << 62:
        raise ValueError(f"{text!r} is no size or rate; 5MB, 64KiB or 5MB/s is")
    return int(value)


class Pace:
    """At most `rate` bytes a second, over the whole transfer; a rate of 0 sets no limit."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._next = time.monotonic()

    def step(self, wanted: int) -> int:
        """How many bytes to move at once: what a tenth of a second brings; 4 KiB if that is no more than a second."""
        return wanted if not self._rate else min(wanted, max(min(4096, self._rate), self._rate // 10))

    def moved(self, count: int) -> None:
        """Wait as long as these bytes should have taken."""
        if not self._rate:
            return
        now = time.monotonic()
        # At most 0.1 s of unused time is made up for, so a pause is not followed by a burst.
        self._next = max(self._next, now - 0.1) + count / self._rate
        if self._next > now:
            time.sleep(self._next - now)
