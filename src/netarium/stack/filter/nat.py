"""Network address translation: what the first packet of a connection decides for all of it.

Read first: RFC 3022 sections 2 and 4 (basic NAT and NAPT), RFC 4787, RFC 5382, RFC 5508 (what it must do for UDP, TCP
and ICMP). The destination is decided before routing, the source after it. Without a class the NAT is Linux': the port
is kept wherever the answers can be told apart, and only the one who was asked may answer.
"""

from __future__ import annotations

from collections.abc import Mapping as MappingOf
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from netarium.addresses import ipv4_text
from netarium.journey import Drop
from netarium.stack.filter.mappings import (
    ADDRESS_AND_PORT_DEPENDENT,
    ENDPOINT_INDEPENDENT,
    Inbound,
    Mapping,
    Mappings,
)
from netarium.stack.filter.ports import choose_port, range_for
from netarium.stack.routes import BROADCAST, LOCAL
from netarium.wire.ipv4 import PROTOCOL_ICMP, PROTOCOL_TCP, PROTOCOL_UDP

if TYPE_CHECKING:
    from netarium.stack.filter.entry import Entry
    from netarium.stack.filter.table import ConnectionTable
    from netarium.stack.interface import Interface

MASQUERADE: Final = 0
"""`source` of a NAT that takes the outside interface's own address."""
KEEP: Final = -1
"""`source` of a NAT that translates no sources, except by `static` and `pool`."""

Service = tuple[int, int]
"""(protocol, port)."""


@dataclass(frozen=True)
class NatSetup:
    """How a NAT is configured. Addresses are ints; `inside` empty means every interface but the outside ones.

    `source`: MASQUERADE, KEEP or an address. `pool`: outside addresses lent one to one. `static`: inside -> outside.
    `forward`: service at the outside -> (inside address, port). `redirect`: service -> port of the box itself, for
    connections from the inside to anybody. `mapping` and `filtering` are classes of `mappings`, or "" for Linux' way.
    `ports`: the outside ports to take.
    """

    outside: str
    inside: tuple[str, ...] = ()
    source: int = MASQUERADE
    pool: tuple[int, ...] = ()
    static: MappingOf[int, int] = field(default_factory=dict)
    forward: MappingOf[Service, tuple[int, int]] = field(default_factory=dict)
    redirect: MappingOf[Service, int] = field(default_factory=dict)
    mapping: str = ""
    filtering: str = ""
    ports: tuple[int, int] | None = None
    hairpin: bool = True


class PoolAddress:
    """One address of the pool while an inside host has it."""

    __slots__ = ("address", "connections", "inside", "pool")

    def __init__(self, pool: Pool, address: int, inside: int) -> None:
        self.pool: Final = pool
        self.address: Final = address
        self.inside: Final = inside
        self.connections = 0

    def release(self, entry: Entry) -> None:
        """A connection is over; with the last one the address is free."""
        self.connections -= 1
        if self.connections == 0:
            del self.pool.by_inside[self.inside]
            del self.pool.by_outside[self.address]


class Pool:
    """Outside addresses, each lent to one inside host while that has connections (RFC 3022 2.1)."""

    __slots__ = ("addresses", "by_inside", "by_outside", "table")

    def __init__(self, table: ConnectionTable, addresses: tuple[int, ...]) -> None:
        self.table: Final = table
        self.addresses: Final = addresses
        self.by_inside: Final[dict[int, PoolAddress]] = {}
        self.by_outside: Final[dict[int, PoolAddress]] = {}

    def lend(self, inside: int) -> PoolAddress | None:
        """The host's address, or the first that is free; None when there is none."""
        found = self.by_inside.get(inside)
        if found is not None:
            return found
        free = self._free()
        if free is None:
            self.table.sweep()
            free = self._free()
            if free is None:
                return None
        lent = PoolAddress(self, free, inside)
        self.by_inside[inside] = self.by_outside[free] = lent
        return lent

    def _free(self) -> int | None:
        return next((each for each in self.addresses if each not in self.by_outside), None)


class Nat:
    """The NAT of one host. `destination` and `source` are asked at a connection's first packet."""

    __slots__ = ("inside_of_static", "mappings", "pool", "setup", "stack", "table")

    def __init__(self, table: ConnectionTable, setup: NatSetup) -> None:
        self.table: Final = table
        self.stack: Final = table.stack
        self.setup: Final = setup
        self.pool: Final = Pool(table, setup.pool)
        self.inside_of_static: Final = {outside: inside for inside, outside in setup.static.items()}
        self.mappings: Mappings | None = None
        if setup.mapping or setup.filtering:
            self.mappings = Mappings(
                table,
                setup.mapping or ENDPOINT_INDEPENDENT,
                setup.filtering or ADDRESS_AND_PORT_DEPENDENT,
                setup.ports,
            )
            for service in setup.forward:
                self.mappings.reserved[service] = True

    def is_inside(self, interface: Interface | None) -> bool:
        """Whether its hosts are hidden."""
        if interface is None or interface.is_loopback:
            return False
        inside = self.setup.inside
        return interface.name in inside if inside else interface.name != self.setup.outside

    def is_outside(self, interface: Interface | None) -> bool:
        """Whether it is the one to the world."""
        return interface is not None and interface.name == self.setup.outside

    # Before routing.

    def destination(self, entry: Entry, interface: Interface) -> Drop | None:
        """Decide where the connection goes really. A Drop when its first packet is not let in."""
        protocol, _, _, destination, port = entry.original.key
        outside = self.is_outside(interface)
        if not outside and not self.is_inside(interface):
            return None
        if outside or self.setup.hairpin:
            inside = self.inside_of_static.get(destination)
            if inside is not None:
                return self._send_in(entry, inside, port, f"static {ipv4_text(destination)}", not outside)
            if self._is_own_outside(destination):
                target = self.setup.forward.get((protocol, port))
                if target is not None and protocol != PROTOCOL_ICMP:
                    return self._send_in(entry, *target, f"forward port {port}", not outside)
            mapping = None if self.mappings is None else self.mappings.to(protocol, (destination, port))
            if mapping is not None:
                return self._by_mapping(entry, mapping, outside)
            lent = self.pool.by_outside.get(destination)
            if lent is not None:
                return self._by_pool(entry, lent, not outside)
        return None if outside else self._redirect(entry, interface)

    def _send_in(self, entry: Entry, address: int, port: int, rule: str, hairpin: bool) -> Drop | None:
        entry.set_destination(address, port)
        entry.rule = rule
        entry.masquerade = hairpin
        return None

    def _is_own_outside(self, address: int) -> bool:
        if address == self.setup.source:
            return True
        if address in self.setup.pool:
            return False
        interface = self.stack.interfaces.get(self.setup.outside)
        return interface is not None and any(each.address == address for each in interface.addresses)

    def _by_mapping(self, entry: Entry, mapping: Mapping, outside: bool) -> Drop | None:
        """To a mapped port: by the filtering class, from the outside or (RFC 4787 REQ-9) from the inside."""
        mappings = mapping.mappings
        protocol, source, source_port, destination, port = entry.original.key
        remote = (source, source_port)
        own: Mapping | None = None
        if not outside:
            own = mappings.map(protocol, remote, (destination, port), destination)
            if own is None:
                return Drop.NAT_PORTS_EXHAUSTED
            remote = own.outside
        if not mapping.admits(remote, mappings.filtering):
            if own is not None:
                mappings.hold(own, (destination, port))
            if outside and self.stack.ports.is_taken(protocol, destination, port):
                return None  # nothing to the mapping, but the box has opened the port since
            return Drop.NAT_NO_MAPPING
        entry.destination_owner = Inbound(mapping)
        entry.set_destination(*mapping.inside)
        entry.rule = f"mapping, {mappings.filtering} filtering"
        entry.masquerade = not outside
        return None

    def _by_pool(self, entry: Entry, lent: PoolAddress, hairpin: bool) -> Drop | None:
        """To a lent address: only where the filtering class lets anybody in (RFC 3022 2.1 has sessions from inside)."""
        if self.setup.filtering != ENDPOINT_INDEPENDENT:
            return Drop.NAT_NO_MAPPING
        lent.connections += 1
        entry.destination_owner = lent
        return self._send_in(entry, lent.inside, entry.original.key[4], "pool", hairpin)

    def _redirect(self, entry: Entry, interface: Interface) -> Drop | None:
        protocol, _, _, destination, port = entry.original.key
        target = self.setup.redirect.get((protocol, port))
        if target is None or protocol == PROTOCOL_ICMP:
            return None
        local = self.stack.routes.local.get(destination)
        if destination >> 28 >= 0xE or (local is not None and local.kind in (LOCAL, BROADCAST)):
            return None
        entry.set_destination(interface.address_for(entry.original.key[1]), target)
        entry.rule = f"redirect port {port} to the box itself, port {target}"
        return None

    # After routing.

    def source(self, entry: Entry, interface_in: Interface | None, out: Interface) -> Drop | None:
        """Decide whom the connection seems to come from. A Drop when nothing is free for it."""
        key = entry.original.key
        if entry.masquerade and self.is_inside(out):
            return self._hairpin(entry)
        if not self.is_outside(out) or (interface_in is not None and not self.is_inside(interface_in)):
            return None
        if interface_in is None and self._is_public(key[1]):
            return self._own_source(entry)
        address = self.setup.static.get(key[1])
        if address is not None:
            entry.set_source(address, key[2])
            note_rule(entry, "static")
            return None
        if self.pool.addresses and interface_in is not None:
            return self._from_pool(entry)
        if self.setup.source == KEEP and not self.pool.addresses:
            return None
        address = max(self.setup.source, 0) or self.own_address(entry.original.to_destination)
        if not address:
            return Drop.NAT_POOL_EXHAUSTED
        return self._hide(entry, address, "source" if self.setup.source > 0 else "masquerade")

    def _is_public(self, address: int) -> bool:
        """Whether the outside may see this address of the box: the outside interface's, or none yet (0.0.0.0)."""
        interface = self.stack.interfaces.get(self.setup.outside)
        return not address or (
            interface is not None and any(each.address == address for each in interface.addresses)
        )

    def _own_source(self, entry: Entry) -> Drop | None:
        """The box itself speaks with an outside address, and by the port it chose, unless a mapping has that."""
        protocol, address, port, _, _ = entry.original.key
        mappings = self.mappings
        if mappings is None or not mappings.is_lent(protocol, address, port):
            return None
        table = self.table

        def is_free(candidate: int) -> bool:
            return not mappings.is_taken(protocol, address, candidate) and table.make_free(
                entry.reply_key(address, candidate)
            )

        chosen = choose_port(port, range_for(protocol, port, None), is_free, self.stack.random)
        if chosen is None:
            return Drop.NAT_PORTS_EXHAUSTED
        entry.set_source(address, chosen)
        note_rule(entry, f"the box itself; a mapping has port {port}")
        return None

    def _hairpin(self, entry: Entry) -> Drop | None:
        """From the inside to the outside address and in again: the answer must come back here (RFC 4787 REQ-9)."""
        key = entry.original.key
        address = self.setup.static.get(key[1], 0)
        if not address and type(entry.destination_owner) is PoolAddress:
            return self._from_pool(entry)
        address = address or self._outside_address(key[3])
        return self._hide(entry, address, "hairpin")

    def _outside_address(self, asked: int) -> int:
        if self.setup.source > 0:
            return self.setup.source
        return asked if self._is_own_outside(asked) else self.own_address(asked)

    def own_address(self, remote: int) -> int:
        """The outside interface's address in the network of `remote`, else its first; none that is lent or static."""
        interface = self.stack.interfaces.get(self.setup.outside)
        addresses = [] if interface is None else interface.addresses
        own = [
            each
            for each in addresses
            if each.address not in self.setup.pool and each.address not in self.inside_of_static
        ]
        for each in own:
            if remote & each.mask == each.network:
                return each.address
        return own[0].address if own else 0

    def _from_pool(self, entry: Entry) -> Drop | None:
        lent = self.pool.lend(entry.original.key[1])
        if lent is None:
            return Drop.NAT_POOL_EXHAUSTED
        lent.connections += 1
        entry.source_owner = lent
        entry.set_source(lent.address, entry.original.key[2])
        note_rule(entry, "pool")
        return None

    def _hide(self, entry: Entry, address: int, rule: str) -> Drop | None:
        """Behind one address, by port (RFC 3022 2.2)."""
        protocol, source, port, destination, remote_port = entry.original.key
        if self.mappings is None or protocol not in (PROTOCOL_TCP, PROTOCOL_UDP):
            if hide_port(self.table, entry, address, self.setup.ports) is None:
                return Drop.NAT_PORTS_EXHAUSTED
            note_rule(entry, rule)
            return None
        remote = (destination, remote_port)
        mapping = self.mappings.map(protocol, (source, port), remote, address)
        if mapping is None:
            return Drop.NAT_PORTS_EXHAUSTED
        mapping.take(remote)
        entry.source_owner = mapping
        entry.set_source(*mapping.outside)
        note_rule(entry, f"{rule}, {self.mappings.mapping} mapping")
        return None


def note_rule(entry: Entry, rule: str) -> None:
    """Add what decided the source to the words about the connection."""
    entry.rule = f"{entry.rule}, {rule}" if entry.rule else rule


def hide_port(
    table: ConnectionTable, entry: Entry, address: int, ports: tuple[int, int] | None
) -> int | None:
    """Let the connection come from `address`, by its own port if the answers can be told apart, else by another.

    The port (ICMP: the identifier); None when no port is free. Protocols without ports have 0 or nothing.
    """
    protocol, _, port, _, _ = entry.original.key

    def is_free(candidate: int) -> bool:
        return table.make_free(entry.reply_key(address, candidate))

    if protocol not in (PROTOCOL_TCP, PROTOCOL_UDP, PROTOCOL_ICMP):
        chosen = port if is_free(port) else None
    else:
        chosen = choose_port(port, range_for(protocol, port, ports), is_free, table.stack.random)
    if chosen is not None:
        entry.set_source(address, chosen)
    return chosen
