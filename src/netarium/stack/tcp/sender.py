"""Cutting segments: what may go out now, and in which pieces.

Read first: RFC 9293 sections 3.8.6.2.1 (silly window), 3.7.4 (Nagle) and 3.10.2 (SEND); RFC 5681 section 3.1; Linux
tcp_write_xmit. `output` is called after everything that could allow more to be sent: a program's send, an
acknowledgment, a timer.
"""

from __future__ import annotations

from typing import Final

from netarium.stack.tcp import options, states, telling, undo, urgent
from netarium.stack.tcp.control_block import NEVER_NS, ControlBlock
from netarium.stack.tcp.rack import probe_delay_ns
from netarium.stack.tcp.recovery import resend_last, resend_lost
from netarium.stack.tcp.segment import Segment
from netarium.stack.tcp.transmit import sack_option_bytes, send_ack, transmit
from netarium.wire.tcp import ACK, FIN, PSH

QUEUE_NS: Final = 1_000_000
"""How much of the line's time may wait below TCP: Linux' TCP small queues keep about 1 ms of a socket's data there."""


def output(c: ControlBlock) -> None:
    """Send all that windows, Nagle and the state allow, lost segments first, then set the timers it needs."""
    if c.lost_pending and (not c.frto or _frto_lets_resend(c)):
        resend_lost(c)
    if (c.unsent_bytes or (c.fin_queued and not c.fin_sent)) and states.SENDS_QUEUED_DATA[c.state]:
        _send_new(c)
    if c.ack_now:
        send_ack(c)


def _frto_lets_resend(c: ControlBlock) -> bool:
    """F-RTO's two new segments go before anything is sent again; without new data it is over. (RFC 5682 step 2.b)"""
    if c.frto == undo.NEW_DATA:
        before = c.snd_nxt
        if states.SENDS_QUEUED_DATA[c.state]:
            _send_new(c)
        c.frto = undo.WAITS if c.snd_nxt > before else undo.NONE
    return c.frto != undo.WAITS


def _send_new(c: ControlBlock) -> None:
    """Cut new segments while one may go."""
    mss = c.mss
    now = c.stack.now
    if c.reassembly.held_bytes or c.duplicate_range:
        mss = max(mss - sack_option_bytes(c), options.MSS_MIN)
    if not c.flight and c.last_send_at and c.unsent_bytes:
        _restart_after_idle(c, now)
    window_end = c.snd_una + c.snd_wnd
    room = c.congestion.cwnd_bytes - c.pipe_bytes()
    c.blocked_by = ""
    limited = False
    begun = c.snd_nxt
    line = c.route.interface.line if c.route is not None else None
    long_queue = now + QUEUE_NS
    while c.unsent_bytes:
        size = c.unsent_bytes if c.unsent_bytes < mss else mss
        if c.snd_nxt + size > window_end:
            size = _fit_window(c, window_end - c.snd_nxt)
            if not size:
                c.blocked_by = "window"
                break
        if room < size and c.flight:
            c.blocked_by = "congestion window"
            limited = True
            break
        if size < mss and not _small_may_go(c, size):
            c.blocked_by = "cork" if c.options.cork else "Nagle"
            break
        if line is not None and line.free_at > long_queue and not _may_queue(c, line.free_at, now):
            c.blocked_by = "queue"
            break
        _send_piece(c, size, now, mss)
        room -= size
    if c.fin_queued and not c.fin_sent and not c.unsent_bytes:
        _send_fin(c, now)
    if limited or c.snd_nxt != begun:
        _note_usage(c, limited or room < mss)
    _arm_after_send(c, now)
    if c.blocked_by:
        telling.tell_held(c)


def _may_queue(c: ControlBlock, free_at: int, now: int) -> bool:
    """More than QUEUE_NS of frames wait below: may one more of ours? Two may. (Linux tcp_small_queue_check)

    If not, the timer is set for when there will be room.
    """
    if c.departs_before > now:
        at = min(c.departs_before, free_at - QUEUE_NS // 2)  # half: not a timer for each segment
        c.queue_at = at
        if at < c.deadline_ns:
            c.stack.timers.arm(c, at)
        return False
    c.departs_before = c.departs_at
    c.departs_at = free_at
    return True


def _note_usage(c: ControlBlock, limited: bool) -> None:
    """Remember whether the congestion window was the limit in this round. (Linux tcp_cwnd_validate)"""
    flight = c.snd_nxt - c.snd_una
    if limited or c.snd_una >= c.usage_end or (not c.cwnd_limited and flight > c.max_flight_bytes):
        c.cwnd_limited = limited
        c.max_flight_bytes = flight
        c.usage_end = c.snd_nxt


def _restart_after_idle(c: ControlBlock, now: int) -> None:
    """After a silence longer than the time-out the window shrinks again. (RFC 5681 section 4.1)"""
    rtos = (now - c.last_send_at) // c.rtt.rto_ns
    if rtos > 0 and c.stack.settings.tcp_slow_start_after_idle:
        c.congestion.on_idle(rtos)


def _fit_window(c: ControlBlock, window_room: int) -> int:
    """How much to send into a window smaller than a segment. (RFC 9293 section 3.8.6.2.1, (3))"""
    if window_room <= 0:
        return 0
    if window_room >= c.mss or window_room >= c.max_window // 2:
        return min(window_room, c.mss, c.unsent_bytes)
    return 0


def _small_may_go(c: ControlBlock, size: int) -> bool:
    """Nagle as Linux does it: a small segment waits only for another small one. (RFC 9293 section 3.7.4; Minshall)"""
    if c.fin_queued and size == c.unsent_bytes:
        return True
    if c.options.cork:
        return False
    if c.options.nodelay or not c.flight or c.nagle_end <= c.snd_una:
        return True
    return c.urgent is not None and urgent.is_sending(c)


def _send_piece(c: ControlBlock, size: int, now: int, mss: int) -> None:
    payload = _pull(c, size)
    flags = ACK
    start = c.snd_nxt
    if not c.unsent_bytes:
        flags = ACK | PSH
    if size < mss:
        c.nagle_end = start + size
    end = start + size
    if c.fin_queued and not c.unsent_bytes:
        flags |= FIN
        end += 1
        c.fin_sent = True
    c.flight.append(Segment(start, end, payload, flags, now))
    c.snd_nxt = end
    if c.recovering:
        c.prr_out_bytes += size
    if now - c.last_receive_at < c.ack_timeout_ns:
        c.pingpong = True  # the program answers what it receives: acknowledgments ride along
    c.last_send_at = now
    if c.stack.watch.step is not None:
        telling.tell_segment(c, start, size, mss)
    transmit(c, start, flags, payload)


def _pull(c: ControlBlock, size: int) -> bytes:
    """Take the next `size` bytes out of what the program gave."""
    c.unsent_bytes -= size
    chunks = c.send_chunks
    cursor = c.send_cursor
    first = chunks[0]
    end = cursor + size
    if end < len(first):
        c.send_cursor = end
        return first[cursor:end]
    if end == len(first):
        c.send_cursor = 0
        chunks.popleft()
        return first[cursor:] if cursor else first
    pieces = []
    while size:
        first = chunks[0]
        piece = first[cursor : cursor + size]
        pieces.append(piece)
        size -= len(piece)
        cursor += len(piece)
        if cursor == len(first):
            chunks.popleft()
            cursor = 0
    c.send_cursor = cursor
    return b"".join(pieces)


def _send_fin(c: ControlBlock, now: int) -> None:
    """Send a FIN on its own: nothing was left to carry it. It needs no window. (RFC 9293 section 3.10.4)"""
    start = c.snd_nxt
    c.fin_sent = True
    c.flight.append(Segment(start, start + 1, b"", ACK | FIN, now))
    c.snd_nxt = start + 1
    c.last_send_at = now
    transmit(c, start, ACK | FIN, b"")


def _arm_after_send(c: ControlBlock, now: int) -> None:
    if c.flight:
        if c.rto_at == NEVER_NS:
            at = now + c.rtt.rto_ns
            c.rto_at = at
            c.first_unanswered_at = now
            if c.busy_since < 0:
                c.busy_since = now
            if at < c.deadline_ns:
                c.stack.timers.arm(c, at)
        if c.sack_ok and not c.recovering and c.probe_end < 0:
            arm_probe(c, now)
    elif c.unsent_bytes and c.persist_at == NEVER_NS:
        at = now + c.rtt.rto_ns  # the window keeps us: probe it (RFC 9293 section 3.8.6.1)
        c.persist_at = at
        if at < c.deadline_ns:
            c.stack.timers.arm(c, at)


def arm_probe(c: ControlBlock, now: int) -> None:
    """Set the timer of the tail loss probe, never later than the retransmission timer it stands for. (RFC 8985 7.2)"""
    if not c.stack.settings.tcp_early_retrans:
        return
    at = now + probe_delay_ns(c)
    if at > c.rto_at:
        at = c.rto_at
    c.tlp_at = at
    if at < c.deadline_ns:
        c.stack.timers.arm(c, at)


def probe_tail(c: ControlBlock) -> None:
    """No acknowledgment for two round trips: send one new segment, or the last one again. (RFC 8985 section 7.3)"""
    now = c.stack.now
    if c.recovering or not c.flight:
        return
    c.probe_end = c.snd_nxt
    size = min(c.unsent_bytes, c.mss)
    if size and c.snd_nxt + size <= c.snd_una + c.snd_wnd and states.SENDS_QUEUED_DATA[c.state]:
        c.probe_was_new = True
        _send_piece(c, size, now, c.mss)
        c.probe_end = c.snd_nxt
    else:
        c.probe_was_new = False
        resend_last(c)
    c.rto_at = now + c.rtt.rto_ns


def send_into_small_window(c: ControlBlock, room: int) -> None:
    """The persist timer ran out and the window has a little room: use it. (Linux tcp_write_wakeup)"""
    now = c.stack.now
    _send_piece(c, min(room, c.mss, c.unsent_bytes), now, c.mss)
    _arm_after_send(c, now)
