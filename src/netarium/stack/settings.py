"""The sysctl table of one host: Linux' names, Linux' defaults, and what the RFC says beside each.

Hot code reads plain attributes (`settings.tcp_sack`); tools and labs use `get` and `set` with Linux' names. An
attribute is called like the last part of the name, with `neigh_` before those of `net.ipv4.neigh.default`, `conf_`
before those of `net.ipv4.conf.all`, `ipv6_` before those of `net.ipv6` (whose rows are in `settings_ip`). Booleans are
the ints 0 and 1, as on Linux.
"""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from itertools import pairwise
from typing import Final

from netarium.errors import UsageError
from netarium.stack.settings_ip import ROWS, IpSettings

Value = int | str | tuple[int, ...]

CONGESTION_CONTROLS: Final = ("reno", "cubic")


class Setting:
    """One line of the table. `minimum` and `maximum` bound ints (and each int of a tuple); `rfc` is the RFC's value."""

    __slots__ = ("attribute", "default", "maximum", "minimum", "name", "rfc", "sentence", "unit")

    def __init__(
        self,
        name: str,
        default: Value,
        unit: str,
        rfc: str,
        sentence: str,
        minimum: int = 0,
        maximum: int = 0x7FFFFFFF,
    ) -> None:
        self.name: Final = name
        self.default: Final = default
        self.unit: Final = unit
        self.rfc: Final = rfc
        self.sentence: Final = sentence
        self.minimum: Final = minimum
        self.maximum: Final = maximum
        prefix = "neigh_" if ".neigh." in name else "conf_" if ".conf." in name else ""
        if name.startswith("net.ipv6."):
            prefix = "ipv6_"
        self.attribute: Final = prefix + name.rsplit(".", 1)[1]

    def checked(self, value: object) -> Value:
        """`value` (or its text) as this setting's type. Raises UsageError naming what would be right."""
        if isinstance(self.default, str):
            if value in CONGESTION_CONTROLS:
                return str(value)
            raise self._wrong(value, "one of " + ", ".join(CONGESTION_CONTROLS))
        parts = self._numbers(value)
        count = len(self.default) if isinstance(self.default, tuple) else 1
        if parts is None or len(parts) != count:
            raise self._wrong(value, "a whole number" if count == 1 else f"{count} whole numbers")
        if not all(self.minimum <= each <= self.maximum for each in parts):
            raise self._wrong(value, f"{self.minimum} to {self.maximum} {self.unit}".rstrip())
        if count > 1 and any(low > high for low, high in pairwise(parts)):
            raise self._wrong(value, f"{count} numbers, none smaller than the one before it")
        return parts if isinstance(self.default, tuple) else parts[0]

    @staticmethod
    def _numbers(value: object) -> tuple[int, ...] | None:
        if isinstance(value, int):
            return (int(value),)
        if isinstance(value, str):
            value = value.split()
        if not isinstance(value, list | tuple):
            return None
        try:
            return tuple(int(each) for each in value)
        except (TypeError, ValueError):
            return None

    def _wrong(self, value: object, right: str) -> UsageError:
        return UsageError(
            f"{self.name} = {value!r}: not possible; right would be {right} (default {self.default})"
        )


_BOOL: Final = (0, 1)

_TABLE: Final[tuple[Setting, ...]] = (
    # IPv4.
    Setting(
        "net.ipv4.ip_forward", 0, "bool", "1122 3.3.1.1: off on hosts", "forward packets of others", *_BOOL
    ),
    Setting("net.ipv4.ip_default_ttl", 64, "hops", "1700: 64", "time to live of packets sent", 1, 255),
    Setting(
        "net.ipv4.ip_local_port_range", (32768, 60999), "", "6056: 1024-65535", "ephemeral ports", 1, 65535
    ),
    Setting(
        "net.ipv4.ip_unprivileged_port_start",
        1024,
        "",
        "6335: 1024",
        "first port for ordinary users",
        0,
        65535,
    ),
    Setting("net.ipv4.ip_nonlocal_bind", 0, "bool", "-", "let sockets bind to addresses of others", *_BOOL),
    Setting(
        "net.ipv4.fib_multipath_hash_policy", 0, "", "2992", "flows: 0 by addresses, 1 by ports too", 0, 1
    ),
    Setting("net.ipv4.ip_no_pmtu_disc", 0, "bool", "1191", "do not discover the path MTU", *_BOOL),
    Setting(
        "net.ipv4.ipfrag_time", 30, "s", "1122 3.3.2: 60 to 120", "how long fragments wait for the others", 1
    ),
    Setting("net.ipv4.ipfrag_high_thresh", 4 << 20, "bytes", "-", "memory for unfinished packets"),
    # ICMP.
    Setting(
        "net.ipv4.icmp_echo_ignore_all", 0, "bool", "1122 3.2.2.6: must answer", "answer no echo", *_BOOL
    ),
    Setting(
        "net.ipv4.icmp_echo_ignore_broadcasts",
        1,
        "bool",
        "1122 3.2.2.6: may",
        "answer no echo to a broadcast",
        *_BOOL,
    ),
    Setting(
        "net.ipv4.icmp_ratelimit", 1000, "ms", "1812 4.3.2.8", "time between limited messages to one address"
    ),
    Setting("net.ipv4.icmp_ratemask", 6168, "bits", "1812 4.3.2.8", "limited types: 3, 4, 11, 12"),
    Setting(
        "net.ipv4.icmp_msgs_per_sec", 1000, "messages/s", "1812 4.3.2.8", "limited messages of the whole host"
    ),
    Setting(
        "net.ipv4.icmp_msgs_burst", 50, "messages", "1812 4.3.2.8", "messages at once before that limit holds"
    ),
    # Neighbours (ARP).
    Setting("net.ipv4.neigh.default.mcast_solicit", 3, "requests", "1122 2.3.2.1", "broadcast requests", 1),
    Setting(
        "net.ipv4.neigh.default.ucast_solicit", 3, "requests", "4861: 3", "unicast probes of an old entry", 0
    ),
    Setting(
        "net.ipv4.neigh.default.retrans_time_ms", 1000, "ms", "1122 2.3.2.1: 1 s", "time between requests", 1
    ),
    Setting(
        "net.ipv4.neigh.default.base_reachable_time_ms",
        30_000,
        "ms",
        "1122 2.3.2.1: a minute",
        "how long proven",
        1,
    ),
    Setting(
        "net.ipv4.neigh.default.delay_first_probe_time", 5, "s", "4861: 5", "stale use until the first probe"
    ),
    Setting("net.ipv4.neigh.default.gc_stale_time", 60, "s", "-", "unused stale entries are forgotten after"),
    Setting(
        "net.ipv4.neigh.default.gc_thresh1",
        0,
        "entries",
        "- (Linux: 128)",
        "no stale entry is forgotten below; 0: all are",
    ),
    Setting(
        "net.ipv4.neigh.default.gc_thresh3", 1024, "entries", "-", "the most entries of one interface", 1
    ),
    Setting(
        "net.ipv4.neigh.default.unres_qlen_bytes",
        212_992,
        "bytes",
        "1122 2.3.2.2: at least one",
        "waiting for a MAC",
    ),
    # Sockets.
    Setting("net.core.somaxconn", 4096, "connections", "-", "the most a listener's backlog may be"),
    Setting("net.core.rmem_default", 212_992, "bytes", "-", "receive buffer of a socket", 256),
    Setting("net.core.rmem_max", 212_992, "bytes", "-", "the most SO_RCVBUF may ask for", 256),
    Setting("net.core.wmem_default", 212_992, "bytes", "-", "send buffer of a socket", 256),
    Setting("net.core.wmem_max", 212_992, "bytes", "-", "the most SO_SNDBUF may ask for", 256),
    # TCP.
    Setting("net.ipv4.tcp_syn_retries", 6, "retries", "1122 4.2.3.5: 3 min", "SYNs sent again", 1, 127),
    Setting(
        "net.ipv4.tcp_synack_retries", 5, "retries", "1122 4.2.3.5: 3 min", "SYN-ACKs sent again", 0, 255
    ),
    Setting(
        "net.ipv4.tcp_retries1", 3, "retries", "1122 4.2.3.5: R1 3", "before the route is doubted", 0, 255
    ),
    Setting(
        "net.ipv4.tcp_retries2", 15, "retries", "1122 4.2.3.5: R2 100 s", "before the connection dies", 0
    ),
    Setting(
        "net.ipv4.tcp_orphan_retries", 0, "retries", "-", "before an orphan dies; 0 stands for 8", 0, 255
    ),
    Setting("net.ipv4.tcp_fin_timeout", 60, "s", "9293: none", "an orphan's time in FIN-WAIT-2", 1),
    Setting(
        "net.ipv4.tcp_keepalive_time",
        7200,
        "s",
        "1122 4.2.3.6: 2 h",
        "silence before the first probe",
        1,
        32767,
    ),
    Setting("net.ipv4.tcp_keepalive_intvl", 75, "s", "-", "time between probes", 1, 32767),
    Setting("net.ipv4.tcp_keepalive_probes", 9, "probes", "-", "probes before the connection dies", 1, 127),
    Setting(
        "net.ipv4.tcp_rmem",
        (4096, 131_072, 6_291_456),
        "bytes",
        "-",
        "receive buffer: least, default, most",
        1,
    ),
    Setting(
        "net.ipv4.tcp_wmem", (4096, 16_384, 4_194_304), "bytes", "-", "send buffer: least, default, most", 1
    ),
    Setting("net.ipv4.tcp_moderate_rcvbuf", 1, "bool", "-", "tune the receive buffer", *_BOOL),
    Setting("net.ipv4.tcp_window_scaling", 1, "bool", "7323", "offer the window scale option", *_BOOL),
    Setting("net.ipv4.tcp_timestamps", 1, "mode", "7323", "offer timestamps; 1 with a random offset", 0, 2),
    Setting("net.ipv4.tcp_sack", 1, "bool", "2018", "offer selective acknowledgments", *_BOOL),
    Setting("net.ipv4.tcp_dsack", 1, "bool", "2883", "report duplicates by SACK", *_BOOL),
    Setting("net.ipv4.tcp_syncookies", 1, "mode", "4987", "SYN cookies when the SYN queue is full", 0, 2),
    Setting(
        "net.ipv4.tcp_max_syn_backlog", 1024, "connections", "4987", "half-open connections of a listener"
    ),
    Setting("net.ipv4.tcp_abort_on_overflow", 0, "bool", "-", "RST when the accept queue is full", *_BOOL),
    Setting(
        "net.ipv4.tcp_congestion_control", "cubic", "", "5681: reno", "congestion control of new sockets"
    ),
    Setting(
        "net.ipv4.tcp_slow_start_after_idle",
        1,
        "bool",
        "5681 4.1: should",
        "restart after an idle time",
        *_BOOL,
    ),
    Setting("net.ipv4.tcp_recovery", 1, "bits", "8985", "bit 0: RACK loss detection", 0, 7),
    Setting("net.ipv4.tcp_early_retrans", 3, "mode", "8985", "3: tail loss probes; 0: none", 0, 4),
    Setting("net.ipv4.tcp_reordering", 3, "segments", "5681: 3", "duplicate ACKs that mean loss", 1),
    Setting(
        "net.ipv4.tcp_tw_reuse", 2, "mode", "6191", "reuse TIME-WAIT for outgoing; 2: loopback only", 0, 2
    ),
    Setting("net.ipv4.tcp_rfc1337", 0, "bool", "1337: 1", "ignore RST in TIME-WAIT", *_BOOL),
    Setting("net.ipv4.tcp_challenge_ack_limit", 1000, "ACKs/s", "5961 10", "challenge ACKs of the host"),
    Setting("net.ipv4.tcp_invalid_ratelimit", 500, "ms", "-", "time between ACKs for invalid segments"),
    Setting(
        "net.ipv4.tcp_notsent_lowat", 0x7FFFFFFF, "bytes", "-", "unsent bytes that make a socket unwritable"
    ),
    Setting("net.ipv4.tcp_base_mss", 1024, "bytes", "4821", "start of MTU probing", 48),
    Setting("net.ipv4.tcp_min_snd_mss", 48, "bytes", "-", "the smallest MSS believed", 1),
    Setting("net.ipv4.tcp_mtu_probing", 0, "mode", "4821", "probe the path MTU", 0, 2),
    # Connection tracking (stack/filter).
    Setting("net.netfilter.nf_conntrack_max", 65_536, "entries", "-", "the most tracked connections", 1),
    Setting("net.netfilter.nf_conntrack_tcp_loose", 1, "bool", "-", "track TCP from its midst on", *_BOOL),
    Setting("net.netfilter.nf_conntrack_tcp_timeout_syn_sent", 120, "s", "5382 REQ-5: 240", "SYN seen", 1),
    Setting("net.netfilter.nf_conntrack_tcp_timeout_syn_recv", 60, "s", "5382 REQ-5: 240", "SYN-ACK seen", 1),
    Setting(
        "net.netfilter.nf_conntrack_tcp_timeout_established",
        432_000,
        "s",
        "5382 REQ-5: 7440",
        "established",
        1,
    ),
    Setting(
        "net.netfilter.nf_conntrack_tcp_timeout_fin_wait", 120, "s", "5382 REQ-5: 240", "first FIN seen", 1
    ),
    Setting(
        "net.netfilter.nf_conntrack_tcp_timeout_close_wait",
        60,
        "s",
        "5382 REQ-5: 240",
        "first FIN acknowledged",
        1,
    ),
    Setting(
        "net.netfilter.nf_conntrack_tcp_timeout_last_ack", 30, "s", "5382 REQ-5: 240", "second FIN seen", 1
    ),
    Setting(
        "net.netfilter.nf_conntrack_tcp_timeout_time_wait",
        120,
        "s",
        "5382 REQ-5: 240",
        "second FIN acknowledged",
        1,
    ),
    Setting("net.netfilter.nf_conntrack_tcp_timeout_close", 10, "s", "5382 REQ-5: 240", "RST seen", 1),
    Setting(
        "net.netfilter.nf_conntrack_udp_timeout", 30, "s", "4787 REQ-5: 120", "UDP before it is a stream", 1
    ),
    Setting(
        "net.netfilter.nf_conntrack_udp_timeout_stream",
        120,
        "s",
        "4787 REQ-5: 120",
        "UDP with answers after 2 s",
        1,
    ),
    Setting("net.netfilter.nf_conntrack_icmp_timeout", 30, "s", "5508 REQ-2: 60", "ICMP queries", 1),
    Setting("net.netfilter.nf_conntrack_generic_timeout", 600, "s", "-", "other protocols", 1),
)

TABLE: Final = (*_TABLE, *(Setting(*row) for row in ROWS))
BY_NAME: Final[dict[str, Setting]] = {each.name: each for each in TABLE}


class Settings(IpSettings):
    """The values of one host, as attributes for hot code and by name for the rest.

    Setting one takes effect at the next use; what was resolved at the opening of a socket stays.
    """

    ip_forward: int
    ip_default_ttl: int
    ip_local_port_range: tuple[int, int]
    ip_unprivileged_port_start: int
    ip_nonlocal_bind: int
    fib_multipath_hash_policy: int
    ip_no_pmtu_disc: int
    ipfrag_time: int
    ipfrag_high_thresh: int
    icmp_echo_ignore_all: int
    icmp_echo_ignore_broadcasts: int
    icmp_ratelimit: int
    icmp_ratemask: int
    icmp_msgs_per_sec: int
    icmp_msgs_burst: int
    neigh_mcast_solicit: int
    neigh_ucast_solicit: int
    neigh_retrans_time_ms: int
    neigh_base_reachable_time_ms: int
    neigh_delay_first_probe_time: int
    neigh_gc_stale_time: int
    neigh_gc_thresh1: int
    neigh_gc_thresh3: int
    neigh_unres_qlen_bytes: int
    somaxconn: int
    rmem_default: int
    rmem_max: int
    wmem_default: int
    wmem_max: int
    tcp_syn_retries: int
    tcp_synack_retries: int
    tcp_retries1: int
    tcp_retries2: int
    tcp_orphan_retries: int
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
    tcp_reordering: int
    tcp_tw_reuse: int
    tcp_rfc1337: int
    tcp_challenge_ack_limit: int
    tcp_invalid_ratelimit: int
    tcp_notsent_lowat: int
    tcp_base_mss: int
    tcp_min_snd_mss: int
    tcp_mtu_probing: int
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

    def __init__(self, values: dict[str, object] | None = None) -> None:
        for setting in TABLE:
            setattr(self, setting.attribute, setting.default)
        for name, value in (values or {}).items():
            self.set(name, value)

    def set(self, name: str, value: object) -> None:
        """Set `net.ipv4.tcp_sack` and the like; numbers may be text. Raises UsageError."""
        setting = find(name)
        setattr(self, setting.attribute, setting.checked(value))

    def get(self, name: str) -> Value:
        """The value of `name`. Raises UsageError with the nearest name when there is none."""
        value: Value = getattr(self, find(name).attribute)
        return value

    def items(self) -> Iterator[tuple[str, Value]]:
        """(name, value) of every setting, in the table's order."""
        for setting in TABLE:
            yield setting.name, getattr(self, setting.attribute)


def find(name: str) -> Setting:
    """The table's line for `name` (`/` for `.` is taken, as by sysctl). Raises UsageError with the nearest name."""
    setting = BY_NAME.get(name.replace("/", "."))
    if setting is None:
        near = get_close_matches(name, BY_NAME, n=1, cutoff=0.4)
        hint = f"; did you mean {near[0]}?" if near else "; `sysctl -a` lists those there are"
        raise UsageError(f"no setting is called {name!r}{hint}")
    return setting
