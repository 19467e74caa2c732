"""IGMP version 2 as a member: reports, queries, others' reports, leaving."""

from __future__ import annotations

from tests.stack.joined import SECOND, Joined, Sent, drops, ip, pair

from netarium.stack.ip_output import multicast_mac
from netarium.stack.stack import Stack
from netarium.wire.ethernet import ETHERTYPE_IPV4, Frame
from netarium.wire.igmp import LEAVE, QUERY, REPORT, IgmpMessage
from netarium.wire.ipv4 import Ipv4Header
from netarium.wire.udp import UdpHeader

GROUP = ip("239.1.2.3")


def igmp(sent: list[Sent]) -> list[tuple[str, int, int]]:
    """(host, type, group) of the messages among them."""
    found = []
    for each in sent:
        header = each.frame.network
        if isinstance(header, Ipv4Header) and header.protocol == 2:
            message = IgmpMessage.parse(bytes(each.frame.payload))
            assert header.ttl == 1 and header.options == bytes((0x94, 4, 0, 0))
            assert header.destination == (ip("224.0.0.2") if message.type == LEAVE else message.group)
            found.append((each.host, message.type, message.group))
    return found


def joined_by(*names: str) -> tuple[Joined, Stack, Stack]:
    joined, a, b = pair()
    for each in (a, b):
        if each.name in names:
            each.igmp.join(each.interfaces["eth0"], GROUP)
    return joined, a, b


def query(stack: Stack, group: int = 0, response: int = 10) -> None:
    header = Ipv4Header(ip("10.0.0.254"), group or ip("224.0.0.1"), 2, 1)
    mac = multicast_mac(group or ip("224.0.0.1"))
    frame = Frame(mac, 2, ETHERTYPE_IPV4, header, None, IgmpMessage(QUERY, response, group).emit())
    stack.receive(stack.interfaces["eth0"], frame, stack.now)


def test_a_join_is_reported_twice_and_a_leave_once() -> None:
    joined, a, _ = joined_by("a")
    joined.wait(15 * SECOND)
    assert igmp(joined.take()) == [("a", REPORT, GROUP)] * 2
    a.enter(joined.now)
    a.igmp.join(a.interfaces["eth0"], GROUP)
    a.igmp.leave(a.interfaces["eth0"], GROUP)
    assert not igmp(joined.take()), "one is left"
    a.igmp.leave(a.interfaces["eth0"], GROUP)
    assert igmp(joined.take()) == [("a", LEAVE, GROUP)]


def test_a_query_is_answered_by_one_member() -> None:
    joined, a, b = joined_by("a", "b")
    joined.wait(30 * SECOND)
    joined.take()
    for each in (a, b):
        query(each)
    joined.wait(2 * SECOND)
    assert len(igmp(joined.take())) == 1, "who hears another's report is silent"
    query(a, GROUP)
    joined.wait(2 * SECOND)
    assert igmp(joined.take()) == [("a", REPORT, GROUP)]


def test_groups_of_the_link_are_reported_only_when_the_setting_says_so() -> None:
    joined, a, b = pair()
    b.settings.set("net.ipv4.igmp_link_local_mcast_reports", 1)
    for each in (a, b):
        each.igmp.join(each.interfaces["eth0"], ip("224.0.0.9"))
        each.igmp.join(each.interfaces["eth0"], ip("224.0.0.1"))
    joined.wait(15 * SECOND)
    assert igmp(joined.take()) == [("b", REPORT, ip("224.0.0.9"))] * 2


def test_what_is_malformed_or_meant_for_routers_is_dropped() -> None:
    _, a, _ = joined_by("a")
    for payload in (
        b"\x16\0",
        IgmpMessage(REPORT, 0, GROUP).emit()[:-1] + b"\0",
        IgmpMessage(0x99, 0, GROUP).emit(),
    ):
        header = Ipv4Header(ip("10.0.0.2"), GROUP, 2, 1)
        a.receive(a.interfaces["eth0"], Frame(0x01005E010203, 2, ETHERTYPE_IPV4, header, None, payload), 0)
    assert drops(a) == {"ICMP_MALFORMED": 2, "ICMP_IGNORED": 1}


def test_a_member_of_nothing_leaves_nothing_and_lo_reports_nothing() -> None:
    joined, a, _ = joined_by()
    a.igmp.leave(a.interfaces["eth0"], GROUP)
    a.igmp.join(a.lo, GROUP)
    joined.wait(30 * SECOND)
    assert not igmp(joined.take())
    assert not next(iter(a.igmp.groups.values())).is_foreground(), "no run waits for reports"


def test_a_query_for_one_group_or_on_one_link_asks_no_other() -> None:
    joined = Joined()
    a = joined.host("a", "10.0.0.1/24", "10.0.1.1/24")
    joined.segment(a.interfaces["eth0"])
    joined.segment(a.interfaces["eth1"])
    for each, group in (("eth0", GROUP), ("eth0", GROUP + 1), ("eth1", GROUP)):
        a.igmp.join(a.interfaces[each], group)
    joined.wait(30 * SECOND)
    joined.take()
    a.enter(joined.now)
    query(a, GROUP)
    query(a, 0xE0000001)  # all systems: of which nobody is a member who says so
    joined.wait(5 * SECOND)
    assert igmp(joined.take()) == [("a", REPORT, GROUP)]
    query(a, response=255)
    query(a, response=1)
    joined.wait(SECOND)
    assert sorted(igmp(joined.take())) == [("a", REPORT, GROUP), ("a", REPORT, GROUP + 1)], (
        "the sooner one counts"
    )


def test_an_interface_that_is_down_sends_no_report() -> None:
    joined, a, _ = joined_by("a")
    a.set_up("eth0", False)
    joined.wait(30 * SECOND)
    assert not igmp(joined.take())


def datagram_to_all_systems(source: str) -> Frame:
    header = Ipv4Header(ip(source), ip("224.0.0.1"), 17, 1)
    return Frame(0x01005E000001, 2, ETHERTYPE_IPV4, header, UdpHeader(9, 5000), b"all")


def test_every_host_hears_all_systems_for_ever_and_says_so_to_nobody() -> None:
    """RFC 1112 4 and 7.2; RFC 2236 6: the group is never reported and never left."""
    joined, a, _ = joined_by()
    endpoint = a.udp.open()
    assert endpoint.bind(0, 5000) is None
    eth0 = a.interfaces["eth0"]
    a.receive(eth0, datagram_to_all_systems("10.0.0.2"), 1)
    a.enter(1)
    a.igmp.join(eth0, ip("224.0.0.1"))
    a.igmp.leave(eth0, ip("224.0.0.1"))
    a.receive(eth0, datagram_to_all_systems("10.0.0.2"), 2)
    assert [bytes(each.payload) for each in endpoint.queue] == [b"all"] * 2
    joined.wait(30 * SECOND)
    assert not igmp(joined.take())


def test_who_has_no_address_yet_may_speak_to_groups_of_the_link_only() -> None:
    """As Linux ip_route_input_slow: 0.0.0.0 is no martian where it speaks to 224.0.0.0/24 (RFC 2236 10)."""
    _, a, _ = joined_by("a")
    endpoint = a.udp.open()
    assert endpoint.bind(0, 5000) is None
    eth0 = a.interfaces["eth0"]
    a.receive(eth0, datagram_to_all_systems("0.0.0.0"), 1)
    assert len(endpoint.queue) == 1
    beyond = Frame(
        0x01005E010203, 2, ETHERTYPE_IPV4, Ipv4Header(0, GROUP, 17, 1), UdpHeader(9, 5000), b"beyond"
    )
    a.receive(eth0, beyond, 2)
    assert len(endpoint.queue) == 1 and drops(a) == {"IP_MARTIAN": 1}
