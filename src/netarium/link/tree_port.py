"""The state machines that stand at one port of a spanning tree.

Read first: IEEE 802.1D-2004 clauses 17.27 (port information), 17.29 (role transitions), 17.31 (topology change). The
machines are written as conditions over the standard's variables (`tree_variables`), in its words; each method does one
round and says whether it changed anything. `spanning_tree` runs them until none does.
"""

from __future__ import annotations

from typing import Final

from netarium.link.tree_variables import (
    MIGRATE_TIME_NS,
    SECOND_NS,
    TICK_NS,
    Info,
    Role,
    Times,
    Told,
    TreeVariables,
    Vector,
)
from netarium.wire import stp
from netarium.wire.stp import Bpdu


class TreePort(TreeVariables):
    """The spanning tree's side of one port: its variables and its machines."""

    __slots__ = ()

    # Port information (17.27).

    def inform(self, now: int) -> bool:
        """One round of the port information machine."""
        if not self.enabled:
            if self.info is Info.DISABLED:
                return False
            self.received = None
            self.proposing = self.proposed = self.agree = self.agreed = False
            self.received_info_while = 0
            self.info = Info.DISABLED
            self.tree.reselect = True
            return True
        if self.info is Info.DISABLED:
            self._age()
            return True
        if self.tree.reselect:
            return False  # roles first: SELECTED is false until then
        if self.update_info:
            self._update()
            return True
        if self.info is Info.RECEIVED and self.received_info_while <= now and self.received is None:
            self._age()
            return True
        if self.received is not None:
            bpdu, self.received = self.received, None
            self._receive(bpdu, now)
            return True
        return False

    def _age(self) -> None:
        self.info = Info.AGED
        self.tree.reselect = True

    def _update(self) -> None:
        """UPDATE: what this bridge says itself is the better information."""
        self.proposing = self.proposed = False
        self.agreed = self.agreed and self.info is Info.MINE and self.designated <= self.vector
        self.synced = self.synced and self.agreed
        self.vector = self.designated
        self.times = self.designated_times
        self.update_info = False
        self.info = Info.MINE
        self.new_info = True

    def _receive(self, bpdu: Bpdu, now: int) -> None:
        """RECEIVE and the five states after it."""
        vector: Vector = (bpdu.root, bpdu.cost, bpdu.bridge, bpdu.port)
        times: Times = (bpdu.message_age, bpdu.max_age, bpdu.hello_time, bpdu.forward_delay)
        told = self._compared(bpdu, vector, times)
        if told is Told.OTHER:
            if bpdu.type == stp.TOPOLOGY_CHANGE_NOTIFICATION:
                self.tcn_received = True
            return
        if told is Told.INFERIOR_DESIGNATED:
            # 17.21.10: a bridge that learns on a worse offer than ours has not heard us.
            if bpdu.type == stp.RAPID and bpdu.flags & stp.LEARNING:
                self.disputed = True
                self.agreed = False
            return
        self.tc_received = self.tc_received or bool(bpdu.flags & stp.TOPOLOGY_CHANGE)
        self.tc_ack_received = self.tc_ack_received or bool(bpdu.flags & stp.TOPOLOGY_CHANGE_ACKNOWLEDGMENT)
        if told is Told.NOT_DESIGNATED:
            self._record_agreement(bpdu)
            return
        if bpdu.flags & stp.PROPOSAL and bpdu.type == stp.RAPID:
            self.proposed = True
        self.received_info_while = self._living_until(times, now)
        if told is Told.REPEATED_DESIGNATED:
            self._record_agreement(bpdu)
            return
        self.agreed = self.proposing = False
        self.agree = self.agree and self.info is Info.RECEIVED and vector <= self.vector
        self._record_agreement(bpdu)
        self.synced = self.synced and self.agreed
        self.vector = vector
        self.times = times
        self.info = Info.RECEIVED
        self.tree.reselect = True

    def _compared(self, bpdu: Bpdu, vector: Vector, times: Times) -> Told:
        if bpdu.type == stp.TOPOLOGY_CHANGE_NOTIFICATION:
            return Told.OTHER
        if bpdu.role != stp.ROLE_DESIGNATED:
            return Told.NOT_DESIGNATED if vector >= self.vector else Told.OTHER
        if vector == self.vector and times == self.times and self.info is Info.RECEIVED:
            return Told.REPEATED_DESIGNATED
        # 17.6: news from the bridge and port that this port believes anyway count even when they are worse.
        same_sender = (
            vector[2] & _MAC == self.vector[2] & _MAC and vector[3] & _NUMBER == self.vector[3] & _NUMBER
        )
        if vector < self.vector or vector == self.vector or same_sender:
            return Told.SUPERIOR_DESIGNATED
        return Told.INFERIOR_DESIGNATED

    def _record_agreement(self, bpdu: Bpdu) -> None:
        """17.21.9."""
        if (
            self.tree.is_rapid
            and self.point_to_point
            and bpdu.type == stp.RAPID
            and bpdu.flags & stp.AGREEMENT
        ):
            self.agreed = True
            self.proposing = False
        else:
            self.agreed = False

    @staticmethod
    def _living_until(times: Times, now: int) -> int:
        """17.21.23: three hello times, unless the information has come too far."""
        message_age, max_age, hello_time, _ = times
        return now + 3 * hello_time * TICK_NS if message_age + stp.SECOND <= max_age else now

    # Role transitions (17.29).

    def take_role(self, now: int) -> bool:
        """Take over the selected role, and one round of that role's machine."""
        if self.update_info:
            return False
        if self.role is not self.selected_role:
            self._change_role(now)
            return True
        if self.role is Role.ROOT:
            return self._root(now)
        if self.role is Role.DESIGNATED:
            return self._designated(now)
        return self._blocked(now)

    def _change_role(self, now: int) -> None:
        before, self.role = self.role, self.selected_role
        if before is Role.ROOT:
            self.rr_while = now + self.max_forward_ns
        if before in (Role.DISABLED, Role.ALTERNATE, Role.BACKUP):
            # 17.29.1 holds a disabled port at MaxAge; 802.1D-1998 8.6.12 starts listening with the forward delay.
            self.fd_while = now + self.max_forward_ns
        if before is Role.BACKUP:
            self.rb_while = now + 2 * self.designated_times[2] * TICK_NS
        if self.role in (Role.DISABLED, Role.ALTERNATE, Role.BACKUP):
            self.learn = self.forward = False
            self.rr_while = 0
        self.tree.tell_role(self, before)

    def _blocked(self, now: int) -> bool:
        """Disabled, alternate and backup ports (17.29.1 and 17.29.4)."""
        changed = False
        if self.sync or self.reroot or not self.synced:
            self.sync = self.reroot = False
            self.synced = True
            changed = True
        if self.role is Role.DISABLED:
            return changed
        return self._answer_proposal() or changed

    def _answer_proposal(self) -> bool:
        """ROOT_PROPOSED, ROOT_AGREED, and the same of alternate ports; a bridge of 802.1D-1998 is told nothing."""
        if not self.sends_rapid:
            return False
        if self.proposed and not self.agree:
            self.tree.set_sync()
            self.proposed = False
            return True
        if (self.tree.all_synced() and not self.agree) or (self.proposed and self.agree):
            self.proposed = False
            self.agree = True
            self.new_info = True
            return True
        return False

    def _root(self, now: int) -> bool:
        """17.29.2."""
        if self.sync:
            self.sync = False
        if self._answer_proposal():
            return True
        if not self.forward and not self.reroot:
            self.tree.set_reroot()
            return True
        if self.reroot and self.forward:
            self.reroot = False
            return True
        soon = self.tree.is_rapid and self.rb_while <= now and self.tree.is_rerooted(self, now)
        return self._advance(now, self.fd_while <= now or soon)

    def _designated(self, now: int) -> bool:
        """17.29.3."""
        if not self.forward and not self.agreed and not self.proposing and not self.operational_edge:
            self.proposing = True
            wait_ns = MIGRATE_TIME_NS if self.point_to_point else self.designated_times[1] * TICK_NS
            self.edge_delay_while = now + wait_ns
            self.new_info = True
            return True
        still = not self.learning and not self.forwarding
        if (not self.synced and (still or self.agreed or self.operational_edge)) or (
            self.sync and self.synced
        ):
            self.rr_while = 0
            self.synced = True
            self.sync = False
            return True
        if self.reroot and self.rr_while <= now:
            self.reroot = False
            return True
        must_stop = (self.sync and not self.synced) or (self.reroot and self.rr_while > now) or self.disputed
        if must_stop and not self.operational_edge and (self.learn or self.forward):
            self.learn = self.forward = self.disputed = False
            self.fd_while = now + self.forward_delay_ns
            return True
        may = (self.rr_while <= now or not self.reroot) and not self.sync
        return may and self._advance(now, self.fd_while <= now or self.agreed or self.operational_edge)

    def _advance(self, now: int, may: bool) -> bool:
        """One step towards forwarding, if it may: first learn, then forward."""
        if not may or self.forward:
            return False
        if not self.learn:
            self.learn = True
            self.fd_while = now + self.forward_delay_ns
        else:
            self.forward = True
            self.fd_while = now
            if self.role is Role.DESIGNATED:
                self.agreed = self.sends_rapid
        return True

    # Topology change (17.31).

    def change_topology(self, now: int) -> bool:
        """One round of the topology change machine."""
        if not self.tc_active:
            return self._begin_change(now)
        if self.role not in (Role.ROOT, Role.DESIGNATED) or self.operational_edge:
            self.tc_active = False
            return True
        if self.tcn_received or self.tc_received:
            if self.tcn_received:
                self._new_tc_while(now)
            self.tc_received = self.tcn_received = False
            if self.role is Role.DESIGNATED:
                self.tc_ack = True
                self.new_info = (
                    self.new_info or not self.sends_rapid
                )  # 802.1D-1998 8.6.16: acknowledged at once
            self.tree.propagate_change(self)
            return True
        if self.tc_prop:
            self.tc_prop = False
            self._new_tc_while(now)
            self.flush = True
            return True
        if self.tc_ack_received:
            self.tc_ack_received = False
            self.tc_while = 0
            return True
        return False

    def _begin_change(self, now: int) -> bool:
        """INACTIVE, LEARNING and DETECTED: a port that begins to forward has changed the topology."""
        self.tc_received = self.tcn_received = self.tc_ack_received = self.tc_prop = False
        if self.role in (Role.ROOT, Role.DESIGNATED) and self.forward and not self.operational_edge:
            self.tree.changes += 1
            self._new_tc_while(now)
            self.tree.propagate_change(self)
            self.new_info = True
            self.tc_active = True
            return True
        if not self.learn and self.tc_while:
            self.tc_while = 0
            self.tc_ack = False
        return False

    def _new_tc_while(self, now: int) -> None:
        """17.21.7: how long this port tells others of the change."""
        if self.tc_while > now:
            return
        self.new_info = True
        if self.sends_rapid:
            self.tc_while = now + self.designated_times[2] * TICK_NS + SECOND_NS
        else:
            times = self.tree.root_times
            self.tc_while = now + (times[1] + times[3]) * TICK_NS


_MAC: Final = (1 << 48) - 1
_NUMBER: Final = 0xFFF
