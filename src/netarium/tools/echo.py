"""What ping does: requests, answers, statistics. Over IPv4; `ping6` has what differs. (RFC 792; RFC 1122 3.2.2.6)"""

from __future__ import annotations

import argparse
import json
import os
import socket
import struct
import sys
import time
from typing import Any, NoReturn

from netarium.units import is_whole

ECHO_REPLY = 0
UNREACHABLE = 3
ECHO_REQUEST = 8
TIME_EXCEEDED = 11
SOL_RAW = 255
COUNT_MAX = (1 << 63) - 1
ICMP_FILTER = 1

UNREACHABLE_TEXT = {
    0: "Destination Net Unreachable",
    1: "Destination Host Unreachable",
    2: "Destination Protocol Unreachable",
    3: "Destination Port Unreachable",
    4: "Frag needed and DF set",
    5: "Source Route Failed",
    6: "Destination Net Unknown",
    7: "Destination Host Unknown",
    9: "Destination Net Prohibited",
    10: "Destination Host Prohibited",
    13: "Packet filtered",
}
TIME_EXCEEDED_TEXT = {0: "Time to live exceeded", 1: "Frag reassembly time exceeded"}


class Parser(argparse.ArgumentParser):
    """Errors end with exit code 2 and one line, as iputils does."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong and how it is called."""
        self.exit(2, f"ping: {message}\n{self.format_usage()}")


class _Count(argparse.Action):
    """-c: what is no count ends with exit code 1, as of iputils."""

    def __call__(
        self, parser: argparse.ArgumentParser, chosen: argparse.Namespace, text: Any, _: Any = None
    ) -> None:
        why = "" if is_whole(text.removeprefix("-")) else "invalid argument"
        if not why and not 1 <= int(text) <= COUNT_MAX:
            why = f"out of range: 1 <= value <= {COUNT_MAX}"
        if why:
            tail = f": {why}" if why != "invalid argument" else ""
            parser.exit(1, f"ping: invalid argument: '{text}'{tail}\n")
        setattr(chosen, self.dest, int(text))


def read_arguments(arguments: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = Parser(prog="ping", add_help=True, description="Send ICMP echo requests and time the answers.")
    parser.add_argument(
        "-c", dest="count", action=_Count, default=0, metavar="COUNT", help="stop after COUNT answers"
    )
    parser.add_argument(
        "-i", dest="interval", type=float, default=1.0, metavar="SECONDS", help="between requests"
    )
    parser.add_argument("-W", dest="wait", type=float, default=10.0, metavar="SECONDS", help="for an answer")
    parser.add_argument(
        "-w", dest="deadline", type=float, default=0.0, metavar="SECONDS", help="stop after this"
    )
    parser.add_argument("-s", dest="size", type=int, default=56, metavar="BYTES", help="of data in a request")
    parser.add_argument("-t", dest="ttl", type=int, default=64, metavar="TTL", help="time to live")
    parser.add_argument(
        "-I",
        dest="source",
        default="",
        metavar="INTERFACE",
        help="send by this interface, or from this address",
    )
    parser.add_argument("-q", dest="quiet", action="store_true", help="only the summary")
    parser.add_argument("-n", dest="numeric", action="store_true", help="addresses only")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of text")
    parser.add_argument("-b", dest="broadcast", action="store_true", help="allow pinging a broadcast address")
    family = parser.add_mutually_exclusive_group()
    family.add_argument("-4", dest="family", action="store_const", const=4, default=0, help="IPv4 only")
    family.add_argument("-6", dest="family", action="store_const", const=6, help="IPv6 only")
    parser.add_argument("host", metavar="HOST")
    chosen = parser.parse_args(arguments)
    if not 0 <= chosen.size <= 65_507:
        parser.error(f"invalid -s value: '{chosen.size}': out of range: 0 <= value <= 65507")
    if not 0 < chosen.ttl <= 255:
        parser.error(f"cannot set unicast time-to-live: '{chosen.ttl}': out of range: 1 <= value <= 255")
    if chosen.interval < 0 or chosen.wait < 0:
        parser.error("a time cannot be negative")
    return chosen


def checksum(data: bytes) -> int:
    """The internet checksum (RFC 1071)."""
    if len(data) % 2:
        data += b"\0"
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total >> 16) + (total & 0xFFFF)
    return ~total & 0xFFFF


class Ping:
    """One run: what was sent, what has come back. `sender` is what the first line tells of -I."""

    headers_bytes = 28

    def __init__(self, chosen: argparse.Namespace, address: str, sender: str = "") -> None:
        self.chosen = chosen
        self.address = address
        self.sender = sender
        self.identifier = os.getpid() & 0xFFFF
        self.sock = self.open_socket(chosen)
        self.started = self.latest = time.monotonic()
        """When it began; when it last looked whether to send, which the time of the summary goes to."""
        self.sent_at: dict[int, float] = {}
        self.seen: dict[int, bool] = {}
        self.transmitted = self.received = self.duplicates = self.errors = 0
        self.times_ms: list[float] = []
        self.answers: list[dict[str, Any]] = []
        """What came, for --json."""

    def run(self) -> int:
        """Send and receive until it is over; the exit code."""
        chosen = self.chosen
        size = chosen.size
        self.say(self.first_line(chosen.host, size))
        next_send = self.started
        try:
            while True:
                now = time.monotonic()
                if self.is_over(now):
                    break
                if self.may_send() or chosen.deadline:
                    self.latest = now
                if self.may_send() and now >= next_send:
                    self.send()
                    next_send = now + chosen.interval
                self.receive_until(self.next_moment(next_send))
        except KeyboardInterrupt:
            print()
        self.sock.close()
        self.summary()
        if self.received == 0 or (chosen.count and chosen.deadline and self.received < chosen.count):
            return 1
        return 0

    def say(self, text: str) -> None:
        """A line for people."""
        if not self.chosen.json:
            print(text)

    def first_line(self, host: str, size: int) -> str:
        """What is said before the first answer."""
        return f"PING {host} ({self.address}) {self.sender}{size}({size + self.headers_bytes}) bytes of data."

    def may_send(self) -> bool:
        """Whether more requests are to be sent."""
        return not self.chosen.count or self.transmitted < self.chosen.count

    def is_over(self, now: float) -> bool:
        """All answered, all waited for, or the deadline has passed."""
        chosen = self.chosen
        if chosen.deadline and now >= self.started + chosen.deadline:
            return True
        if not chosen.count or self.transmitted < chosen.count:
            return False
        if self.received + self.errors >= chosen.count and not chosen.deadline:
            return True
        return now >= max(self.sent_at.values(), default=now) + self.last_wait()

    def last_wait(self) -> float:
        """How long to wait for the last answer: -W, or twice the longest round trip when answers have come."""
        if self.times_ms and self.chosen.wait == 10.0:
            return max(2 * max(self.times_ms) / 1000, float(self.chosen.interval))
        return float(self.chosen.wait)

    def next_moment(self, next_send: float) -> float:
        """Until when there is nothing to do but to receive."""
        moment = next_send if self.may_send() else max(self.sent_at.values()) + self.last_wait()
        if self.chosen.deadline:
            moment = min(moment, self.started + self.chosen.deadline)
        return moment

    def send(self) -> None:
        """One echo request."""
        self.transmitted += 1
        sequence = self.transmitted & 0xFFFF
        data = bytes(index & 0xFF for index in range(self.chosen.size))
        message = self.request(sequence, data)
        self.sent_at[sequence] = time.monotonic()
        self.seen.pop(sequence, None)  # the numbers begin anew after 65,536 requests
        try:
            self.sock.sendto(message, self.target())
        except OSError as error:
            self.errors += 1
            print(f"ping: sendmsg: {error.strerror}", file=sys.stderr)

    def receive_until(self, moment: float) -> None:
        """Take what comes until then, or until an answer has come; what is there already in any case."""
        while True:
            self.sock.settimeout(max(moment - time.monotonic(), 0))
            try:
                found = self.receive()
            except (TimeoutError, BlockingIOError):
                return
            except OSError as error:
                print(f"ping: recvmsg: {error.strerror}", file=sys.stderr)
                continue
            if self.take(*found):
                return

    def request(self, sequence: int, data: bytes) -> bytes:
        """An echo request."""
        head = struct.pack("!BBHHH", ECHO_REQUEST, 0, 0, self.identifier, sequence)
        sum_of_it = checksum(head + data)
        return struct.pack("!BBHHH", ECHO_REQUEST, 0, sum_of_it, self.identifier, sequence) + data

    def target(self) -> Any:
        """Where requests go."""
        return self.address, 0

    def receive(self) -> tuple[bytes, str, int]:
        """(packet, source, ttl where the packet does not tell it)."""
        packet, (source, _) = self.sock.recvfrom(65_535)
        return packet, source, 0

    def take(self, packet: bytes, source: str, hops: int) -> bool:
        """One packet; whether it was an answer to us."""
        header_bytes = (packet[0] & 15) * 4
        ttl = packet[8]
        message = packet[header_bytes:]
        if len(message) < 8:
            return False
        kind, code, _, identifier, sequence = struct.unpack("!BBHHH", message[:8])
        if kind == ECHO_REPLY:
            if identifier != self.identifier or sequence not in self.sent_at:
                return False
            self.take_answer(message, source, sequence, ttl)
            return True
        if kind in (UNREACHABLE, TIME_EXCEEDED) and len(message) >= 36:
            return self.take_error(message, source, kind, code)
        return False

    def take_answer(self, message: bytes, source: str, sequence: int, ttl: int) -> None:
        """An echo reply."""
        elapsed_ms = (time.monotonic() - self.sent_at[sequence]) * 1000
        duplicate = sequence in self.seen
        if duplicate:
            self.duplicates += 1
        else:
            self.seen[sequence] = True
            self.received += 1
            self.times_ms.append(elapsed_ms)
        self.answers.append(
            {"sequence": sequence, "address": source, "ttl": ttl, "time_ms": round(elapsed_ms, 3)}
        )
        if not self.chosen.quiet:
            mark = " (DUP!)" if duplicate else ""
            self.say(
                f"{len(message)} bytes from {self.label(source)}: icmp_seq={sequence} ttl={ttl} "
                f"time={time_text(elapsed_ms)} ms{mark}"
            )

    def take_error(self, message: bytes, source: str, kind: int, code: int) -> bool:
        """An ICMP error that quotes one of our requests."""
        quoted = message[8:]
        inner = quoted[(quoted[0] & 15) * 4 :]
        if len(inner) < 8:
            return False
        inner_kind, _, _, identifier, sequence = struct.unpack("!BBHHH", inner[:8])
        if inner_kind != ECHO_REQUEST or identifier != self.identifier:
            return False
        if kind == UNREACHABLE:
            text = UNREACHABLE_TEXT.get(code, f"Dest Unreachable, Bad Code: {code}")
        else:
            text = TIME_EXCEEDED_TEXT.get(code, f"Time exceeded, Bad Code: {code}")
        self.note_error(source, sequence, text)
        return True

    def note_error(self, source: str, sequence: int, text: str) -> None:
        """Somebody says why a request was not answered."""
        self.errors += 1
        self.answers.append({"sequence": sequence, "address": source, "error": text})
        if not self.chosen.quiet:
            self.say(f"From {self.label(source)} icmp_seq={sequence} {text}")

    def open_socket(self, chosen: argparse.Namespace) -> socket.socket:
        """The socket for requests and answers."""
        return open_raw(chosen)

    def label(self, source: str) -> str:
        """`server (10.0.0.1)` when a name was pinged and the address has one, else the address."""
        if self.chosen.numeric or self.chosen.host == self.address:
            return source
        try:
            return f"{socket.gethostbyaddr(source)[0]} ({source})"
        except OSError:
            return source

    def summary(self) -> None:
        """The statistics at the end."""
        elapsed_ms = round((self.latest - self.started) * 1000)
        lost = 100 * (self.transmitted - self.received) / self.transmitted if self.transmitted else 0
        duplicates = f"+{self.duplicates} duplicates, " if self.duplicates else ""
        errors = f"+{self.errors} errors, " if self.errors else ""
        self.say(f"\n--- {self.chosen.host} ping statistics ---")
        self.say(
            f"{self.transmitted} packets transmitted, {self.received} received, {duplicates}{errors}"
            f"{lost:.6g}% packet loss, time {elapsed_ms}ms"
        )
        times = self.times_ms
        rtt: tuple[float, ...] = ()
        if times:
            mean = sum(times) / len(times)
            deviation = max(sum(each * each for each in times) / len(times) - mean * mean, 0.0) ** 0.5
            rtt = (min(times), mean, max(times), deviation)
            self.say("rtt min/avg/max/mdev = " + "/".join(f"{each:.3f}" for each in rtt) + " ms")
        else:
            self.say("")
        if self.chosen.json:
            self.print_json(elapsed_ms, lost, rtt)

    def print_json(self, elapsed_ms: int, lost: float, rtt: tuple[float, ...]) -> None:
        """All that was seen, as one object."""
        times = dict(zip(("min", "avg", "max", "mdev"), (round(each, 3) for each in rtt), strict=False))
        found = {
            "host": self.chosen.host, "address": self.address, "size_bytes": self.chosen.size,
            "transmitted": self.transmitted, "received": self.received, "duplicates": self.duplicates,
            "errors": self.errors, "loss_percent": round(lost, 3), "time_ms": elapsed_ms,
            "rtt_ms": times or None, "answers": self.answers,
        }  # fmt: skip
        print(json.dumps(found))


def time_text(elapsed_ms: float) -> str:
    """Three significant digits, as iputils prints times."""
    if elapsed_ms >= 99.95:
        return f"{elapsed_ms:.0f}"
    if elapsed_ms >= 9.995:
        return f"{elapsed_ms:.1f}"
    return f"{elapsed_ms:.2f}" if elapsed_ms >= 0.9995 else f"{elapsed_ms:.3f}"


def open_raw(chosen: argparse.Namespace) -> socket.socket:
    """A raw ICMP socket that takes echo replies and errors only."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    wanted = (1 << ECHO_REPLY) | (1 << UNREACHABLE) | (1 << TIME_EXCEEDED)
    sock.setsockopt(SOL_RAW, ICMP_FILTER, struct.pack("I", ~wanted & 0xFFFFFFFF))
    sock.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, chosen.ttl)
    if chosen.broadcast:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    bind_source(sock, chosen.source)
    return sock


def is_address(text: str) -> bool:
    """Whether -I names an address; otherwise it is an interface."""
    try:
        socket.inet_pton(socket.AF_INET6 if ":" in text else socket.AF_INET, text.partition("%")[0])
    except OSError:
        return False
    return True


def bind_source(sock: socket.socket, source: str) -> None:
    """What -I says: send from this address, or by this interface. Raises OSError."""
    if source and is_address(source):
        sock.bind((source, 0))
    elif source:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, source.encode())
