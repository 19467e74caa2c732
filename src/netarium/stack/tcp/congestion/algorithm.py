"""What every congestion control algorithm answers, and the table of names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

from netarium.stack.tcp.congestion.cubic import Cubic
from netarium.stack.tcp.congestion.reno import Reno


class Congestion(Protocol):
    """How much may be in flight. `recovery` and `acks` call it; it calls nobody."""

    cwnd_bytes: int
    ssthresh_bytes: int
    mss: int

    @property
    def name(self) -> str:
        """The name TCP_CONGESTION knows it by."""
        ...

    def on_ack(self, acked_bytes: int, now: int, rtt_ns: int, snd_una: int, snd_nxt: int) -> None:
        """New data was acknowledged while the window was the limit and nothing is being recovered."""
        ...

    def on_loss(self, flight_bytes: int, now: int) -> None:
        """A loss was found by acknowledgments: set `ssthresh_bytes`."""
        ...

    def on_timeout(self, flight_bytes: int, now: int) -> None:
        """The retransmission timer ran out: set `ssthresh_bytes` and `cwnd_bytes`."""
        ...

    def on_idle(self, idle_rtos: int) -> None:
        """Nothing was sent for that many retransmission time-outs."""
        ...


ALGORITHMS: Final[dict[str, Callable[[int], Congestion]]] = {"cubic": Cubic, "reno": Reno}
"""Name -> constructor taking the MSS in bytes."""
