"""conntrack: list, count and delete the tracked connections of the host, in the format of conntrack-tools.

    conntrack -L [-f ipv4|ipv6] [-p PROTOCOL] [-s ADDRESS] [-d ADDRESS] [--sport PORT] [--dport PORT] [-n] [-g]
                 [--json | -o json]
    conntrack -D ... | -F | -C | -S [--json]

-s, -d, --sport and --dport speak of the original direction; -n keeps only source NAT, -g only destination NAT.
Exit code 0, or 1 when something could not be done.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

from netarium import control
from netarium.addresses import ip_text, parse_ip
from netarium.errors import UsageError
from netarium.journey import Drop

if TYPE_CHECKING:
    from netarium.stack.filter.views import ConnectionView, WayView

JSON_VERSION = 1


def read_arguments(arguments: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="conntrack", description="The tracked connections of this host.")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("-L", "--dump", action="store_true", help="list them")
    what.add_argument("-D", "--delete", action="store_true", help="delete those that fit")
    what.add_argument("-F", "--flush", action="store_true", help="delete all")
    what.add_argument("-C", "--count", action="store_true", help="how many there are")
    what.add_argument("-S", "--stats", action="store_true", help="the table's drops")
    parser.add_argument("-p", "--proto", choices=("tcp", "udp", "icmp", "icmpv6"))
    parser.add_argument("-f", "--family", choices=("ipv4", "ipv6"))
    parser.add_argument("-s", "--src", metavar="ADDRESS")
    parser.add_argument("-d", "--dst", metavar="ADDRESS")
    parser.add_argument("--sport", type=int, metavar="PORT")
    parser.add_argument("--dport", type=int, metavar="PORT")
    parser.add_argument("-n", "--src-nat", action="store_true", help="only those with source NAT")
    parser.add_argument("-g", "--dst-nat", action="store_true", help="only those with destination NAT")
    parser.add_argument("-o", "--output", choices=("json",), help="the same as --json")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args(arguments)
    chosen.json = chosen.json or chosen.output == "json"
    return chosen


class Selection:
    """Which connections the command line speaks of. Raises UsageError for addresses that are none."""

    def __init__(self, chosen: argparse.Namespace) -> None:
        self.chosen = chosen
        self.source = None if chosen.src is None else parse_ip(chosen.src)
        self.destination = None if chosen.dst is None else parse_ip(chosen.dst)

    def fits(self, view: ConnectionView) -> bool:
        """Whether it is one of them."""
        chosen, way = self.chosen, view.original
        return (
            chosen.proto in (None, view.protocol_name)
            and chosen.family in (None, f"ipv{view.family}")
            and self.source in (None, (view.family, way.source))
            and self.destination in (None, (view.family, way.destination))
            and chosen.sport in (None, way.source_port)
            and chosen.dport in (None, way.destination_port)
            and (not chosen.src_nat or view.source_translated)
            and (not chosen.dst_nat or view.destination_translated)
        )


def as_json(view: ConnectionView) -> dict[str, object]:
    """A connection for programs."""
    found: dict[str, object] = {"protocol": view.protocol_name, "number": view.protocol, "state": view.state}
    found["timeout_s"] = -(-view.remaining_ns // 1_000_000_000)
    found["family"] = f"ipv{view.family}"
    found["original"] = _way_json(view.family, view.original)
    found["reply"] = _way_json(view.family, view.reply)
    found["unreplied"] = not view.seen_reply
    found["assured"] = view.assured
    found["rule"] = view.rule
    return found


def _way_json(family: int, way: WayView) -> dict[str, object]:
    ends = {"source": ip_text(family, way.source), "destination": ip_text(family, way.destination)}
    return {**asdict(way), **ends}


def list_connections(chosen: argparse.Namespace, selection: Selection) -> int:
    """`-L`."""
    found = [each for each in control.here().connections() if selection.fits(each)]
    if chosen.json:
        print(json.dumps({"conntrack": JSON_VERSION, "connections": [as_json(each) for each in found]}))
        return 0
    for each in found:
        print(each)
    print(f"conntrack v1.4.8 (conntrack-tools): {len(found)} flow entries have been shown.", file=sys.stderr)
    return 0


def delete_connections(selection: Selection, everything: bool) -> int:
    """`-D` and `-F`."""
    count = control.here().remove_connections(lambda view: everything or selection.fits(view))
    if not isinstance(count, int):
        print(
            "conntrack v1.4.8 (conntrack-tools): Operation failed: sorry, you must be root", file=sys.stderr
        )
        return 1
    text = (
        "connection tracking table has been emptied."
        if everything
        else f"{count} flow entries have been deleted."
    )
    print(f"conntrack v1.4.8 (conntrack-tools): {text}", file=sys.stderr)
    return 0 if everything or count else 1


def show_statistics(as_object: bool) -> int:
    """`-S`: what the table has refused."""
    drops = control.here().drops()
    invalid, full = drops.get(Drop.CONNTRACK_INVALID, 0), drops.get(Drop.CONNTRACK_FULL, 0)
    if as_object:
        print(json.dumps({"conntrack": JSON_VERSION, "invalid": invalid, "full": full}))
    else:
        print(f"cpu=0 invalid={invalid} drop={full}")
    return 0


def main(arguments: list[str]) -> int:
    """Run conntrack; the exit code."""
    chosen = read_arguments(arguments)
    try:
        selection = Selection(chosen)
    except UsageError as error:
        print(f"conntrack: {error}", file=sys.stderr)
        return 2
    if chosen.count:
        count = len(control.here().connections())
        print(json.dumps({"conntrack": JSON_VERSION, "count": count}) if chosen.json else count)
        return 0
    if chosen.stats:
        return show_statistics(chosen.json)
    if chosen.dump:
        return list_connections(chosen, selection)
    return delete_connections(selection, chosen.flush)
