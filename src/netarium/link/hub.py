"""A hub: what comes in by one port goes out by all others, whatever it is. One collision domain.

Two simplifications (docs/limitations.md): our cables are full duplex, so that no collisions happen behind a
hub either, and a frame that arrives with a wrong FCS ends at the hub's port, where a real hub would repeat
its wrong bits. What a learner can see is that every frame reaches every NIC.
"""

from __future__ import annotations

from netarium.link.port import Port
from netarium.wire.ethernet import Frame


class Repeater:
    """The inside of a hub: `ports` in the order of adding."""

    __slots__ = ("ports",)

    def __init__(self) -> None:
        self.ports: list[Port] = []

    def receive(self, port: Port, frame: Frame) -> None:
        """Repeat a frame to all ports with a carrier but the one it came in by."""
        for other in self.ports:
            if other is not port and other.direction is not None:
                other.transmit(frame)

    def carrier_changed(self, port: Port, up: bool) -> None:
        """Nothing: a hub remembers nothing."""
