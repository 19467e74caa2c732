"""What traceroute sends and how it hears what came of it: UDP to rising ports, ICMP echo requests (-I), TCP SYNs (-T).

Read first: RFC 792 (time exceeded, what it quotes), RFC 4443 3.3, ip(7) IP_RECVERR. UDP hears of errors by the error
queue of its socket; echoes and SYNs by a raw ICMP socket, which needs the right to open one.
"""

from __future__ import annotations

import errno
import os
import select
import socket
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from netarium.tools.echo import checksum

IP_RECVERR = 11
IPV6_RECVERR = 25
ERRQUEUE = 0x2000
SO_EE_ORIGIN_LOCAL = 1
IPV6_HEADER_BYTES = 40
MARKS_IPV4 = {0: "!N", 1: "!H", 2: "!P", 4: "!F", 5: "!S", 9: "!X", 10: "!X", 13: "!X"}
MARKS_IPV6 = {0: "!N", 1: "!X", 2: "!S", 3: "!H", 5: "!X", 6: "!X"}
ICMP_TOLD = (errno.EMSGSIZE, errno.EHOSTUNREACH)
"""An ICMP message will say more."""


class ProbeError(Exception):
    """A probe cannot be sent at all; the message is the call that failed, and why."""


@dataclass
class Answer:
    """What came back for one probe: `kind` is "ttl", "port" (the target) or a mark such as !H."""

    address: str
    time_ms: float
    kind: str


def failing(call: str, act: Callable[..., Any], *arguments: Any) -> None:
    """Do it; an OSError becomes a ProbeError that names the call."""
    try:
        act(*arguments)
    except OSError as error:
        raise ProbeError(f"{call}: {error.strerror}") from None


def kind_of_error(is_ipv6: bool, kind: int, code: int) -> str:
    """What an ICMP error means for a trace."""
    expired, unreachable, port, marks = (3, 1, 4, MARKS_IPV6) if is_ipv6 else (11, 3, 3, MARKS_IPV4)
    if kind == expired:
        return "ttl"
    if kind != unreachable:
        return f"!<{kind}-{code}>"
    return "port" if code == port else marks.get(code, f"!<{code}>")


class Probes:
    """UDP to rising ports, and what all kinds share. `source` and `interface` are those of -s and -i."""

    def __init__(
        self, address: Any, data: bytes, wait_s: float, source: str = "", interface: str = ""
    ) -> None:
        self.address = address
        self.is_ipv6 = ":" in address[0]
        self.family = socket.AF_INET6 if self.is_ipv6 else socket.AF_INET
        self.level = socket.IPPROTO_IPV6 if self.is_ipv6 else socket.IPPROTO_IP
        self.data = data
        self.wait_s = wait_s
        self.source = source
        self.interface = interface

    def probe(self, hops: int, number: int, port: int) -> Answer | None:
        """Probe `number` (from 0), that lives for `hops` hops; None when nothing came back in time.

        Raises ProbeError. `port` is that of -p: here each probe goes to a port of its own.
        """
        with self.open(socket.SOCK_DGRAM, 0, hops) as sock:
            sock.setsockopt(self.level, IPV6_RECVERR if self.is_ipv6 else IP_RECVERR, 1)
            begun = time.monotonic()
            failing("connect", sock.connect, self.target(port + number))
            try:
                sock.send(self.data)
            except OSError as error:
                if error.errno not in ICMP_TOLD:
                    raise ProbeError(f"send: {error.strerror}") from None
            return self._answer(sock, begun)

    def open(self, kind: int, protocol: int, hops: int) -> socket.socket:
        """A socket that sends as it was asked to."""
        sock = socket.socket(self.family, kind, protocol)
        sock.setsockopt(self.level, socket.IPV6_UNICAST_HOPS if self.is_ipv6 else socket.IP_TTL, hops)
        sock.setblocking(False)
        try:
            if self.interface:
                name = self.interface.encode()
                failing(
                    "setsockopt SO_BINDTODEVICE",
                    sock.setsockopt,
                    socket.SOL_SOCKET,
                    socket.SO_BINDTODEVICE,
                    name,
                )
            if self.source:
                failing("bind", sock.bind, (self.source, 0))
        except ProbeError:
            sock.close()
            raise
        return sock

    def target(self, port: int) -> Any:
        """The target with a port."""
        return (self.address[0], port, *self.address[2:])

    def _answer(self, sock: socket.socket, begun: float) -> Answer | None:
        poller = select.poll()
        poller.register(sock, select.POLLIN)
        while True:
            left = self.wait_s - (time.monotonic() - begun)
            if left <= 0 or not poller.poll(left * 1000):
                return None
            elapsed_ms = (time.monotonic() - begun) * 1000
            try:
                _, told, _, _ = sock.recvmsg(65_535, 512, ERRQUEUE)
            except BlockingIOError:
                try:
                    sock.recv(65_535)
                except OSError:
                    continue
                return Answer(self.address[0], elapsed_ms, "port")
            for level, kind, data in told:
                if (level, kind) in ((socket.IPPROTO_IP, IP_RECVERR), (socket.IPPROTO_IPV6, IPV6_RECVERR)):
                    found = self._read_error(data, elapsed_ms)
                    if found is not None:
                        return found

    def _read_error(self, data: bytes, elapsed_ms: float) -> Answer | None:
        _, origin, kind, code = struct.unpack_from("IBBB", data)
        if origin == SO_EE_ORIGIN_LOCAL:
            return None
        offender = data[24:40] if self.is_ipv6 else data[20:24]
        return Answer(
            socket.inet_ntop(self.family, offender), elapsed_ms, kind_of_error(self.is_ipv6, kind, code)
        )


class _IcmpProbes(Probes):
    """Those that hear by a raw ICMP socket what came of them."""

    def listen(self, hops: int) -> socket.socket:
        """The raw ICMP socket. Raises ProbeError without the right to it."""
        try:
            return self.open(
                socket.SOCK_RAW, socket.IPPROTO_ICMPV6 if self.is_ipv6 else socket.IPPROTO_ICMP, hops
            )
        except OSError as error:
            raise ProbeError(f"socket: {error.strerror}") from None

    def hear(
        self, raw: socket.socket, is_mine: Callable[[bytes], bool]
    ) -> tuple[str, int, int, bytes] | None:
        """(source, type, code, message) of an echo reply, or of an error that quotes a probe for which `is_mine`."""
        try:
            packet, source = raw.recvfrom(65_535)
        except OSError:
            return None
        message = packet if self.is_ipv6 else packet[(packet[0] & 15) * 4 :]
        if len(message) < 8:
            return None
        kind, code = message[0], message[1]
        if kind in ((129,) if self.is_ipv6 else (0,)):
            return source[0], kind, code, message
        quoted = message[8:]
        inner = (
            quoted[IPV6_HEADER_BYTES:] if self.is_ipv6 else quoted[(quoted[0] & 15) * 4 if quoted else 0 :]
        )
        if kind in ((1, 3) if self.is_ipv6 else (3, 11)) and len(inner) >= 8 and is_mine(inner):
            return source[0], kind, code, message
        return None


class EchoProbes(_IcmpProbes):
    """-I: ICMP echo requests, numbered from 1."""

    def probe(self, hops: int, number: int, port: int) -> Answer | None:
        """One echo request; `port` is the number of the first, as -p says with -I."""
        identifier, sequence = os.getpid() & 0xFFFF, number + 1 & 0xFFFF
        mine = struct.pack("!HH", identifier, sequence)
        head = bytes((128 if self.is_ipv6 else 8, 0))
        # Over IPv6 the checksum is the kernel's to make (RFC 3542 3.1).
        total = 0 if self.is_ipv6 else checksum(head + bytes(2) + mine + self.data)
        with self.listen(hops) as raw:
            begun = time.monotonic()
            failing("send", raw.sendto, head + total.to_bytes(2, "big") + mine + self.data, self.target(0))
            while (left := self.wait_s - (time.monotonic() - begun)) > 0 and select.select(
                [raw], [], [], left
            )[0]:
                elapsed_ms = (time.monotonic() - begun) * 1000
                found = self.hear(raw, lambda inner: inner[:2] == head and inner[4:8] == mine)
                if found is None:
                    continue
                source, kind, code, message = found
                if kind in (0, 129):
                    if message[4:8] == mine:
                        return Answer(source, elapsed_ms, "port")
                else:
                    return Answer(source, elapsed_ms, kind_of_error(self.is_ipv6, kind, code))
        return None


class SynProbes(_IcmpProbes):
    """-T: TCP SYNs to one port, 80 without -p. An answer, be it SYN-ACK or RST, is the target's."""

    def probe(self, hops: int, number: int, port: int) -> Answer | None:
        """One connection that is begun and given up."""
        with self.listen(hops) as raw, self.open(socket.SOCK_STREAM, 0, hops) as sock:
            begun = time.monotonic()
            refused = sock.connect_ex(self.target(port))
            if refused == errno.ECONNREFUSED:
                return Answer(self.address[0], (time.monotonic() - begun) * 1000, "port")
            if refused not in (0, errno.EINPROGRESS):
                raise ProbeError(f"connect: {os.strerror(refused)}")
            ports = struct.pack("!HH", sock.getsockname()[1], port)
            while (left := self.wait_s - (time.monotonic() - begun)) > 0:
                heard, answered, _ = select.select([raw], [sock], [], left)
                elapsed_ms = (time.monotonic() - begun) * 1000
                found = self.hear(raw, lambda inner: inner[:4] == ports) if heard else None
                if found is not None and found[1] not in (0, 129):
                    return Answer(found[0], elapsed_ms, kind_of_error(self.is_ipv6, *found[1:3]))
                if answered and sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) in (
                    0,
                    errno.ECONNREFUSED,
                ):
                    return Answer(self.address[0], elapsed_ms, "port")
                if not heard and not answered:
                    break
        return None
