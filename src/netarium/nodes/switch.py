"""A layer-2 switch to place: ports around `link/switch.py`, or with VLANs around `link/vlan.py`."""

from __future__ import annotations

from netarium.engine.events import Engine
from netarium.engine.streams import Streams
from netarium.journey import Watch
from netarium.link.port import Port, PortOwner
from netarium.link.switch import AGEING_NS, MacEntry
from netarium.nodes.bridging import BridgeSetup, power_off, power_on
from netarium.nodes.node import Node, PortNumbers


class Switch(Node):
    """A learning switch. Its ports have MAC addresses where a spanning tree needs them, else 0."""

    kind = "switch"

    def __init__(
        self,
        name: str,
        engine: Engine,
        streams: Streams,
        watch: Watch,
        port_numbers: PortNumbers,
        *,
        ageing_ns: int = AGEING_NS,
        setup: BridgeSetup | None = None,
    ) -> None:
        self.bridge_setup = setup or BridgeSetup(ageing_ns=ageing_ns)
        self.bridge = self.bridge_setup.bridge(name, engine, watch)
        super().__init__(name, engine, streams, watch, port_numbers)
        for port in self.bridge_setup.ports:
            self.add_port(port)

    def owner(self) -> PortOwner:
        """The bridge."""
        return self.bridge

    def add_port(self, name: str = "") -> Port:
        """One more port, called `name` or the first free of p1, p2 and so on. Raises UsageError when it is taken."""
        return self.bridge_setup.add_port(self, self.bridge, name)

    @property
    def mac_table(self) -> list[MacEntry]:
        """The living entries (mac, vlan, port, age_ns), in the order of learning."""
        return self.bridge.mac_table()

    def _lose_state(self) -> None:
        power_off(self.bridge)

    def _start(self) -> None:
        power_on(self.bridge)
