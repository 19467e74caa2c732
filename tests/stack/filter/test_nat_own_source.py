"""The box's own sockets bound to an inside address: the outside never sees it, as behind Linux' masquerade."""

from __future__ import annotations

import pytest
from tests.stack.filter.gateways import MASQUERADE, OUTSIDE, SERVER, Gateway, text
from tests.stack.joined import ip

from netarium.stack.filter.mappings import CLASSES
from netarium.stack.filter.nat import KEEP, NatSetup
from netarium.wire.icmp import ECHO_REQUEST, IcmpHeader
from netarium.wire.ipv4 import PROTOCOL_ICMP, PROTOCOL_UDP
from netarium.wire.udp import UdpHeader

LAN = "192.168.1.1"
POOLED = "202.20.65.20"
BEHIND_ITS_ADDRESS = [
    MASQUERADE,
    NatSetup("eth1", ("eth0",), source=ip(OUTSIDE)),
    NatSetup("eth1", ("eth0",), source=KEEP, pool=(ip(POOLED),)),
    *(NatSetup("eth1", ("eth0",), mapping=each) for each in CLASSES),
]


def own_udp(gateway: Gateway, source: str) -> list[str]:
    """What leaves when the box sends a datagram from this address of its own."""
    gateway.gw.enter(gateway.joined.now)
    gateway.gw.ipv4.send_packet(ip(source), ip(SERVER), PROTOCOL_UDP, UdpHeader(5000, 9000), b"x")
    gateway.gw.settle()
    return [text(frame) for frame in gateway.settle()][:1]


@pytest.mark.parametrize("setup", BEHIND_ITS_ADDRESS)
def test_a_datagram_from_its_inside_address_leaves_with_the_outside_one(setup: NatSetup) -> None:
    assert own_udp(Gateway(setup), LAN) == [f"{OUTSIDE}:5000>{SERVER}:9000"]


@pytest.mark.parametrize("setup", BEHIND_ITS_ADDRESS)
def test_the_answer_reaches_the_socket_at_the_inside_address(setup: NatSetup) -> None:
    gateway = Gateway(setup)
    endpoint = gateway.gw.udp.open()
    assert endpoint.bind(ip(LAN), 5000) is None
    own_udp(gateway, LAN)
    gateway.udp(gateway.server, OUTSIDE, 9000, 5000)
    gateway.settle()
    assert gateway.gw.udp.datagrams_in == 1


@pytest.mark.parametrize("setup", BEHIND_ITS_ADDRESS)
def test_an_echo_from_its_inside_address_too(setup: NatSetup) -> None:
    gateway = Gateway(setup)
    gateway.gw.enter(gateway.joined.now)
    gateway.gw.ipv4.send_packet(
        ip(LAN), ip(SERVER), PROTOCOL_ICMP, IcmpHeader(ECHO_REQUEST, 0, 7 << 16 | 1), b""
    )
    gateway.gw.settle()
    assert [text(frame) for frame in gateway.settle()] == [
        f"{OUTSIDE}>{SERVER} type 8 id 7",
        f"{SERVER}>{OUTSIDE} type 0 id 7",
    ]


def test_a_static_address_of_the_box_is_its_own_to_the_outside() -> None:
    setup = NatSetup("eth1", ("eth0",), source=KEEP, static={ip(LAN): ip(POOLED)})
    assert own_udp(Gateway(setup), LAN) == [f"{POOLED}:5000>{SERVER}:9000"]


def test_a_nat_that_translates_no_sources_leaves_its_own_too() -> None:
    setup = NatSetup("eth1", ("eth0",), source=KEEP)
    assert own_udp(Gateway(setup), LAN) == [f"{LAN}:5000>{SERVER}:9000"]


def test_its_outside_address_is_translated_to_nothing() -> None:
    gateway = Gateway(MASQUERADE)
    assert own_udp(gateway, OUTSIDE) == [f"{OUTSIDE}:5000>{SERVER}:9000"]
    assert [each.text() for each in gateway.filter.table.living()] == [f"udp {OUTSIDE}:5000 -> {SERVER}:9000"]
