"""What a resolver knows: records and negative answers, each until its TTL is over in virtual time.

Read first: RFC 2181 5 (records of one name and type live together; ranks of trust), RFC 2308 (negative answers),
RFC 1034 3.6 (TTL 0: for this transaction only).
"""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

from netarium.names.cache import SECOND_NS
from netarium.names.stub import NEGATIVE_SECONDS_MAX

TTL_SECONDS_MAX = 604_800
"""A week, as BIND's max-cache-ttl."""
ENTRIES_MAX = 100_000


class Rank(IntEnum):
    """How far a record is trusted (RFC 2181 5.4.1): what is learned lower never replaces what is higher."""

    GLUE = 1
    """From the additional section of a referral: good for finding servers, never told to clients."""
    REFERRAL = 2
    """From the authority section of a referral."""
    ANSWER = 3


class Positive(NamedTuple):
    """Records with their TTL as of `stored_ns`."""

    rrset: dns.rrset.RRset
    rank: Rank
    stored_ns: int
    expires_ns: int


class Negative(NamedTuple):
    """No such name (NXDOMAIN) or no such type (NOERROR), and the SOA that says so."""

    rcode: dns.rcode.Rcode
    soa: dns.rrset.RRset | None
    stored_ns: int
    expires_ns: int


Key = tuple[dns.name.Name, dns.rdatatype.RdataType]


class Cache:
    """Records by name and type. What has expired is not there."""

    def __init__(self) -> None:
        self._records: dict[Key, Positive] = {}
        self._negative: dict[Key, Negative] = {}
        self.hits = self.misses = 0

    def get(
        self, name: dns.name.Name, kind: dns.rdatatype.RdataType, now_ns: int, least: Rank = Rank.ANSWER
    ) -> dns.rrset.RRset | None:
        """The records with the TTL they have left, of at least this rank."""
        found = self._records.get((name, kind))
        if found is None or found.rank < least:
            return None
        if found.expires_ns <= now_ns:
            del self._records[(name, kind)]
            return None
        return _aged(found.rrset, found.stored_ns, now_ns)

    def negative(self, name: dns.name.Name, kind: dns.rdatatype.RdataType, now_ns: int) -> Negative | None:
        """Whether it is known that there is no such name, or no such type; the SOA with the TTL it has left."""
        for key in ((name, dns.rdatatype.ANY), (name, kind)):
            found = self._negative.get(key)
            if found is not None and found.expires_ns <= now_ns:
                del self._negative[key]
            elif found is not None:
                soa = None if found.soa is None else _aged(found.soa, found.stored_ns, now_ns)
                return found._replace(soa=soa)
        return None

    def put(self, rrset: dns.rrset.RRset, rank: Rank, now_ns: int) -> None:
        """Keep records, unless better ones are there. A delegation of TTL 0 is kept a second: it is to be followed."""
        ttl = (
            min(rrset.ttl, TTL_SECONDS_MAX)
            if rank is Rank.ANSWER
            else max(1, min(rrset.ttl, TTL_SECONDS_MAX))
        )
        key = (rrset.name, rrset.rdtype)
        known = self._records.get(key)
        if ttl <= 0 or (known is not None and known.rank > rank and known.expires_ns > now_ns):
            return
        _make_room(self._records)
        self._records.pop(key, None)
        self._records[key] = Positive(rrset, rank, now_ns, now_ns + ttl * SECOND_NS)
        for gone in ((rrset.name, dns.rdatatype.ANY), key):
            self._negative.pop(gone, None)

    def put_negative(
        self,
        name: dns.name.Name,
        kind: dns.rdatatype.RdataType,
        rcode: dns.rcode.Rcode,
        soa: dns.rrset.RRset | None,
        now_ns: int,
    ) -> dns.rrset.RRset | None:
        """Keep that there is no such name or type, for the SOA's time (RFC 2308 5); without a SOA not at all.

        The SOA as it is to be told: with the TTL of the negative answer.
        """
        if soa is None:
            return None
        ttl = min(soa.ttl, soa[0].minimum, NEGATIVE_SECONDS_MAX)
        limited = dns.rrset.from_rdata_list(soa.name, ttl, list(soa))
        if ttl <= 0:
            return limited
        _make_room(self._negative)
        key = (name, dns.rdatatype.ANY if rcode == dns.rcode.NXDOMAIN else kind)
        self._negative[key] = Negative(rcode, limited, now_ns, now_ns + ttl * SECOND_NS)
        return limited

    def flush(self) -> int:
        """Empty it; how many entries there were."""
        count = len(self._records) + len(self._negative)
        self._records.clear()
        self._negative.clear()
        return count

    def listing(self, now_ns: int) -> list[dns.rrset.RRset]:
        """The living records, oldest first, with the TTL they have left."""
        return [
            _aged(each.rrset, each.stored_ns, now_ns)
            for each in self._records.values()
            if each.expires_ns > now_ns
        ]


def _aged(rrset: dns.rrset.RRset, stored_ns: int, now_ns: int) -> dns.rrset.RRset:
    """The records with what is left of their TTL: whole seconds that have passed are taken off."""
    ttl = max(min(rrset.ttl, TTL_SECONDS_MAX) - (now_ns - stored_ns) // SECOND_NS, 0)
    return dns.rrset.from_rdata_list(rrset.name, ttl, list(rrset))


def _make_room(table: dict[Key, Positive] | dict[Key, Negative]) -> None:
    if len(table) >= ENTRIES_MAX:
        del table[next(iter(table))]
