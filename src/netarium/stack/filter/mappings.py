"""The mapping and filtering classes of a NAT: who gets which outside port, and who may speak to it.

Read first: RFC 4787 sections 4.1 (address mapping, port assignment) and 5 (filtering), RFC 5382 section 4.
An endpoint is (address, port). A mapping lives as long as one of its connections does; somebody who was spoken to may
answer as long. In these classes an outside port belongs to one mapping only (no port overloading, RFC 4787 4.2.2).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from netarium.addresses import ipv4_text
from netarium.stack.filter.entry import PROTOCOL_NAMES, Entry
from netarium.stack.filter.ports import choose_port, range_for
from netarium.stack.filter.timeouts import Timeouts

if TYPE_CHECKING:
    from netarium.stack.filter.table import ConnectionTable

ENDPOINT_INDEPENDENT: Final = "endpoint-independent"
ADDRESS_DEPENDENT: Final = "address-dependent"
ADDRESS_AND_PORT_DEPENDENT: Final = "address-and-port-dependent"
CLASSES: Final = (ENDPOINT_INDEPENDENT, ADDRESS_DEPENDENT, ADDRESS_AND_PORT_DEPENDENT)

Endpoint = tuple[int, int]
InsideKey = tuple[int, int, int, int, int]
"""(protocol, inside address, inside port, remote address or 0, remote port or 0): what one mapping is for."""


class Mapping:
    """One outside endpoint lent to an inside endpoint. `contacts` counts connections by whom they speak to."""

    __slots__ = ("connections", "contacts", "inside", "key", "mappings", "outside", "until_ns")

    def __init__(self, mappings: Mappings, key: InsideKey, outside: Endpoint) -> None:
        self.mappings: Final = mappings
        self.key: Final = key
        self.inside: Final = (key[1], key[2])
        self.outside: Final = outside
        self.connections = 0
        self.contacts: Final[dict[Endpoint, int]] = {}
        self.until_ns = 0
        """Lent so long at least: for a packet that was sent and whose connection did not come about."""

    def take(self, remote: Endpoint) -> None:
        """One more connection to `remote`."""
        self.connections += 1
        self.contacts[remote] = self.contacts.get(remote, 0) + 1

    def release(self, entry: Entry) -> None:
        """A connection is over."""
        self.connections -= 1
        way = entry.original
        remote = (way.key[3], way.key[4])
        left = self.contacts.get(remote, 0) - 1
        if left > 0:
            self.contacts[remote] = left
        elif left == 0 and self.until_ns <= self.mappings.table.stack.now:
            del self.contacts[remote]
        self.mappings.forget_if_unused(self)

    def admits(self, remote: Endpoint, filtering: str) -> bool:
        """Whether a packet from `remote` to the outside endpoint goes in (RFC 4787 section 5)."""
        if filtering == ENDPOINT_INDEPENDENT:
            return True
        held = self.until_ns > self.mappings.table.stack.now
        if filtering == ADDRESS_DEPENDENT:
            return any(each[0] == remote[0] and (count or held) for each, count in self.contacts.items())
        return bool(self.contacts.get(remote, 0)) or (held and remote in self.contacts)


class Inbound:
    """A connection that an outsider began by a mapping: it keeps the mapping, and is nobody who was spoken to."""

    __slots__ = ("mapping",)

    def __init__(self, mapping: Mapping) -> None:
        self.mapping: Final = mapping
        mapping.connections += 1

    def release(self, entry: Entry) -> None:
        """It is over."""
        self.mapping.connections -= 1
        self.mapping.mappings.forget_if_unused(self.mapping)


class Mappings:
    """All mappings of a NAT."""

    __slots__ = ("by_inside", "by_outside", "filtering", "mapping", "ports", "reserved", "table", "timeouts")

    def __init__(
        self, table: ConnectionTable, mapping: str, filtering: str, ports: tuple[int, int] | None
    ) -> None:
        self.table: Final = table
        self.mapping: Final = mapping
        self.filtering: Final = filtering
        self.ports: Final = ports
        self.timeouts: Final = Timeouts(table.stack.settings)
        self.reserved: Final[dict[tuple[int, int], bool]] = {}
        """(protocol, port) that forwarding has taken."""
        self.by_inside: Final[dict[InsideKey, Mapping]] = {}
        self.by_outside: Final[dict[tuple[int, int, int], Mapping]] = {}

    def map(self, protocol: int, inside: Endpoint, remote: Endpoint, outside_address: int) -> Mapping | None:
        """The mapping for packets from `inside` to `remote`; None when no outside port is free."""
        key = self._inside_key(protocol, inside, remote)
        table = self.table

        def has_own_answers(port: int) -> bool:
            return table.make_free((protocol, *remote, outside_address, port))

        found = self.by_inside.get(key)
        if found is not None and found.outside[0] == outside_address and has_own_answers(found.outside[1]):
            return found
        stack = table.stack
        bounds = range_for(protocol, inside[1], self.ports)

        def is_free(port: int) -> bool:
            return not self.is_taken(protocol, outside_address, port) and has_own_answers(port)

        port = choose_port(inside[1], bounds, is_free, stack.random)
        if port is None:
            self.table.sweep()
            port = choose_port(inside[1], bounds, is_free, stack.random)
        if port is None:
            return None
        made = Mapping(self, key, (outside_address, port))
        self.by_inside[key] = made
        self.by_outside[(protocol, outside_address, port)] = made
        return made

    def to(self, protocol: int, outside: Endpoint) -> Mapping | None:
        """The mapping whose outside endpoint this is."""
        return self.by_outside.get((protocol, *outside))

    def hold(self, mapping: Mapping, remote: Endpoint) -> None:
        """Something was sent to `remote` and did not get through: it may speak for the UDP time-out all the same."""
        mapping.until_ns = self.table.stack.now + self.timeouts.udp_ns(False)
        mapping.contacts.setdefault(remote, 0)

    def forget_if_unused(self, mapping: Mapping) -> None:
        """Give its outside port back when nothing needs it."""
        if mapping.connections == 0 and mapping.until_ns <= self.table.stack.now:
            if self.by_inside.get(mapping.key) is mapping:
                del self.by_inside[mapping.key]
            self.by_outside.pop((mapping.key[0], *mapping.outside), None)

    def lines(self) -> list[str]:
        """Every mapping as a line, for steps."""
        return [
            f"{PROTOCOL_NAMES.get(key[0], key[0])} {_text(each.inside)} is {_text(each.outside)}"
            for key, each in self.by_inside.items()
        ]

    def _inside_key(self, protocol: int, inside: Endpoint, remote: Endpoint) -> InsideKey:
        if self.mapping == ENDPOINT_INDEPENDENT:
            return (protocol, *inside, 0, 0)
        if self.mapping == ADDRESS_DEPENDENT:
            return (protocol, *inside, remote[0], 0)
        return (protocol, *inside, *remote)

    def is_taken(self, protocol: int, address: int, port: int) -> bool:
        """Whether a forwarded service, a socket of the box itself or another mapping has the port."""
        if (protocol, port) in self.reserved or self.table.stack.ports.is_taken(protocol, address, port):
            return True
        return self.is_lent(protocol, address, port)

    def is_lent(self, protocol: int, address: int, port: int) -> bool:
        """Whether a mapping has the port."""
        found = self.by_outside.get((protocol, address, port))
        if found is None:
            return False
        self.forget_if_unused(found)
        return (protocol, address, port) in self.by_outside


def _text(endpoint: Endpoint) -> str:
    return f"{ipv4_text(endpoint[0])}:{endpoint[1]}"
