"""Reno: slow start, congestion avoidance, and half of the flight after a loss. (RFC 5681 sections 3.1 and 3.2)"""

from __future__ import annotations

from typing import Final

SSTHRESH_UNLIMITED_BYTES: Final = (1 << 31) - 1
"""The initial ssthresh: arbitrarily high (RFC 5681 section 3.1; Linux TCP_INFINITE_SSTHRESH)."""

INITIAL_WINDOW_SEGMENTS: Final = 10
"""RFC 6928; Linux TCP_INIT_CWND."""


class Reno:
    """Congestion control of one connection by RFC 5681. All sizes in bytes."""

    __slots__ = ("_acked_in_round_bytes", "cwnd_bytes", "mss", "ssthresh_bytes")

    name = "reno"

    def __init__(self, mss: int) -> None:
        self.mss = mss
        self.cwnd_bytes = INITIAL_WINDOW_SEGMENTS * mss
        self.ssthresh_bytes = SSTHRESH_UNLIMITED_BYTES
        self._acked_in_round_bytes = 0

    def on_ack(self, acked_bytes: int, now: int, rtt_ns: int, snd_una: int, snd_nxt: int) -> None:
        """New data was acknowledged while the window was the limit. (RFC 5681 (2), (3); byte counting of RFC 3465)"""
        if self.cwnd_bytes < self.ssthresh_bytes:
            acked_bytes = self.grow_in_slow_start(acked_bytes)
            if not acked_bytes:
                return
        self._acked_in_round_bytes += acked_bytes
        if self._acked_in_round_bytes >= self.cwnd_bytes:
            self._acked_in_round_bytes -= self.cwnd_bytes
            self.cwnd_bytes += self.mss

    def grow_in_slow_start(self, acked_bytes: int) -> int:
        """Grow up to ssthresh by what was acknowledged; returns the bytes left for congestion avoidance."""
        room = self.ssthresh_bytes - self.cwnd_bytes
        if acked_bytes <= room:
            self.cwnd_bytes += acked_bytes
            return 0
        self.cwnd_bytes += room
        return acked_bytes - room

    def on_loss(self, flight_bytes: int, now: int) -> None:
        """A loss was found by acknowledgments: halve once for the whole flight. (RFC 5681 (4))

        As on Linux never more than half of the window: what is selectively acknowledged is no longer under way.
        """
        self.ssthresh_bytes = max(min(flight_bytes, self.cwnd_bytes) // 2, 2 * self.mss)
        self._acked_in_round_bytes = 0

    def on_timeout(self, flight_bytes: int, now: int) -> None:
        """The retransmission timer ran out: begin again with one segment. (RFC 5681 section 3.1)"""
        self.ssthresh_bytes = max(flight_bytes // 2, 2 * self.mss)
        self.cwnd_bytes = self.mss
        self._acked_in_round_bytes = 0

    def on_idle(self, idle_rtos: int) -> None:
        """Nothing was sent for `idle_rtos` retransmission time-outs: halve per time-out (RFC 2861; Linux)."""
        floor = min(INITIAL_WINDOW_SEGMENTS * self.mss, self.cwnd_bytes)
        self.ssthresh_bytes = max(self.ssthresh_bytes, self.cwnd_bytes * 3 // 4)
        self.cwnd_bytes = max(self.cwnd_bytes >> min(idle_rtos, 31), floor)
