"""ip route: the table, the way to one address, changes.

`ip -d route get ADDRESS` also tells why that route was taken and which others fit; that line is ours, not iproute2's.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from netarium.addresses import ipv4_text
from netarium.control import Control
from netarium.stack.failures import Failure
from netarium.stack.routes import (
    BLACKHOLE,
    BROADCAST,
    KIND_NAMES,
    LOCAL,
    MULTICAST,
    PROHIBIT,
    UNICAST,
    UNREACHABLE,
    Route,
    next_hops,
)
from netarium.tools.ip.words import IpError, Json, address, choose, done, pairs, prefix, whole

_KINDS = {"unicast": UNICAST, "blackhole": BLACKHOLE, "unreachable": UNREACHABLE, "prohibit": PROHIBIT}
_KEYS = ("via", "dev", "src", "metric", "proto")


def main(control: Control, words: Sequence[str], details: bool) -> tuple[list[str], Json]:
    """Lines and JSON of `ip route COMMAND ...`. Raises IpError."""
    command, rest = (words[0], list(words[1:])) if words else ("show", [])
    command = choose(command, ("list", "show", "ls", "get", "add", "delete", "replace"), "route")
    if command in ("list", "show", "ls"):
        return _show(control, rest, details)
    if command == "get":
        return _get(control, rest, details)
    _change(control, command, rest)
    return [], []


def _show(control: Control, words: list[str], details: bool) -> tuple[list[str], Json]:
    wanted = None
    if words and words[0] not in ("dev", "proto", "via"):
        wanted = prefix(words.pop(0))
    given = pairs(words, ("dev", "proto", "via"))
    lines, found = [], []
    for route in control.routes():
        if wanted is not None and (route.prefix, route.length) != wanted:
            continue
        if given.get("dev", route.interface.name) != route.interface.name:
            continue
        if given.get("proto", route.protocol) != route.protocol:
            continue
        if "via" in given and address(given["via"]) not in [each.gateway for each in next_hops(route)]:
            continue
        lines += route_lines(route, details)
        found.append(route_json(route))
    return lines, found


def _name(route: Route) -> str:
    if not route.length:
        return "default"
    return ipv4_text(route.prefix) + (f"/{route.length}" if route.length < 32 else "")


def route_lines(route: Route, details: bool) -> list[str]:
    """As iproute2 prints it, the trailing blank included."""
    kind = KIND_NAMES[route.kind] + " " if route.kind != UNICAST or details else ""
    text = f"{kind}{_name(route)} "
    hops = next_hops(route)
    if len(hops) == 1:
        text += _hop_text(route)
    if route.protocol != "boot" or details:
        text += f"proto {route.protocol} "
    if not route.gateway and len(hops) == 1 and route.kind == UNICAST:
        text += "scope link "
    if route.source:
        text += f"src {ipv4_text(route.source)} "
    if route.metric:
        text += f"metric {route.metric} "
    if len(hops) == 1:
        return [text + _flags(route)]
    return [text, *[f"\tnexthop {_hop_text(each)}weight 1 {_flags(each)}" for each in hops]]


def _hop_text(route: Route) -> str:
    via = f"via {ipv4_text(route.gateway)} " if route.gateway else ""
    return via if route.kind in (BLACKHOLE, UNREACHABLE, PROHIBIT) else f"{via}dev {route.interface.name} "


def _state(route: Route) -> list[str]:
    if not route.interface.up:
        return ["dead"]
    return [] if route.interface.carrier else ["linkdown"]


def _flags(route: Route) -> str:
    return "".join(f"{each} " for each in _state(route))


def route_json(route: Route) -> dict[str, object]:
    """As `ip -j route`."""
    found: dict[str, object] = {} if route.kind == UNICAST else {"type": KIND_NAMES[route.kind]}
    found["dst"] = _name(route)
    hops = next_hops(route)
    if len(hops) == 1:
        found.update(_hop_json(route))
    found["protocol"] = route.protocol
    if not route.gateway and len(hops) == 1:
        found["scope"] = "link"
    if route.source:
        found["prefsrc"] = ipv4_text(route.source)
    if route.metric:
        found["metric"] = route.metric
    found["flags"] = _state(route) if len(hops) == 1 else []
    if len(hops) > 1:
        found["nexthops"] = [{**_hop_json(each), "weight": 1, "flags": _state(each)} for each in hops]
    return found


def _hop_json(route: Route) -> dict[str, object]:
    via: dict[str, object] = {"gateway": ipv4_text(route.gateway)} if route.gateway else {}
    return {**via, "dev": route.interface.name}


def _get(control: Control, words: list[str], details: bool) -> tuple[list[str], Json]:
    if not words:
        raise IpError("need at least a destination address")
    destination = address(words.pop(0).removesuffix("/32"))
    route = control.route_to(destination)
    if route is None:
        explained = control.explain_route(destination)
        failure = {"prohibit": Failure.BROADCAST_NOT_ALLOWED, "unreachable": Failure.HOST_UNREACHABLE}.get(
            str(explained["winner"]).partition(" ")[0], Failure.NETWORK_UNREACHABLE
        )
        done(failure)
    assert route is not None
    kind = KIND_NAMES[route.kind] + " " if route.kind in (LOCAL, BROADCAST, MULTICAST) else ""
    via = f"via {ipv4_text(route.gateway)} " if route.gateway else ""
    source = f"src {ipv4_text(route.source)} " if route.source else ""
    uid = os.getuid()
    cache = {LOCAL: "<local> ", BROADCAST: "<local,brd> ", MULTICAST: "<mc> "}.get(route.kind, "")
    lines = [
        f"{kind}{ipv4_text(destination)} {via}dev {route.interface.name} {source}uid {uid} ",
        f"    cache {cache}{_narrowed(route)}",
    ]
    found: dict[str, object] = {"type": kind.strip()} if kind else {}
    found["dst"] = ipv4_text(destination)
    found.update(_hop_json(route))
    found.update(prefsrc=ipv4_text(route.source), flags=[], uid=uid)
    found["cache"] = cache.strip("<> ").split(",") if cache else []
    if _narrowed(route):
        found["metrics"] = [{"mtu": route.mtu}]
    if details:
        explained = control.explain_route(destination)
        lines.append(f"    because: {explained['reason']}: {explained['winner']}")
        candidates = [str(each) for each in explained["candidates"]]  # type: ignore[attr-defined]
        lines += [f"    candidate {each}" for each in candidates]
        found.update({"reason": explained["reason"], "candidates": candidates})
    return lines, [found]


def _narrowed(route: Route) -> str:
    """`mtu 1300 `, where the path is known to carry less than the link."""
    return f"mtu {route.mtu} " if 0 < route.mtu < route.interface.mtu else ""


def _change(control: Control, command: str, words: list[str]) -> None:
    kind = _KINDS[words.pop(0)] if words and words[0] in _KINDS else UNICAST
    if not words:
        raise IpError('Command line is not complete. Try option "help"')
    number, length = prefix(words.pop(0))
    hops: list[tuple[int, str]] = []
    if "nexthop" in words:
        start = words.index("nexthop")
        hops, words = _hops(words[start:]), words[:start]
    given = pairs(words, _KEYS)
    gateway = address(given["via"]) if "via" in given else 0
    metric = whole(given["metric"], "metric") if "metric" in given else -1
    if command == "delete":
        failure = control.remove_route(
            number, length, gateway=gateway, interface=given.get("dev", ""), metric=metric
        )
        if failure is Failure.NOT_FOUND:
            raise IpError("RTNETLINK answers: No such process", 2)
        done(failure)
        return
    if "dev" in given and given["dev"] not in [each.name for each in control.interfaces()]:
        raise IpError(f'Cannot find device "{given["dev"]}"')
    done(
        control.add_route(
            number,
            length,
            gateway=gateway,
            interface=given.get("dev", ""),
            source=address(given["src"]) if "src" in given else 0,
            metric=max(metric, 0),
            protocol=given.get("proto", "boot"),
            kind=kind,
            replace=command == "replace",
            hops=hops,
        )
    )


def _hops(words: list[str]) -> list[tuple[int, str]]:
    """`nexthop via ADDRESS [dev NAME] nexthop ...`."""
    found: list[tuple[int, str]] = []
    part: list[str] = []
    for word in [*words[1:], "nexthop"]:
        if word != "nexthop":
            part.append(word)
            continue
        given = pairs(part, ("via", "dev", "weight"))
        if given.get("weight", "1") != "1":
            raise IpError('Error: only "weight" 1 is known here.')
        found.append((address(given["via"]) if "via" in given else 0, given.get("dev", "")))
        part = []
    return found
