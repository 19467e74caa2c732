"""When to acknowledge: at once, with every second full segment, or after a delay.

Read first: RFC 9293 section 3.8.6.3, RFC 5681 section 4.2; Linux __tcp_ack_snd_check, tcp_event_data_recv. A connection
starts by acknowledging at once (quick acks), which lets the peer's window grow; once the program answers what it
receives, acknowledgments ride on the answers (pingpong) and are delayed otherwise.
"""

from __future__ import annotations

from typing import Final

from netarium.stack.tcp.control_block import NEVER_NS, ControlBlock

MS: Final = 1_000_000
DELAY_MIN_NS: Final = 40 * MS
"""Linux TCP_DELACK_MIN; RFC 9293: at most 500 ms."""
DELAY_MAX_NS: Final = 200 * MS
"""Linux TCP_DELACK_MAX."""
QUICK_ACKS_MAX: Final = 16
"""Linux TCP_MAX_QUICKACKS."""


def enter_quick_mode(c: ControlBlock) -> None:
    """Acknowledge the next segments at once. (Linux tcp_incr_quickack)"""
    quick = (c.rcv_adv - c.rcv_nxt) // (2 * c.rcv_mss)
    c.quick_acks = max(c.quick_acks, min(quick or 2, QUICK_ACKS_MAX))


def note_arrival(c: ControlBlock, size_bytes: int, now: int) -> None:
    """Data arrived: adapt the delay to the pace it comes at. (Linux tcp_event_data_recv)"""
    timeout = c.ack_timeout_ns
    if not timeout:
        enter_quick_mode(c)
        c.ack_timeout_ns = DELAY_MIN_NS
    else:
        gap = now - c.last_receive_at
        if gap <= DELAY_MIN_NS // 2:
            c.ack_timeout_ns = (timeout >> 1) + DELAY_MIN_NS // 2
        elif gap < timeout:
            c.ack_timeout_ns = (timeout >> 1) + gap
        elif gap > c.rtt.rto_ns:
            enter_quick_mode(c)  # too long a silence: the peer begins with slow start again
    c.last_receive_at = now


def choose(c: ControlBlock, now: int) -> None:
    """After data was taken: mark the acknowledgment as due now, or set its timer."""
    pending = c.rcv_nxt - c.last_ack_sent_to
    if (
        pending > c.rcv_mss
        or (c.quick_acks and not c.pingpong and c.options.quickack)
        or c.reassembly.held_bytes
    ):
        c.ack_now = True
        return
    if c.delayed_ack_at == NEVER_NS:
        delay = c.ack_timeout_ns
        if delay > DELAY_MIN_NS:
            limit = DELAY_MAX_NS
            if c.rtt.srtt_ns:
                limit = min(limit, max(c.rtt.srtt_ns >> 3, DELAY_MIN_NS))
            delay = min(delay, limit)
        at = now + delay
        c.delayed_ack_at = at
        if at < c.deadline_ns:
            c.stack.timers.arm(c, at)


def sent(c: ControlBlock) -> None:
    """An acknowledgment left, alone or with data."""
    c.ack_now = False
    c.delayed_ack_at = NEVER_NS
    c.last_ack_sent_to = c.rcv_nxt
    if c.quick_acks:
        c.quick_acks -= 1


def due_after_read(c: ControlBlock) -> bool:
    """Whether the program's read makes a delayed acknowledgment due. (Linux tcp_cleanup_rbuf)"""
    if c.delayed_ack_at == NEVER_NS:
        return False
    if c.rcv_nxt - c.last_ack_sent_to > c.rcv_mss:
        return True
    return c.pushed and not c.pingpong and not c.rcv_queued_bytes
