"""What ICMP of both families does alike: quoting the packet an error is about, and finding whose the quoted one was.

Read first: RFC 1122 3.2.2, RFC 4443 2.4 (c) and (d).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar, Final

from netarium.errors import WireError
from netarium.journey import Drop
from netarium.stack.failures import NetworkError
from netarium.stack.icmp_limit import RateLimit
from netarium.wire.ipv4 import Ipv4Header
from netarium.wire.ipv6 import Ipv6Header
from netarium.wire.packet import packet_bytes

if TYPE_CHECKING:
    from netarium.stack.ipv4 import Ipv4
    from netarium.stack.ipv6 import Ipv6
    from netarium.stack.stack import Stack
    from netarium.wire.ethernet import Frame
    from netarium.wire.icmp_header import IcmpBase

    ErrorReceiver = Callable[[Ipv4Header | Ipv6Header, bytes, NetworkError, int], None]

QUOTED_TRANSPORT_BYTES_MIN: Final = 8
"""RFC 792: at least the ports are there."""


class IcmpQuotes:
    """The part of both families. `error_receivers` maps the quoted packet's protocol to the transport that sent it."""

    __slots__ = ("error_receivers", "limit", "received", "reported", "sent", "stack")

    header_class: ClassVar[type[Ipv4Header] | type[Ipv6Header]]
    protocol: ClassVar[int]
    """ICMP's own number within the family."""
    quote_bytes_max: ClassVar[int]
    """How much of a packet an error quotes."""

    def __init__(self, stack: Stack) -> None:
        self.stack: Final = stack
        self.error_receivers: Final[dict[int, ErrorReceiver]] = {}
        self.received: Final[dict[int, int]] = {}
        """Messages taken, by type."""
        self.sent: Final[dict[int, int]] = {}
        """Messages made, by type."""
        self.limit: Final = RateLimit(stack)
        self.reported = (0, 0, 0, 0)
        """(type, code, rest, who said it) of the error that is being handed to a transport."""

    @property
    def ip(self) -> Ipv4 | Ipv6:
        """The family's modules."""
        raise NotImplementedError

    def quote(self, frame: Frame) -> bytes:
        """As much of the packet in `frame` as an error may carry."""
        header = frame.network
        assert type(header) is self.header_class
        return packet_bytes(header, frame.transport, frame.payload)[: self.quote_bytes_max]

    def quoted_in(self, frame: Frame) -> tuple[Ipv4Header | Ipv6Header, bytes] | None:
        """(header, what follows it) of the packet of ours that the error in `frame` quotes; None, and a drop, else."""
        stack, ip = self.stack, self.ip
        payload = bytes(frame.payload)
        try:
            quoted = self.header_class.parse(payload)
        except WireError:
            stack.drop(Drop.ICMP_MALFORMED, frame, f"quotes no IPv{ip.version} header")
            return None
        rest = payload[quoted.size_bytes :]
        if len(rest) < QUOTED_TRANSPORT_BYTES_MIN:
            stack.drop(Drop.ICMP_MALFORMED, frame, f"quotes {len(rest)} bytes of the transport header")
            return None
        if not ip.is_local(quoted.source):
            stack.drop(Drop.ICMP_IGNORED, frame, f"quotes a packet of {ip.format_address(quoted.source)}")
            return None
        return quoted, rest

    def hand_up(
        self,
        message: IcmpBase,
        teller: int,
        quoted: Ipv4Header | Ipv6Header,
        rest: bytes,
        meaning: tuple[NetworkError, int],
    ) -> None:
        """Tell the transport that sent the quoted packet what `teller` says of it."""
        kind, info = meaning
        receiver = self.error_receivers.get(quoted.protocol)
        if receiver is not None and quoted.offset_bytes == 0:
            self.reported = (message.type, message.code, message.rest, teller)
            receiver(quoted, rest, kind, info)
        elif kind is NetworkError.MESSAGE_TOO_LONG and quoted.protocol == self.protocol:
            # A ping's: believed as Linux icmp_err does, so that the next one goes in fragments that fit.
            self.ip.paths.learn_mtu(quoted.destination, info)
