"""ip neigh: the ARP table; changes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from netarium.addresses import AddressError, ipv4_text, mac_text, parse_mac
from netarium.control import Control
from netarium.tools.ip.words import IpError, Json, address, choose, done, known_device, pairs


def main(control: Control, words: Sequence[str], details: bool) -> tuple[list[str], Json]:
    """Lines and JSON of `ip neigh COMMAND ...`. Raises IpError."""
    command, rest = (words[0], list(words[1:])) if words else ("show", [])
    command = choose(command, ("add", "change", "replace", "delete", "show", "list", "ls"), "neigh")
    if command in ("show", "list", "ls"):
        return _show(control, rest)
    _change(control, command, rest)
    return [], []


def _show(control: Control, words: list[str]) -> tuple[list[str], Json]:
    wanted = None
    if words and words[0] != "dev":
        wanted = address(words.pop(0))
    device = pairs(words, ("dev",)).get("dev")
    known_device(control, device)
    lines: list[str] = []
    found: Json = []
    for each in control.neighbors():
        if wanted not in (None, each.address) or device not in (None, each.interface):
            continue
        mac = f"lladdr {mac_text(each.mac)} " if each.mac else ""
        lines.append(f"{ipv4_text(each.address)} dev {each.interface} {mac}{each.state} ")
        line: dict[str, Any] = {"dst": ipv4_text(each.address), "dev": each.interface}
        if each.mac:
            line["lladdr"] = mac_text(each.mac)
        found.append({**line, "state": [each.state]})
    return lines, found


def _change(control: Control, command: str, words: list[str]) -> None:
    number, device, mac = read_change(control, command, words, address)
    done(
        control.remove_neighbor(device, number) if mac is None else control.add_neighbor(device, number, mac)
    )


def read_change(
    control: Control, command: str, words: list[str], read_address: Callable[[str], int]
) -> tuple[int, str, int | None]:
    """(address, device, MAC) of `ADDRESS lladdr MAC dev DEVICE`, both families; no MAC to delete it. Raises IpError."""
    if not words:
        raise IpError('Command line is not complete. Try option "help"')
    number = read_address(words.pop(0))
    given = pairs(words, ("lladdr", "dev", "nud"))
    if "dev" not in given:
        raise IpError("Device and destination are required arguments.")
    known_device(control, given["dev"])
    if command == "delete":
        return number, given["dev"], None
    if given.get("nud", "permanent") != "permanent":
        raise IpError(f'Error: only "nud permanent" can be set here, not "{given["nud"]}".')
    try:
        return number, given["dev"], parse_mac(given.get("lladdr", ""))
    except AddressError:
        raise IpError(f'"{given.get("lladdr", "")}" is invalid lladdr.') from None
