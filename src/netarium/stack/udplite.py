"""UDP-Lite: UDP whose sender chooses how much of a datagram its checksum covers, over both families.

Read first: RFC 3828; Linux Documentation/networking/udplite and udplite(7), whose socket options these numbers are. It
has ports of its own: UDP's port 53 and UDP-Lite's are two.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from netarium.journey import Drop
from netarium.stack.udp import Udp
from netarium.stack.udp6 import Udp6, UdpEndpoint6
from netarium.stack.udp_endpoint import UdpEndpoint
from netarium.wire.ipv4 import PROTOCOL_UDPLITE
from netarium.wire.udplite import SIZE_BYTES, UdpLiteHeader

if TYPE_CHECKING:
    from netarium.stack.interface import Interface
    from netarium.stack.ports import Bindings
    from netarium.stack.stack import Stack
    from netarium.wire.ethernet import Frame
    from netarium.wire.ipv4 import Ipv4Header
    from netarium.wire.ipv6 import Ipv6Header
    from netarium.wire.udp import UdpHeader

ALL: Final = -1


class Coverage:
    """What one socket has chosen.

    `sent_bytes` from the header's start are covered in what it sends, 0 and ALL are all of it. Of what comes with a
    partial checksum it takes those that cover `wanted_bytes`; ALL takes every one, 0 none (Linux udp_queue_rcv_skb).
    """

    __slots__ = ("sent_bytes", "wanted_bytes")

    def __init__(self) -> None:
        self.sent_bytes = ALL
        self.wanted_bytes = ALL

    def header(self, source_port: int, destination_port: int, payload_bytes: int) -> UdpLiteHeader:
        """As Linux writes it: the length where all is covered, unless 0 was asked for."""
        length_bytes = SIZE_BYTES + payload_bytes
        covered_bytes = self.sent_bytes if 0 <= self.sent_bytes < length_bytes else length_bytes
        return UdpLiteHeader(source_port, destination_port, covered_bytes)

    def takes(self, covered_bytes: int, length_bytes: int) -> bool:
        """Whether a datagram is covered well enough."""
        if covered_bytes in (0, length_bytes) or self.wanted_bytes == ALL:
            return True
        return 0 < self.wanted_bytes <= covered_bytes


class UdpLiteEndpoint(UdpEndpoint):
    """The stack side of a UDP-Lite socket."""

    __slots__ = ("coverage",)

    def __init__(self, protocol: Udp) -> None:
        super().__init__(protocol)
        self.coverage = Coverage()

    def header_to(self, port: int, payload_bytes: int) -> UdpLiteHeader:
        """The header of a datagram to `port`."""
        return self.coverage.header(self.local_port, port, payload_bytes)


class UdpLiteEndpoint6(UdpEndpoint6):
    """The stack side of a UDP-Lite socket of AF_INET6."""

    __slots__ = ("coverage",)

    def __init__(self, protocol: Udp, protocol6: Udp6) -> None:
        super().__init__(protocol, protocol6)
        self.coverage = Coverage()

    def header_to(self, port: int, payload_bytes: int) -> UdpLiteHeader:
        """The header of a datagram to `port`."""
        return self.coverage.header(self.local_port, port, payload_bytes)


class UdpLite(Udp):
    """UDP-Lite of one host over IPv4."""

    __slots__ = ()

    number: ClassVar[int] = PROTOCOL_UDPLITE
    header_class: ClassVar[type[UdpHeader | UdpLiteHeader]] = UdpLiteHeader

    @staticmethod
    def bindings_of(stack: Stack) -> Bindings:
        """The table of the ports that are taken."""
        return stack.ports.udplite

    def open(self) -> UdpLiteEndpoint:
        """A new endpoint, neither bound nor connected."""
        return UdpLiteEndpoint(self)

    def deliver(
        self,
        endpoint: UdpEndpoint,
        frame: Frame,
        header: Ipv4Header | Ipv6Header,
        datagram: UdpHeader | UdpLiteHeader,
        interface: Interface,
    ) -> None:
        """Put a datagram into an endpoint's queue, if enough of it is covered and there is room."""
        if _takes(endpoint, frame, datagram):
            super().deliver(endpoint, frame, header, datagram, interface)


class UdpLite6(Udp6):
    """UDP-Lite of one host over IPv6."""

    __slots__ = ()

    number: ClassVar[int] = PROTOCOL_UDPLITE
    header_class: ClassVar[type[UdpHeader | UdpLiteHeader]] = UdpLiteHeader

    @staticmethod
    def bindings_of(stack: Stack) -> Bindings:
        """The table of the ports that are taken."""
        return stack.ports.udplite

    def open6(self) -> UdpLiteEndpoint6:
        """A new endpoint of an AF_INET6 socket."""
        return UdpLiteEndpoint6(self.stack.udplite, self)

    def deliver(
        self,
        endpoint: UdpEndpoint,
        frame: Frame,
        header: Ipv4Header | Ipv6Header,
        datagram: UdpHeader | UdpLiteHeader,
        interface: Interface,
    ) -> None:
        """Put a datagram into an endpoint's queue, if enough of it is covered and there is room."""
        if _takes(endpoint, frame, datagram):
            super().deliver(endpoint, frame, header, datagram, interface)


def _takes(endpoint: UdpEndpoint, frame: Frame, datagram: UdpHeader | UdpLiteHeader) -> bool:
    if not isinstance(datagram, UdpLiteHeader) or not isinstance(
        endpoint, UdpLiteEndpoint | UdpLiteEndpoint6
    ):
        return False
    covered_bytes = datagram.coverage_bytes
    if endpoint.coverage.takes(covered_bytes, SIZE_BYTES + len(frame.payload)):
        return True
    endpoint.protocol.stack.drop(
        Drop.UDPLITE_COVERAGE,
        frame,
        f"{covered_bytes} bytes are covered, {endpoint.coverage.wanted_bytes} wanted",
    )
    return False
