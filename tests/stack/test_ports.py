"""Bind tables: who may share a port (Linux inet_csk_bind_conflict, udp_lib_get_port; RFC 6056)."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from tests.stack.joined import ip, pair

from netarium.stack.failures import Failure
from netarium.stack.ports import Binding
from netarium.stack.tcp.socket_options import SocketOptions

A, B, ANY = "10.0.0.1", "127.0.0.1", "0.0.0.0"

# (transport, first: address, reuse, reuse_port, uid, listening), (second), may share
CASES = [
    ("tcp", (ANY, 0, 0, 0, 0), (ANY, 0, 0, 0), False),
    ("tcp", (A, 0, 0, 0, 0), (ANY, 0, 0, 0), False),
    ("tcp", (ANY, 0, 0, 0, 0), (A, 0, 0, 0), False),
    ("tcp", (A, 0, 0, 0, 0), (B, 0, 0, 0), True),
    ("tcp", (ANY, 1, 0, 0, 0), (ANY, 1, 0, 0), True),
    ("tcp", (ANY, 1, 0, 0, 1), (ANY, 1, 0, 0), False),
    ("tcp", (ANY, 1, 0, 0, 1), (A, 1, 0, 0), False),
    ("tcp", (ANY, 0, 0, 0, 0), (ANY, 1, 0, 0), False),
    ("tcp", (ANY, 0, 1, 7, 1), (ANY, 0, 1, 7), True),
    ("tcp", (ANY, 0, 1, 7, 1), (ANY, 0, 1, 8), False),
    ("udp", (ANY, 0, 0, 0, 0), (ANY, 0, 0, 0), False),
    ("udp", (ANY, 1, 0, 0, 0), (ANY, 1, 0, 0), True),
    ("udp", (ANY, 1, 0, 0, 0), (ANY, 0, 0, 0), False),
    ("udp", (A, 0, 0, 0, 0), (B, 0, 0, 0), True),
    ("udp", (ANY, 0, 1, 7, 0), (ANY, 0, 1, 7), True),
]


def claim(table, owner, address, reuse, reuse_port, uid, port=80):
    return table.bind(
        owner, ip(address), port, reuse_address=bool(reuse), reuse_port=bool(reuse_port), uid=uid
    )


@pytest.mark.parametrize(("transport", "first", "second", "may"), CASES)
def test_who_may_share_a_port(transport, first, second, may):
    _, a, _ = pair()
    table = getattr(a.ports, transport)
    one = claim(table, "one", *first[:4])
    assert isinstance(one, Binding)
    one.listening = bool(first[4])
    other = claim(table, "other", *second)
    assert other is Failure.ADDRESS_IN_USE if not may else isinstance(other, Binding)


def test_udp_and_tcp_ports_are_apart():
    _, a, _ = pair()
    assert isinstance(a.ports.tcp.bind("one", 0, 80), Binding)
    assert isinstance(a.ports.udp.bind("two", 0, 80), Binding)


def test_an_address_of_another_is_not_available():
    _, a, _ = pair()
    assert a.ports.tcp.bind("x", ip("10.0.0.2"), 80) is Failure.ADDRESS_NOT_AVAILABLE
    assert isinstance(a.ports.udp.bind("x", ip("10.0.0.255"), 80), Binding)
    assert isinstance(a.ports.tcp.bind("y", ip("127.9.9.9"), 80), Binding)
    a.settings.set("net.ipv4.ip_nonlocal_bind", 1)
    assert isinstance(a.ports.tcp.bind("z", ip("10.0.0.2"), 81), Binding)


def test_two_that_share_by_reuse_address_cannot_both_listen():
    _, a, _ = pair()
    one = claim(a.ports.tcp, "one", ANY, 1, 0, 0)
    other = claim(a.ports.tcp, "other", ANY, 1, 0, 0)
    assert a.ports.tcp.may_listen(one)
    one.listening = True
    assert not a.ports.tcp.may_listen(other)


def test_release_frees_what_the_owner_had():
    _, a, _ = pair()
    a.ports.tcp.bind("one", 0, 80)
    a.ports.release("one")
    a.ports.release("one")
    assert isinstance(a.ports.tcp.bind("two", 0, 80), Binding)


def test_ephemeral_ports_come_from_the_range_until_none_is_left():
    _, a, _ = pair()
    a.settings.set("net.ipv4.ip_local_port_range", "40000 40009")
    got = [a.ports.udp.bind(number, 0, 0) for number in range(10)]
    assert sorted(each.port for each in got) == list(range(40000, 40010))
    assert [each.port for each in got] != list(range(40000, 40010)), "not in order"
    assert a.ports.udp.bind(11, 0, 0) is Failure.ADDRESS_IN_USE


def test_the_same_seed_gives_the_same_ports():
    ports = []
    for _ in range(2):
        _, a, _ = pair()
        ports.append([a.ports.tcp.bind(number, 0, 0).port for number in range(5)])
    assert ports[0] == ports[1]


def test_connecting_takes_a_port_whose_four_tuple_is_free():
    _, a, _ = pair()
    a.settings.set("net.ipv4.ip_local_port_range", "40000 40001")
    local, remote = ip("10.0.0.1"), ip("10.0.0.2")
    a.ports.tcp.bind("bound", 0, 40000)
    assert a.ports.tcp.choose_for_connect(local, remote, 80) == 40001
    a.tcp.connect(a.ipv4, (local, 40001), (remote, 80), SocketOptions())
    assert a.ports.tcp.choose_for_connect(local, remote, 80) is Failure.ADDRESS_NOT_AVAILABLE
    assert a.ports.tcp.choose_for_connect(local, remote, 81) == 40001


@pytest.mark.pure("a stand-in is no Connection")
@pytest.mark.parametrize(
    ("address", "options", "may"),
    [
        (ANY, {}, False),
        (A, {}, False),
        ("127.0.0.1", {}, True),
        (ANY, {"reuse_address": True}, True),
        (ANY, {"reuse_port": True}, True),
    ],
)
def test_a_connection_holds_its_port_as_long_as_tcp_knows_it(address, options, may):
    """Why a server that closed first cannot start again for a minute, unless it sets SO_REUSEADDR."""
    _, a, _ = pair()
    key = (ip(A), 80, ip("10.0.0.2"), 5000)
    a.tcp.connections[key] = SimpleNamespace(local_ip=ip(A), local_port=80)
    claim = a.ports.tcp.bind("server", ip(address), 80, **options)
    assert isinstance(claim, Binding) if may else claim is Failure.ADDRESS_IN_USE
    del a.tcp.connections[key]
    a.ports.release("server")
    assert isinstance(a.ports.tcp.bind("server", 0, 80), Binding)
