"""The rows of the sysctl table for connection tracking (`filter`)."""

from __future__ import annotations

from typing import Final

from netarium.stack.setting import INT_MAX, Row
from netarium.stack.settings_tcp import TcpSettings

FILTER_ROWS: Final[tuple[Row, ...]] = (
    ("net.netfilter.nf_conntrack_max", 1 << 16, "entries", "-", "the most tracked connections", 1, INT_MAX),
    ("net.netfilter.nf_conntrack_tcp_loose", 1, "bool", "-", "track TCP from its midst on", 0, 1),
    ("net.netfilter.nf_conntrack_tcp_timeout_syn_sent", 120, "s", "5382 REQ-5: 240", "SYN seen", 1, INT_MAX),
    ("net.netfilter.nf_conntrack_tcp_timeout_syn_recv", 60, "s", "5382 REQ-5: 240", "SYN-ACK seen", 1, INT_MAX),
    (
        "net.netfilter.nf_conntrack_tcp_timeout_established", 432_000, "s", "5382 REQ-5: 7440",
        "established", 1, INT_MAX,
    ),
    (
        "net.netfilter.nf_conntrack_tcp_timeout_fin_wait", 120, "s", "5382 REQ-5: 240",
        "first FIN seen", 1, INT_MAX,
    ),
    (
        "net.netfilter.nf_conntrack_tcp_timeout_close_wait", 60, "s", "5382 REQ-5: 240",
        "first FIN acknowledged", 1, INT_MAX,
    ),
    (
        "net.netfilter.nf_conntrack_tcp_timeout_last_ack", 30, "s", "5382 REQ-5: 240",
        "second FIN seen", 1, INT_MAX,
    ),
    (
        "net.netfilter.nf_conntrack_tcp_timeout_time_wait", 120, "s", "5382 REQ-5: 240",
        "second FIN acknowledged", 1, INT_MAX,
    ),
    ("net.netfilter.nf_conntrack_tcp_timeout_close", 10, "s", "5382 REQ-5: 240", "RST seen", 1, INT_MAX),
    (
        "net.netfilter.nf_conntrack_udp_timeout", 30, "s", "4787 REQ-5: 120",
        "UDP before it is a stream", 1, INT_MAX,
    ),
    (
        "net.netfilter.nf_conntrack_udp_timeout_stream", 120, "s", "4787 REQ-5: 120",
        "UDP with answers after 2 s", 1, INT_MAX,
    ),
    ("net.netfilter.nf_conntrack_icmp_timeout", 30, "s", "5508 REQ-2: 60", "ICMP queries", 1, INT_MAX),
    ("net.netfilter.nf_conntrack_generic_timeout", 600, "s", "-", "other protocols", 1, INT_MAX),
)  # fmt: skip


class FilterSettings(TcpSettings):
    """The attributes of these rows, after those of IP and TCP."""

    nf_conntrack_max: int
    nf_conntrack_tcp_loose: int
    nf_conntrack_tcp_timeout_syn_sent: int
    nf_conntrack_tcp_timeout_syn_recv: int
    nf_conntrack_tcp_timeout_established: int
    nf_conntrack_tcp_timeout_fin_wait: int
    nf_conntrack_tcp_timeout_close_wait: int
    nf_conntrack_tcp_timeout_last_ack: int
    nf_conntrack_tcp_timeout_time_wait: int
    nf_conntrack_tcp_timeout_close: int
    nf_conntrack_udp_timeout: int
    nf_conntrack_udp_timeout_stream: int
    nf_conntrack_icmp_timeout: int
    nf_conntrack_generic_timeout: int
