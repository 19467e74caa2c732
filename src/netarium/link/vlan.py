"""VLANs: one switch, several LANs that know nothing of each other. Read first: IEEE 802.1Q clauses 6.9, 8.6, 8.8, 9.6.

Each port is an access port (one VLAN, untagged) or a trunk (a list of VLANs, tagged, and perhaps a native one,
untagged). A frame is given its VLAN where it comes in (6.9.1), keeps it inside, and gets the tag that the port it goes
out by wants (8.6.4):

- untagged, or tagged with VLAN 0 (a priority alone): the port's own VLAN; a trunk without a native VLAN drops it
  (VLAN_UNTAGGED);
- tagged, on an access port: VLAN_TAGGED_ON_ACCESS (6.9: admit only untagged and priority-tagged frames);
- tagged, on a trunk: that VLAN, if the port carries it, else VLAN_NOT_ALLOWED.

Each VLAN learns for itself (independent learning, 8.8.8). The tag's priority is kept on trunks, and lost where a frame
leaves untagged.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final, Protocol

from netarium.errors import UsageError
from netarium.journey import Drop, Watch
from netarium.link.port import Port
from netarium.link.switch import AGEING_NS, Bridge
from netarium.wire.ethernet import ETHERTYPE_VLAN, Frame
from netarium.wire.vlan import VLAN_MAX, VLAN_MIN

if TYPE_CHECKING:
    from netarium.engine.events import Engine

DEFAULT_VLAN: Final = 1
"""The VLAN of a port that nobody has configured (802.1Q table 9-2: default PVID)."""

_GROUP_BIT: Final = 1 << 40
_RESERVED: Final = 0x0180C2000000
_VLAN_SHIFT: Final = 48
_PRIORITY_BITS: Final = 0xF000


def checked_vlan(what: str, vlan: int) -> int:
    """The VLAN itself. Raises UsageError, saying `what`, when there is no such VLAN."""
    if not VLAN_MIN <= vlan <= VLAN_MAX:
        raise UsageError(f"{what}: VLAN {vlan} does not exist; use {VLAN_MIN} to {VLAN_MAX}")
    return vlan


class PortVlans:
    """What a port carries: `native` untagged (0: nothing), `tagged` with tags (a dict for its order and speed)."""

    __slots__ = ("is_trunk", "native", "tagged")

    def __init__(self, native: int, tagged: Iterable[int] = (), *, is_trunk: bool = False) -> None:
        self.native: Final = native
        self.tagged: Final = {vlan: True for vlan in tagged if vlan != native}
        self.is_trunk: Final = is_trunk

    def carries(self, vlan: int) -> bool:
        """Whether frames of this VLAN pass the port."""
        return vlan == self.native or vlan in self.tagged

    def vlans(self) -> list[int]:
        """All VLANs it carries, the native one first."""
        return ([self.native] if self.native else []) + list(self.tagged)

    def entered(self, tag: int) -> int:
        """The VLAN of a frame that comes in with VLAN `tag` in its tag (0: none); 0 when it is dropped."""
        if tag == 0:
            return self.native
        return tag if self.is_trunk and self.carries(tag) else 0

    def describe(self) -> str:
        """`VLAN 10`, or `trunk 10, 20, native 1`."""
        if not self.is_trunk:
            return f"VLAN {self.native}"
        words = f"trunk {', '.join(map(str, self.tagged))}"
        return f"{words}, native {self.native}" if self.native else words


def access(vlan: int) -> PortVlans:
    """An access port of one VLAN. Raises UsageError."""
    return PortVlans(checked_vlan("vlan", vlan))


def trunk(vlans: Iterable[int], native: int = 0) -> PortVlans:
    """A trunk that carries `vlans` tagged, and `native` untagged (0: none). Raises UsageError."""
    listed = [checked_vlan("trunk", vlan) for vlan in vlans]
    for index, vlan in enumerate(listed):
        if vlan in listed[:index]:
            raise UsageError(f"trunk: VLAN {vlan} stands twice; write it once")
    if native:
        checked_vlan("native", native)
    elif not listed:
        raise UsageError("trunk: it carries no VLAN; list some, such as [10, 20]")
    return PortVlans(native, listed, is_trunk=True)


class Inner(Protocol):
    """Something inside the switch that has a MAC address in a VLAN: the VLAN interface of a layer-3 switch."""

    mac: int

    def set_carrier(self, carrier: bool) -> None:
        """Learn whether a port of its VLAN has a carrier."""
        ...

    def receive_frame(self, frame: Frame) -> None:
        """Take an untagged frame of its VLAN that is for its MAC address or for a group."""
        ...


class VlanBridge(Bridge):
    """A bridge that knows VLANs. `members`: what each port carries, by its number; `inner`: who is inside, by VLAN."""

    __slots__ = ("inner", "members")

    knows_vlans = True

    def __init__(self, name: str, engine: Engine, watch: Watch, *, ageing_ns: int = AGEING_NS) -> None:
        super().__init__(name, engine, watch, ageing_ns=ageing_ns)
        self.members: dict[int, PortVlans] = {}
        self.inner: dict[int, Inner] = {}

    def vlans_of(self, port: Port) -> PortVlans:
        """What a port carries."""
        return self.members.get(port.number) or _UNCONFIGURED

    def receive(self, port: Port, frame: Frame) -> None:
        """Give a frame its VLAN, learn from its source, and send it where its destination was last seen in there."""
        destination = frame.destination
        if destination & ~0xF == _RESERVED:
            self.receive_reserved(port, frame)
            return
        members = self.members.get(port.number) or _UNCONFIGURED
        tag = frame.tag
        vlan = tag & 0xFFF if tag >= 0 else 0
        if vlan == 0:
            vlan = members.native
        elif not members.is_trunk or not (vlan in members.tagged or vlan == members.native):
            vlan = 0
        if vlan == 0:
            self._refuse(port, frame, members)
            return
        now = self.engine.now
        key = vlan << _VLAN_SHIFT | frame.source
        known = self.seen.get(key)
        if self.closed and port in self.closed:
            self._learn_closed(port, frame, key)
            return
        if known is not None and known.port is port:
            known.at = now
        elif not frame.source & _GROUP_BIT:
            self._learn(key, port, known, now)
        self._pass_on(port, vlan, frame)

    def carrier_changed(self, port: Port, up: bool) -> None:
        """As every bridge; and who is inside learns whether any port of its VLAN still has a carrier."""
        super().carrier_changed(port, up)
        for vlan, inner in self.inner.items():
            if self.vlans_of(port).carries(vlan):
                inner.set_carrier(self.has_carrier(vlan))

    def has_carrier(self, vlan: int) -> bool:
        """Whether a port of this VLAN has a carrier; where no cable was ever plugged in, it counts as if one had."""
        ports = [port for port in self.ports if self.vlans_of(port).carries(vlan)]
        return any(port.up for port in ports) or all(port.cable is None for port in ports)

    def send(self, vlan: int, frame: Frame) -> None:
        """Send an untagged frame of who is inside `vlan`."""
        self._pass_on(None, vlan, frame)

    def exits(self, port: Port, vlan: int) -> list[tuple[Port, int]]:
        """By which ports, and with which VLAN in its tag (0: none), a broadcast leaves that came in by `port`."""
        inside = self.vlans_of(port).entered(vlan)
        if inside == 0 or port in self.closed:
            return []
        return [
            (other, 0 if self.vlans_of(other).native == inside else inside)
            for other in self._others(port)
            if self.vlans_of(other).carries(inside)
        ]

    def _pass_on(self, port: Port | None, vlan: int, frame: Frame) -> None:
        """Send a frame that is in `vlan` now on; `port` is where it came from, None for inside."""
        destination = frame.destination
        inner = self.inner.get(vlan) if self.inner else None
        if destination & _GROUP_BIT:
            if inner is not None and port is not None:
                inner.receive_frame(untagged(frame))
            self._flood_vlan(port, vlan, frame)
            return
        if inner is not None and port is not None and destination == inner.mac:
            inner.receive_frame(untagged(frame))
            return
        target = self.seen.get(vlan << _VLAN_SHIFT | destination)
        if target is None or self.engine.now - target.at > self.ageing_ns:
            self._flood_vlan(port, vlan, frame)
            return
        out = target.port
        if out is port:
            out.drop(Drop.SWITCH_SAME_PORT, frame)
            return
        if self.watch.step is not None:
            self._tell(port, frame, f"VLAN {vlan}: out by the port it was learnt at", out, vlan=vlan)
        if self.closed and out in self.closed:
            out.drop(Drop.PORT_BLOCKED, frame)
            return
        self._send_by(out, vlan, frame)

    def _flood_vlan(self, port: Port | None, vlan: int, frame: Frame) -> None:
        members = self.members
        others = [
            other
            for other in self.ports
            if other is not port
            and other.direction is not None
            and (members.get(other.number) or _UNCONFIGURED).carries(vlan)
            and not (self.closed and other in self.closed)
        ]
        if not others:
            if port is not None and not (vlan in self.inner and frame.destination & _GROUP_BIT):
                port.drop(Drop.SWITCH_NO_PORT, frame)
            elif port is None and self.watch.drop is not None:
                where = f"{self.name}:vlan{vlan}"
                self.watch.drop(self.engine.now, where, Drop.SWITCH_NO_PORT, frame, f"VLAN {vlan}")
            return
        if self.watch.step is not None:
            self._tell(port, frame, f"VLAN {vlan}: flooded", *others, vlan=vlan)
        self.floods += 1
        if port is not None and self.floods + self.moves >= self.floods_looked:
            self._look(port, frame.tag & 0xFFF if frame.tag >= 0 else 0)
        for other in others:
            self._send_by(other, vlan, frame)

    def _send_by(self, port: Port, vlan: int, frame: Frame) -> None:
        """Send a frame of `vlan` by a port that carries it, with the tag that the port wants."""
        if (self.members.get(port.number) or _UNCONFIGURED).native == vlan:
            if frame.tag >= 0:
                frame = untagged(frame)
        else:
            tag = vlan if frame.tag < 0 else frame.tag & _PRIORITY_BITS | vlan
            if frame.tag != tag:
                frame = frame.tagged(tag)
        port.transmit(frame)

    def _tag_at(self, port: Port, vlan: int) -> int:
        return 0 if self.vlans_of(port).native == vlan else vlan

    def _refuse(self, port: Port, frame: Frame, members: PortVlans) -> None:
        if frame.tag < 0 or frame.tag & 0xFFF == 0:
            port.drop(Drop.VLAN_UNTAGGED, frame)
        elif members.is_trunk:
            port.drop(Drop.VLAN_NOT_ALLOWED, frame, f"VLAN {frame.tag & 0xFFF}; {members.describe()}")
        else:
            port.drop(Drop.VLAN_TAGGED_ON_ACCESS, frame, f"VLAN {frame.tag & 0xFFF}; {members.describe()}")

    def _learn_closed(self, port: Port, frame: Frame, key: int) -> None:
        tree = self.tree
        if tree is not None and tree.ports[port.number].learning and not frame.source & _GROUP_BIT:
            self._learn(key, port, self.seen.get(key), self.engine.now)
        port.drop(Drop.PORT_BLOCKED, frame)


def untagged(frame: Frame) -> Frame:
    """The frame without its tag. What a second tag hid shows then, as it does to the next who reads the bytes."""
    if frame.tag < 0:
        return frame
    if frame.ethertype == ETHERTYPE_VLAN:
        return Frame.parse(bytes(frame.tagged(-1)))
    return frame.tagged(-1)


_UNCONFIGURED: Final = PortVlans(DEFAULT_VLAN)
