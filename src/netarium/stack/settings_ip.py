"""The rows of the sysctl table for IPv4, ICMP, neighbours, path MTUs, redirects, groups and IPv6.

What Linux keeps per interface stands here for all of them. Neighbours of both families have the limits of
`net.ipv4.neigh.default`, but where a router advertisement says otherwise.
"""

from __future__ import annotations

from typing import Final

from netarium.stack.setting import INT_MAX, Row

IP_ROWS: Final[tuple[Row, ...]] = (
    # IPv4.
    ("net.ipv4.ip_forward", 0, "bool", "1122 3.3.1.1: off on hosts", "forward packets of others", 0, 1),
    ("net.ipv4.ip_default_ttl", 64, "hops", "1700: 64", "time to live of packets sent", 1, 255),
    ("net.ipv4.ip_local_port_range", (32_768, 60_999), "", "6056: 1024-65535", "ephemeral ports", 1, 65535),
    ("net.ipv4.ip_unprivileged_port_start", 1024, "", "6335: 1024", "first port for ordinary users", 0, 65535),
    ("net.ipv4.ip_nonlocal_bind", 0, "bool", "-", "let sockets bind to addresses of others", 0, 1),
    ("net.ipv4.fib_multipath_hash_policy", 0, "", "2992", "flows: 0 by addresses, 1 by ports too", 0, 1),
    ("net.ipv4.ip_no_pmtu_disc", 0, "bool", "1191", "do not discover the path MTU", 0, 1),
    (
        "net.ipv4.ipfrag_time", 30, "s", "1122 3.3.2: 60 to 120",
        "how long fragments wait for the others", 1, INT_MAX,
    ),
    ("net.ipv4.ipfrag_high_thresh", 4 << 20, "bytes", "-", "memory for unfinished packets", 0, INT_MAX),
    # ICMP.
    ("net.ipv4.icmp_echo_ignore_all", 0, "bool", "1122 3.2.2.6: must answer", "answer no echo", 0, 1),
    (
        "net.ipv4.icmp_echo_ignore_broadcasts", 1, "bool", "1122 3.2.2.6: may",
        "answer no echo to a broadcast", 0, 1,
    ),
    (
        "net.ipv4.icmp_ratelimit", 1000, "ms", "1812 4.3.2.8",
        "time between limited messages to one address", 0, INT_MAX,
    ),
    ("net.ipv4.icmp_ratemask", 6168, "bits", "1812 4.3.2.8", "limited types: 3, 4, 11, 12", 0, INT_MAX),
    (
        "net.ipv4.icmp_msgs_per_sec", 1000, "messages/s", "1812 4.3.2.8",
        "limited messages of the whole host", 0, INT_MAX,
    ),
    (
        "net.ipv4.icmp_msgs_burst", 50, "messages", "1812 4.3.2.8",
        "messages at once before that limit holds", 0, INT_MAX,
    ),
    # Neighbours (ARP; the limits are those of NDP too).
    ("net.ipv4.neigh.default.mcast_solicit", 3, "requests", "1122 2.3.2.1", "broadcast requests", 1, INT_MAX),
    (
        "net.ipv4.neigh.default.ucast_solicit", 3, "requests", "4861: 3",
        "unicast probes of an old entry", 0, INT_MAX,
    ),
    (
        "net.ipv4.neigh.default.retrans_time_ms", 1000, "ms", "1122 2.3.2.1: 1 s",
        "time between requests", 1, INT_MAX,
    ),
    (
        "net.ipv4.neigh.default.base_reachable_time_ms", 30_000, "ms", "1122 2.3.2.1: a minute",
        "how long proven", 1, INT_MAX,
    ),
    (
        "net.ipv4.neigh.default.delay_first_probe_time", 5, "s", "4861: 5",
        "stale use until the first probe", 0, INT_MAX,
    ),
    (
        "net.ipv4.neigh.default.gc_stale_time", 60, "s", "-",
        "unused stale entries are forgotten after", 0, INT_MAX,
    ),
    (
        "net.ipv4.neigh.default.gc_thresh1", 0, "entries", "- (Linux: 128)",
        "no stale entry is forgotten below; 0: all are", 0, INT_MAX,
    ),
    (
        "net.ipv4.neigh.default.gc_thresh3", 1024, "entries", "-",
        "the most entries of one interface", 1, INT_MAX,
    ),
    (
        "net.ipv4.neigh.default.unres_qlen_bytes", 212_992, "bytes", "1122 2.3.2.2: at least one",
        "waiting for a MAC", 0, INT_MAX,
    ),
    # Routes, redirects, groups.
    ("net.ipv4.route.mtu_expires", 600, "s", "1191 6.3: 600", "how long a path MTU is believed", 1, 1 << 30),
    ("net.ipv4.route.min_pmtu", 68, "bytes", "1191 3: 68 (Linux: 552)", "the least path MTU believed", 68, 65535),
    ("net.ipv4.route.gc_timeout", 300, "s", "-", "how long a redirect is believed", 1, 1 << 30),
    ("net.ipv4.conf.all.accept_redirects", 1, "bool", "1122 3.2.2.2: must", "believe redirects (hosts)", 0, 1),
    ("net.ipv4.conf.all.send_redirects", 1, "bool", "1812 5.2.7.2", "tell of a better router", 0, 1),
    ("net.ipv4.conf.all.proxy_arp", 0, "bool", "1027", "answer ARP for others that we route to", 0, 1),
    (
        "net.ipv4.igmp_link_local_mcast_reports", 0, "bool", "- (Linux: 1)",
        "report groups of 224.0.0.0/24", 0, 1,
    ),
    ("net.ipv4.igmp_qrv", 2, "reports", "2236 8.1: 2", "unsolicited reports of a group", 1, 8),
    # IPv6.
    ("net.ipv6.bindv6only", 0, "bool", "3493 5.3: 0", "IPv6 sockets take no IPv4", 0, 1),
    ("net.ipv6.conf.all.forwarding", 0, "bool", "4861 6.2: off on hosts", "forward packets of others", 0, 1),
    ("net.ipv6.conf.all.hop_limit", 64, "hops", "4861 6.3.2: 64", "hop limit of packets sent", 1, 255),
    ("net.ipv6.conf.all.accept_ra", 1, "bool", "4861 6.3.4", "believe router advertisements (hosts)", 0, 1),
    ("net.ipv6.conf.all.autoconf", 1, "bool", "4862 5.5.3", "take addresses of advertised prefixes", 0, 1),
    ("net.ipv6.conf.all.max_addresses", 16, "addresses", "-", "the most taken from advertisements", 0, 1 << 16),
    ("net.ipv6.conf.all.accept_redirects", 1, "bool", "4861 8.3", "believe redirects (hosts)", 0, 1),
    ("net.ipv6.conf.all.dad_transmits", 1, "probes", "4862 5.1: 1", "probes for a duplicate; 0: none", 0, 8),
    (
        "net.ipv6.conf.all.optimistic_dad", 1, "bool", "4429 (Linux: 0)",
        "addresses of the start are usable during DAD", 0, 1,
    ),
    (
        "net.ipv6.conf.all.router_solicitations", 3, "solicitations", "4861 10: 3 (Linux: no end)",
        "asked for routers", 0, 255,
    ),
    (
        "net.ipv6.conf.all.router_solicitation_interval", 4, "s", "4861 10: 4",
        "time between solicitations", 1, 3600,
    ),
    (
        "net.ipv6.conf.all.router_solicitation_delay", 1, "s", "4861 10: 1",
        "the most before the first solicitation", 0, 3600,
    ),
    ("net.ipv6.icmp.ratelimit", 1000, "ms", "4443 2.4 (f)", "time between limited messages", 0, 1 << 30),
    ("net.ipv6.ip6frag_time", 60, "s", "8200 4.5: 60", "how long fragments wait for the others", 1, 1 << 30),
    ("net.ipv6.ip6frag_high_thresh", 4 << 20, "bytes", "-", "memory for unfinished packets", 0, 1 << 40),
    ("net.ipv6.route.mtu_expires", 600, "s", "8201 4: 600", "how long a path MTU is believed", 1, 1 << 30),
    ("net.ipv6.mld_qrv", 2, "reports", "3810 9.1: 2", "unsolicited reports of a group", 1, 8),
)  # fmt: skip


class IpSettings:
    """The attributes of these rows."""

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
    mtu_expires: int
    min_pmtu: int
    gc_timeout: int
    conf_accept_redirects: int
    conf_send_redirects: int
    conf_proxy_arp: int
    igmp_link_local_mcast_reports: int
    igmp_qrv: int
    ipv6_bindv6only: int
    ipv6_forwarding: int
    ipv6_hop_limit: int
    ipv6_accept_ra: int
    ipv6_autoconf: int
    ipv6_max_addresses: int
    ipv6_accept_redirects: int
    ipv6_dad_transmits: int
    ipv6_optimistic_dad: int
    ipv6_router_solicitations: int
    ipv6_router_solicitation_interval: int
    ipv6_router_solicitation_delay: int
    ipv6_ratelimit: int
    ipv6_ip6frag_time: int
    ipv6_ip6frag_high_thresh: int
    ipv6_mtu_expires: int
    ipv6_mld_qrv: int
