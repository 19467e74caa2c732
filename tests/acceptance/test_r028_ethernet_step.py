"""R028: the trace shows, for a frame that reached a host, the module by its EtherType, or the reason of its
drop.
"""

from __future__ import annotations

import pytest
from tests.nodes.boxes import World

from netarium.wire.ethernet import ETHERTYPE_ARP, ETHERTYPE_IPV4, Frame


def test_r028_arp_goes_to_the_module_arp_and_ip_to_the_module_ipv4() -> None:
    world = World()
    a, b = world.host("a", "10.0.0.1/24"), world.host("b", "10.0.0.2/24")
    world.link(a, b)
    assert world.is_answered(a, "10.0.0.2")
    steps = [event["details"] for event in world.trace(event="step", at="b", stop="INTERFACE")]
    assert steps[:2] == [
        {"ethertype": ETHERTYPE_ARP, "module": "arp"},
        {"ethertype": ETHERTYPE_IPV4, "module": "ipv4"},
    ]
    received = world.trace(event="received", at="b:eth0")
    assert len(received) == len(world.trace(event="step", at="b", stop="INTERFACE"))


@pytest.mark.parametrize(
    ("own_mac", "ethertype", "reason"),
    [
        (False, ETHERTYPE_IPV4, "NOT_FOR_THIS_MAC"),
        (True, 0x88B5, "UNKNOWN_ETHERTYPE"),
        (True, ETHERTYPE_IPV4, "IP_MALFORMED"),
        (True, ETHERTYPE_ARP, "ARP_MALFORMED"),
    ],
)
def test_r028_a_frame_that_no_module_can_take_is_dropped_with_its_reason(
    own_mac: bool, ethertype: int, reason: str
) -> None:
    world = World()
    a, b = world.host("a", "10.0.0.1/24"), world.host("b", "10.0.0.2/24")
    world.link(a, b)
    mac = b.ports["eth0"].mac if own_mac else 0x02FFFFFFFFFF
    a.ports["eth0"].transmit(Frame.parse(Frame(mac, 1, ethertype, None, None, b"junk").__bytes__()))
    world.run()
    assert [event["reason"] for event in world.trace(event="dropped", at="b")] == [reason]
    assert world.trace(event="received", at="b:eth0")
