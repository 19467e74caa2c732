"""A host's network interface: its addresses, and the one place where frames enter and leave the stack.

A frame is taken when its destination is the interface's own MAC, the broadcast or a joined group (IEEE 802.3; RFC 1112
6.4), else it is counted as NOT_FOR_THIS_MAC, as a NIC's filter does. `lo` is an interface like the others: its frames
have zero MACs, as on Linux, and wait in `stack.loopback` instead of a cable.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, Protocol

from netarium.journey import Drop, PortLike, Stop
from netarium.stack.neighbors import Neighbors
from netarium.wire.ethernet import ETHERTYPE_ARP, ETHERTYPE_IPV4, ETHERTYPE_IPV6, MAC_BROADCAST, Frame

if TYPE_CHECKING:
    from netarium.stack.ipv6_interface import Ipv6Interface
    from netarium.stack.stack import Stack

_MODULES: Final = {ETHERTYPE_IPV4: "ipv4", ETHERTYPE_ARP: "arp", ETHERTYPE_IPV6: "ipv6"}
"""Who takes a frame, by EtherType, in the words of the trace."""

MTU_ETHERNET: Final = 1500
MTU_LOOPBACK: Final = 65536
ALL_SYSTEMS_MAC: Final = 0x01005E000001
"""That of 224.0.0.1."""


class InterfaceAddress:
    """An IPv4 address an interface has: `address` and `broadcast` as ints, `length` of the prefix in bits."""

    __slots__ = ("address", "broadcast", "label", "length", "mask", "network")

    def __init__(self, address: int, length: int, label: str = "") -> None:
        self.address = address
        self.length = length
        self.mask = (0xFFFFFFFF << (32 - length)) & 0xFFFFFFFF
        self.network = address & self.mask
        # RFC 3021: a /31 has no broadcast address, and a /32 none either.
        self.broadcast = (self.network | (~self.mask & 0xFFFFFFFF)) if length < 31 else 0
        self.label = label


class Line(Protocol):
    """What an interface knows of the way out of its port."""

    free_at: int
    """When the last frame that was handed over will have been sent, in ns; in the past when nothing waits."""


class Interface:
    """One interface. `transmit` is what the node gives: it takes a frame to the port. Counters are plain ints.

    `port` is the PortLike under whose name frames of `lo` are shown to watchers; a real port shows its own frames.
    """

    __slots__ = (
        "addresses", "bytes_in", "bytes_out", "carrier", "drops_in", "drops_out", "frames_in", "frames_out", "groups",
        "ipv6", "is_loopback", "line", "mac", "mtu", "name", "neighbors", "number", "port", "receivers",
        "stack", "taps", "transmit", "trodden", "up", "watchers",
    )  # fmt: skip

    def __init__(self, stack: Stack, name: str, mac: int, mtu: int, number: int) -> None:
        self.stack: Final = stack
        self.name: Final = name
        self.number: Final = number
        self.is_loopback: Final = name == "lo"
        self.mac = mac
        self.mtu = mtu
        self.up = True
        self.carrier = True
        """Whether the cable is whole; as on Linux addresses and routes stay when it is not."""
        self.watchers: Final[list[Callable[[Interface], None]]] = []
        """Called when the link has come or gone (rtnetlink)."""
        self.addresses: list[InterfaceAddress] = []
        self.groups: dict[int, int] = {ALL_SYSTEMS_MAC: 1}
        """Joined multicast MACs and how often each was joined; all systems for ever (RFC 1112 7.2)."""
        self.neighbors: Final = Neighbors(self, stack)
        self.ipv6: Ipv6Interface | None = None
        """What IPv6 knows of it; None where IPv6 is off."""
        self.receivers: Final[dict[int, Callable[[Frame, Interface], None]]] = stack.receivers
        self.trodden: Final = stack.routes.trodden
        self.transmit: Callable[[Frame], None] | None = None
        self.line: Line | None = None
        """The cable as TCP sees it: when what waits before it will have left; None where nobody can tell."""
        self.port: PortLike | None = None
        self.taps: list[Callable[[Frame, Interface, bool], None]] | None = None
        """Packet sockets: called with (frame, interface, outgoing); None while there are none."""
        self.frames_in = self.bytes_in = self.drops_in = 0
        self.frames_out = self.bytes_out = self.drops_out = 0

    def set_carrier(self, carrier: bool) -> None:
        """The cable was plugged in, healed, unplugged or cut."""
        if carrier != self.carrier:
            self.carrier = carrier
            self.tell_watchers()

    def tell_watchers(self) -> None:
        """The link has come or gone."""
        for tell in list(self.watchers):
            tell(self)

    def send_frame(self, frame: Frame) -> None:
        """Hand a frame to the cable, or on `lo` to the stack's own FIFO."""
        if not self.up:
            self.drops_out += 1
            self.stack.drop(Drop.INTERFACE_DOWN, frame, self.name)
            return
        self.frames_out += 1
        self.bytes_out += frame.size_bytes
        if self.taps is not None:
            self._show_taps(frame, True)
        transmit = self.transmit
        if transmit is not None:
            transmit(frame)
        elif self.is_loopback:
            self._send_loopback(frame)
        else:
            self.drops_out += 1
            self.stack.drop(Drop.NO_CABLE, frame, self.name)

    def receive_frame(self, frame: Frame) -> None:
        """Take a frame that arrived, if it is for this interface, to the module of its EtherType."""
        self.frames_in += 1
        self.bytes_in += frame.size_bytes
        if self.taps is not None:
            self._show_taps(frame, False)
        destination = frame.destination
        if destination != self.mac and destination != MAC_BROADCAST and destination not in self.groups:
            self.drops_in += 1
            self.stack.drop(Drop.NOT_FOR_THIS_MAC, frame, self.name)
            return
        receiver = self.receivers.get(frame.ethertype)
        if receiver is not None and self.up:
            if self.stack.watch.step is not None:
                self._tell_module(frame)
            receiver(frame, self)
            return
        self.drops_in += 1
        self.stack.drop(Drop.UNKNOWN_ETHERTYPE if self.up else Drop.INTERFACE_DOWN, frame, self.name)

    def _send_loopback(self, frame: Frame) -> None:
        stack = self.stack
        stack.loopback.append((self, frame))
        watch_frame = stack.watch.frame
        if watch_frame is not None and self.port is not None:
            watch_frame(stack.now, self.port, Stop.LINK_SENT, frame)

    def _tell_module(self, frame: Frame) -> None:
        watch_step = self.stack.watch.step
        if watch_step is not None:
            details: dict[str, object] = {
                "ethertype": frame.ethertype,
                "module": _MODULES.get(frame.ethertype, ""),
            }
            watch_step(self.stack.now, self.stack.name, Stop.INTERFACE, self.name, details)

    def _show_taps(self, frame: Frame, outgoing: bool) -> None:
        for tap in list(self.taps or ()):
            tap(frame, self, outgoing)

    def address_for(self, destination: int) -> int:
        """The address to speak to `destination` with: one of its subnet, else the first; 0 without any."""
        for address in self.addresses:
            if destination & address.mask == address.network:
                return address.address
        return self.addresses[0].address if self.addresses else 0

    def join(self, mac: int) -> None:
        """Accept frames to the multicast `mac` from now on; joins are counted."""
        self.groups[mac] = self.groups.get(mac, 0) + 1

    def leave(self, mac: int) -> None:
        """Undo one `join`."""
        count = self.groups.get(mac, 0)
        if count > 1:
            self.groups[mac] = count - 1
        else:
            self.groups.pop(mac, None)
