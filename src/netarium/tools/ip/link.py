"""ip link and ip addr: interfaces, their state, addresses and counters, in iproute2's parts; changes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from netarium.addresses import AddressError, ipv4_text, mac_text, parse_mac
from netarium.control import Control, InterfaceView
from netarium.stack.failures import Failure
from netarium.tools.ip import ipv6
from netarium.tools.ip.words import IpError, Json, address, done, pairs, prefix, whole

QUEUE_LENGTH = 1000
FOREVER = 0xFFFFFFFF


def change_link(control: Control, words: Sequence[str]) -> None:
    """`ip link set ...`. Raises IpError."""
    _set(control, list(words))


def change_address(control: Control, command: str, words: Sequence[str]) -> None:
    """`ip addr add|change|replace|delete ADDRESS/LENGTH dev NAME`, of either family. Raises IpError."""
    if words and ":" in words[0]:
        ipv6.change_address(control, command, list(words))
    else:
        _change(control, command, list(words))


def chosen(control: Control, words: list[str]) -> list[InterfaceView]:
    """The interfaces that `[dev] NAME` and `up` leave. Raises IpError."""
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


def operstate(view: InterfaceView) -> str:
    """As /sys/class/net/NAME/operstate, in capitals."""
    if view.is_loopback and view.up:
        return "UNKNOWN"
    return "UP" if view.up and view.carrier else "DOWN"


def _hardware(view: InterfaceView) -> tuple[str, str, str]:
    """(type, address, broadcast)."""
    if view.is_loopback:
        return "loopback", mac_text(0), mac_text(0)
    return "ether", mac_text(view.mac), mac_text(0xFFFFFFFFFFFF)


def head(view: InterfaceView, with_mode: bool) -> list[str]:
    """The two lines of an interface; `with_mode` as `ip link` has them."""
    kind, mac, broadcast = _hardware(view)
    mode = "mode DEFAULT " if with_mode else ""
    queue = "noqueue" if view.is_loopback else "pfifo"
    return [
        f"{view.number + 1}: {view.name}: <{','.join(_flags(view))}> mtu {view.mtu} qdisc {queue} "
        f"state {operstate(view)} {mode}group default qlen {QUEUE_LENGTH}",
        f"    link/{kind} {mac} brd {broadcast}",
    ]


def address_lines(view: InterfaceView) -> list[str]:
    """The inet lines, two an address."""
    lines = []
    for each in view.addresses:
        broadcast = f"brd {ipv4_text(each.broadcast)} " if each.broadcast and not view.is_loopback else ""
        scope = "host" if view.is_loopback else "global"
        lines.append(f"    inet {ipv4_text(each.address)}/{each.length} {broadcast}scope {scope} {view.name}")
        lines.append("       valid_lft forever preferred_lft forever")
    return lines


def counters(view: InterfaceView, statistics: bool) -> list[str]:
    """The four lines of `-s`; none without."""
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


def head_json(view: InterfaceView, with_mode: bool) -> dict[str, Any]:
    """What `head` says, as JSON."""
    kind, mac, broadcast = _hardware(view)
    found: dict[str, Any] = {
        "ifindex": view.number + 1,
        "ifname": view.name,
        "flags": _flags(view),
        "mtu": view.mtu,
        "qdisc": "noqueue" if view.is_loopback else "pfifo",
        "operstate": operstate(view),
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


def address_json(view: InterfaceView) -> Json:
    """What `address_lines` says, as JSON."""
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


def counters_json(view: InterfaceView, statistics: bool) -> dict[str, Any]:
    """What `counters` says, as JSON."""
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
    if command == "delete":
        done(control.remove_address(name, number))
        return
    failure = control.add_address(name, number, length)
    if (
        command == "add" or failure is not Failure.EXISTS
    ):  # `change` and `replace` are content with what is there
        done(failure)
