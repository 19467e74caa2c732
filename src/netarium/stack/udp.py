"""UDP: endpoints (`udp_endpoint`) that send and receive whole datagrams, and who gets which (`udp_lookup`).

Read first: RFC 768, RFC 1122 4.1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from netarium.journey import Drop, Stop
from netarium.stack.error_queue import ErrorReport
from netarium.stack.failures import NetworkError
from netarium.stack.ports import Bindings
from netarium.stack.udp_endpoint import DATAGRAM_OVERHEAD_BYTES, Datagram, UdpEndpoint
from netarium.stack.udp_lookup import best, score, tell_endpoints
from netarium.wire.ethernet import MAC_GROUP_BIT
from netarium.wire.icmp import DESTINATION_UNREACHABLE, PORT_UNREACHABLE
from netarium.wire.ipv4 import PROTOCOL_UDP, Ipv4Header
from netarium.wire.udp import UdpHeader

if TYPE_CHECKING:
    from netarium.stack.interface import Interface
    from netarium.stack.stack import Stack
    from netarium.wire.ethernet import Frame
    from netarium.wire.ipv6 import Ipv6Header
    from netarium.wire.udplite import UdpLiteHeader


class Udp:
    """UDP of one host over IPv4. `by_port` holds the bound endpoints, in order of binding."""

    __slots__ = ("bindings", "by_port", "datagrams_in", "datagrams_out", "no_socket", "stack")

    number: ClassVar[int] = PROTOCOL_UDP
    header_class: ClassVar[type[UdpHeader | UdpLiteHeader]] = UdpHeader
    datagram_class: ClassVar[type[Datagram]] = Datagram

    def __init__(self, stack: Stack) -> None:
        self.stack: Final = stack
        self.bindings: Final = self.bindings_of(stack)
        self.by_port: Final[dict[int, list[UdpEndpoint]]] = {}
        self.datagrams_in = self.datagrams_out = self.no_socket = 0

    @staticmethod
    def bindings_of(stack: Stack) -> Bindings:
        """The table of the ports that are taken."""
        return stack.ports.udp

    def open(self) -> UdpEndpoint:
        """A new endpoint, neither bound nor connected."""
        return UdpEndpoint(self)

    def endpoints(self) -> list[UdpEndpoint]:
        """All bound endpoints."""
        return [each for endpoints in self.by_port.values() for each in endpoints]

    def forget(self, endpoint: UdpEndpoint) -> None:
        """`endpoint` is closed: its port is free."""
        endpoints = self.by_port[endpoint.local_port]
        endpoints.remove(endpoint)
        if not endpoints:
            del self.by_port[endpoint.local_port]
        self.bindings.release(endpoint)

    def receive(self, frame: Frame, interface: Interface) -> None:
        """A datagram for this host: to the endpoint that fits best, a broadcast or multicast to all that fit."""
        datagram, header = frame.transport, frame.network
        if not isinstance(datagram, self.header_class) or type(header) is not Ipv4Header:
            self.stack.drop(Drop.UDP_MALFORMED, frame, interface.name)
            return
        endpoints = self.by_port.get(datagram.destination_port)
        if endpoints is not None:
            if frame.destination & MAC_GROUP_BIT or header.destination >> 28 == 0xE:
                taken = [each for each in endpoints if score(each, header, datagram, interface) >= 0]
                for each in taken:
                    self.deliver(each, frame, header, datagram, interface)
                if taken:
                    return
            else:
                endpoint: UdpEndpoint | None = endpoints[0]
                if len(endpoints) > 1:
                    endpoint = best(endpoints, header, datagram, interface)
                elif score(endpoints[0], header, datagram, interface) < 0:
                    endpoint = None
                if endpoint is not None:
                    self.deliver(endpoint, frame, header, datagram, interface)
                    return
        self.no_socket += 1
        self.stack.drop(Drop.UDP_NO_SOCKET, frame, f"port {datagram.destination_port}")
        self.stack.icmp.send_error(frame, DESTINATION_UNREACHABLE, PORT_UNREACHABLE)

    def deliver(
        self,
        endpoint: UdpEndpoint,
        frame: Frame,
        header: Ipv4Header | Ipv6Header,
        datagram: UdpHeader | UdpLiteHeader,
        interface: Interface,
    ) -> None:
        """Put a datagram into an endpoint's queue, if there is room."""
        payload = frame.payload
        size = len(payload) + DATAGRAM_OVERHEAD_BYTES
        if endpoint.queue and endpoint.queued_bytes + size > endpoint.receive_buffer_bytes:
            self.stack.drop(
                Drop.UDP_BUFFER_FULL, frame, f"{endpoint.queued_bytes} bytes wait at {endpoint.local_port}"
            )
            return
        self.datagrams_in += 1
        endpoint.queued_bytes += size
        endpoint.queue.append(
            self.datagram_class(
                payload,
                header.source,
                datagram.source_port,
                header.destination,
                interface,
                header.ttl,
                header.tos,
            )
        )
        if self.stack.watch.step is not None:
            subject = f"udp port {datagram.destination_port}"
            self.stack.watch.step(
                self.stack.now, self.stack.name, Stop.PORTS, subject, {"queued": len(endpoint.queue)}
            )
        tell = endpoint.on_change
        if tell is not None:
            tell()

    def receive_error(
        self, header: Ipv4Header | Ipv6Header, payload: bytes, kind: NetworkError, info: int
    ) -> None:
        """The network says what became of a datagram of ours; `header` and `payload` are what it quotes."""
        report = ErrorReport(header, payload, kind, info, self.stack.icmp.reported, 4)
        told = tell_endpoints(self.by_port.get(report.source_port, ()), report)
        if told and kind is NetworkError.MESSAGE_TOO_LONG:
            self.stack.ipv4.paths.learn_mtu(header.destination, info)
