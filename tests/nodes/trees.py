"""Nets of switches with spanning tree, drawn from a list of cables: the workbench of the tests of loops and trees."""

from __future__ import annotations

from itertools import count

from tests.nodes.boxes import World

from netarium.link.cable import Cable
from netarium.link.port import Port
from netarium.link.spanning_tree import SpanningTree
from netarium.nodes.bridging import BridgeSetup
from netarium.nodes.switch import Switch


class Forest:
    """`switches` s0, s1 ... of one kind; `cables` by (one, other) numbers in the order given."""

    def __init__(
        self,
        number: int,
        edges: list[tuple[int, int]],
        kind: str = "rstp",
        priorities: dict[int, int] | None = None,
    ) -> None:
        self.world = World()
        macs = count(0x0200_0000_1000)
        self.switches = [
            Switch(
                *self.world.common(f"s{index}"),
                setup=BridgeSetup(
                    spanning_tree=kind, priority=(priorities or {}).get(index, 32768), macs=lambda: next(macs)
                ),
            )
            for index in range(number)
        ]
        self.cables: list[Cable] = [
            self.world.link(self.switches[one], self.switches[other]) for one, other in edges
        ]

    def tree(self, index: int) -> SpanningTree:
        tree = self.switches[index].bridge.tree
        assert tree is not None
        return tree

    def state(self, port: Port) -> str:
        index = int(port.name.partition(":")[0][1:])
        return self.tree(index).ports[port.number].state

    def role(self, port: Port) -> str:
        index = int(port.name.partition(":")[0][1:])
        return self.tree(index).ports[port.number].role.value

    def active(self) -> list[tuple[int, int]]:
        """The cables that carry frames: both ends forward."""
        found = []
        for cable in self.cables:
            if cable.up and self.state(cable.a) == self.state(cable.b) == "forwarding":
                ends = [int(port.name.partition(":")[0][1:]) for port in (cable.a, cable.b)]
                found.append((ends[0], ends[1]))
        return found

    def states(self) -> dict[str, str]:
        return {port.name: self.state(port) for switch in self.switches for port in switch.ports.values()}
