"""ss: the host's sockets, with the output of iproute2's ss.

    ss [-t] [-u] [-l | -a] [-n] [-i] [-4] [-6] [-H] [-s] [--json] [FILTER...]

FILTER: `state STATE`, `sport = :PORT`, `dport = :PORT`, `src ADDRESS`, `dst ADDRESS`; all must hold. Without -l or -a
sockets in LISTEN, UNCONN, SYN-RECV and TIME-WAIT are left out. Exit code 0, or 255 for a filter that is none.
"""

from __future__ import annotations

import argparse
import json
import socket
import sys
from collections.abc import Callable
from itertools import pairwise
from typing import Any

from netarium import control
from netarium.addresses import AddressError, ipv4_text, ipv6_text, parse_ip
from netarium.names import ports
from netarium.sockets.tcp_info import SSTHRESH_UNLIMITED, connection_info
from netarium.stack.ports import SocketRow
from netarium.units import is_whole

NOT_CONNECTED = ("LISTEN", "UNCONN", "SYN-RECV", "TIME-WAIT")
LISTENING = ("LISTEN", "UNCONN")
GROUPS = {
    "listening": ("LISTEN", "UNCONN"),
    "established": ("ESTAB",),
    "time-wait": ("TIME-WAIT",),
    "syn-sent": ("SYN-SENT",),
    "syn-recv": ("SYN-RECV",),
    "fin-wait-1": ("FIN-WAIT-1",),
    "fin-wait-2": ("FIN-WAIT-2",),
    "close-wait": ("CLOSE-WAIT",),
    "last-ack": ("LAST-ACK",),
    "closing": ("CLOSING",),
}
Keep = Callable[[SocketRow], bool]


class FilterError(Exception):
    """A filter that is none; the text says which word."""


def read_arguments(arguments: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="ss", description="List sockets.")
    parser.add_argument("-t", "--tcp", action="store_true", help="TCP")
    parser.add_argument("-u", "--udp", action="store_true", help="UDP")
    parser.add_argument("-l", "--listening", action="store_true", help="only those that wait for others")
    parser.add_argument("-a", "--all", action="store_true", help="all")
    parser.add_argument("-n", "--numeric", action="store_true", help="ports as numbers")
    parser.add_argument("-i", "--info", action="store_true", help="what TCP knows of each connection")
    parser.add_argument("-4", "--ipv4", action="store_true", help="IPv4 only")
    parser.add_argument("-6", "--ipv6", action="store_true", help="IPv6 only")
    parser.add_argument("-H", "--no-header", action="store_true", help="without the first line")
    parser.add_argument("-s", "--summary", action="store_true", help="counts only")
    parser.add_argument("--json", action="store_true", help="a JSON list instead of text")
    parser.add_argument("filter", nargs="*", metavar="FILTER")
    return parser.parse_args(arguments)


def address_text(row: SocketRow, address: int) -> str:
    """An address as ss prints it: `0.0.0.0` or `*` for any, IPv6 in brackets."""
    if row.version == 4:
        return ipv4_text(address)
    return f"[{ipv6_text(address)}]" if address else "*" if row.state in LISTENING else "[::]"


def port_text(row: SocketRow, port: int, numeric: bool) -> str:
    """A port's number, or the name of its service; `*` for none."""
    if not port:
        return "*"
    service = None if numeric else ports.by_number(port, row.protocol)
    return service.name if service is not None else str(port)


def peer_text(row: SocketRow) -> str:
    """The address of the peer; of none that of the family."""
    return address_text(row, row.remote_address)


def read_filter(words: list[str]) -> list[Keep]:
    """The conditions of a filter. Raises FilterError."""
    words = [word for word in words if word not in ("(", ")", "and")]
    found: list[Keep] = []
    while words:
        word = words.pop(0)
        if word in ("sport", "dport"):
            if words and words[0] in ("=", "==", "eq"):
                words.pop(0)
            text = words.pop(0).lstrip(":") if words else ""
            number = int(text) if is_whole(text) else _service(text)
            local = word == "sport"
            found.append(lambda row, n=number, own=local: (row.local_port if own else row.remote_port) == n)  # type: ignore[misc]
        elif word in ("src", "dst") and words:
            found.append(_end(words.pop(0), word == "src"))
        else:
            raise FilterError(word)
    return found


def _end(text: str, own: bool) -> Keep:
    """The condition `src` (own end) or `dst`: ADDRESS, ADDRESS:PORT, [IPV6]:PORT or :PORT. Raises FilterError."""
    address, colon, port = text.rpartition(":")
    if not colon or (text.count(":") > 1 and not address.endswith("]")):
        address, port = text, ""
    address = address.strip("[]")
    number = (int(port) if is_whole(port) else _service(port)) if port and port != "*" else None
    if address not in ("", "*"):
        try:
            parse_ip(address)
        except AddressError:
            raise FilterError(text) from None

    def keep(row: SocketRow) -> bool:
        here = address_text(row, row.local_address if own else row.remote_address).strip("[]")
        its_port = row.local_port if own else row.remote_port
        return address in ("", "*", here) and number in (None, its_port)

    return keep


def _service(name: str) -> int:
    try:
        return socket.getservbyname(name)
    except OSError:
        raise FilterError(name) from None


def choose(rows: list[SocketRow], chosen: argparse.Namespace) -> list[SocketRow]:
    """The rows that were asked for."""
    words = list(chosen.filter)
    states: tuple[str, ...] = ()
    while "state" in words:
        at = words.index("state")
        name = words[at + 1].lower() if at + 1 < len(words) else ""
        if name not in GROUPS and name != "all":
            raise FilterError(f"state {name}".rstrip())
        states += GROUPS.get(name, tuple({row.state: None for row in rows}))
        del words[at : at + 2]
    keep = read_filter(words)
    protocols = [name for name, on in (("tcp", chosen.tcp), ("udp", chosen.udp)) if on]
    versions = [number for number, on in ((4, chosen.ipv4), (6, chosen.ipv6)) if on]

    def wanted(row: SocketRow) -> bool:
        if states:
            right = row.state in states
        elif chosen.listening:
            right = row.state in LISTENING
        else:
            right = chosen.all or row.state not in NOT_CONNECTED
        return (
            right
            and (not protocols or row.protocol in protocols)
            and (not versions or row.version in versions)
            and all(each(row) for each in keep)
        )

    order = {"udp": 0, "tcp": 1}
    return sorted(filter(wanted, rows), key=lambda row: (order[row.protocol], row.state != "LISTEN"))


def information(row: SocketRow) -> str:
    """The second line of -i."""
    info = connection_info(row.connection)
    value = {name.removeprefix("tcpi_"): number for name, number in info.items()}
    c = row.connection
    words = [name for name, bit in (("ts", 1), ("sack", 2)) if value["options"] & bit]
    words.append(c.congestion.name if c.congestion is not None else c.stack.settings.tcp_congestion_control)
    if value["options"] & 4:
        words.append(f"wscale:{value['snd_wscale']},{value['rcv_wscale']}")
    words.append(f"rto:{value['rto'] / 1000:g}")
    if value["backoff"]:
        words.append(f"backoff:{value['backoff']}")
    if value["rtt"]:
        words.append(f"rtt:{value['rtt'] / 1000:g}/{value['rttvar'] / 1000:g}")
    if value["ato"]:
        words.append(f"ato:{value['ato'] / 1000:g}")
    words += [f"mss:{value['snd_mss']}", f"pmtu:{value['pmtu']}", f"rcvmss:{value['rcv_mss']}"]
    words += [f"advmss:{value['advmss']}", f"cwnd:{value['snd_cwnd']}"]
    if value["snd_ssthresh"] < SSTHRESH_UNLIMITED:
        words.append(f"ssthresh:{value['snd_ssthresh']}")
    for name in (
        "bytes_sent",
        "bytes_retrans",
        "bytes_acked",
        "bytes_received",
        "segs_out",
        "segs_in",
        "data_segs_out",
        "data_segs_in",
        "last_data_sent",
        "last_data_recv",
        "last_ack_recv",
    ):
        label = {"last_data_sent": "lastsnd", "last_data_recv": "lastrcv", "last_ack_recv": "lastack"}.get(
            name, name
        )
        if value[name]:
            words.append(f"{label}:{value[name]}")
    if value["unacked"]:
        words.append(f"unacked:{value['unacked']}")
    if value["retrans"] or value["total_retrans"]:
        words.append(f"retrans:{value['retrans']}/{value['total_retrans']}")
    words += [f"{name}:{value[name]}" for name in ("lost", "sacked", "dsack_dups") if value[name]]
    words += [f"rcv_space:{value['rcv_space']}", f"rcv_ssthresh:{value['rcv_ssthresh']}"]
    if value["notsent_bytes"]:
        words.append(f"notsent:{value['notsent_bytes']}")
    if value["min_rtt"]:
        words.append(f"minrtt:{value['min_rtt'] / 1000:g}")
    if value["rcv_ooopack"]:
        words.append(f"rcv_ooopack:{value['rcv_ooopack']}")
    return " ".join([*words, f"snd_wnd:{value['snd_wnd']}"])


def show(rows: list[SocketRow], chosen: argparse.Namespace) -> None:
    """The table; columns as wide as they must be."""
    several = chosen.tcp == chosen.udp
    # As iproute2: no column where all its cells are alike by what was asked for.
    named = [GROUPS.get(word.lower(), ()) for before, word in pairwise(chosen.filter) if before == "state"]
    all_states = sum(map(len, named)) != 1
    head = (
        ["Netid"] * several
        + ["State"] * all_states
        + ["Recv-Q", "Send-Q", "Local Address:Port", "Peer Address:Port"]
    )
    # The empty last column of iproute2, `Process`, is left out: which program has a socket is not told (no -p).
    lines = [] if chosen.no_header else [head]
    for row in rows:
        lines.append(
            [row.protocol] * several
            + [row.state] * all_states
            + [
                str(row.receive_queue),
                str(row.send_queue),
                f"{address_text(row, row.local_address)}:{port_text(row, row.local_port, chosen.numeric)}",
                f"{peer_text(row)}:{port_text(row, row.remote_port, chosen.numeric)}",
            ]
        )
    if not lines:
        return
    count = len(head)
    before = [[cell.rpartition(":")[0] for cell in line] for line in lines]
    after = [[cell.rpartition(":")[2] for cell in line] for line in lines]
    widths = [max(len(line[at]) for line in lines) for at in range(count - 2)]
    left = [max(len(line[at]) for line in before) for at in (count - 2, count - 1)]
    right = [max(len(line[at]) for line in after) for at in (count - 2, count - 1)]
    for number, line in enumerate(lines):
        cells = [cell.ljust(width) for cell, width in zip(line, widths, strict=False)]
        for at in (0, 1):
            cells.append(
                before[number][count - 2 + at].rjust(left[at])
                + ":"
                + after[number][count - 2 + at].ljust(right[at])
            )
        print(" ".join(cells).rstrip())
        shown = number - (0 if chosen.no_header else 1)
        if chosen.info and shown >= 0 and rows[shown].connection is not None:
            print(f"\t {information(rows[shown])}")


def as_json(row: SocketRow, chosen: argparse.Namespace) -> dict[str, Any]:
    """A row as an object; with -i what TCP knows under `info`."""
    found: dict[str, Any] = {
        "protocol": row.protocol,
        "state": row.state,
        "receive_queue": row.receive_queue,
        "send_queue": row.send_queue,
        "local": {"address": address_text(row, row.local_address).strip("[]"), "port": row.local_port},
        "peer": {"address": peer_text(row).strip("[]"), "port": row.remote_port},
    }
    if chosen.info and row.connection is not None:
        found["info"] = connection_info(row.connection)
    return found


def summarize(rows: list[SocketRow], raw: int) -> None:
    """-s: how many there are; `raw` sockets of IPv4 besides."""
    tcp = [row for row in rows if row.protocol == "tcp"]
    counts = {state: sum(row.state == state for row in tcp) for state in ("ESTAB", "TIME-WAIT")}
    closed = sum(row.state in ("TIME-WAIT",) for row in tcp)
    orphaned = sum(row.connection is not None and row.connection.orphaned for row in tcp)
    print(f"Total: {len(rows) + raw}")
    print(
        f"TCP:   {len(tcp)} (estab {counts['ESTAB']}, closed {closed}, orphaned {orphaned}, "
        f"timewait {counts['TIME-WAIT']})\n"
    )
    print("Transport Total     IP        IPv6")
    udp = [row for row in rows if row.protocol == "udp"]
    living = [row for row in tcp if row.state != "TIME-WAIT"]
    for name, four, six in (
        ("RAW", raw, 0),
        ("UDP", *_by_family(udp)),
        ("TCP", *_by_family(living)),
        ("INET", raw + _by_family([*udp, *living])[0], _by_family([*udp, *living])[1]),
    ):
        print(f"{name}\t  {four + six:<9d} {four:<9d} {six:<9d}")
    print()


def _by_family(rows: list[SocketRow]) -> tuple[int, int]:
    """How many are of IPv4 and of IPv6."""
    four = sum(row.version == 4 for row in rows)
    return four, len(rows) - four


def main(arguments: list[str]) -> int:
    """Run ss; the exit code."""
    chosen = read_arguments(arguments)
    rows = control.here().sockets()
    if chosen.summary:
        summarize(rows, control.here().raw_sockets())
        return 0
    try:
        rows = choose(rows, chosen)
    except FilterError as error:
        print(f'Error: an inet prefix or a filter is expected rather than "{error}".', file=sys.stderr)
        return 255
    if chosen.json:
        print(json.dumps([as_json(row, chosen) for row in rows]))
    else:
        show(rows, chosen)
    return 0
