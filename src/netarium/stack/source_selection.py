"""Which address to send from, and which to try first. Read first: RFC 6724 sections 2.1, 5 and 6."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final

from netarium.stack.ipv6_address import DEPRECATED, MAPPED, scope_of

if TYPE_CHECKING:
    from netarium.stack.interface import Interface
    from netarium.stack.ipv6_address import Ipv6Address

POLICY: Final = (
    (1, 128, 50, 0),
    (MAPPED, 96, 35, 4),
    (0, 96, 1, 3),
    (0x2002 << 112, 16, 30, 2),
    (0x2001 << 112, 32, 5, 5),
    (0xFC << 120, 7, 3, 13),
    (0xFEC << 116, 10, 1, 11),
    (0x3FFE << 112, 16, 1, 12),
)
"""RFC 6724 2.1: (prefix, length, precedence, label), the longest that matches counts; all are in order for that."""
ALL_OTHERS: Final = (40, 1)
"""The line of ::/0."""


PREFIX_BITS: Final = 64
"""RFC 6724 2.2: host parts do not count; those of IPv6 begin here (RFC 4291 2.5.1)."""


def policy_of(address: int) -> tuple[int, int]:
    """(precedence, label) of an address; IPv4 ones are given in their mapped form."""
    for prefix, length, precedence, label in POLICY:
        if (address ^ prefix) >> (128 - length) == 0:
            return precedence, label
    return ALL_OTHERS


def common_length(one: int, other: int, limit: int = 128) -> int:
    """How many leading bits two addresses share, at most `limit` (the source's prefix length)."""
    return min(128 - (one ^ other).bit_length(), limit)


def select_source(
    destination: int, interface: Interface, candidates: Iterable[tuple[Ipv6Address, Interface]]
) -> int:
    """The address to send to `destination` from by `interface`; 0 when there is none (RFC 6724 5)."""
    best: tuple[object, ...] | None = None
    chosen = 0
    scope, label = scope_of(destination), policy_of(destination)[1]
    for each, owner in candidates:
        own_scope = scope_of(each.address)
        rank = (
            each.address == destination,
            # Rule 2: the smallest scope that still reaches; of those that do not, the largest.
            -own_scope if own_scope >= scope else own_scope - 100,
            each.state != DEPRECATED,
            owner is interface,
            policy_of(each.address)[1] == label,
            common_length(each.address, destination, each.length),
        )
        if best is None or rank > best:
            best, chosen = rank, each.address
    return chosen


def order_destinations(
    addresses: Iterable[int],
    source_for: Callable[[int], int],
    is_deprecated: Callable[[int], bool] = lambda source: False,
    ipv4_length: Callable[[int], int] = lambda source: 0,
) -> list[int]:
    """Destinations in the order to try them (RFC 6724 6). `source_for` gives the source for one, 0 for unreachable.

    `is_deprecated` tells of a source whether its preferred lifetime is over. IPv4 addresses and their sources are given
    in their mapped form; as in glibc rule 9 is theirs within the source's subnet alone, whose prefix length
    `ipv4_length` tells (0: unknown). Equal ones keep their order (rule 10).
    """

    def rank(destination: int) -> tuple[object, ...]:
        source = source_for(destination)
        if not source:
            return (1, 0, 0, 0, 0, 0, 0)
        precedence, label = policy_of(destination)
        scope = _scope(destination)
        shared = common_length(source, destination, PREFIX_BITS)
        if destination >> 32 == 0xFFFF:
            length = 96 + ipv4_length(source)
            shared = common_length(source, destination, 128) if length > 96 else 0
            shared = shared if shared >= length else 0
        return (
            0,
            scope != _scope(source),
            is_deprecated(source),
            policy_of(source)[1] != label,
            -precedence,
            scope,
            -shared,
        )

    return sorted(addresses, key=rank)


def _scope(address: int) -> int:
    """Also of mapped addresses: 127/8 and 169.254/16 are link-local (RFC 6724 3.2)."""
    if address >> 32 == 0xFFFF:
        return 2 if address >> 24 & 0xFF == 127 or address >> 16 & 0xFFFF == 0xA9FE else 14
    return scope_of(address)
