"""R006: a NIC accepts frames for its own MAC and for broadcast and drops others; both are counted."""

from __future__ import annotations

import pytest
from tests.nodes.boxes import World

from netarium.wire.ethernet import MAC_BROADCAST, Frame


@pytest.mark.parametrize(
    ("which", "is_accepted"), [("own", True), ("broadcast", True), ("other", False), ("group", False)]
)
def test_r006_what_a_nic_accepts(which: str, is_accepted: bool) -> None:
    world = World()
    host = world.host("host", "10.0.0.1/24")
    other = world.host("other", "10.0.0.2/24")
    world.link(other, host)
    interface = host.stack.interfaces["eth0"]
    destination = {
        "own": interface.mac,
        "broadcast": MAC_BROADCAST,
        "other": interface.mac ^ 0xFF,
        "group": 0x01005E010203,
    }[which]
    # An echo request for the host's address: what is accepted is answered, whatever MAC it was sent to.
    world.ping(other, "10.0.0.1")
    world.run()
    asked = next(event for event in world.trace(event="received", at="host:eth0") if event.get("type") == 8)
    assert asked["mac_destination"] == ":".join(f"{byte:02x}" for byte in interface.mac.to_bytes(6, "big"))
    accepted, dropped = interface.frames_in, interface.drops_in
    other.ports["eth0"].transmit(Frame(destination, 5, 0x0806, None, None, bytes(46)))
    world.run()
    assert interface.frames_in == accepted + 1
    assert interface.drops_in == dropped + (0 if is_accepted else 1)
    filtered = world.trace(event="dropped", at="host", reason="NOT_FOR_THIS_MAC")
    assert len(filtered) == (0 if is_accepted else 1)
