"""What the zones of a server say to a question.

Read first: RFC 1034 4.3.2 (the algorithm), RFC 4592 (wildcards, empty non-terminals), RFC 2308 2 and 3 (negative
answers), RFC 2181 6 (zone cuts). Only class IN.
"""

from __future__ import annotations

from collections.abc import Iterable

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdataset
import dns.rdatatype
import dns.rrset

from netarium.names.messages import CHAIN_MAX
from netarium.services.dns.zone import Records, Zone

ADDRESSES = (dns.rdatatype.A, dns.rdatatype.AAAA)
WILDCARD = dns.name.Name((b"*",))


class Rotation:
    """Records of one name come in another order with each answer, round and round (as BIND's cyclic rrset-order)."""

    def __init__(self) -> None:
        self._turns: dict[tuple[dns.name.Name, dns.rdatatype.RdataType], int] = {}

    def turn(self, rrset: dns.rrset.RRset) -> dns.rrset.RRset:
        """The records, one place further than last time."""
        count = len(rrset)
        if count < 2:
            return rrset
        key = (rrset.name, rrset.rdtype)
        at = self._turns.get(key, 0)
        self._turns[key] = (at + 1) % count
        records = list(rrset)
        return dns.rrset.from_rdata_list(rrset.name, rrset.ttl, records[at:] + records[:at])


class Authority:
    """The zones of one server."""

    def __init__(self, zones: Iterable[Zone] = ()) -> None:
        self.zones = {zone.origin: zone for zone in zones}
        self.rotation = Rotation()

    def zone_of(self, name: dns.name.Name) -> Zone | None:
        """The zone with the longest origin that `name` is in."""
        while True:
            zone = self.zones.get(name)
            if zone is not None:
                return zone
            if name == dns.name.root:
                return None
            name = name.parent()

    def answer(self, response: dns.message.Message) -> bool:
        """Fill in the response to its question. False when a CNAME leads out of our zones, or nothing is ours."""
        question = response.question[0]
        name, kind = question.name, question.rdtype
        zone = self.zone_of(name)
        if zone is None:
            return False
        seen: dict[dns.name.Name, bool] = {}
        while True:
            target = self._answer_from(zone, response, name, kind, first=not seen)
            if target is None:
                return True
            seen[name] = True
            name = target
            following = self.zone_of(name)
            if following is None or name in seen or len(seen) > CHAIN_MAX:
                return following is not None
            zone = following

    def _answer_from(
        self,
        zone: Zone,
        response: dns.message.Message,
        name: dns.name.Name,
        kind: dns.rdatatype.RdataType,
        first: bool,
    ) -> dns.name.Name | None:
        """One zone's part; the target of a CNAME that is to be followed."""
        cut = self._cut(zone, name, kind)
        if cut is not None:
            self._refer(zone, response, cut)
            return None
        if first:
            response.flags |= dns.flags.Flag.AA
        records = zone.nodes.get(name)
        if records is None and not self._exists(zone, name):
            records = self._wildcard(zone, name)
            if records is None:
                response.set_rcode(dns.rcode.NXDOMAIN)
                self._negative(zone, response)
                return None
        return self._answer_with(zone, response, name, kind, records or {})

    def _answer_with(
        self,
        zone: Zone,
        response: dns.message.Message,
        name: dns.name.Name,
        kind: dns.rdatatype.RdataType,
        records: Records,
    ) -> dns.name.Name | None:
        if kind == dns.rdatatype.ANY:
            for each in records.values():
                self._add(response.answer, name, each)
        elif kind in records:
            self._add(response.answer, name, records[kind])
            self._add_targets(zone, response, records[kind])
        elif dns.rdatatype.CNAME in records:
            alias = records[dns.rdatatype.CNAME]
            self._add(response.answer, name, alias)
            target: dns.name.Name = alias[0].target
            return target
        if not response.answer:
            self._negative(zone, response)
        elif kind not in records and kind != dns.rdatatype.ANY:
            self._negative(zone, response)  # a chain that ends without the type
        return None

    @staticmethod
    def _cut(zone: Zone, name: dns.name.Name, kind: dns.rdatatype.RdataType) -> dns.name.Name | None:
        """The highest delegation on the way from the zone's origin down to `name` (RFC 1034 4.3.2 3b)."""
        depth = len(zone.origin.labels)
        for count in range(depth + 1, len(name.labels) + 1):
            step = name.split(count)[1]
            if dns.rdatatype.NS in zone.nodes.get(step, {}):
                # RFC 4035 3.1.4.1: the parent answers for DS at the cut itself.
                return None if kind == dns.rdatatype.DS and step == name else step
        return None

    def _refer(self, zone: Zone, response: dns.message.Message, cut: dns.name.Name) -> None:
        servers = zone.nodes[cut][dns.rdatatype.NS]
        response.authority.append(_rrset(cut, servers))
        self._add_targets(zone, response, servers)

    @staticmethod
    def _exists(zone: Zone, name: dns.name.Name) -> bool:
        return name in zone.names

    @staticmethod
    def _wildcard(zone: Zone, name: dns.name.Name) -> Records | None:
        """RFC 4592 3.3.1: `*` at the closest encloser, and nowhere higher."""
        encloser = name
        while encloser not in zone.names:
            encloser = encloser.parent()
        return zone.nodes.get(WILDCARD + encloser)

    @staticmethod
    def _negative(zone: Zone, response: dns.message.Message) -> None:
        """RFC 2308 3: the SOA, with the TTL that the negative answer may be kept."""
        soa = zone.soa
        found = _rrset(zone.origin, soa)
        found.ttl = min(soa.ttl, soa[0].minimum)
        response.authority.append(found)

    def _add(
        self, section: list[dns.rrset.RRset], name: dns.name.Name, records: dns.rdataset.Rdataset
    ) -> None:
        section.append(self.rotation.turn(_rrset(name, records)))

    def _add_targets(self, zone: Zone, response: dns.message.Message, records: dns.rdataset.Rdataset) -> None:
        """Addresses of the servers and exchanges that are named, as far as this zone's text has them (glue)."""
        for each in records:
            target = getattr(each, "target", None) or getattr(each, "exchange", None)
            if (
                records.rdtype not in (dns.rdatatype.NS, dns.rdatatype.MX, dns.rdatatype.SRV)
                or target is None
            ):
                continue
            for kind in ADDRESSES:
                found = zone.nodes.get(target, {}).get(kind)
                if found is not None and not any(
                    rrset.name == target and rrset.rdtype == kind for rrset in response.additional
                ):
                    response.additional.append(_rrset(target, found))


def _rrset(name: dns.name.Name, records: dns.rdataset.Rdataset) -> dns.rrset.RRset:
    return dns.rrset.from_rdata_list(name, records.ttl, list(records))
