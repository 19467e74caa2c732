"""What a port of a spanning tree says, and when.

Read first: IEEE 802.1D-2004 clauses 17.26 (port transmit), 9.3 (BPDUs).
"""

from __future__ import annotations

from typing import Final

from netarium.link.tree_port import TreePort
from netarium.link.tree_variables import SECOND_NS, TICK_NS, Role
from netarium.wire import stp
from netarium.wire.stp import Bpdu

TRANSMIT_HOLD_COUNT: Final = 6
"""So many BPDUs may leave within a second (table 17-1)."""
_ROLE_BITS: Final = {
    Role.DISABLED: stp.ROLE_UNKNOWN,
    Role.ROOT: stp.ROLE_ROOT,
    Role.DESIGNATED: stp.ROLE_DESIGNATED,
    Role.ALTERNATE: stp.ROLE_ALTERNATE_OR_BACKUP,
    Role.BACKUP: stp.ROLE_ALTERNATE_OR_BACKUP,
}


def transmit(each: TreePort, now: int) -> None:
    """Send what is due at this port: every hello time, and when something is new, but not too often."""
    if not each.enabled:
        return
    if each.transmitted and each.transmitted_when <= now:
        each.transmitted -= 1
        each.transmitted_when = now + SECOND_NS if each.transmitted else 0
    if each.hello_when <= now:
        if each.role is Role.DESIGNATED or (each.role is Role.ROOT and each.tc_while > now):
            each.new_info = True
        each.hello_when = now + each.designated_times[2] * TICK_NS
    if not each.new_info or each.transmitted >= TRANSMIT_HOLD_COUNT:
        return
    bpdu = _bpdu(each, now)
    each.new_info = False
    if bpdu is None:
        return
    if not each.transmitted:
        each.transmitted_when = now + SECOND_NS
    each.transmitted += 1
    each.tc_ack = False
    each.port.transmit(bpdu.frame(each.port.mac))


def _bpdu(each: TreePort, now: int) -> Bpdu | None:
    """What the port has to say; None for nothing (a root port that speaks STP and knows no change)."""
    is_changing = each.tc_while > now
    flags = stp.TOPOLOGY_CHANGE if is_changing else 0
    body = (*each.designated, *each.designated_times)
    if each.sends_rapid:
        flags |= _ROLE_BITS[each.role] << stp.ROLE_SHIFT
        for is_set, bit in (
            (each.agree, stp.AGREEMENT),
            (each.proposing, stp.PROPOSAL),
            (each.learning, stp.LEARNING),
            (each.forwarding, stp.FORWARDING),
        ):
            flags |= bit if is_set else 0
        return Bpdu(stp.RAPID, stp.VERSION_RSTP, flags, *body)
    if each.role is Role.DESIGNATED:
        flags |= stp.TOPOLOGY_CHANGE_ACKNOWLEDGMENT if each.tc_ack else 0
        return Bpdu(stp.CONFIGURATION, stp.VERSION_STP, flags, *body)
    if each.role is Role.ROOT and is_changing:
        return Bpdu(stp.TOPOLOGY_CHANGE_NOTIFICATION, stp.VERSION_STP)
    return None
