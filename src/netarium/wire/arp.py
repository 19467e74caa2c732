"""ARP for IPv4 over Ethernet (RFC 826; read "Packet format" and "Packet Reception" first).

Read by `stack/neighbors`. Requests and replies have one format; announcements and probes (RFC 5227) too.
"""

from __future__ import annotations

from typing import Final

from netarium.addresses import ipv4_text, mac_text
from netarium.errors import WireError

HARDWARE_TYPE: Final = 0
PROTOCOL_TYPE: Final = 2
HARDWARE_LENGTH: Final = 4
PROTOCOL_LENGTH: Final = 5
OPERATION: Final = 6
SENDER_MAC: Final = 8
SENDER_IP: Final = 14
TARGET_MAC: Final = 18
TARGET_IP: Final = 24
SIZE_BYTES: Final = 28

REQUEST: Final = 1
REPLY: Final = 2

_ETHERNET_IPV4: Final = 0x0001_0800_06_04  # hardware type 1, protocol 0x0800, lengths 6 and 4


class ArpPacket:
    """One ARP packet. `operation` is REQUEST or REPLY; addresses are integers of 48 and 32 bits."""

    __slots__ = ("operation", "sender_ip", "sender_mac", "size_bytes", "target_ip", "target_mac")

    def __init__(
        self, operation: int, sender_mac: int, sender_ip: int, target_mac: int, target_ip: int
    ) -> None:
        self.operation: Final = operation
        self.sender_mac: Final = sender_mac
        self.sender_ip: Final = sender_ip
        self.target_mac: Final = target_mac
        self.target_ip: Final = target_ip
        self.size_bytes: Final = SIZE_BYTES

    def emit(self) -> bytes:
        """The 28 bytes."""
        return (
            _ETHERNET_IPV4 << 176
            | self.operation << 160
            | self.sender_mac << 112
            | self.sender_ip << 80
            | self.target_mac << 32
            | self.target_ip
        ).to_bytes(SIZE_BYTES, "big")

    @staticmethod
    def parse(data: bytes) -> ArpPacket:
        """The packet at the start of `data`. Raises WireError unless it is IPv4 over Ethernet and whole."""
        if len(data) < SIZE_BYTES:
            raise WireError(f"ARP needs {SIZE_BYTES} bytes, here are {len(data)}")
        value = int.from_bytes(data[:SIZE_BYTES], "big")
        if value >> 176 != _ETHERNET_IPV4:
            raise WireError("ARP for something other than IPv4 over Ethernet")
        return ArpPacket(
            value >> 160 & 0xFFFF,
            value >> 112 & 0xFFFF_FFFF_FFFF,
            value >> 80 & 0xFFFF_FFFF,
            value >> 32 & 0xFFFF_FFFF_FFFF,
            value & 0xFFFF_FFFF,
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ArpPacket):
            return NotImplemented
        return (
            self.operation == other.operation
            and self.sender_mac == other.sender_mac
            and self.sender_ip == other.sender_ip
            and self.target_mac == other.target_mac
            and self.target_ip == other.target_ip
        )

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        sender, target = ipv4_text(self.sender_ip), ipv4_text(self.target_ip)
        if self.operation == REQUEST:
            return f"<ARP who has {target}? tell {sender} ({mac_text(self.sender_mac)})>"
        if self.operation == REPLY:
            return f"<ARP {sender} is at {mac_text(self.sender_mac)} (to {target})>"
        return f"<ARP operation {self.operation} from {sender} to {target}>"
