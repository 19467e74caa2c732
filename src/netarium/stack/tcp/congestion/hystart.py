"""HyStart: leave slow start when round trips grow, before the queue overflows. (Ha and Rhee 2011; Linux tcp_cubic.c)

RFC 9406 (HyStart++) grows on more slowly instead of stopping; Linux stops, and so do we. Two signs, each enough:
acknowledgments in a train that is half a round trip long, and a round whose least round trip is clearly above the
least ever. A round ends when all that was in flight at its start is acknowledged.
"""

from __future__ import annotations

from typing import Final

MS: Final = 1_000_000
DELAY_MIN_NS: Final = 4 * MS
"""Linux HYSTART_DELAY_MIN."""
DELAY_MAX_NS: Final = 16 * MS
"""Linux HYSTART_DELAY_MAX."""
SAMPLES: Final = 8
"""Linux HYSTART_MIN_SAMPLES: the first ones of a round."""
TRAIN_GAP_NS: Final = 2 * MS
"""Linux hystart_ack_delta_us: acknowledgments closer than this belong to one train."""
WINDOW_SEGMENTS_MIN: Final = 16
"""Linux hystart_low_window: below it nothing is judged."""
NEVER_NS: Final = (1 << 63) - 1


class HyStart:
    """Watches slow start of one connection."""

    __slots__ = ("_last_ack_at", "_least_ever_ns", "_least_ns", "_round_at", "_round_end", "_samples")

    def __init__(self) -> None:
        self._least_ever_ns = NEVER_NS
        self._round_end = -1
        self._round_at = 0
        self._last_ack_at = 0
        self._least_ns = NEVER_NS
        self._samples = 0

    def says_stop(self, cwnd_segments: int, now: int, rtt_ns: int, snd_una: int, snd_nxt: int) -> bool:
        """An acknowledgment came in slow start; whether that was enough. `rtt_ns` is -1 without a measurement."""
        if snd_una > self._round_end:
            self._round_end = snd_nxt
            self._round_at = self._last_ack_at = now
            self._least_ns = NEVER_NS
            self._samples = 0
        if rtt_ns < 0:
            return False
        if rtt_ns < self._least_ever_ns:
            self._least_ever_ns = rtt_ns
        if cwnd_segments < WINDOW_SEGMENTS_MIN:
            return False
        if now - self._last_ack_at <= TRAIN_GAP_NS:
            self._last_ack_at = now
            if now - self._round_at > self._least_ever_ns >> 1:
                return True
        if self._samples < SAMPLES:
            self._samples += 1
            if rtt_ns < self._least_ns:
                self._least_ns = rtt_ns
            return False
        allowed_ns = min(max(self._least_ever_ns >> 3, DELAY_MIN_NS), DELAY_MAX_NS)
        return self._least_ns > self._least_ever_ns + allowed_ns
