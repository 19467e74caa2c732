"""The rows of the sysctl table for sockets and TCP."""

from __future__ import annotations

from typing import Final

from netarium.stack.setting import INT_MAX, Row
from netarium.stack.settings_ip import IpSettings

TCP_ROWS: Final[tuple[Row, ...]] = (
    # Sockets.
    ("net.core.somaxconn", 4096, "connections", "-", "the most a listener's backlog may be", 0, INT_MAX),
    ("net.core.rmem_default", 212_992, "bytes", "-", "receive buffer of a socket", 256, INT_MAX),
    ("net.core.rmem_max", 212_992, "bytes", "-", "the most SO_RCVBUF may ask for", 256, INT_MAX),
    ("net.core.wmem_default", 212_992, "bytes", "-", "send buffer of a socket", 256, INT_MAX),
    ("net.core.wmem_max", 212_992, "bytes", "-", "the most SO_SNDBUF may ask for", 256, INT_MAX),
    # TCP.
    ("net.ipv4.tcp_syn_retries", 6, "retries", "1122 4.2.3.5: 3 min", "SYNs sent again", 1, 127),
    ("net.ipv4.tcp_syn_linear_timeouts", 0, "retries", "6298: 0", "SYNs sent again before the back-off", 0, 127),
    ("net.ipv4.tcp_synack_retries", 5, "retries", "1122 4.2.3.5: 3 min", "SYN-ACKs sent again", 0, 255),
    ("net.ipv4.tcp_retries1", 3, "retries", "1122 4.2.3.5: R1 3", "before the route is doubted", 0, 255),
    (
        "net.ipv4.tcp_retries2", 15, "retries", "1122 4.2.3.5: R2 100 s",
        "before the connection dies", 0, INT_MAX,
    ),
    ("net.ipv4.tcp_orphan_retries", 0, "retries", "-", "before an orphan dies; 0 stands for 8", 0, 255),
    ("net.ipv4.tcp_max_orphans", 131_072, "connections", "-", "closed by the program, not by the peer", 0, INT_MAX),
    ("net.ipv4.tcp_max_tw_buckets", 131_072, "connections", "-", "the most in TIME-WAIT", 0, INT_MAX),
    ("net.ipv4.tcp_fin_timeout", 60, "s", "9293: none", "an orphan's time in FIN-WAIT-2", 1, INT_MAX),
    (
        "net.ipv4.tcp_keepalive_time", 7200, "s", "1122 4.2.3.6: 2 h",
        "silence before the first probe", 1, 32_767,
    ),
    ("net.ipv4.tcp_keepalive_intvl", 75, "s", "-", "time between probes", 1, 32_767),
    ("net.ipv4.tcp_keepalive_probes", 9, "probes", "-", "probes before the connection dies", 1, 127),
    (
        "net.ipv4.tcp_rmem", (4096, 131_072, 6_291_456), "bytes", "-",
        "receive buffer: least, default, most", 1, INT_MAX,
    ),
    (
        "net.ipv4.tcp_wmem", (4096, 16_384, 4_194_304), "bytes", "-",
        "send buffer: least, default, most", 1, INT_MAX,
    ),
    ("net.ipv4.tcp_moderate_rcvbuf", 1, "bool", "-", "tune the receive buffer", 0, 1),
    ("net.ipv4.tcp_window_scaling", 1, "bool", "7323", "offer the window scale option", 0, 1),
    ("net.ipv4.tcp_timestamps", 1, "mode", "7323", "offer timestamps; 1 with a random offset", 0, 2),
    ("net.ipv4.tcp_sack", 1, "bool", "2018", "offer selective acknowledgments", 0, 1),
    ("net.ipv4.tcp_dsack", 1, "bool", "2883", "report duplicates by SACK", 0, 1),
    ("net.ipv4.tcp_syncookies", 1, "mode", "4987", "SYN cookies when the SYN queue is full", 0, 2),
    (
        "net.ipv4.tcp_max_syn_backlog", 1024, "connections", "4987",
        "half-open connections of a listener", 0, INT_MAX,
    ),
    ("net.ipv4.tcp_abort_on_overflow", 0, "bool", "-", "RST when the accept queue is full", 0, 1),
    (
        "net.ipv4.tcp_congestion_control", "cubic", "", "5681: reno",
        "congestion control of new sockets", 0, INT_MAX,
    ),
    ("net.ipv4.tcp_slow_start_after_idle", 1, "bool", "5681 4.1: should", "restart after an idle time", 0, 1),
    ("net.ipv4.tcp_recovery", 1, "bits", "8985", "bit 0: RACK loss detection", 0, 7),
    ("net.ipv4.tcp_early_retrans", 3, "mode", "8985", "3: tail loss probes; 0: none", 0, 4),
    ("net.ipv4.tcp_frto", 2, "mode", "5682", "notice needless time-outs; 0: do not", 0, 2),
    ("net.ipv4.tcp_reordering", 3, "segments", "5681: 3", "duplicate ACKs that mean loss", 1, INT_MAX),
    ("net.ipv4.tcp_tw_reuse", 2, "mode", "6191", "reuse TIME-WAIT for outgoing; 2: loopback only", 0, 2),
    ("net.ipv4.tcp_rfc1337", 0, "bool", "1337: 1", "ignore RST in TIME-WAIT", 0, 1),
    ("net.ipv4.tcp_challenge_ack_limit", 1000, "ACKs/s", "5961 10", "challenge ACKs of the host", 0, INT_MAX),
    ("net.ipv4.tcp_invalid_ratelimit", 500, "ms", "-", "time between ACKs for invalid segments", 0, INT_MAX),
    (
        "net.ipv4.tcp_notsent_lowat", INT_MAX, "bytes", "-",
        "unsent bytes that make a socket unwritable", 0, INT_MAX,
    ),
    ("net.ipv4.tcp_base_mss", 1024, "bytes", "4821", "start of MTU probing", 48, INT_MAX),
    ("net.ipv4.tcp_min_snd_mss", 48, "bytes", "-", "the smallest MSS believed", 1, INT_MAX),
    ("net.ipv4.tcp_mtu_probing", 0, "mode", "4821", "probe the path MTU", 0, 2),
)  # fmt: skip


class TcpSettings(IpSettings):
    """The attributes of these rows, after those of IP."""

    somaxconn: int
    rmem_default: int
    rmem_max: int
    wmem_default: int
    wmem_max: int
    tcp_syn_retries: int
    tcp_syn_linear_timeouts: int
    tcp_synack_retries: int
    tcp_retries1: int
    tcp_retries2: int
    tcp_orphan_retries: int
    tcp_max_orphans: int
    tcp_max_tw_buckets: int
    tcp_fin_timeout: int
    tcp_keepalive_time: int
    tcp_keepalive_intvl: int
    tcp_keepalive_probes: int
    tcp_rmem: tuple[int, int, int]
    tcp_wmem: tuple[int, int, int]
    tcp_moderate_rcvbuf: int
    tcp_window_scaling: int
    tcp_timestamps: int
    tcp_sack: int
    tcp_dsack: int
    tcp_syncookies: int
    tcp_max_syn_backlog: int
    tcp_abort_on_overflow: int
    tcp_congestion_control: str
    tcp_slow_start_after_idle: int
    tcp_recovery: int
    tcp_early_retrans: int
    tcp_frto: int
    tcp_reordering: int
    tcp_tw_reuse: int
    tcp_rfc1337: int
    tcp_challenge_ack_limit: int
    tcp_invalid_ratelimit: int
    tcp_notsent_lowat: int
    tcp_base_mss: int
    tcp_min_snd_mss: int
    tcp_mtu_probing: int
