"""How long a connection is remembered without a packet, by its state: Linux' values, as sysctls of `stack/settings.py`.

RFC 5382 REQ-5 asks for at least 2 h 4 min for established TCP and 4 min for the others (Linux: 5 days, and less), RFC
4787 REQ-5 for at least 2 min for UDP (Linux: 30 s until the exchange has lasted 2 s, then 2 min), RFC 5508 REQ-2 for
60 s for ICMP queries (Linux: 30 s). Like Linux we refresh by packets of both directions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from netarium.stack.filter import tcp_track
from netarium.stack.timers import SECOND_NS

if TYPE_CHECKING:
    from netarium.stack.settings import Settings

UDP_STREAM_AFTER_NS: Final = 2 * SECOND_NS
"""UDP that still exchanges packets 2 s after its first one is a stream."""

_TCP_SETTINGS: Final = {
    tcp_track.SYN_SENT: "nf_conntrack_tcp_timeout_syn_sent",
    tcp_track.SYN_RECV: "nf_conntrack_tcp_timeout_syn_recv",
    tcp_track.ESTABLISHED: "nf_conntrack_tcp_timeout_established",
    tcp_track.FIN_WAIT: "nf_conntrack_tcp_timeout_fin_wait",
    tcp_track.CLOSE_WAIT: "nf_conntrack_tcp_timeout_close_wait",
    tcp_track.LAST_ACK: "nf_conntrack_tcp_timeout_last_ack",
    tcp_track.TIME_WAIT: "nf_conntrack_tcp_timeout_time_wait",
    tcp_track.CLOSE: "nf_conntrack_tcp_timeout_close",
    tcp_track.SYN_SENT2: "nf_conntrack_tcp_timeout_syn_sent",
}


class Timeouts:
    """The settings in nanoseconds, read when they are wanted: `sysctl -w` counts from the next packet on."""

    __slots__ = ("settings",)

    def __init__(self, settings: Settings) -> None:
        self.settings: Final = settings

    def tcp_ns(self, state: int) -> int:
        """For TCP in a state of `tcp_track`."""
        seconds: int = getattr(self.settings, _TCP_SETTINGS[state])
        return seconds * SECOND_NS

    def udp_ns(self, is_stream: bool) -> int:
        """For UDP."""
        settings = self.settings
        seconds = settings.nf_conntrack_udp_timeout_stream if is_stream else settings.nf_conntrack_udp_timeout
        return seconds * SECOND_NS

    def icmp_ns(self) -> int:
        """For ICMP queries."""
        return self.settings.nf_conntrack_icmp_timeout * SECOND_NS

    def other_ns(self) -> int:
        """For all other protocols."""
        return self.settings.nf_conntrack_generic_timeout * SECOND_NS
