"""RACK-TLP: what was sent earlier than something that has arrived is lost, and a silent tail is probed.

Read first: RFC 8985 sections 6.2 (loss detection), 6.2 step 4 (the reordering window), 7 (tail loss probe).

First transmissions stand in `flight` in the order in which they were sent, retransmissions in `resent`; so both can be
judged from the front, and what was judged is not looked at again. `acks` calls `note_delivered` and `find_losses`,
`timers` calls `probe_tail`.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import Final

from netarium.stack.tcp.control_block import NEVER_NS, ControlBlock
from netarium.stack.tcp.recovery import mark_lost
from netarium.stack.tcp.segment import Segment

DELAYED_ACK_NS: Final = 200_000_000
"""RFC 8985 TLP.max_ack_delay: how long the peer may hold the acknowledgment of a single segment."""
PROBE_WITHOUT_RTT_NS: Final = 1_000_000_000
PROBE_SLACK_NS: Final = 2_000_000
"""Linux TCP_TIMEOUT_MIN, two jiffies, on top of two round trips when more than one segment is out."""
WINDOW_PERSISTS_RECOVERIES: Final = 16
"""RFC 8985 section 6.2 step 4: a widened window is kept for so many recoveries."""


def _start(segment: Segment) -> int:
    return segment.start


def note_delivered(c: ControlBlock, segment: Segment, now: int) -> None:
    """A segment is acknowledged for the first time, cumulatively or selectively. (RFC 8985 section 6.2, steps 1 to 3)

    As on Linux only the least round trip tells which transmission of a segment is answered: a SACK echoes the timestamp
    of the last segment in order, not that of the one it reports.
    """
    sent_at = segment.sent_at_ns
    rtt_ns = now - sent_at
    if segment.transmissions > 1:
        if rtt_ns < c.rtt.min_ns:
            return  # it answers an earlier transmission than the last
    elif segment.end < c.highest_delivered:
        c.reordering_seen = True
    if segment.end > c.highest_delivered:
        c.highest_delivered = segment.end
    c.rack_rtt_ns = rtt_ns
    if sent_at > c.rack_sent_at or (sent_at == c.rack_sent_at and segment.end > c.rack_end):
        c.rack_sent_at = sent_at
        c.rack_end = segment.end


def reordering_window_ns(c: ControlBlock) -> int:
    """How long a segment may be late before it counts as lost. (RFC 8985 section 6.2 step 4)"""
    if not c.reordering_seen and (
        c.recovering or c.sacked_bytes > (c.stack.settings.tcp_reordering - 1) * c.mss
    ):
        return 0
    return min(c.reordering_steps * c.rtt.min_ns // 4, c.rtt.srtt_ns)


def note_duplicate_report(c: ControlBlock) -> None:
    """A D-SACK: something was sent again without need, so be more patient. (RFC 8985 section 6.2 step 4)"""
    if c.snd_una > c.reordering_round_end:
        c.reordering_round_end = c.snd_nxt
        c.reordering_steps += 1
        c.reordering_persists = WINDOW_PERSISTS_RECOVERIES


def note_recovery_over(c: ControlBlock) -> None:
    """Patience wears off after so many recoveries."""
    if c.reordering_persists:
        c.reordering_persists -= 1
        if not c.reordering_persists:
            c.reordering_steps = 1


def find_losses(c: ControlBlock) -> bool:
    """Mark as lost what was sent long enough before the newest delivered; True when something was. (step 5)"""
    now = c.stack.now
    # What was sent at `limit` or before has had its round trip and the reordering window.
    limit = now - c.rack_rtt_ns - reordering_window_ns(c)
    newest = (c.rack_sent_at, c.rack_end)
    wait_until = NEVER_NS
    found = False
    resent = c.resent
    while resent:
        sent_at, segment = resent[0]
        if (
            segment.sacked
            or segment.end <= c.snd_una
            or segment.sent_at_ns != sent_at
            or not segment.retransmitted
        ):
            resent.popleft()
            continue
        if (sent_at, segment.end) >= newest:
            break
        if sent_at > limit:
            wait_until = now + sent_at - limit
            break
        resent.popleft()
        mark_lost(c, segment, bisect_left(c.flight, segment.start, lo=c.flight_head, key=_start))
        found = True
    flight = c.flight
    index = bisect_left(flight, c.judged_to, lo=c.flight_head, key=_start)
    while index < len(flight):
        segment = flight[index]
        sent_at = segment.sent_at_ns
        if not (segment.sacked or segment.lost):
            if (sent_at, segment.end) >= newest:
                break
            if sent_at > limit:
                wait_until = min(wait_until, now + sent_at - limit)
                break
            mark_lost(c, segment, index)
            found = True
        elif segment.end > c.rack_end and sent_at >= c.rack_sent_at:
            break
        c.judged_to = segment.end
        index += 1
    c.reorder_at = wait_until
    if wait_until < c.deadline_ns:
        c.stack.timers.arm(c, wait_until)
    return found


def probe_delay_ns(c: ControlBlock) -> int:
    """After how much silence the tail is probed. (RFC 8985 section 7.2)"""
    srtt_ns = c.rtt.srtt_ns
    if not srtt_ns:
        return PROBE_WITHOUT_RTT_NS
    delay = 2 * srtt_ns
    return delay + (DELAYED_ACK_NS if c.snd_nxt - c.snd_una <= c.mss else PROBE_SLACK_NS)
