"""The retransmission time-out. (RFC 6298; RFC 7323 section 4; Linux net/ipv4 where they leave a choice)"""

from __future__ import annotations

from typing import Final

MS: Final = 1_000_000

RTO_INITIAL_NS: Final = 1_000 * MS
"""RFC 6298 (2.1): 1 s."""
RTO_FALLBACK_NS: Final = 3_000 * MS
"""RFC 6298 (5.7): 3 s when data follows a handshake whose SYN had to be sent again."""
RTO_MIN_NS: Final = 200 * MS
"""Linux value 200 ms; RFC 6298 (2.4): 1 s."""
RTO_MAX_NS: Final = 120_000 * MS
"""Linux TCP_RTO_MAX; RFC 6298 (2.5): at least 60 s."""


class RttEstimator:
    """Smoothed round-trip time, its variation, and the time-out that follows from them, in ns."""

    __slots__ = ("backoff", "latest_ns", "min_ns", "rto_ns", "rttvar_ns", "srtt_ns")

    def __init__(self) -> None:
        self.srtt_ns = 0
        self.rttvar_ns = 0
        self.latest_ns = 0
        self.min_ns = 0
        self.backoff = 0
        self.rto_ns = RTO_INITIAL_NS

    def sample(self, rtt_ns: int) -> None:
        """Take a measurement of a segment that was sent once, or by its timestamp (Karn: RFC 6298 section 3).

        The variance term is not below RTO_MIN_NS, as in Linux: RTO = SRTT + max(4 * RTTVAR, 200 ms).
        """
        self.latest_ns = rtt_ns
        if not self.min_ns or rtt_ns < self.min_ns:
            self.min_ns = rtt_ns
        if not self.srtt_ns:
            self.srtt_ns = rtt_ns or 1
            self.rttvar_ns = rtt_ns >> 1
        else:
            error = rtt_ns - self.srtt_ns
            self.srtt_ns += error >> 3
            self.rttvar_ns += ((error if error >= 0 else -error) - self.rttvar_ns) >> 2
        self.backoff = 0
        spread = self.rttvar_ns << 2
        rto = self.srtt_ns + (spread if spread > RTO_MIN_NS else RTO_MIN_NS)
        self.rto_ns = rto if rto < RTO_MAX_NS else RTO_MAX_NS

    def back_off(self) -> None:
        """Double the time-out after it ran out. (RFC 6298 (5.5))"""
        self.backoff += 1
        self.rto_ns = min(self.rto_ns * 2, RTO_MAX_NS)

    def fall_back(self) -> None:
        """The handshake gave no measurement, for a SYN was lost: wait longer. (RFC 6298 (5.7))"""
        self.backoff = 0
        self.rto_ns = RTO_FALLBACK_NS
