"""vtysh: ask the host's routing daemon, in the words and columns of FRR's shell.

    vtysh -c "show ip ospf neighbor"            the neighbors; below, who is heard and is none, why, and what to do
    vtysh -c "show ip ospf neighbor json"
    vtysh -c "show ip ospf neighbor eth0 [json]"  those at one interface
    vtysh -c COMMAND -c COMMAND                   one after another, up to the first that fails

The second table is ours (FRR tells it in its debug log alone), and so is `refused` in the JSON of all interfaces. Exit
code 0, or 1 when something could not be shown.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from netarium import control
from netarium.addresses import ipv4_text

if TYPE_CHECKING:
    from netarium.services.routing.ospf.views import NeighborView, OspfView, RefusedView

COMMAND = ("show", "ip", "ospf", "neighbor")
USAGE = f"{' '.join(COMMAND)} [INTERFACE] [json]"
NS_PER_MS = 1_000_000


def read_arguments(arguments: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="vtysh", description="Ask the routing daemon.")
    parser.add_argument("-c", "--command", required=True, action="append", help=USAGE)
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
    layout = "{:<15} {:<3} {:<15} {:<15} {:>9} {:<15} {:<32} {:>5} {:>5} {:>5}"
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
    state = f"{view.state}/{view.role}"
    up_ms, dead_ms = view.up_ns // NS_PER_MS, view.dead_ns // NS_PER_MS
    return {
        "priority": view.priority,
        "state": state,
        "nbrPriority": view.priority,
        "nbrState": state,
        "converged": view.state,
        "role": view.role,
        "upTimeInMsec": up_ms,
        "deadTimeMsecs": dead_ms,
        "routerDeadIntervalTimerDueMsec": dead_ms,
        "upTime": duration(view.up_ns),
        "deadTime": duration(view.dead_ns),
        "address": ipv4_text(view.address),
        "ifaceAddress": ipv4_text(view.address),
        "ifaceName": f"{view.interface}:{ipv4_text(view.own_address)}",
        "retransmitCounter": view.retransmitting,
        "linkStateRetransmissionListCounter": view.retransmitting,
        "requestCounter": view.requesting,
        "linkStateRequestListCounter": view.requesting,
        "dbSummaryCounter": view.describing,
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


def print_json(view: OspfView, interface: str) -> None:
    """As JSON; of one interface nothing where nobody is, as FRR."""
    neighbors: dict[str, list[dict[str, Any]]] = {}
    for each in view.neighbors:
        neighbors.setdefault(ipv4_text(each.router_id), []).append(neighbor_json(each))
    if not interface:
        print(json.dumps({"neighbors": neighbors, "refused": [refused_json(each) for each in view.refused]}))
    elif neighbors:
        print(json.dumps(neighbors))


def at_interface(view: OspfView, interface: str) -> OspfView:
    """What is at one interface."""
    return replace(
        view,
        neighbors=tuple(each for each in view.neighbors if each.interface == interface),
        refused=tuple(each for each in view.refused if each.interface == interface),
    )


def run_command(command: str) -> str:
    """Do one command; what is wrong with it, or nothing."""
    words = command.split()
    if not words:
        return ""
    as_json = words[-1] == "json"
    given, rest = words[: len(COMMAND)], words[len(COMMAND) : len(words) - as_json]
    if not all(full.startswith(word) for full, word in zip(COMMAND, given, strict=False)) or len(rest) > 1:
        return f"% Unknown command: {command}; known here: {USAGE}"
    if len(given) < len(COMMAND):
        return f"% Command incomplete: {command}; known here: {USAGE}"
    show = control.here().daemons.get("ospfd")
    if show is None:
        return "ospfd is not running"
    view: OspfView = show()
    interface = rest[0] if rest else ""
    if interface:
        view = at_interface(view, interface)
    if as_json:
        print_json(view, interface)
    else:
        print_table(view)
    return ""


def main(arguments: list[str]) -> int:
    """Run vtysh; the exit code."""
    for command in read_arguments(arguments).command:
        wrong = run_command(command)
        if wrong:
            print(wrong, file=sys.stderr)
            return 1
    return 0
