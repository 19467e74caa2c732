"""A recursive resolver: iterative queries from the roots down to the answer.

Read first: RFC 1034 5.3.3 (the algorithm), RFC 2181 5.4.1 (what to believe), RFC 2308 (negative answers), RFC 1035 7.
What a server says is believed only about names in the zone it was asked as a server of (bailiwick). Limits are BIND's:
100 queries for one question, 16 CNAMEs, 7 levels of servers whose addresses must be looked up first; 50 such lookups.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from netarium.names.messages import CHAIN_MAX
from netarium.services.dns.cache import Cache, Rank
from netarium.services.dns.transport import Ask

QUERIES_MAX = 100
LOOKUPS_MAX = 50
DEPTH_MAX = 7
REFERRALS_MAX = 30
TIMEOUTS_S = (1.0, 2.0)
"""How long a server is waited for, in the first and in the second round over all servers of a zone."""
AVOID_NS = 600 * 1_000_000_000
"""A server that was silent or lame is asked last for ten minutes (BIND: lame-ttl)."""

Name = dns.name.Name
Kind = dns.rdatatype.RdataType


class Outcome(NamedTuple):
    """What came of a question: the answer's records, CNAMEs first, or the SOA of a negative answer."""

    rcode: dns.rcode.Rcode
    answer: list[dns.rrset.RRset]
    soa: dns.rrset.RRset | None = None
    asked: int = 0
    """How many queries it took; 0: the cache knew."""


class _Step(NamedTuple):
    """One answer as far as it was believed: records found, a CNAME to follow, a referral, or a negative answer."""

    found: list[dns.rrset.RRset]
    alias: Name | None = None
    cut: Name | None = None
    negative: tuple[dns.rcode.Rcode, dns.rrset.RRset | None] | None = None


class _Budget:
    """What is left for one question of a client: queries, and the servers' names that may still be looked up."""

    def __init__(self) -> None:
        self.queries = QUERIES_MAX
        self.lookups = LOOKUPS_MAX
        self.resolving: dict[Name, bool] = {}
        """Servers' names that are being looked up: whoever needs one of them to find it goes round in a circle."""


FAILED = Outcome(dns.rcode.SERVFAIL, [])


class Recursion:
    """Resolves names over `ask`; `tell` hears (subject, details) of each stage, for the trace."""

    def __init__(
        self, roots: Sequence[str], cache: Cache, ask: Ask, tell: Callable[[str, dict[str, object]], None]
    ) -> None:
        self.roots = list(roots)
        self.cache = cache
        self._ask = ask
        self._tell = tell
        self._avoided: dict[tuple[Name, str], int] = {}

    def resolve(self, name: Name, kind: Kind) -> Outcome:
        """The answer to a client's question. Blocks while servers are asked."""
        budget = _Budget()
        outcome = self._resolve(name, kind, budget, 0)
        return outcome._replace(asked=QUERIES_MAX - budget.queries)

    def _resolve(self, name: Name, kind: Kind, budget: _Budget, depth: int) -> Outcome:
        answer: list[dns.rrset.RRset] = []
        seen: dict[Name, bool] = {}
        while budget.queries > 0:
            if name in seen or len(seen) > CHAIN_MAX:
                return FAILED  # a CNAME loop
            seen[name] = True
            step = self._from_cache(name, kind) or self._from_servers(name, kind, budget, depth)
            if step is None:
                return FAILED
            answer += step.found
            for each in step.found:
                if each.rdtype == dns.rdatatype.CNAME:
                    seen[each.name] = True
            if step.negative is not None:
                return Outcome(step.negative[0], answer, step.negative[1])
            if step.alias is None:
                return Outcome(dns.rcode.NOERROR, answer)
            name = step.alias
        return FAILED

    def _from_cache(self, name: Name, kind: Kind) -> _Step | None:
        now = time.monotonic_ns()
        found = self.cache.get(name, kind, now)
        if found is not None:
            return _Step([found])
        negative = self.cache.negative(name, kind, now)
        if negative is not None:
            return _Step([], negative=(negative.rcode, negative.soa))
        alias = self.cache.get(name, dns.rdatatype.CNAME, now)
        if alias is not None and kind != dns.rdatatype.CNAME:
            return _Step([alias], alias=alias[0].target)
        return None

    def _from_servers(self, name: Name, kind: Kind, budget: _Budget, depth: int) -> _Step | None:
        """Ask from the nearest zone whose servers are known, down the referrals."""
        zone = self._nearest_zone(name)
        for _ in range(REFERRALS_MAX):
            step = self._ask_zone(zone, name, kind, budget, depth)
            if step is None or step.cut is None:
                return step
            zone = step.cut
        return None

    def _nearest_zone(self, name: Name) -> Name:
        now = time.monotonic_ns()
        while name != dns.name.root:
            if self.cache.get(name, dns.rdatatype.NS, now, Rank.REFERRAL) is not None:
                return name
            name = name.parent()
        return name

    def _ask_zone(self, zone: Name, name: Name, kind: Kind, budget: _Budget, depth: int) -> _Step | None:
        """The first believable answer of the zone's servers; two rounds over them."""
        for timeout_s in TIMEOUTS_S:
            for server in self._servers(zone, budget, depth):
                if budget.queries <= 0:
                    return None
                budget.queries -= 1
                self._tell(
                    f"{name} {kind.name}", {"stage": "iterative query", "server": server, "zone": str(zone)}
                )
                answer = self._ask(server, name, kind, False, timeout_s)
                step = None if answer is None else self._judge(answer, zone, name, kind)
                if step is not None:
                    self._avoided.pop((zone, server), None)
                    return step
                self._avoided[(zone, server)] = time.monotonic_ns() + AVOID_NS
        return None

    def _servers(self, zone: Name, budget: _Budget, depth: int) -> Iterator[str]:
        """Addresses of the zone's servers: known ones first, then those to be looked up, then those to be avoided."""
        now = time.monotonic_ns()
        later: list[str] = []
        unknown: list[Name] = []
        servers = (
            self.cache.get(zone, dns.rdatatype.NS, now, Rank.REFERRAL) if zone != dns.name.root else None
        )
        if servers is None:
            addresses = list(self.roots) if zone == dns.name.root else []
        else:
            addresses = []
            for each in servers:
                known = self.cache.get(each.target, dns.rdatatype.A, now, Rank.GLUE)
                if known is None:
                    unknown.append(each.target)
                else:
                    addresses += [record.address for record in known]
        for address in addresses:
            if self._avoided.get((zone, address), 0) > time.monotonic_ns():
                later.append(address)
            else:
                yield address
        for target in unknown:
            if depth >= DEPTH_MAX or target in budget.resolving or budget.lookups <= 0:
                continue
            budget.lookups -= 1
            budget.resolving[target] = True
            found = self._resolve(target, dns.rdatatype.A, budget, depth + 1)
            del budget.resolving[target]
            for rrset in found.answer:
                if rrset.rdtype == dns.rdatatype.A:
                    yield from (record.address for record in rrset)
        yield from later

    def _judge(self, answer: dns.message.Message, zone: Name, name: Name, kind: Kind) -> _Step | None:
        """What an answer says, kept in the cache as far as it is believed; None for a server that is no help."""
        now = time.monotonic_ns()
        if answer.rcode() not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
            return None
        found, last, complete = self._believed_chain(answer, zone, name, kind, now)
        if complete:
            return _Step(found)
        authoritative = bool(answer.flags & dns.flags.Flag.AA)
        soa = _negative_soa(answer, zone)
        denied = authoritative and (answer.rcode() == dns.rcode.NXDOMAIN or soa is not None)
        if found and not (denied and last.is_subdomain(zone)):
            return _Step(found, alias=last)
        if not denied:
            referral = self._referral(answer, zone, name, now)
            if referral is not None or not authoritative:
                return referral
        # RFC 2308 2.2: without a SOA it is NODATA too, for this time only.
        soa = self.cache.put_negative(last, kind, answer.rcode(), soa, now)
        return _Step(found, negative=(answer.rcode(), soa))

    def _believed_chain(
        self, answer: dns.message.Message, zone: Name, name: Name, kind: Kind, now: int
    ) -> tuple[list[dns.rrset.RRset], Name, bool]:
        """(records along the CNAMEs, the last name, whether the type was found), only of names in the zone."""
        found: list[dns.rrset.RRset] = []
        if not answer.flags & dns.flags.Flag.AA:
            return found, name, False  # an answer from somebody's cache, or lame
        for _ in range(CHAIN_MAX + 1):
            if not name.is_subdomain(zone):
                break
            records = answer.get_rrset(answer.answer, name, dns.rdataclass.IN, kind)
            if records is not None:
                self.cache.put(records, Rank.ANSWER, now)
                return [*found, records], name, True
            alias = answer.get_rrset(answer.answer, name, dns.rdataclass.IN, dns.rdatatype.CNAME)
            if alias is None:
                break
            self.cache.put(alias, Rank.ANSWER, now)
            found.append(alias)
            name = alias[0].target
        return found, name, False

    def _referral(self, answer: dns.message.Message, zone: Name, name: Name, now: int) -> _Step | None:
        """A delegation to a zone further down; sideways or upward ones are lame (RFC 1034 5.3.3 4d)."""
        for rrset in answer.authority:
            cut = rrset.name
            if rrset.rdtype != dns.rdatatype.NS or cut == zone:
                continue
            if cut.is_subdomain(zone) and name.is_subdomain(cut):
                self.cache.put(rrset, Rank.REFERRAL, now)
                self._take_glue(answer, rrset, zone, now)
                return _Step([], cut=cut)
        return None

    def _take_glue(self, answer: dns.message.Message, servers: dns.rrset.RRset, zone: Name, now: int) -> None:
        """Addresses of the servers named, and of nothing else; only inside the zone that was asked (bailiwick)."""
        for each in servers:
            if each.target.is_subdomain(zone):
                glue = answer.get_rrset(answer.additional, each.target, dns.rdataclass.IN, dns.rdatatype.A)
                if glue is not None:
                    self.cache.put(glue, Rank.GLUE, now)


def _negative_soa(answer: dns.message.Message, zone: Name) -> dns.rrset.RRset | None:
    """The SOA in the authority section, of the zone asked or one below it."""
    for rrset in answer.authority:
        if rrset.rdtype == dns.rdatatype.SOA and rrset.name.is_subdomain(zone):
            return rrset
    return None
