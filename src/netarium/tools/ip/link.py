"""ip link and ip addr: interfaces, their state, addresses and counters; changes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from netarium.addresses import AddressError, ipv4_text, mac_text, parse_mac
from netarium.control import Control, InterfaceView
from netarium.tools.ip import ipv6
from netarium.tools.ip.words import IpError, Json, address, choose, done, pairs, prefix, whole

QUEUE_LENGTH = 1000
FOREVER = 0xFFFFFFFF


def link(control: Control, words: Sequence[str], statistics: bool) -> tuple[list[str], Json]:
    """Lines and JSON of `ip link COMMAND ...`. Raises IpError."""
    command, rest = (words[0], list(words[1:])) if words else ("show", [])
    command = choose(command, ("set", "show", "list", "ls"), "link")
    if command != "set":
        views = _chosen(control, rest)
        lines = [line for view in views for line in [*_head(view, True), *_counters(view, statistics)]]
        return lines, [{**_json(view, True), **_counters_json(view, statistics)} for view in views]
    _set(control, rest)
    return [], []


def addr(control: Control, words: Sequence[str], statistics: bool) -> tuple[list[str], Json]:
    """Lines and JSON of `ip addr COMMAND ...`. Raises IpError."""
    command, rest = (words[0], list(words[1:])) if words else ("show", [])
    command = choose(command, ("add", "delete", "show", "list", "ls"), "address")
    if command not in ("add", "delete"):
        views = _chosen(control, rest)
        lines = []
        for view in views:
            lines += [*_head(view, False), *_address_lines(view)]
            lines += [*ipv6.address_lines(control, view.name), *_counters(view, statistics)]
        return lines, [
            {
                **_json(view, False),
                "addr_info": _address_json(view) + ipv6.address_json(control, view.name),
                **_counters_json(view, statistics),
            }
            for view in views
        ]
    _change(control, command, rest)
    return [], []


def _chosen(control: Control, words: list[str]) -> list[InterfaceView]:
    views = control.interfaces()
    only_up = "up" in words
    names = [word for word in words if word not in ("up", "dev")]
    if len(names) > 1:
        raise IpError(f'Error: either "dev" is duplicate, or "{names[1]}" is a garbage.')
    if names:
        views = [_find(control, names[0])]
    return [view for view in views if view.up or not only_up]


def _find(control: Control, name: str) -> InterfaceView:
    for view in control.interfaces():
        if view.name == name:
            return view
    raise IpError(f'Device "{name}" does not exist.')


def _flags(view: InterfaceView) -> list[str]:
    found = ["LOOPBACK"] if view.is_loopback else ["BROADCAST", "MULTICAST"]
    if view.up and not view.carrier:
        found.insert(0, "NO-CARRIER")
    if view.up:
        found.append("UP")
        if view.carrier:
            found.append("LOWER_UP")
    return found


def _operstate(view: InterfaceView) -> str:
    if view.is_loopback and view.up:
        return "UNKNOWN"
    return "UP" if view.up and view.carrier else "DOWN"


def _hardware(view: InterfaceView) -> tuple[str, str, str]:
    """(type, address, broadcast)."""
    if view.is_loopback:
        return "loopback", mac_text(0), mac_text(0)
    return "ether", mac_text(view.mac), mac_text(0xFFFFFFFFFFFF)


def _head(view: InterfaceView, with_mode: bool) -> list[str]:
    kind, mac, broadcast = _hardware(view)
    mode = "mode DEFAULT " if with_mode else ""
    queue = "noqueue" if view.is_loopback else "pfifo"
    return [
        f"{view.number + 1}: {view.name}: <{','.join(_flags(view))}> mtu {view.mtu} qdisc {queue} "
        f"state {_operstate(view)} {mode}group default qlen {QUEUE_LENGTH}",
        f"    link/{kind} {mac} brd {broadcast}",
    ]


def _address_lines(view: InterfaceView) -> list[str]:
    lines = []
    for each in view.addresses:
        broadcast = f"brd {ipv4_text(each.broadcast)} " if each.broadcast and not view.is_loopback else ""
        scope = "host" if view.is_loopback else "global"
        lines.append(f"    inet {ipv4_text(each.address)}/{each.length} {broadcast}scope {scope} {view.name}")
        lines.append("       valid_lft forever preferred_lft forever")
    return lines


def _counters(view: InterfaceView, statistics: bool) -> list[str]:
    if not statistics:
        return []
    lines = []
    for title, last, size, frames, drops in (
        ("RX:", "mcast", view.bytes_in, view.frames_in, view.drops_in),
        ("TX:", "collsns", view.bytes_out, view.frames_out, view.drops_out),
    ):
        width = max(len(str(size)), 5)
        packets = max(len(str(frames)), 7)
        sixth = "missed" if title == "RX:" else "carrier"
        lines.append(
            f"    {title} {'bytes':>{width}} {'packets':>{packets}} errors dropped {sixth:>7} {last:>7} "
        )
        lines.append(f"       {size:>{width + 1}} {frames:>{packets}} {0:>6} {drops:>7} {0:>7} {0:>7} ")
    return lines


def _json(view: InterfaceView, with_mode: bool) -> dict[str, Any]:
    kind, mac, broadcast = _hardware(view)
    found: dict[str, Any] = {
        "ifindex": view.number + 1,
        "ifname": view.name,
        "flags": _flags(view),
        "mtu": view.mtu,
        "qdisc": "noqueue" if view.is_loopback else "pfifo",
        "operstate": _operstate(view),
    }
    if with_mode:
        found["linkmode"] = "DEFAULT"
    return {
        **found,
        "group": "default",
        "txqlen": QUEUE_LENGTH,
        "link_type": kind,
        "address": mac,
        "broadcast": broadcast,
    }


def _address_json(view: InterfaceView) -> Json:
    found = []
    for each in view.addresses:
        line: dict[str, Any] = {
            "family": "inet",
            "local": ipv4_text(each.address),
            "prefixlen": each.length,
        }
        if each.broadcast and not view.is_loopback:
            line["broadcast"] = ipv4_text(each.broadcast)
        line.update(
            scope="host" if view.is_loopback else "global",
            label=view.name,
            valid_life_time=FOREVER,
            preferred_life_time=FOREVER,
        )
        found.append(line)
    return found


def _counters_json(view: InterfaceView, statistics: bool) -> dict[str, Any]:
    if not statistics:
        return {}
    return {
        "stats64": {
            "rx": {"bytes": view.bytes_in, "packets": view.frames_in, "errors": 0, "dropped": view.drops_in},
            "tx": {
                "bytes": view.bytes_out,
                "packets": view.frames_out,
                "errors": 0,
                "dropped": view.drops_out,
            },
        }
    }


def _set(control: Control, words: list[str]) -> None:
    if words and words[0] == "dev":
        words.pop(0)
    if not words:
        raise IpError('Not enough information: "dev" argument is required.', 1)
    name = _find_to_change(control, words.pop(0))
    given = pairs(words, ("mtu", "address"), ("up", "down"))
    if "address" in given:
        try:
            mac = parse_mac(given["address"])
        except AddressError:
            raise IpError(f'"{given["address"]}" is invalid lladdr.') from None
        done(control.set_mac(name, mac))
    if "mtu" in given:
        done(control.set_mtu(name, whole(given["mtu"], "mtu")))
    for word in ("up", "down"):
        if word in given:
            done(control.set_interface_up(name, word == "up"))


def _find_to_change(control: Control, name: str) -> str:
    if all(view.name != name for view in control.interfaces()):
        raise IpError(f'Cannot find device "{name}"')
    return name


def _change(control: Control, command: str, words: list[str]) -> None:
    if not words:
        raise IpError('Command line is not complete. Try option "help"')
    number, length = prefix(words.pop(0))
    given = pairs(words, ("dev", "broadcast", "brd", "label", "scope"))
    if "dev" not in given:
        raise IpError('Not enough information: "dev" argument is required.')
    if "broadcast" in given or "brd" in given:
        given_broadcast = given.get("broadcast", given.get("brd", "+"))
        if given_broadcast != "+":
            address(given_broadcast)
    name = _find_to_change(control, given["dev"])
    if command == "add":
        done(control.add_address(name, number, length))
    else:
        done(control.remove_address(name, number))
