"""A frame with other addresses and ports. Payloads are shared; checksums are computed when the bytes are wanted.

A transport header whose ports stay is shared too, and with it the digest of what is carried.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from netarium.wire.icmp import IcmpHeader
from netarium.wire.ipv4 import Ipv4Header
from netarium.wire.tcp import TcpHeader
from netarium.wire.udp import UdpHeader

if TYPE_CHECKING:
    from netarium.stack.filter.entry import Direction
    from netarium.wire.ethernet import Frame


def rewrite_destination(frame: Frame, header: Ipv4Header, way: Direction) -> Frame:
    """The packet with the destination that its connection says."""
    network = header.readdressed(header.source, way.to_destination)
    transport = frame.transport
    port = way.to_destination_port
    if type(transport) is TcpHeader or type(transport) is UdpHeader:
        if transport.destination_port != port:
            return frame.with_headers(network, transport.with_ports(transport.source_port, port))
    elif type(transport) is IcmpHeader and way.is_reply and transport.identifier != port:
        return frame.with_headers(network, transport.with_identifier(port))
    return frame.with_headers(network, transport)


def rewrite_source(frame: Frame, header: Ipv4Header, way: Direction) -> Frame:
    """The packet with the source that its connection says."""
    network = header.readdressed(way.to_source, header.destination)
    transport = frame.transport
    port = way.to_source_port
    if type(transport) is TcpHeader or type(transport) is UdpHeader:
        if transport.source_port != port:
            return frame.with_headers(network, transport.with_ports(port, transport.destination_port))
    elif type(transport) is IcmpHeader and not way.is_reply and transport.identifier != port:
        return frame.with_headers(network, transport.with_identifier(port))
    return frame.with_headers(network, transport)
