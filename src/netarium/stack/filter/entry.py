"""One tracked connection. What was decided at its first packet is laid down here and applied to all later ones.

A key is (protocol, source, source port, destination, destination port) as the packet stands on the wire. ICMP queries
have their identifier as source port and their type as destination port; other protocols have zeros.
"""

from __future__ import annotations

from typing import Any, Final, Protocol

from netarium.addresses import ip_text
from netarium.wire import icmpv6
from netarium.wire.icmp import ECHO_REPLY, ECHO_REQUEST, TIMESTAMP_REPLY, TIMESTAMP_REQUEST
from netarium.wire.ipv4 import PROTOCOL_ICMP, PROTOCOL_TCP, PROTOCOL_UDP
from netarium.wire.ipv6 import PROTOCOL_ICMPV6

Key = tuple[int, int, int, int, int]

ICMP_ANSWERS: Final = {ECHO_REQUEST: ECHO_REPLY, TIMESTAMP_REQUEST: TIMESTAMP_REPLY}
"""Queries that may begin a connection, and what answers them (RFC 5508 section 3)."""
ICMPV6_ANSWERS: Final = {icmpv6.ECHO_REQUEST: icmpv6.ECHO_REPLY}
QUERIES: Final = (PROTOCOL_ICMP, PROTOCOL_ICMPV6)
"""Protocols whose connections are queries with an identifier."""

PROTOCOL_NAMES: Final = {
    PROTOCOL_ICMP: "icmp", PROTOCOL_TCP: "tcp", PROTOCOL_UDP: "udp", PROTOCOL_ICMPV6: "icmpv6",
}  # fmt: skip


class Owner(Protocol):
    """Whoever lent something to a connection: a mapping, a pool address, a place at a server."""

    def release(self, entry: Entry) -> None:
        """The connection is over."""
        ...


class Direction:
    """One way of a connection. `to_*` is what the header says after translation; ports of ICMP are the identifier.

    The destination is rewritten before routing, the source after it. `packets` and `bytes` count IP packets.
    """

    __slots__ = (
        "bytes", "changes_destination", "changes_source", "entry", "is_reply", "key", "packets", "to_destination",
        "to_destination_port", "to_source", "to_source_port",
    )  # fmt: skip

    def __init__(self, entry: Entry, key: Key, is_reply: bool) -> None:
        self.entry: Final = entry
        self.key: Key = key
        self.is_reply: Final = is_reply
        self.packets = 0
        self.bytes = 0
        self.changes_source = False
        self.changes_destination = False
        self.to_source = key[1]
        self.to_source_port = key[2]
        self.to_destination = key[3]
        self.to_destination_port = key[4]


class Entry:
    """A connection. `original` is the way of its first packet, `reply` the way back.

    `state` is one of `tcp_track`'s for TCP, else 0. It is in the table once `confirmed`: when its first packet has
    passed all rules. `expires_ns` is compared on use.
    """

    __slots__ = (
        "assured", "closing", "confirmed", "destination_owner", "expires_ns", "family", "fin_from", "masquerade",
        "original", "protocol", "reply", "rule", "seen_reply", "serial", "source_owner", "state", "stream_ns",
    )  # fmt: skip

    def __init__(self, key: Key, serial: int, family: int = 4) -> None:
        self.protocol: Final = key[0]
        self.family: Final = family
        self.serial: Final = serial
        self.original: Final = Direction(self, key, False)
        self.reply: Final = Direction(self, inverted(key), True)
        self.state = 0
        self.seen_reply = False
        self.assured = False
        self.confirmed = False
        self.expires_ns = 0
        self.stream_ns = 0
        """When UDP with answers counts as a stream."""
        self.closing = False
        """TCP that one side has ended: it waits for nothing but the last segments."""
        self.fin_from: Direction | None = None
        """The direction that sent the first FIN."""
        self.masquerade = False
        """The rule that chose the destination wants the source hidden too (hairpin, one-armed balancer)."""
        self.rule = ""
        """What decided its translation, in words."""
        self.source_owner: Owner | None = None
        self.destination_owner: Any = None

    @property
    def translated(self) -> bool:
        """Whether any address or port is rewritten."""
        return self.original.changes_source or self.original.changes_destination

    def set_destination(self, address: int, port: int) -> None:
        """Translate the destination of the original direction, and the source of the answers back."""
        way, back = self.original, self.reply
        way.to_destination, way.to_destination_port = address, port
        way.changes_destination = (address, port) != (way.key[3], way.key[4])
        back.to_source, back.to_source_port = way.key[3], way.key[4]
        back.changes_source = way.changes_destination
        back.key = self.reply_key()

    def set_source(self, address: int, port: int) -> None:
        """Translate the source of the original direction, and the destination of the answers back."""
        way, back = self.original, self.reply
        way.to_source, way.to_source_port = address, port
        way.changes_source = (address, port) != (way.key[1], way.key[2])
        back.to_destination, back.to_destination_port = way.key[1], way.key[2]
        back.changes_destination = way.changes_source
        back.key = self.reply_key()

    def reply_key(self, source: int = -1, source_port: int = -1) -> Key:
        """The key of the answers, were the original source translated to this (without arguments: as it is)."""
        way = self.original
        address = way.to_source if source < 0 else source
        port = way.to_source_port if source_port < 0 else source_port
        return inverted((self.protocol, address, port, way.to_destination, way.to_destination_port))

    def release(self) -> None:
        """Give back what mappings, pools and servers have lent."""
        if self.source_owner is not None:
            self.source_owner.release(self)
            self.source_owner = None
        if self.destination_owner is not None:
            self.destination_owner.release(self)
            self.destination_owner = None

    @property
    def name(self) -> str:
        """`tcp 192.168.1.2:1024 -> 202.20.65.4:80`: the way of its first packet."""
        return key_text(self.original.key, self.family)

    def text(self) -> str:
        """`tcp 192.168.1.2:1024 -> 202.20.65.4:80 as 202.20.65.5:1024 -> 202.20.65.4:80`."""
        way = self.original
        plain = key_text(way.key, self.family)
        if not self.translated:
            return plain
        after = (
            self.protocol,
            way.to_source,
            way.to_source_port,
            way.to_destination,
            way.to_destination_port,
        )
        return f"{plain} as {key_text(after, self.family).partition(' ')[2]}"


def inverted(key: Key) -> Key:
    """The key of a packet that answers one with `key`."""
    protocol, source, source_port, destination, destination_port = key
    if protocol in QUERIES:
        answers = ICMP_ANSWERS if protocol == PROTOCOL_ICMP else ICMPV6_ANSWERS
        return (protocol, destination, source_port, source, answers.get(destination_port, -1))
    return (protocol, destination, destination_port, source, source_port)


def key_text(key: Key, family: int = 4) -> str:
    """`tcp 192.168.1.2:1024 -> 202.20.65.4:80`, `icmp 10.0.0.1 -> 10.0.0.2 id 7`."""
    protocol, source, source_port, destination, destination_port = key
    one, other = ip_text(family, source), ip_text(family, destination)
    name = PROTOCOL_NAMES.get(protocol, f"protocol {protocol}")
    if protocol in (PROTOCOL_TCP, PROTOCOL_UDP):
        if family == 6:
            one, other = f"[{one}]", f"[{other}]"
        return f"{name} {one}:{source_port} -> {other}:{destination_port}"
    tail = f" id {source_port}" if protocol in QUERIES else ""
    return f"{name} {one} -> {other}{tail}"
