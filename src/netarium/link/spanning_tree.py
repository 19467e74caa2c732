"""Spanning tree: bridges agree on one tree of cables, and block the rest, so that nothing goes round in circles.

Read first: IEEE 802.1D-2004 clause 17 (RSTP, once 802.1w); 802.1D-1998 clause 8 for what `stp` is. One engine serves
both: with `is_rapid` False it is the standard's STP-compatible mode (17.4: force protocol version 0), which sends
Configuration and Topology Change Notification BPDUs, waits twice the forward delay before it forwards, and shortens
the ageing after a topology change instead of forgetting at once.

The state machines at a port are in `tree_port`, sending (17.26) is in `tree_sending`. Here are the bridge's machines:
which role each port has (17.28), the protocol of each neighbour (17.24), edge ports (17.25), timers. Everything runs on
the engine's background events: a tree alone keeps no run going, its BPDUs on a cable do, for as long as they are on it.

A known weakness of the standard's RSTP is here too: when the root goes silent, old information may go round ("count to
infinity") until its message age ends it, and an agreement that was meant for an older proposal may open a loop for
some milliseconds. STP has no such race.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from netarium.errors import UsageError, WireError
from netarium.journey import Cause, Drop
from netarium.link.hub import Repeater
from netarium.link.tree_port import TreePort
from netarium.link.tree_sending import transmit
from netarium.link.tree_variables import MIGRATE_TIME_NS, TICK_NS, Info, Role, Times, Vector
from netarium.wire import stp
from netarium.wire.stp import Bpdu

if TYPE_CHECKING:
    from netarium.link.port import Port
    from netarium.link.switch import Bridge
    from netarium.wire.ethernet import Frame

PRIORITY: Final = 32768
PRIORITY_STEP: Final = 4096
PORT_PRIORITY: Final = 128
MAX_AGE_S: Final = 20
HELLO_TIME_S: Final = 2
FORWARD_DELAY_S: Final = 15
"""802.1D-2004 table 17-1; so does Linux."""

_ROUNDS_MAX: Final = 1000
_SHORT_COSTS: Final = ((10_000_000_000, 2), (1_000_000_000, 4), (100_000_000, 19), (10_000_000, 100))
_TERABITS: Final = 20_000_000_000_000


def path_cost(rate_bps: int | None, is_rapid: bool) -> int:
    """What a port of this rate costs: 802.1D-2004 table 17-3 (20 Tbit/s divided by the rate), or with STP the
    numbers of 802.1D-1998 table 8-5, as Linux has them.
    """
    if rate_bps is None:
        return 1
    if is_rapid:
        return min(200_000_000, max(1, _TERABITS // rate_bps))
    for least_bps, cost in _SHORT_COSTS:
        if rate_bps >= least_bps:
            return cost
    return min(65_535, 1_000_000_000 // rate_bps or 1)


class SpanningTree:
    """The spanning tree of one bridge, with the MAC address `mac`. `ports` by port number, in order of adding."""

    __slots__ = (
        "bridge", "cause", "changes", "is_rapid", "mac", "own_times", "ports", "priority", "reselect", "root_cost",
        "root_id", "root_port", "root_times", "running", "wake_at",
    )  # fmt: skip

    def __init__(self, bridge: Bridge, mac: int, *, is_rapid: bool, priority: int = PRIORITY) -> None:
        if not 0 <= priority <= 61440 or priority % PRIORITY_STEP:
            raise UsageError(
                f"spanning tree priority {priority}; give a multiple of {PRIORITY_STEP} from 0 to 61440"
            )
        self.bridge: Final = bridge
        self.mac: Final = mac
        self.is_rapid: Final = is_rapid
        self.priority: Final = priority
        second = stp.SECOND
        self.own_times: Times = (0, MAX_AGE_S * second, HELLO_TIME_S * second, FORWARD_DELAY_S * second)
        self.ports: dict[int, TreePort] = {}
        self.changes = 0
        """How many topology changes this bridge has noticed at its own ports."""
        self.running = False
        self.wake_at = -1
        self.cause = Cause.OPERATOR
        self._clear()

    def _clear(self) -> None:
        self.reselect = True
        self.root_id = self.identifier
        self.root_cost = 0
        self.root_port: TreePort | None = None
        self.root_times = self.own_times

    @property
    def identifier(self) -> int:
        """The bridge identifier: 16 bits of priority, 48 of MAC (9.2.5)."""
        return self.priority << 48 | self.mac

    @property
    def is_root(self) -> bool:
        """Whether this bridge is the root of the tree, as far as it knows."""
        return self.root_port is None

    # The bridge's side.

    def add_port(
        self, port: Port, *, cost: int = 0, priority: int = PORT_PRIORITY, edge: bool = False
    ) -> TreePort:
        """Take a port into the tree; `cost` 0 is chosen by the rate of its cable. It is closed until it may forward."""
        if not 0 <= priority <= 240 or priority % 16:
            raise UsageError(f"{port.name}: port priority {priority}; give a multiple of 16 from 0 to 240")
        number = len(self.ports) + 1
        made = TreePort(self, port, priority << 8 | number, cost, edge)
        self.ports[port.number] = made
        self.bridge.close(port)
        if port.up and self.running:
            self.carrier_changed(port, True)
        return made

    def start(self) -> None:
        """Begin, at power-on."""
        self.running = True
        self._clear()
        for each in self.ports.values():
            each.reset()
            each.enabled = False
            self.bridge.close(each.port)
            if each.port.up:
                self.carrier_changed(each.port, True)

    def stop(self) -> None:
        """End, at power-off: nothing fires any more."""
        self.running = False
        self.wake_at = -1

    def carrier_changed(self, port: Port, up: bool) -> None:
        """A cable was plugged in, cut or healed. The machines run at this instant, but after whoever cut it."""
        each = self.ports.get(port.number)
        if each is None or not self.running:
            return
        each.enabled = up
        if up:
            each.operational_edge = each.edge
            each.sends_rapid = self.is_rapid
        self.cause = Cause.OPERATOR
        self._wake(self.bridge.engine.now)

    def receive(self, port: Port, frame: Frame) -> None:
        """A frame for the bridge group address has come in."""
        each = self.ports[port.number]
        try:
            bpdu = Bpdu.of_frame(frame)
        except WireError as error:
            port.drop(Drop.BPDU_MALFORMED, frame, str(error))
            return
        if not each.enabled or (bpdu.bridge == self.identifier and bpdu.port == each.identifier):
            return  # 9.3.4: one's own, come back
        now = self.bridge.engine.now
        self.cause = Cause.BPDU
        each.operational_edge = False
        each.edge_delay_while = now + MIGRATE_TIME_NS
        self._migrate(each, bpdu, now)
        each.received = bpdu
        self._run(now)

    def fire(self, argument: Any) -> None:
        """An engine event: a timer has run out, or there is something to look at."""
        if argument == self.wake_at and self.running:
            self.wake_at = -1
            self._run(self.bridge.engine.now)

    # Machines of the bridge.

    def _run(self, now: int) -> None:
        """Run all machines until none has anything to do, then send, and sleep until the next timer."""
        ports = list(self.ports.values())
        for each in ports:
            if each.enabled:
                each.point_to_point = _is_point_to_point(each.port)
        for _ in range(_ROUNDS_MAX):
            changed = False
            for each in ports:
                changed = each.inform(now) or changed
            if self.reselect:
                self._select_roles()
                changed = True
            for each in ports:
                self._detect_edge(each, now)
                changed = each.take_role(now) or changed
                changed = self._set_state(each) or changed
                changed = each.change_topology(now) or changed
                if each.flush:
                    each.flush = False
                    self._forget_behind(each)
            if not changed:
                break
        else:
            raise AssertionError(f"the spanning tree of {self.bridge.name} does not settle")
        for each in ports:
            transmit(each, now)
        self.cause = Cause.AGED
        later = [time for each in ports if each.enabled for time in each.deadlines() if time > now]
        if later:
            self._wake(min(later))

    def _wake(self, time_ns: int) -> None:
        if self.wake_at < 0 or time_ns < self.wake_at:
            self.wake_at = time_ns
            self.bridge.engine.at(time_ns, self, time_ns)

    def _select_roles(self) -> None:
        """updtRolesTree (17.21.25): the root port, and every port's role."""
        self.reselect = False
        own = self.identifier
        best: tuple[Vector, int] = ((own, 0, own, 0), 0)
        self.root_port = None
        for each in self.ports.values():
            if each.info is not Info.RECEIVED or each.vector[2] & _MAC == self.mac:
                continue
            root, cost, bridge, port = each.vector
            offered = ((root, cost + self.cost_of(each), bridge, port), each.identifier)
            if offered < best:
                best = offered
                self.root_port = each
        self.root_id, self.root_cost = best[0][0], best[0][1]
        if self.root_port is None:
            self.root_times = self.own_times
        else:
            age, *others = self.root_port.times
            self.root_times = (age + stp.SECOND, others[0], others[1], others[2])
        for each in self.ports.values():
            each.designated = (self.root_id, self.root_cost, own, each.identifier)
            each.designated_times = (*self.root_times[:2], self.own_times[2], self.root_times[3])
            each.update_info = False
            each.selected_role = self._role_of(each)

    def _role_of(self, each: TreePort) -> Role:
        if each.info is Info.DISABLED:
            return Role.DISABLED
        if each is self.root_port:
            return Role.ROOT
        if each.info is Info.RECEIVED and each.designated >= each.vector:
            return Role.BACKUP if each.vector[2] & _MAC == self.mac else Role.ALTERNATE
        each.update_info = each.info is not Info.MINE or (
            each.vector != each.designated or each.times != each.designated_times
        )
        return Role.DESIGNATED

    def _set_state(self, each: TreePort) -> bool:
        """The port state transition machine (17.30), and the bridge told of it."""
        if (each.learn, each.forward) == (each.learning, each.forwarding):
            return False
        before = each.state
        if each.learning and not each.learn:
            self.bridge.forget(each.port)
        each.learning, each.forwarding = each.learn, each.forward
        if each.forwarding:
            self.bridge.open(each.port)
        else:
            self.bridge.close(each.port)
        self._tell(each, before, each.state)
        return True

    def _detect_edge(self, each: TreePort, now: int) -> None:
        """The bridge detection machine (17.25): nobody has answered the proposal for long enough."""
        if (
            each.enabled
            and each.proposing
            and each.sends_rapid
            and not each.operational_edge
            and each.role is Role.DESIGNATED
            and each.edge_delay_while <= now
        ):
            each.operational_edge = True

    def _migrate(self, each: TreePort, bpdu: Bpdu, now: int) -> None:
        """The protocol migration machine (17.24): speak to each neighbour as it speaks."""
        if not self.is_rapid or each.mdelay_while > now:
            return
        is_rapid = bpdu.type == stp.RAPID
        if is_rapid != each.sends_rapid:
            each.sends_rapid = is_rapid
            each.mdelay_while = now + MIGRATE_TIME_NS

    def _forget_behind(self, each: TreePort) -> None:
        """17.19.1 and 17.19.7: at once among rapid bridges; with STP entries age in the forward delay for a while."""
        if self.is_rapid:
            self.bridge.forget(each.port)
        else:
            self.bridge.age_fast(self.root_times[3] * TICK_NS)

    # What ports ask of each other.

    def set_sync(self) -> None:
        """17.21.14: no port but edges may forward before the neighbours agree."""
        for each in self.ports.values():
            each.sync = True

    def set_reroot(self) -> None:
        """17.21.13: those that were root ports not long ago must stop."""
        for each in self.ports.values():
            each.reroot = True

    def all_synced(self) -> bool:
        """17.20.3."""
        return all(
            each.role is each.selected_role
            and not each.update_info
            and (each.synced or each.role is Role.ROOT)
            for each in self.ports.values()
        )

    def is_rerooted(self, root: TreePort, now: int) -> bool:
        """17.20.10: no other port was a root port not long ago."""
        return all(each is root or each.rr_while <= now for each in self.ports.values())

    def propagate_change(self, source: TreePort) -> None:
        """17.21.18: tell all others of a topology change."""
        for each in self.ports.values():
            if each is not source:
                each.tc_prop = True

    def cost_of(self, each: TreePort) -> int:
        """The path cost of a port."""
        if each.cost:
            return each.cost
        cable = each.port.cable
        return path_cost(None if cable is None else cable.rate_bps, self.is_rapid)

    # Watching.

    def tell_role(self, each: TreePort, before: Role) -> None:
        """Tell the watchers that a port has another role."""
        state = self.bridge.watch.state
        if state is not None:
            state(
                self.bridge.engine.now,
                each.port.name,
                "spanning tree role",
                before.value,
                each.role.value,
                self.cause,
            )

    def _tell(self, each: TreePort, before: str, after: str) -> None:
        state = self.bridge.watch.state
        if state is not None and before != after:
            state(self.bridge.engine.now, each.port.name, "spanning tree state", before, after, self.cause)


_MAC: Final = (1 << 48) - 1


def _is_point_to_point(port: Port) -> bool:
    """Whether one other box alone is at the far end; a hub there means a shared medium (6.4.3)."""
    cable = port.cable
    if cable is None:
        return True
    far = cable.b if cable.a is port else cable.a
    return not isinstance(far.owner, Repeater)
