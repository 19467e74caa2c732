"""The way out: by which interface, with which source and MAC; what hooks may change; what watchers are told."""

from __future__ import annotations

import pytest
from tests.stack.joined import Joined, ip, packets, pair, route_via, routed

from netarium.journey import Drop, Stop
from netarium.stack.failures import Failure
from netarium.stack.ip_output import multicast_mac
from netarium.wire.ethernet import MAC_BROADCAST
from netarium.wire.ipv4 import PROTOCOL_UDP
from netarium.wire.udp import UdpHeader


def two_homed():
    joined = Joined()
    a = joined.host("a", "10.0.1.1/24", "10.0.2.1/24", gateway="10.0.1.254")
    joined.segment(a.interfaces["eth0"])
    joined.segment(a.interfaces["eth1"])
    route_via(a, "9.0.0.0/8", "10.0.2.254")
    return joined, a


@pytest.mark.parametrize(
    ("destination", "source", "by", "expected"),
    [
        ("8.8.8.8", "0.0.0.0", None, ("eth0", "10.0.1.254", "10.0.1.1")),
        ("9.9.9.9", "0.0.0.0", None, ("eth1", "10.0.2.254", "10.0.2.1")),
        ("9.9.9.9", "0.0.0.0", "eth1", ("eth1", "10.0.2.254", "10.0.2.1")),
        ("8.8.8.8", "0.0.0.0", "eth1", ("eth1", "0.0.0.0", "10.0.2.1")),
        ("9.9.9.9", "0.0.0.0", "eth0", ("eth0", "10.0.1.254", "10.0.1.1")),
        ("255.255.255.255", "10.0.2.1", None, ("eth1", "0.0.0.0", "10.0.2.1")),
        ("255.255.255.255", "0.0.0.0", "eth1", ("eth1", "0.0.0.0", "10.0.2.1")),
        ("224.0.0.5", "10.0.2.1", None, ("eth1", "0.0.0.0", "10.0.2.1")),
        ("10.0.2.255", "0.0.0.0", None, ("eth1", "0.0.0.0", "10.0.2.1")),
        ("10.0.2.1", "0.0.0.0", "eth0", ("lo", "0.0.0.0", "10.0.2.1")),
    ],
)
def test_which_way_and_with_which_source(destination, source, by, expected):
    _, a = two_homed()
    route = a.ipv4.route_for(ip(destination), ip(source), a.interfaces.get(by))
    assert (route.interface.name, route.gateway, route.source) == (
        expected[0],
        ip(expected[1]),
        ip(expected[2]),
    )


def test_no_way_by_an_interface_that_is_down():
    _, a = two_homed()
    a.set_up("eth1", False)
    assert a.ipv4.route_for(ip("9.9.9.9"), 0, a.interfaces["eth1"]) is None
    assert a.ipv4.route_for(ip("9.9.9.9")).interface.name == "eth0", "the default route is left"


def test_macs_of_broadcast_and_multicast():
    joined, a = two_homed()
    header = UdpHeader(1, 2)
    a.ipv4.send_packet(ip("10.0.1.1"), ip("10.0.1.255"), PROTOCOL_UDP, header, b"")
    a.ipv4.send_packet(ip("10.0.1.1"), ip("239.129.2.3"), PROTOCOL_UDP, header, b"")
    assert [frame.destination for frame in packets(joined.sent)] == [MAC_BROADCAST, 0x01005E010203]
    assert multicast_mac(ip("224.1.2.3")) == multicast_mac(ip("239.129.2.3")), "32 groups share a MAC"


def test_a_packet_that_must_not_be_cut_is_refused_and_one_over_65535_always():
    _, a = two_homed()
    send = a.ipv4.send_packet
    assert send(0, ip("8.8.8.8"), PROTOCOL_UDP, UdpHeader(1, 2), bytes(1473)) is Failure.MESSAGE_TOO_LONG
    assert (
        send(0, ip("8.8.8.8"), PROTOCOL_UDP, UdpHeader(1, 2), bytes(65508), dont_fragment=False)
        is Failure.MESSAGE_TOO_LONG
    )
    assert send(0, ip("8.8.8.8"), PROTOCOL_UDP, UdpHeader(1, 2), bytes(1472)) is None


def test_a_hook_that_changes_the_destination_changes_the_way():
    joined, a, b = pair()
    server = b.udp.open()
    server.bind(0, 9)

    def to_b(frame, interface_in, interface_out):
        header = frame.network
        return frame.with_headers(header.readdressed(header.source, ip("10.0.0.2")), frame.transport)

    route_via(a, "0.0.0.0/0", "10.0.0.254")
    a.hooks.add("output", 0, to_b)
    a.udp.open().send_to(b"x", ip("8.8.8.8"), 9)
    joined.quiesce()
    assert bytes(server.receive().payload) == b"x"


@pytest.mark.parametrize("place", ["output", "postrouting"])
def test_a_hook_that_drops_is_not_permitted_for_the_sender(place):
    _, a, _ = pair()

    def drop(frame, interface_in, interface_out):
        a.drop(Drop.FILTER_RULE, frame)

    a.hooks.add(place, 0, drop)
    assert a.udp.open().send_to(b"x", ip("10.0.0.2"), 9) is Failure.PERMISSION


def test_forward_hooks_see_both_interfaces_and_may_drop():
    joined, a, r, b = routed()
    server = b.udp.open()
    server.bind(0, 9)
    seen = []

    def note(frame, interface_in, interface_out):
        seen.append((interface_in.name, interface_out.name, frame.network.ttl))
        return None if frame.payload == b"no" else frame

    r.hooks.add("forward", 0, note)
    client = a.udp.open()
    for text in (b"yes", b"no"):
        client.send_to(text, ip("10.0.2.1"), 9)
    joined.quiesce()
    assert seen == [("eth0", "eth1", 63)] * 2
    assert [bytes(each.payload) for each in server.queue] == [b"yes"]


def test_taps_see_what_comes_and_goes():
    joined, a, b = pair()
    seen = []
    a.interfaces["eth0"].taps = [lambda frame, interface, outgoing: seen.append((frame.ethertype, outgoing))]
    b.udp.open().send_to(b"x", ip("10.0.0.1"), 9)
    joined.quiesce()
    assert seen == [(0x806, False), (0x806, True), (0x800, False), (0x800, True)]


def test_watchers_are_told_each_step_of_the_way():
    joined, a, r, b = routed()
    r.set_mtu("eth1", 600)
    server = b.udp.open()
    server.bind(0, 9)
    steps = []

    class Observer:
        def step(self, now, place, stop, subject, details):
            steps.append((place, stop))

        def state(self, now, place, subject, before, after, cause):
            steps.append((place, after))

    joined.watch.add(Observer())
    client = a.udp.open()
    r.settings.set("net.ipv4.ip_forward", 1)
    a.set_mtu("eth0", 700)
    client.send_to(bytes(1000), ip("10.0.2.1"), 9)
    joined.quiesce()
    first = [Stop.DATAGRAM, Stop.ROUTE, Stop.FRAGMENT, "INCOMPLETE", Stop.RESOLVE]
    assert steps[:5] == [("a", each) for each in first]
    assert ("r", Stop.ROUTE) in steps
    assert ("r", Stop.FRAGMENT) in steps
    assert steps[-2:] == [("b", Stop.REASSEMBLE), ("b", Stop.PORTS)]


def test_an_announcement_updates_the_caches_that_know_the_address():
    joined, a, b = pair()
    a.udp.open().send_to(b"x", ip("10.0.0.2"), 9)
    joined.quiesce()
    entry = a.interfaces["eth0"].neighbors.entries[ip("10.0.0.2")]
    b.interfaces["eth0"].mac = 0x02BB00000000
    b.interfaces["eth0"].neighbors.announce(ip("10.0.0.2"))
    joined.quiesce()
    assert entry.mac == 0x02BB00000000


def test_proof_from_an_upper_layer_renews_an_entry():
    joined, a, _ = pair()
    a.udp.open().send_to(b"x", ip("10.0.0.2"), 9)
    joined.wait(29_000_000_000)
    a.interfaces["eth0"].neighbors.confirm(ip("10.0.0.2"))
    a.interfaces["eth0"].neighbors.confirm(ip("10.0.0.99"))
    joined.wait(29_000_000_000)
    assert a.interfaces["eth0"].neighbors.listing()[0].shown_state(joined.now) == "REACHABLE"
