"""ip addr and ip link in their other forms (-4, -6, -br, -o), and ip maddr: which groups an interface hears."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from netarium.addresses import ipv4_text, ipv6_text, mac_text
from netarium.control import Control, InterfaceView
from netarium.tools.ip import ipv6
from netarium.tools.ip.link import (
    address_json,
    address_lines,
    chosen,
    counters,
    counters_json,
    head,
    head_json,
    operstate,
)
from netarium.tools.ip.words import IpError, Json, choose, pairs


@dataclass(frozen=True)
class Form:
    """What stands before the object: `family` is 4, 6 or 0 for both."""

    family: int = 0
    brief: bool = False
    oneline: bool = False
    statistics: bool = False


def addresses(control: Control, words: list[str], form: Form) -> tuple[list[str], Json]:
    """`ip addr show`: an interface without an address of the family asked for is left out."""
    lines: list[str] = []
    found: Json = []
    for view in chosen(control, words):
        shown = _lines_of(control, view, form.family)
        if form.family and not shown:
            continue
        listed = _json_of(control, view, form.family)
        if form.brief:
            texts = [f"{each['local']}/{each['prefixlen']}" for each in listed]
            lines.append(f"{view.name:<16} {operstate(view):<14} {' '.join(texts)} ")
            short = [{"local": each["local"], "prefixlen": each["prefixlen"]} for each in listed]
            found.append({"ifname": view.name, "operstate": operstate(view), "addr_info": short})
            continue
        if form.oneline:
            lines += [f"{view.number + 1}: {view.name}{one}\\{two}" for one, two in _pairwise(shown)]
        else:
            top = head(view, False)
            lines += [*(top[:1] if form.family else top), *shown, *counters(view, form.statistics)]
        facts = head_json(view, False)
        if form.family:
            facts = {key: facts[key] for key in facts if key not in ("link_type", "address", "broadcast")}
        found.append({**facts, "addr_info": listed, **counters_json(view, form.statistics)})
    return lines, found


def links(control: Control, words: list[str], form: Form) -> tuple[list[str], Json]:
    """`ip link show`."""
    lines: list[str] = []
    found: Json = []
    for view in chosen(control, words):
        facts = head_json(view, True)
        if form.brief:
            flags = ",".join(facts["flags"])
            lines.append(f"{view.name:<16} {operstate(view):<14} {facts['address']} <{flags}> ")
            kept = ("ifname", "operstate", "address", "flags")
            found.append({key: facts[key] for key in kept})
            continue
        shown = [*head(view, True), *counters(view, form.statistics)]
        lines += ["\\".join(shown)] if form.oneline else shown
        found.append({**facts, **counters_json(view, form.statistics)})
    return lines, found


def groups(control: Control, words: list[str], form: Form) -> tuple[list[str], Json]:
    """`ip maddr [show] [dev NAME]`: the groups of each interface, link layer first. Raises IpError."""
    rest = list(words)
    if rest and rest[0] != "dev":
        choose(rest.pop(0), ("show", "list", "ls"), "maddress")
    device = pairs(rest, ("dev",)).get("dev")
    views = control.interfaces()
    if device is not None and device not in [view.name for view in views]:
        raise IpError(f'Cannot find device "{device}"')
    lines: list[str] = []
    found: Json = []
    for view in views:
        if device not in (None, view.name):
            continue
        heard = control.groups(view.name)
        entries: list[tuple[str, str]] = []
        if not form.family and not view.is_loopback:
            entries += [("link ", mac_text(mac)) for mac in heard.macs]
        if form.family != 6:
            entries += [("inet ", ipv4_text(group)) for group in heard.ipv4]
        if form.family != 4:
            entries += [("inet6", ipv6_text(group)) for group in heard.ipv6]
        lines.append(f"{view.number + 1}:\t{view.name}")
        lines += [f"\t{kind} {text}" for kind, text in entries]
        told: list[dict[str, Any]] = [
            {"link": text} if kind == "link " else {"family": kind.strip(), "address": text}
            for kind, text in entries
        ]
        found.append({"ifindex": view.number + 1, "ifname": view.name, "maddr": told})
    return lines, found


def _lines_of(control: Control, view: InterfaceView, family: int) -> list[str]:
    ours = address_lines(view) if family != 6 else []
    return ours + (ipv6.address_lines(control, view.name) if family != 4 else [])


def _json_of(control: Control, view: InterfaceView, family: int) -> Json:
    ours = address_json(view) if family != 6 else []
    return ours + (ipv6.address_json(control, view.name) if family != 4 else [])


def _pairwise(lines: list[str]) -> list[tuple[str, str]]:
    return list(zip(lines[::2], lines[1::2], strict=True))
