"""A layer-2 switch to place: ports around `link/switch.py`, or with VLANs around `link/vlan.py`.

It has no IP. Tools that look at its tables run on `system`, a computer in the box without an interface to the net.
"""

from __future__ import annotations

from collections.abc import Sequence

from netarium.engine.events import Engine
from netarium.engine.streams import Streams
from netarium.journey import Cause, Watch
from netarium.link.port import Port, PortOwner
from netarium.link.switch import AGEING_NS, MacEntry
from netarium.nodes.bridging import BridgeSetup, power_off, power_on
from netarium.nodes.host import Host
from netarium.nodes.node import Node, PortNumbers


class SwitchSystem(Host):
    """What runs a layer-2 switch's tools: a host with lo alone, on and off with the switch."""

    kind = "switch"

    def __init__(self, switch: Switch) -> None:
        super().__init__(
            switch.name,
            switch.engine,
            switch.streams,
            switch.watch,
            switch.port_numbers,
            interfaces={},
            on=switch.on,
        )
        self.switch_face = switch

    def _tell(self, before: str, after: str, cause: Cause) -> None:
        """The switch has said it."""


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
        self.made_system: SwitchSystem | None = None

    @property
    def system(self) -> SwitchSystem:
        """Its computer, made when it is first asked for."""
        if self.made_system is None:
            self.made_system = SwitchSystem(self)
        return self.made_system

    def flow_table(self) -> Sequence[tuple[int, ...]]:
        """Empty: only a layer-3 switch has a flow cache."""
        return ()

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
        if self.made_system is not None:
            self.made_system.crash()

    def _start(self) -> None:
        power_on(self.bridge)
        if self.made_system is not None:
            self.made_system.boot()
