"""The LSAs a router makes of what it sees: its router-LSA, network-LSAs where it is the designated router, and
AS-external-LSAs for what it brings in from outside.

Read first: RFC 2328 12.4 (when and what), 12.1.6 (sequence numbers), 13.4 (own LSAs that come back).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

from netarium.services.routing.alarms import Alarm
from netarium.services.routing.ospf.constants import (
    DOWN,
    DR,
    LS_REFRESH_NS,
    MIN_LS_INTERVAL_NS,
    N_FULL,
)
from netarium.wire.ospf_lsa import (
    EXTERNAL,
    INITIAL_SEQUENCE,
    MAX_AGE_S,
    MAX_SEQUENCE,
    NETWORK,
    POINT_TO_POINT,
    ROUTER,
    ROUTER_EXTERNAL,
    STUB,
    TRANSIT,
    ExternalBody,
    Key,
    Lsa,
    NetworkBody,
    RouterBody,
    RouterLink,
)

if TYPE_CHECKING:
    from netarium.services.routing.installer import Prefix
    from netarium.services.routing.ospf.instance import Instance
    from netarium.services.routing.ospf.interface import OspfInterface

EVERY_BIT: Final = 0xFFFFFFFF


class Originator:
    """Keeps this router's own LSAs in the database as they should be."""

    def __init__(self, instance: Instance) -> None:
        self.instance: Final = instance
        self.externals: dict[Prefix, int] = {}
        """What is brought in from outside: prefix -> type 2 metric."""
        self.made_ns: dict[Key, int] = {}
        self._again: Alarm | None = None
        self._refresh: Alarm | None = None

    def set_externals(self, externals: Mapping[Prefix, int]) -> None:
        """What is to be brought in from outside from now on."""
        if externals != self.externals:
            self.externals = dict(externals)
            self.instance.links_changed()

    def wanted(self) -> dict[Key, bytes]:
        """Every LSA this router should have in the database now, and its body."""
        instance = self.instance
        router_id = instance.router_id
        links = [link for each in instance.interfaces.values() for link in _router_links(each)]
        flags = ROUTER_EXTERNAL if self.externals else 0
        found = {(ROUTER, router_id, router_id): RouterBody(flags, links).emit()}
        for interface in instance.interfaces.values():
            full = [each.router_id for each in interface.neighbors.values() if each.state == N_FULL]
            if interface.state == DR and full:
                body = NetworkBody(interface.link.mask, [router_id, *full])
                found[NETWORK, interface.link.address, router_id] = body.emit()
        for (prefix, length), metric in self.externals.items():
            mask = EVERY_BIT << (32 - length) & EVERY_BIT
            found[EXTERNAL, prefix, router_id] = ExternalBody(mask, metric).emit()
        return found

    def update(self) -> None:
        """Originate what has changed, flush what is not wanted any more."""
        instance = self.instance
        entries = instance.database.entries
        wanted = self.wanted()
        for key, body in wanted.items():
            entry = entries.get(key)
            if entry is None or entry.lsa.body != body or entry.lsa.header.age_s >= MAX_AGE_S:
                self._originate(key, body)
        for key in list(self.made_ns):
            if key not in wanted:
                del self.made_ns[key]
                entry = entries.get(key)
                if entry is not None and entry.lsa.header.age_s < MAX_AGE_S:
                    instance.flooding.expire_now(entry.lsa)

    def _originate(self, key: Key, body: bytes) -> None:
        """A new instance, not sooner than MinLSInterval after the last."""
        instance = self.instance
        now = instance.alarms.now
        made_ns = self.made_ns.get(key)
        if made_ns is not None and now - made_ns < MIN_LS_INTERVAL_NS:
            self._later(made_ns + MIN_LS_INTERVAL_NS - now)
            return
        entry = instance.database.entries.get(key)
        sequence = INITIAL_SEQUENCE
        if entry is not None:
            if entry.lsa.header.sequence == MAX_SEQUENCE:
                # 12.1.6: the last number is flushed first; `forgotten` begins anew.
                if entry.lsa.header.age_s < MAX_AGE_S:
                    instance.flooding.expire_now(entry.lsa)
                return
            sequence = entry.lsa.header.sequence + 1
        self.made_ns[key] = now
        lsa = Lsa.build(key[0], key[1], key[2], sequence, body)
        instance.flooding.flood(lsa, None)
        instance.flooding.install(lsa, flooded=False)
        if self._refresh is None:
            self._refresh = instance.alarms.after(LS_REFRESH_NS, self._refresh_all)

    def _later(self, delay_ns: int) -> None:
        if self._again is None or not self._again.pending:
            self._again = self.instance.alarms.after(delay_ns, self.instance.links_changed)

    def _refresh_all(self) -> None:
        """LSRefreshTime has passed for the oldest of our LSAs: new instances of all (12.4, event 1)."""
        self._refresh = None
        for key, body in self.wanted().items():
            self._originate(key, body)
        if self._refresh is None:
            self._refresh = self.instance.alarms.after(LS_REFRESH_NS, self._refresh_all)

    def look_at_own(self, lsa: Lsa) -> None:
        """A newer instance of an LSA of ours came from a neighbor: from before a restart (13.4)."""
        instance = self.instance
        key = lsa.header.key
        own_address = any(each.link.address == key[1] for each in instance.interfaces.values())
        if key[2] != instance.router_id and not (key[0] == NETWORK and own_address):
            return
        body = self.wanted().get(key)
        if body is None:
            if lsa.header.age_s < MAX_AGE_S:
                instance.flooding.expire_now(lsa)
        else:
            # Beyond the number that came, and at once: everybody has believed the old one.
            self.made_ns.pop(key, None)
            self._originate(key, body)

    def forgotten(self, key: Key) -> None:
        """An LSA at MaxAge has left the database."""
        if key[2] == self.instance.router_id:
            self.instance.links_changed()


def _router_links(interface: OspfInterface) -> Iterator[RouterLink]:
    """What an interface adds to the router-LSA (12.4.1)."""
    link = interface.link
    if interface.state == DOWN:
        return
    for prefix, length in link.others:
        yield RouterLink(STUB, prefix, EVERY_BIT << (32 - length) & EVERY_BIT, interface.cost)
    if link.name == "lo":
        yield RouterLink(STUB, link.address, EVERY_BIT, 0)
        return
    if interface.is_point_to_point:
        for neighbor in interface.neighbors.values():
            if neighbor.state == N_FULL:
                yield RouterLink(POINT_TO_POINT, neighbor.router_id, link.address, interface.cost)
    elif interface.is_transit():
        yield RouterLink(TRANSIT, interface.designated, link.address, interface.cost)
        return
    yield RouterLink(STUB, link.network, link.mask, interface.cost)
