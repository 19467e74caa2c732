"""Switches of layer 2 and 3 from their keywords: what each port carries, VLAN interfaces, spanning tree, limits.

    net.switch("floor", ports={"p1": {"vlan": 10}, "up": {"trunk": [10, 20], "native": 1}}, spanning_tree="rstp")
    net.switch("core", layer=3, ports={...}, interfaces={"vlan10": "10.0.10.1/24"})

A cable that joins two ports of which one sends untagged what the other does not take so is refused when it is plugged
in: a trunk to an access port, two trunks with different native VLANs. So is one over which no frame can ever pass: a
trunk without a native VLAN to a host or router, two trunks without a VLAN in common. What real switches allow and
hardly anybody means is a notice: two access ports of different VLANs, a trunk behind which nobody takes tags.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from netarium.errors import UsageError
from netarium.lab.boxes import Router, Switch, not_linked
from netarium.lab.building import KEYWORDS, computer, place
from netarium.lab.notices import Notice
from netarium.lab.words import PartError, suggest
from netarium.link.spanning_tree import PORT_PRIORITY, PRIORITY
from netarium.link.switch import AGEING_NS, TABLE_ENTRIES_MAX, MacEntry
from netarium.link.vlan import PortVlans, VlanBridge, access, trunk
from netarium.nodes.bridging import BridgeSetup, PortSetup, port_states
from netarium.nodes.host import Host as HostNode
from netarium.nodes.switch import Switch as SwitchNode
from netarium.nodes.switch3 import Switch3 as Switch3Node
from netarium.nodes.switch3 import vlan_of_interface
from netarium.units import duration_ns

if TYPE_CHECKING:
    from netarium.lab.net import Net
    from netarium.link.cable import Cable
    from netarium.link.port import Port, PortOwner
    from netarium.nodes.flow_cache import FlowEntry

OWN_KEYWORDS = ("ageing", "layer", "mac_limit", "ports", "priority", "routing", "spanning_tree")
"""What switches take; those of layer 3 take also what other computers do, but `address`, and `link`."""
PORT_KEYWORDS = ("cost", "edge", "mac_limit", "native", "priority", "trunk", "vlan")
TREE_KEYWORDS = ("cost", "edge", "priority")


class Switch3(Router):
    """A layer-3 switch: a switch whose VLANs are joined by a router inside."""

    node: Switch3Node

    @property
    def mac_table(self) -> list[MacEntry]:
        """Its living entries (mac, vlan, port, age_ns), in the order of learning."""
        return self.node.mac_table

    @property
    def routed(self) -> int:
        """How many packets between its VLANs the routing module has sent on."""
        return self.node.routed

    @property
    def switched(self) -> int:
        """How many packets between its VLANs the flow cache has sent on."""
        return self.node.switched

    @property
    def flows(self) -> list[FlowEntry]:
        """The flow cache: vlan_in, vlan_out, source, destination, protocol, ports, packets."""
        return self.node.flows.entries()

    @property
    def port_states(self) -> dict[str, str]:
        """Port name -> disabled, blocking, listening, learning, discarding or forwarding (spanning tree)."""
        return port_states(self.node.ports, self.node.bridge)

    @property
    def floods(self) -> int:
        """How many frames it has sent by all ports of their VLAN."""
        return self.node.bridge.floods

    def free_port(self, interface: str = "") -> Port:
        """The port of that name, or a new one (p1, p2 and so on)."""
        if interface in self.node.setup.interfaces:
            raise UsageError(
                f"{interface} is the router's foot in a VLAN of {self.name}, and no port; link a port, such as "
                f"{next(iter(self.node.ports), 'p1')}"
            )
        return not_linked(self, self.node.ports.get(interface) or self.node.add_port(interface))


def switch(net: Net, name: str, given: Mapping[str, Any]) -> Switch | Switch3:
    """Place a switch. Raises UsageError for keywords that cannot be."""
    plain = {key: value for key, value in given.items() if value is not None}
    layer = str(plain.get("layer", 2))
    if layer not in ("2", "3"):
        raise PartError(f"there is no switch of layer {layer}; use 2 or 3", ("layer",))
    _refuse_unknown(name, plain, layer)
    setup = _bridge_setup(net, name, plain, layer)
    boot_ns = None if "boot" not in plain else duration_ns(plain["boot"])
    if layer == "2":
        node = SwitchNode(name, net.engine, net.streams, net.watch, net.port_numbers, setup=setup)
        box: Switch | Switch3 = Switch(net, node)
        place(net, box, boot_ns)
        return box
    _check_interfaces(name, plain.get("interfaces") or {}, setup)
    others = {key: value for key, value in plain.items() if key not in OWN_KEYWORDS}
    made = computer(net, "switch", name, others, Switch3, partial(Switch3Node, setup=setup))
    assert isinstance(made, Switch3)
    place(net, made, boot_ns)
    if "routing" in plain:
        from netarium.lab.routing import attach

        attach(made, plain["routing"])
    return made


def _refuse_unknown(name: str, given: Mapping[str, Any], layer: str) -> None:
    routed = [key for key in KEYWORDS if key not in ("address", "link", "boot")]
    known = (*OWN_KEYWORDS, "boot", *(routed if layer == "3" else ()))
    for key in given:
        if key in known and (key != "routing" or layer == "3"):
            continue
        if key in (*routed, "address", "routing"):
            raise PartError(
                f"{name} is a switch of layer {layer} and has no {key}; "
                + (
                    "write `interfaces: {vlanN: ADDRESS}`"
                    if layer == "3"
                    else "say `layer: 3`, or leave it out"
                ),
                (key,),
            )
        raise PartError(f"a switch has no {key!r}{suggest(key, known)}", (key,))


def _bridge_setup(net: Net, name: str, given: Mapping[str, Any], layer: str) -> BridgeSetup:
    tree = given.get("spanning_tree", "")
    if tree not in ("", "stp", "rstp"):
        raise PartError(f"there is no spanning tree {tree!r}; use stp or rstp", ("spanning_tree",))
    if "priority" in given and not tree:
        raise PartError("`priority` belongs to a spanning tree; say `spanning_tree: rstp` too", ("priority",))
    ports = {
        str(port): _port_setup(name, str(port), how or {}, tree)
        for port, how in given.get("ports", {}).items()
    }
    return BridgeSetup(
        ageing_ns=AGEING_NS if "ageing" not in given else duration_ns(given["ageing"]),
        mac_limit=int(given.get("mac_limit", TABLE_ENTRIES_MAX)),
        ports=ports,
        vlans=layer == "3",
        spanning_tree=tree,
        priority=int(given.get("priority", PRIORITY)),
        macs=net.macs.next,
    )


def _port_setup(name: str, port: str, how: Mapping[str, Any], tree: str) -> PortSetup:
    """How one port is set up. Raises PartError."""
    part = ("ports", port)
    for key in how:
        if key not in PORT_KEYWORDS:
            raise PartError(f"a port has no {key!r}{suggest(key, PORT_KEYWORDS)}", (*part, key))
        if key in TREE_KEYWORDS and not tree:
            raise PartError(
                f"{name}:{port}: `{key}` belongs to a spanning tree; say `spanning_tree: rstp` too",
                (*part, key),
            )
    try:
        return PortSetup(
            vlans=_port_vlans(how),
            mac_limit=int(how.get("mac_limit", -1)),
            cost=int(how.get("cost", 0)),
            priority=int(how.get("priority", PORT_PRIORITY)),
            edge=bool(how.get("edge", False)),
        )
    except UsageError as error:
        raise PartError(f"{name}:{port}: {error}", part) from None


def _port_vlans(how: Mapping[str, Any]) -> PortVlans | None:
    if "trunk" in how:
        if "vlan" in how:
            raise UsageError(
                "`vlan` and `trunk` cannot stand together; a trunk's untagged VLAN is its `native`"
            )
        return trunk([int(vlan) for vlan in how["trunk"]], int(how.get("native", 0)))
    if "native" in how:
        raise UsageError("`native` belongs to a trunk; write `vlan` for an access port")
    return access(int(how["vlan"])) if "vlan" in how else None


def _check_interfaces(name: str, interfaces: Mapping[str, Any], setup: BridgeSetup) -> None:
    """Each VLAN interface has a VLAN that some port carries; a switch without `ports` has VLAN 1 alone."""
    carried = [vlan for port in setup.ports.values() for vlan in (port.vlans.vlans() if port.vlans else [1])]
    for interface in interfaces:
        try:
            vlan = vlan_of_interface(interface)
        except UsageError as error:
            raise PartError(str(error), ("interfaces", interface)) from None
        if vlan not in (carried or [1]):
            known = ", ".join(map(str, sorted(dict.fromkeys(carried or [1]))))
            raise PartError(
                f"{name} has no VLAN {vlan}: no port carries it; its ports carry {known}",
                ("interfaces", interface),
            )


def check_cable(a: Port, b: Port) -> None:
    """Raise UsageError for a cable between two ports with VLANs that do not fit, or over which no frame can pass."""
    for port, far in ((a, b), (b, a)):
        if isinstance(port.owner, VlanBridge) and isinstance(far.owner, HostNode):
            _check_station(port, port.owner.vlans_of(port), far)
    found = [(port, port.owner.vlans_of(port)) for port in (a, b) if isinstance(port.owner, VlanBridge)]
    if len(found) < 2:
        return
    (one, first), (other, second) = found
    if not (first.is_trunk or second.is_trunk):
        return
    if first.native == second.native:
        if first.native or any(second.carries(vlan) for vlan in first.tagged):
            return
        told, remedy = (
            "they have no VLAN in common, so that no frame can pass",
            "let both carry the same VLANs",
        )
    elif first.is_trunk and second.is_trunk:
        told = "their native VLANs differ, so that untagged frames would change their VLAN or get lost"
        remedy = "give both the same `native`"
    else:
        told = "what the access port sends is untagged, and the trunk takes that for another VLAN or for none"
        port, members = (one, second) if first.is_trunk else (other, first)
        remedy = f"make both trunks, or give {port.name} `native: {members.native}`"
    raise UsageError(
        f"{one.name} ({first.describe()}) does not fit {other.name} ({second.describe()}): {told}; {remedy}"
    )


def _check_station(port: Port, members: PortVlans, station: Port) -> None:
    if members.is_trunk and not members.native:
        raise UsageError(
            f"{port.name} ({members.describe()}) does not fit {station.name}: a host or router takes no tags, so that "
            f"no frame can pass; make {port.name} an access port, such as `vlan: {next(iter(members.tagged))}`, or "
            "give it a `native` VLAN"
        )


def vlan_notices(cables: Sequence[Cable]) -> list[Notice]:
    """What real switches allow and hardly anybody means: cables that join two VLANs, trunks that end at nobody."""
    at: dict[PortOwner, list[Port]] = {}
    for cable in cables:
        for port in (cable.a, cable.b):
            at.setdefault(port.owner, []).append(port)
    found: list[Notice] = []
    for cable in cables:
        for port, far in ((cable.a, cable.b), (cable.b, cable.a)):
            if not isinstance(port.owner, VlanBridge):
                continue
            members = port.owner.vlans_of(port)
            if port is cable.a and isinstance(far.owner, VlanBridge):
                other = far.owner.vlans_of(far)
                if not (members.is_trunk or other.is_trunk) and members.native != other.native:
                    text = (
                        f"{cable.name} joins {members.describe()} of {port.name} and {other.describe()} of {far.name} "
                        "to one LAN; give both ports the same `vlan`, unless that is meant"
                    )
                    found.append(Notice(text, cable.name))
                elif members.is_trunk and other.is_trunk:
                    found += _halves(cable, port, members, far, other)
            if members.is_trunk and not members.native and not _takes_tags(port, far, members, at):
                box = far.name.partition(":")[0]
                text = (
                    f"{port.name} ({members.describe()}) sends tags to nobody who takes them: {box} passes "
                    "them on as they are, and hosts drop them (VLAN_NOT_FOR_HOST); make it an access port, give it a "
                    f"`native` VLAN, or give {box} `ports`"
                )
                found.append(Notice(text, cable.name))
    return found


def _halves(cable: Cable, port: Port, members: PortVlans, far: Port, other: PortVlans) -> list[Notice]:
    """The VLANs that one trunk of a cable carries and the other does not."""
    found = []
    for sender, sent, taker, taken in ((port, members, far, other), (far, other, port, members)):
        lost = [str(vlan) for vlan in sent.vlans() if not taken.carries(vlan)]
        if lost and any(taken.carries(vlan) for vlan in sent.vlans()):
            text = (
                f"{sender.name} ({sent.describe()}) sends VLAN {', '.join(lost)} to {taker.name} "
                f"({taken.describe()}), which drops it (VLAN_NOT_ALLOWED); let both carry the same VLANs, unless that "
                "is meant"
            )
            found.append(Notice(text, cable.name))
    return found


def _takes_tags(port: Port, far: Port, members: PortVlans, at: Mapping[PortOwner, Sequence[Port]]) -> bool:
    """Whether a frame from the trunk `port` comes, through boxes without VLANs, to a switch that carries its VLAN."""
    seen = [far.owner]
    arrivals = [far]
    while arrivals:
        arrived = arrivals.pop()
        owner = arrived.owner
        if isinstance(owner, VlanBridge):
            if any(owner.vlans_of(arrived).entered(vlan) for vlan in members.tagged):
                return True
            continue
        if isinstance(owner, HostNode):
            continue
        for out in at[owner]:
            if out is arrived or out.cable is None:
                continue
            end = out.cable.b if out.cable.a is out else out.cable.a
            if end is port or (end.owner in seen and not isinstance(end.owner, VlanBridge)):
                continue
            seen.append(end.owner)
            arrivals.append(end)
    return False
