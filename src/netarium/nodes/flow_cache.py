"""The flow cache of a layer-3 switch: the first packet of a flow is routed, those after it are switched.

A flow is what comes in by one VLAN with the same addresses, protocol and ports. What routing made of its first packet
(VLAN, next hop) is kept and done again to the next ones without asking the routing module: TTL less one, new MAC
addresses, out. The stack is asked again as soon as anything it went by may have changed: a route, a neighbour that no
longer answers, an interface that is down, a filter, 300 s of silence; and for each packet that is out of the ordinary:
the last hop of its life, larger than the next link carries, with IP options or extension headers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from netarium.addresses import ip_text
from netarium.journey import Stop
from netarium.stack.neighbors import FAILED, INCOMPLETE
from netarium.wire.ethernet import HEADER_BYTES, Frame
from netarium.wire.ipv4 import Ipv4Header
from netarium.wire.ipv6 import Ipv6Header
from netarium.wire.tcp import TcpHeader
from netarium.wire.udp import UdpHeader

if TYPE_CHECKING:
    from netarium.nodes.switch3 import VlanInterface
    from netarium.stack.neighbors import Neighbor
    from netarium.stack.routes import Route, RouteTable
    from netarium.stack.stack import Stack

FLOWS_MAX: Final = 16_384
"""As many as a middle-sized switch keeps; the oldest goes when one more comes."""
IDLE_NS: Final = 300 * 1_000_000_000

Key = tuple[int, int, int, int, int]
"""Source, destination, protocol, source port, destination port; ports 0 where there are none."""


class FlowEntry(NamedTuple):
    """A line of the cache as users read it: VLANs in and out, IP version, addresses and ports as numbers, and how many
    `packets` were switched.
    """

    vlan_in: int
    vlan_out: int
    family: int
    source: int
    destination: int
    protocol: int
    source_port: int
    destination_port: int
    packets: int


class _Flow:
    """One flow and what routing made of its first packet."""

    __slots__ = ("family", "generation", "mtu", "neighbor", "out", "packets", "used_ns")

    def __init__(self, out: VlanInterface, neighbor: Neighbor, route: Route, now: int) -> None:
        self.family: Final = 4 if neighbor.table is out.interface.neighbors else 6
        self.out: Final = out
        self.neighbor = neighbor
        self.generation: Final = out.interface.stack.routes.generation
        self.mtu: Final = route.mtu
        self.packets = 0
        self.used_ns = now


class FlowCache:
    """The cache of one switch. `switched` counts the packets that went by it."""

    __slots__ = ("_flows", "_routing", "stack", "switched")

    def __init__(self) -> None:
        self.stack: Stack | None = None
        self.switched = 0
        self._flows: dict[tuple[int, Key], _Flow] = {}
        self._routing: dict[Key, VlanInterface] = {}
        """Flows whose first packet is with the routing module (it may wait there for ARP), and where it came in."""

    def clear(self) -> None:
        """Forget all flows."""
        self._flows.clear()
        self._routing.clear()
        self.switched = 0

    def entries(self) -> list[FlowEntry]:
        """The flows, in the order of their first packets."""
        return [
            FlowEntry(vlan, each.out.vlan, each.family, *key, each.packets)
            for (vlan, key), each in self._flows.items()
        ]

    def switch(self, entered: VlanInterface, frame: Frame) -> bool:
        """Send a packet that came in at `entered` on by the cache; False when it must be routed."""
        header = frame.network
        stack = self.stack
        if stack is None or frame.destination != entered.mac:
            return False
        if not isinstance(header, Ipv4Header | Ipv6Header):
            return False
        key = _key(header, frame)
        flow = self._flows.get((entered.vlan, key))
        if flow is None:
            self._begin(key, entered, header)
            return False
        now = stack.now
        if not self._is_valid(flow, entered, header, now):
            del self._flows[(entered.vlan, key)]
            self._begin(key, entered, header)
            return False
        if header.ttl <= 1 or _has_options(header) or frame.size_bytes > flow.mtu + HEADER_BYTES:
            return False
        flow.used_ns = now
        flow.packets += 1
        self.switched += 1
        out = flow.out
        if stack.watch.step is not None:
            details: dict[str, object] = {"decision": "switched by the flow cache", "out": out.name}
            stack.watch.step(
                now, stack.name, Stop.FORWARD, f"for {ip_text(flow.family, header.destination)}", details
            )
        neighbor = flow.neighbor
        forwarded = frame.forwarded(neighbor.mac, out.mac, header.forwarded())
        if neighbor.usable_until_ns > now:
            out.send(forwarded)
        else:  # known, but not proven of late: it is used, and asked again (RFC 4861 7.3.3; Linux does so with ARP)
            neighbors = neighbor.table
            neighbors.resolve(neighbor.address, forwarded)
            flow.neighbor = neighbors.entries.get(neighbor.address, neighbor)
            stack.settle()
        return True

    def routed(self, out: VlanInterface, frame: Frame) -> None:
        """The stack sends a frame by `out`: if it is the first packet of a flow, keep what was made of it."""
        header = frame.network
        stack = self.stack
        if not self._routing or stack is None or not isinstance(header, Ipv4Header | Ipv6Header):
            return
        key = _key(header, frame)
        entered = self._routing.pop(key, None)
        if entered is None or entered is out or self._is_filtered(stack):
            return
        routes, _ = _family(stack, header)
        route = None if routes is None else routes.lookup(header.destination)
        if route is None or route.interface is not out.interface:
            return
        neighbors = out.interface.neighbors
        if isinstance(header, Ipv6Header):
            if out.interface.ipv6 is None:
                return
            neighbors = out.interface.ipv6.neighbors
        neighbor = neighbors.entries.get(route.gateway or header.destination)
        if neighbor is None:
            return
        if len(self._flows) >= FLOWS_MAX:
            del self._flows[next(iter(self._flows))]
        self._flows[(entered.vlan, key)] = _Flow(out, neighbor, route, stack.now)

    def _begin(self, key: Key, entered: VlanInterface, header: Ipv4Header | Ipv6Header) -> None:
        """The routing module gets the first packet of a flow, unless it is for this switch itself."""
        assert self.stack is not None
        routes, _ = _family(self.stack, header)
        if routes is None or header.destination in routes.local:
            return
        if len(self._routing) >= FLOWS_MAX:
            del self._routing[next(iter(self._routing))]
        self._routing[key] = entered

    def _is_valid(
        self, flow: _Flow, entered: VlanInterface, header: Ipv4Header | Ipv6Header, now: int
    ) -> bool:
        stack = self.stack
        assert stack is not None
        neighbor = flow.neighbor
        return (
            flow.generation == stack.routes.generation  # of either family
            and neighbor.mac != 0
            and neighbor.state not in (FAILED, INCOMPLETE)
            and neighbor.table.entries.get(neighbor.address) is neighbor
            and now - flow.used_ns <= IDLE_NS
            and entered.interface.up
            and flow.out.interface.up
            and _family(stack, header)[1]
            and not self._is_filtered(stack)
        )

    @staticmethod
    def _is_filtered(stack: Stack) -> bool:
        hooks = stack.hooks
        return any(chain is not None for chain in (hooks.prerouting, hooks.forward, hooks.postrouting))


def _key(header: Ipv4Header | Ipv6Header, frame: Frame) -> Key:
    transport = frame.transport
    if isinstance(transport, TcpHeader | UdpHeader):
        ports = transport.source_port, transport.destination_port
        return (header.source, header.destination, header.protocol, *ports)
    return header.source, header.destination, header.protocol, 0, 0


def _family(stack: Stack, header: Ipv4Header | Ipv6Header) -> tuple[RouteTable | None, bool]:
    """The routes of the packet's family (None: the switch does not speak it), and whether it is forwarded."""
    if isinstance(header, Ipv4Header):
        return stack.routes, bool(stack.settings.ip_forward)
    if stack.ipv6 is None:
        return None, False
    return stack.ipv6.routes, bool(stack.settings.ipv6_forwarding)


def _has_options(header: Ipv4Header | Ipv6Header) -> bool:
    return bool(header.options if isinstance(header, Ipv4Header) else header.extensions)
