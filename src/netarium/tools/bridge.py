"""bridge: the tables of a switch, in the words of iproute2's bridge. On a host without a bridge they are empty.

    bridge [-j] [-s] fdb [show] [br BRIDGE] [dev PORT] [vlan VID]
                                                          the MAC table; -s adds `used`, the seconds since it was seen
    bridge fdb flush [dev PORT or BRIDGE] [vlan VID]      forget what was learnt (root)
    bridge [-j] link [show] [dev PORT]                    the ports with their spanning tree state
    bridge [-j] vlan [show] [dev PORT]                    which VLANs each port carries
    bridge [-j] flow [show]                               the flow cache (ours: Linux has none)

-j, or --json anywhere, prints JSON with the keys of `bridge -j`. Exit code 0, or 255 as iproute2 has it for all errors.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from netarium import control
from netarium.addresses import ip_text, mac_text
from netarium.link.spanning_tree import PORT_PRIORITY, path_cost
from netarium.link.vlan import VlanBridge
from netarium.units import is_whole

if TYPE_CHECKING:
    from netarium.control import Control
    from netarium.link.port import Port

FAILED = 255
FLOW_KEYS = (
    "vlan_in", "vlan_out", "family", "source", "destination", "protocol", "source_port", "destination_port", "packets",
)  # fmt: skip
OBJECTS = ("fdb", "flow", "link", "vlan")
USAGE = """Usage: bridge [ -j[son] ] [ -s[tatistics] ] OBJECT { COMMAND }
where OBJECT := { fdb | link | vlan | flow }, COMMAND := { show | flush },
then [ br BRIDGE ] [ dev PORT ] [ vlan VID ]"""


class Words:
    """The command line, read as iproute2 reads: options first, words may be shortened. Raises ValueError."""

    def __init__(self, words: list[str]) -> None:
        self.json = "--json" in words
        self.statistics = False
        words = [word for word in words if word != "--json"]
        while words and words[0].startswith("-"):
            option = words.pop(0).lstrip("-")
            if option and "json".startswith(option):
                self.json = True
            elif option and "statistics".startswith(option):
                self.statistics = True
            elif option not in ("d", "details", "p", "pretty"):
                raise ValueError(f'Option "-{option}" is unknown, try "bridge -help".')
        if not words:
            raise ValueError(USAGE)
        given = words.pop(0)
        self.object = next((each for each in OBJECTS if each.startswith(given)), "")
        if not self.object:
            raise ValueError(f'Object "{given}" is unknown, try "bridge help".')
        self.command = "show"
        if words and words[0] in ("show", "list", "lst", "sh", "flush"):
            self.command = "flush" if words.pop(0) == "flush" else "show"
        if self.command == "flush" and self.object != "fdb":
            raise ValueError(f'Command "flush" is unknown, try "bridge {self.object} help".')
        self.port, self.bridge, self.vlan = "", "", 0
        keys = ("dev", "brport", "vlan", "br") if self.object == "fdb" else ("dev", "brport", "vlan")
        while words:
            key = words.pop(0)
            if key not in keys:
                raise ValueError(f'Command "{key}" is unknown, try "bridge {self.object} help".')
            if not words:
                raise ValueError('Command line is not complete. Try option "help"')
            value = words.pop(0)
            if key == "br":
                self.bridge = value
            elif key != "vlan":
                self.port = value
            elif is_whole(value) and 1 <= int(value) <= 4094:
                self.vlan = int(value)
            else:
                raise ValueError(f'Invalid argument "{value}" for vid: 1 to 4094')

    def fits(self, port: str, vlan: int) -> bool:
        """Whether it was asked for."""
        return self.port in ("", port) and self.vlan in (0, vlan)


def fdb(door: Control, words: Words) -> list[dict[str, Any]]:
    """The MAC table: what was learnt, then the switch's own addresses."""
    bridge = door.bridge
    if bridge is None or words.bridge not in ("", bridge.name):
        return []
    rows = []
    for entry in bridge.mac_table():
        port = _interface(entry.port)
        if words.fits(port, entry.vlan):
            row = {
                "mac": mac_text(entry.mac),
                "ifname": port,
                "vlan": entry.vlan,
                "flags": [],
                "master": bridge.name,
            }
            if words.statistics:
                row["used"] = row["updated"] = entry.age_ns // 1_000_000_000
            rows.append({**row, "state": ""})
    for vlan, inner in bridge.inner.items() if isinstance(bridge, VlanBridge) else ():
        if words.fits(f"vlan{vlan}", vlan):
            rows.append(
                {
                    "mac": mac_text(inner.mac),
                    "ifname": f"vlan{vlan}",
                    "vlan": vlan,
                    "flags": ["self"],
                    "master": bridge.name,
                    "state": "permanent",
                }
            )
    return rows


def fdb_text(rows: list[dict[str, Any]]) -> list[str]:
    """The lines of `bridge fdb`."""
    lines = []
    for row in rows:
        line = f"{row['mac']} dev {row['ifname']}"
        if row["vlan"]:
            line += f" vlan {row['vlan']}"
        if "used" in row:
            line += f" used {row['used']}/{row['updated']}"
        line += "".join(f" {flag}" for flag in row["flags"]) + f" master {row['master']}"
        lines.append(f"{line} {row['state']}".rstrip())
    return lines


def link(door: Control, words: Words) -> list[dict[str, Any]]:
    """The ports and their states."""
    bridge = door.bridge
    rows: list[dict[str, Any]] = []
    for number, port in enumerate([] if bridge is None else bridge.ports, 1):
        if not words.fits(_interface(port), 0) or bridge is None:
            continue
        rate = None if port.cable is None else port.cable.rate_bps
        row: dict[str, Any] = {
            "ifindex": number,
            "ifname": _interface(port),
            "flags": ["BROADCAST", "MULTICAST", "UP", "LOWER_UP" if port.up else "NO-CARRIER"],
            "mtu": 1500 if port.cable is None else port.cable.mtu,
            "master": bridge.name,
            "state": "forwarding" if port.up else "disabled",
            "priority": PORT_PRIORITY,
            "cost": path_cost(rate, is_rapid=False),
        }
        if bridge.tree is not None:
            each = bridge.tree.ports[port.number]
            row.update(state=each.state, priority=each.identifier >> 8, cost=bridge.tree.cost_of(each))
            row["role"] = each.role.value
        rows.append(row)
    return rows


def link_text(rows: list[dict[str, Any]]) -> list[str]:
    """The lines of `bridge link`."""
    lines = []
    for row in rows:
        line = f"{row['ifindex']}: {row['ifname']}: <{','.join(row['flags'])}> mtu {row['mtu']} master {row['master']}"
        line += f" state {row['state']} priority {row['priority']} cost {row['cost']}"
        lines.append(line + (f" role {row['role']}" if "role" in row else ""))
    return lines


def vlan(door: Control, words: Words) -> list[dict[str, Any]]:
    """The VLANs of each port."""
    bridge = door.bridge
    if not isinstance(bridge, VlanBridge):
        return []
    rows = []
    for port in bridge.ports:
        members = bridge.vlans_of(port)
        vlans = [
            {"vlan": each, "flags": ["PVID", "Egress Untagged"] if each == members.native else []}
            for each in sorted(members.vlans())
            if words.fits(_interface(port), each)
        ]
        if vlans:
            rows.append({"ifname": _interface(port), "vlans": vlans})
    return rows


def vlan_text(rows: list[dict[str, Any]]) -> list[str]:
    """The lines of `bridge vlan`."""
    lines = [f"{'port':<18}vlan-id"]
    for row in rows:
        for index, each in enumerate(row["vlans"]):
            name = row["ifname"] if index == 0 else ""
            lines.append(f"{name:<18}{' '.join([str(each['vlan']), *each['flags']])}")
    return lines


def flow(door: Control, words: Words) -> list[dict[str, Any]]:
    """The flow cache of a layer-3 switch."""
    rows: list[dict[str, Any]] = [dict(zip(FLOW_KEYS, entry, strict=True)) for entry in door.flows()]
    for row in rows:
        for end in ("source", "destination"):
            row[end] = ip_text(row["family"], row[end])
    return rows


def flow_text(rows: list[dict[str, Any]]) -> list[str]:
    """One line a flow."""
    return [
        f"vlan {row['vlan_in']} -> vlan {row['vlan_out']} src {row['source']} dst {row['destination']} "
        f"proto {row['protocol']} sport {row['source_port']} dport {row['destination_port']} packets {row['packets']}"
        for row in rows
    ]


def flush(door: Control, words: Words) -> int:
    """`bridge fdb flush`."""
    if not door.privileged:
        print("RTNETLINK answers: Operation not permitted", file=sys.stderr)
        return FAILED
    if door.bridge is not None:
        if words.port == door.bridge.name:
            words.port = ""  # the whole table
        door.bridge.forget_learnt(lambda port, vlan: words.fits(_interface(port), vlan))
    return 0


def missing(door: Control, words: Words) -> str:
    """The complaint about a device that is not here; nothing when all are."""
    known = [each.name for each in door.interfaces()]
    if door.bridge is not None:
        known += [door.bridge.name, *(_interface(port) for port in door.bridge.ports)]
    if isinstance(door.bridge, VlanBridge):
        known += [f"vlan{vlan}" for vlan in door.bridge.inner]
    if words.bridge and words.bridge not in known:
        return f'Cannot find bridge device "{words.bridge}"'
    if words.port and words.port not in known:
        kind = "bridge device" if words.command == "flush" else "device"
        return f'Cannot find {kind} "{words.port}"'
    return ""


def _interface(port: Port) -> str:
    return port.name.partition(":")[2]


SHOWN = {
    "fdb": (fdb, fdb_text),
    "flow": (flow, flow_text),
    "link": (link, link_text),
    "vlan": (vlan, vlan_text),
}


def main(arguments: list[str]) -> int:
    """Run bridge; the exit code."""
    if arguments and arguments[0] in ("help", "-help", "--help", "-h"):
        print(USAGE)
        return 0
    try:
        words = Words(list(arguments))
    except ValueError as error:
        print(error, file=sys.stderr)
        return FAILED
    door = control.here()
    complaint = missing(door, words)
    if complaint:
        print(complaint, file=sys.stderr)
        return FAILED
    if words.command == "flush":
        return flush(door, words)
    show, as_text = SHOWN[words.object]
    rows = show(door, words)
    if words.json:
        print(json.dumps(rows))
    else:
        for line in as_text(rows):
            print(line)
    return 0
