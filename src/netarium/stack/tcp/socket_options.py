"""What a program has chosen for one TCP socket (tcp(7), socket(7)); 0 and "" mostly stand for the host's sysctl."""

from __future__ import annotations

from typing import Final

NAMES: Final = (
    "congestion",
    "cork",
    "defer_accept_s",
    "dont_fragment",
    "keepalive",
    "keepalive_count",
    "keepalive_idle_ns",
    "keepalive_interval_ns",
    "linger2_s",
    "linger_s",
    "mss_max",
    "nodelay",
    "notsent_lowat_bytes",
    "oob_inline",
    "quickack",
    "receive_buffer_bytes",
    "send_buffer_bytes",
    "syn_retries",
    "tos",
    "ttl",
    "user_timeout_ns",
    "window_clamp_bytes",
)


class SocketOptions:
    """What the program has chosen for one socket; a listener's are copied to what it accepts."""

    __slots__ = NAMES

    def __init__(self) -> None:
        self.nodelay = False
        self.cork = False
        self.quickack = True
        self.keepalive = False
        self.keepalive_idle_ns = 0  # 0: as the sysctl says; so for the next two
        self.keepalive_interval_ns = 0
        self.keepalive_count = 0
        self.linger_s = -1  # -1: close() returns at once and the data still goes out
        self.linger2_s = 0  # 0: tcp_fin_timeout; negative: no FIN-WAIT-2 without a program
        self.user_timeout_ns = 0
        self.receive_buffer_bytes = 0  # 0: autotuned
        self.send_buffer_bytes = 0
        self.mss_max = 0
        self.syn_retries = 0
        self.defer_accept_s = 0
        self.notsent_lowat_bytes = 0  # 0: as the sysctl says
        self.window_clamp_bytes = 0
        self.oob_inline = False
        self.congestion = ""
        self.ttl = -1
        self.tos = 0
        self.dont_fragment = True  # IP_MTU_DISCOVER

    def copy(self) -> SocketOptions:
        """The same choices for another socket."""
        other = SocketOptions()
        for name in NAMES:
            setattr(other, name, getattr(self, name))
        return other
