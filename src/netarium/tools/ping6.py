"""What differs when ping speaks ICMPv6. (RFC 4443; RFC 3542 3: the kernel makes the checksum, and gives no header)"""

from __future__ import annotations

import argparse
import socket
import struct

from netarium.tools.echo import Ping, bind_source

ECHO_REQUEST = 128
ECHO_REPLY = 129
UNREACHABLE = 1
TOO_BIG = 2
TIME_EXCEEDED = 3
PARAMETER_PROBLEM = 4
ICMP6_FILTER = 1
IPV6_HOPLIMIT = 52
IPV6_RECVHOPLIMIT = 51
HEADER_BYTES = 40
FRAGMENT = 44

UNREACHABLE_TEXT = {
    0: "Destination unreachable: No route",
    1: "Destination unreachable: Administratively prohibited",
    2: "Destination unreachable: Beyond scope of source address",
    3: "Destination unreachable: Address unreachable",
    4: "Destination unreachable: Port unreachable",
    5: "Destination unreachable: Source address failed ingress/egress policy",
    6: "Destination unreachable: Reject route to destination",
}
TIME_EXCEEDED_TEXT = {0: "Time exceeded: Hop limit", 1: "Time exceeded: Defragmentation failure"}


class Ping6(Ping):
    """One run over IPv6."""

    headers_bytes = 48

    def open_socket(self, chosen: argparse.Namespace) -> socket.socket:
        """A raw ICMPv6 socket that takes echo replies and errors only."""
        sock = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
        wanted = (
            1 << ECHO_REPLY | 1 << UNREACHABLE | 1 << TOO_BIG | 1 << TIME_EXCEEDED | 1 << PARAMETER_PROBLEM
        )
        words = [~(wanted >> 32 * word) & 0xFFFFFFFF for word in range(8)]
        sock.setsockopt(socket.IPPROTO_ICMPV6, ICMP6_FILTER, struct.pack("8I", *words))
        sock.setsockopt(socket.IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1)
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, chosen.ttl)
        bind_source(sock, chosen.source)
        return sock

    def first_line(self, host: str, size: int) -> str:
        """What is said before the first answer; iputils counts the data alone over IPv6."""
        return f"PING {host}({self.address}) {self.sender}{size} data bytes"

    def request(self, sequence: int, data: bytes) -> bytes:
        """An echo request; the checksum is the kernel's to make."""
        return struct.pack("!BBHHH", ECHO_REQUEST, 0, 0, self.identifier, sequence) + data

    def target(self) -> tuple[str, int]:
        """Where requests go."""
        return self.address, 0

    def receive(self) -> tuple[bytes, str, int]:
        """(message, source, its hop limit)."""
        message, told, _, source = self.sock.recvmsg(65_535, socket.CMSG_SPACE(4))
        hops = 0
        for level, kind, data in told:
            if level == socket.IPPROTO_IPV6 and kind == IPV6_HOPLIMIT:
                hops = struct.unpack("i", data[:4])[0]
        return message, source[0], hops

    def take(self, packet: bytes, source: str, hops: int) -> bool:
        """One message; whether it was an answer to us."""
        if len(packet) < 8:
            return False
        kind, code, _, identifier, sequence = struct.unpack("!BBHHH", packet[:8])
        if kind == ECHO_REPLY:
            if identifier != self.identifier or sequence not in self.sent_at:
                return False
            self.take_answer(packet, source, sequence, hops)
            return True
        return self.take_error(packet, source, kind, code)

    def take_error(self, message: bytes, source: str, kind: int, code: int) -> bool:
        """An ICMPv6 error that quotes one of our requests."""
        quoted = message[8:]
        if len(quoted) < HEADER_BYTES:
            return False
        inner = quoted[HEADER_BYTES:]
        following = quoted[6]
        if following == FRAGMENT and len(inner) >= 8:
            following, inner = inner[0], inner[8:]
        if following != socket.IPPROTO_ICMPV6 or len(inner) < 8:
            return False
        inner_kind, _, _, identifier, sequence = struct.unpack("!BBHHH", inner[:8])
        if inner_kind != ECHO_REQUEST or identifier != self.identifier:
            return False
        self.note_error(source, sequence, error_text(kind, code, message[4:8]))
        return True


def error_text(kind: int, code: int, rest: bytes) -> str:
    """What iputils says of an ICMPv6 error."""
    if kind == UNREACHABLE:
        return UNREACHABLE_TEXT.get(code, f"Destination unreachable: Unknown code {code}")
    if kind == TOO_BIG:
        return f"Packet too big: mtu={int.from_bytes(rest, 'big')}"
    if kind == TIME_EXCEEDED:
        return TIME_EXCEEDED_TEXT.get(code, f"Time exceeded: code {code}")
    return f"Parameter problem: pointer {int.from_bytes(rest, 'big')}"
