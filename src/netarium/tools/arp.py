"""arp: the table of IPv4 neighbours, with the output of net-tools' arp.

    arp [-n] [-a] [--json] [-i INTERFACE] [HOST]      show
    arp -s HOST MAC [-i INTERFACE]                    set an entry that never ages
    arp -d HOST [-i INTERFACE]                        delete

Exit code 0, 1 when there is no such entry or the host refuses.
"""

from __future__ import annotations

import argparse
import json
import socket
import sys

from netarium import control
from netarium.addresses import AddressError, ipv4_text, mac_text, parse_ipv4, parse_mac
from netarium.control import Control, NeighborView


def read_arguments(arguments: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="arp", description="Show and change the ARP table.")
    parser.add_argument("-n", dest="numeric", action="store_true", help="addresses only")
    parser.add_argument("-a", dest="bsd", action="store_true", help="one line an entry, BSD style")
    parser.add_argument("-i", dest="interface", default="", metavar="INTERFACE", help="only this one")
    parser.add_argument("-s", dest="set", action="store_true", help="HOST MAC: an entry that never ages")
    parser.add_argument("-d", dest="delete", action="store_true", help="HOST: delete its entry")
    parser.add_argument("--json", action="store_true", help="a JSON list instead of text")
    parser.add_argument("host", nargs="?", default="", metavar="HOST")
    parser.add_argument("mac", nargs="?", default="", metavar="MAC")
    return parser.parse_args(arguments)


def name_of(address: int, numeric: bool) -> str:
    """The name of an address, or the address."""
    text = ipv4_text(address)
    if numeric:
        return text
    try:
        return socket.gethostbyaddr(text)[0]
    except OSError:
        return text


def flags_of(entry: NeighborView) -> str:
    """C for complete, CM for permanent, as net-tools."""
    return "CM" if entry.state == "PERMANENT" else "C" if entry.mac else ""


def show(entries: list[NeighborView], chosen: argparse.Namespace) -> None:
    """Print the table in the style that was asked for."""
    if chosen.json:
        found = [
            {
                "address": ipv4_text(each.address),
                "mac": mac_text(each.mac) if each.mac else None,
                "interface": each.interface,
                "state": each.state,
            }
            for each in entries
        ]
        print(json.dumps(found))
        return
    if chosen.bsd:
        for each in entries:
            name = name_of(each.address, chosen.numeric)
            known = f"{mac_text(each.mac)} [ether]" if each.mac else "<incomplete>"
            mark = " PERM" if each.state == "PERMANENT" else ""
            shown = "?" if name == ipv4_text(each.address) else name
            print(f"{shown} ({ipv4_text(each.address)}) at {known}{mark} on {each.interface}")
        return
    print(f"{'Address':<24}{'HWtype':<8}{'HWaddress':<20}{'Flags Mask':<22}Iface")
    for each in entries:
        kind = f"{'ether':<8}{mac_text(each.mac):<20}" if each.mac else f"{'':<8}{'(incomplete)':<20}"
        print(f"{name_of(each.address, chosen.numeric):<24}{kind}{flags_of(each):<22}{each.interface}")


def change(door: Control, chosen: argparse.Namespace, address: int) -> int:
    """-s and -d; the exit code."""
    towards = door.route_to(address)
    interface = chosen.interface or (towards.interface.name if towards is not None else "")
    if chosen.delete:
        failure = door.remove_neighbor(interface, address)
        if failure is not None:
            print(f"No ARP entry for {chosen.host}", file=sys.stderr)
        return int(failure is not None)
    try:
        failure = door.add_neighbor(interface, address, parse_mac(chosen.mac))
    except AddressError:
        print(f"arp: invalid hardware address {chosen.mac!r}", file=sys.stderr)
        return 1
    if failure is not None:
        print(f"SIOCSARP: {failure.value}", file=sys.stderr)
    return int(failure is not None)


def main(arguments: list[str]) -> int:
    """Run arp; the exit code."""
    chosen = read_arguments(arguments)
    door = control.here()
    address = 0
    if chosen.host:
        try:
            address = parse_ipv4(socket.gethostbyname(chosen.host))
        except socket.gaierror as error:
            print(f"{chosen.host}: {error.strerror}", file=sys.stderr)
            return 1
    if chosen.set or chosen.delete:
        return change(door, chosen, address)
    entries = [
        each
        for each in door.neighbors()
        if chosen.interface in ("", each.interface) and address in (0, each.address)
    ]
    if chosen.host and not entries:
        print(f"{chosen.host} ({ipv4_text(address)}) -- no entry")
        return 1
    show(entries, chosen)
    return 0
