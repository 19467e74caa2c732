"""One packet as a line, in tcpdump's words."""

from __future__ import annotations

from typing import Any

from netarium.addresses import ipv4_text, mac_text
from netarium.tools.tcpdump.applications import application_text, http_text
from netarium.tools.tcpdump.expression import addresses_of, ports_of, protocol_of
from netarium.wire.arp import REPLY, REQUEST, ArpPacket
from netarium.wire.ethernet import Frame
from netarium.wire.ipv4 import Ipv4Header
from netarium.wire.tcp import ACK, CWR, ECE, FIN, PSH, RST, SYN, URG, TcpHeader
from netarium.wire.udp import UdpHeader

FLAGS = ((SYN, "S"), (FIN, "F"), (RST, "R"), (PSH, "P"), (ACK, "."), (URG, "U"), (ECE, "E"), (CWR, "W"))
ETHERTYPES = {0x0800: "IPv4", 0x0806: "ARP", 0x86DD: "IPv6", 0x8100: "802.1Q"}
_HEADER_BYTES = (14, 18)
"""Of Ethernet, without and with an 802.1Q tag; what follows is the length told of ARP, padding and all."""
_OSPF = 89
OSPF = {1: "Hello", 2: "Database Description", 3: "LS-Request", 4: "LS-Update", 5: "LS-Ack"}
ICMP_ECHO = {8: "ICMP echo request", 0: "ICMP echo reply"}
ICMP_UNREACHABLE = {
    0: "net {} unreachable",
    1: "host {} unreachable",
    2: "{} protocol unreachable",
    3: "{} port unreachable",
    4: "{} unreachable - need to frag",
}


class Numbers:
    """Where the numbers of connections begin, so that later ones can be told relative to them, as tcpdump does: the
    first packet with ACK, and every SYN, is told as it is.
    """

    def __init__(self, absolute: bool) -> None:
        self.absolute = absolute
        self._starts: dict[tuple[object, ...], int] = {}

    def relative(self, frame: Frame, header: TcpHeader) -> tuple[int, int]:
        """(sequence, acknowledgment) as they are to be shown."""
        if self.absolute or not header.flags & ACK:
            return header.sequence, header.acknowledgment
        key, back = self._ends(frame, header)
        if header.flags & SYN or key not in self._starts:
            self._starts[key] = header.sequence
            self._starts[back] = header.acknowledgment - 1
            return header.sequence, header.acknowledgment
        return self._from(key, header.sequence), self._from(back, header.acknowledgment)

    def of_peer(self, frame: Frame, header: TcpHeader, number: int) -> int:
        """A number of the other end, as SACK names them."""
        return number if self.absolute else self._from(self._ends(frame, header)[1], number)

    @staticmethod
    def _ends(frame: Frame, header: TcpHeader) -> tuple[tuple[object, ...], tuple[object, ...]]:
        source, destination = addresses_of(frame) or ("", "")
        key = (source, header.source_port, destination, header.destination_port)
        return key, (destination, header.destination_port, source, header.source_port)

    def _from(self, key: tuple[object, ...], number: int) -> int:
        return (number - self._starts[key]) & 0xFFFFFFFF if key in self._starts else number


def packet_line(frame: Frame, numbers: Numbers, *, link: bool = False) -> str:
    """The line of one frame, without its time. `link`: with the Ethernet header (-e)."""
    head = ""
    if link:
        kind = f"{ETHERTYPES.get(frame.ethertype, 'Unknown')} (0x{frame.ethertype:04x})"
        ends = f"{mac_text(frame.source)} > {mac_text(frame.destination)}"
        head = f"{ends}, ethertype {kind}, length {frame.size_bytes}: "
    network: Any = frame.network
    if isinstance(network, ArpPacket):
        return f"{head}ARP, {_arp(network)}, length {frame.size_bytes - _HEADER_BYTES[frame.tag >= 0]}"
    if network is None:
        return head + f"ethertype 0x{frame.ethertype:04x}, length {len(frame.payload)}"
    family = "IP" if isinstance(network, Ipv4Header) else "IP6"
    return head + f"{family} {_ends(frame)}: {_upper(frame, numbers)}"


def _ends(frame: Frame) -> str:
    source, destination = addresses_of(frame) or ("?", "?")
    ports = ports_of(frame)
    if ports is None:
        return f"{source} > {destination}"
    return f"{source}.{ports[0]} > {destination}.{ports[1]}"


def _arp(packet: ArpPacket) -> str:
    if packet.operation == REQUEST:
        return f"Request who-has {ipv4_text(packet.target_ip)} tell {ipv4_text(packet.sender_ip)}"
    if packet.operation == REPLY:
        return f"Reply {ipv4_text(packet.sender_ip)} is-at {mac_text(packet.sender_mac)}"
    return f"operation {packet.operation}"


def _upper(frame: Frame, numbers: Numbers) -> str:
    header: Any = frame.transport
    length = len(frame.payload)
    if isinstance(header, TcpHeader):
        return _tcp(frame, header, numbers, length)
    if isinstance(header, UdpHeader):
        return application_text(header.source_port, header.destination_port, bytes(frame.payload)) or (
            f"UDP, length {length}"
        )
    if header is not None and protocol_of(frame) == 1:
        return _icmp(frame, header, length)
    if protocol_of(frame) == _OSPF and length >= 2 and frame.payload[0] == 2:
        return f"OSPFv2, {OSPF.get(frame.payload[1], 'unknown packet type')}, length {length}"
    if frame.fault is not None:
        return f"[{frame.fault.sentence}], length {length}"
    if getattr(frame.network, "fragment", 0) & 0x1FFF:
        return f"ip-proto-{protocol_of(frame)}, fragment, length {length}"
    return f"ip-proto-{protocol_of(frame)}, length {length}"


def _tcp(frame: Frame, header: TcpHeader, numbers: Numbers, length: int) -> str:
    flags = "".join(letter for bit, letter in FLAGS if header.flags & bit) or "none"
    sequence, acknowledgment = numbers.relative(frame, header)
    parts = [f"Flags [{flags}]"]
    if length:
        parts.append(f"seq {sequence}:{(sequence + length) & 0xFFFFFFFF}")
    elif header.flags & (SYN | FIN | RST):
        parts.append(f"seq {sequence}")
    if header.flags & ACK:
        parts.append(f"ack {acknowledgment}")
    parts.append(f"win {header.window}")
    options = _tcp_options(frame, header, numbers)
    if options:
        parts.append(f"options [{options}]")
    parts.append(f"length {length}")
    told = http_text(header.source_port, header.destination_port, bytes(frame.payload))
    return ", ".join(parts) + told


def _tcp_options(frame: Frame, header: TcpHeader, numbers: Numbers) -> str:
    """The options as they stand in the segment, padding and all (RFC 9293 3.2)."""
    data = bytes(frame)[: frame.size_bytes]
    start = 14 + (4 if frame.tag >= 0 else 0)
    start += (data[start] & 15) * 4 if isinstance(frame.network, Ipv4Header) else 40
    options = data[start + 20 : start + (data[start + 12] >> 4) * 4]
    names = []
    at = 0
    while at < len(options):
        kind = options[at]
        if kind < 2:
            names.append("nop" if kind else "eol")
            at += 1
            continue
        size = options[at + 1] if at + 1 < len(options) else 0
        if size < 2:
            break
        names.append(_option(kind, options[at + 2 : at + size], frame, header, numbers))
        at += size
    return ",".join(names)


def _option(kind: int, data: bytes, frame: Frame, header: TcpHeader, numbers: Numbers) -> str:
    values = [int.from_bytes(data[at : at + 4], "big") for at in range(0, len(data), 4)]
    if kind == 2 and len(data) == 2:
        return f"mss {int.from_bytes(data, 'big')}"
    if kind == 3 and len(data) == 1:
        return f"wscale {data[0]}"
    if kind == 4:
        return "sackOK"
    if kind == 5 and values and len(data) % 8 == 0:
        shown = [numbers.of_peer(frame, header, value) for value in values]
        blocks = "".join(f"{{{left}:{right}}}" for left, right in zip(shown[::2], shown[1::2], strict=True))
        return f"sack {len(data) // 8} {blocks}"
    if kind == 8 and len(values) == 2:
        return f"TS val {values[0]} ecr {values[1]}"
    return f"unknown-{kind}"


def _icmp(frame: Frame, header: Any, length: int) -> str:
    if header.type in ICMP_ECHO:
        identifier, sequence = header.rest >> 16, header.rest & 0xFFFF
        return f"{ICMP_ECHO[header.type]}, id {identifier}, seq {sequence}, length {length + 8}"
    if header.type == 3 and len(frame.payload) >= 20:
        quoted = ipv4_text(int.from_bytes(bytes(frame.payload[16:20]), "big"))
        words = ICMP_UNREACHABLE.get(header.code, "{} unreachable").format(quoted)
        return f"ICMP {words}, length {length + 8}"
    if header.type == 11:
        return f"ICMP time exceeded in-transit, length {length + 8}"
    return f"ICMP type-#{header.type}, length {length + 8}"
