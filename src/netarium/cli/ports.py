"""`netarium ports`: names and numbers of services, from the same table that hosts see as /etc/services."""

from __future__ import annotations

import sys

from netarium.lab.words import suggest
from netarium.names.ports import OFFICIAL, POPULAR, all_with, by_name
from netarium.units import is_whole


def ports(what: str) -> int:
    """Print the services with this port, or the port of this service, or with an empty text all; the exit code."""
    if not what:
        found = sorted(OFFICIAL + POPULAR, key=lambda each: (each.port, each.protocol))
    elif is_whole(what):
        found = all_with(int(what))
        if not found:
            problem = (
                "is no port number: they go from 0 to 65535"
                if int(what) > 65535
                else "has no well-known service"
            )
            print(f"netarium: {what} {problem}", file=sys.stderr)
            return 1
    else:
        one = [by_name(what, protocol) for protocol in ("tcp", "udp")]
        found = [service for service in one if service is not None]
        if not found:
            names = sorted({service.name for service in OFFICIAL + POPULAR})
            near = suggest(what, names)
            if "did you mean" not in near:
                near = "; give a service's name, such as http or mysql, or a port number, such as 3306"
            print(f"netarium: no service is called {what!r}{near}", file=sys.stderr)
            return 1
    for service in found:
        print(f"{service.name:<16} {service.port}/{service.protocol}")
    return 0
