"""Scripts without a lab: which script stands on which host, and which address a host has (DESIGN 3).

Pure arithmetic over what the scripts say (`literals`); nothing is built here. Every network is a /24.

- Scripts that name 127.0.0.1 or localhost share a host with the one that binds it, "" or 0.0.0.0.
- An address that just one script seems to bind is that script's from the start; one that several seem to bind (a file
  that is server or client by its arguments) is taken at the bind by whoever does it. Nobody else is given either.
- An address that is only connected to goes to the script that binds "" or 0.0.0.0 (best: with that port), or nothing.
- A script that is left without an address gets the next free one of each network named, else of 10.0.0.0/24.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from netarium.errors import UsageError
from netarium.lab.literals import Endpoint, Says

_T = TypeVar("_T")
DEFAULT_NETWORK = "10.0.0"
PREFIX_LENGTH = 24
LOOPBACK = "127.0.0.1"


@dataclass
class Place:
    """One host: the indexes of its scripts, in order, and its addresses without prefix."""

    scripts: list[int]
    addresses: list[str] = field(default_factory=list)


def network_of(address: str) -> str:
    """The first three parts of a dotted quad: the /24 it is in."""
    return address.rpartition(".")[0]


def place(said: Sequence[Says]) -> list[Place]:
    """The hosts for scripts that say this, in the order of their first scripts."""
    places = [Place(group) for group in _share_loopback(said)]
    by_script = {index: host for host in places for index in host.scripts}
    named = _unique(address for says in said for address in says.literals)
    bound_by = {
        address: [index for index, says in enumerate(said) if _binds(says, address)] for address in named
    }
    for address in named:
        binders = bound_by[address]
        owners = _unique(id(by_script[index]) for index in binders)
        if len(owners) == 1:
            by_script[binders[0]].addresses.append(address)
        elif not owners:
            owner = _owner_of_connected(address, said, by_script)
            if owner is not None:
                owner.addresses.append(address)
    _fill_up(places, named)
    return places


def _fill_up(places: list[Place], named: list[str]) -> None:
    networks = _unique(network_of(address) for address in named) or [DEFAULT_NETWORK]
    taken = set(named)
    for host in places:
        if host.addresses:
            continue
        for network in networks:
            free = next((f"{network}.{n}" for n in range(1, 255) if f"{network}.{n}" not in taken), None)
            if free is None:
                raise UsageError(
                    f"no address is left in {network}.0/{PREFIX_LENGTH}; use a lab file with larger networks"
                )
            taken.add(free)
            host.addresses.append(free)


def _owner_of_connected(address: str, said: Sequence[Says], by_script: dict[int, Place]) -> Place | None:
    """Who is meant by an address that nobody binds: not those who name it."""
    ports = {port for says in said for where, port in says.connects if where == address}
    others = [index for index, says in enumerate(said) if address not in says.literals]
    any_binders = [index for index in others if said[index].binds_any()]
    with_port = [
        index
        for index in any_binders
        if any(port in ports for where, port in said[index].binds if where == "")
    ]
    silent = [index for index in others if not said[index].binds]
    for candidates in (with_port, any_binders, silent):
        free = [index for index in candidates if not by_script[index].addresses]
        for index in free or candidates:
            return by_script[index]
    return None


def _binds(says: Says, address: str) -> bool:
    return any(where == address for where, _ in says.binds)


def _share_loopback(said: Sequence[Says]) -> list[list[int]]:
    """Groups of scripts that share a host, each in order."""
    together = [index for index, says in enumerate(said) if says.loopback]
    if together:
        bound = [end for index in together for end in said[index].binds if end[0] in (LOOPBACK, "")]
        wanted = [end for index in together for end in said[index].connects if end[0] == LOOPBACK]
        connects_only = [index for index in together if not _binds_locally(said[index])]
        if connects_only and not all(_served(end, bound) for end in wanted or [(LOOPBACK, 0)]):
            together += _wildcard_servers(said, wanted)
    groups: list[list[int]] = []
    shared = sorted(together)
    for index in range(len(said)):
        if index not in shared:
            groups.append([index])
        elif index == shared[0]:
            groups.append(shared)
    return groups


def _wildcard_servers(said: Sequence[Says], wanted: list[Endpoint]) -> list[int]:
    """Scripts that bind "" or 0.0.0.0 and serve a port that is wanted on 127.0.0.1; without known ports the first."""
    candidates = [index for index, says in enumerate(said) if not says.loopback and says.binds_any()]
    exact = [
        index
        for index in candidates
        if any(port in (0, end[1]) for end in wanted for _, port in said[index].binds)
    ]
    return exact or candidates[:1]


def _binds_locally(says: Says) -> bool:
    return any(where in (LOOPBACK, "") for where, _ in says.binds)


def _served(end: Endpoint, bound: list[Endpoint]) -> bool:
    return any(0 in (port, end[1]) or port == end[1] for _, port in bound)


def _unique(items: Iterable[_T]) -> list[_T]:
    """Without doubles, in the order of the first ones."""
    return list(dict.fromkeys(items))
