"""What a packet says, for its first appearance: a kind and values. Read first: RFC 826, 2131, 1035 4.1, 9293 3.1."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from netarium.addresses import ipv4_text, length_of, mac_text
from netarium.errors import NetariumError
from netarium.story.facts import Kind
from netarium.wire import dhcp
from netarium.wire.arp import REQUEST, ArpPacket
from netarium.wire.ipv4 import Ipv4Header
from netarium.wire.tcp import ACK, FIN, RST, SYN, TcpHeader
from netarium.wire.udp import UdpHeader

if TYPE_CHECKING:
    from netarium.wire.ethernet import Frame

Read = tuple[Kind, dict[str, Any]]
End = tuple[int, int]
_DHCP_PORTS = (67, 68)
_DNS_PORT = 53
_OSPF = 89
_MODULUS = 1 << 32


class Reader:
    """Reads packets. It remembers of TCP where each end's sequence numbers begin and where its FIN stands."""

    def __init__(self) -> None:
        self._initial: dict[End, int] = {}
        self._fin: dict[End, int] = {}
        self._sent: dict[tuple[End, int], int] = {}
        """(end, its initial sequence number) -> how far it has sent."""

    def note(self, frame: Frame) -> None:
        """See a frame anywhere on its way: behind NAT an end has another address."""
        network, header = frame.network, frame.transport
        if type(network) is Ipv4Header and type(header) is TcpHeader:
            end = (network.source, header.source_port)
            if header.flags & SYN:
                self._initial[end] = header.sequence
            if header.flags & FIN:
                after = header.sequence + len(frame.payload) + 1
                self._fin[end] = (after - self._initial.get(end, 0)) % _MODULUS

    def read(self, frame: Frame) -> Read:
        """The kind of a packet and what it says."""
        network, transport = frame.network, frame.transport
        if type(network) is ArpPacket:
            return Kind.ARP, _arp(network)
        if type(network) is Ipv4Header and type(transport) is UdpHeader:
            ports = (transport.source_port, transport.destination_port)
            found = None
            if ports[0] in _DHCP_PORTS and ports[1] in _DHCP_PORTS:
                found = _dhcp(network, ports, bytes(frame.payload))
            elif _DNS_PORT in ports:
                found = _dns(network, bytes(frame.payload))
            return found if found is not None else (Kind.OTHER, {"protocol": f"UDP port {ports[1]}"})
        if type(network) is Ipv4Header and type(transport) is TcpHeader:
            return Kind.TCP, self._tcp(network, transport, bytes(frame.payload))
        if type(network) is Ipv4Header:
            protocol = {1: "ICMP", 2: "IGMP", _OSPF: "OSPF"}.get(network.protocol, f"IP {network.protocol}")
            return Kind.OTHER, {"protocol": protocol}
        return Kind.OTHER, {"protocol": f"Ethernet type 0x{frame.ethertype:04x}"}

    def _tcp(self, network: Ipv4Header, header: TcpHeader, data: bytes) -> dict[str, Any]:
        mine, its = (network.source, header.source_port), (network.destination, header.destination_port)
        acknowledged = (header.acknowledgment - self._initial.get(its, 0)) % _MODULUS
        initial = self._initial.get(mine, 0)
        begins = (header.sequence - initial) % _MODULUS
        ends = begins + len(data) + bool(header.flags & (SYN | FIN))
        sent = self._sent.get((mine, initial), 0)
        self._sent[mine, initial] = max(sent, ends)
        return {
            "again": begins < ends <= sent,
            "source": f"{ipv4_text(mine[0])}:{mine[1]}",
            "destination": f"{ipv4_text(its[0])}:{its[1]}",
            "port": its[1],
            "segment": _segment(header.flags, data, acknowledged),
            "sequence": header.sequence,
            "acknowledged": acknowledged - 1,
            "acknowledges_fin": bool(header.flags & ACK) and acknowledged == self._fin.get(its),
            "fin": bool(header.flags & FIN),
            "data": data,
        }


def _segment(flags: int, data: bytes, acknowledged: int) -> str:
    """What a segment is for: syn, syn-ack, reset, data, fin, established, ack."""
    if flags & RST:
        return "reset"
    if flags & SYN:
        return "syn-ack" if flags & ACK else "syn"
    if data:
        return "data"
    if flags & FIN:
        return "fin"
    return "established" if acknowledged == 1 else "ack"


def _arp(packet: ArpPacket) -> dict[str, Any]:
    purpose = "resolve"
    if packet.sender_ip == 0:
        purpose = "probe"  # RFC 5227 2.1: is this address in use?
    elif packet.sender_ip == packet.target_ip:
        purpose = "announce"  # RFC 5227 2.3
    return {
        "operation": "request" if packet.operation == REQUEST else "reply",
        "sender": ipv4_text(packet.sender_ip),
        "sender_mac": mac_text(packet.sender_mac),
        "target": ipv4_text(packet.target_ip),
        "purpose": purpose,
        "answered": False,
    }


def _dhcp(network: Ipv4Header, ports: tuple[int, int], data: bytes) -> Read | None:
    try:
        message = dhcp.DhcpMessage.parse(data)
        mask = message.address(dhcp.SUBNET_MASK)
        length = length_of(mask) if mask else 0
    except NetariumError:
        return None
    return Kind.DHCP, {
        "name": message.name,
        "source": ipv4_text(network.source),
        "destination": ipv4_text(network.destination),
        "source_port": ports[0],
        "destination_port": ports[1],
        "given": ipv4_text(message.your_address),
        "wanted": ipv4_text(message.address(dhcp.REQUESTED_ADDRESS)),
        "server": ipv4_text(message.address(dhcp.SERVER_IDENTIFIER)),
        "mask": ipv4_text(mask),
        "length": length,
        "gateway": ipv4_text(message.address(dhcp.ROUTER)),
        "servers": [ipv4_text(each) for each in message.addresses(dhcp.NAME_SERVER)],
        "lease_s": message.number(dhcp.LEASE_TIME),
    }


def _dns(network: Ipv4Header, data: bytes) -> Read | None:
    import dns.flags
    import dns.rdatatype

    from netarium.names.messages import decode

    message = decode(data)
    if message is None or not message.question:
        return None
    question = message.question[0]
    answer = [each for rrset in message.answer for each in rrset]
    referred = [each for each in message.authority if each.rdtype == dns.rdatatype.NS]
    glue = [str(each) for rrset in message.additional if rrset.rdtype == dns.rdatatype.A for each in rrset]
    return Kind.DNS, {
        "source": ipv4_text(network.source),
        "destination": ipv4_text(network.destination),
        "response": bool(message.flags & dns.flags.QR),
        "recursion": bool(message.flags & dns.flags.RD),
        "name": str(question.name).rstrip(".") or ".",
        "type": dns.rdatatype.to_text(question.rdtype),
        "rcode": message.rcode().name,
        "answer": [str(each) for each in answer],
        "ttl_s": min((rrset.ttl for rrset in message.answer), default=0),
        "zone": str(referred[0].name) if referred and not answer else "",
        "servers": [str(each.target).rstrip(".") for each in referred[0]] if referred else [],
        "glue": glue,
    }
