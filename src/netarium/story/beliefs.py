"""What is commonly believed and not so, where it comes up: which kinds of facts correct which belief.

The texts are `belief.NAME` of the domain `beliefs`. Who tells a story says each once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from netarium.story.facts import Fact

Fits = Callable[[dict[str, Any]], bool]


def _always(values: dict[str, Any]) -> bool:
    return True


def _has(key: str, *wanted: object) -> Fits:
    return lambda values: values.get(key) in wanted


def _is_set(key: str) -> Fits:
    return lambda values: bool(values.get(key))


def _closes(values: dict[str, Any]) -> bool:
    """Whether a segment's work is to acknowledge a FIN: one that carries data has other work."""
    return bool(values.get("acknowledges_fin")) and values.get("segment") in ("ack", "fin")


def _many(key: str) -> Fits:
    return lambda values: len(values.get(key) or ()) > 1


def _bound_to(*addresses: str) -> Fits:
    return lambda values: values.get("what") == "bound" and values.get("address") in addresses


def _port_changed(values: dict[str, Any]) -> bool:
    before, after = (str(values.get(key)).partition(" -> ")[0] for key in ("before", "after"))
    return before.rpartition(":")[2] != after.rpartition(":")[2]


CORRECTED: Final[dict[str, tuple[tuple[Fits, str], ...]]] = {
    "arp": (
        (_has("operation", "request"), "belief.broadcast_is_rare"),
        (_has("operation", "reply"), "belief.arp_reply_unicast"),
        (_has("operation", "reply"), "belief.mac_of_interface"),
    ),
    "nd": (
        (_has("purpose", "resolve"), "belief.ndp_not_arp"),
        (_has("message", "router"), "belief.ipv6_many_addresses"),
    ),
    "switched": (
        (_has("shape", "repeated"), "belief.hub_does_not_choose"),
        (_has("shape", "repeated"), "belief.no_collisions"),
        (_is_set("tagged"), "belief.tag_is_not_for_hosts"),
        (_is_set("vlan"), "belief.vlan_splits"),
        (_has("shape", "forwarded"), "belief.switch_filters"),
        (_has("shape", "forwarded"), "belief.switch_layer_two"),
    ),
    "tree-port": ((_has("state", "blocking"), "belief.tree_blocks_a_good_port"),),
    "local-or-gateway": (
        (_is_set("mask"), "belief.classes_obsolete"),
        (_is_set("mask"), "belief.mask_is_not_sent"),
    ),
    "route-chosen": ((_many("candidates"), "belief.longest_prefix"),),
    "forwarded": ((_has("rewritten", False), "belief.destination_stays"), (_always, "belief.ttl_is_hops")),
    "fragmented": ((_always, "belief.ethernet_never_fragments"),),
    "reassembled": ((_always, "belief.fragments_meet_at_the_end"),),
    "ipv6-address": ((_always, "belief.ipv6_many_addresses"),),
    "dhcp": (
        (_has("name", "DHCPDISCOVER"), "belief.dhcp_is_a_server"),
        (_has("name", "DHCPACK"), "belief.lease_is_lent"),
    ),
    "name-stage": (
        (_has("stage", "hosts file"), "belief.hosts_before_cache"),
        (
            lambda values: bool(values.get("hit")) and "cache" in str(values.get("stage")),
            "belief.cache_by_ttl",
        ),
    ),
    "dns": (
        (
            lambda values: not values.get("response") and not values.get("recursion"),
            "belief.recursive_or_iterative",
        ),
        (_many("answer"), "belief.name_many_addresses"),
        (_is_set("answer"), "belief.dns_uses_tcp_too"),
        (_is_set("answer"), "belief.cache_by_ttl"),
    ),
    "nat-entry": (
        (_port_changed, "belief.nat_needs_ports"),
        (_always, "belief.nat_is_no_firewall"),
        (_always, "belief.private_is_not_secret"),
    ),
    "balanced": ((_always, "belief.balancer_keeps_connections"),),
    "listener-queue": (
        (_has("what", "cookie"), "belief.syn_cookies"),
        (lambda values: values.get("nth", 1) > 1, "belief.four_tuple"),
        (lambda values: values.get("accept_queue", 0) > 1, "belief.backlog_is_a_queue"),
        (_has("what", "accept"), "belief.connect_before_accept"),
        (_has("what", "accepted"), "belief.accept_takes_no_port"),
    ),
    "tcp": (
        (_has("segment", "established"), "belief.three_ways"),
        (_has("segment", "reset"), "belief.reset_is_not_attack"),
        (_is_set("fin"), "belief.fin_closes_half"),
        (_closes, "belief.four_can_be_three"),
    ),
    "tcp-state": (
        (_has("after", "CLOSING"), "belief.both_may_close"),
        (_has("after", "TIME-WAIT"), "belief.time_wait_at_closer"),
    ),
    "group": ((_always, "belief.group_has_no_arp"),),
    "udp": ((_always, "belief.udp_keeps_boundaries"),),
    "call": (
        (_has("what", "end"), "belief.empty_is_the_end"),
        (_has("what", "partly"), "belief.send_takes_what_fits"),
        (_has("errno", "EADDRINUSE"), "belief.port_of_the_dead"),
        (_has("errno", "EPIPE", "ECONNRESET"), "belief.error_comes_late"),
        (_bound_to("", "0.0.0.0", "::"), "belief.any_is_no_address"),
        (_bound_to("127.0.0.1", "::1"), "belief.loopback_is_private"),
        (_has("what", "listens"), "belief.backlog_is_a_queue"),
    ),
    "datagram-cut": ((_always, "belief.datagram_is_read_whole"),),
    "held": (
        (_has("by", "nagle"), "belief.nagle_is_no_timer"),
        (_has("by", "window", "cwnd"), "belief.window_is_the_receiver"),
        (_always, "belief.send_is_not_sent"),
    ),
    "read": ((_always, "belief.send_is_not_recv"),),
    "sent-again": (
        (_has("cause", "KEEPALIVE"), "belief.keepalive_is_late"),
        (lambda values: not values.get("probe") and not values.get("mtu"), "belief.loss_tells_nobody"),
    ),
    "ping": ((_always, "belief.ping_has_no_port"),),
    "icmp-error": ((_always, "belief.icmp_is_not_ping"),),
    "route": ((_always, "belief.routers_learn_networks"),),
    "drop": (
        (_has("reason", "TCP_NO_SOCKET"), "belief.closed_port_answers"),
        (_has("reason", "UDP_NO_SOCKET"), "belief.udp_closed_port"),
        (_has("reason", "FRAME_CHECK_SEQUENCE"), "belief.checks_are_not_proof"),
        (_has("reason", "NOT_FOR_THIS_MAC"), "belief.nic_filters"),
        (_has("reason", "PRIVATE_ON_PUBLIC"), "belief.private_is_not_secret"),
        (_has("reason", "TCP_SYN_QUEUE_FULL"), "belief.syn_cookies"),
        (_has("reason", "TCP_ACCEPT_QUEUE_FULL"), "belief.backlog_is_a_queue"),
        (_has("reason", "TTL_EXPIRED"), "belief.ttl_is_hops"),
        (_has("reason", "FRAGMENT_TIMEOUT"), "belief.fragments_meet_at_the_end"),
    ),
}
"""Kind of fact -> what of it corrects which belief; the more to the point first."""


def beliefs_of(fact: Fact) -> Iterator[str]:
    """The keys of what a fact corrects, the more to the point first."""
    return (key for fits, key in CORRECTED.get(fact.kind, ()) if fits(fact.values))
