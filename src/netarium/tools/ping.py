"""ping: ICMP echo requests and their answers, with the output of iputils' ping. (RFC 792; RFC 1122 3.2.2.6)

    ping [-4|-6] [-c COUNT] [-i SECONDS] [-W SECONDS] [-w SECONDS] [-s BYTES] [-t TTL] [-I INTERFACE|ADDRESS] [-q] [-n]
         [--json] HOST

`echo` does it, `ping6` has what differs over IPv6. Exit code 0 when at least one answer came, 1 when none did, 2 for
other errors.
"""

from __future__ import annotations

import argparse
import socket
import sys
from collections.abc import Callable
from typing import Any

from netarium.tools.echo import Ping, bind_source, is_address, read_arguments

_PROBE_PORT = 1025
"""What iputils connects to; any would do."""


def resolve(chosen: argparse.Namespace) -> tuple[Callable[[argparse.Namespace, str, str], Ping], str]:
    """(who pings, the address): by -4 or -6, else by the family that getaddrinfo puts first."""
    if chosen.family == 4:
        return Ping, socket.gethostbyname(chosen.host)
    family = socket.AF_INET6 if chosen.family == 6 else 0
    found = socket.getaddrinfo(chosen.host, None, family, socket.SOCK_DGRAM)[0]
    if found[0] == socket.AF_INET:
        return Ping, str(found[4][0])
    from netarium.tools.ping6 import Ping6

    return Ping6, scoped(found[4])


def scoped(address: Any) -> str:
    """An IPv6 address as text, with the interface of its scope id."""
    host, scope = address[0].partition("%")[0], address[3]
    return f"{host}%{socket.if_indextoname(scope)}" if scope else host


class Unreachable(Exception):
    """The host has no way to the address, or not the one of -I; the message says what failed."""


def probe(chosen: argparse.Namespace, address: str) -> str:
    """Ask for a route as iputils does, by connecting a UDP socket: nothing is sent. What is told of -I.

    Raises Unreachable, and PermissionError for a broadcast address without -b.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    by_device = bool(chosen.source) and not is_address(chosen.source)
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        try:
            bind_source(sock, chosen.source)
        except OSError as error:
            call = f"SO_BINDTODEVICE {chosen.source}" if by_device else "bind"
            raise Unreachable(f"{call}: {error.strerror}") from None
        try:
            connect(sock, chosen, address)
        except PermissionError:
            raise
        except OSError as error:
            raise Unreachable(f"connect: {error.strerror}") from None
        if not chosen.source:
            return ""
        return f"from {sock.getsockname()[0]} {chosen.source if by_device else ''}: "


def connect(sock: socket.socket, chosen: argparse.Namespace, address: str) -> None:
    """Connect the probe; -b is warned of where it is what makes it possible."""
    try:
        sock.connect((address, _PROBE_PORT))
    except PermissionError:
        if not chosen.broadcast:
            raise
        print("WARNING: pinging broadcast address", file=sys.stderr)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        sock.connect((address, _PROBE_PORT))


def main(arguments: list[str]) -> int:
    """Run ping; the exit code."""
    chosen = read_arguments(arguments)
    try:
        made, address = resolve(chosen)
    except socket.gaierror as error:
        print(f"ping: {chosen.host}: {error.strerror}", file=sys.stderr)
        return 2
    try:
        sender = probe(chosen, address)
        run = made(chosen, address, sender)
    except PermissionError:
        print(
            "ping: Do you want to ping broadcast? Then -b. If not, check your local firewall rules",
            file=sys.stderr,
        )
        return 2
    except Unreachable as error:
        print(f"ping: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"ping: {error.strerror}", file=sys.stderr)
        return 2
    return run.run()
