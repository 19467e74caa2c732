"""A hub to place: ports around `link/hub.py`."""

from __future__ import annotations

from netarium.engine.events import Engine
from netarium.engine.streams import Streams
from netarium.journey import Watch
from netarium.link.hub import Repeater
from netarium.link.port import Port, PortOwner
from netarium.nodes.node import Node, PortNumbers


class Hub(Node):
    """A hub; its ports have no MAC addresses (0)."""

    kind = "hub"

    def __init__(
        self, name: str, engine: Engine, streams: Streams, watch: Watch, port_numbers: PortNumbers
    ) -> None:
        self.repeater = Repeater()
        super().__init__(name, engine, streams, watch, port_numbers)

    def owner(self) -> PortOwner:
        """The repeater."""
        return self.repeater

    def add_port(self, name: str = "") -> Port:
        """One more port, called `name` or p1, p2 and so on. Raises UsageError when the name is taken."""
        port = self.new_port(name or f"p{len(self.ports) + 1}", 0)
        self.repeater.ports.append(port)
        return port
