"""One packet as a line, in tcpdump's words."""

from __future__ import annotations

from typing import Any

from netarium.addresses import ipv4_text, mac_text
from netarium.tools.tcpdump.expression import addresses_of, ports_of, protocol_of
from netarium.wire.arp import REPLY, REQUEST, ArpPacket
from netarium.wire.ethernet import Frame
from netarium.wire.ipv4 import Ipv4Header
from netarium.wire.tcp import ACK, CWR, ECE, FIN, PSH, RST, SYN, URG, TcpHeader
from netarium.wire.udp import UdpHeader

FLAGS = ((SYN, "S"), (FIN, "F"), (RST, "R"), (PSH, "P"), (ACK, "."), (URG, "U"), (ECE, "E"), (CWR, "W"))
ICMP_ECHO = {8: "ICMP echo request", 0: "ICMP echo reply"}
ICMP_UNREACHABLE = {
    0: "net {} unreachable",
    1: "host {} unreachable",
    2: "{} protocol unreachable",
    3: "{} port unreachable",
    4: "{} unreachable - need to frag",
}


class Numbers:
    """The first sequence numbers seen, so that later ones can be told relative to them, as tcpdump does."""

    def __init__(self, absolute: bool) -> None:
        self.absolute = absolute
        self._starts: dict[tuple[object, ...], int] = {}

    def relative(self, frame: Frame, header: TcpHeader) -> tuple[int, int]:
        """(sequence, acknowledgment) as they are to be shown."""
        if self.absolute:
            return header.sequence, header.acknowledgment
        source, destination = addresses_of(frame) or ("", "")
        key = (source, header.source_port, destination, header.destination_port)
        back = (destination, header.destination_port, source, header.source_port)
        if header.flags & SYN:
            self._starts[key] = header.sequence
            return header.sequence, self._from(back, header.acknowledgment)
        return self._from(key, header.sequence), self._from(back, header.acknowledgment)

    def _from(self, key: tuple[object, ...], number: int) -> int:
        return (number - self._starts[key]) & 0xFFFFFFFF if key in self._starts else number


def packet_line(frame: Frame, numbers: Numbers, *, link: bool = False) -> str:
    """The line of one frame, without its time. `link`: with the Ethernet header (-e)."""
    head = ""
    if link:
        head = (
            f"{mac_text(frame.source)} > {mac_text(frame.destination)}, ethertype 0x{frame.ethertype:04x}, "
            f"length {frame.size_bytes}: "
        )
    network: Any = frame.network
    if isinstance(network, ArpPacket):
        return head + _arp(network)
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
        return f"ARP, Request who-has {ipv4_text(packet.target_ip)} tell {ipv4_text(packet.sender_ip)}, length 28"
    if packet.operation == REPLY:
        return f"ARP, Reply {ipv4_text(packet.sender_ip)} is-at {mac_text(packet.sender_mac)}, length 28"
    return f"ARP, operation {packet.operation}, length 28"


def _upper(frame: Frame, numbers: Numbers) -> str:
    header: Any = frame.transport
    length = len(frame.payload)
    if isinstance(header, TcpHeader):
        return _tcp(frame, header, numbers, length)
    if isinstance(header, UdpHeader):
        return f"UDP, length {length}"
    if header is not None and protocol_of(frame) == 1:
        return _icmp(frame, header, length)
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
    options = _tcp_options(header)
    if options:
        parts.append(f"options [{options}]")
    parts.append(f"length {length}")
    return ", ".join(parts)


def _tcp_options(header: TcpHeader) -> str:
    names = []
    options = header.options
    if options is not None and options.mss >= 0:
        names.append(f"mss {options.mss}")
    if options is not None and options.sack_permitted:
        names.append("sackOK")
    if header.timestamp >= 0:
        names.append(f"TS val {header.timestamp} ecr {header.echo}")
    if options is not None and options.window_scale >= 0:
        names.append(f"wscale {options.window_scale}")
    if options is not None and options.sack:
        blocks = "".join(f"{{{left}:{right}}}" for left, right in options.sack)
        names.append(f"sack {len(options.sack)} {blocks}")
    return ",".join(names)


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
