"""The box behind whose address a NAT hides others has sockets of its own: a mapping keeps the port it took first."""

from __future__ import annotations

import pytest
from tests.stack.filter.gateways import OUTSIDE, SERVER, A, Gateway, text
from tests.stack.joined import ip

from netarium.stack.filter.mappings import ADDRESS_DEPENDENT, CLASSES, ENDPOINT_INDEPENDENT
from netarium.stack.filter.nat import NatSetup
from netarium.wire.tcp import ACK, SYN

ELSEWHERE = "202.20.65.9"


def by_class(mapping: str = ENDPOINT_INDEPENDENT, filtering: str = "") -> Gateway:
    return Gateway(NatSetup("eth1", ("eth0",), mapping=mapping, filtering=filtering))


def asked(gateway: Gateway, port: int) -> list[int]:
    """The ports from which packets to this port of the server left."""
    frames = [text(frame) for frame in gateway.settle()]
    found = [each for each in frames if each.startswith(f"{OUTSIDE}:") and each.endswith(f">{SERVER}:{port}")]
    return [int(each.partition(">")[0].partition(":")[2]) for each in found]


def test_the_boxs_own_new_flow_takes_another_port_than_the_one_a_mapping_has() -> None:
    gateway = by_class()
    gateway.udp(gateway.a, ELSEWHERE, 5000, 9000)
    gateway.settle()
    gateway.udp(gateway.gw, SERVER, 5000, 9000)
    (own,) = asked(gateway, 9000)
    assert own != 5000
    gateway.udp(gateway.a, SERVER, 5000, 9000)
    assert asked(gateway, 9000) == [5000], "endpoint-independent: the same port to everybody"
    mappings = gateway.filter.nat.mappings  # type: ignore[union-attr]
    assert mappings is not None and len(mappings.by_outside) == 1
    assert gateway.drops() == {}


def test_answers_reach_the_boxs_own_socket_at_the_port_it_has() -> None:
    gateway = by_class()
    gateway.udp(gateway.a, ELSEWHERE, 5000, 9000)
    gateway.settle()
    endpoint = gateway.gw.udp.open()
    assert endpoint.bind(ip(OUTSIDE), 5000) is None
    gateway.udp(gateway.gw, SERVER, 5000, 9000)
    (own,) = asked(gateway, 9000)
    gateway.udp(gateway.server, OUTSIDE, 9000, own)
    gateway.settle()
    assert gateway.gw.udp.datagrams_in == 1


def test_tcp_of_the_box_too() -> None:
    gateway = by_class()
    gateway.tcp(gateway.a, ELSEWHERE, 5000, 80, SYN)
    gateway.settle()
    gateway.tcp(gateway.gw, SERVER, 5000, 80, SYN)
    (own,) = asked(gateway, 80)
    assert own != 5000
    gateway.tcp(gateway.gw, SERVER, 5000, 80, ACK)
    assert asked(gateway, 80) == [own], "all of the connection"


def test_the_port_is_the_boxs_again_when_the_mapping_is_over() -> None:
    gateway = by_class()
    gateway.udp(gateway.a, ELSEWHERE, 5000, 9000)
    gateway.settle()
    gateway.wait(60)
    gateway.udp(gateway.gw, SERVER, 5000, 9000)
    assert asked(gateway, 9000) == [5000]


@pytest.mark.parametrize("mapping", CLASSES)
def test_a_flow_whose_port_nobody_has_keeps_it(mapping: str) -> None:
    gateway = by_class(mapping)
    gateway.udp(gateway.a, SERVER, 5001, 9000)
    gateway.settle()
    gateway.udp(gateway.gw, SERVER, 5000, 9000)
    assert asked(gateway, 9000) == [5000]


def test_whom_the_mapping_does_not_let_in_speaks_to_the_boxs_own_service_there() -> None:
    gateway = by_class(filtering=ADDRESS_DEPENDENT)
    gateway.udp(gateway.a, ELSEWHERE, 5000, 9000)
    gateway.settle()
    gateway.udp(gateway.server, OUTSIDE, 7000, 5000)
    gateway.settle()
    assert gateway.drops() == {"NAT_NO_MAPPING": 1}
    endpoint = gateway.gw.udp.open()
    assert endpoint.bind(0, 5000) is None
    gateway.udp(gateway.server, OUTSIDE, 7001, 5000)
    gateway.settle()
    assert gateway.drops() == {"NAT_NO_MAPPING": 1}
    assert gateway.gw.udp.datagrams_in == 1


def test_whom_the_mapping_lets_in_speaks_to_the_inside() -> None:
    gateway = by_class(filtering=ENDPOINT_INDEPENDENT)
    gateway.udp(gateway.a, ELSEWHERE, 5000, 9000)
    gateway.settle()
    endpoint = gateway.gw.udp.open()
    assert endpoint.bind(0, 5000) is None
    gateway.udp(gateway.server, OUTSIDE, 7001, 5000)
    assert f"{SERVER}:7001>{A}:5000" in [text(frame) for frame in gateway.settle()]
    assert gateway.gw.udp.datagrams_in == 0
