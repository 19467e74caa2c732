"""A fact of a run: when, of what kind, where, with which values, and the frames it is seen in."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Any


class Kind(Enum):
    """What kind of thing happened; the value names the keys of `Fact.values`."""

    BOOTED = "addresses gateways servers: what a host that asks by DHCP has when it is switched on"
    DHCP = (
        "name source destination source_port destination_port given wanted server "
        "mask length gateway servers lease_s: one message; addresses it does not have are 0.0.0.0"
    )
    CONFIGURED = "addresses gateways servers: the same host when its lease is bound"
    NAME_STAGE = "name stage hit answer: one place a name was looked up in"
    DNS = "source destination response recursion name type rcode answer ttl_s zone servers glue"
    NEXT_HOP = (
        "transport own mask destination own_network destination_network gateway: local, or by the gateway"
    )
    ARP = "operation target sender sender_mac purpose answered"
    NAT_ENTRY = "connection before after rule lines_before lines_after: a new line in the table of a NAT"
    NAT_REPLY = "connection before after: the first packet back"
    ROUTE_LEARNED = "protocol prefix route: a routing protocol found a way"
    TCP = "source destination port segment sequence acknowledged acknowledges_fin fin again data"
    TCP_STATE = "subject before after"
    PRINTED = "program stream line"
    OTHER = "protocol: everything else that was sent"


@dataclass
class Flight:
    """One packet from its first sender to everybody it reached, over switches, routers and NAT."""

    sender: str
    numbers: list[int] = field(default_factory=list)
    """The frames of the capture that carried it, ascending."""
    nodes: list[str] = field(default_factory=list)
    """Every node it was seen at, in that order."""
    senders: list[str] = field(default_factory=list)
    """Those that sent it, in that order: the first sender, then who passed it on."""

    def path(self) -> str:
        """`pc > office > gw`; the ends of a broadcast are joined by commas."""
        ends = [node for node in self.nodes if node not in self.senders]
        return " > ".join([*self.senders, ", ".join(ends)] if ends else self.senders)


@dataclass
class Fact:
    """One thing that happened. `values` has the keys its kind names; addresses are texts, times and sizes numbers."""

    time_ns: int
    kind: Kind
    place: str
    values: dict[str, Any] = field(default_factory=dict)
    flight: Flight | None = None


def numbers_text(numbers: list[int]) -> str:
    """`frame 7` or `frames 1-4, 9`."""
    parts: list[list[int]] = []
    for number in numbers:
        if parts and parts[-1][1] == number - 1:
            parts[-1][1] = number
        else:
            parts.append([number, number])
    texts = [str(first) if first == last else f"{first}-{last}" for first, last in parts]
    return f"{'frame' if len(numbers) == 1 else 'frames'} {', '.join(texts)}"
