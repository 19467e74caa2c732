"""Extension headers as a host or router must act on them.

Read first: RFC 8200 4.1 (order), 4.2 (options: the two highest bits say what to do with unknown ones), 4.4 (routing
header) and RFC 5095 (type 0 is gone). None is acted upon here beyond that; router alert (RFC 2711) is known and passed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from netarium.journey import Drop
from netarium.stack.ipv6_address import is_multicast
from netarium.wire.icmpv6 import (
    ERRONEOUS_HEADER,
    PARAMETER_PROBLEM,
    UNKNOWN_NEXT_HEADER,
    UNKNOWN_OPTION,
)
from netarium.wire.ipv6 import DESTINATION_OPTIONS, HOP_BY_HOP, NEXT_HEADER, ROUTING, Ipv6Header

if TYPE_CHECKING:
    from netarium.stack.interface import Interface
    from netarium.stack.ipv6 import Ipv6
    from netarium.wire.ethernet import Frame

PAD1: Final = 0
PADN: Final = 1
ROUTER_ALERT: Final = 5
SEGMENTS_LEFT: Final = 3
"""Where a routing header says how many of its nodes are still to be visited."""


class Extensions:
    """Looks extension headers over. Both methods tell whether the packet may go on; if not, it has been dropped."""

    __slots__ = ("ipv6",)

    def __init__(self, ipv6: Ipv6) -> None:
        self.ipv6: Final = ipv6

    def accepts_hop_by_hop(self, frame: Frame, header: Ipv6Header, interface: Interface) -> bool:
        """The options that every node on the way reads; only the first header may be theirs."""
        for kind, at, data in header.extension_headers():
            return kind != HOP_BY_HOP or self._accepts_options(frame, header, at, data, interface)
        return True

    def accepts(self, frame: Frame, header: Ipv6Header, interface: Interface) -> bool:
        """All headers, as their destination reads them."""
        names_it = NEXT_HEADER  # where the type of the header in hand is written
        for number, (kind, at, data) in enumerate(header.extension_headers()):
            if kind == HOP_BY_HOP and number:
                return self._refuse(
                    frame, UNKNOWN_NEXT_HEADER, names_it, "hop-by-hop is not first", interface
                )
            if kind == DESTINATION_OPTIONS and not self._accepts_options(frame, header, at, data, interface):
                return False
            if kind == ROUTING and data[SEGMENTS_LEFT]:
                return self._refuse(
                    frame, ERRONEOUS_HEADER, at + 2, f"a routing header of type {data[2]}", interface
                )
            names_it = at
        return True

    def _accepts_options(
        self, frame: Frame, header: Ipv6Header, start: int, data: bytes, interface: Interface
    ) -> bool:
        at = 2
        while at < len(data):
            kind = data[at]
            if kind == PAD1:
                at += 1
                continue
            size = 2 + data[at + 1] if at + 1 < len(data) else 1
            if size < 2 or at + size > len(data):
                return self._refuse(frame, ERRONEOUS_HEADER, start + at, "an option is cut off", interface)
            if kind not in (PADN, ROUTER_ALERT) and kind >> 6:
                detail = f"option {kind} is unknown"
                if kind >> 6 == 1 or (kind >> 6 == 3 and is_multicast(header.destination)):
                    self.ipv6.stack.drop(Drop.EXTENSION_HEADER, frame, detail)
                    return False
                return self._refuse(frame, UNKNOWN_OPTION, start + at, detail, interface)
            at += size
        return True

    def _refuse(self, frame: Frame, code: int, pointer: int, detail: str, interface: Interface) -> bool:
        self.ipv6.stack.drop(Drop.EXTENSION_HEADER, frame, detail)
        self.ipv6.icmp.send_error(frame, PARAMETER_PROBLEM, code, pointer, interface)
        return False
