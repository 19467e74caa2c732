"""Taking a reduction of the window back when it turns out that nothing was lost.

Read first: RFC 5682 section 3.1 (F-RTO, its SACK-enhanced form), RFC 3522 (Eifel: the echoed timestamp is older than
the retransmission), RFC 3708 (D-SACK: all that was sent again came twice), RFC 4015 (what to restore); Linux
tcp_process_loss, tcp_try_undo_loss, tcp_try_undo_partial, tcp_try_undo_dsack.

`recovery` calls `remember` before it shrinks the window and `note_resent` for what it sends again; `acks` calls the
rest. As on Linux the window is what it was, or larger; the cubic of RFC 9438 begins a new epoch.
"""

from __future__ import annotations

from netarium.stack.tcp.control_block import ControlBlock
from netarium.stack.tcp.segment import Segment
from netarium.stack.tcp.sequence import MASK, unwrap
from netarium.wire.tcp import TcpHeader

NONE, FIRST_RESENT, NEW_DATA, WAITS = 0, 1, 2, 3
"""F-RTO: off; the first segment was sent again; new data may go instead of more; it went, and its answer will tell."""


def remember(c: ControlBlock) -> None:
    """The window is about to shrink: keep what it was. (Linux tcp_init_undo)"""
    congestion = c.congestion
    c.undo_from = c.snd_una
    c.undo_cwnd_bytes = congestion.cwnd_bytes
    c.undo_ssthresh_bytes = max(congestion.ssthresh_bytes, congestion.cwnd_bytes * 3 // 4)
    if c.recovering:
        c.undo_ssthresh_bytes = congestion.ssthresh_bytes
    c.undo_resent = -(-c.retransmit_bytes // c.mss) + (c.probe_end >= 0 and not c.probe_was_new)
    if not c.undo_resent:
        c.undo_resent = -1  # 0 would say that all of it came twice
    if not c.retransmit_bytes:
        c.undo_stamp = -1


def note_resent(c: ControlBlock) -> None:
    """A segment was sent again."""
    if c.undo_from >= 0:
        c.undo_resent = max(c.undo_resent, 0) + 1
    if c.undo_stamp < 0 and c.timestamps_ok:
        c.undo_stamp = (c.stack.now // 1_000_000 + c.ts_offset) & MASK


def begin_frto(c: ControlBlock, first_reduction: bool) -> None:
    """The timer ran out: find out from what comes next whether that was right. (RFC 5682 section 3.1 step 1)"""
    wanted = c.stack.settings.tcp_frto and (first_reduction or c.retries > 1)
    c.frto = FIRST_RESENT if wanted else NONE


def note_duplicate(c: ControlBlock, header: TcpHeader) -> None:
    """The first SACK block reports what came twice: one retransmission less that was needed. (RFC 3708)"""
    assert header.options is not None
    end = unwrap(header.options.sack[0][1], c.snd_una)
    if c.undo_resent > 0 and c.undo_from < end <= c.snd_nxt:
        c.undo_resent -= 1
        if not c.undo_resent and not c.timed_out:
            take_back(c, False)


def was_delayed(c: ControlBlock, header: TcpHeader) -> bool:
    """Eifel: the acknowledgment answers something sent before the first retransmission. (RFC 3522 section 3.2)"""
    if c.undo_from < 0 or c.undo_stamp < 0 or header.timestamp < 0 or not header.echo:
        return False
    return (header.echo - c.undo_stamp) & MASK > 0x7FFFFFFF


def may_take_back(c: ControlBlock, header: TcpHeader) -> bool:
    """Whether it is proven that nothing was lost. (Linux tcp_may_undo)"""
    return c.undo_from >= 0 and (not c.undo_resent or was_delayed(c, header))


def take_back(c: ControlBlock, unmark: bool) -> None:
    """Restore the window and end the recovery; with `unmark` nothing counts as lost any more. (RFC 4015)"""
    congestion = c.congestion
    congestion.cwnd_bytes = max(congestion.cwnd_bytes, c.undo_cwnd_bytes)
    congestion.ssthresh_bytes = max(congestion.ssthresh_bytes, c.undo_ssthresh_bytes)
    c.undo_from = -1
    c.undos += 1
    c.recovering = False
    if not unmark:
        return
    for index in range(c.flight_head, len(c.flight)):
        c.flight[index].lost = False
    c.lost_bytes = c.lost_pending = 0
    c.judged_to = c.snd_una
    if c.snd_una < c.recovery_point:
        c.recovery_point = c.snd_una - 1  # the next duplicates are news (Linux: back to TCP_CA_Open)
    c.timed_out = False
    c.frto = NONE
    c.duplicate_acks = 0


def original_in(c: ControlBlock, delivered: list[Segment]) -> bool:
    """Whether one of these was sent before the loss and never again: then not all was lost. (RFC 5682 step 3.b)"""
    return any(each.transmissions == 1 and each.end <= c.recovery_point for each in delivered)


def after_timeout(
    c: ControlBlock, header: TcpHeader, advanced: bool, original: bool, duplicate: bool
) -> bool:
    """An acknowledgment came after a time-out; True when it proves the time-out wrong. (RFC 5682 section 3.1)

    `original`: it acknowledges, selectively or not, what was sent once; `duplicate`: it says that something is missing.
    """
    if advanced and may_take_back(c, header):
        take_back(c, True)
        return True
    if not c.frto:
        return False
    if original:
        take_back(c, True)
        return True
    if c.frto == WAITS:
        if duplicate or advanced:
            c.frto = NONE  # step 3.a: the loss was real
    elif advanced and c.snd_una < c.recovery_point:
        c.recovery_point = c.snd_nxt
        c.frto = NEW_DATA if c.unsent_bytes and c.snd_nxt < c.snd_una + c.snd_wnd else NONE
    return False
