"""ip's command line.

    ip [-4 | -6] [-j | --json] [-p] [-s] [-d] OBJECT [COMMAND ...]

OBJECT is link, address, route or neighbour, or the beginning of one; COMMAND is `show` without it. Exit code 0, 1 for a
command line that cannot be, 2 when the host refuses (iproute2).
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence

from netarium import control
from netarium.control import Control
from netarium.tools.ip import ipv6, link, neigh, route
from netarium.tools.ip.words import IpError, Json

USAGE = """\
Usage: ip [ OPTIONS ] OBJECT { COMMAND | help }
where  OBJECT := { address | link | neigh | route }
       OPTIONS := { -4 | -6 | -d[etails] | -j[son] | -p[retty] | -s[tatistics] }
       ip route [ show [ PREFIX ] [ dev NAME ] [ proto NAME ] [ via ADDRESS ] ]
       ip route get ADDRESS
       ip route { add | replace | del } [ TYPE ] PREFIX [ via ADDRESS ] [ dev NAME ] [ src ADDRESS ]
                [ metric NUMBER ] [ proto NAME ] [ nexthop via ADDRESS [ dev NAME ] ]...
       ip address [ show [ [ dev ] NAME ] [ up ] ] | { add | del } ADDRESS/LENGTH dev NAME
       ip link [ show [ [ dev ] NAME ] [ up ] ] | set NAME [ up | down ] [ mtu NUMBER ] [ address MAC ]
       ip neigh [ show [ ADDRESS ] [ dev NAME ] ]
       ip neigh { add | replace | del } ADDRESS [ lladdr MAC ] dev NAME"""

Handler = Callable[[Control, Sequence[str], bool], tuple[list[str], Json]]
_OBJECTS: dict[str, Handler] = {
    "address": link.addr,
    "link": link.link,
    "neighbour": neigh.main,
    "neighbor": neigh.main,
    "route": route.main,
}

_OBJECTS_IPV6: dict[str, Handler] = {
    **_OBJECTS,
    "address": ipv6.addr,
    "neighbour": ipv6.neigh,
    "neighbor": ipv6.neigh,
    "route": ipv6.route,
}


class Options:
    """What stands before the object."""

    def __init__(self) -> None:
        self.json = self.pretty = self.statistics = self.details = self.ipv6 = False

    def take(self, word: str) -> None:
        """One option, with one or two dashes, perhaps shortened. Raises IpError."""
        name = word.lstrip("-")
        if name in ("4", "inet", "6", "inet6"):
            self.ipv6 = name in ("6", "inet6")
            return
        for attribute, full in (
            ("json", "json"),
            ("pretty", "pretty"),
            ("statistics", "statistics"),
            ("statistics", "stats"),
            ("details", "details"),
        ):
            if name and full.startswith(name):
                setattr(self, attribute, True)
                return
        raise IpError(f'Option "{word}" is unknown, try "ip -help".', 255)


def run(arguments: list[str]) -> str:
    """What is to be printed. Raises IpError."""
    options = Options()
    words = list(arguments)
    while words and words[0].startswith("-"):
        options.take(words.pop(0))
    if not words:
        raise IpError(USAGE, 255)
    name = words.pop(0)
    objects = _OBJECTS_IPV6 if options.ipv6 else _OBJECTS
    handler = next((each for full, each in objects.items() if full.startswith(name)), None)
    if handler is None:
        raise IpError(f'Object "{name}" is unknown, try "ip help".')
    if words[:1] == ["help"]:
        raise IpError(USAGE, 255)
    more = options.statistics if name[0] in "al" else options.details
    lines, found = handler(control.here(), words, more)
    if options.json:
        return json.dumps(found, indent=4 if options.pretty else None, separators=(",", ":")) + "\n"
    return "".join(f"{line}\n" for line in lines)


def main(arguments: list[str]) -> int:
    """Run ip; the exit code."""
    if arguments in (["help"], ["-help"], ["--help"], ["-h"]):
        print(USAGE)
        return 0
    try:
        sys.stdout.write(run(arguments))
    except IpError as error:
        print(error, file=sys.stderr)
        return error.code
    return 0
