"""Whether an IPv6 destination is on the own link: prefixes known to be there say so, not the own address.

Read first: RFC 5942 section 3, RFC 4861 5.2. The prefixes are the lines of the route table without a router.
"""

from __future__ import annotations

from typing import Any, Final

from netarium.addresses import parse_ipv6
from netarium.errors import NetariumError
from netarium.story.subnet import bits_text
from netarium.story.words import Words

SHOWN_MAX: Final = 4
"""So many prefixes of the link are shown."""
_BITS: Final = 128


def prefix_values(own: str, destination: str, winner: str, gateway: str, table: list[str]) -> dict[str, Any]:
    """Values of a `local-or-gateway` for IPv6. `own` has no part in it; `winner` is the line that won."""
    known = [line.split()[0] for line in [*table, winner] if line and " via " not in line]
    prefixes = [each for each in dict.fromkeys(known) if "/" in each and not each.startswith("ff")]
    fits = [each for each in prefixes if _holds(each, destination)]
    best = max(fits, key=lambda each: int(each.partition("/")[2]), default="")
    return {
        "own": own,
        "length": int(best.partition("/")[2]) if best else 0,
        "mask": "",
        "destination": destination,
        "own_network": best,
        "destination_network": "",
        "same": bool(best),
        "gateway": gateway,
        "prefixes": prefixes[:SHOWN_MAX],
    }


def say_prefixes(v: dict[str, Any], place: str, words: Words) -> str:
    """The sentence of such values."""
    verdict = "near" if v["same"] else "far"
    if v["same"] == bool(v["gateway"]):
        verdict = "exception"
    told = {"prefix": v["own_network"], "length": v["length"], "gateway": v["gateway"] or v["destination"]}
    listed = words.listed(v["prefixes"]) or words.text("decision.and6.none")
    asked = words.text("decision.and6", place=place, destination=v["destination"], prefixes=listed)
    return asked + words.text(f"decision.and6.{verdict}", **told)


def prefix_lines(v: dict[str, Any]) -> list[str]:
    """The prefix that fits, or all of them, beside the destination, with a ruler under the bits that count."""
    shown = [v["own_network"]] if v["same"] else v["prefixes"]
    if not shown:
        return []
    wide = max(len(each) for each in [*shown, v["destination"]])
    lines = []
    for each in shown:
        address, _, length_text = each.partition("/")
        length = int(length_text)
        ruler = " " * (wide + 2) + "^" * (length // 4 + max(length - 1, 0) // 16) + f" /{length}"
        lines += [f"{each:<{wide}}  {bits_text(6, parse_ipv6(address))}", ruler]
    return [f"{v['destination']:<{wide}}  {bits_text(6, parse_ipv6(v['destination']))}", *lines]


def _holds(prefix: str, destination: str) -> bool:
    address, _, length = prefix.partition("/")
    try:
        shift = _BITS - int(length)
        return parse_ipv6(address) >> shift == parse_ipv6(destination) >> shift
    except (NetariumError, ValueError):
        return False
