"""tcpdump: the program.

    tcpdump [-i INTERFACE|any] [-c COUNT] [-n] [-e] [-S] [-q] [-t] [-w FILE] [EXPRESSION]

Names are never looked up (-n is always on). It ends after COUNT packets, or with SIGINT or SIGTERM; then it says how
many there were.
"""

from __future__ import annotations

import argparse
import signal
import socket
import struct
import sys
import time
from typing import BinaryIO

from netarium.tools.tcpdump.expression import ExpressionError, compile_filter
from netarium.tools.tcpdump.text import Numbers, packet_line
from netarium.wire.ethernet import HEADER_BYTES, Frame

ETH_P_ALL = 3
SNAPLEN_BYTES = 262_144
PCAP_NANOSECONDS = struct.pack("!IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, SNAPLEN_BYTES, 1)
"""The head of a pcap file with stamps in ns and Ethernet frames."""


def read_arguments(arguments: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="tcpdump", description="Show what passes an interface.", add_help=True
    )
    parser.add_argument(
        "-i", dest="interface", default="", metavar="INTERFACE", help="listen there; `any` for all"
    )
    parser.add_argument(
        "-c", dest="count", type=int, default=0, metavar="COUNT", help="end after so many packets"
    )
    parser.add_argument("-n", dest="numeric", action="store_true", help="no names (always so)")
    parser.add_argument("-e", dest="link", action="store_true", help="show the Ethernet header")
    parser.add_argument("-S", dest="absolute", action="store_true", help="absolute sequence numbers")
    parser.add_argument("-t", dest="no_time", action="store_true", help="no time")
    parser.add_argument(
        "-w", dest="file", default="", metavar="FILE", help="write a pcap file instead of lines"
    )
    parser.add_argument(
        "expression", nargs="*", metavar="EXPRESSION", help="such as `tcp port 80 and host 10.0.0.1`"
    )
    chosen = parser.parse_args(arguments)
    if chosen.count < 0:
        parser.error(f"invalid packet count {chosen.count}")
    return chosen


class _Stop(Exception):
    """A signal asks to end."""


def _stop(number: int, frame: object) -> None:
    raise _Stop


class Dump:
    """One run: where packets go and how many there were."""

    def __init__(self, chosen: argparse.Namespace, out: BinaryIO | None) -> None:
        self.chosen = chosen
        self.out = out
        self.numbers = Numbers(chosen.absolute)
        self.captured = 0
        self.received = 0

    def show(self, data: bytes, frame: Frame) -> None:
        """Write one packet, as a line or a record."""
        self.captured += 1
        now_ns = time.time_ns()
        if self.out is not None:
            head = struct.pack("!IIII", now_ns // 10**9, now_ns % 10**9, len(data), len(data))
            self.out.write(head + data)
            return
        stamp = ""
        if not self.chosen.no_time:
            moment = time.localtime(now_ns // 10**9)
            stamp = time.strftime("%H:%M:%S", moment) + f".{now_ns % 10**9 // 1000:06d} "
        print(stamp + packet_line(frame, self.numbers, link=self.chosen.link), flush=True)


def listen(sock: socket.socket, dump: Dump, matches: object) -> None:
    """Take frames until there were enough, or a signal comes."""
    compiled = matches
    assert callable(compiled)
    while not dump.chosen.count or dump.captured < dump.chosen.count:
        data, address = sock.recvfrom(SNAPLEN_BYTES)
        if address[0] == "lo" and address[2] == socket.PACKET_OUTGOING:
            continue  # it comes in again, as libpcap knows too
        dump.received += 1
        if len(data) < HEADER_BYTES:
            continue
        frame = Frame.parse(data)
        if compiled(frame):
            dump.show(data, frame)


def first_interface() -> str:
    """The first interface that is not lo, as tcpdump picks it; lo when there is no other."""
    names = [name for _, name in socket.if_nameindex()]
    return next((name for name in names if name != "lo"), "lo")


def main(arguments: list[str]) -> int:
    """Run tcpdump; 1 when it cannot listen, 2 for wrong arguments."""
    chosen = read_arguments(arguments)
    try:
        matches = compile_filter(chosen.expression)
    except ExpressionError as error:
        print(f"tcpdump: {error}", file=sys.stderr)
        return 2
    interface = chosen.interface or first_interface()
    try:
        sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        if interface != "any":
            sock.bind((interface, ETH_P_ALL))
        out = open(chosen.file, "wb") if chosen.file else None  # noqa: SIM115  (closed below, or by a signal)
    except OSError as error:
        print(f"tcpdump: {chosen.file or interface}: {error.strerror}", file=sys.stderr)
        return 1
    print(f"tcpdump: listening on {interface}, link-type EN10MB (Ethernet)", file=sys.stderr, flush=True)
    if out is not None:
        out.write(PCAP_NANOSECONDS)
    dump = Dump(chosen, out)
    signal.signal(signal.SIGINT, _stop)
    signal.signal(signal.SIGTERM, _stop)
    try:
        listen(sock, dump, matches)
    except _Stop:
        pass
    finally:
        sock.close()
        if out is not None:
            out.close()
    print(f"{dump.captured} packets captured", file=sys.stderr)
    print(f"{dump.received} packets received by filter", file=sys.stderr)
    return 0
