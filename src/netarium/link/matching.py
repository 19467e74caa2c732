"""Rules by choice: drop the frames that match, and partitions between nodes.

A match reads the header values; it never looks into encoded bytes. The words are those of tcpdump and `tc`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Protocol

from netarium.errors import UsageError
from netarium.link.verdict import DROPPED, PARTED, Verdict, Way
from netarium.units import is_whole
from netarium.wire.arp import ArpPacket
from netarium.wire.ethernet import Frame
from netarium.wire.icmp import IcmpHeader
from netarium.wire.tcp import ACK, CWR, ECE, FIN, PSH, RST, SYN, URG, TcpHeader
from netarium.wire.udp import UdpHeader

_FLAGS: Final = {
    "fin": FIN,
    "syn": SYN,
    "rst": RST,
    "psh": PSH,
    "ack": ACK,
    "urg": URG,
    "ece": ECE,
    "cwr": CWR,
}
_ICMP_TYPES: Final = {
    "echo-reply": 0,
    "unreachable": 3,
    "redirect": 5,
    "echo-request": 8,
    "time-exceeded": 11,
}
_ARP_OPERATIONS: Final = {"request": 1, "reply": 2}
_KINDS: Final = ("arp", "ip", "icmp", "udp", "tcp")


class Match(Protocol):
    """Says of a frame whether it is meant."""

    def matches(self, frame: Frame) -> bool:
        """Whether `frame` is meant."""
        ...


class KindMatch:
    """Frames of one protocol: "arp", "ip", "icmp", "udp" or "tcp"."""

    __slots__ = ("kind",)

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def matches(self, frame: Frame) -> bool:
        """Whether the frame carries the protocol."""
        if self.kind == "arp":
            return isinstance(frame.network, ArpPacket)
        if self.kind == "ip":
            return frame.network is not None and not isinstance(frame.network, ArpPacket)
        return isinstance(
            frame.transport, {"icmp": IcmpHeader, "udp": UdpHeader, "tcp": TcpHeader}[self.kind]
        )


class FlagsMatch:
    """TCP segments by flags: those named are set, SYN, FIN and RST that are not named are clear.

    "syn" is a SYN without ACK, "syn+ack" the answer to it, "fin" a FIN with or without ACK, "ack" any segment
    of an established connection that ends nothing.
    """

    __slots__ = ("clear", "flags")

    def __init__(self, flags: int) -> None:
        self.flags = flags
        self.clear = (SYN | FIN | RST | (ACK if flags & SYN else 0)) & ~flags

    def matches(self, frame: Frame) -> bool:
        """Whether the frame carries such a segment."""
        segment = frame.transport
        return (
            isinstance(segment, TcpHeader)
            and segment.flags & self.flags == self.flags
            and not segment.flags & self.clear
        )


class PortMatch:
    """TCP segments or UDP datagrams from or to a port."""

    __slots__ = ("header", "port")

    def __init__(self, header: type[TcpHeader] | type[UdpHeader], port: int) -> None:
        self.header = header
        self.port = port

    def matches(self, frame: Frame) -> bool:
        """Whether the frame carries one."""
        transport = frame.transport
        return isinstance(transport, self.header) and self.port in (
            transport.source_port,
            transport.destination_port,
        )


class NumberMatch:
    """ICMP messages by type, or ARP packets by operation."""

    __slots__ = ("is_arp", "number")

    def __init__(self, is_arp: bool, number: int) -> None:
        self.is_arp = is_arp
        self.number = number

    def matches(self, frame: Frame) -> bool:
        """Whether the frame carries one."""
        if self.is_arp:
            return isinstance(frame.network, ArpPacket) and frame.network.operation == self.number
        return isinstance(frame.transport, IcmpHeader) and frame.transport.type == self.number


def parse_match(spec: str | Mapping[str, object]) -> Match:
    """The match that `spec` describes.

    A protocol alone: "arp", "ip", "icmp", "udp", "tcp". A protocol and more: {"tcp": "syn+ack"} (flags),
    {"tcp": 80} or {"udp": 53} (either port), {"icmp": "echo-request"} or {"icmp": 8} (type), {"arp": "reply"}
    (operation). Raises UsageError that names what is possible.
    """
    if isinstance(spec, str):
        kind, value = spec, None
    elif len(spec) == 1:
        kind, value = next(iter(spec.items()))
    else:
        raise UsageError(f"{dict(spec)!r} names {len(spec)} protocols; give one, such as {{tcp: syn+ack}}")
    if kind not in _KINDS:
        raise UsageError(f"{kind!r} is no protocol to match; give one of {', '.join(_KINDS)}")
    if value is None or value is True:
        return KindMatch(kind)
    if kind == "tcp" and isinstance(value, str) and not is_whole(value):
        return FlagsMatch(_flags_of(value))
    if kind in ("tcp", "udp"):
        return PortMatch(TcpHeader if kind == "tcp" else UdpHeader, _number_of(kind, value, {}, 65535))
    if kind == "icmp":
        return NumberMatch(False, _number_of(kind, value, _ICMP_TYPES, 255))
    if kind == "arp":
        return NumberMatch(True, _number_of(kind, value, _ARP_OPERATIONS, 65535))
    raise UsageError(f"nothing more can be said of ip than ip, but {value!r} was given")


def _flags_of(text: str) -> int:
    flags = 0
    for word in text.lower().split("+"):
        if word not in _FLAGS:
            raise UsageError(f"{word!r} is no TCP flag; give some of {', '.join(_FLAGS)}, joined by +")
        flags |= _FLAGS[word]
    return flags


def _number_of(kind: str, value: object, words: Mapping[str, int], number_max: int) -> int:
    if isinstance(value, str) and value in words:
        return words[value]
    number = int(value) if isinstance(value, str) and is_whole(value) else value
    if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number <= number_max:
        possible = f"a number up to {number_max}" + (f" or one of {', '.join(words)}" if words else "")
        raise UsageError(f"{kind}: {value!r} cannot be matched; give {possible}")
    return number


class DropMatching:
    """Drops frames that match: RULE_DROP.

    `sender` is the name of a node: only frames that leave one of its ports count. `nth` drops only that one
    (1 is the first), `count` the first so many, from the nth on where both are given. Matching frames are
    counted in `seen`, over all cables that share the rule, those dropped in `dropped`.
    """

    __slots__ = ("count", "dropped", "match", "nth", "seen", "sender")

    def __init__(
        self, match: Match, *, sender: str | None = None, nth: int | None = None, count: int | None = None
    ) -> None:
        for name, value in (("nth", nth), ("count", count)):
            if value is not None and value < 1:
                raise UsageError(f"{name} {value}; occurrences are counted from 1")
        self.match = match
        self.sender = sender
        self.nth = nth
        self.count = count
        self.seen = 0
        self.dropped = 0

    def judge(self, frame: Frame, now: int, direction: Way) -> Verdict | None:
        """DROPPED, when it matches and its turn has come."""
        if self.sender is not None and direction.sender.name.partition(":")[0] != self.sender:
            return None
        if not self.match.matches(frame):
            return None
        self.seen += 1
        first = self.nth or 1
        last = first + (self.count or 1) - 1 if self.nth or self.count else self.seen
        if not first <= self.seen <= last:
            return None
        self.dropped += 1
        return DROPPED


class Member(Protocol):
    """A node, as a partition knows it."""

    name: str

    def owns_mac(self, mac: int) -> bool:
        """Whether one of its ports has this MAC address."""
        ...

    def owns_address(self, address: int) -> bool:
        """Whether one of its interfaces has this IP address."""
        ...


class Partition:
    """Separates two groups of nodes, both ways, whatever lies between them: PARTITION.

    Lay it on every cable. A frame is dropped when it comes from one group (by source IP or ARP sender, else
    source MAC) and is for the other (by destination IP, destination MAC, or because it is about to arrive
    there, as a broadcast does). Addresses that a NAT between them has rewritten are not recognised.
    """

    __slots__ = ("one", "other")

    def __init__(self, one: Sequence[Member], other: Sequence[Member]) -> None:
        self.one = tuple(one)
        self.other = tuple(other)

    def judge(self, frame: Frame, now: int, direction: Way) -> Verdict | None:
        """PARTED, when the frame leads from one side to the other."""
        network = frame.network
        if network is None:
            source = destination = -1
        elif isinstance(network, ArpPacket):
            source, destination = network.sender_ip, network.target_ip
        else:
            source, destination = network.source, network.destination
        came_from = self._side(frame.source, source, direction.sender.name)
        if came_from is None:
            return None
        goes_to = self._side(frame.destination, destination, direction.receiver.name)
        return PARTED if goes_to is not None and goes_to is not came_from else None

    def _side(self, mac: int, address: int, port: str) -> tuple[Member, ...] | None:
        node = port.partition(":")[0]
        for side in (self.one, self.other):
            for member in side:
                if member.name == node or member.owns_address(address) or member.owns_mac(mac):
                    return side
        return None
