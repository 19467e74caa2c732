"""What a net's boxes and cables mean together, checked before it runs: broadcast domains, and addresses within them.

A broadcast domain is what one broadcast reaches: cables, hubs and switches join their ends, hosts and routers divide.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from netarium.addresses import Prefix, ipv4_text
from netarium.errors import UsageError
from netarium.lab.boxes import Box, Host

if TYPE_CHECKING:
    from netarium.link.cable import Cable


class AddressTwiceError(UsageError):
    """Two interfaces of one broadcast domain have one address. `second` is the host that came later."""

    def __init__(self, message: str, second: Host) -> None:
        super().__init__(message)
        self.second = second


class RouterIdTwiceError(UsageError):
    """Two OSPF routers that reach each other have one router id. `second` is the one that came later."""

    def __init__(self, message: str, second: Host) -> None:
        super().__init__(message)
        self.second = second


@dataclass
class Domain:
    """One broadcast domain: the names of its ports' boxes, and the interfaces in it as (host, interface name)."""

    members: list[str] = field(default_factory=list)
    interfaces: list[tuple[Host, str]] = field(default_factory=list)

    def networks(self) -> list[Prefix]:
        """The prefixes configured in it, in order."""
        found = [
            Prefix(address, length)
            for host, name in self.interfaces
            for address, length in host.node.setup.interfaces[name].addresses
        ]
        return list(dict.fromkeys(found))


def broadcast_domains(boxes: Iterable[Box], cables: Iterable[Cable]) -> list[Domain]:
    """The broadcast domains, in the order of the boxes; an interface without a cable is one of its own."""
    groups = Groups()
    hosts: list[tuple[Host, str, str]] = []
    order: list[tuple[str, str]] = []
    for box in boxes:
        if isinstance(box, Host):
            for name, port in box.node.ports.items():
                hosts.append((box, name, port.name))
                order.append((port.name, box.name))
        else:
            order.append((box.name, box.name))
            for port in box.node.ports.values():
                groups.join(box.name, port.name)
    for cable in cables:
        groups.join(cable.a.name, cable.b.name)
    domains: dict[str, Domain] = {}
    for key, box_name in order:
        domain = domains.setdefault(groups.root(key), Domain())
        if box_name not in domain.members:
            domain.members.append(box_name)
    for host, name, key in hosts:
        domains[groups.root(key)].interfaces.append((host, name))
    return list(domains.values())


def check_addresses(boxes: Iterable[Box], cables: Iterable[Cable]) -> None:
    """Raise AddressTwiceError for two interfaces of one broadcast domain with one address, unless both are `duplicate`.

    One that says `duplicate: true` is enough: it is the intruder of a lesson on ARP.
    """
    for domain in broadcast_domains(boxes, cables):
        owners: dict[int, tuple[Host, str]] = {}
        for host, name in domain.interfaces:
            for address, length in host.node.setup.interfaces[name].addresses:
                other = owners.setdefault(address, (host, name))
                if other == (host, name) or host.duplicate or other[0].duplicate:
                    continue
                raise AddressTwiceError(
                    f"{host.name}:{name} has the address {ipv4_text(address)}/{length}, which "
                    f"{other[0].name}:{other[1]} has in the same broadcast domain; give it another "
                    "one, or write `duplicate: true` if that is meant",
                    host,
                )


def bridging_loops(boxes: Iterable[Box], cables: Iterable[Cable]) -> list[str]:
    """The cables (`s1:p2--s2:p1`) that close a loop of switches and hubs: a broadcast circulates there for ever."""
    bridges = {box.name for box in boxes if not isinstance(box, Host)}
    groups = Groups()
    found = []
    for cable in cables:
        one, other = (port.name.partition(":")[0] for port in (cable.a, cable.b))
        if one in bridges and other in bridges:
            if groups.root(one) == groups.root(other):
                found.append(cable.name)
            groups.join(one, other)
    return found


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
