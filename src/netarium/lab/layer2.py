"""Layer 2 as it is drawn: which broadcast and collision domains a net has, which cables close a loop.

Everything is said in keys, and cables join keys. An interface of a host is one key; a switch with VLANs has one for
each VLAN, any other switch and hub one, and one more for each tag that its cables bring. A cable is walked once for
each tag it may carry, so two VLANs on one trunk stay two domains.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from netarium.addresses import Prefix
from netarium.lab.boxes import Box, Host, Hub
from netarium.link.vlan import VlanBridge
from netarium.nodes.switch3 import vlan_of_interface

if TYPE_CHECKING:
    from netarium.link.cable import Cable
    from netarium.link.port import Port


@dataclass
class Domain:
    """One broadcast domain: the names of its boxes, its interfaces as (host, interface name), its VLANs in order."""

    members: list[str] = field(default_factory=list)
    interfaces: list[tuple[Host, str]] = field(default_factory=list)
    vlans: list[int] = field(default_factory=list)

    def networks(self) -> list[Prefix]:
        """The prefixes configured in it, in order; of an interface IPv4's first."""
        found = []
        for host, name in self.interfaces:
            setup = host.node.setup
            found += [Prefix(address, length) for address, length in setup.interfaces[name].addresses]
            if setup.ipv6 is not None:
                found += [
                    Prefix(address, length, 6) for address, length in setup.ipv6.interfaces.get(name, ())
                ]
        return list(dict.fromkeys(found))


@dataclass
class CollisionDomain:
    """One collision domain: the ports that share it, and the hubs that join them."""

    ports: list[str] = field(default_factory=list)
    hubs: list[str] = field(default_factory=list)


class Groups:
    """Which names belong together (union by the first seen)."""

    def __init__(self) -> None:
        self.parents: dict[str, str] = {}

    def root(self, name: str) -> str:
        """The name that stands for all that belong together with this one."""
        while (parent := self.parents.setdefault(name, name)) != name:
            self.parents[name] = self.parents[parent]
            name = parent
        return name

    def join(self, one: str, other: str) -> None:
        """Let two names, and all of theirs, belong together."""
        self.parents[self.root(other)] = self.root(one)


def broadcast_domains(boxes: Iterable[Box], cables: Iterable[Cable]) -> list[Domain]:
    """The broadcast domains, in the order of the boxes; an interface without a cable is one of its own."""
    listed = list(boxes)
    groups = Groups()
    for _, one, other in _joins(listed, cables):
        groups.join(one, other)
    domains: dict[str, Domain] = {}
    for key, box, interface, vlan in _keys(listed):
        domain = domains.setdefault(groups.root(key), Domain())
        if box.name not in domain.members:
            domain.members.append(box.name)
        if isinstance(box, Host) and interface:
            domain.interfaces.append((box, interface))
        if vlan and vlan not in domain.vlans:
            domain.vlans.append(vlan)
    return list(domains.values())


def collision_domains(boxes: Iterable[Box], cables: Iterable[Cable]) -> list[CollisionDomain]:
    """The collision domains, in the order of the cables, as they would be with half duplex: each cable is one, and a
    hub makes one of all its cables.
    """
    hubs = [box.name for box in boxes if isinstance(box, Hub)]
    groups = Groups()
    listed = list(cables)
    for cable in listed:
        for port in (cable.a, cable.b):
            if _box_name(port) in hubs:
                groups.join(cable.name, f"hub {_box_name(port)}")
    domains: dict[str, CollisionDomain] = {}
    for cable in listed:
        domain = domains.setdefault(groups.root(cable.name), CollisionDomain())
        for port in (cable.a, cable.b):
            name = _box_name(port)
            if name not in hubs:
                domain.ports.append(port.name)
            elif name not in domain.hubs:
                domain.hubs.append(name)
    for name in hubs:
        key = groups.root(f"hub {name}")
        if key not in domains:
            domains[key] = CollisionDomain(hubs=[name])
    return list(domains.values())


def bridging_loops(boxes: Iterable[Box], cables: Iterable[Cable]) -> list[str]:
    """The cables (`s1:p2--s2:p1`) that close a loop of switches and hubs: a broadcast circulates there for ever.

    Switches with a spanning tree see to it themselves, so their cables close none.
    """
    listed = list(boxes)
    inner = [box.name for box in listed if not _is_station(box) and not _has_tree(box)]
    groups = Groups()
    found: list[str] = []
    for cable, one, other in _joins(listed, cables, both_ways=True):
        if _box_name(cable.a) in inner and _box_name(cable.b) in inner:
            if groups.root(one) == groups.root(other) and cable.name not in found:
                found.append(cable.name)
            groups.join(one, other)
    return found


def _box_name(port: Port) -> str:
    return port.name.partition(":")[0]


def _bridge(box: Box) -> VlanBridge | None:
    """The inside of a switch that knows VLANs."""
    bridge = getattr(box.node, "bridge", None)
    return bridge if isinstance(bridge, VlanBridge) else None


def _has_tree(box: Box) -> bool:
    return getattr(getattr(box.node, "bridge", None), "tree", None) is not None


def _is_station(box: Box) -> bool:
    """Whether it ends a broadcast domain: a host or router, not a layer-3 switch."""
    return isinstance(box, Host) and _bridge(box) is None


def _vlans(box: Box) -> list[int]:
    """The VLANs of a switch: those its ports carry, then those of its VLAN interfaces."""
    bridge = _bridge(box)
    if bridge is None:
        return []
    found = [vlan for port in bridge.ports for vlan in bridge.vlans_of(port).vlans()]
    return list(dict.fromkeys(found + list(bridge.inner)))


def _keys(boxes: list[Box]) -> Iterator[tuple[str, Box, str, int]]:
    """(key, box, interface name or "", VLAN or 0) of everything that is in a domain."""
    for box in boxes:
        if _is_station(box):
            for name, port in box.node.ports.items():
                yield port.name, box, name, 0
        elif _bridge(box) is None:
            yield box.name, box, "", 0
        else:
            for vlan in _vlans(box):
                yield f"{box.name}/{vlan}", box, "", vlan
            if isinstance(box, Host):
                for name in box.node.setup.interfaces:
                    yield f"{box.name}/{vlan_of_interface(name)}", box, name, vlan_of_interface(name)


def _joins(
    boxes: list[Box], cables: Iterable[Cable], *, both_ways: bool = False
) -> Iterator[tuple[Cable, str, str]]:
    """(cable, key, key): what each cable joins, tag by tag.

    A trunk takes its native VLAN with a tag too, but never sends it so: behind a hub frames may pass in one direction
    alone. That joins as well, unless only `both_ways` counts.
    """
    by_name = {box.name: box for box in boxes}
    tags = list(dict.fromkeys([0, *(vlan for box in boxes for vlan in _vlans(box))]))
    for cable in cables:
        for tag in tags:
            keys = [_key(by_name.get(_box_name(port)), port, tag, both_ways) for port in (cable.a, cable.b)]
            if keys[0] and keys[1]:
                yield cable, keys[0], keys[1]


def _key(box: Box | None, port: Port, tag: int, both_ways: bool) -> str:
    """Who takes and sends frames with this VLAN in their tag (0: none) at a port; "" for nobody."""
    if box is None or _is_station(box):
        return "" if tag else port.name
    bridge = _bridge(box)
    if bridge is None:
        return f"{box.name}/{tag}" if tag else box.name
    members = bridge.vlans_of(port)
    vlan = members.entered(tag)
    if vlan == 0 or (both_ways and tag and tag not in members.tagged):
        return ""
    return f"{box.name}/{vlan}"
