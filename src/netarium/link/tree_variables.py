"""The variables of one port of a spanning tree, in the standard's words; `tree_port` has the machines that change them.

Read first: IEEE 802.1D-2004 clause 17.19 (variables), 17.5 (priority vectors), 17.7 (roles).

A timer is the time in ns at which it runs out: it "is zero" when that time has come. Timers that the standard holds
at their full value in some role (`fdWhile` of an alternate port, `rrWhile` of a root port) are set when that role is
left, which is the same.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Final

from netarium.wire import stp
from netarium.wire.stp import Bpdu

if TYPE_CHECKING:
    from netarium.link.port import Port
    from netarium.link.spanning_tree import SpanningTree

Vector = tuple[int, int, int, int]
"""A priority vector: root, root path cost, designated bridge, designated port (17.5). Less is better."""
Times = tuple[int, int, int, int]
"""Message age, maximum age, hello time, forward delay, in 1/256 s."""

TICK_NS: Final = 1_000_000_000 // stp.SECOND
SECOND_NS: Final = 1_000_000_000
MIGRATE_TIME_NS: Final = 3 * SECOND_NS
WORST: Final[Vector] = (1 << 64, 0, 0, 0)


class Role(Enum):
    """What a port is for (17.7)."""

    DISABLED = "disabled"
    ROOT = "root"
    DESIGNATED = "designated"
    ALTERNATE = "alternate"
    BACKUP = "backup"


class Info(Enum):
    """Where a port's priority vector comes from (17.19.10)."""

    DISABLED = "disabled"
    AGED = "aged"
    MINE = "mine"
    RECEIVED = "received"


class Told(Enum):
    """What a BPDU tells a port, compared with what it knows (17.21.8)."""

    SUPERIOR_DESIGNATED = 1
    REPEATED_DESIGNATED = 2
    INFERIOR_DESIGNATED = 3
    NOT_DESIGNATED = 4
    OTHER = 5


class TreeVariables:
    """The spanning tree's side of one port. `cost` is its path cost, `identifier` its 16 bits of priority and number,
    `edge` whether the operator says that no bridge is behind it.
    """

    __slots__ = (
        "agree",
        "agreed",
        "cost",
        "designated",
        "designated_times",
        "disputed",
        "edge",
        "edge_delay_while",
        "enabled",
        "fd_while",
        "flush",
        "forward",
        "forwarding",
        "hello_when",
        "identifier",
        "info",
        "learn",
        "learning",
        "mdelay_while",
        "new_info",
        "operational_edge",
        "point_to_point",
        "port",
        "proposed",
        "proposing",
        "rb_while",
        "received",
        "received_info_while",
        "reroot",
        "role",
        "rr_while",
        "selected_role",
        "sends_rapid",
        "sync",
        "synced",
        "tc_ack",
        "tc_ack_received",
        "tc_active",
        "tc_prop",
        "tc_received",
        "tc_while",
        "tcn_received",
        "times",
        "transmitted",
        "transmitted_when",
        "tree",
        "update_info",
        "vector",
    )  # fmt: skip

    def __init__(self, tree: SpanningTree, port: Port, identifier: int, cost: int, edge: bool) -> None:
        self.tree: Final = tree
        self.port: Final = port
        self.identifier = identifier
        self.cost = cost
        self.edge = edge
        self.enabled = False
        self.reset()

    def reset(self) -> None:
        """As after power-on (17.24, BEGIN)."""
        self.point_to_point = True
        self.role = self.selected_role = Role.DISABLED
        self.info = Info.DISABLED
        self.vector: Vector = WORST
        self.designated: Vector = WORST
        self.times = self.designated_times = self.tree.own_times
        self.received: Bpdu | None = None
        self.learn = self.forward = self.learning = self.forwarding = False
        self.proposing = self.proposed = self.agree = self.agreed = self.disputed = False
        self.sync = self.reroot = self.update_info = self.flush = False
        self.synced = True
        self.new_info = False
        self.operational_edge = self.edge
        self.sends_rapid = self.tree.is_rapid
        self.tc_received = self.tcn_received = self.tc_ack_received = False
        self.tc_prop = self.tc_ack = self.tc_active = False
        self.transmitted = 0
        self.edge_delay_while = self.fd_while = self.hello_when = self.mdelay_while = self.rb_while = 0
        self.received_info_while = self.rr_while = self.tc_while = self.transmitted_when = 0

    @property
    def state(self) -> str:
        """As switches show it: 802.1D-1998 has five words, RSTP three."""
        if not self.enabled:
            return "disabled"
        if self.forwarding:
            return "forwarding"
        if self.learning:
            return "learning"
        if self.tree.is_rapid:
            return "discarding"
        return "listening" if self.role in (Role.ROOT, Role.DESIGNATED) else "blocking"

    def deadlines(self) -> tuple[int, ...]:
        """When each of its timers runs out."""
        return (
            self.edge_delay_while,
            self.fd_while,
            self.hello_when,
            self.mdelay_while,
            self.rb_while,
            self.received_info_while,
            self.rr_while,
            self.tc_while,
            self.transmitted_when,
        )

    @property
    def max_forward_ns(self) -> int:
        """FwdDelay (17.20.6)."""
        return self.designated_times[3] * TICK_NS

    @property
    def forward_delay_ns(self) -> int:
        """17.20.5: the hello time among rapid bridges, the forward delay otherwise."""
        return self.designated_times[2 if self.sends_rapid else 3] * TICK_NS
