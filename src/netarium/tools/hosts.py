"""hosts: show and edit the host's own hosts file, which is asked before every other source of names.

hosts                       show it
hosts add ADDRESS NAME...   append a line (root)
hosts remove NAME           take out every line with this name (root)
"""

from __future__ import annotations

import argparse
import os
import sys

from netarium.names import resolver as names


def read_arguments(arguments: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="hosts", description="Show and edit /etc/hosts of this host.")
    commands = parser.add_subparsers(dest="command")
    adding = commands.add_parser("add", help="append a line")
    adding.add_argument("address", metavar="ADDRESS")
    adding.add_argument("names", nargs="+", metavar="NAME")
    removing = commands.add_parser("remove", help="take out every line with this name")
    removing.add_argument("name", metavar="NAME")
    return parser.parse_args(arguments)


def main(arguments: list[str]) -> int:
    """Run hosts; the exit code."""
    chosen = read_arguments(arguments)
    resolver = names.here()
    if chosen.command is None:
        print(resolver.hosts_text(), end="")
        return 0
    if os.geteuid() != 0:
        print("hosts: /etc/hosts: Permission denied", file=sys.stderr)
        return 1
    if chosen.command == "add":
        try:
            resolver.hosts.add(chosen.address, *chosen.names)
        except ValueError as error:
            print(f"hosts: {error}", file=sys.stderr)
            return 2
    elif not resolver.hosts.remove(chosen.name):
        print(f"hosts: there is no line with {chosen.name}", file=sys.stderr)
        return 1
    return 0
