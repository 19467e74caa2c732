"""CUBIC: the window grows as a cubic of the time since the last loss. (RFC 9438; Linux' default)

Read first: RFC 9438 sections 4.1 to 4.8. Times are ns, sizes bytes; inside the cubic they are seconds and segments, as
the RFC writes it. Slow start and what happens on an idle connection are Reno's.
"""

from __future__ import annotations

from typing import Final

from netarium.stack.tcp.congestion.hystart import HyStart
from netarium.stack.tcp.congestion.reno import Reno

C: Final = 0.4
"""RFC 9438 section 5: the constant of the cubic, in segments per second cubed."""
BETA: Final = 0.7
"""RFC 9438 section 4.6: what remains of the window after a loss (Linux: 717/1024)."""
ALPHA: Final = 3.0 * (1.0 - BETA) / (1.0 + BETA)
"""RFC 9438 section 4.3: the growth per round trip that is as fair as Reno with this BETA."""
SECOND_NS: Final = 1_000_000_000


class Cubic(Reno):
    """Congestion control of one connection by RFC 9438."""

    __slots__ = ("_epoch_at", "_estimate", "_hystart", "_k_s", "_origin", "_w_max")

    name = "cubic"

    def __init__(self, mss: int) -> None:
        super().__init__(mss)
        self._hystart = HyStart()
        self._w_max = 0.0  # segments in flight at the last loss
        self._epoch_at = -1  # when congestion avoidance began; -1: it has not
        self._k_s = 0.0  # seconds from there until the window is _origin again
        self._origin = 0.0
        self._estimate = 0.0  # the window Reno would have (W_est)

    def on_ack(self, acked_bytes: int, now: int, rtt_ns: int, snd_una: int, snd_nxt: int) -> None:
        """New data was acknowledged while the window was the limit. (RFC 9438 sections 4.2 to 4.5)"""
        if self.cwnd_bytes < self.ssthresh_bytes:
            if self._hystart.says_stop(self.cwnd_bytes // self.mss, now, rtt_ns, snd_una, snd_nxt):
                self.ssthresh_bytes = self.cwnd_bytes
            acked_bytes = self.grow_in_slow_start(acked_bytes)
            if not acked_bytes:
                return
        cwnd = self.cwnd_bytes / self.mss
        if self._epoch_at < 0:
            self._begin_epoch(cwnd, now)
        elapsed_s = (now - self._epoch_at + max(rtt_ns, 0)) / SECOND_NS
        target = C * (elapsed_s - self._k_s) ** 3 + self._origin
        target = min(max(target, cwnd), 1.5 * cwnd)
        acked = acked_bytes / self.mss
        alpha = ALPHA if self._estimate < self._w_max else 1.0  # RFC 9438 section 4.3, figure 4
        self._estimate += alpha * acked / cwnd
        if self._estimate > target:
            cwnd = max(cwnd, self._estimate)
        else:
            cwnd += (target - cwnd) / cwnd * acked
        self.cwnd_bytes = int(cwnd * self.mss)

    def _begin_epoch(self, cwnd: float, now: int) -> None:
        self._epoch_at = now
        self._estimate = cwnd
        if cwnd < self._w_max:
            self._k_s = float(((self._w_max - cwnd) / C) ** (1 / 3))
            self._origin = self._w_max
        else:
            self._k_s = 0.0
            self._origin = cwnd

    def _reduce(self) -> None:
        """Remember where the loss was, lower if the window had not come back to the last one. (4.6, 4.7)"""
        cwnd = self.cwnd_bytes / self.mss
        self._w_max = cwnd * (1.0 + BETA) / 2.0 if cwnd < self._w_max else cwnd
        self._epoch_at = -1
        # Of the window, not of the flight, as Linux: it grows only while it is used (RFC 9438 section 4.6 allows both).
        self.ssthresh_bytes = max(int(self.cwnd_bytes * BETA), 2 * self.mss)

    def on_loss(self, flight_bytes: int, now: int) -> None:
        """A loss was found by acknowledgments: seven tenths remain."""
        self._reduce()

    def on_timeout(self, flight_bytes: int, now: int) -> None:
        """The retransmission timer ran out: begin again with one segment. (section 4.8)"""
        self._reduce()
        self.cwnd_bytes = self.mss

    def on_idle(self, idle_rtos: int) -> None:
        """After a silence the time since the last loss says nothing: a new epoch."""
        super().on_idle(idle_rtos)
        self._epoch_at = -1
