"""The packet in a `sent` record: its headers as values, and as much of what follows as the trace has kept."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from netarium.errors import WireError
from netarium.wire import tcp
from netarium.wire.ethernet import HEADER_BYTES, Frame
from netarium.wire.ipv4 import PROTOCOL_TCP, Ipv4Header
from netarium.wire.ipv6 import Ipv6Header
from netarium.wire.packet import TransportHeader
from netarium.wire.tcp import TcpHeader

_TRANSPORT_BYTES: Final = 8
"""The headers of UDP and of ICMP."""


class Packet(NamedTuple):
    """Headers and payload of one frame.

    `payload` may be shorter than `payload_bytes` says: the trace keeps the beginning of TCP's. What is not kept is
    never shown.
    """

    frame: Frame
    transport: TransportHeader | None
    payload: bytes
    payload_bytes: int

    @property
    def network(self) -> Any:
        """ArpPacket, Ipv4Header, Ipv6Header or None."""
        return self.frame.network

    @property
    def is_whole(self) -> bool:
        """Whether all of the payload is there."""
        return len(self.payload) == self.payload_bytes


def packet_of(record: dict[str, Any]) -> Packet | None:
    """The packet of a `sent` record; None when there are no bytes or they are no frame."""
    try:
        data = bytes.fromhex(record["data"])
        size, length = int(record["size"]), int(record.get("length", 0))
    except (KeyError, TypeError, ValueError):
        return None
    if len(data) < HEADER_BYTES or size > 1 << 17:
        return None
    whole = data + bytes(max(size - len(data), 0))
    frame = Frame.parse(whole)
    network, transport = frame.network, frame.transport
    kept = min(length, max(len(data) - (size - length), 0)) if size > len(data) else length
    if transport is None and len(data) < size and isinstance(network, Ipv4Header | Ipv6Header):
        # The bytes that were left out make the checksum wrong; the header is there all the same.
        return _cut_segment(frame, kept, length)
    payload = bytes(frame.payload)
    return Packet(frame, transport, payload[:kept], len(payload))


def first_fragment(
    record: dict[str, Any], packet: Packet, size_bytes: int
) -> tuple[dict[str, Any], Packet] | None:
    """The datagram or message that begins with this fragment: its record with the fields of the transport header.

    `size_bytes` is what the uncut packet carried, 0 if that is not known; of UDP the header says it. None for protocols
    whose header is not looked for here.
    """
    data = packet.payload
    if len(data) < _TRANSPORT_BYTES:
        return None
    fields: dict[str, Any]
    if record.get("protocol") == "UDP":
        fields = {
            "source_port": int.from_bytes(data[:2], "big"),
            "destination_port": int.from_bytes(data[2:4], "big"),
        }
        size_bytes = int.from_bytes(data[4:6], "big")
    elif record.get("protocol") in ("ICMP", "ICMPv6"):
        fields = {"type": data[0], "code": data[1], "rest": int.from_bytes(data[4:8], "big")}
    else:
        return None
    fields["length"] = max(size_bytes, len(data)) - _TRANSPORT_BYTES
    return {**record, **fields}, Packet(packet.frame, None, data[_TRANSPORT_BYTES:], fields["length"])


def _cut_segment(frame: Frame, kept: int, length: int) -> Packet:
    carried = bytes(frame.payload)
    header: TcpHeader | None = None
    if frame.network is not None and getattr(frame.network, "protocol", 0) == PROTOCOL_TCP:
        try:
            header = TcpHeader.parse(carried)
        except WireError:
            header = None
    if header is None:
        return Packet(frame, None, carried[:kept], length)
    start = tcp.header_bytes_of(carried)
    return Packet(frame, header, carried[start : start + kept], length)
