"""The rows of the sysctl table for IPv6, path MTUs, redirects and groups, as `settings.Setting` takes them.

An attribute is called like the last part of the name, with `ipv6_` before those of `net.ipv6`. What Linux keeps per
interface stands here for all of them. Neighbours of both families have the limits of `net.ipv4.neigh.default`, but
where a router advertisement says otherwise.
"""

from __future__ import annotations

from typing import Final

Row = tuple[str, int, str, str, str, int, int]

ROWS: Final[tuple[Row, ...]] = (
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
