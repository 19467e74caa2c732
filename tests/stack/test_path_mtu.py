"""Path MTUs and redirects: what ICMP teaches about a path, who believes it, and for how long; over both families."""

from __future__ import annotations

from tests.stack.joined import SECOND, Joined, drops, ip, packets, pair, route_via
from tests.stack.joined6 import header_of, host6, ip6, packets6, ping6, route6, routed6

from netarium.stack.failures import Failure
from netarium.stack.path_mtu import plateau_below
from netarium.stack.stack import Stack
from netarium.stack.udp_endpoint import DO, DONT, PROBE
from netarium.wire.ethernet import ETHERTYPE_IPV4, Frame
from netarium.wire.icmp import IcmpHeader
from netarium.wire.ipv4 import Ipv4Header
from netarium.wire.packet import packet_bytes
from netarium.wire.udp import UdpHeader


def path(*mtus: int) -> tuple[Joined, Stack, Stack]:
    """a 10.0.0.1 - routers - b, whose links carry these MTUs; the last host is 10.0.N.2."""
    joined = Joined()
    last = len(mtus) - 1
    a = joined.host("a", "10.0.0.1/24", gateway="10.0.0.254")
    a.set_mtu("eth0", mtus[0])
    left = a
    for number in range(last):
        r = joined.host(f"r{number}", f"10.0.{number}.254/24", f"10.0.{number + 1}.253/24", ip_forward=1)
        r.set_mtu("eth0", mtus[number])
        r.set_mtu("eth1", mtus[number + 1])
        for far in range(number + 2, last + 1):
            route_via(r, f"10.0.{far}.0/24", f"10.0.{number + 1}.254")
        for near in range(number):
            route_via(r, f"10.0.{near}.0/24", f"10.0.{number}.253")
        out = "eth0" if left is a else "eth1"
        joined.segment(left.interfaces[out], r.interfaces["eth0"])
        left = r
    b = joined.host("b", f"10.0.{last}.2/24", gateway=f"10.0.{last}.253")
    b.set_mtu("eth0", mtus[-1])
    joined.segment(left.interfaces["eth1"], b.interfaces["eth0"])
    return joined, a, b


def udp(a: Stack, to: str) -> object:
    endpoint = a.udp.open()
    assert endpoint.connect(ip(to), 9000) is None
    return endpoint


def listening(b: Stack) -> object:
    endpoint = b.udp.open()
    assert endpoint.bind(0, 9000) is None
    return endpoint


def test_udp_learns_a_path_of_1500_1400_576_1500_step_by_step() -> None:
    joined, a, b = path(1500, 1400, 576, 1500)
    hears, sends = listening(b), udp(a, "10.0.3.2")
    known = []
    for size in (1472, 1372, 548, 1472):
        if sends.send(bytes(size)) is Failure.MESSAGE_TOO_LONG:  # type: ignore[attr-defined]
            sends.send(bytes(size))  # type: ignore[attr-defined]  # that was the error of the one before
        joined.quiesce()
        known.append(a.ipv4.route_for(ip("10.0.3.2")).mtu)  # type: ignore[union-attr]
    assert known == [1400, 576, 576, 576]
    assert [len(each.payload) for each in hears.queue] == [548, 1472], "the last in fragments of 576"  # type: ignore[attr-defined]
    cut = [
        each.frame for each in joined.take() if each.host == "a" and each.frame.ethertype == ETHERTYPE_IPV4
    ]
    assert all(frame.size_bytes <= 14 + 576 for frame in cut[-3:])
    joined.wait(601 * SECOND)
    assert a.ipv4.route_for(ip("10.0.3.2")).mtu == 1500, "after ten minutes it is tried again"  # type: ignore[union-attr]


def test_what_a_program_says_about_path_mtu_discovery_counts() -> None:
    joined, a, b = path(1500, 576)
    hears, sends = listening(b), udp(a, "10.0.1.2")
    sends.path_mtu_discovery = DONT  # type: ignore[attr-defined]
    assert sends.send(bytes(1000)) is None  # type: ignore[attr-defined]
    joined.quiesce()
    assert len(hears.queue) == 1, "the router has fragmented it: even where ICMP is filtered"  # type: ignore[attr-defined]
    sends.path_mtu_discovery = DO  # type: ignore[attr-defined]
    assert sends.send(bytes(1473)) is Failure.MESSAGE_TOO_LONG, "more than the link"  # type: ignore[attr-defined]
    assert sends.send(bytes(1000)) is None  # type: ignore[attr-defined]
    joined.quiesce()
    assert sends.take_error() is Failure.MESSAGE_TOO_LONG  # type: ignore[attr-defined]
    assert sends.send(bytes(1000)) is Failure.MESSAGE_TOO_LONG, "more than the path"  # type: ignore[attr-defined]
    sends.path_mtu_discovery = PROBE  # type: ignore[attr-defined]
    assert sends.send(bytes(400)) is None  # type: ignore[attr-defined]


def error_about(a: Stack, sends: object, rest: int, *, port: int = 0, source: str = "10.0.1.2") -> Frame:
    quoted = Ipv4Header(ip("10.0.0.1"), ip("10.0.1.2"), 17, 60)
    ports = UdpHeader(port or sends.local_port, 9000)  # type: ignore[attr-defined]
    quote = packet_bytes(quoted, ports, bytes(1000))[:548]
    header = Ipv4Header(ip(source), ip("10.0.0.1"), 1, 60)
    return Frame(a.interfaces["eth0"].mac, 1, ETHERTYPE_IPV4, header, IcmpHeader(3, 4, rest), quote)


def test_an_error_that_quotes_nothing_of_ours_teaches_nothing() -> None:
    _, a, _b = path(1500, 1500)
    sends = udp(a, "10.0.1.2")
    a.receive(a.interfaces["eth0"], error_about(a, sends, 600, port=1), 1)
    assert a.ipv4.route_for(ip("10.0.1.2")).mtu == 1500  # type: ignore[union-attr]
    a.receive(a.interfaces["eth0"], error_about(a, sends, 600), 1)
    assert a.ipv4.route_for(ip("10.0.1.2")).mtu == 600  # type: ignore[union-attr]
    a.receive(a.interfaces["eth0"], error_about(a, sends, 1300), 1)
    assert a.ipv4.route_for(ip("10.0.1.2")).mtu == 600, "a larger one is no news"  # type: ignore[union-attr]
    a.receive(a.interfaces["eth0"], error_about(a, sends, 20), 1)
    assert a.ipv4.route_for(ip("10.0.1.2")).mtu == 68, "the least there is"  # type: ignore[union-attr]


def test_a_router_that_does_not_say_its_mtu_is_guessed_at() -> None:
    _, a, _b = path(1500, 1500)
    sends = udp(a, "10.0.1.2")
    a.receive(a.interfaces["eth0"], error_about(a, sends, 0), 1)
    assert a.ipv4.route_for(ip("10.0.1.2")).mtu == plateau_below(1028) == 1006  # type: ignore[union-attr]
    assert plateau_below(68) == 68


def test_ipv6_learns_and_never_below_1280() -> None:
    joined, a, _r, b = routed6(mtu=1300)
    hears = b.ipv6.udp.open6()  # type: ignore[union-attr]
    hears.bind(0, 9000)
    sends = a.ipv6.udp.open6()  # type: ignore[union-attr]
    assert sends.connect(ip6("2001:db8:2::1"), 9000) is None
    assert sends.send(bytes(1400)) is None
    joined.quiesce()
    assert sends.take_error() is Failure.MESSAGE_TOO_LONG
    assert a.ipv6.route_for(ip6("2001:db8:2::1")).mtu == 1300  # type: ignore[union-attr]
    assert sends.send(bytes(1400)) is None
    joined.quiesce()
    assert [len(each.payload) for each in hears.queue] == [1400]
    assert not a.ipv6.paths.learn_mtu(ip6("2001:db8:2::1"), 1279)  # type: ignore[union-attr]
    joined.wait(601 * SECOND)
    assert a.ipv6.route_for(ip6("2001:db8:2::1")).mtu == 1500  # type: ignore[union-attr]


def two_routers() -> tuple[Joined, Stack, Stack, Stack]:
    """a with the default gateway .1; the network 10.9/16 is behind .2."""
    joined = Joined()
    a = joined.host("a", "10.0.0.9/24", gateway="10.0.0.1")
    r1 = joined.host("r1", "10.0.0.1/24", ip_forward=1)
    r2 = joined.host("r2", "10.0.0.2/24", "10.9.0.2/16", ip_forward=1)
    b = joined.host("b", "10.9.0.9/16", gateway="10.9.0.2")
    route_via(r1, "10.9.0.0/16", "10.0.0.2")
    joined.segment(*(each.interfaces["eth0"] for each in (a, r1, r2)))
    joined.segment(r2.interfaces["eth1"], b.interfaces["eth0"])
    return joined, a, r1, b


def test_a_redirect_is_sent_and_believed_for_a_time() -> None:
    joined, a, r1, b = two_routers()
    hears, sends = listening(b), udp(a, "10.9.0.9")
    sends.send(b"one")  # type: ignore[attr-defined]
    joined.quiesce()
    redirects = [f for f in packets(joined.take()) if isinstance(f.transport, IcmpHeader)]
    assert [(f.transport.type, f.transport.code, f.transport.rest) for f in redirects] == [  # type: ignore[union-attr]
        (5, 1, ip("10.0.0.2"))
    ]
    assert a.ipv4.route_for(ip("10.9.0.9")).gateway == ip("10.0.0.2")  # type: ignore[union-attr]
    assert a.ipv4.route_for(ip("10.9.0.8")).gateway == ip("10.0.0.1"), "for that host alone"  # type: ignore[union-attr]
    sends.send(b"two")  # type: ignore[attr-defined]
    joined.quiesce()
    assert r1.ipv4.forward.forwarded == 1
    assert [bytes(each.payload) for each in hears.queue] == [b"one", b"two"]  # type: ignore[attr-defined]
    joined.wait(301 * SECOND)
    assert a.ipv4.route_for(ip("10.9.0.9")).gateway == ip("10.0.0.1")  # type: ignore[union-attr]


def test_a_redirect_from_another_than_the_first_hop_is_ignored() -> None:
    _, a, _r1, _b = two_routers()
    quoted = packet_bytes(Ipv4Header(ip("10.0.0.9"), ip("10.9.0.9"), 17, 60), UdpHeader(1, 2), b"")
    for source, gateway in (("10.0.0.2", "10.0.0.3"), ("10.0.0.1", "10.8.8.8"), ("10.0.0.1", "10.0.0.9")):
        header = Ipv4Header(ip(source), ip("10.0.0.9"), 1, 60)
        message = IcmpHeader(5, 1, ip(gateway))
        a.receive(
            a.interfaces["eth0"],
            Frame(a.interfaces["eth0"].mac, 1, ETHERTYPE_IPV4, header, message, quoted),
            1,
        )
    assert drops(a) == {"ICMP_IGNORED": 3}
    assert a.ipv4.route_for(ip("10.9.0.9")).gateway == ip("10.0.0.1")  # type: ignore[union-attr]


def test_ipv6_redirects_name_the_better_router_by_its_link_local_address() -> None:
    joined = Joined()
    a = host6(joined, "a", "2001:db8::9/64")
    r1 = host6(joined, "r1", "2001:db8::1/64", forwarding=1)
    r2 = host6(joined, "r2", "2001:db8::2/64", "2001:db8:9::2/64", forwarding=1)
    b = host6(joined, "b", "2001:db8:9::9/64")
    joined.segment(*(each.interfaces["eth0"] for each in (a, r1, r2)))
    joined.segment(r2.interfaces["eth1"], b.interfaces["eth0"])
    first = r1.interfaces["eth0"].ipv6.link_local  # type: ignore[union-attr]
    better = r2.interfaces["eth0"].ipv6.link_local  # type: ignore[union-attr]
    from netarium.addresses import ipv6_text

    route6(a, "::/0", ipv6_text(first))
    route6(r1, "2001:db8:9::/64", ipv6_text(better))
    route6(b, "::/0", "2001:db8:9::2")
    joined.take()
    ping6(a, "2001:db8:9::9")
    joined.quiesce()
    said = [f for f in packets6(joined.take()) if f.transport is not None and f.transport.type == 137]  # type: ignore[union-attr]
    assert len(said) == 1 and header_of(said[0]).ttl == 255
    assert a.ipv6.route_for(ip6("2001:db8:9::9")).gateway == better  # type: ignore[union-attr]
    ping6(a, "2001:db8:9::9", sequence=2)
    joined.quiesce()
    assert r1.ipv6.forward.forwarded == 1  # type: ignore[union-attr]


def test_a_host_says_itself_what_would_have_fitted() -> None:
    """Linux ip_local_error: with IP_RECVERR an EMSGSIZE leaves the MTU in the error queue."""
    _joined, a, _b = pair()
    sends = a.udp.open()
    sends.path_mtu_discovery = DO
    assert sends.send_to(bytes(3000), ip("10.0.0.2"), 9) is Failure.MESSAGE_TOO_LONG
    assert sends.errors is None, "nobody asked"
    sends.all_errors = True
    assert sends.send_to(bytes(3000), ip("10.0.0.2"), 9) is Failure.MESSAGE_TOO_LONG
    assert sends.errors is not None
    told = sends.errors.take()
    assert told is not None
    assert (told.origin, told.info, told.destination, told.destination_port) == (1, 1500, ip("10.0.0.2"), 9)
    assert sends.errors.take() is None and sends.error is None


def test_what_was_learnt_of_one_path_is_not_laid_on_another() -> None:
    """Linux fib_nh_exception: a redirect and a path MTU belong to the next hop, and go with its last route."""
    joined, a, _r1, _b = two_routers()
    sends = udp(a, "10.9.0.9")
    sends.send(b"one")  # type: ignore[attr-defined]
    joined.quiesce()
    a.enter(joined.now)
    assert a.ipv4.paths.learn_mtu(ip("10.9.0.9"), 600)

    def way() -> tuple[int, int]:
        route = a.ipv4.route_for(ip("10.9.0.9"))
        assert route is not None
        return route.gateway, route.mtu

    assert way() == (ip("10.0.0.2"), 600)
    route_via(a, "10.9.0.0/16", "10.0.0.7")
    assert way() == (ip("10.0.0.7"), 1500), "a more special route by another gateway"
    assert a.ipv4.paths.learn_mtu(ip("10.9.0.9"), 900)
    assert way() == (ip("10.0.0.7"), 900)
    special = next(each for each in a.routes.routes if each.gateway == ip("10.0.0.7"))
    a.routes.remove(special)
    assert way() == (ip("10.0.0.2"), 600), "the first way is still what it was"
    a.routes.add(special)
    assert way() == (ip("10.0.0.7"), 1500), "what belonged to the route that was removed has gone with it"
    joined.wait(700 * SECOND)
    assert not a.routes.exceptions and not a.ipv4.paths.known


def test_an_ipv6_path_mtu_belongs_to_its_next_hop_too() -> None:
    _joined, a, _r, _b = routed6(mtu=1300)
    assert a.ipv6 is not None
    far = ip6("2001:db8:2::1")
    assert a.ipv6.paths.learn_mtu(far, 1300)
    assert a.ipv6.route_for(far).mtu == 1300  # type: ignore[union-attr]
    route6(a, "2001:db8:2::/64", "2001:db8:1::77")
    assert a.ipv6.route_for(far).mtu == 1500  # type: ignore[union-attr]
