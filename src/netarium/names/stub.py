"""The stub resolver of a host: asks the name servers of its configuration, recursively, and keeps what they say.

Read first: resolv.conf(5), resolver(3); RFC 1034 5.3.1, RFC 7766 5 (truncation goes to TCP). As glibc: each server in
order, a round again after all were silent; SERVFAIL, REFUSED and nonsense go to the next server at once.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from netarium.names.cache import SECOND_NS, CachedName, NameCache
from netarium.names.configuration import NameConfiguration

if TYPE_CHECKING:
    import dns.message

KINDS: Final = {4: "A", 6: "AAAA"}
NEGATIVE_SECONDS_MAX: Final = 10_800
"""RFC 2308 5: a negative answer is kept three hours at most."""


class Exchange(Protocol):
    """Who carries a query to a server and the answer back; it blocks the calling task."""

    def __call__(
        self, server: str, query: bytes, timeout_ns: int, accept: Callable[[bytes], bool], tcp: bool = False
    ) -> bytes | None:
        """The first answer that `accept` takes; None for silence or an ICMP error."""
        ...


class NumberSource(Protocol):
    """What a stub wants of its stream of randomness; `random.Random` has it."""

    def getrandbits(self, k: int, /) -> int:
        """A number of `k` random bits."""
        ...


class Found(NamedTuple):
    """An answer about one absolute name: see `CachedName`."""

    values: tuple[str, ...]
    exists: bool
    ttl_s: int


class StubResolver:
    """Names by DNS for one host. `clock` gives the time in ns; `tell` hears of each server asked (for the trace)."""

    def __init__(
        self,
        configuration: NameConfiguration,
        exchange: Exchange,
        clock: Callable[[], int],
        random: NumberSource,
    ) -> None:
        self.configuration = configuration
        self.cache = NameCache()
        self.queries_sent = 0
        self._exchange = exchange
        self._clock = clock
        self._random = random
        self.tell: Callable[[str, str, str], None] | None = None
        """(server, name and type, outcome)."""

    def cached(self, name: str, kind: str) -> list[CachedName] | None:
        """What the cache says of the candidates for `name`, up to a living answer; None when it cannot tell all."""
        told = []
        for candidate in self.configuration.candidates(name):
            found = self.cache.get(candidate, kind, self._clock())
            if found is None:
                return None
            told.append(found)
            if found.values:
                break
        return told

    def ask(self, name: str, kind: str) -> Found | None:
        """The best answer over all candidates for `name`; None when the servers did not tell."""
        best: Found | None = None
        unknown = False
        for candidate in self.configuration.candidates(name):
            found = self._ask_one(candidate, kind)
            if found is None:
                unknown = True
                continue
            if found.values:
                return found
            if best is None or (found.exists and not best.exists):
                best = found
        return None if unknown and (best is None or not best.exists) else best

    def _ask_one(self, name: str, kind: str) -> Found | None:
        known = self.cache.get(name, kind, self._clock())
        if known is not None:
            return Found(known.values, known.exists, known.ttl_s(self._clock()))
        message = self.query_servers(name, kind)
        if message is None:
            return None
        found = read_answer(message, kind)
        self.cache.put(name, kind, found.values, found.exists, found.ttl_s, self._clock())
        return found

    def query_servers(self, name: str, kind: str) -> dns.message.Message | None:
        """The first sound answer (NOERROR or NXDOMAIN) of the servers in order; None without any."""
        import dns.exception
        import dns.name
        import dns.rdatatype

        from netarium.names.messages import make_query

        try:
            wanted = dns.name.from_text(name)
        except (dns.exception.DNSException, UnicodeError, ValueError):
            return _no_such_name(name, kind)
        for _ in range(self.configuration.attempts):
            for server in self.configuration.servers:
                identifier = self._random.getrandbits(16)
                query = make_query(
                    wanted, dns.rdatatype.from_text(kind), identifier, recursion=True, edns=False
                )
                answer = self._query(server, query)
                self._say(server, f"{name} {kind}", answer)
                if answer is not None and answer.rcode() in (0, 3):
                    return answer
        return None

    def _query(self, server: str, query: dns.message.Message) -> dns.message.Message | None:
        import dns.flags

        from netarium.names.messages import decode, is_answer

        def fits(data: bytes) -> bool:
            answer = decode(data)
            return answer is not None and is_answer(query, answer)

        timeout_ns = self.configuration.timeout_s * SECOND_NS
        data = query.to_wire()
        self.queries_sent += 1
        found = self._exchange(server, data, timeout_ns, fits)
        answer = decode(found) if found is not None else None
        if answer is not None and answer.flags & dns.flags.Flag.TC:
            self.queries_sent += 1
            found = self._exchange(server, data, timeout_ns, fits, tcp=True)
            answer = decode(found) if found is not None else None
        return answer

    def _say(self, server: str, what: str, answer: dns.message.Message | None) -> None:
        if self.tell is not None:
            from dns.rcode import to_text

            self.tell(server, what, "no answer" if answer is None else to_text(answer.rcode()))


def read_answer(message: dns.message.Message, kind: str) -> Found:
    """Values, existence and TTL of an answer, along its CNAMEs."""
    import dns.rcode
    import dns.rdatatype

    from netarium.names.messages import follow, negative_ttl

    if not message.question:
        return Found((), False, 0)
    _, rrset, ttl = follow(message, message.question[0].name, dns.rdatatype.from_text(kind))
    if rrset is None:
        ttl = min(ttl, negative_ttl(message), NEGATIVE_SECONDS_MAX)
        return Found((), message.rcode() != dns.rcode.NXDOMAIN, ttl)
    if kind == "PTR":
        return Found(tuple(each.target.to_text(omit_final_dot=True) for each in rrset), True, ttl)
    return Found(tuple(str(ipaddress.ip_address(each.address)) for each in rrset), True, ttl)


def reverse_name(address: str) -> str:
    """`4.3.2.1.in-addr.arpa.` for 1.2.3.4 (RFC 1035 3.5), or the name under ip6.arpa (RFC 3596)."""
    return ipaddress.ip_address(address).reverse_pointer + "."


def _no_such_name(name: str, kind: str) -> dns.message.Message:
    """What cannot be a name (a label over 63 octets) exists nowhere: said without asking anybody."""
    import dns.message
    import dns.rcode

    message = dns.message.QueryMessage(id=0)
    message.set_rcode(dns.rcode.NXDOMAIN)
    return message
