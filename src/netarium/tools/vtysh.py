"""vtysh: ask the host's routing daemon, in the words and columns of FRR's shell.

    vtysh -c "show ip ospf neighbor"            the neighbors; below, who is heard and is none, why, and what to do
    vtysh -c "show ip ospf neighbor json"

The second table is ours (FRR tells it in its debug log alone). Exit code 0, or 1 when something could not be shown.
"""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING, Any

from netarium import control
from netarium.addresses import ipv4_text

if TYPE_CHECKING:
    from netarium.services.routing.ospf.views import NeighborView, OspfView, RefusedView

COMMAND = ("show", "ip", "ospf", "neighbor")
NS_PER_MS = 1_000_000


def read_arguments(arguments: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="vtysh", description="Ask the routing daemon.")
    parser.add_argument("-c", "--command", required=True, help=f"{' '.join(COMMAND)} [json]")
    return parser.parse_args(arguments)


def duration(time_ns: int) -> str:
    """As FRR: `35.712s`, `1m05s`, `2h03m`, `1d02h`."""
    seconds, milliseconds = divmod(time_ns // NS_PER_MS, 1000)
    if seconds < 60:
        return f"{seconds}.{milliseconds:03}s"
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    if not hours:
        return f"{minutes}m{seconds:02}s"
    return f"{hours}h{minutes:02}m" if hours < 24 else f"{hours // 24}d{hours % 24:02}h"


def print_table(view: OspfView) -> None:
    """As text."""
    layout = "{:<15} {:<3} {:<15} {:<15} {:<9} {:<15} {:<32} {:>5} {:>5} {:>5}"
    print()
    print(
        layout.format(
            "Neighbor ID",
            "Pri",
            "State",
            "Up Time",
            "Dead Time",
            "Address",
            "Interface",
            "RXmtL",
            "RqstL",
            "DBsmL",
        )
    )
    for each in view.neighbors:
        print(
            layout.format(
                ipv4_text(each.router_id),
                f"{each.priority:>3}",
                f"{each.state}/{each.role}",
                duration(each.up_ns),
                duration(each.dead_ns),
                ipv4_text(each.address),
                f"{each.interface}:{ipv4_text(each.own_address)}",
                each.retransmitting,
                each.requesting,
                each.describing,
            )
        )
    print()
    for refused in view.refused:
        print(
            f"% {refused.interface}: {ipv4_text(refused.router_id)} ({ipv4_text(refused.address)}) {refused.why}; "
            f"{refused.remedy} ({refused.packets} packets, the last {duration(refused.age_ns)} ago)"
        )


def neighbor_json(view: NeighborView) -> dict[str, Any]:
    """A neighbor with FRR's keys."""
    return {
        "nbrState": f"{view.state}/{view.role}",
        "nbrPriority": view.priority,
        "converged": view.state,
        "role": view.role,
        "upTimeInMsec": view.up_ns // NS_PER_MS,
        "routerDeadIntervalTimerDueMsec": view.dead_ns // NS_PER_MS,
        "ifaceAddress": ipv4_text(view.address),
        "ifaceName": f"{view.interface}:{ipv4_text(view.own_address)}",
        "linkStateRetransmissionListCounter": view.retransmitting,
        "linkStateRequestListCounter": view.requesting,
        "databaseSummaryListCounter": view.describing,
    }


def refused_json(view: RefusedView) -> dict[str, Any]:
    """A router that is no neighbor."""
    return {
        "routerId": ipv4_text(view.router_id),
        "ifaceAddress": ipv4_text(view.address),
        "ifaceName": view.interface,
        "about": view.about,
        "why": view.why,
        "remedy": view.remedy,
        "packets": view.packets,
        "lastMsecAgo": view.age_ns // NS_PER_MS,
    }


def main(arguments: list[str]) -> int:
    """Run vtysh; the exit code."""
    words = read_arguments(arguments).command.split()
    as_json = words[-1:] == ["json"]
    if as_json:
        words.pop()
    if len(words) != len(COMMAND) or not all(
        full.startswith(word) for full, word in zip(COMMAND, words, strict=True)
    ):
        print(
            f"% Unknown command: {' '.join(words)}; known here: {' '.join(COMMAND)} [json]", file=sys.stderr
        )
        return 1
    show = control.here().daemons.get("ospfd")
    if show is None:
        print("ospfd is not running", file=sys.stderr)
        return 1
    view: OspfView = show()
    if not as_json:
        print_table(view)
        return 0
    neighbors: dict[str, list[dict[str, Any]]] = {}
    for each in view.neighbors:
        neighbors.setdefault(ipv4_text(each.router_id), []).append(neighbor_json(each))
    print(json.dumps({"neighbors": neighbors, "refused": [refused_json(each) for each in view.refused]}))
    return 0
