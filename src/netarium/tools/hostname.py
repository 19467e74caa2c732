"""hostname: show the host's name or addresses.

hostname [-s | -f | -i | -I]
"""

from __future__ import annotations

import argparse
import socket
import sys

from netarium import control
from netarium.addresses import ipv4_text


def own_addresses() -> list[str]:
    """The host's addresses beyond lo, in the order of its interfaces (`hostname -I`)."""
    return [
        ipv4_text(each.address)
        for interface in control.here().interfaces()
        if interface.name != "lo"
        for each in interface.addresses
    ]


def main(arguments: list[str]) -> int:
    """Run hostname; 1 when the name has no address."""
    parser = argparse.ArgumentParser(prog="hostname", description="Show the host's name or addresses.")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("-s", "--short", action="store_true", help="up to the first dot")
    which.add_argument("-f", "--fqdn", action="store_true", help="the fully qualified name")
    which.add_argument("-i", "--ip-address", action="store_true", help="the addresses the name has")
    which.add_argument("-I", "--all-ip-addresses", action="store_true", help="all addresses of the host")
    chosen = parser.parse_args(arguments)
    name = socket.gethostname()
    if chosen.short:
        print(name.split(".")[0])
    elif chosen.fqdn:
        print(socket.getfqdn())
    elif chosen.ip_address:
        try:
            print(" ".join(sorted({str(row[4][0]) for row in socket.getaddrinfo(name, None)})))
        except OSError:
            print("hostname: Name or service not known", file=sys.stderr)
            return 1
    elif chosen.all_ip_addresses:
        print(" ".join(own_addresses()))
    else:
        print(name)
    return 0
