"""A forwarder: the client's question goes to the servers above, recursively; what they say is kept.

Read first: RFC 1034 5.3.1 (a stub), RFC 5625 (what a home router's proxy must not break).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from netarium.names.messages import CHAIN_MAX
from netarium.services.dns.cache import Cache, Rank
from netarium.services.dns.recursion import FAILED, Outcome
from netarium.services.dns.transport import Ask

TIMEOUT_S = 2.0
ROUNDS = 2


class Forwarding:
    """Asks `servers` in order, `ROUNDS` times; `tell` hears of each stage."""

    def __init__(
        self, servers: Sequence[str], cache: Cache, ask: Ask, tell: Callable[[str, dict[str, object]], None]
    ) -> None:
        self.servers = list(servers)
        self.cache = cache
        self._ask = ask
        self._tell = tell

    def resolve(self, name: dns.name.Name, kind: dns.rdatatype.RdataType) -> Outcome:
        """The answer to a client's question. Blocks while the servers are asked."""
        known = self._from_cache(name, kind)
        if known is not None:
            return known
        asked = 0
        for _ in range(ROUNDS):
            for server in self.servers:
                asked += 1
                self._tell(f"{name} {kind.name}", {"stage": "forwarded query", "server": server})
                answer = self._ask(server, name, kind, True, TIMEOUT_S)
                if answer is not None and answer.rcode() in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
                    return self._keep(answer, name, kind)._replace(asked=asked)
        return FAILED._replace(asked=asked)

    def _from_cache(self, name: dns.name.Name, kind: dns.rdatatype.RdataType) -> Outcome | None:
        now = time.monotonic_ns()
        answer: list[dns.rrset.RRset] = []
        for _ in range(CHAIN_MAX + 1):
            found = self.cache.get(name, kind, now)
            if found is not None:
                return Outcome(dns.rcode.NOERROR, [*answer, found])
            negative = self.cache.negative(name, kind, now)
            if negative is not None:
                return Outcome(negative.rcode, answer, negative.soa)
            alias = self.cache.get(name, dns.rdatatype.CNAME, now)
            if alias is None:
                return None
            answer.append(alias)
            name = alias[0].target
        return None

    def _keep(
        self, message: dns.message.Message, name: dns.name.Name, kind: dns.rdatatype.RdataType
    ) -> Outcome:
        """The chain of the answer; what the servers above say is believed as they say it."""
        now = time.monotonic_ns()
        answer: list[dns.rrset.RRset] = []
        for _ in range(CHAIN_MAX + 1):
            found = message.get_rrset(message.answer, name, dns.rdataclass.IN, kind)
            wanted = found or message.get_rrset(message.answer, name, dns.rdataclass.IN, dns.rdatatype.CNAME)
            if wanted is None:
                break
            self.cache.put(wanted, Rank.ANSWER, now)
            answer.append(wanted)
            if found is not None:
                return Outcome(dns.rcode.NOERROR, answer)
            name = wanted[0].target
        soa = next((each for each in message.authority if each.rdtype == dns.rdatatype.SOA), None)
        soa = self.cache.put_negative(name, kind, message.rcode(), soa, now)
        return Outcome(message.rcode(), answer, soa)
