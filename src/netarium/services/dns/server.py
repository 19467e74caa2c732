"""The name server's program: UDP and TCP port 53, one response to each query.

Read first: RFC 1035 4.2, RFC 6891 (EDNS), RFC 7766 (TCP), RFC 2181 9 (TC). A query that has to wait for other servers
is answered by a thread of its own; the same question of several clients is asked upstream once.
"""

from __future__ import annotations

import socket
import threading
import time

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdataclass
import dns.rdatatype

from netarium import control
from netarium.addresses import ipv4_text
from netarium.control import Control
from netarium.journey import Drop
from netarium.names.messages import EDNS_BYTES, PLAIN_BYTES, decode, encode
from netarium.services.dns.authority import Authority
from netarium.services.dns.cache import Cache
from netarium.services.dns.configuration import DnsConfiguration
from netarium.services.dns.forwarding import Forwarding
from netarium.services.dns.recursion import Outcome, Recursion
from netarium.services.dns.transport import Transport, receive_framed, send_framed

DNS_PORT = 53
CLIENTS_MAX = 1000
"""Queries under way at once, as BIND's recursive-clients; more are not answered."""
TCP_IDLE_S = 30.0
TCP_CLIENTS_MAX = 150
TRANSFERS = (dns.rdatatype.AXFR, dns.rdatatype.IXFR)

Client = tuple[str, int]


class DnsServer:
    """One name server; `respond` is its core, `serve` its sockets."""

    def __init__(self, configuration: DnsConfiguration, door: Control) -> None:
        self.door = door
        self.authority = Authority(configuration.zones)
        self.cache = Cache()
        self.transport = Transport(door.drop)
        self.resolver: Recursion | Forwarding | None = None
        if configuration.forwarders:
            self.resolver = Forwarding(configuration.forwarders, self.cache, self.transport.ask, self._tell)
        elif configuration.recursive:
            self.resolver = Recursion(configuration.roots, self.cache, self.transport.ask, self._tell)
        self._under_way: dict[tuple[Client, int, str], bool] = {}
        self._questions: dict[tuple[dns.name.Name, dns.rdatatype.RdataType], list[threading.Lock]] = {}
        self._tcp_clients = 0

    def _tell(self, subject: str, details: dict[str, object]) -> None:
        self.door.tell_step(subject, {"server": self.door.stack.name, **details})

    # Sockets.

    def serve(self) -> None:
        """Answer until the program is killed."""
        listeners, datagrams = self._bind()
        for listener in listeners:
            threading.Thread(target=self._accept, args=(listener,), daemon=True).start()
        for sock in datagrams[1:]:
            threading.Thread(target=self._serve_datagrams, args=(sock,), daemon=True).start()
        self._serve_datagrams(datagrams[0])

    def _bind(self) -> tuple[list[socket.socket], list[socket.socket]]:
        """(listeners, datagram sockets) of all addresses. All before the first thread begins, which lets others run."""
        listeners, datagrams = [], []
        for address in self._addresses():
            listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((address, DNS_PORT))
            listener.listen(64)
            listeners.append(listener)
            sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            sock.bind((address, DNS_PORT))
            datagrams.append(sock)
        return listeners, datagrams

    def _addresses(self) -> list[str]:
        """A socket for each address, so that an answer comes from where it was asked; all at once while one lacks."""
        views = self.door.interfaces()
        if any(not view.addresses for view in views):
            return [""]
        return [ipv4_text(each.address) for view in views for each in view.addresses]

    def _serve_datagrams(self, sock: socket.socket) -> None:
        while True:
            try:
                data, client = sock.recvfrom(65_535)
            except OSError:
                continue  # an ICMP error about an answer: nobody waits for it any more
            query = decode(data)
            if query is None:
                self._send(sock, self._malformed(data, client), client)
            elif self._must_wait(query):
                self._answer_later(sock, query, client)
            else:
                self._send(sock, self.respond(query, client, by_udp=True), client)

    def _answer_later(self, sock: socket.socket, query: dns.message.Message, client: Client) -> None:
        question = query.question[0]
        key = (client, query.id, f"{question.name} {question.rdtype}")
        if key in self._under_way or len(self._under_way) >= CLIENTS_MAX:
            self.door.drop(Drop.DNS_BUSY, f"{question.name} of {client[0]}, {len(self._under_way)} under way")
            return

        def work() -> None:
            try:
                self._send(sock, self.respond(query, client, by_udp=True), client)
            finally:
                del self._under_way[key]

        self._under_way[key] = True
        threading.Thread(target=work, daemon=True).start()

    @staticmethod
    def _send(sock: socket.socket, data: bytes | None, client: Client) -> None:
        if data is not None:
            try:
                sock.sendto(data, client)
            except OSError:
                return  # no way back to the client

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, client = listener.accept()
            except OSError:
                continue
            if self._tcp_clients >= TCP_CLIENTS_MAX:
                connection.close()
                continue
            self._tcp_clients += 1
            threading.Thread(target=self._serve_connection, args=(connection, client), daemon=True).start()

    def _serve_connection(self, connection: socket.socket, client: Client) -> None:
        try:
            with connection:
                while True:
                    data = receive_framed(connection, time.monotonic() + TCP_IDLE_S)
                    if data is None:
                        return
                    query = decode(data)
                    if query is None:
                        answer = self._malformed(data, client)
                    else:
                        answer = self.respond(query, client, by_udp=False)
                    if answer is None:
                        return
                    send_framed(connection, answer)
        except OSError:
            return
        finally:
            self._tcp_clients -= 1

    # Answers.

    def _malformed(self, data: bytes, client: Client) -> bytes | None:
        self.door.drop(Drop.DNS_MALFORMED, f"{len(data)} bytes from {client[0]}")
        return malformed(data)

    def _must_wait(self, query: dns.message.Message) -> bool:
        """Whether other servers have to be asked."""
        return (
            self.resolver is not None
            and len(query.question) == 1
            and bool(query.flags & dns.flags.Flag.RD)
            and query.opcode() == dns.opcode.QUERY
        )

    def respond(self, query: dns.message.Message, client: Client, by_udp: bool) -> bytes | None:
        """The response's bytes; None for what gets none. Blocks while other servers are asked."""
        if query.flags & dns.flags.Flag.QR:
            self.door.drop(Drop.DNS_NOT_ASKED, f"from {client[0]}")
            return None
        bytes_max = 65_535
        if by_udp:
            bytes_max = max(PLAIN_BYTES, min(query.payload, EDNS_BYTES)) if query.edns >= 0 else PLAIN_BYTES
        return encode(self._response(query, client), bytes_max)

    def _response(self, query: dns.message.Message, client: Client) -> dns.message.Message:
        if query.opcode() != dns.opcode.QUERY:
            return _plain_response(query, dns.rcode.NOTIMP)
        if len(query.question) != 1:
            return _plain_response(query, dns.rcode.FORMERR)
        response = dns.message.make_response(
            query, recursion_available=self.resolver is not None, our_payload=EDNS_BYTES
        )
        question = query.question[0]
        if query.edns > 0:
            response.set_rcode(dns.rcode.BADVERS)
        elif question.rdclass != dns.rdataclass.IN or question.rdtype in TRANSFERS:
            response.set_rcode(dns.rcode.REFUSED)
        else:
            stage = self._fill(response, bool(query.flags & dns.flags.Flag.RD))
            self._tell(
                f"{question.name} {question.rdtype.name}",
                {"stage": stage, "client": client[0], "rcode": response.rcode().name},
            )
        return response

    def _fill(self, response: dns.message.Message, recursion: bool) -> str:
        """Answer by zones, then by the resolver; in a word, where the answer came from."""
        complete = self.authority.answer(response)
        if complete:
            return "own zone"
        if self.resolver is None:
            if not response.answer:
                response.set_rcode(dns.rcode.REFUSED)
                return "refused"
            return "own zone"
        kind = response.question[0].rdtype
        name = response.answer[-1][0].target if response.answer else response.question[0].name
        outcome = self._resolve(name, kind) if recursion else self._known(name, kind)
        response.set_rcode(outcome.rcode)
        response.answer += [self.authority.rotation.turn(each) for each in outcome.answer]
        if outcome.soa is not None:
            response.authority.append(outcome.soa)
        forwards = isinstance(self.resolver, Forwarding)
        if not outcome.asked:
            return "forwarder cache" if forwards else "resolver cache"
        return "forwarded" if forwards else "recursion"

    def _resolve(self, name: dns.name.Name, kind: dns.rdatatype.RdataType) -> Outcome:
        """The resolver's answer; who asks the same meanwhile waits, and finds it in the cache."""
        assert self.resolver is not None
        waiting = self._questions.setdefault((name, kind), [])
        mine = threading.Lock()
        mine.acquire()
        before = waiting[-1] if waiting else None
        waiting.append(mine)
        try:
            if before is not None:
                with before:
                    pass
            return self.resolver.resolve(name, kind)
        finally:
            mine.release()
            waiting.remove(mine)
            if not waiting:
                self._questions.pop((name, kind), None)

    def _known(self, name: dns.name.Name, kind: dns.rdatatype.RdataType) -> Outcome:
        """Without RD: what the cache has (RFC 1034 4.3.1), else a refusal."""
        found = self.cache.get(name, kind, time.monotonic_ns())
        if found is not None:
            return Outcome(dns.rcode.NOERROR, [found])
        return Outcome(dns.rcode.REFUSED, [])


def malformed(data: bytes) -> bytes | None:
    """FORMERR for what is no message but has a header, and is no response itself."""
    if len(data) < 12 or data[2] & 0x80:
        return None
    return data[:2] + bytes([0x80 | data[2] & 0x79, dns.rcode.FORMERR]) + bytes(8)


def _plain_response(query: dns.message.Message, rcode: dns.rcode.Rcode) -> dns.message.Message:
    response = dns.message.Message(id=query.id)
    response.flags = dns.flags.Flag.QR | (query.flags & dns.flags.Flag.RD)
    response.set_opcode(query.opcode())
    response.set_rcode(rcode)
    return response


def run(configuration: DnsConfiguration) -> None:
    """The program: serve on the host it runs on."""
    DnsServer(configuration, control.here()).serve()
