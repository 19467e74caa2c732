"""traceroute: the routers on the way, by probes that live for one hop, then two, and so on. (RFC 1812 5.3.1)

    traceroute [-4|-6] [-n] [-q PROBES] [-w SECONDS] [-f FIRST] [-m MAX] [-p PORT] [--json] HOST [BYTES]

Probes are UDP datagrams to unlikely ports, each to its own, as the original's. What routers say
is read from the error queue (IP_RECVERR), so that no privilege is needed. Exit code 0, or 2 for a wrong call.
"""

from __future__ import annotations

import argparse
import json
import select
import socket
import struct
import sys
import time
from dataclasses import dataclass, field
from typing import Any, NoReturn

IP_RECVERR = 11
IPV6_RECVERR = 25
ERRQUEUE = 0x2000
SO_EE_ORIGIN_LOCAL = 1
MARKS_IPV4 = {0: "!N", 1: "!H", 2: "!P", 4: "!F", 5: "!S", 9: "!X", 10: "!X", 13: "!X"}
MARKS_IPV6 = {0: "!N", 1: "!X", 2: "!S", 3: "!H", 5: "!X", 6: "!X"}


class Parser(argparse.ArgumentParser):
    """Errors end with exit code 2 and one line."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong and how it is called."""
        self.exit(2, f"traceroute: {message}\n{self.format_usage()}")


@dataclass
class Answer:
    """What came back for one probe: `kind` is "ttl", "port" (the target) or a mark such as !H."""

    address: str
    time_ms: float
    kind: str


@dataclass
class Hop:
    """The answers to the probes of one distance; None for none."""

    number: int
    answers: list[Answer | None] = field(default_factory=list)

    def is_last(self) -> bool:
        """Whether the way ends here."""
        return any(each is not None and each.kind != "ttl" for each in self.answers)


def read_arguments(arguments: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = Parser(prog="traceroute", description="Print the route packets take to a host.")
    family = parser.add_mutually_exclusive_group()
    family.add_argument(
        "-4", dest="family", action="store_const", const=socket.AF_INET, default=0, help="IPv4"
    )
    family.add_argument("-6", dest="family", action="store_const", const=socket.AF_INET6, help="IPv6")
    parser.add_argument("-n", dest="numeric", action="store_true", help="addresses only")
    parser.add_argument("-q", dest="probes", type=int, default=3, metavar="PROBES", help="a hop")
    parser.add_argument("-w", dest="wait", type=float, default=5.0, metavar="SECONDS", help="for an answer")
    parser.add_argument("-f", dest="first", type=int, default=1, metavar="FIRST", help="hop to begin with")
    parser.add_argument("-m", dest="most", type=int, default=30, metavar="MAX", help="hops")
    parser.add_argument("-p", dest="port", type=int, default=33434, metavar="PORT", help="of the first probe")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of text")
    parser.add_argument("host", metavar="HOST")
    parser.add_argument("size", metavar="BYTES", type=int, nargs="?", default=0, help="of a whole probe")
    chosen = parser.parse_args(arguments)
    if not 1 <= chosen.probes <= 10:
        parser.error("no more than 10 probes per hop")
    if not 1 <= chosen.first <= chosen.most <= 255:
        parser.error("first hop out of range")
    return chosen


class Probes:
    """Sends probes of one family and reads what comes back."""

    def __init__(self, address: Any, is_ipv6: bool, data: bytes, wait_s: float) -> None:
        self.address = address
        self.is_ipv6 = is_ipv6
        self.data = data
        self.wait_s = wait_s

    def probe(self, hops: int, port: int) -> Answer | None:
        """One probe that lives for `hops` hops; None when nothing came back in time."""
        level = socket.IPPROTO_IPV6 if self.is_ipv6 else socket.IPPROTO_IP
        family = socket.AF_INET6 if self.is_ipv6 else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as sock:
            sock.setsockopt(level, socket.IPV6_UNICAST_HOPS if self.is_ipv6 else socket.IP_TTL, hops)
            sock.setsockopt(level, IPV6_RECVERR if self.is_ipv6 else IP_RECVERR, 1)
            sock.setblocking(False)
            begun = time.monotonic()
            target = (self.address[0], port, *self.address[2:])
            try:
                sock.connect(target)
                sock.send(self.data)
            except OSError as error:
                return Answer("", 0.0, f"!{error.strerror}")
            return self._answer(sock, begun)

    def _answer(self, sock: socket.socket, begun: float) -> Answer | None:
        poller = select.poll()
        poller.register(sock, select.POLLIN)
        while True:
            left = self.wait_s - (time.monotonic() - begun)
            if left <= 0 or not poller.poll(left * 1000):
                return None
            now = time.monotonic()
            try:
                _, told, _, _ = sock.recvmsg(65_535, 512, ERRQUEUE)
            except BlockingIOError:
                try:
                    sock.recv(65_535)
                except OSError:
                    continue
                return Answer(self.address[0], (now - begun) * 1000, "port")
            for level, kind, data in told:
                if (level, kind) in ((socket.IPPROTO_IP, IP_RECVERR), (socket.IPPROTO_IPV6, IPV6_RECVERR)):
                    found = self._read_error(data, (now - begun) * 1000)
                    if found is not None:
                        return found

    def _read_error(self, data: bytes, elapsed_ms: float) -> Answer | None:
        _, origin, kind, code = struct.unpack_from("IBBB", data)
        if origin == SO_EE_ORIGIN_LOCAL:
            return None
        offender = data[16:]
        if self.is_ipv6:
            address = socket.inet_ntop(socket.AF_INET6, offender[8:24])
            expired, unreachable, port, marks = 3, 1, 4, MARKS_IPV6
        else:
            address = socket.inet_ntop(socket.AF_INET, offender[4:8])
            expired, unreachable, port, marks = 11, 3, 3, MARKS_IPV4
        if kind == expired:
            return Answer(address, elapsed_ms, "ttl")
        if kind == unreachable and code == port:
            return Answer(address, elapsed_ms, "port")
        return Answer(
            address, elapsed_ms, marks.get(code, f"!<{code}>") if kind == unreachable else f"!<{kind}-{code}>"
        )


def label(address: str, numeric: bool) -> str:
    """`router (10.0.0.1)`, or the address twice when it has no name; alone with -n."""
    if numeric:
        return address
    try:
        name = socket.gethostbyaddr(address)[0]
    except OSError:
        name = address
    return f"{name} ({address})"


def line_of(hop: Hop, numeric: bool) -> str:
    """One line of output, as the original's."""
    text = f"{hop.number:2d} "
    last = ""
    for each in hop.answers:
        if each is None:
            text += " *"
            continue
        if each.address != last:
            text += f" {label(each.address, numeric)}"
            last = each.address
        text += f"  {each.time_ms:.3f} ms"
        if each.kind.startswith("!"):
            text += f" {each.kind}"
    return text


def main(arguments: list[str]) -> int:
    """Run traceroute; the exit code."""
    chosen = read_arguments(arguments)
    try:
        found = socket.getaddrinfo(chosen.host, chosen.port, chosen.family, socket.SOCK_DGRAM)[0]
    except socket.gaierror as error:
        print(f"{chosen.host}: {error.strerror}", file=sys.stderr)
        return 2
    is_ipv6, address = found[0] == socket.AF_INET6, found[4]
    size = chosen.size or (80 if is_ipv6 else 60)
    data = bytes(64 + index % 64 for index in range(max(size - (48 if is_ipv6 else 28), 0)))
    if not chosen.json:
        print(f"traceroute to {chosen.host} ({address[0]}), {chosen.most} hops max, {size} byte packets")
    hops = trace(chosen, Probes(address, is_ipv6, data, chosen.wait))
    if chosen.json:
        print(json.dumps(as_json(chosen.host, str(address[0]), hops)))
    return 0


def trace(chosen: argparse.Namespace, probes: Probes) -> list[Hop]:
    """Probe hop after hop until the target answers, or the limit is reached."""
    hops: list[Hop] = []
    port = chosen.port
    for number in range(chosen.first, chosen.most + 1):
        hop = Hop(number)
        hops.append(hop)
        for _ in range(chosen.probes):
            hop.answers.append(probes.probe(number, port))
            port += 1
        if not chosen.json:
            print(line_of(hop, chosen.numeric), flush=True)
        if hop.is_last():
            break
    return hops


def as_json(host: str, address: str, hops: list[Hop]) -> dict[str, Any]:
    """The result as plain values; a probe without answer is null."""
    return {
        "host": host,
        "address": address,
        "hops": [
            {
                "hop": hop.number,
                "answers": [
                    None
                    if each is None
                    else {"address": each.address, "time_ms": round(each.time_ms, 3), "kind": each.kind}
                    for each in hop.answers
                ],
            }
            for hop in hops
        ],
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
