"""A frame in the words of the trace: what stands in its headers, as plain JSON values."""

from __future__ import annotations

from netarium.addresses import ipv4_text, ipv6_text, mac_text
from netarium.errors import WireError
from netarium.wire.arp import ArpPacket
from netarium.wire.ethernet import Frame
from netarium.wire.icmp import IcmpHeader
from netarium.wire.icmpv6 import Icmpv6Header
from netarium.wire.ipv4 import PROTOCOL_ICMP, PROTOCOL_TCP, PROTOCOL_UDP, Ipv4Header
from netarium.wire.ipv6 import PROTOCOL_ICMPV6, Ipv6Header
from netarium.wire.stp import BRIDGE_GROUP_ADDRESS, Bpdu
from netarium.wire.tcp import FLAG_NAMES, TcpHeader
from netarium.wire.udp import UdpHeader

_PROTOCOLS = {PROTOCOL_ICMP: "ICMP", PROTOCOL_TCP: "TCP", PROTOCOL_UDP: "UDP", PROTOCOL_ICMPV6: "ICMPv6"}
_ARP_OPERATIONS = {1: "request", 2: "reply"}


def flags_text(flags: int) -> str:
    """`SYN ACK`: the flags as an engineer names them."""
    return " ".join(name for bit, name in FLAG_NAMES if flags & bit)


def summarize(frame: Frame) -> dict[str, object]:
    """What an engineer wants to know of a frame; keys that do not apply are absent.

    `mac_source mac_destination ethertype size vlan`, then of ARP `operation source destination sender_mac
    target_mac`, of IP `source destination protocol ttl identification fragment`, of TCP `source_port
    destination_port flags seq ack window`, of UDP the ports, of ICMP `type code rest`, of a BPDU `bpdu`;
    `length` is the payload's in bytes, `fault` why nothing above was read. `size` is the frame's length
    without FCS.
    """
    told: dict[str, object] = {
        "mac_source": mac_text(frame.source),
        "mac_destination": mac_text(frame.destination),
        "ethertype": frame.ethertype,
        "size": frame.size_bytes,
    }
    if frame.tag >= 0:
        told["vlan"] = frame.tag & 0xFFF
    network = frame.network
    if isinstance(network, ArpPacket):
        told["protocol"] = "ARP"
        told["operation"] = _ARP_OPERATIONS.get(network.operation, network.operation)
        told["source"] = ipv4_text(network.sender_ip)
        told["destination"] = ipv4_text(network.target_ip)
        told["sender_mac"] = mac_text(network.sender_mac)
        told["target_mac"] = mac_text(network.target_mac)
        return told
    if isinstance(network, Ipv4Header):
        told["source"] = ipv4_text(network.source)
        told["destination"] = ipv4_text(network.destination)
        told["protocol"] = _PROTOCOLS.get(network.protocol, network.protocol)
        told["ttl"] = network.ttl
        told["identification"] = network.identification
        if network.fragment & 0x3FFF:
            told["fragment_offset"] = (network.fragment & 0x1FFF) * 8
            told["more_fragments"] = bool(network.fragment & 0x2000)
        _add_transport(told, frame)
    elif isinstance(network, Ipv6Header):
        told["source"] = ipv6_text(network.source)
        told["destination"] = ipv6_text(network.destination)
        told["protocol"] = _PROTOCOLS.get(network.protocol, network.protocol)
        told["ttl"] = network.ttl
        if network.is_fragment:
            told["identification"] = network.identification
            told["fragment_offset"] = network.offset_bytes
            told["more_fragments"] = bool(network.fragment & 1)
        _add_transport(told, frame)
    elif frame.destination == BRIDGE_GROUP_ADDRESS:
        _add_bpdu(told, frame)
    told["length"] = len(frame.payload)
    if frame.fault is not None:
        told["fault"] = frame.fault.name
    return told


def _add_bpdu(told: dict[str, object], frame: Frame) -> None:
    try:
        bpdu = Bpdu.of_frame(frame)
    except WireError:
        return
    told["protocol"] = "STP"
    told["bpdu"] = bpdu.describe()


def _add_transport(told: dict[str, object], frame: Frame) -> None:
    header = frame.transport
    if isinstance(header, TcpHeader | UdpHeader):
        told["source_port"] = header.source_port
        told["destination_port"] = header.destination_port
    if isinstance(header, TcpHeader):
        told["flags"] = flags_text(header.flags)
        told["seq"] = header.sequence
        told["ack"] = header.acknowledgment
        told["window"] = header.window
    elif isinstance(header, IcmpHeader | Icmpv6Header):
        told["type"] = header.type
        told["code"] = header.code
        told["rest"] = header.rest
