"""nc: connect or listen, and copy between the network and the terminal, as OpenBSD's netcat.

    nc [-u] [-v] [-n] [-z] [-N] [-w SECONDS] [-s SOURCE] [-p PORT] HOST PORT[-PORT]
    nc -l [-u] [-k] [-v] [-n] [-N] [-w SECONDS] [HOST] PORT
    nc -l [...] -p PORT

Exit code 0, or 1 when a connection could not be made, 2 for wrong arguments.
"""

from __future__ import annotations

import argparse
import select
import socket
import sys
import threading
from typing import NoReturn

from netarium.units import is_whole

CHUNK_BYTES = 16_384


class Parser(argparse.ArgumentParser):
    """Errors end with exit code 2 and nc's words."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong."""
        self.exit(
            2, f"nc: {message}\nusage: nc [-klNnuvz] [-p PORT] [-s SOURCE] [-w SECONDS] [HOST] [PORT]\n"
        )


def read_arguments(arguments: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = Parser(prog="nc", description="Connect or listen, and copy what comes.")
    for flag, text in (
        ("l", "listen for a connection"),
        ("k", "listen for the next one when a connection ends"),
        ("u", "UDP instead of TCP"),
        ("v", "tell what happens"),
        ("n", "no names"),
        ("z", "only look whether somebody listens"),
        ("N", "shut the sending side down at the end of the input"),
    ):
        parser.add_argument(f"-{flag}", dest=flag, action="store_true", help=text)
    parser.add_argument("-w", dest="timeout", type=float, default=None, metavar="SECONDS")
    parser.add_argument("-s", dest="source", default="", metavar="SOURCE")
    parser.add_argument("-p", dest="source_port", type=int, default=0, metavar="PORT")
    parser.add_argument("target", nargs="*", metavar="HOST PORT")
    chosen = parser.parse_args(arguments)
    given: list[str] = chosen.target
    if chosen.l and chosen.source_port:  # nc -l -p PORT, and nothing else
        if given:
            parser.error("with -l -p PORT neither a host nor another port; for a host: nc -l HOST PORT")
        given = [str(chosen.source_port)]
    if len(given) > 2 or len(given) < (1 if chosen.l else 2):
        parser.error("too many arguments" if len(given) > 2 else "missing port number")
    chosen.host = given[0] if len(given) == 2 else ""
    chosen.ports = _ports(parser, given[-1])
    return chosen


def _ports(parser: Parser, text: str) -> range:
    low, dash, high = text.partition("-")
    if not dash and not is_whole(low):
        try:
            low = str(socket.getservbyname(low))
        except OSError:
            parser.error(f"port number invalid: {text}")
    high = high if dash else low
    if not (is_whole(low) and is_whole(high) and 0 < int(low) <= int(high) <= 65535):
        parser.error(f"port number invalid: {text}")
    return range(int(low), int(high) + 1)


def service_of(chosen: argparse.Namespace, port: int) -> str:
    """`tcp/http`; `tcp/*` for a port that has no name, or with -n."""
    protocol = "udp" if chosen.u else "tcp"
    try:
        return f"{protocol}/{'*' if chosen.n else socket.getservbyport(port, protocol)}"
    except OSError:
        return f"{protocol}/*"


def named(chosen: argparse.Namespace, address: str) -> str:
    """The host as it was given, and its address when that was a name."""
    return chosen.host if chosen.n or chosen.host == address else f"{chosen.host} ({address})"


def say(chosen: argparse.Namespace, text: str) -> None:
    """Tell, with -v."""
    if chosen.v:
        print(text, file=sys.stderr, flush=True)


def copy_input(sock: socket.socket, chosen: argparse.Namespace, peer: list[tuple[str, int]]) -> None:
    """Send what is typed until it ends."""
    for line in sys.stdin.buffer:
        if chosen.u and peer:
            sock.sendto(line, peer[0])
        else:
            sock.sendall(line)
    if chosen.N and not chosen.u:
        sock.shutdown(socket.SHUT_WR)


def converse(sock: socket.socket, chosen: argparse.Namespace, peer: list[tuple[str, int]]) -> None:
    """Copy both ways until the peer closes, or nothing has come for -w seconds."""
    typing = threading.Thread(target=copy_input, args=(sock, chosen, peer), daemon=True)
    typing.start()
    while select.select([sock], [], [], chosen.timeout)[0]:
        data, source = sock.recvfrom(CHUNK_BYTES)
        if chosen.u and not peer:
            peer.append(source)
            say(chosen, f"Connection received on {source[0]} {source[1]}")
        if not data and not chosen.u:
            return
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()


def listen(chosen: argparse.Namespace) -> int:
    """Wait for somebody and talk; with -k for the next one after that."""
    port = chosen.ports[0]
    kind = socket.SOCK_DGRAM if chosen.u else socket.SOCK_STREAM
    listener = socket.socket(socket.AF_INET, kind)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((chosen.host, port))
    if chosen.u:
        say(chosen, f"Bound on {chosen.host or '0.0.0.0'} {port}")
        converse(listener, chosen, [])
        return 0
    listener.listen(5)
    say(chosen, f"Listening on {chosen.host or '0.0.0.0'} {port}")
    while True:
        connection, source = listener.accept()
        say(chosen, f"Connection received on {source[0]} {source[1]}")
        with connection:
            converse(connection, chosen, [])
        if not chosen.k:
            return 0


def connect(chosen: argparse.Namespace, port: int) -> int:
    """Connect to one port and talk, or with -z only look."""
    kind = socket.SOCK_DGRAM if chosen.u else socket.SOCK_STREAM
    sock = socket.socket(socket.AF_INET, kind)
    name = "udp" if chosen.u else "tcp"
    with sock:
        if chosen.source or chosen.source_port:
            sock.bind((chosen.source, chosen.source_port))
        sock.settimeout(chosen.timeout)
        flags = socket.AI_NUMERICHOST if chosen.n else 0
        try:
            found = socket.getaddrinfo(chosen.host, port, socket.AF_INET, kind, 0, flags)
        except socket.gaierror as error:
            print(f'nc: getaddrinfo for host "{chosen.host}" port {port}: {error.strerror}', file=sys.stderr)
            return 1
        address = str(found[0][4][0])
        try:
            sock.connect((address, port))
        except OSError as error:
            reason = error.strerror or "Operation timed out"
            say(chosen, f"nc: connect to {named(chosen, address)} port {port} ({name}) failed: {reason}")
            return 1
        sock.settimeout(None)
        say(
            chosen,
            f"Connection to {named(chosen, address)} {port} port [{service_of(chosen, port)}] succeeded!",
        )
        if not chosen.z:
            converse(sock, chosen, [])
    return 0


def main(arguments: list[str]) -> int:
    """Run nc."""
    chosen = read_arguments(arguments)
    try:
        if chosen.l:
            return listen(chosen)
        return min(connect(chosen, port) for port in chosen.ports)
    except OSError as error:
        print(f"nc: {error.strerror or error}", file=sys.stderr)
        return 1
