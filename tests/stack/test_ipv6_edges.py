"""IPv6 at its edges: selection of addresses, what a router refuses, endpoints of both families, raw endpoints."""

from __future__ import annotations

import pytest
from tests.stack.joined import SECOND, drops
from tests.stack.joined6 import ip6, packets6, pair6, ping6, route6, routed6, types

from netarium.stack.failures import Failure
from netarium.stack.ipv6_address import DEPRECATED, MAPPED
from netarium.stack.ipv6_routes import Ipv6Route
from netarium.stack.raw6 import RawEndpoint6
from netarium.stack.routes import BLACKHOLE, PROHIBIT, UNREACHABLE
from netarium.stack.source_selection import order_destinations, policy_of
from netarium.wire.ethernet import ETHERTYPE_IPV6, Frame
from netarium.wire.icmpv6 import Icmpv6Header
from netarium.wire.ipv6 import Ipv6Header
from netarium.wire.udp import UdpHeader


def mapped(text: str) -> int:
    from netarium.addresses import parse_ipv4

    return parse_ipv4(text) | MAPPED


@pytest.mark.parametrize(
    ("own", "destination", "source"),
    [
        # RFC 6724 10.1, as far as one interface shows them.
        (["2001:db8:1::1/64", "fe80::1/64"], "2001:db8:1::9", "2001:db8:1::1"),
        (["2001:db8:1::1/64"], "fe80::9", "link-local"),
        (["2001:db8:1::2/64", "2001:db8:3::2/64"], "2001:db8:3::9", "2001:db8:3::2"),
        (["fd00::1/64", "2001:db8:1::1/64"], "fd00::9", "fd00::1"),
        (["2002:c633:6401::1/64", "2001:db8:1::1/64"], "2002:c633:6402::9", "2002:c633:6401::1"),
        (["2001:db8:1::1/64"], "2001:db8:1::1", "2001:db8:1::1"),
    ],
)
def test_the_source_that_fits_is_chosen(own: list[str], destination: str, source: str) -> None:
    _, a, _ = pair6()
    interface = a.interfaces["eth0"]
    on_link = interface.ipv6
    assert on_link is not None and a.ipv6 is not None
    on_link.remove_address(ip6("2001:db8::1"))
    for text in own:
        address, _, length = text.partition("/")
        on_link.add_address(ip6(address), int(length))
    wanted = on_link.link_local if source == "link-local" else ip6(source)
    assert a.ipv6.select_source(ip6(destination), interface) == wanted


def test_a_deprecated_source_is_the_last_choice() -> None:
    _, a, _ = pair6()
    on_link = a.interfaces["eth0"].ipv6
    assert on_link is not None and a.ipv6 is not None
    on_link.add_address(ip6("2001:db8:5::1"), 64)
    old = on_link.find(ip6("2001:db8::1"))
    assert old is not None
    old.state = DEPRECATED
    assert a.ipv6.select_source(ip6("2001:db8::9"), a.interfaces["eth0"]) == ip6("2001:db8:5::1")


def test_destinations_are_ordered() -> None:
    sources = {
        ip6("2001:db8:1::1"): ip6("2001:db8:1::2"),
        mapped("198.51.100.121"): mapped("198.51.100.117"),
        ip6("fe80::1"): ip6("fe80::2"),
        ip6("2001:db8:3ffe::1"): 0,
    }
    # RFC 6724 10.2: the smaller scope, then the precedence; what cannot be reached is last.
    assert order_destinations([mapped("198.51.100.121"), ip6("2001:db8:1::1")], sources.__getitem__) == [
        ip6("2001:db8:1::1"),
        mapped("198.51.100.121"),
    ]
    ordered = order_destinations(
        [ip6("2001:db8:3ffe::1"), ip6("2001:db8:1::1"), ip6("fe80::1")], sources.__getitem__
    )
    assert ordered[-1] == ip6("2001:db8:3ffe::1")
    assert policy_of(1) == (50, 0) and policy_of(mapped("10.0.0.1")) == (35, 4)
    local = mapped("169.254.13.78")
    assert order_destinations([local], lambda each: local) == [local]


@pytest.mark.parametrize(("kind", "error"), [(PROHIBIT, (1, 1)), (UNREACHABLE, (1, 3)), (BLACKHOLE, None)])
def test_routes_that_refuse(kind: int, error: tuple[int, int] | None) -> None:
    joined, a, r, _b = routed6()
    assert r.ipv6 is not None
    r.ipv6.routes.add(Ipv6Route(ip6("2001:db8:7::"), 48, r.lo, kind=kind))
    ping6(a, "2001:db8:7::1")
    joined.quiesce()
    said = [f.transport for f in packets6(joined.take()) if isinstance(f.transport, Icmpv6Header)]
    errors = [(each.type, each.code) for each in said if each.type < 128]
    assert errors == ([error] if error is not None else [])
    assert r.ipv6.send_packet(0, ip6("2001:db8:7::1"), 17, None, b"") in (
        Failure.BROADCAST_NOT_ALLOWED,
        Failure.HOST_UNREACHABLE,
        Failure.INVALID,
    )


def test_a_host_forwards_nothing_and_a_router_no_group() -> None:
    _joined, a, r, _b = routed6()
    for stack in (a, r):
        interface = stack.interfaces["eth0"]
        header = Ipv6Header(ip6("2001:db8:1::9"), ip6("2001:db8:99::1"), 17, 64)
        mac = interface.mac if stack is a else 0x333300000001
        stack.receive(interface, Frame(mac, 2, ETHERTYPE_IPV6, header, UdpHeader(1, 2), b""), 0)
        assert drops(stack) == {"IP_NOT_FOR_US": 1}


def test_errors_are_limited() -> None:
    joined, a, r, _b = routed6()
    for sequence in range(20):
        ping6(a, "2001:db8:2::1", ttl=1, sequence=sequence)
    joined.quiesce()
    assert types(joined.take()).count(3) == 6, "six at once, then one a second"
    assert drops(r)["ICMP_RATE_LIMIT"] == 14


def test_no_error_about_an_error_or_to_nobody() -> None:
    joined, _a, r, _b = routed6()
    interface = r.interfaces["eth0"]
    for source, message in ((0, Icmpv6Header(128, 0)), (ip6("2001:db8:1::1"), Icmpv6Header(1, 0))):
        header = Ipv6Header(source, ip6("2001:db8:9::1"), 58, 1)
        r.receive(interface, Frame(interface.mac, 2, ETHERTYPE_IPV6, header, message, bytes(48)), 0)
    joined.wait(4 * SECOND)
    assert not [
        f for f in packets6(joined.take()) if isinstance(f.transport, Icmpv6Header) and f.transport.type < 128
    ]


def test_errors_that_quote_nothing_sensible() -> None:
    _, a, _ = pair6()
    interface = a.interfaces["eth0"]
    other = Ipv6Header(ip6("2001:db8::7"), ip6("2001:db8::8"), 17, 64).emit(8) + bytes(8)
    own = Ipv6Header(ip6("2001:db8::1"), ip6("2001:db8::8"), 17, 64).emit(8)
    for kind, quote in ((1, b""), (1, own + bytes(4)), (1, other), (99, own + bytes(8))):
        header = Ipv6Header(ip6("2001:db8::2"), ip6("2001:db8::1"), 58, 64)
        a.receive(interface, Frame(interface.mac, 2, ETHERTYPE_IPV6, header, Icmpv6Header(kind, 0), quote), 0)
    assert drops(a) == {"ICMP_MALFORMED": 2, "ICMP_IGNORED": 2}


def test_an_endpoint_of_both_families_and_its_ways() -> None:
    _, a, _ = pair6()
    assert a.ipv6 is not None
    a.add_address("lo", 0x7F000002, 8)
    end = a.ipv6.udp.open6()
    assert end.bind(0, 5000) is None and end.bind(0, 1) is Failure.INVALID
    assert a.udp.by_port[5000] == a.ipv6.udp.by_port[5000] == [end]
    assert [row.version for row in a.ports.sockets()] == [4, 6] and a.ports.listens(5000)
    assert end.connect(ip6("::1"), 5001) is None
    assert 5000 not in a.udp.by_port, "it speaks IPv6 now"
    assert end.connect(mapped("127.0.0.1"), 1) is Failure.NETWORK_UNREACHABLE
    assert end.send_to(b"", mapped("127.0.0.1"), 1) is Failure.NETWORK_UNREACHABLE
    end.disconnect()
    assert a.udp.by_port[5000] == [end] and end.send(b"") is Failure.DESTINATION_REQUIRED
    assert end.connect(mapped("127.0.0.1"), 5002) is None and end.send(b"x") is None
    end.close()
    assert 5000 not in a.udp.by_port and 5000 not in a.ipv6.udp.by_port
    only = a.ipv6.udp.open6()
    only.only_ipv6 = True
    assert only.bind(mapped("127.0.0.1"), 0) is Failure.INVALID
    assert only.connect(mapped("127.0.0.1"), 1) is Failure.NETWORK_UNREACHABLE
    assert only.bind(ip6("2001:db8::99"), 0) is Failure.ADDRESS_NOT_AVAILABLE
    four = a.ipv6.udp.open6()
    assert four.bind(mapped("127.0.0.1"), 0) is None and four.version == 4
    wide = a.ipv6.udp.open6()
    assert wide.send_to(bytes(65528), ip6("::1"), 9) is Failure.MESSAGE_TOO_LONG
    assert wide.send_to(b"", ip6("::1"), 0) is Failure.INVALID
    assert wide.send_to(b"", ip6("fe80::9"), 9) is Failure.INVALID
    assert wide.send_to(b"", ip6("2001:db8:9::1"), 9) is Failure.NETWORK_UNREACHABLE
    assert wide.connect(ip6("fe80::9"), 9) is Failure.INVALID


def test_raw_endpoints() -> None:
    joined, a, b = pair6()
    assert a.ipv6 is not None and b.ipv6 is not None
    raw, other = RawEndpoint6(a.ipv6, 58), RawEndpoint6(b.ipv6, 200)
    assert raw.send_to(bytes((128, 0, 0, 0, 0, 7, 0, 1)) + b"data", ip6("2001:db8::2")) is None
    joined.quiesce()
    kinds = []
    while (packet := raw.receive()) is not None:
        kinds.append(packet.payload[0])
    assert kinds == [136, 129, 135] or kinds == [136, 129], "payloads alone, checksums checked"
    raw.icmp_filter = (1 << 256) - 1
    raw.send_to(bytes((128, 0, 0, 0, 0, 7, 0, 2)), ip6("2001:db8::2"))
    joined.quiesce()
    assert raw.receive() is None
    assert raw.send_to(b"abc", ip6("2001:db8::2")) is Failure.INVALID
    assert raw.send_to(bytes(65536), ip6("2001:db8::2")) is Failure.MESSAGE_TOO_LONG
    assert raw.send_to(bytes(8), ip6("2001:db8:9::1")) is Failure.NETWORK_UNREACHABLE
    assert raw.bind(ip6("2001:db8::99")) is Failure.ADDRESS_NOT_AVAILABLE
    assert raw.bind(ip6("2001:db8::1")) is None and raw.connect(ip6("2001:db8::2")) is None
    sender = RawEndpoint6(a.ipv6, 200)
    assert sender.connect(ip6("fe80::9")) is Failure.INVALID
    other.receive_buffer_bytes = 1000
    for _ in range(3):
        sender.send_to(b"hello", ip6("2001:db8::2"))
    joined.quiesce()
    assert bytes(other.receive().payload) == b"hello" and drops(b)["RAW_BUFFER_FULL"] == 2  # type: ignore[union-attr]
    other.close()
    other.close()
    sender.send_to(b"hello", ip6("2001:db8::2"))
    joined.quiesce()
    assert drops(b)["UNKNOWN_PROTOCOL"] == 1


def test_ways_out() -> None:
    _, a, _ = pair6()
    ip = a.ipv6
    assert ip is not None
    interface = a.interfaces["eth0"]
    route6(a, "2001:db8:4::/48", "2001:db8::9")
    assert ip.route_for(ip6("2001:db8:4::1"), 0, interface).gateway == ip6("2001:db8::9")  # type: ignore[union-attr]
    assert ip.route_for(ip6("2001:db8:66::1"), 0, interface).gateway == 0, "SO_BINDTODEVICE: on the link"  # type: ignore[union-attr]
    assert ip.route_for(ip6("2001:db8::1"), 0, interface).interface is a.lo  # type: ignore[union-attr]
    assert ip.route_for(ip6("ff05::1")).interface is interface  # type: ignore[union-attr]
    assert ip.route_for(ip6("ff02::1")).interface is interface  # type: ignore[union-attr]
    a.set_up("eth0", False)
    assert ip.route_for(ip6("2001:db8:4::1"), 0, interface) is None
    assert ip.default_interface() is None and ip.route_for(ip6("ff05::1")) is None
    a.set_up("eth0", True)
    for address in list(interface.ipv6.addresses):  # type: ignore[union-attr]
        interface.ipv6.remove_address(address.address)  # type: ignore[union-attr]
    ip.routes.add(Ipv6Route(0, 0, interface, ip6("fe80::9")))
    assert ip.send_packet(0, ip6("2001:db8::9"), 17, None, b"") is Failure.ADDRESS_NOT_AVAILABLE


def test_watchers_are_told_each_step() -> None:
    joined, a, _r, b = routed6(mtu=1300)
    told: list[tuple[str, str, str]] = []

    class Steps:
        def step(self, now: int, place: str, stop: object, subject: str, details: dict[str, object]) -> None:
            told.append((place, stop.name, subject.split(maxsplit=1)[0]))  # type: ignore[attr-defined]

    joined.watch.add(Steps())
    hears = b.ipv6.udp.open6()  # type: ignore[union-attr]
    hears.bind(0, 9000)
    sends = a.ipv6.udp.open6()  # type: ignore[union-attr]
    sends.path_mtu_discovery = 0
    sends.send_to(bytes(2000), ip6("2001:db8:2::1"), 9000)
    a.settle()
    joined.quiesce()
    assert not hears.queue, "the router says what passes"
    assert a.ipv6.route_for(ip6("2001:db8:2::1")).mtu == 1300, "the quoted datagram was ours"  # type: ignore[union-attr]
    sends.error = None
    sends.send_to(bytes(2000), ip6("2001:db8:2::1"), 9000)
    a.settle()
    joined.quiesce()
    assert len(hears.queue) == 1
    for step in (
        ("a", "DATAGRAM", "udp"), ("a", "FRAGMENT", "ipv6"), ("a", "RESOLVE", "ndp"), ("r", "ROUTE", "for"),
        ("b", "REASSEMBLE", "ipv6"), ("b", "PORTS", "udp"),
    ):  # fmt: skip
        assert step in told, step


def test_a_host_that_becomes_a_router_hears_what_is_for_all_routers() -> None:
    """Linux dev_forward_change: the group is joined and left with net.ipv6.conf.all.forwarding."""
    from netarium.control import Control
    from netarium.stack.ipv6_address import ALL_ROUTERS

    _joined, a, _b = pair6()
    control = Control(a, lambda: a.now, privileged=True)
    on_link = a.interfaces["eth0"].ipv6
    assert on_link is not None
    for value, heard in ((1, 1), (1, 1), (0, 0)):
        assert control.set_setting("net.ipv6.conf.all.forwarding", value) is None
        assert on_link.groups.get(ALL_ROUTERS, 0) == heard
