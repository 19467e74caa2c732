"""A hub: what comes in by one port goes out by all others, whatever it is. One collision domain.

Two simplifications (docs/limitations.md): our cables are full duplex, so that no collisions happen behind a
hub either, and a frame that arrives with a wrong FCS ends at the hub's port, where a real hub would repeat
its wrong bits. What a learner can see is that every frame reaches every NIC.
"""

from __future__ import annotations

from netarium.addresses import mac_text
from netarium.journey import Stop
from netarium.link.port import Port
from netarium.link.storm import FLOODS_BEFORE_LOOK, look_for_loop
from netarium.wire.ethernet import Frame


class Repeater:
    """The inside of a hub: `ports` in the order of adding; `floods` counts the frames it has repeated."""

    __slots__ = ("floods", "floods_looked", "ports")

    def __init__(self) -> None:
        self.ports: list[Port] = []
        self.floods = 0
        self.floods_looked = FLOODS_BEFORE_LOOK

    def receive(self, port: Port, frame: Frame) -> None:
        """Repeat a frame to all ports with a carrier but the one it came in by."""
        self.floods = floods = self.floods + 1
        if floods >= self.floods_looked:
            self.floods_looked = floods + FLOODS_BEFORE_LOOK
            look_for_loop(port, frame.tag & 0xFFF if frame.tag >= 0 else 0)
        if port.watch.step is not None:
            self._tell(port, frame)
        for other in self.ports:
            if other is not port and other.direction is not None:
                other.transmit(frame)

    def _tell(self, port: Port, frame: Frame) -> None:
        assert port.watch.step is not None
        out = [other.name for other, _ in self.exits(port, 0)]
        details: dict[str, object] = {"decision": "repeated", "ports": out, "in": port.name}
        subject = f"{mac_text(frame.source)}>{mac_text(frame.destination)}"
        port.watch.step(port.engine.now, port.name.partition(":")[0], Stop.SWITCH, subject, details)

    def exits(self, port: Port, vlan: int) -> list[tuple[Port, int]]:
        """By which ports, and with which VLAN in its tag (0: none), a frame leaves that came in by `port`."""
        return [(other, vlan) for other in self.ports if other is not port and other.direction is not None]

    def carrier_changed(self, port: Port, up: bool) -> None:
        """Nothing: a hub remembers nothing."""
