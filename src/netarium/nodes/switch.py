"""A layer-2 switch to place: ports around `link/switch.py`."""

from __future__ import annotations

from netarium.engine.events import Engine
from netarium.engine.streams import Streams
from netarium.journey import Watch
from netarium.link.port import Port, PortOwner
from netarium.link.switch import AGEING_NS, Bridge, MacEntry
from netarium.nodes.node import Node, PortNumbers


class Switch(Node):
    """A learning switch; its ports need no MAC addresses of their own (0)."""

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
    ) -> None:
        self.bridge = Bridge(name, engine, watch, ageing_ns=ageing_ns)
        super().__init__(name, engine, streams, watch, port_numbers)

    def owner(self) -> PortOwner:
        """The bridge."""
        return self.bridge

    def add_port(self, name: str = "") -> Port:
        """One more port, called `name` or p1, p2 and so on. Raises UsageError when the name is taken."""
        port = self.new_port(name or f"p{len(self.ports) + 1}", 0)
        self.bridge.ports.append(port)
        return port

    @property
    def mac_table(self) -> list[MacEntry]:
        """The living entries (mac, vlan, port, age_ns), in the order of learning."""
        return self.bridge.mac_table()

    def _lose_state(self) -> None:
        self.bridge.forget()
