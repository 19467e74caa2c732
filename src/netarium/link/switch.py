"""A transparent learning bridge: the inside of a layer-2 switch. Read first: IEEE 802.1Q clauses 8.6 to 8.8.

Every decision is made by layer-2 fields alone. This bridge knows no VLANs: all frames are in VLAN 0, and tags pass
it untouched, as with a switch that cannot be configured. `vlan` has the one that knows them.

- Learn (8.7): the source MAC was last seen at this port; an address that turns up elsewhere moves.
- Look up (8.6): a known destination goes out by its port alone, never by the one it came in by
  (SWITCH_SAME_PORT).
- Flood: unknown, broadcast and multicast destinations go out by all other ports with a carrier
  (SWITCH_NO_PORT if none).
- 01-80-C2-00-00-00 to -0F stay on their cable (8.6.3): SWITCH_RESERVED.
- Age (8.8.3): an entry not seen for `ageing_ns` counts no more. It is looked at when used, no timer runs.
- Ports that a spanning tree keeps closed neither take nor send frames but BPDUs: PORT_BLOCKED.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, NamedTuple

from netarium.addresses import mac_text
from netarium.errors import UsageError
from netarium.journey import Cause, Drop, Stop, Watch
from netarium.link.port import Port
from netarium.link.storm import FLOODS_BEFORE_LOOK, look_for_loop
from netarium.wire.ethernet import Frame
from netarium.wire.stp import BRIDGE_GROUP_ADDRESS

if TYPE_CHECKING:
    from netarium.engine.events import Engine
    from netarium.link.spanning_tree import SpanningTree

AGEING_NS: Final = 300 * 1_000_000_000
"""IEEE 802.1Q table 8-6: 300 s by default; so do Linux bridges and most switches."""

TABLE_ENTRIES_MAX: Final = 8192
"""As many as a small managed switch holds. A full table learns nothing new and floods."""

_PURGE_PAUSE_NS: Final = 1_000_000_000
_GROUP_BIT: Final = 1 << 40
_RESERVED: Final = 0x0180C2000000
_VLAN_SHIFT: Final = 48
_LINES_TOLD: Final = 16
"""So many lines of the table watchers are told at most."""


class MacEntry(NamedTuple):
    """A line of the table as users read it; `age_ns` is the time since the address was last seen."""

    mac: int
    vlan: int
    port: Port
    age_ns: int


class _Seen:
    """Where and when an address was last seen."""

    __slots__ = ("at", "port")

    def __init__(self, port: Port, at: int) -> None:
        self.port = port
        self.at = at


class Bridge:
    """The inside of a switch: `ports` in the order of adding, and the MAC table.

    `ageing_ns` may be set at any time. `entries_max` limits the whole table, `limits` single ports (by their number):
    what is beyond a limit is not learnt, so frames for it are flooded. `tree` is the spanning tree, if there is one.
    """

    __slots__ = (
        "ageing_ns",
        "closed",
        "engine",
        "entries_max",
        "fast_ageing",
        "floods",
        "floods_looked",
        "learnt",
        "limits",
        "moves",
        "name",
        "ports",
        "purged_at",
        "seen",
        "table_full",
        "told_table",
        "tree",
        "watch",
    )

    knows_vlans = False

    def __init__(self, name: str, engine: Engine, watch: Watch, *, ageing_ns: int = AGEING_NS) -> None:
        self.name = name
        self.engine = engine
        self.watch = watch
        self.ports: list[Port] = []
        self.closed: list[Port] = []
        """Ports that the spanning tree lets send and take nothing but BPDUs."""
        self.tree: SpanningTree | None = None
        self.ageing_ns = ageing_ns
        self.fast_ageing = (0, ageing_ns)
        """Until when entries age fast after a topology change (0: they do not), and the ageing time after that."""
        self.entries_max = TABLE_ENTRIES_MAX
        self.limits: dict[int, int] = {}
        self.learnt: dict[int, int] = {}
        """Entries by port number, of ports that have a limit."""
        self.seen: dict[int, _Seen] = {}
        self.purged_at = -_PURGE_PAUSE_NS
        self.table_full = 0
        """How many times an address was not learnt because the table, or the port's share of it, was full."""
        self.floods = 0
        """How many frames left by all ports."""
        self.moves = 0
        """How many times an address turned up at another port: with `floods`, the pulse of a storm."""
        self.floods_looked = FLOODS_BEFORE_LOOK
        self.told_table = (0, 0)
        """Size and moves of the table that the watchers were told last."""

    def receive(self, port: Port, frame: Frame) -> None:
        """Learn from a frame's source and send it where its destination was last seen, or everywhere."""
        if self.closed and port in self.closed:
            self._receive_closed(port, frame)
            return
        now = self.engine.now
        source = frame.source
        known = self.seen.get(source)
        if known is not None and known.port is port:
            known.at = now
        elif not source & _GROUP_BIT and frame.destination & ~0xF != _RESERVED:
            self._learn(source, port, known, now)
        destination = frame.destination
        if not destination & _GROUP_BIT:
            target = self.seen.get(destination)
            if target is not None and now - target.at <= self.ageing_ns:
                if target.port is port:
                    port.drop(Drop.SWITCH_SAME_PORT, frame)
                    return
                if self.watch.step is not None:
                    self._tell(port, frame, "out by the port it was learnt at", target.port)
                if self.closed and target.port in self.closed:
                    target.port.drop(Drop.PORT_BLOCKED, frame)
                    return
                target.port.transmit(frame)
                return
        elif destination & ~0xF == _RESERVED:
            self.receive_reserved(port, frame)
            return
        self._flood(port, frame)

    def receive_reserved(self, port: Port, frame: Frame) -> None:
        """Take a frame that stays on its cable: a BPDU goes to the spanning tree, if there is one."""
        if self.tree is not None and frame.destination == BRIDGE_GROUP_ADDRESS and frame.tag < 0:
            self.tree.receive(port, frame)
        else:
            port.drop(Drop.SWITCH_RESERVED, frame)

    def carrier_changed(self, port: Port, up: bool) -> None:
        """Forget what was behind a port whose cable is cut or gone, as a switch does at the loss of link."""
        if not up:
            self.forget(port)
        if self.tree is not None:
            self.tree.carrier_changed(port, up)

    def mac_table(self) -> list[MacEntry]:
        """The living entries, in the order of learning."""
        now = self.engine.now
        return [
            MacEntry(key & (1 << _VLAN_SHIFT) - 1, key >> _VLAN_SHIFT, seen.port, now - seen.at)
            for key, seen in self.seen.items()
            if now - seen.at <= self.ageing_ns
        ]

    def forget(self, port: Port | None = None) -> None:
        """Empty the table, or forget what was seen at one port."""
        if port is None:
            self.seen.clear()
            self.learnt.clear()
            return
        for key in [key for key, seen in self.seen.items() if seen.port is port]:
            del self.seen[key]
        self.learnt.pop(port.number, None)

    def forget_learnt(self, fits: Callable[[Port, int], bool]) -> None:
        """Forget the entries of the ports and VLANs that `fits` says."""
        for key in [key for key, seen in self.seen.items() if fits(seen.port, key >> _VLAN_SHIFT)]:
            self._drop_entry(key)

    def restart(self) -> None:
        """As after power-on: nothing learnt, no fast ageing."""
        self.forget()
        self.ageing_ns = self.fast_ageing[1] if self.fast_ageing[0] else self.ageing_ns
        self.fast_ageing = (0, self.ageing_ns)

    def limit(self, port: Port, entries_max: int) -> None:
        """Let at most so many addresses be learnt at a port."""
        if entries_max < 0:
            raise UsageError(f"{port.name}: a limit of {entries_max} addresses; give 0 or more")
        self.limits[port.number] = entries_max

    # The spanning tree's side.

    def close(self, port: Port) -> None:
        """Let nothing but BPDUs pass a port."""
        if port not in self.closed:
            self.closed.append(port)

    def open(self, port: Port) -> None:
        """Let a port take and send everything."""
        if port in self.closed:
            self.closed.remove(port)

    def age_fast(self, ageing_ns: int) -> None:
        """After a topology change: entries age in `ageing_ns`, for as long (802.1D-1998 8.3.5)."""
        until_ns, normal_ns = self.fast_ageing
        now = self.engine.now
        if not until_ns:
            normal_ns = self.ageing_ns
            self.ageing_ns = min(ageing_ns, normal_ns)
            self.engine.at(now + ageing_ns, self, None)
        self.fast_ageing = (now + ageing_ns, normal_ns)

    def fire(self, argument: object) -> None:
        """An engine event: the time of fast ageing may be over."""
        until_ns, normal_ns = self.fast_ageing
        now = self.engine.now
        if now < until_ns:
            self.engine.at(until_ns, self, None)
        elif until_ns:
            self._drop_aged(now)  # what has aged fast does not come back with the slow time
            self.ageing_ns = normal_ns
            self.fast_ageing = (0, normal_ns)

    def exits(self, port: Port, vlan: int) -> list[tuple[Port, int]]:
        """By which ports, and with which VLAN in its tag (0: none), a broadcast leaves that came in by `port`."""
        if port in self.closed:
            return []
        return [(other, vlan) for other in self._others(port)]

    def _others(self, port: Port) -> list[Port]:
        others = [other for other in self.ports if other is not port and other.direction is not None]
        if self.closed:
            return [other for other in others if other not in self.closed]
        return others

    def _receive_closed(self, port: Port, frame: Frame) -> None:
        if frame.destination & ~0xF == _RESERVED:
            self.receive_reserved(port, frame)
            return
        tree = self.tree
        if tree is not None and tree.ports[port.number].learning and not frame.source & _GROUP_BIT:
            self._learn(frame.source, port, self.seen.get(frame.source), self.engine.now)
        port.drop(Drop.PORT_BLOCKED, frame)

    def _learn(self, key: int, port: Port, known: _Seen | None, now: int) -> None:
        if known is None and len(self.seen) >= self.entries_max and not self._purge(now):
            self.table_full += 1
            return
        if self.limits:
            if not self._has_room(port, known, now):
                self.table_full += 1
                return
            known = self.seen.get(key)  # it may have aged, and gone to make room
            self._count(port, known)
        if known is None:
            self.seen[key] = _Seen(port, now)
            before = ""
        elif known.port is port:
            known.at = now
            return
        else:
            before = known.port.name
            known.port = port
            known.at = now
            self.moves += 1
            if self.moves + self.floods >= self.floods_looked:
                self._look(port, self._tag_at(port, key >> _VLAN_SHIFT))
        if self.watch.state is not None:
            subject = f"mac {mac_text(key & (1 << _VLAN_SHIFT) - 1)}"
            if key >> _VLAN_SHIFT:
                subject += f" vlan {key >> _VLAN_SHIFT}"
            self.watch.state(now, self.name, subject, before, port.name, Cause.SEGMENT)

    def _has_room(self, port: Port, known: _Seen | None, now: int) -> bool:
        """Whether one more address may be learnt at a port that may have a limit."""
        most = self.limits.get(port.number)
        if most is None or (known is not None and known.port is port):
            return True
        if self.learnt.get(port.number, 0) >= most:
            self._drop_aged(now)
        return self.learnt.get(port.number, 0) < most

    def _count(self, port: Port, known: _Seen | None) -> None:
        """Keep the counts of limited ports: an address is learnt at `port`, where `known` was before."""
        if known is not None:
            if known.port is port:
                return
            if known.port.number in self.learnt:
                self.learnt[known.port.number] -= 1
        if port.number in self.limits:
            self.learnt[port.number] = self.learnt.get(port.number, 0) + 1

    def _purge(self, now: int) -> bool:
        """Drop aged entries to make room; not more than once a second, or a flood of new MACs would stall the
        run.
        """
        if now - self.purged_at < _PURGE_PAUSE_NS:
            return False
        self.purged_at = now
        self._drop_aged(now)
        return len(self.seen) < self.entries_max

    def _drop_aged(self, now: int) -> None:
        aged = [key for key, seen in self.seen.items() if now - seen.at > self.ageing_ns]
        for key in aged:
            self._drop_entry(key)

    def _drop_entry(self, key: int) -> None:
        number = self.seen.pop(key).port.number
        if number in self.learnt:
            self.learnt[number] -= 1

    def _flood(self, port: Port, frame: Frame) -> None:
        others = [other for other in self.ports if other is not port and other.direction is not None]
        if self.closed:
            others = [other for other in others if other not in self.closed]
        if not others:
            port.drop(Drop.SWITCH_NO_PORT, frame)
            return
        if self.watch.step is not None:
            self._tell(port, frame, "flooded", *others)
        self.floods += 1
        if self.floods + self.moves >= self.floods_looked:
            self._look(port, frame.tag & 0xFFF if frame.tag >= 0 else 0)
        for other in others:
            other.transmit(frame)

    def _tag_at(self, port: Port, vlan: int) -> int:
        """The VLAN in the tag of a frame of `vlan` that comes in by `port`; 0 for none."""
        return vlan

    def _look(self, port: Port, tag: int) -> None:
        """So many frames flooded and addresses moved: is it a storm? Raises StormError."""
        self.floods_looked = self.floods + self.moves + FLOODS_BEFORE_LOOK
        look_for_loop(port, tag)

    def _tell(self, came_by: Port | None, frame: Frame, what: str, *ports: Port, vlan: int = 0) -> None:
        """Tell the watchers of a decision, with the table when it has another size or order than the one told last."""
        assert self.watch.step is not None
        details: dict[str, object] = {"decision": what, "ports": [port.name for port in ports]}
        details["in"] = came_by.name if came_by is not None else ""
        if vlan:
            details["vlan"] = vlan
            details["came_tagged"] = frame.tag >= 0
            details["tagged"] = [port.name for port in ports if self._tag_at(port, vlan)]
        now = self.engine.now
        known = self.seen.get(vlan << _VLAN_SHIFT | frame.destination)
        if known is not None:
            details["age_s"] = (now - known.at) // 1_000_000_000
        version = (len(self.seen), self.moves)
        if version != self.told_table:
            self.told_table = version
            details["table"] = [
                f"{mac_text(each.mac)} {f'vlan {each.vlan} ' if each.vlan else ''}{each.port.name}"
                for each in self.mac_table()[:_LINES_TOLD]
            ]
            details["table_lines"] = len(self.seen)
        subject = f"{mac_text(frame.source)}>{mac_text(frame.destination)}"
        self.watch.step(now, self.name, Stop.SWITCH, subject, details)
