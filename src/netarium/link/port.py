"""The socket of a box that a cable plugs into: the NIC's jack of a host, one port of a hub or switch.

A port counts, tells the watchers and hands on; it decides nothing. What a frame is for is its owner's
business, what happens to it on the way is the cable's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol

from netarium.journey import Drop, FrameLike, Stop, Watch
from netarium.wire.ethernet import FCS_BYTES, Frame, frame_check_is_right

if TYPE_CHECKING:
    from netarium.engine.events import Engine
    from netarium.link.cable import Cable
    from netarium.link.direction import Direction

_SENT: Final = Stop.LINK_SENT
_RECEIVED: Final = Stop.LINK_RECEIVED


class PortOwner(Protocol):
    """The box a port belongs to, as the port sees it."""

    def receive(self, port: Port, frame: Frame) -> None:
        """Take a frame that has arrived whole at `port`; `engine.now` is the time."""
        ...

    def carrier_changed(self, port: Port, up: bool) -> None:
        """Learn that the cable in `port` was plugged in or healed (`up`), or unplugged or cut."""
        ...


class Port:
    """One jack of one box: `name` is `node:interface`, `number` counts from 0 over the whole net.

    Counters (frames, and bytes without FCS): `frames_sent` were handed to a cable that is plugged in at both
    ends, `frames_received` arrived whole, `frames_damaged` arrived with a wrong FCS, `frames_refused` found
    no cable or a dead one. `nic` is the owner's: what it wants to find by its port (a host keeps its
    interface there).
    """

    __slots__ = (
        "bytes_received",
        "bytes_sent",
        "cable",
        "direction",
        "engine",
        "frames_damaged",
        "frames_received",
        "frames_refused",
        "frames_sent",
        "mac",
        "name",
        "nic",
        "number",
        "owner",
        "watch",
    )

    def __init__(
        self, name: str, number: int, mac: int, owner: PortOwner, engine: Engine, watch: Watch
    ) -> None:
        self.name = name
        self.number = number
        self.mac = mac
        self.owner = owner
        self.engine = engine
        self.watch = watch
        self.nic: Any = None
        self.cable: Cable | None = None
        self.direction: Direction | None = None  # where frames go; None while there is no carrier
        self.frames_sent = 0
        self.frames_received = 0
        self.frames_damaged = 0
        self.frames_refused = 0
        self.bytes_sent = 0
        self.bytes_received = 0

    def __repr__(self) -> str:
        return f"Port({self.name!r}, number={self.number})"

    @property
    def up(self) -> bool:
        """Whether there is a carrier: a cable is plugged in and not cut."""
        return self.direction is not None

    def transmit(self, frame: Frame) -> None:
        """Hand a frame to the cable, or drop it: NO_CABLE, LINK_DOWN.

        Watchers see it as sent before the cable's queue judges it, so that a capture at the sender also shows
        a frame that found the queue full.
        """
        direction = self.direction
        if direction is None:
            self._refuse(frame)
            return
        self.frames_sent += 1
        self.bytes_sent += frame.size_bytes
        told = self.watch.frame
        if told is not None:
            told(self.engine.now, self, _SENT, frame)
        direction.transmit(frame)

    def deliver(self, frame: Frame) -> None:
        """Take a frame off the cable and give it to the owner."""
        self.frames_received += 1
        self.bytes_received += frame.size_bytes
        told = self.watch.frame
        if told is not None:
            told(self.engine.now, self, _RECEIVED, frame)
        self.owner.receive(self, frame)

    def deliver_bits(self, bits: bytes, sent: Frame) -> None:
        """Take a frame that arrives as bits, FCS last, and check them as a NIC does (IEEE 802.3 clause
        3.2.9).

        `sent` is the frame as it was sent, for those who watch.
        """
        if frame_check_is_right(bits):
            self.deliver(Frame.parse(bits[:-FCS_BYTES]))
            return
        self.frames_damaged += 1
        self.drop(Drop.FRAME_CHECK_SEQUENCE, sent)

    def drop(self, reason: Drop, frame: FrameLike, detail: str = "") -> None:
        """Tell the watchers that a frame ends here, and why."""
        told = self.watch.drop
        if told is not None:
            told(self.engine.now, self.name, reason, frame, detail)

    def _refuse(self, frame: Frame) -> None:
        self.frames_refused += 1
        self.drop(Drop.NO_CABLE if self.cable is None else Drop.LINK_DOWN, frame)
