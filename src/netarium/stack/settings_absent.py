"""What Linux has a sysctl for and this stack has not: the reason that `sysctl` gives instead of "no such setting"."""

from __future__ import annotations

from typing import Final

_NO_ECN: Final = "ECN is not built: no packet is marked, and TCP does not offer it"
_NO_FAST_OPEN: Final = "TCP Fast Open (RFC 7413) is not built: no SYN carries data"
_NO_PACING: Final = (
    "nothing is paced: segments leave as soon as the windows allow, 1 ms of the line's time ahead"
)

ABSENT: Final[dict[str, str]] = {
    "net.ipv4.tcp_mem": "memory is not accounted: net.ipv4.tcp_rmem and tcp_wmem bound each connection, nothing all",
    "net.ipv4.tcp_ecn": _NO_ECN,
    "net.ipv4.tcp_ecn_fallback": _NO_ECN,
    "net.ipv4.tcp_fastopen": _NO_FAST_OPEN,
    "net.ipv4.tcp_fastopen_key": _NO_FAST_OPEN,
    "net.ipv4.tcp_pacing_ss_ratio": _NO_PACING,
    "net.ipv4.tcp_pacing_ca_ratio": _NO_PACING,
    "net.ipv4.tcp_limit_output_bytes": _NO_PACING,
    "net.ipv4.tcp_autocorking": "small segments wait for Nagle, TCP_CORK and MSG_MORE, never for the device's queue",
    "net.ipv4.tcp_no_metrics_save": "no metrics are saved: every connection begins with the defaults",
    "net.ipv4.tcp_fack": "Linux has it without effect since 4.15; RACK does its work (net.ipv4.tcp_recovery)",
    "net.ipv4.tcp_low_latency": "Linux has it without effect since 4.14",
    "net.ipv4.tcp_comp_sack_nr": "selective acknowledgments are not compressed: each early segment draws one",
    "net.ipv4.tcp_comp_sack_delay_ns": "selective acknowledgments are not compressed: each early segment draws one",
    "net.ipv4.tcp_adv_win_scale": "half of a receive buffer is window (1), always",
    "net.ipv4.tcp_stdurg": "the urgent pointer is the number behind the byte (0), always",
    "net.ipv4.tcp_available_congestion_control": "they are reno and cubic",
    "net.ipv4.tcp_allowed_congestion_control": "they are reno and cubic, for everybody",
    "net.ipv4.tcp_shrink_window": "a window once offered is never taken back (0)",
    "net.ipv4.tcp_thin_linear_timeouts": "the time-out of thin streams backs off like any (0)",
    "net.ipv4.tcp_max_reordering": "RACK's reordering window is a time, not a count (RFC 8985)",
    "net.ipv4.tcp_rto_min_us": "it is 200 ms, Linux' default",
    "net.ipv4.tcp_rto_max_ms": "it is 120 s, Linux' default",
    "net.ipv4.tcp_probe_interval": "a path is never probed for a larger MTU again (RFC 4821 section 7)",
    "net.ipv4.tcp_probe_threshold": "a path is never probed for a larger MTU again (RFC 4821 section 7)",
}
"""Linux' name -> why it cannot be set here, or what holds instead."""
