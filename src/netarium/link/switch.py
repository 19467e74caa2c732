"""A transparent learning bridge: the inside of a layer-2 switch. Read first: IEEE 802.1Q clauses 8.6 to 8.8.

Every decision is made by layer-2 fields alone: the two MAC addresses, and the VLAN once ports have one (all
frames are in VLAN 0 here; the table already has it in its key).

- Learn (8.7): the source MAC was last seen at this port; an address that turns up elsewhere moves.
- Look up (8.6): a known destination goes out by its port alone, never by the one it came in by
  (SWITCH_SAME_PORT).
- Flood: unknown, broadcast and multicast destinations go out by all other ports with a carrier
  (SWITCH_NO_PORT if none).
- 01-80-C2-00-00-00 to -0F stay on their cable (8.6.3): SWITCH_RESERVED.
- Age (8.8.3): an entry not seen for `ageing_ns` counts no more. It is looked at when used, no timer runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from netarium.addresses import mac_text
from netarium.journey import Cause, Drop, Stop, Watch
from netarium.link.port import Port
from netarium.wire.ethernet import Frame

if TYPE_CHECKING:
    from netarium.engine.events import Engine

AGEING_NS: Final = 300 * 1_000_000_000
"""IEEE 802.1Q table 8-6: 300 s by default; so do Linux bridges and most switches."""

TABLE_ENTRIES_MAX: Final = 8192
"""As many as a small managed switch holds. A full table learns nothing new and floods."""

_PURGE_PAUSE_NS: Final = 1_000_000_000
_GROUP_BIT: Final = 1 << 40
_RESERVED: Final = 0x0180C2000000
_VLAN_SHIFT: Final = 48


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
    """The inside of a switch: `ports` in the order of adding, and the MAC table."""

    __slots__ = (
        "ageing_ns",
        "engine",
        "entries_max",
        "name",
        "ports",
        "purged_at",
        "seen",
        "table_full",
        "watch",
    )

    def __init__(self, name: str, engine: Engine, watch: Watch, *, ageing_ns: int = AGEING_NS) -> None:
        self.name = name
        self.engine = engine
        self.watch = watch
        self.ports: list[Port] = []
        self.ageing_ns = ageing_ns
        self.entries_max = TABLE_ENTRIES_MAX
        self.seen: dict[int, _Seen] = {}
        self.purged_at = -_PURGE_PAUSE_NS
        self.table_full = 0
        """How many times an address was not learnt because the table was full."""

    def receive(self, port: Port, frame: Frame) -> None:
        """Learn from a frame's source and send it where its destination was last seen, or everywhere."""
        now = self.engine.now
        source = frame.source
        known = self.seen.get(source)
        if known is not None and known.port is port:
            known.at = now
        elif not source & _GROUP_BIT:
            self._learn(source, port, known, now)
        destination = frame.destination
        if not destination & _GROUP_BIT:
            target = self.seen.get(destination)
            if target is not None and now - target.at <= self.ageing_ns:
                if target.port is port:
                    port.drop(Drop.SWITCH_SAME_PORT, frame)
                    return
                if self.watch.step is not None:
                    self._tell(frame, "out by the port it was learnt at", target.port)
                target.port.transmit(frame)
                return
        elif destination & ~0xF == _RESERVED:
            port.drop(Drop.SWITCH_RESERVED, frame)
            return
        self._flood(port, frame)

    def carrier_changed(self, port: Port, up: bool) -> None:
        """Forget what was behind a port whose cable is cut or gone, as a switch does at the loss of link."""
        if not up:
            for key in [key for key, seen in self.seen.items() if seen.port is port]:
                del self.seen[key]

    def mac_table(self) -> list[MacEntry]:
        """The living entries, in the order of learning."""
        now = self.engine.now
        return [
            MacEntry(key & (1 << _VLAN_SHIFT) - 1, key >> _VLAN_SHIFT, seen.port, now - seen.at)
            for key, seen in self.seen.items()
            if now - seen.at <= self.ageing_ns
        ]

    def forget(self) -> None:
        """Empty the table."""
        self.seen.clear()

    def _learn(self, mac: int, port: Port, known: _Seen | None, now: int) -> None:
        if known is None:
            if len(self.seen) >= self.entries_max and not self._purge(now):
                self.table_full += 1
                return
            self.seen[mac] = _Seen(port, now)
            before = ""
        else:
            before = known.port.name
            known.port = port
            known.at = now
        if self.watch.state is not None:
            self.watch.state(now, self.name, f"mac {mac_text(mac)}", before, port.name, Cause.SEGMENT)

    def _purge(self, now: int) -> bool:
        """Drop aged entries to make room; not more than once a second, or a flood of new MACs would stall the
        run.
        """
        if now - self.purged_at < _PURGE_PAUSE_NS:
            return False
        self.purged_at = now
        self.seen = {mac: seen for mac, seen in self.seen.items() if now - seen.at <= self.ageing_ns}
        return len(self.seen) < self.entries_max

    def _flood(self, port: Port, frame: Frame) -> None:
        others = [other for other in self.ports if other is not port and other.direction is not None]
        if not others:
            port.drop(Drop.SWITCH_NO_PORT, frame)
            return
        if self.watch.step is not None:
            self._tell(frame, "flooded", *others)
        for other in others:
            other.transmit(frame)

    def _tell(self, frame: Frame, what: str, *ports: Port) -> None:
        assert self.watch.step is not None
        details: dict[str, object] = {"decision": what, "ports": [port.name for port in ports]}
        self.watch.step(
            self.engine.now,
            self.name,
            Stop.SWITCH,
            f"{mac_text(frame.source)}>{mac_text(frame.destination)}",
            details,
        )
