"""DNS queries and their answers, by dnspython: what stub resolver, dig and name servers share.

Read first: RFC 1035 4 (messages), RFC 6891 (EDNS), RFC 2308 (negative answers). dnspython is imported at the first use
of this module; its own resolver, which reads the real machine's resolv.conf, is used nowhere.
"""

from __future__ import annotations

from typing import Final

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset

EDNS_BYTES: Final = 1232
"""The UDP payload we offer: fits the IPv6 minimum MTU (DNS flag day 2020; BIND and Unbound since)."""
PLAIN_BYTES: Final = 512
"""RFC 1035 2.3.4: without EDNS."""
CHAIN_MAX: Final = 16
"""CNAMEs that are followed, as BIND's limit."""


def make_query(
    name: dns.name.Name,
    kind: dns.rdatatype.RdataType,
    identifier: int,
    *,
    recursion: bool,
    edns: bool = True,
) -> dns.message.QueryMessage:
    """A query for one name and type, class IN."""
    message = dns.message.QueryMessage(id=identifier)
    message.flags = dns.flags.Flag.RD if recursion else dns.flags.Flag(0)
    message.find_rrset(message.question, name, dns.rdataclass.IN, kind, create=True, force_unique=True)
    if edns:
        message.use_edns(0, payload=EDNS_BYTES)
    return message


def encode(message: dns.message.Message, bytes_max: int = 65535) -> bytes:
    """The message's bytes; what does not fit is left out, and TC tells when that matters (RFC 2181 9)."""
    return message.to_wire(max_size=bytes_max, prefer_truncation=True, want_shuffle=False)


def decode(data: bytes) -> dns.message.Message | None:
    """The message in `data`; None when it is none."""
    try:
        return dns.message.from_wire(data, ignore_trailing=True)
    except (dns.exception.DNSException, ValueError, IndexError, UnicodeError):
        return None


def is_answer(query: dns.message.Message, answer: dns.message.Message) -> bool:
    """Whether `answer` answers `query`: identifier, QR and question fit (RFC 5452 9.1)."""
    if answer.id != query.id or not answer.flags & dns.flags.Flag.QR or answer.opcode() != query.opcode():
        return False
    if not answer.question:
        # Servers that could not read the question leave it out (RFC 1035 4.1.1, FORMERR).
        return answer.rcode() in (dns.rcode.FORMERR, dns.rcode.NOTIMP, dns.rcode.SERVFAIL, dns.rcode.REFUSED)
    return same_question(query, answer)


def same_question(one: dns.message.Message, other: dns.message.Message) -> bool:
    """Whether both ask the same, without regard to case."""
    if len(one.question) != 1 or len(other.question) != 1:
        return False
    a, b = one.question[0], other.question[0]
    return bool(a.name == b.name and a.rdtype == b.rdtype and a.rdclass == b.rdclass)


def negative_ttl(message: dns.message.Message) -> int:
    """How long a negative answer may be kept: the lesser of the SOA's TTL and its minimum field; 0 without a SOA."""
    for rrset in message.authority:
        if rrset.rdtype == dns.rdatatype.SOA:
            return int(min(rrset.ttl, rrset[0].minimum))
    return 0


def follow(
    message: dns.message.Message, name: dns.name.Name, kind: dns.rdatatype.RdataType
) -> tuple[dns.name.Name, dns.rrset.RRset | None, int]:
    """Along the CNAMEs of an answer: (the last name, its records of `kind` or None, the least TTL on the way)."""
    ttl = 0xFFFFFFFF
    for _ in range(CHAIN_MAX + 1):
        found = message.get_rrset(message.answer, name, dns.rdataclass.IN, kind)
        if found is not None:
            return name, found, min(ttl, found.ttl)
        alias = message.get_rrset(message.answer, name, dns.rdataclass.IN, dns.rdatatype.CNAME)
        if alias is None:
            break
        ttl = min(ttl, alias.ttl)
        name = alias[0].target
    return name, None, ttl
