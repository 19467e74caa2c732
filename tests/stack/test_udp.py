"""UDP endpoints: binding, matching, errors, limits (RFC 768, RFC 1122 4.1, Linux udp.c)."""

from __future__ import annotations

import pytest
from tests.stack.joined import SECOND, Joined, drops, ip, packets, pair

from netarium.stack.failures import Failure
from netarium.stack.udp_endpoint import DATAGRAM_OVERHEAD_BYTES


def texts(endpoint) -> list[bytes]:
    found = []
    while (datagram := endpoint.receive()) is not None:
        found.append(bytes(datagram.payload))
    return found


def bound(stack, address: str, port: int, **options):
    endpoint = stack.udp.open()
    for name, value in options.items():
        setattr(endpoint, name, value)
    assert endpoint.bind(ip(address), port) is None
    return endpoint


def test_a_datagram_tells_where_it_came_from():
    joined, a, b = pair()
    server = bound(b, "0.0.0.0", 9)
    client = bound(a, "0.0.0.0", 5000)
    client.send_to(b"x", ip("10.0.0.2"), 9)
    joined.quiesce()
    datagram = server.receive()
    assert (datagram.source, datagram.source_port) == (ip("10.0.0.1"), 5000)
    assert (datagram.destination, datagram.interface.name) == (ip("10.0.0.2"), "eth0")


def test_an_empty_datagram_is_a_datagram():
    joined, a, b = pair()
    server = bound(b, "0.0.0.0", 9)
    a.udp.open().send_to(b"", ip("10.0.0.2"), 9)
    joined.quiesce()
    assert texts(server) == [b""]


def test_a_closed_port_refuses_a_connected_endpoint_once_and_an_unconnected_one_never():
    joined, a, _ = pair()
    connected, free = a.udp.open(), a.udp.open()
    connected.connect(ip("10.0.0.2"), 9)
    called = []
    connected.on_change = lambda: called.append(connected.error)
    connected.send(b"x")
    free.send_to(b"x", ip("10.0.0.2"), 9)
    joined.quiesce()
    assert called == [Failure.CONNECTION_REFUSED]
    assert connected.send(b"y") is Failure.CONNECTION_REFUSED, (
        "the pending error is reported by the next call"
    )
    assert connected.send(b"y") is None
    assert free.error is None


def test_soft_errors_are_told_only_to_those_who_asked():
    joined, a, _ = pair()
    plain, asking = a.udp.open(), a.udp.open()
    asking.all_errors = True
    for endpoint in (plain, asking):
        endpoint.connect(ip("10.0.0.77"), 9)
        endpoint.send(b"x")
    joined.wait(3 * SECOND)
    assert plain.error is None
    assert asking.error is Failure.HOST_UNREACHABLE


def test_a_connected_endpoint_hears_only_its_peer():
    joined, a, b = pair()
    server = bound(b, "0.0.0.0", 9)
    one, other = bound(a, "0.0.0.0", 5001), bound(a, "0.0.0.0", 5002)
    server.connect(ip("10.0.0.1"), 5001)
    for endpoint in (one, other):
        endpoint.send_to(b"x%d" % endpoint.local_port, ip("10.0.0.2"), 9)
    joined.quiesce()
    assert texts(server) == [b"x5001"]
    assert other.error is None
    server.disconnect()
    other.send_to(b"again", ip("10.0.0.2"), 9)
    joined.quiesce()
    assert texts(server) == [b"again"]


def test_the_specific_address_wins_over_the_wildcard():
    joined, a, b = pair()
    b.add_address("eth0", ip("10.0.0.3"), 24)
    wild = bound(b, "0.0.0.0", 9, reuse_address=True)
    specific = bound(b, "10.0.0.3", 9, reuse_address=True)
    client = a.udp.open()
    client.send_to(b"to 2", ip("10.0.0.2"), 9)
    client.send_to(b"to 3", ip("10.0.0.3"), 9)
    joined.quiesce()
    assert texts(wild) == [b"to 2"]
    assert texts(specific) == [b"to 3"]


def test_reuse_port_spreads_flows_and_keeps_each_at_one_endpoint():
    joined, a, b = pair()
    servers = [bound(b, "0.0.0.0", 9, reuse_port=True) for _ in range(3)]
    for port in range(5000, 5030):
        client = bound(a, "0.0.0.0", port)
        client.send_to(b"1", ip("10.0.0.2"), 9)
        client.send_to(b"2", ip("10.0.0.2"), 9)
    joined.quiesce()
    counts = [len(texts(each)) for each in servers]
    assert sum(counts) == 60
    assert all(count and count % 2 == 0 for count in counts)


def test_broadcast_needs_permission_and_reaches_all_and_the_sender_itself():
    joined = Joined()
    hosts = [joined.host(name, f"10.0.0.{number}/24") for number, name in enumerate("abc", 1)]
    joined.segment(*(each.interfaces["eth0"] for each in hosts))
    servers = [bound(each, "0.0.0.0", 9) for each in hosts]
    client = hosts[0].udp.open()
    assert client.send_to(b"x", ip("10.0.0.255"), 9) is Failure.BROADCAST_NOT_ALLOWED
    assert client.connect(ip("10.0.0.255"), 9) is Failure.BROADCAST_NOT_ALLOWED
    client.broadcast = True
    assert client.send_to(b"x", ip("10.0.0.255"), 9) is None
    joined.quiesce()
    assert [texts(each) for each in servers] == [[b"x"], [b"x"], [b"x"]]
    assert len(packets(joined.sent)) == 1


def test_the_limited_broadcast_leaves_by_the_interface_of_the_source():
    joined, a, b = pair()
    server = bound(b, "0.0.0.0", 9)
    free = a.udp.open()
    free.broadcast = True
    assert free.send_to(b"x", 0xFFFFFFFF, 9) is Failure.NETWORK_UNREACHABLE, (
        "as on Linux without a default route"
    )
    client = bound(a, "10.0.0.1", 0, broadcast=True)
    assert client.send_to(b"x", 0xFFFFFFFF, 9) is None
    joined.quiesce()
    assert texts(server) == [b"x"]


def test_a_host_without_address_may_ask_all_by_an_interface():
    """What a DHCP client does: 0.0.0.0 to 255.255.255.255 by one interface."""
    joined = Joined()
    a, b = joined.host("a", ""), joined.host("b", "10.0.0.2/24")
    joined.segment(a.interfaces["eth0"], b.interfaces["eth0"])
    server = bound(b, "0.0.0.0", 67)
    client = bound(a, "0.0.0.0", 68, broadcast=True, interface=a.interfaces["eth0"])
    assert client.send_to(b"who am I", 0xFFFFFFFF, 67) is None
    joined.quiesce()
    datagram = server.receive()
    assert (bytes(datagram.payload), datagram.source) == (b"who am I", 0)


def test_too_long_a_datagram_is_refused_by_the_sender():
    _, a, _ = pair()
    assert a.udp.open().send_to(bytes(65508), ip("10.0.0.2"), 9) is Failure.MESSAGE_TOO_LONG


def test_no_route_is_network_unreachable_and_a_counted_drop():
    joined, a, _ = pair()
    assert a.udp.open().send_to(b"x", ip("172.16.0.1"), 9) is Failure.NETWORK_UNREACHABLE
    assert drops(a) == {"NO_ROUTE": 1}
    assert not joined.sent


def test_a_full_buffer_drops_what_comes_and_takes_again_after_reading():
    joined, a, b = pair()
    server = bound(b, "0.0.0.0", 9, receive_buffer_bytes=2 * (100 + DATAGRAM_OVERHEAD_BYTES))
    client = a.udp.open()
    for number in range(4):
        client.send_to(bytes([number]) * 100, ip("10.0.0.2"), 9)
    joined.quiesce()
    assert [text[0] for text in texts(server)] == [0, 1]
    assert drops(b) == {"UDP_BUFFER_FULL": 2}
    assert server.queued_bytes == 0
    client.send_to(b"more", ip("10.0.0.2"), 9)
    joined.quiesce()
    assert texts(server) == [b"more"]


def test_closing_frees_the_port():
    _joined, _, b = pair()
    server = bound(b, "0.0.0.0", 9)
    assert b.ports.listens(9)
    server.close()
    server.close()
    assert not b.ports.listens(9)
    bound(b, "0.0.0.0", 9)


def test_a_bound_endpoint_answers_from_the_address_it_is_bound_to():
    joined, a, b = pair()
    a.add_address("eth0", ip("10.0.0.9"), 24)
    server = bound(b, "0.0.0.0", 9)
    bound(a, "10.0.0.9", 0).send_to(b"x", ip("10.0.0.2"), 9)
    joined.quiesce()
    assert server.receive().source == ip("10.0.0.9")


@pytest.mark.parametrize("text", ["127.0.0.1", "127.1.2.3", "10.0.0.1", "0.0.0.0"])
def test_own_addresses_are_reached_over_lo(text):
    joined, a, _ = pair()
    server = bound(a, "0.0.0.0", 9)
    a.udp.open().send_to(b"x", ip(text), 9)
    joined.quiesce()
    assert texts(server) == [b"x"]
    assert not joined.sent
    assert a.lo.frames_in == a.lo.frames_out == 1


def test_a_closed_port_on_lo_refuses_within_the_same_call():
    _, a, _ = pair()
    client = a.udp.open()
    client.connect(ip("127.0.0.1"), 9)
    client.send(b"x")
    a.settle()
    assert client.take_error() is Failure.CONNECTION_REFUSED


def test_connecting_chooses_the_local_address_and_port():
    _, a, _ = pair()
    endpoint = a.udp.open()
    assert endpoint.send(b"x") is Failure.DESTINATION_REQUIRED
    assert endpoint.connect(ip("172.16.0.1"), 9) is Failure.NETWORK_UNREACHABLE
    assert endpoint.connect(0, 9) is None
    assert (endpoint.local_address, endpoint.remote_address) == (ip("127.0.0.1"), ip("127.0.0.1"))
    endpoint.disconnect()
    assert (endpoint.local_address, endpoint.remote_port) == (0, 0)
    assert endpoint.bind(0, 1) is Failure.INVALID, "it has its port already"
    assert endpoint.send_to(b"x", ip("10.0.0.2"), 0) is Failure.INVALID


def test_a_route_that_changes_counts_for_connected_endpoints_at_once():
    joined, a, _ = pair()
    client = a.udp.open()
    client.connect(ip("10.0.0.2"), 9)
    client.send(b"x")
    a.remove_address("eth0", ip("10.0.0.1"))
    assert client.send(b"y") is Failure.NETWORK_UNREACHABLE
    joined.quiesce()


def test_bound_to_an_interface_it_hears_only_that():
    joined = Joined()
    r = joined.host("r", "10.0.1.254/24", "10.0.2.254/24")
    hosts = [joined.host(f"h{number}", f"10.0.{number}.1/24") for number in (1, 2)]
    for host, interface in zip(hosts, ("eth0", "eth1"), strict=True):
        joined.segment(host.interfaces["eth0"], r.interfaces[interface])
    one = bound(r, "0.0.0.0", 9, reuse_address=True, interface=r.interfaces["eth1"])
    other = bound(r, "0.0.0.0", 9, reuse_address=True)
    for number, host in enumerate(hosts, 1):
        host.udp.open().send_to(b"%d" % number, ip(f"10.0.{number}.254"), 9)
    joined.quiesce()
    assert (texts(one), texts(other)) == ([b"2"], [b"1"])


def test_peeking_leaves_the_datagram_where_it_is():
    joined, a, b = pair()
    server = bound(b, "0.0.0.0", 9)
    assert server.peek() is None
    a.udp.open().send_to(b"x", ip("10.0.0.2"), 9)
    joined.quiesce()
    assert server.peek() is server.peek() is not None
    assert texts(server) == [b"x"]
