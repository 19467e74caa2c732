"""A neighbor (RFC 2328, 10): its state, and what it is still to be sent, asked for and acknowledged by.

Read first: RFC 2328 10.1 (states), 10.3 (the state machine), 10.4 (whether to become adjacent).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from netarium.services.routing.alarms import Alarm
from netarium.services.routing.ospf import exchange
from netarium.services.routing.ospf.constants import (
    N_DOWN,
    N_EXCHANGE,
    N_EXSTART,
    N_FULL,
    N_INIT,
    N_TWO_WAY,
    STATE_NAMES,
)
from netarium.wire.ospf_lsa import Key, Lsa, LsaHeader

if TYPE_CHECKING:
    from netarium.services.routing.ospf.interface import OspfInterface
    from netarium.wire.ospf import Description, Hello


class Neighbor:
    """One router heard on an interface. `designated` and `backup` are what it last declared, as addresses."""

    __slots__ = (
        "address", "backup", "description_alarm", "designated", "found_ns", "heard_ns", "inactivity", "interface",
        "is_master", "last_hello", "last_received", "last_sent", "priority", "request_alarm", "requested", "requests",
        "retransmission", "retransmit_alarm", "router_id", "sequence", "since_ns", "state", "summary",
    )  # fmt: skip

    def __init__(self, interface: OspfInterface, router_id: int, address: int) -> None:
        self.interface: Final = interface
        self.router_id = router_id
        self.address = address
        self.state = N_DOWN
        self.priority = 0
        self.designated = self.backup = 0
        self.last_hello = b""
        self.heard_ns = 0
        self.found_ns = self.since_ns = interface.instance.alarms.now
        """When it was first heard, and when its state last changed."""
        self.inactivity: Alarm | None = None
        # The exchange (10.8): who leads it, where it is, what is left of the summary of our database.
        self.is_master = True
        self.sequence = 0
        self.last_received: tuple[int, int, int] | None = None
        self.last_sent: Description | None = None
        self.summary: list[LsaHeader] = []
        self.description_alarm: Alarm | None = None
        self.requests: dict[Key, LsaHeader] = {}
        """What its database has newer than ours, in order (Link state request list)."""
        self.requested: list[Key] = []
        self.request_alarm: Alarm | None = None
        self.retransmission: dict[Key, tuple[Lsa, int]] = {}
        """What was flooded to it and not acknowledged yet, and when (Link state retransmission list)."""
        self.retransmit_alarm: Alarm | None = None

    def __repr__(self) -> str:
        return f"<Neighbor {self.router_id:#x} on {self.interface.name}: {STATE_NAMES[self.state]}>"

    def heard(self) -> None:
        """A hello has come: it is alive for another RouterDeadInterval."""
        alarms = self.interface.instance.alarms
        self.heard_ns = alarms.now
        if self.inactivity is None:
            self.inactivity = alarms.after(self.interface.dead_ns, self._inactive)

    def age_ns(self) -> int:
        """How long it is known."""
        return self.interface.instance.alarms.now - self.found_ns

    def _inactive(self) -> None:
        """The alarm is moved only when it fires: hellos cost nothing."""
        alarms = self.interface.instance.alarms
        left = self.heard_ns + self.interface.dead_ns - alarms.now
        if left > 0:
            self.inactivity = alarms.after(left, self._inactive)
            self.interface.look_at_kind(self)
        else:
            self.inactivity = None
            self.kill()

    def take_hello(self, hello: Hello, own_id: int) -> None:
        """2-WayReceived or 1-WayReceived (10.5)."""
        self.heard()
        if self.state < N_INIT:
            self.state = N_INIT
        if own_id in hello.neighbors:
            self.two_way()
        elif self.state >= N_TWO_WAY:
            self.set_state(N_INIT)

    def two_way(self) -> None:
        """It has heard us."""
        if self.state == N_INIT:
            self.set_state(N_TWO_WAY)
            self.reconsider()

    def reconsider(self) -> None:
        """AdjOK? (10.4): begin an adjacency, or give one up."""
        wanted = self.interface.wants_adjacency(self)
        if self.state == N_TWO_WAY and wanted:
            self.set_state(N_EXSTART)
            exchange.start(self)
        elif self.state >= N_EXSTART and not wanted:
            self.set_state(N_TWO_WAY)

    def mismatch(self) -> None:
        """SeqNumberMismatch or BadLSReq: the adjacency is torn down and begun again."""
        if self.state >= N_EXCHANGE:
            self.set_state(N_EXSTART)
            exchange.start(self)

    def kill(self) -> None:
        """Not heard for too long, or its link is down."""
        self.set_state(N_DOWN)
        if self.inactivity is not None:
            self.inactivity.cancel()
            self.inactivity = None
        self.interface.forget(self)

    def set_state(self, state: int) -> None:
        """Change the state, with what follows from it for lists, LSAs and the election."""
        old, self.state = self.state, state
        if old == state:
            return
        if state < old and old >= N_EXSTART:
            self._clear()
        instance = self.interface.instance
        self.since_ns = instance.alarms.now
        if N_FULL in (old, state):
            instance.links_changed()
        if (old >= N_TWO_WAY) != (state >= N_TWO_WAY):
            self.interface.neighbor_changed()
        instance.tell_neighbor(self, old)

    def _clear(self) -> None:
        self.summary, self.requests, self.requested = [], {}, []
        self.retransmission = {}
        self.last_received = self.last_sent = None
        for alarm in (self.description_alarm, self.request_alarm, self.retransmit_alarm):
            if alarm is not None:
                alarm.cancel()
        self.description_alarm = self.request_alarm = self.retransmit_alarm = None
