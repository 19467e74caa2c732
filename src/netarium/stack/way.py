"""The way that plain packets between two addresses go through a host: walked once in full, then known.

The full way of a packet is `interface`, `ip_input`, `ip_forward` or a protocol, `interface`. Nearly every packet of a
flow finds the same there as the one before it. So the first one leaves a `Way` in `RouteTable.trodden`, and
`Stack.receive` lets it take the next ones along it: IPv4 without options in a frame for the interface's MAC, that
nobody looks at (no hook, packet socket or watcher of steps). Everything else goes the full way, which decides alone.
What is known of a way is forgotten when a route, an address, an MTU or an interface changes (`RouteTable.changed`); a
neighbour that may not be used any more is seen at the packet. (Linux calls it early demultiplexing, routers fast
switching.)

Both leave the same frames, counters and drops: tests/stack/test_way.py sends every sort of packet both ways while
everything that a way depends on changes. A new reason to drop or count a packet on the full way belongs into `carry`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from netarium.wire.ethernet import ETHERTYPE_IPV4, HEADER_BYTES, Frame
from netarium.wire.ipv4 import MORE_FRAGMENTS, OFFSET_MASK, Ipv4Header

if TYPE_CHECKING:
    from netarium.stack.interface import Interface
    from netarium.stack.neighbors import Neighbor
    from netarium.stack.routes import Route
    from netarium.stack.stack import Stack

_IS_FRAGMENT: Final = MORE_FRAGMENTS | OFFSET_MASK


class Way:
    """In by `interface`; then up, when `out` is None, else out by `out` to `neighbor`, in frames of at most
    `frame_bytes_max`.
    """

    __slots__ = (
        "forward",
        "frame_bytes_max",
        "hooks",
        "input",
        "interface",
        "neighbor",
        "out",
        "settings",
        "stack",
    )

    def __init__(
        self, interface: Interface, route: Route | None = None, neighbor: Neighbor | None = None
    ) -> None:
        self.interface: Final = interface
        self.stack: Final[Stack] = interface.stack
        self.settings: Final = self.stack.settings
        self.hooks: Final = self.stack.hooks
        self.input: Final = self.stack.ipv4.input
        self.forward: Final = self.stack.ipv4.forward
        self.out: Final = None if route is None else route.interface
        self.neighbor: Final = neighbor
        self.frame_bytes_max: Final = 0 if route is None else route.mtu + HEADER_BYTES

    def carry(self, frame: Frame, interface: Interface) -> bool:
        """Take a frame that has arrived at `interface` along this way; False, with nothing done, when it may not."""
        stack = self.stack
        header: Ipv4Header = frame.network  # type: ignore[assignment]  # by which it was found
        if (
            self.interface is not interface
            or frame.destination != interface.mac
            or not self.hooks.idle
            or interface.taps is not None
            or header.options
            or stack.watch.step is not None
        ):
            return False
        size = frame.size_bytes
        out = self.out
        if out is None:
            if header.fragment & _IS_FRAGMENT or frame.fault is not None or self.input.raw_receivers:
                return False
            receiver = self.input.protocols.get(header.protocol)
            if receiver is None:
                return False
            interface.frames_in += 1
            interface.bytes_in += size
            self.input.received += 1
            receiver(frame, interface)
            return True
        neighbor = self.neighbor
        transmit = out.transmit
        if (
            header.ttl <= 1
            or size > self.frame_bytes_max
            or neighbor is None
            or neighbor.usable_until_ns <= stack.now
            or not self.settings.ip_forward
            or self.forward.public
            or out.taps is not None
            or transmit is None
        ):
            return False
        interface.frames_in += 1
        interface.bytes_in += size
        self.input.received += 1
        self.forward.forwarded += 1
        out.frames_out += 1
        out.bytes_out += size
        lower = Ipv4Header(
            header.source, header.destination, header.protocol, header.ttl - 1,
            header.identification, header.fragment, header.tos,
        )  # fmt: skip
        transmit(
            Frame(
                neighbor.mac, out.mac, ETHERTYPE_IPV4, lower, frame.transport, frame.payload,
                frame.fault, -1, size, frame.carried_crc,
            )
        )  # fmt: skip
        return True
