"""What switches of layer 2 and 3 have in common: how their ports are set up, and the bridge inside made from that."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from netarium.engine.events import Engine
from netarium.errors import UsageError
from netarium.journey import Watch
from netarium.link.port import Port
from netarium.link.spanning_tree import PORT_PRIORITY, PRIORITY, SpanningTree
from netarium.link.switch import AGEING_NS, TABLE_ENTRIES_MAX, Bridge
from netarium.link.vlan import PortVlans, VlanBridge
from netarium.nodes.node import Node

SPANNING_TREES: Final = ("stp", "rstp")


@dataclass(frozen=True, slots=True)
class PortSetup:
    """How one port of a switch is set up. `mac_limit` -1: no limit of its own. `cost`, `priority` and `edge` are the
    spanning tree's; cost 0 is chosen by the cable's rate.
    """

    vlans: PortVlans | None = None
    mac_limit: int = -1
    cost: int = 0
    priority: int = PORT_PRIORITY
    edge: bool = False


@dataclass(frozen=True, slots=True)
class BridgeSetup:
    """How a switch is set up. `spanning_tree` is "", "stp" or "rstp"; with one, `macs` gives the bridge and each of its
    ports a MAC address. The switch knows VLANs when one of `ports` says so, or `vlans` does.
    """

    ageing_ns: int = AGEING_NS
    mac_limit: int = TABLE_ENTRIES_MAX
    ports: Mapping[str, PortSetup] = field(default_factory=dict)
    vlans: bool = False
    spanning_tree: str = ""
    priority: int = PRIORITY
    macs: Callable[[], int] | None = None

    @property
    def knows_vlans(self) -> bool:
        """Whether it is a switch with VLANs."""
        return self.vlans or any(port.vlans is not None for port in self.ports.values())

    def bridge(self, name: str, engine: Engine, watch: Watch) -> Bridge:
        """The inside, without ports. Raises UsageError."""
        made = (VlanBridge if self.knows_vlans else Bridge)(name, engine, watch, ageing_ns=self.ageing_ns)
        if self.mac_limit < 0:
            raise UsageError(f"{name}: a table of {self.mac_limit} addresses; give 0 or more")
        made.entries_max = self.mac_limit
        if self.spanning_tree:
            if self.spanning_tree not in SPANNING_TREES:
                raise UsageError(
                    f"{name}: there is no spanning tree {self.spanning_tree!r}; use {' or '.join(SPANNING_TREES)}"
                )
            is_rapid = self.spanning_tree == "rstp"
            made.tree = SpanningTree(made, self.mac(), is_rapid=is_rapid, priority=self.priority)
            made.tree.start()
        return made

    def mac(self) -> int:
        """A MAC address for the bridge or a port; 0 where none is needed."""
        if not self.spanning_tree:
            return 0
        if self.macs is None:
            raise UsageError("a spanning tree needs MAC addresses: say `macs`")
        return self.macs()

    def add_port(self, node: Node, bridge: Bridge, name: str) -> Port:
        """One more port of `node`, called `name`, or the first free of p1, p2 and so on. Raises UsageError."""
        number = len(node.ports) + 1
        while not name and (f"p{number}" in node.ports or f"p{number}" in self.ports):
            number += 1
        name = name or f"p{number}"
        port = node.new_port(name, self.mac())
        how = self.ports.get(name, PortSetup())
        bridge.ports.append(port)
        if how.vlans is not None and isinstance(bridge, VlanBridge):
            bridge.members[port.number] = how.vlans
        if how.mac_limit >= 0:
            bridge.limit(port, how.mac_limit)
        if bridge.tree is not None:
            bridge.tree.add_port(port, cost=how.cost, priority=how.priority, edge=how.edge)
        return port


def power_off(bridge: Bridge) -> None:
    """Forget what the bridge has learnt and agreed."""
    bridge.restart()
    if bridge.tree is not None:
        bridge.tree.stop()


def power_on(bridge: Bridge) -> None:
    """Begin as after power-on."""
    if bridge.tree is not None:
        bridge.tree.start()


def port_states(ports: Mapping[str, Port], bridge: Bridge) -> dict[str, str]:
    """Port name -> disabled, blocking, listening, learning, discarding or forwarding; without a tree all forward."""
    tree = bridge.tree
    if tree is None:
        return {name: "forwarding" if port.up else "disabled" for name, port in ports.items()}
    return {name: tree.ports[port.number].state for name, port in ports.items()}
