"""One query from a name server to another: by UDP, by TCP when the answer is truncated, without EDNS when that fails.

Read first: RFC 1035 4.2, RFC 7766 5, RFC 6891 6.2.2 and 7, RFC 5452 9.1 (what an answer must match).
"""

from __future__ import annotations

import random
import socket
import time
from collections.abc import Callable

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype

from netarium.journey import Drop
from netarium.names.messages import decode, is_answer, make_query

DNS_PORT = 53

Ask = Callable[[str, dns.name.Name, dns.rdatatype.RdataType, bool, float], "dns.message.Message | None"]
"""(server, name, type, recursion desired, time-out in s) -> answer or None for silence."""


class Transport:
    """Sends queries and counts them."""

    def __init__(self, drop: Callable[[Drop, str], None] | None = None) -> None:
        self.sent = 0
        self._drop = drop

    def ask(
        self,
        server: str,
        name: dns.name.Name,
        kind: dns.rdatatype.RdataType,
        recursion: bool,
        timeout_s: float,
    ) -> dns.message.Message | None:
        """The answer of `server`; None when none came in time or its port is closed. Nothing is raised."""
        deadline = time.monotonic() + timeout_s
        answer = None
        for edns in (True, False):
            query = make_query(name, kind, random.getrandbits(16), recursion=recursion, edns=edns)
            answer = self._exchange(server, query, deadline)
            if answer is None or answer.rcode() not in (dns.rcode.FORMERR, dns.rcode.NOTIMP):
                break
        return answer

    def _exchange(
        self, server: str, query: dns.message.Message, deadline: float
    ) -> dns.message.Message | None:
        try:
            answer = self._by_udp(server, query, deadline)
            if answer is not None and answer.flags & dns.flags.Flag.TC:
                answer = self._by_tcp(server, query, deadline)
        except OSError:
            return None
        return answer

    def _by_udp(self, server: str, query: dns.message.Message, deadline: float) -> dns.message.Message | None:
        # A socket, and so a port that nobody can guess, for each query (RFC 5452 9.2).
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.connect((server, DNS_PORT))
            self.sent += 1
            sock.send(query.to_wire())
            while (left := deadline - time.monotonic()) > 0:
                sock.settimeout(left)
                answer = self._fitting(query, sock.recv(65_535), server)
                if answer is not None:
                    return answer
        return None

    def _by_tcp(self, server: str, query: dns.message.Message, deadline: float) -> dns.message.Message | None:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as sock:
            sock.settimeout(max(deadline - time.monotonic(), 0.001))
            sock.connect((server, DNS_PORT))
            self.sent += 1
            send_framed(sock, query.to_wire())
            while True:
                data = receive_framed(sock, deadline)
                if data is None:
                    return None
                answer = self._fitting(query, data, server)
                if answer is not None:
                    return answer

    def _fitting(self, query: dns.message.Message, data: bytes, server: str) -> dns.message.Message | None:
        """The message in `data` if it answers the query; else a drop."""
        answer = decode(data)
        if answer is not None and is_answer(query, answer):
            return answer
        if self._drop is not None:
            self._drop(Drop.DNS_MALFORMED if answer is None else Drop.DNS_NOT_ASKED, f"from {server}")
        return None


def send_framed(sock: socket.socket, data: bytes) -> None:
    """A message over TCP: its length goes before it, in the same write (RFC 7766 8)."""
    sock.sendall(len(data).to_bytes(2, "big") + data)


def receive_framed(sock: socket.socket, deadline: float) -> bytes | None:
    """The next message of a TCP connection; None at its end. TimeoutError after `deadline` (time.monotonic)."""
    head = _receive_exactly(sock, 2, deadline)
    return None if head is None else _receive_exactly(sock, int.from_bytes(head, "big"), deadline)


def _receive_exactly(sock: socket.socket, count: int, deadline: float) -> bytes | None:
    data = b""
    while len(data) < count:
        sock.settimeout(max(deadline - time.monotonic(), 0.001))
        part = sock.recv(count - len(data))
        if not part:
            return None
        data += part
    return data
