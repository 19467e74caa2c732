"""Cutting packets to an MTU, and putting them together again.

Read first: RFC 791 3.2 (fragmentation procedure), RFC 815 (the hole list), RFC 1122 3.3.2 and 3.3.3, RFC 5722.
As on Linux a fragment that adds nothing is ignored, one that overlaps in part ends the whole packet (RFC 5722's rule,
taken for IPv4 too), the time is 30 s from the first fragment on, and above `ipfrag_high_thresh` bytes no new packet is
begun.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from netarium.addresses import ipv4_text
from netarium.journey import Drop, Stop
from netarium.stack.timers import SECOND_NS, TimerOwner
from netarium.wire.ethernet import ETHERTYPE_IPV4, Frame
from netarium.wire.icmp import REASSEMBLY_TIME_EXCEEDED, TIME_EXCEEDED
from netarium.wire.ipv4 import MORE_FRAGMENTS, PACKET_BYTES_MAX, Ipv4Header
from netarium.wire.ipv6 import Ipv6Header
from netarium.wire.packet import parse_transport, transport_bytes

if TYPE_CHECKING:
    from netarium.stack.stack import Stack

OPTION_COPIED: Final = 0x80
"""RFC 791 3.1: an option with this bit goes into every fragment, others into the first only."""
ENDLESS: Final = 1 << 20
"""RFC 815: the far end of a hole while the last fragment is unknown."""
FRAGMENT_OVERHEAD_BYTES: Final = 256
"""What a waiting fragment counts beside its data, so that many tiny ones cannot fill the memory."""

Key = tuple[int, int, int, int]


def fragment_packet(frame: Frame, mtu: int) -> list[Frame]:
    """The packet in `frame` as fragments of at most `mtu` bytes each, in order; MACs are kept.

    Every piece but the last carries a multiple of 8 bytes. A fragment may be cut again: its offset goes on.
    """
    header = frame.network
    assert type(header) is Ipv4Header
    data = memoryview(transport_bytes(header, frame.transport, frame.payload))
    if header.size_bytes + len(data) <= mtu:
        return [frame]
    base = header.offset_bytes
    more_behind = header.fragment & MORE_FRAGMENTS
    options = header.options
    pieces: list[Frame] = []
    start = 0
    while start < len(data):
        size = mtu - (20 + (len(options) + 3 & ~3))
        end = len(data)
        more = more_behind
        if end - start > size:
            end = start + (size & ~7)
            more = MORE_FRAGMENTS
        piece = Ipv4Header(
            header.source,
            header.destination,
            header.protocol,
            header.ttl,
            header.identification,
            more | (base + start) >> 3,
            header.tos,
            options,
        )
        pieces.append(Frame(frame.destination, frame.source, ETHERTYPE_IPV4, piece, None, data[start:end]))
        start = end
        if options and base == 0:
            options = copied_options(options)
    return pieces


def copied_options(options: bytes) -> bytes:
    """Those options that go into every fragment (RFC 791 3.1, the copied flag); malformed ones end the list."""
    kept = bytearray()
    at = 0
    while at < len(options) and options[at] != 0:
        length = 1 if options[at] == 1 else options[at + 1] if at + 1 < len(options) else 0
        if length < 1 or (options[at] != 1 and length < 2) or at + length > len(options):
            break
        if options[at] & OPTION_COPIED:
            kept += options[at : at + length]
        at += length
    return bytes(kept)


_NOT_ECT, _ECT, _CE = 1 << 0, 1 << 1 | 1 << 2, 1 << 3
ECN_TOGETHER: Final = {
    seen: -1 if seen & _NOT_ECT and seen != _NOT_ECT else 3 if seen & _CE and seen & _ECT else 0
    for seen in range(1, 16)
}
"""What the ECN fields of fragments do to the whole's (RFC 3168 5.3): ORed to the first one's; -1 for what cannot be."""


class PartialPacket(TimerOwner):
    """A packet some of whose fragments have come: what is there, and the holes (RFC 815 section 3)."""

    __slots__ = ("bytes_held", "ecn", "end", "first", "holes", "key", "last", "pieces", "reassembler")

    def __init__(self, reassembler: Reassembler, key: Key) -> None:
        super().__init__()
        self.reassembler: Final = reassembler
        self.key: Final = key
        self.holes: list[tuple[int, int]] = [(0, ENDLESS)]
        """(first byte, byte after the last) of what is missing, in order."""
        self.pieces: dict[int, bytes | memoryview] = {}
        self.first: Frame | None = None
        """The fragment with offset 0."""
        self.last: Frame | None = None
        """The newest fragment, for the drop report."""
        self.end = -1
        self.ecn = 0
        """A bit for each ECN field that a fragment had: 1 << the field."""
        self.bytes_held = 0

    def on_timer(self, now: int) -> None:
        """The others did not come in time."""
        self.reassembler.expire(self)

    def is_foreground(self) -> bool:
        """Nobody waits for lost fragments."""
        return False

    def fill(self, start: int, end: int, is_last: bool) -> Drop | bool | None:
        """Take [start, end) out of the holes. True: it was missing. False: it was all there. A Drop: it cannot be."""
        if is_last:
            if (self.end >= 0 and end != self.end) or any(at + len(p) > end for at, p in self.pieces.items()):
                return Drop.FRAGMENT_MALFORMED
        elif self.end >= 0 and end > self.end:
            return Drop.FRAGMENT_MALFORMED
        touched = [(low, high) for low, high in self.holes if start < high and low < end]
        if not touched:
            return False
        if len(touched) > 1 or touched[0][0] > start or touched[0][1] < end:
            return Drop.FRAGMENT_OVERLAP
        low, high = touched[0]
        index = self.holes.index(touched[0])
        rest = [(low, start)] if low < start else []
        if end < high and not is_last:
            rest.append((end, high))
        self.holes[index : index + 1] = rest
        if is_last:
            self.end = end
            self.holes = [hole for hole in self.holes if hole[0] < end]
        return True


class Reassembler:
    """The packets of one host that wait for fragments. Keyed as RFC 791 3.2: source, destination, protocol, id."""

    __slots__ = ("bytes_held", "packets", "stack")

    family: ClassVar[str] = "ipv4"

    def __init__(self, stack: Stack) -> None:
        self.stack: Final = stack
        self.packets: Final[dict[Key, PartialPacket]] = {}
        self.bytes_held = 0

    def receive_fragment(self, frame: Frame, header: Ipv4Header) -> Frame | None:
        """Take one fragment. The whole packet when it was the last that was missing, else None."""
        start = header.offset_bytes
        data = frame.payload
        is_last = not header.fragment & MORE_FRAGMENTS
        if not is_last and len(data) & 7:
            data = data[: len(data) & ~7]  # Linux: what is over a multiple of 8 is cut off
        end = start + len(data)
        if end == start or end + header.size_bytes > PACKET_BYTES_MAX:
            self.stack.drop(Drop.FRAGMENT_MALFORMED, frame, f"bytes {start} to {end}")
            return None
        key = (header.source, header.destination, header.protocol, header.identification)
        return self.take(key, frame, start, data, is_last)

    def take(
        self, key: Key, frame: Frame, start: int, data: bytes | memoryview, is_last: bool
    ) -> Frame | None:
        """Put one fragment's data to the others of its packet. The whole packet when nothing is missing any more."""
        end = start + len(data)
        packet = self._packet(key, frame)
        if packet is None:
            return None
        packet.last = frame
        taken = packet.fill(start, end, is_last)
        if taken is False:
            self.stack.drop(Drop.FRAGMENT_DUPLICATE, frame, f"bytes {start} to {end}")
            return None
        if taken is not True:
            self.forget(packet)
            self.stack.drop(taken or Drop.FRAGMENT_MALFORMED, frame, f"bytes {start} to {end}")
            return None
        header = frame.network
        assert isinstance(header, Ipv4Header | Ipv6Header)
        packet.ecn |= 1 << (header.tos & 3)
        packet.pieces[start] = data
        packet.bytes_held += len(data) + FRAGMENT_OVERHEAD_BYTES
        self.bytes_held += len(data) + FRAGMENT_OVERHEAD_BYTES
        if start == 0:
            packet.first = frame
        return None if packet.holes else self.whole(packet)

    def _packet(self, key: Key, frame: Frame) -> PartialPacket | None:
        packet = self.packets.get(key)
        if packet is None:
            time_s, bytes_max = self.limits()
            if self.bytes_held >= bytes_max:
                self.stack.drop(Drop.FRAGMENT_MEMORY, frame, f"{self.bytes_held} bytes wait")
                return None
            packet = self.packets[key] = PartialPacket(self, key)
            self.stack.timers.arm(packet, self.stack.now + time_s * SECOND_NS)
        return packet

    def limits(self) -> tuple[int, int]:
        """(seconds a packet waits for the rest, bytes that all of them may hold)."""
        return self.stack.settings.ipfrag_time, self.stack.settings.ipfrag_high_thresh

    def whole(self, packet: PartialPacket) -> Frame | None:
        """The packet whose fragments are all here, and forgotten; None when they make none, together."""
        self.forget(packet)
        first = packet.first
        assert first is not None
        head = first.network
        assert isinstance(head, Ipv4Header | Ipv6Header)
        mark = ECN_TOGETHER.get(packet.ecn, 0)
        if mark < 0:
            self.stack.drop(Drop.FRAGMENT_MALFORMED, first, "some fragments are ECN-capable, others are not")
            return None
        data = b"".join(packet.pieces[start] for start in sorted(packet.pieces))
        if self.stack.watch.step is not None:
            self.stack.watch.step(
                self.stack.now,
                self.stack.name,
                Stop.REASSEMBLE,
                f"{self.family} {self.source_text(head.source)} id {head.identification}",
                {"fragments": len(packet.pieces), "payload_bytes": len(data)},
            )
        return self.join(first, data, mark)

    @staticmethod
    def source_text(address: int) -> str:
        """An address of the family as text."""
        return ipv4_text(address)

    def join(self, first: Frame, data: bytes, mark: int = 0) -> Frame | None:
        """The packet with the header of its first fragment and all their data; None, and a drop, when it is too large.

        Each fragment was small enough with its own header; the first one's may be larger (options). `mark` goes into
        the ECN field: 3 where a fragment met congestion.
        """
        head = first.network
        assert type(head) is Ipv4Header
        if head.size_bytes + len(data) > PACKET_BYTES_MAX:
            self.stack.drop(Drop.FRAGMENT_MALFORMED, first, f"{head.size_bytes + len(data)} bytes in all")
            return None
        header = Ipv4Header(
            head.source,
            head.destination,
            head.protocol,
            head.ttl,
            head.identification,
            0,
            head.tos | mark,
            head.options,
        )
        transport, payload, fault = parse_transport(header, data)
        return Frame(first.destination, first.source, ETHERTYPE_IPV4, header, transport, payload, fault)

    def forget(self, packet: PartialPacket) -> None:
        """`packet` waits no more."""
        self.packets.pop(packet.key, None)
        self.bytes_held -= packet.bytes_held
        self.stack.timers.cancel(packet)

    def expire(self, packet: PartialPacket) -> None:
        """Give a packet up; its sender is told when the first fragment is here (RFC 792, RFC 1122 3.3.2)."""
        self.forget(packet)
        self.stack.drop(
            Drop.FRAGMENT_TIMEOUT,
            packet.first or packet.last,
            f"{len(packet.holes)} holes after {len(packet.pieces)}",
        )
        if packet.first is not None:
            self.tell_late(packet.first)

    def tell_late(self, first: Frame) -> None:
        """The sender of the first fragment learns that the others did not come."""
        self.stack.icmp.send_error(first, TIME_EXCEEDED, REASSEMBLY_TIME_EXCEEDED)
