"""What dig and host share: one question to one server, by UDP or TCP, and records as dig prints them."""

from __future__ import annotations

import errno
import random
import socket
import time
from collections.abc import Callable
from typing import NamedTuple

import dns.flags
import dns.message
import dns.name
import dns.rdatatype
import dns.rrset

from netarium.names import resolver as names
from netarium.names.messages import decode, is_answer

DNS_PORT = 53
COLUMNS = (24, 32, 40, 48)
"""Where TTL, class, type and data of a record begin."""


class Asked(NamedTuple):
    """An answer, how many bytes it had, how long it took in ms, and whether it came by TCP."""

    message: dns.message.Message
    size_bytes: int
    elapsed_ms: int
    by_tcp: bool


class Question(NamedTuple):
    """What is asked, and how."""

    name: dns.name.Name
    kind: dns.rdatatype.RdataType
    recursion: bool = True
    edns_bytes: int = 1232
    tcp: bool = False
    ignore_truncation: bool = False
    timeout_s: float = 5.0
    tries: int = 3
    port: int = DNS_PORT

    def message(self) -> dns.message.QueryMessage:
        """The query, with an identifier of its own; `edns_bytes` 0 leaves EDNS out."""
        query = dns.message.make_query(self.name, self.kind, id=random.getrandbits(16))
        query.flags = dns.flags.Flag.RD if self.recursion else dns.flags.Flag(0)
        if self.edns_bytes:
            query.use_edns(0, payload=self.edns_bytes)
        return query


def configured_servers() -> list[str]:
    """The name servers of this host; the host itself when it has none (resolv.conf(5))."""
    stub = names.here().stub
    return (stub.configuration.servers if stub is not None else []) or ["127.0.0.1"]


def address_of(server: str) -> str:
    """The address of `@server`. OSError when its name is not known."""
    return socket.gethostbyname(server)


def ask(server: str, question: Question, say: Callable[[str], None] | None = None) -> Asked | None:
    """The answer of `server`; None when it was silent or refused for all tries. `say` is told what dig and host print
    meanwhile: each failed try, and that TCP is used because the answer was too long.
    """
    tell = say or _nobody
    for _ in range(question.tries):
        try:
            found = _by_tcp(server, question) if question.tcp else _by_udp(server, question)
        except OSError as error:
            tell(f";; communications error to {server}#{question.port}: {_trouble(error)}")
            continue
        if found is None:
            return None
        if found.message.flags & dns.flags.Flag.TC and not question.ignore_truncation and not found.by_tcp:
            tell(";; Truncated, retrying in TCP mode.")
            return ask(server, question._replace(tcp=True), say)
        return found
    return None


def _nobody(line: str) -> None:
    """Nothing is said."""


def _trouble(error: OSError) -> str:
    """What went wrong, in the words of BIND's tools."""
    if isinstance(error, TimeoutError):
        return "timed out"
    words = {errno.ENETUNREACH: "network unreachable", errno.EHOSTUNREACH: "host unreachable"}
    return words.get(error.errno or 0, (error.strerror or "failure").lower())


def _by_udp(server: str, question: Question) -> Asked | None:
    query = question.message()
    begun = time.monotonic()
    data = _receive(server, question.port, query, question.timeout_s)
    answer = decode(data)
    return None if answer is None else Asked(answer, len(data), _elapsed_ms(begun), False)


def _receive(server: str, port: int, query: dns.message.Message, timeout_s: float) -> bytes:
    """The bytes of the answer. Raises TimeoutError when none came, OSError when the server cannot be reached."""
    deadline = time.monotonic() + timeout_s
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect((server, port))
        sock.send(query.to_wire())
        while (left := deadline - time.monotonic()) > 0:
            sock.settimeout(left)
            data = sock.recv(65_535)
            answer = decode(data)
            if answer is not None and is_answer(query, answer):
                return data
    raise TimeoutError


def _by_tcp(server: str, question: Question) -> Asked | None:
    query = question.message()
    begun = time.monotonic()
    with socket.create_connection((server, question.port), timeout=question.timeout_s) as sock:
        wire = query.to_wire()
        sock.sendall(len(wire).to_bytes(2, "big") + wire)
        with sock.makefile("rb") as stream:
            data = stream.read(int.from_bytes(stream.read(2), "big"))
    answer = decode(data)
    return None if answer is None else Asked(answer, len(data), _elapsed_ms(begun), True)


def _elapsed_ms(begun: float) -> int:
    return round((time.monotonic() - begun) * 1000)


def record_lines(rrset: dns.rrset.RRset) -> list[str]:
    """A line for each record, in dig's columns."""
    kind = dns.rdatatype.to_text(rrset.rdtype)
    return [
        _columns([rrset.name.to_text(), str(rrset.ttl), "IN", kind, each.to_text()], COLUMNS)
        for each in rrset
    ]


def question_line(rrset: dns.rrset.RRset) -> str:
    """The question as dig shows it."""
    fields = [f";{rrset.name.to_text()}", "IN", dns.rdatatype.to_text(rrset.rdtype)]
    return _columns(fields, COLUMNS[1:])


def _columns(fields: list[str], columns: tuple[int, ...]) -> str:
    """Fields with tabs between them, each at its column where there is room."""
    text = fields[0]
    at = len(text)
    for field, column in zip(fields[1:], columns, strict=False):
        tabs = max((column - at + 7) // 8, 1)
        text += "\t" * tabs + field
        at = (at // 8 + tabs) * 8 + len(field)
    return text


def read_kind(text: str) -> dns.rdatatype.RdataType | None:
    """The type of this name; None when there is none."""
    try:
        return dns.rdatatype.from_text(text)
    except (dns.rdatatype.UnknownRdatatype, ValueError):
        return None
