"""The door for tools: every change shows, what cannot be is a Failure with Linux' errno."""

from __future__ import annotations

import pytest
from tests.stack.joined import SECOND, ip, pair

from netarium.control import Control
from netarium.errors import UsageError
from netarium.stack.failures import Failure


def doors():
    joined, a, b = pair()
    return joined, Control(a, lambda: joined.now), Control(b, lambda: joined.now)


def test_interfaces_and_addresses():
    _, control, _ = doors()
    assert [each.name for each in control.interfaces()] == ["lo", "eth0"]
    assert control.add_address("eth0", ip("10.7.0.1"), 16) is None
    assert control.add_address("eth0", ip("10.7.0.1"), 16) is Failure.EXISTS
    assert control.add_address("eth9", ip("10.7.0.1"), 16) is Failure.NO_DEVICE
    assert control.add_address("eth0", ip("224.0.0.1"), 16) is Failure.INVALID
    view = control.interfaces()[1]
    assert [(each.address, each.length) for each in view.addresses] == [
        (ip("10.0.0.1"), 24),
        (ip("10.7.0.1"), 16),
    ]
    assert control.route_to(ip("10.7.9.9")).source == ip("10.7.0.1")
    assert control.remove_address("eth0", ip("10.7.0.1")) is None
    assert control.remove_address("eth0", ip("10.7.0.1")) is Failure.ADDRESS_NOT_AVAILABLE
    assert control.route_to(ip("10.7.9.9")) is None


def test_routes():
    _, control, _ = doors()
    assert control.add_route(0, 0, gateway=ip("10.0.0.254"), protocol="dhcp") is None
    assert control.add_route(0, 0, gateway=ip("10.0.0.253")) is Failure.EXISTS
    assert control.add_route(0, 0, gateway=ip("10.0.0.253"), metric=5) is None
    assert control.add_route(0, 0, gateway=ip("10.0.0.252"), replace=True) is None
    assert control.add_route(ip("9.0.0.1"), 8, gateway=ip("10.0.0.254")) is Failure.INVALID
    assert control.add_route(ip("9.0.0.0"), 8, gateway=ip("172.16.0.1")) is Failure.NETWORK_UNREACHABLE
    assert control.add_route(ip("9.0.0.0"), 8) is Failure.NO_DEVICE
    assert control.add_route(ip("9.0.0.0"), 8, interface="eth0") is None
    assert [(each.prefix, each.gateway, each.metric) for each in control.routes()] == [
        (0, ip("10.0.0.252"), 0),
        (0, ip("10.0.0.253"), 5),
        (ip("9.0.0.0"), 0, 0),
        (ip("10.0.0.0"), 0, 0),
    ]
    assert control.route_to(ip("8.8.8.8")).gateway == ip("10.0.0.252")
    assert control.remove_route(0, 0, metric=5) is None
    assert control.remove_route(0, 0, metric=5) is Failure.NOT_FOUND


def test_a_gateway_is_on_a_link_not_behind_another():
    _, control, _ = doors()
    control.add_route(0, 0, gateway=ip("10.0.0.254"))
    assert control.add_route(ip("9.0.0.0"), 8, gateway=ip("8.8.8.8")) is Failure.NETWORK_UNREACHABLE
    assert control.add_route(ip("9.0.0.0"), 8, gateway=ip("10.0.0.1")) is Failure.NETWORK_UNREACHABLE


def test_neighbors():
    joined, control, _ = doors()
    control.stack.udp.open().send_to(b"x", ip("10.0.0.2"), 9)
    joined.quiesce()
    assert [(each.interface, each.address, each.state, each.age_ns) for each in control.neighbors()] == [
        ("eth0", ip("10.0.0.2"), "REACHABLE", 0)
    ]
    joined.wait(40 * SECOND)
    assert [(each.state, each.age_ns) for each in control.neighbors()] == [("STALE", 40 * SECOND)]
    assert control.add_neighbor("eth0", ip("10.0.0.5"), 0x020000000005) is None
    joined.wait(100 * SECOND)
    assert [(each.address, each.state) for each in control.neighbors()] == [(ip("10.0.0.5"), "PERMANENT")]
    assert control.remove_neighbor("eth0", ip("10.0.0.5")) is None
    assert control.remove_neighbor("eth0", ip("10.0.0.5")) is Failure.NOT_FOUND


def test_an_interface_switched_off_is_silent_and_forgets_its_neighbours():
    joined, control, other = doors()
    other.stack.udp.open().send_to(b"x", ip("10.0.0.1"), 9)
    joined.quiesce()
    assert control.set_interface_up("eth0", False) is None
    assert control.neighbors() == []
    joined.take()
    other.stack.udp.open().send_to(b"x", ip("10.0.0.1"), 9)
    joined.quiesce()
    assert [each.host for each in joined.take()] == ["b"]
    assert control.set_interface_up("eth0", True) is None
    assert control.route_to(ip("10.0.0.2")) is not None


def test_the_mtu_of_an_interface_bounds_what_leaves():
    joined, control, _ = doors()
    assert control.set_mtu("eth0", 67) is Failure.INVALID
    assert control.set_mtu("eth0", 576) is None
    control.stack.udp.open().send_to(bytes(1000), ip("10.0.0.2"), 9)
    joined.quiesce()
    assert max(each.frame.size_bytes for each in joined.take() if each.host == "a") <= 576 + 14


def test_settings_and_sockets():
    _, control, _ = doors()
    assert control.set_setting("net.ipv4.ip_default_ttl", "12") is None
    assert control.setting("net.ipv4.ip_default_ttl") == 12
    with pytest.raises(UsageError, match="ip_default_ttl"):
        control.setting("net.ipv4.ip_default_tll")
    endpoint = control.stack.udp.open()
    endpoint.bind(0, 53)
    assert [(row.protocol, row.state, row.local_port) for row in control.sockets()] == [("udp", "UNCONN", 53)]
    assert repr(control.sockets()[0]) == "<udp UNCONN 0.0.0.0:53 0.0.0.0:*>"


def test_an_ordinary_user_reads_and_changes_nothing():
    joined, _, _ = doors()
    control = Control(joined.stacks["a"], lambda: 0, privileged=False)
    assert control.interfaces()
    for change in (
        lambda: control.set_interface_up("eth0", False),
        lambda: control.set_mtu("eth0", 900),
        lambda: control.add_address("eth0", 1, 24),
        lambda: control.remove_address("eth0", ip("10.0.0.1")),
        lambda: control.add_route(0, 0, interface="eth0"),
        lambda: control.remove_route(ip("10.0.0.0"), 24),
        lambda: control.add_neighbor("eth0", 1, 1),
        lambda: control.remove_neighbor("eth0", 1),
        lambda: control.set_setting("net.ipv4.ip_forward", 1),
    ):
        assert change() is Failure.PERMISSION
