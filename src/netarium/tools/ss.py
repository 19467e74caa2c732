"""ss: the host's sockets, as iproute2's ss.

    ss [-a | -l] [-t] [-u] [-4 | -6] [-n] [-H]

Without -a and -l only sockets with a peer are shown. Ports are shown by name unless -n.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from netarium import control
from netarium.addresses import ipv4_text, ipv6_text
from netarium.names import ports

if TYPE_CHECKING:
    from netarium.stack.ports import SocketRow

HEAD = ("Netid", "State", "Recv-Q", "Send-Q", "Local Address:Port", "Peer Address:Port")
STATES = {"ESTABLISHED": "ESTAB", "SYN-RECEIVED": "SYN-RECV", "CLOSED": "UNCONN"}
"""TCP's states where ss has another word."""
UNCONNECTED = ("LISTEN", "UNCONN")


def read_arguments(arguments: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="ss", description="Show the host's sockets.")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("-a", "--all", action="store_true", help="listening and connected")
    which.add_argument("-l", "--listening", action="store_true", help="only those without a peer")
    parser.add_argument("-t", "--tcp", action="store_true", help="TCP")
    parser.add_argument("-u", "--udp", action="store_true", help="UDP")
    family = parser.add_mutually_exclusive_group()
    family.add_argument("-4", "--ipv4", action="store_true", help="IPv4 only")
    family.add_argument("-6", "--ipv6", action="store_true", help="IPv6 only")
    parser.add_argument("-n", "--numeric", action="store_true", help="ports as numbers")
    parser.add_argument("-H", "--no-header", action="store_true", help="no head line")
    return parser.parse_args(arguments)


def state_of(row: SocketRow) -> str:
    """The state, in ss' words."""
    name = row.state.upper().replace("_", "-")
    return STATES.get(name, name)


def wanted(row: SocketRow, chosen: argparse.Namespace) -> bool:
    """Whether a socket is to be shown."""
    if (chosen.tcp or chosen.udp) and not getattr(chosen, row.protocol, False):
        return False
    if (chosen.ipv4 and row.version != 4) or (chosen.ipv6 and row.version != 6):
        return False
    unconnected = state_of(row) in UNCONNECTED
    return bool(chosen.all or unconnected == chosen.listening)


def place(row: SocketRow, address: int, port: int, numeric: bool) -> str:
    """`10.0.0.1:http`, `0.0.0.0:*`, `[::]:80`."""
    text = ipv4_text(address) if row.version == 4 else f"[{ipv6_text(address)}]"
    service = None if numeric or not port else ports.by_number(port, row.protocol)
    return f"{text}:{service.name if service is not None else port or '*'}"


def main(arguments: list[str]) -> int:
    """Run ss; the exit code."""
    chosen = read_arguments(arguments)
    lines = [] if chosen.no_header else [HEAD]
    for row in control.here().sockets():
        if wanted(row, chosen):
            local = place(row, row.local_address, row.local_port, chosen.numeric)
            peer = place(row, row.remote_address, row.remote_port, chosen.numeric)
            lines.append(
                (row.protocol, state_of(row), str(row.receive_queue), str(row.send_queue), local, peer)
            )
    widths = [max((len(line[column]) for line in lines), default=0) for column in range(len(HEAD))]
    for line in lines:
        print(" ".join(field.ljust(width) for field, width in zip(line, widths, strict=True)).rstrip())
    return 0
