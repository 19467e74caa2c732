"""A layer-3 switch to place: a switch with VLANs whose VLANs are joined by a router inside.

Each interface `vlanN` is the router's foot in VLAN N: a MAC address that the bridge knows and a stack's interface, with
no port and no cable of its own. Frames within a VLAN pass the bridge alone. Frames for the MAC of a VLAN interface are
routed, or, where a packet of the same flow was routed before, switched by the flow cache.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from netarium.engine.events import Engine
from netarium.engine.streams import Streams
from netarium.errors import UsageError
from netarium.journey import Watch
from netarium.link.port import Port, PortOwner
from netarium.link.switch import MacEntry
from netarium.link.vlan import VlanBridge, checked_vlan
from netarium.nodes.bridging import BridgeSetup, power_off, power_on
from netarium.nodes.flow_cache import FlowCache, FlowEntry
from netarium.nodes.host import InterfaceSetup, RouteSetup
from netarium.nodes.node import PortNumbers
from netarium.nodes.router import Router
from netarium.stack.interface import Interface
from netarium.wire.ethernet import Frame

_NAME: Final = re.compile(r"vlan([1-9][0-9]{0,3})")


def vlan_of_interface(name: str) -> int:
    """10 for `vlan10`. Raises UsageError for a name that no VLAN interface has."""
    found = _NAME.fullmatch(name)
    if found is None:
        raise UsageError(
            f"a layer-3 switch has no interface {name!r}; its interfaces are called vlanN, such as vlan10"
        )
    return checked_vlan(name, int(found[1]))


class VlanInterface:
    """The router's foot in one VLAN: what the bridge finds inside, and what the stack sends by."""

    __slots__ = ("bridge", "flows", "interface", "mac", "name", "switch", "vlan")

    def __init__(self, switch: Switch3, interface: Interface) -> None:
        self.switch: Final = switch
        self.bridge: Final = switch.bridge
        self.flows: Final = switch.flows
        self.interface: Final = interface
        self.name: Final = interface.name
        self.vlan: Final = vlan_of_interface(interface.name)
        self.mac = interface.mac

    def set_carrier(self, carrier: bool) -> None:
        """Tell the interface whether a port of its VLAN has a carrier."""
        self.interface.set_carrier(carrier)

    def receive_frame(self, frame: Frame) -> None:
        """Take a frame of this VLAN: by the flow cache, or to the stack."""
        stack = self.switch.stack
        now = self.switch.engine.now
        stack.enter(now)
        if not self.flows.switch(self, frame):
            stack.receive(self.interface, frame, now)

    def transmit(self, frame: Frame) -> None:
        """Take a frame that the stack sends."""
        self.flows.routed(self, frame)
        self.bridge.send(self.vlan, frame)

    def send(self, frame: Frame) -> None:
        """Send a frame into this VLAN."""
        self.bridge.send(self.vlan, frame)


class Switch3(Router):
    """A layer-3 switch. `interfaces` are called vlanN; `setup` says what its ports carry.

    `routed` and `switched` count the packets between its VLANs: by the routing module, and by the flow cache.
    """

    kind = "switch"

    def __init__(
        self,
        name: str,
        engine: Engine,
        streams: Streams,
        watch: Watch,
        port_numbers: PortNumbers,
        *,
        interfaces: Mapping[str, InterfaceSetup],
        setup: BridgeSetup,
        gateway: int = 0,
        routes: Sequence[RouteSetup] = (),
        settings: Mapping[str, object] | None = None,
        on: bool = True,
    ) -> None:
        for interface in interfaces:
            vlan_of_interface(interface)
        if not setup.knows_vlans:
            raise UsageError(f"{name}: a layer-3 switch knows VLANs; say vlans=True where no port names one")
        bridge = setup.bridge(name, engine, watch)
        assert isinstance(bridge, VlanBridge)
        self.bridge_setup = setup
        self.bridge = bridge
        self.flows = FlowCache()
        super().__init__(
            name,
            engine,
            streams,
            watch,
            port_numbers,
            interfaces=interfaces,
            gateway=gateway,
            routes=routes,
            settings=settings,
            on=on,
        )
        self.switch_face = self

    def owner(self) -> PortOwner:
        """The bridge: frames reach the stack by a VLAN interface only."""
        return self.bridge

    def add_port(self, name: str = "") -> Port:
        """One more port, called `name` or the first free of p1, p2 and so on. Raises UsageError when it is taken."""
        return self.bridge_setup.add_port(self, self.bridge, name)

    def add_interface(self, name: str, setup: InterfaceSetup) -> Port:
        """Refused: a VLAN interface has no port. Raises UsageError."""
        raise UsageError(
            f"{self.name}: a layer-3 switch has VLAN interfaces, no cards; give them when it is made"
        )

    @property
    def mac_table(self) -> list[MacEntry]:
        """The living entries (mac, vlan, port, age_ns), in the order of learning; not its own VLAN interfaces."""
        return self.bridge.mac_table()

    @property
    def routed(self) -> int:
        """How many packets the routing module has sent on since boot."""
        ipv6 = self.stack.ipv6
        return self.stack.ipv4.forward.forwarded + (0 if ipv6 is None else ipv6.forward.forwarded)

    @property
    def switched(self) -> int:
        """How many packets the flow cache has sent on since boot."""
        return self.flows.switched

    def flow_table(self) -> list[FlowEntry]:
        """The flow cache, in the order of the first packets."""
        return self.flows.entries()

    def vlan_rates(self) -> dict[str, int]:
        """Interface name -> the rate of the fastest cable of its VLAN in bit/s, where one is known: what routing
        protocols reckon with.
        """
        found: dict[str, int] = {}
        for vlan in self.bridge.inner:
            rates = [
                port.cable.rate_bps
                for port in self.ports.values()
                if port.cable is not None and port.cable.rate_bps and self.bridge.vlans_of(port).carries(vlan)
            ]
            if rates:
                found[f"vlan{vlan}"] = max(rates)
        return found

    def owns_mac(self, mac: int) -> bool:
        """Whether one of its VLAN interfaces or ports has this MAC address."""
        return mac != 0 and (super().owns_mac(mac) or any(port.mac == mac for port in self.ports.values()))

    def _place_cards(self) -> None:
        for port in self.bridge_setup.ports:
            self.add_port(port)

    def _connect(self, interface: Interface) -> None:
        inner = VlanInterface(self, interface)
        interface.transmit = inner.transmit
        interface.carrier = self.bridge.has_carrier(inner.vlan)
        self.bridge.inner[inner.vlan] = inner
        self.flows.stack = interface.stack

    def _lose_state(self) -> None:
        super()._lose_state()
        power_off(self.bridge)
        self.bridge.inner.clear()
        self.flows.clear()

    def _start(self) -> None:
        super()._start()
        power_on(self.bridge)
