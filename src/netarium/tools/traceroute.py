"""traceroute: the routers on the way, by probes that live for one hop, then two, and so on. (RFC 1812 5.3.1)

    traceroute [-4|-6] [-n] [-q PROBES] [-w SECONDS] [-f FIRST] [-m MAX] [-U|-I|-T] [-p PORT] [-s ADDRESS]
               [-i INTERFACE] [--json] HOST [BYTES]

Probes are UDP datagrams to unlikely ports, each to its own, as the original's; with -I echo requests, with -T SYNs, for
which one has to be root. Exit code 0, 1 when probes cannot be sent, 2 for a wrong call.
"""

from __future__ import annotations

import argparse
import json
import socket
import sys
from dataclasses import dataclass, field
from typing import Any, NoReturn

from netarium.tools.traceroute_probes import Answer, EchoProbes, ProbeError, Probes, SynProbes

KINDS: dict[str, type[Probes]] = {"udp": Probes, "icmp": EchoProbes, "tcp": SynProbes}
FIRST_PORTS = {"udp": 33434, "icmp": 1, "tcp": 80}
HEADER_BYTES = {"udp": 8, "icmp": 8, "tcp": 20}


class Parser(argparse.ArgumentParser):
    """Errors end with exit code 2 and one line."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong and how it is called."""
        self.exit(2, f"traceroute: {message}\n{self.format_usage()}")


@dataclass
class Hop:
    """The answers to the probes of one distance; None for none."""

    number: int
    answers: list[Answer | None] = field(default_factory=list)

    def is_last(self) -> bool:
        """Whether the way ends here."""
        return any(each is not None and each.kind != "ttl" for each in self.answers)


def add_naming(parser: argparse.ArgumentParser) -> None:
    """The options that say which addresses are meant, and how hops are shown."""
    family = parser.add_mutually_exclusive_group()
    family.add_argument(
        "-4", dest="family", action="store_const", const=socket.AF_INET, default=0, help="IPv4"
    )
    family.add_argument("-6", dest="family", action="store_const", const=socket.AF_INET6, help="IPv6")
    parser.add_argument("-n", dest="numeric", action="store_true", help="addresses only")


def read_arguments(arguments: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = Parser(prog="traceroute", description="Print the route packets take to a host.")
    add_naming(parser)
    parser.add_argument("-q", dest="probes", type=int, default=3, metavar="PROBES", help="a hop")
    parser.add_argument("-w", dest="wait", type=float, default=5.0, metavar="SECONDS", help="for an answer")
    parser.add_argument("-f", dest="first", type=int, default=1, metavar="FIRST", help="hop to begin with")
    parser.add_argument("-m", dest="most", type=int, default=30, metavar="MAX", help="hops")
    parser.add_argument(
        "-p", dest="port", type=int, default=0, metavar="PORT", help="of the first probe; with -T of all"
    )
    parser.add_argument("-s", dest="source", default="", metavar="ADDRESS", help="send from this address")
    parser.add_argument(
        "-i", dest="interface", default="", metavar="INTERFACE", help="send by this interface"
    )
    probes = parser.add_mutually_exclusive_group()
    probes.add_argument(
        "-I", dest="kind", action="store_const", const="icmp", default="udp", help="ICMP echo requests"
    )
    probes.add_argument("-T", dest="kind", action="store_const", const="tcp", help="TCP SYNs")
    probes.add_argument("-U", dest="kind", action="store_const", const="udp", help="UDP, which is usual")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of text")
    parser.add_argument("host", metavar="HOST")
    parser.add_argument("size", metavar="BYTES", type=int, nargs="?", default=0, help="of a whole probe")
    chosen = parser.parse_args(arguments)
    if not 1 <= chosen.probes <= 10:
        parser.error("no more than 10 probes per hop")
    if not 1 <= chosen.first <= chosen.most <= 255:
        parser.error("first hop out of range")
    chosen.port = chosen.port or FIRST_PORTS[chosen.kind]
    return chosen


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
    room = size - (40 if is_ipv6 else 20) - HEADER_BYTES[chosen.kind]
    data = bytes(64 + index % 64 for index in range(max(room, 0)))
    if not chosen.json:
        print(
            f"traceroute to {chosen.host} ({address[0]}), {chosen.most} hops max, {size} byte packets",
            flush=True,
        )
    probes = KINDS[chosen.kind](address, data, chosen.wait, chosen.source, chosen.interface)
    try:
        hops = trace(chosen, probes)
    except ProbeError as error:
        print(error, file=sys.stderr)
        return 1
    if chosen.json:
        print(json.dumps(as_json(chosen.host, str(address[0]), hops)))
    return 0


def trace(chosen: argparse.Namespace, probes: Probes) -> list[Hop]:
    """Probe hop after hop until the target answers, or the limit is reached."""
    hops: list[Hop] = []
    sent = 0
    for number in range(chosen.first, chosen.most + 1):
        hop = Hop(number)
        hops.append(hop)
        for _ in range(chosen.probes):
            hop.answers.append(probes.probe(number, sent, chosen.port))
            sent += 1
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
