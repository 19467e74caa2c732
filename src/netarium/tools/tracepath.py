"""tracepath: the routers on the way and the MTU of the path, without privilege. (RFC 1191; iputils' tracepath)

    tracepath [-4|-6] [-n] [-m HOPS] [-l BYTES] [-p PORT] [--json] HOST

Probes are as large as is known to pass and must not be fragmented (IP_PMTUDISC_PROBE); where one is too large, the
error says what passes, and the same hop is tried again with that. Exit code 0, 1 when the target was not reached.
"""

from __future__ import annotations

import argparse
import json
import select
import socket
import struct
import sys
import time
from typing import Any

from netarium.tools.traceroute import add_naming, label
from netarium.tools.traceroute_probes import ERRQUEUE, IP_RECVERR, IPV6_RECVERR

IP_MTU_DISCOVER = 10
IPV6_MTU_DISCOVER = 23
PMTUDISC_PROBE = 3
EMSGSIZE = 90
PROBES = 3
WAIT_S = 1.0


def read_arguments(arguments: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="tracepath", description="Trace the path to a host, and its MTU.")
    add_naming(parser)
    parser.add_argument("-m", dest="most", type=int, default=30, metavar="HOPS", help="the most")
    parser.add_argument("-l", dest="size", type=int, default=0, metavar="BYTES", help="of the first probe")
    parser.add_argument("-p", dest="port", type=int, default=44444, metavar="PORT", help="of the first probe")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of text")
    parser.add_argument("host", metavar="HOST")
    return parser.parse_args(arguments)


class Path:
    """One run."""

    def __init__(self, chosen: argparse.Namespace, address: Any, is_ipv6: bool) -> None:
        self.chosen = chosen
        self.address = address
        self.is_ipv6 = is_ipv6
        self.headers_bytes = 48 if is_ipv6 else 28
        self.mtu = chosen.size or 65535
        self.port = chosen.port
        self.hops: list[dict[str, Any]] = []
        level = socket.IPPROTO_IPV6 if is_ipv6 else socket.IPPROTO_IP
        self.sock = socket.socket(socket.AF_INET6 if is_ipv6 else socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.setsockopt(level, IPV6_MTU_DISCOVER if is_ipv6 else IP_MTU_DISCOVER, PMTUDISC_PROBE)
        self.sock.setsockopt(level, IPV6_RECVERR if is_ipv6 else IP_RECVERR, 1)
        self.sock.setblocking(False)
        self.level = level

    def run(self) -> bool:
        """Hop by hop; whether the target was reached."""
        for hops in range(1, self.chosen.most + 1):
            option = socket.IPV6_UNICAST_HOPS if self.is_ipv6 else socket.IP_TTL
            self.sock.setsockopt(self.level, option, hops)
            reached = self.one_hop(hops)
            if reached is not None:
                word = "reached" if reached else "unreachable"
                if not self.chosen.json:
                    print(f"     Resume: pmtu {self.mtu} hops {hops} {word}")
                return reached
        if not self.chosen.json:
            print("     Too many hops: pmtu", self.mtu)
        return False

    def one_hop(self, hops: int) -> bool | None:
        """Probe one distance: True at the target, False where it cannot be reached, None to go on."""
        tries = 0
        while tries < PROBES:
            begun = time.monotonic()
            self.port += 1
            try:
                self.sock.sendto(
                    bytes(self.mtu - self.headers_bytes), (self.address[0], self.port, *self.address[2:])
                )
            except OSError as error:
                if error.errno != EMSGSIZE:
                    raise
                self.shrink(hops, self._local_mtu(), "", 0.0)
                continue
            answer = self.wait(begun)
            if answer is None:
                tries += 1
                continue
            kind, code, info, address, elapsed_ms = answer
            too_big, expired, port = ((2, -1), 3, (1, 4)) if self.is_ipv6 else ((3, 4), 11, (3, 3))
            if kind == too_big[0] and code == (too_big[1] if too_big[1] >= 0 else code):
                self.shrink(hops, info, address, elapsed_ms)
                continue
            reached = (kind, code) == port
            self.hops.append(
                {"hop": hops, "address": address, "time_ms": round(elapsed_ms, 3), "pmtu": self.mtu}
            )
            self.tell(
                str(hops),
                f"{label(address, self.chosen.numeric):<52} {elapsed_ms:6.3f}ms {'reached' * reached}",
            )
            return True if reached else None if kind == expired else False
        self.hops.append({"hop": hops, "address": None, "time_ms": None, "pmtu": self.mtu})
        self.tell(str(hops), "no reply")
        return None

    def shrink(self, hops: int, mtu: int, address: str, elapsed_ms: float) -> None:
        """The probe was too large: go on with what passes."""
        self.mtu = mtu if self.headers_bytes < mtu < self.mtu else max(self.mtu // 2, self.headers_bytes + 1)
        if address:
            self.tell(
                str(hops), f"{label(address, self.chosen.numeric):<52} {elapsed_ms:6.3f}ms pmtu {self.mtu}"
            )
        else:
            self.tell(f"{hops}?", f"[LOCALHOST]{'':21} pmtu {self.mtu}")

    def _local_mtu(self) -> int:
        """What this host itself says in its error queue of a probe that was too large; 0 when it says nothing."""
        try:
            _, told, _, _ = self.sock.recvmsg(65_535, 512, ERRQUEUE)
        except BlockingIOError:
            return 0
        return next((struct.unpack("=IBBBBII", data[:16])[5] for _, _, data in told if len(data) >= 16), 0)

    def wait(self, begun: float) -> tuple[int, int, int, str, float] | None:
        """(ICMP type, code, MTU, who says so, time) of the next error; None when none comes in time."""
        poller = select.poll()
        poller.register(self.sock, 0)
        while True:
            left = WAIT_S - (time.monotonic() - begun)
            if left <= 0 or not poller.poll(left * 1000):
                return None
            try:
                _, told, _, _ = self.sock.recvmsg(65_535, 512, ERRQUEUE)
            except BlockingIOError:
                continue
            elapsed_ms = (time.monotonic() - begun) * 1000
            for level, name, data in told:
                if (level, name) == (self.level, IPV6_RECVERR if self.is_ipv6 else IP_RECVERR):
                    _, origin, kind, code, info = struct.unpack_from("IBBBxI", data)
                    if origin == 1:
                        continue
                    family, start, end = (
                        (socket.AF_INET6, 24, 40) if self.is_ipv6 else (socket.AF_INET, 20, 24)
                    )
                    return kind, code, info, socket.inet_ntop(family, data[start:end]), elapsed_ms

    def tell(self, number: str, text: str) -> None:
        """One line of output."""
        if not self.chosen.json:
            mark = number if number.endswith("?") else number + ":"
            print(f"{mark:>3}{':' if mark.endswith('?') else ' '} {text}".rstrip(), flush=True)


def main(arguments: list[str]) -> int:
    """Run tracepath; the exit code."""
    chosen = read_arguments(arguments)
    try:
        found = socket.getaddrinfo(chosen.host, chosen.port, chosen.family, socket.SOCK_DGRAM)[0]
    except socket.gaierror as error:
        print(f"tracepath: {chosen.host}: {error.strerror}", file=sys.stderr)
        return 1
    path = Path(chosen, found[4], found[0] == socket.AF_INET6)
    try:
        reached = path.run()
    except OSError as error:
        print(f"tracepath: {error.strerror}", file=sys.stderr)
        return 1
    if chosen.json:
        told = {
            "host": chosen.host,
            "address": found[4][0],
            "pmtu": path.mtu,
            "reached": reached,
            "hops": path.hops,
        }
        print(json.dumps(told))
    return 0 if reached else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
