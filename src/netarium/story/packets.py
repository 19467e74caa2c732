"""The packet in a `sent` record: its headers as values, and as much of what follows as the trace has kept."""

from __future__ import annotations

from typing import Any, Final
from zlib import crc32

from netarium.errors import WireError
from netarium.wire import tcp
from netarium.wire.ethernet import HEADER_BYTES, Frame
from netarium.wire.ipv4 import PROTOCOL_TCP, Ipv4Header
from netarium.wire.ipv6 import Ipv6Header
from netarium.wire.packet import TransportHeader
from netarium.wire.tcp import TcpHeader

_TRANSPORT_BYTES: Final = 8
"""The headers of UDP and of ICMP."""
_Parts = tuple[Frame, TransportHeader | None, bytes, int]
"""Frame, transport header, payload, and how long the payload was."""


class Packet:
    """Headers and payload of one frame.

    `payload` may be shorter than `payload_bytes` says: the trace keeps the beginning of TCP's. What is not kept is
    never shown. One that `packet_of` gives is parsed when it is first looked at, for most are only counted: then what
    is no frame raises ValueError or WireError.
    """

    __slots__ = ("_parts", "_record")

    def __init__(
        self, frame: Frame, transport: TransportHeader | None, payload: bytes, payload_bytes: int
    ) -> None:
        self._parts: _Parts | None = (frame, transport, payload, payload_bytes)
        self._record: dict[str, Any] = {}

    @classmethod
    def of(cls, record: dict[str, Any]) -> Packet:
        """The packet in the bytes of a `sent` record, not looked at yet."""
        packet = cls.__new__(cls)
        packet._parts = None
        packet._record = record
        return packet

    @property
    def frame(self) -> Frame:
        """The frame with all of its headers."""
        return self._parsed()[0]

    @property
    def transport(self) -> TransportHeader | None:
        """The header of TCP, UDP or ICMP, where there is one."""
        return self._parsed()[1]

    @property
    def network(self) -> Any:
        """ArpPacket, Ipv4Header, Ipv6Header or None."""
        return self.frame.network

    @property
    def payload(self) -> bytes:
        """What the innermost header carries, as far as it was kept."""
        if self._parts is None:
            found = _payload_of_segment(self._record)
            if found is not None:
                return found
        return self._parsed()[2]

    @property
    def payload_bytes(self) -> int:
        """How much it carries."""
        if self._parts is None and self._record.get("protocol") == "TCP":
            return int(self._record["length"])
        return self._parsed()[3]

    @property
    def is_whole(self) -> bool:
        """Whether all of the payload is there."""
        return len(self.payload) == self.payload_bytes

    def _parsed(self) -> _Parts:
        if self._parts is None:
            self._parts = _parse(self._record)
        return self._parts


def packet_of(record: dict[str, Any]) -> Packet | None:
    """The packet of a `sent` record; None when there are no bytes or too few or many for a frame."""
    data, size = record.get("data"), record.get("size")
    if not isinstance(data, str) or not isinstance(size, int):
        return None
    return Packet.of(record) if len(data) >= 2 * HEADER_BYTES and size <= 1 << 17 else None


def content_of(record: dict[str, Any], packet: Packet) -> int:
    """A check sum of all that it carries, of what is not kept too: whether two packets carry the same."""
    found = record.get("crc")
    return found if isinstance(found, int) else crc32(packet.payload)


def _payload_of_segment(record: dict[str, Any]) -> bytes | None:
    """What a TCP segment in an untagged frame of IPv4 carries, found by its lengths alone; None for all others."""
    data = record["data"]
    if record.get("protocol") != "TCP" or data[24:28] != "0800" or "fragment_offset" in record:
        return None
    transport = 2 * HEADER_BYTES + 8 * int(data[29], 16)
    start = transport + 8 * int(data[transport + 24], 16)
    return bytes.fromhex(data[start : start + 2 * int(record["length"])])


def _parse(record: dict[str, Any]) -> _Parts:
    data = bytes.fromhex(record["data"])
    size, length = int(record["size"]), int(record.get("length", 0))
    whole = data + bytes(max(size - len(data), 0))
    frame = Frame.parse(whole)
    network, transport = frame.network, frame.transport
    kept = min(length, max(len(data) - (size - length), 0)) if size > len(data) else length
    if transport is None and len(data) < size and isinstance(network, Ipv4Header | Ipv6Header):
        # The bytes that were left out make the checksum wrong; the header is there all the same.
        return _cut_segment(frame, kept, length)
    payload = bytes(frame.payload)
    return frame, transport, payload[:kept], len(payload)


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


def _cut_segment(frame: Frame, kept: int, length: int) -> _Parts:
    carried = bytes(frame.payload)
    header: TcpHeader | None = None
    if frame.network is not None and getattr(frame.network, "protocol", 0) == PROTOCOL_TCP:
        try:
            header = TcpHeader.parse(carried)
        except WireError:
            header = None
    if header is None:
        return frame, None, carried[:kept], length
    start = tcp.header_bytes_of(carried)
    return frame, header, carried[start : start + kept], length
