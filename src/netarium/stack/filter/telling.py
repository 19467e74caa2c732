"""What the filter reports of its decisions: translations with the packet and the table before and after, verdicts,
choices, states.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from netarium.addresses import ipv4_text, ipv6_text
from netarium.journey import Cause, Stop
from netarium.stack.filter import tcp_track
from netarium.stack.filter.entry import Direction, Entry
from netarium.wire.ipv4 import Ipv4Header
from netarium.wire.ipv6 import Ipv6Header
from netarium.wire.tcp import TcpHeader
from netarium.wire.udp import UdpHeader

if TYPE_CHECKING:
    from netarium.stack.filter.balance import Server, VirtualService
    from netarium.stack.filter.firewall import RuleChain
    from netarium.stack.filter.mappings import Mappings
    from netarium.stack.filter.table import ConnectionTable
    from netarium.stack.stack import Stack
    from netarium.wire.ethernet import Frame


def packet_size(frame: Frame) -> int:
    """The length of the IP packet in `frame`, in bytes."""
    size = len(frame.payload)
    if frame.network is not None:
        size += frame.network.size_bytes
    if frame.transport is not None:
        size += frame.transport.size_bytes
    return size


def packet_text(frame: Frame) -> str:
    """`192.168.1.2:1024 -> 202.20.65.4:80`, as the headers say."""
    header, transport = frame.network, frame.transport
    if type(header) is Ipv6Header:
        source, destination = f"[{ipv6_text(header.source)}]", f"[{ipv6_text(header.destination)}]"
    elif type(header) is Ipv4Header:
        source, destination = ipv4_text(header.source), ipv4_text(header.destination)
    else:
        return ""
    if type(transport) is TcpHeader or type(transport) is UdpHeader:
        return f"{source}:{transport.source_port} -> {destination}:{transport.destination_port}"
    return f"{source} -> {destination}"


def tell_rewritten(stack: Stack, stop: Stop, way: Direction, before: Frame, after: Frame) -> None:
    """A packet was given another source or destination."""
    if stack.watch.step is not None:
        details: dict[str, object] = {
            "decision": "translate",
            "before": packet_text(before),
            "after": packet_text(after),
            "rule": way.entry.rule,
            "direction": "reply" if way.is_reply else "original",
        }
        stack.watch.step(stack.now, stack.name, stop, way.entry.name, details)


def tell_confirmed(
    stack: Stack,
    table: ConnectionTable,
    mappings: Mappings | None,
    entry: Entry,
    stop: Stop,
    before: list[str],
) -> None:
    """A connection stands in the table now; `mappings` are those of a NAT with a class."""
    if stack.watch.step is not None:
        details: dict[str, object] = {
            "decision": "new connection",
            "connection": entry.text(),
            "rule": entry.rule,
            "table_before": before,
            "table_after": table.lines(),
        }
        if mappings is not None:
            details["mappings"] = mappings.lines()
        stack.watch.step(stack.now, stack.name, stop, entry.name, details)
    if stack.watch.state is not None:
        state = tcp_track.NAMES[entry.state] if entry.protocol == 6 else "TRACKED"
        stack.watch.state(stack.now, stack.name, f"conntrack {entry.name}", "GONE", state, Cause.SEGMENT)


def tell_state(stack: Stack, entry: Entry, before: int) -> None:
    """A tracked TCP connection went on to another state."""
    if stack.watch.state is not None:
        names = tcp_track.NAMES
        subject = f"conntrack {entry.name}"
        stack.watch.state(stack.now, stack.name, subject, names[before], names[entry.state], Cause.SEGMENT)


def tell_judged(stack: Stack, chain: RuleChain, number: int, action: str, frame: Frame) -> None:
    """The firewall has decided about a packet."""
    if stack.watch.step is not None:
        stop = Stop.FILTER_OUT if chain.name == "output" else Stop.FILTER_IN
        details: dict[str, object] = {
            "decision": action,
            "why": chain.told(number),
            "packet": packet_text(frame),
        }
        stack.watch.step(stack.now, stack.name, stop, f"firewall {chain.name}", details)


def tell_balanced(stack: Stack, entry: Entry, service: VirtualService, server: Server | None) -> None:
    """The balancer has chosen a server, or found none."""
    if stack.watch.step is not None:
        details: dict[str, object] = {
            "decision": "no server lives" if server is None else f"{ipv4_text(server.address)}:{server.port}",
            "method": service.method,
            "servers": [
                f"{ipv4_text(each.address)}:{each.port} {each.connections} connections"
                + ("" if each.alive else ", dead") + (", backup" if each.backup else "")
                for each in service.servers
            ],
        }  # fmt: skip
        stack.watch.step(stack.now, stack.name, Stop.FILTER_IN, entry.name, details)


def tell_server(stack: Stack, server: Server) -> None:
    """A server was found dead, or alive again."""
    if stack.watch.state is not None:
        before, after = ("dead", "alive") if server.alive else ("alive", "dead")
        cause = Cause.PROGRAM
        subject = f"server {ipv4_text(server.address)}:{server.port}"
        stack.watch.state(stack.now, stack.name, subject, before, after, cause)
