"""What DHCP does below IP: messages to and from a host that has no address yet, and ARP probes.

Read first: RFC 2131 4.1 (which addresses go into the headers), RFC 5227 2.1 (probes). Packet sockets
carry whole frames.
"""

from __future__ import annotations

import random
import socket
import time

from netarium.wire.arp import REQUEST, ArpPacket
from netarium.wire.dhcp import CLIENT_PORT, DhcpMessage
from netarium.wire.ethernet import ETHERTYPE_ARP, ETHERTYPE_IPV4, MAC_BROADCAST, Frame
from netarium.wire.ipv4 import PROTOCOL_UDP, Ipv4Header
from netarium.wire.udp import UdpHeader

FRAME_BYTES_MAX = 65_535
TTL = 64


def packet_socket(interface: str, ethertype: int) -> socket.socket:
    """A packet socket of one EtherType on one interface; with 0 it only sends."""
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ethertype))
    sock.bind((interface, ethertype))
    return sock


def send_message(
    sock: socket.socket,
    message: DhcpMessage,
    macs: tuple[int, int],
    addresses: tuple[int, int],
    ports: tuple[int, int],
) -> None:
    """Send a message as a frame: (source, destination) of MACs, addresses and ports."""
    header = Ipv4Header(addresses[0], addresses[1], PROTOCOL_UDP, TTL, random.getrandbits(16), 0)
    udp = UdpHeader(*ports)
    sock.send(bytes(Frame(macs[1], macs[0], ETHERTYPE_IPV4, header, udp, message.emit())))


def read_message(data: bytes, port: int = CLIENT_PORT) -> tuple[DhcpMessage, int] | None:
    """(the DHCP message in a frame to `port`, its IP source); None for another frame, or one that the stack drops.

    Raises WireError when what came to the port is no sound message.
    """
    frame = Frame.parse(data)
    if type(frame.network) is not Ipv4Header or type(frame.transport) is not UdpHeader:
        return None
    if frame.transport.destination_port != port:
        return None
    return DhcpMessage.parse(frame.payload), frame.network.source


def is_in_use(interface: str, mac: int, address: int, wait_s: float) -> bool:
    """Ask by ARP who has `address`, with sender 0, so that nobody learns anything; True when another answers."""
    with packet_socket(interface, ETHERTYPE_ARP) as sock:
        probe = ArpPacket(REQUEST, mac, 0, 0, address)
        sock.send(bytes(Frame(MAC_BROADCAST, mac, ETHERTYPE_ARP, probe, None, b"")))
        deadline = time.monotonic() + wait_s
        while (left := deadline - time.monotonic()) > 0:
            sock.settimeout(left)
            try:
                frame = Frame.parse(sock.recv(FRAME_BYTES_MAX))
            except TimeoutError:
                return False
            packet = frame.network
            if type(packet) is not ArpPacket or packet.sender_mac == mac:
                continue
            # Its owner speaks, or another probes for the same address at the same time (RFC 5227 2.1.1).
            if packet.sender_ip == address or (packet.sender_ip == 0 and packet.target_ip == address):
                return True
    return False
