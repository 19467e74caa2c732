"""resolvectl: the host's resolver and its cache, as systemd's resolvectl.

resolvectl [status | query NAME | show-cache | flush-caches | statistics]
"""

from __future__ import annotations

import argparse
import socket
import sys
import time

from netarium.names import resolver as names
from netarium.names.stub import StubResolver

COMMANDS = ("status", "query", "show-cache", "flush-caches", "statistics")


def read_arguments(arguments: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="resolvectl", description="Show and flush the host's name cache.")
    parser.add_argument("command", nargs="?", choices=COMMANDS, default="status")
    parser.add_argument("name", nargs="?", default="", metavar="NAME")
    chosen = parser.parse_args(arguments)
    if (chosen.command == "query") != bool(chosen.name):
        parser.error("query needs a NAME; the other commands take none")
    return chosen


def status(stub: StubResolver) -> None:
    """Servers and search list."""
    servers = " ".join(stub.configuration.servers) or "(none)"
    print(f"Global\n       DNS Servers: {servers}")
    if stub.configuration.search:
        print(f"        DNS Domain: {' '.join(stub.configuration.search)}")


def show_cache(stub: StubResolver) -> None:
    """Each living entry, with the seconds it has left; negative ones too."""
    now_ns = time.monotonic_ns()
    print("Scope protocol=dns")
    for entry in stub.cache.listing(now_ns):
        name = entry.name.rstrip(".")
        if not entry.values:
            print(
                f"{name} IN {entry.kind} -- {'NODATA' if entry.exists else 'NXDOMAIN'} ttl={entry.ttl_s(now_ns)}"
            )
        for value in entry.values:
            print(f"{name} IN {entry.kind} {value} ttl={entry.ttl_s(now_ns)}")


def query(name: str) -> int:
    """A name's addresses, as programs get them."""
    try:
        found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except OSError as error:
        print(f"{name}: resolve call failed: {error.strerror}", file=sys.stderr)
        return 1
    for index, each in enumerate(found):
        print(f"{name}: {each[4][0]}" if not index else f"{' ' * len(name)}  {each[4][0]}")
    return 0


def main(arguments: list[str]) -> int:
    """Run resolvectl; the exit code."""
    chosen = read_arguments(arguments)
    stub = names.here().stub
    if stub is None:
        print("resolvectl: this host has no resolver", file=sys.stderr)
        return 1
    if chosen.command == "query":
        return query(chosen.name)
    if chosen.command == "status":
        status(stub)
    elif chosen.command == "show-cache":
        show_cache(stub)
    elif chosen.command == "flush-caches":
        stub.cache.flush()
    else:
        entries = len(stub.cache.listing(time.monotonic_ns()))
        print(f"Cache\n  Current Cache Size: {entries}")
        print(f"          Cache Hits: {stub.cache.hits}\n        Cache Misses: {stub.cache.misses}")
        print(f"        Queries sent: {stub.queries_sent}")
    return 0
