"""The assembly: what interfaces accept, lo, re-arming, hooks, and that nothing from the wire ever raises."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.stack.joined import SECOND, Joined, drops, ip, pair

from netarium.errors import StormError, UsageError
from netarium.journey import Drop, Stop
from netarium.stack import stack as stack_module
from netarium.wire.arp import ArpPacket
from netarium.wire.ethernet import ETHERTYPE_ARP, ETHERTYPE_IPV4, MAC_BROADCAST, Frame
from netarium.wire.icmp import IcmpHeader
from netarium.wire.ipv4 import PROTOCOL_ICMP, PROTOCOL_TCP, PROTOCOL_UDP, Ipv4Header
from netarium.wire.tcp import TcpHeader, TcpOptions
from netarium.wire.udp import UdpHeader


class Port:
    def __init__(self, name: str) -> None:
        self.name = name
        self.number = 0


def test_an_interface_takes_its_own_mac_broadcast_and_joined_groups_only():
    _, a, _ = pair()
    interface = a.interfaces["eth0"]
    group = 0x01005E000005
    for mac, taken in ((interface.mac, True), (MAC_BROADCAST, True), (group, False), (0x02FF00000000, False)):
        a.drops.clear()
        a.receive(interface, Frame(mac, 1, 0x1234, None, None, b"x"), 0)
        assert (Drop.NOT_FOR_THIS_MAC not in a.drops) is taken
    interface.join(group)
    interface.join(group)
    interface.leave(group)
    a.drops.clear()
    a.receive(interface, Frame(group, 1, 0x1234, None, None, b"x"), 0)
    assert drops(a) == {"UNKNOWN_ETHERTYPE": 1}
    interface.leave(group)
    interface.leave(group)
    a.receive(interface, Frame(group, 1, 0x1234, None, None, b"x"), 0)
    assert drops(a) == {"UNKNOWN_ETHERTYPE": 1, "NOT_FOR_THIS_MAC": 1}


def test_counters_count_frames_bytes_and_drops():
    joined, a, b = pair()
    a.udp.open().send_to(b"x", ip("10.0.0.2"), 9)
    joined.quiesce()
    interface = a.interfaces["eth0"]
    assert (interface.frames_out, interface.bytes_out) == (2, 120), (
        "an ARP request and a datagram, padded to 60"
    )
    assert (interface.frames_in, interface.bytes_in) == (2, 60 + 71), "an ARP reply and an ICMP error"
    assert interface.drops_in == 0
    a.set_up("eth0", False)
    b.udp.open().send_to(b"x", ip("10.0.0.1"), 9)
    joined.quiesce()
    assert interface.drops_in == 1
    interface.send_frame(Frame(1, 2, 0x1234, None, None, b""))
    assert interface.drops_out == 1
    assert drops(a)["INTERFACE_DOWN"] == 2


def test_an_interface_without_a_cable_drops():
    joined = Joined()
    a = joined.host("a", "10.0.0.1/24")
    a.udp.open().send_to(b"x", ip("10.0.0.2"), 9)
    assert drops(a) == {"NO_CABLE": 1}


def test_frames_of_lo_have_zero_macs_and_are_shown_sent_and_received():
    joined, a, _ = pair()
    seen = []

    class Observer:
        def frame(self, now, port, stop, frame):
            seen.append((port.name, stop, frame))

    joined.watch.add(Observer())
    a.lo.port = Port("a:lo")
    a.udp.open().send_to(b"x", ip("10.0.0.1"), 9)
    a.settle()
    assert [(name, stop) for name, stop, _ in seen] == [
        ("a:lo", Stop.LINK_SENT),
        ("a:lo", Stop.LINK_RECEIVED),
    ] * 2, "the datagram and the ICMP port unreachable"
    assert all(frame.destination == frame.source == 0 for _, _, frame in seen)
    assert seen[2][2].transport == IcmpHeader(3, 3)


def test_lo_carries_65536_bytes_whole():
    _, a, _ = pair()
    server, client = a.udp.open(), a.udp.open()
    server.bind(0, 9)
    client.send_to(bytes(65507), ip("127.0.0.1"), 9)
    a.settle()
    assert a.lo.frames_in == 1
    assert len(server.receive().payload) == 65507


@pytest.mark.pure("its limit is a constant there")
def test_an_endless_exchange_over_lo_is_a_storm_that_names_the_host(monkeypatch):
    monkeypatch.setattr(stack_module, "LOOPBACK_FRAMES_MAX", 100)
    _, a, _ = pair()
    one, other = a.udp.open(), a.udp.open()
    one.bind(0, 1)
    other.bind(0, 2)
    one.on_change = lambda: one.receive() and one.send_to(b"x", ip("127.0.0.1"), 2)
    other.on_change = lambda: other.receive() and other.send_to(b"x", ip("127.0.0.1"), 1)
    one.send_to(b"x", ip("127.0.0.1"), 2)
    with pytest.raises(StormError, match=r"a: more than 100 frames over lo"):
        a.settle()
    a.loopback.clear()
    a.settle()


def test_the_node_is_told_once_of_each_deadline_that_is_earlier():
    _, a, _ = pair()
    told = []
    a.rearm = told.append
    a.enter(5)
    client = a.udp.open()
    client.send_to(b"x", ip("10.0.0.77"), 9)
    client.send_to(b"x", ip("10.0.0.77"), 9)
    a.settle()
    a.settle()
    assert told == [5 + SECOND] == [a.next_deadline()]
    a.poll(5 + SECOND)
    assert told == [5 + SECOND, 5 + 2 * SECOND]


def test_hooks_see_packets_at_their_places_and_may_drop_or_replace_them():
    joined, a, b = pair()
    server = b.udp.open()
    server.bind(0, 9)
    seen = []

    def note(place):
        def hook(frame, interface_in, interface_out):
            seen.append((place, interface_in and interface_in.name, interface_out and interface_out.name))
            return frame

        return hook

    for place in ("output", "postrouting"):
        a.hooks.add(place, 0, note(place))
    for place in ("prerouting", "input"):
        b.hooks.add(place, 0, note(place))
    client = a.udp.open()
    client.send_to(b"x", ip("10.0.0.2"), 9)
    joined.quiesce()
    assert seen == [
        ("output", None, "eth0"),
        ("postrouting", None, "eth0"),
        ("prerouting", "eth0", None),
        ("input", "eth0", None),
    ]

    def to_the_other_port(frame, interface_in, interface_out):
        return frame.with_headers(frame.network, frame.transport.with_ports(1, 10))

    def drop(frame, interface_in, interface_out):
        b.drop(Drop.FILTER_RULE, frame)

    other = b.udp.open()
    other.bind(0, 10)
    b.hooks.add("prerouting", -1, to_the_other_port)
    client.send_to(b"y", ip("10.0.0.2"), 9)
    joined.quiesce()
    assert bytes(other.receive().payload) == b"y"
    b.hooks.add("input", -1, drop)
    client.send_to(b"z", ip("10.0.0.2"), 9)
    joined.quiesce()
    assert other.receive() is None
    assert drops(b) == {"FILTER_RULE": 1}
    b.hooks.remove("input", drop)
    client.send_to(b"z", ip("10.0.0.2"), 9)
    joined.quiesce()
    assert bytes(other.receive().payload) == b"z"


def test_two_interfaces_of_one_name_are_a_mistake():
    _, a, _ = pair()
    with pytest.raises(UsageError, match="eth0"):
        a.add_interface("eth0", 5)


# Whatever comes by the wire is delivered or becomes a named drop; nothing raises.

ADDRESSES = st.sampled_from(
    [ip(text) for text in ("10.0.1.1", "10.0.2.1", "10.0.1.254", "10.0.2.254", "10.0.1.255", "127.0.0.1", "0.0.0.0",
                           "255.255.255.255", "224.0.0.1", "172.16.0.1", "240.1.1.1")]
)  # fmt: skip
PORTS = st.sampled_from([0, 9, 53, 80, 65535])
TRANSPORTS = st.one_of(
    st.tuples(st.just(PROTOCOL_UDP), st.builds(UdpHeader, PORTS, PORTS)),
    st.tuples(
        st.just(PROTOCOL_ICMP),
        st.builds(IcmpHeader, st.integers(0, 20), st.integers(0, 16), st.integers(0, 0xFFFFFFFF)),
    ),
    st.tuples(
        st.just(PROTOCOL_TCP),
        st.builds(
            TcpHeader,
            PORTS,
            PORTS,
            st.integers(0, 0xFFFFFFFF),
            st.integers(0, 0xFFFFFFFF),
            st.integers(0, 255),
            st.integers(0, 65535),
            st.sampled_from([-1, 0, 5]),
            st.just(0),
            st.one_of(
                st.none(), st.builds(TcpOptions, st.sampled_from([-1, 0, 536, 1460]), st.integers(-1, 20))
            ),
        ),
    ),
    st.tuples(st.integers(0, 255), st.none()),
)
QUOTES = st.builds(
    lambda source, destination, protocol, rest: (
        Ipv4Header(source, destination, protocol, 64).emit(len(rest)) + rest
    ),
    ADDRESSES,
    ADDRESSES,
    st.sampled_from([1, 6, 17, 99]),
    st.binary(max_size=20),
)
OWN_MAC = 0x020000000001  # of the first interface of the first host
MACS = st.sampled_from([0, OWN_MAC, OWN_MAC, OWN_MAC, MAC_BROADCAST, 0x01005E000001, 0x02FFFFFFFFFF])


@st.composite
def ip_frames(draw):
    protocol, transport = draw(TRANSPORTS)
    fragment = draw(st.sampled_from([0, 0, 0x4000, 0x2000, 1, 0x2001, 0x3FFF]))
    header = Ipv4Header(
        draw(ADDRESSES), draw(ADDRESSES), protocol, draw(st.integers(0, 255)), draw(st.integers(0, 3)), fragment,
        draw(st.integers(0, 255)), draw(st.binary(max_size=12)),
    )  # fmt: skip
    payload = draw(st.one_of(st.binary(max_size=64), QUOTES, st.just(bytes(1400))))
    return Frame(draw(MACS), 0x02AAAAAAAAAA, ETHERTYPE_IPV4, header, transport, payload)


ARP_FRAMES = st.builds(
    lambda mac, packet: Frame(mac, 0x02AAAAAAAAAA, ETHERTYPE_ARP, packet, None, b""),
    MACS,
    st.builds(ArpPacket, st.integers(0, 3), MACS, ADDRESSES, st.just(0), ADDRESSES),
)
BYTES = st.binary(min_size=0, max_size=80).map(
    lambda data: Frame.parse(OWN_MAC.to_bytes(6, "big") + b"\2" * 6 + b"\x08\x00" + data)
)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(ip_frames(), ARP_FRAMES, BYTES), max_size=12), st.booleans(), st.integers(0, 2**32))
def test_no_frame_raises_and_each_is_delivered_answered_forwarded_or_a_named_drop(frames, router, step_ns):
    joined = Joined()
    r = joined.host("r", "10.0.1.254/24", "10.0.2.254/24", gateway="10.0.1.1", ip_forward=int(router))
    outgoing: list[Frame] = []
    for name in ("eth0", "eth1"):
        r.interfaces[name].transmit = outgoing.append
    server = r.udp.open()
    server.bind(0, 9)
    r.tcp.listen(r.ipv4, (0, 80), 5, _tcp_options())
    interface = r.interfaces["eth0"]
    assert interface.mac == OWN_MAC
    now = 0
    for frame in frames:
        now += step_ns
        before = sum(r.drops.values()), _taken(r), len(outgoing)
        again = Frame.parse(bytes(frame))  # what a link that carries bytes makes of it
        r.receive(interface, again, now)
        assert (sum(r.drops.values()), _taken(r), len(outgoing)) != before, frame
    r.poll(now + 100 * SECOND)
    for frame in outgoing:
        assert Frame.parse(bytes(frame)) == frame


def _tcp_options():
    from netarium.stack.tcp.socket_options import SocketOptions

    return SocketOptions()


def _taken(stack) -> int:
    """Everything that counts as having arrived somewhere."""
    waiting = sum(len(entry.queue) for table in stack.neighbors.values() for entry in table.entries.values())
    neighbors = sum(table.learned for table in stack.neighbors.values())
    return hash(
        (
            stack.udp.datagrams_in,
            tuple(stack.icmp.received.items()),
            tuple(stack.tcp.counters.items()),
            tuple((key, c.state) for key, c in stack.tcp.connections.items()),
            stack.ipv4.fragments.bytes_held,
            waiting,
            neighbors,
        )
    )
