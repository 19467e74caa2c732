"""ip's command line.

    ip [-4 | -6] [-j | --json] [-p] [-s] [-d] [-br] [-o] OBJECT [COMMAND ...]

OBJECT is link, address, route, neighbour or maddress, or the beginning of one; COMMAND is `show` without it.
Exit code 0, 1 for a command line that cannot be, 2 when the host refuses (iproute2).
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence

from netarium import control
from netarium.control import Control
from netarium.tools.ip import forms, ipv6, link, neigh, route
from netarium.tools.ip.words import IpError, Json, choose

USAGE = """\
Usage: ip [ OPTIONS ] OBJECT { COMMAND | help }
where  OBJECT := { address | link | maddress | neigh | route }
       OPTIONS := { -4 | -6 | -br[ief] | -o[neline] | -d[etails] | -j[son] | -p[retty] | -s[tatistics] }
       ip route [ show [ PREFIX ] [ dev NAME ] [ proto NAME ] [ via ADDRESS ] ]
       ip route get ADDRESS
       ip route { add | replace | del } [ TYPE ] PREFIX [ via ADDRESS ] [ dev NAME ] [ src ADDRESS ]
                [ metric NUMBER ] [ proto NAME ] [ nexthop via ADDRESS [ dev NAME ] ]...
       ip address [ show [ [ dev ] NAME ] [ up ] ] | { add | change | replace | del } ADDRESS/LENGTH dev NAME
       ip link [ show [ [ dev ] NAME ] [ up ] ] | set NAME [ up | down ] [ mtu NUMBER ] [ address MAC ]
       ip neigh [ show [ ADDRESS ] [ dev NAME ] ]
       ip neigh { add | replace | del } ADDRESS [ lladdr MAC ] dev NAME"""

Handler = Callable[[Control, Sequence[str], bool], tuple[list[str], Json]]
_OBJECTS: dict[str, Handler] = {
    "neighbour": neigh.main,
    "neighbor": neigh.main,
    "route": route.main,
}

_OBJECTS_IPV6: dict[str, Handler] = {
    **_OBJECTS,
    "neighbour": ipv6.neigh,
    "neighbor": ipv6.neigh,
    "route": ipv6.route,
}


class Options:
    """What stands before the object."""

    def __init__(self) -> None:
        self.json = self.pretty = self.statistics = self.details = self.brief = self.oneline = False
        self.family = 0

    def take(self, word: str) -> None:
        """One option, with one or two dashes, perhaps shortened. Raises IpError."""
        name = word.lstrip("-")
        if name in ("4", "inet", "6", "inet6"):
            self.family = 6 if name in ("6", "inet6") else 4
            return
        for attribute, full in (
            ("brief", "brief"),
            ("brief", "br"),
            ("oneline", "oneline"),
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
    objects = _OBJECTS_IPV6 if options.family == 6 else _OBJECTS
    known = ("address", "link", "maddress", *objects)
    full = next((each for each in known if each.startswith(name)), "")
    if not full:
        raise IpError(f'Object "{name}" is unknown, try "ip help".')
    if words[:1] == ["help"]:
        raise IpError(USAGE, 255)
    if full in objects:
        lines, found = objects[full](control.here(), words, options.details)
    else:
        form = forms.Form(options.family, options.brief, options.oneline, options.statistics)
        lines, found = interfaces(control.here(), full, words, form)
    if options.json:
        return json.dumps(found, indent=4 if options.pretty else None, separators=(",", ":")) + "\n"
    return "".join(f"{line}\n" for line in lines)


def interfaces(host: Control, what: str, words: list[str], form: forms.Form) -> tuple[list[str], Json]:
    """`ip address`, `ip link`, `ip maddress`: shown in the form asked for, or changed. Raises IpError."""
    if what == "maddress":
        return forms.groups(host, words, form)
    command, rest = (words[0], words[1:]) if words else ("show", [])
    changes = ("add", "change", "replace", "delete") if what == "address" else ("set",)
    command = choose(command, (*changes, "show", "list", "ls"), what)
    if command not in changes:
        return (forms.addresses if what == "address" else forms.links)(host, rest, form)
    if what == "link":
        link.change_link(host, rest)
    else:
        link.change_address(host, command, rest)
    return [], []


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
