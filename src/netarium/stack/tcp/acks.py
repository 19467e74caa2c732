"""What an acknowledgment says: what arrived, what did not, how long it took, how much more may go.

Read first: RFC 9293 section 3.10.7.4 (fifth), RFC 5681 section 3, RFC 6298 section 3 (Karn), RFC 7323 section 4,
RFC 5961 section 5. `receiver` calls `take`; the caller runs `sender.output` afterwards.
"""

from __future__ import annotations

from typing import Final

from netarium.journey import Drop
from netarium.stack.tcp import close, options, rack, recovery, sender, states, undo
from netarium.stack.tcp.control_block import NEVER_NS, ControlBlock
from netarium.stack.tcp.segment import Segment
from netarium.stack.tcp.sequence import MASK, unwrap
from netarium.stack.tcp.timers import window_opened
from netarium.wire.tcp import TcpHeader

CONFIRM_EVERY_NS: Final = 1_000_000_000
RENEGED_NS: Final = 10_000_000
"""Linux tcp_check_sack_reneging: how soon at the earliest what the peer has thrown away is sent again."""
COMPACT_AT: Final = 256
"""Acknowledged entries at the front of the retransmission queue that are worth cutting off."""


def take(c: ControlBlock, header: TcpHeader, sequence: int, payload_bytes: int) -> Drop | None:
    """Take the acknowledgment of a segment that is acceptable; a reason when it is not believable."""
    una = c.snd_una
    # `sequence.unwrap`, written out: this runs for every segment.
    acknowledgment = una + ((header.acknowledgment - una + 0x80000000) & MASK) - 0x80000000
    if acknowledgment > c.snd_nxt:
        # It acknowledges what was never sent. (RFC 9293 section 3.10.7.4; RFC 5961 section 5.2)
        c.ip.tcp.send_challenge_ack(c)
        return Drop.TCP_BAD_ACK
    if acknowledgment < una:
        if una - acknowledgment > c.max_window:
            c.ip.tcp.send_challenge_ack(c)
            return Drop.TCP_BAD_ACK
        if c.sack_ok and header.options is not None and header.options.sack:
            _find_losses(c, _take_sack(c, header))
        return None
    window = header.window << c.snd_scale
    window_changed = window != c.snd_wnd
    if c.snd_wl1 < sequence or (c.snd_wl1 == sequence and c.snd_wl2 <= acknowledgment):
        c.snd_wnd = window
        c.snd_wl1 = sequence
        c.snd_wl2 = acknowledgment
        if window > c.max_window:
            c.max_window = window
    c.last_heard_at = c.stack.now
    if c.persist_at != NEVER_NS:
        window_opened(c)
    sacked_before = c.sacked_bytes
    if acknowledgment > una:
        _advance(c, header, acknowledgment)
    elif c.sack_ok:
        if header.options is not None and header.options.sack:
            new = _take_sack(c, header)
            _measure_sacked(c, new)
            original = _find_losses(c, new)
            if c.timed_out:
                undo.after_timeout(c, header, False, original, c.sacked_bytes > sacked_before)
        if acknowledgment == c.probe_end and not payload_bytes:
            _probe_answered(c, header, acknowledgment, advanced=window_changed)
    elif c.flight and not payload_bytes and not window_changed:
        c.duplicate_acks += 1
        if c.timed_out:
            undo.after_timeout(c, header, False, False, True)
        recovery.without_sack(c, partial=False)
    if c.recovering and not c.timed_out and c.flight:
        delivered = acknowledgment - una + c.sacked_bytes - sacked_before
        if delivered > 0:
            recovery.reduce_rate(c, delivered, acknowledgment > una)
    return None


def _advance(c: ControlBlock, header: TcpHeader, acknowledgment: int) -> None:
    """New bytes are acknowledged."""
    now = c.stack.now
    acked_bytes = acknowledgment - c.snd_una
    sacked_before = c.sacked_bytes
    c.snd_una = acknowledgment
    c.bytes_acked += acked_bytes
    c.duplicate_acks = 0
    c.retries = 0
    c.first_unanswered_at = now
    rtt_ns = _drop_acknowledged(c, header, acknowledgment, now)
    takes_sack = c.sack_ok and (
        c.sacked_bytes or c.resent or (header.options is not None and header.options.sack)
    )
    new = _take_sack(c, header) if takes_sack else []
    if rtt_ns < 0:
        rtt_ns = _measure_otherwise(c, header, new, now)
    if rtt_ns >= 0:
        c.rtt.sample(rtt_ns)  # without a measurement the time-out stays backed off (RFC 6298 section 5; Karn)
    if takes_sack:
        _find_losses(c, new)
    if c.probe_end >= 0 and acknowledgment >= c.probe_end:
        _probe_answered(c, header, acknowledgment, advanced=True)
    if c.recovering:
        if c.sack_ok:
            acked_bytes += c.sacked_bytes - sacked_before  # what was delivered (Linux tcp_newly_delivered)
        _advance_in_recovery(c, header, acknowledgment, acked_bytes)
    # What ends a recovery lets the window grow as well. (RFC 5681 section 3.1; Linux tcp_cong_control)
    if (not c.recovering or c.timed_out) and (
        c.cwnd_limited
        or (
            c.congestion.cwnd_bytes < 2 * c.max_flight_bytes
            and c.congestion.cwnd_bytes < c.congestion.ssthresh_bytes
        )
    ):
        # The window was the limit, or in slow start more than half of it was used. (Linux tcp_is_cwnd_limited)
        c.congestion.on_ack(acked_bytes, now, rtt_ns, acknowledgment, c.snd_nxt)
    if now - c.confirmed_at >= CONFIRM_EVERY_NS and c.route is not None:
        # Forward progress proves the next hop: no ARP probe is needed (RFC 1122 2.3.2.1; Linux dst_confirm).
        c.confirmed_at = now
        c.ip.neighbors_of(c.route.interface).confirm(c.route.gateway or c.remote_ip)
    if c.flight:
        at = now + c.rtt.rto_ns
        if c.sacked_bytes and recovery.peer_has_reneged(c):
            # The rest of it may have a wrong order only; half a round trip will tell. (Linux tcp_check_sack_reneging)
            at = now + max(c.rtt.srtt_ns >> 1, RENEGED_NS)
        c.rto_at = at
        if at < c.deadline_ns:
            c.stack.timers.arm(c, at)
        if c.sack_ok and not c.recovering and c.probe_end < 0:
            sender.arm_probe(c, now)
    else:
        c.rto_at = c.tlp_at = c.reorder_at = NEVER_NS
        c.busy_ns += now - c.busy_since
        c.busy_since = -1
        if c.sack_cache:
            c.sack_cache.clear()
    if c.fin_sent and acknowledgment == c.snd_nxt and not c.unsent_bytes:
        close.fin_acknowledged(c)
    if c.wants_room:
        _wake_writer(c)


def _advance_in_recovery(c: ControlBlock, header: TcpHeader, acknowledgment: int, acked_bytes: int) -> None:
    if c.timed_out:
        if undo.after_timeout(c, header, True, c.original_acked, False):
            return
    elif acknowledgment < c.recovery_point and not c.retransmit_bytes and undo.was_delayed(c, header):
        undo.take_back(c, True)  # Linux tcp_try_undo_partial
        return
    if acknowledgment >= c.recovery_point:
        restored = undo.may_take_back(c, header)
        if restored:
            undo.take_back(c, False)
        recovery.finish(c, restored)
        rack.note_recovery_over(c)
    elif not c.sack_ok and not c.timed_out:
        c.sacked_bytes = max(c.sacked_bytes - acked_bytes, 0)
        recovery.without_sack(c, partial=True)


def _drop_acknowledged(c: ControlBlock, header: TcpHeader, acknowledgment: int, now: int) -> int:
    """Take acknowledged segments off the queue; returns a round-trip measurement in ns, -1 if there is none."""
    flight = c.flight
    head = c.flight_head
    count = len(flight)
    plain = not (c.lost_bytes or c.sacked_bytes or c.retransmit_bytes)
    rtt_ns = -1
    retransmitted = False
    c.original_acked = False
    last: Segment | None = None
    while head < count:
        segment = flight[head]
        if segment.end > acknowledgment:
            if segment.start < acknowledgment:
                _trim(c, segment, acknowledgment)
            break
        if plain:
            last = segment
        else:
            recovery.forget(c, segment)
            if not segment.sacked:
                rack.note_delivered(c, segment, now)
                if segment.transmissions == 1 and segment.end <= c.recovery_point:
                    c.original_acked = True
        if segment.transmissions == 1:
            if not segment.sacked:
                rtt_ns = now - segment.sent_at_ns
        else:
            retransmitted = True
        head += 1
    if last is not None:  # they were sent in order, so only the last can be news
        rack.note_delivered(c, last, now)
    if head == count:
        flight.clear()
        head = 0
    elif head > COMPACT_AT:
        del flight[:head]
        c.resend_from = max(c.resend_from - head, 0)
        head = 0
    c.flight_head = head
    if not flight:
        c.resend_from = 0
        c.sacked_bytes = c.lost_bytes = c.retransmit_bytes = c.lost_pending = 0
    return -1 if retransmitted else rtt_ns


def _measure_otherwise(c: ControlBlock, header: TcpHeader, new: list[Segment], now: int) -> int:
    """Nothing that was sent once was acknowledged: measure by what is selectively, or by the timestamp; else -1.

    Karn: of what was sent again only the timestamp says which transmission is answered. (RFC 7323 section 4.1)
    """
    rtt_ns = _sacked_rtt_ns(new, now)
    return rtt_ns if rtt_ns >= 0 else _echoed_rtt_ns(c, header, now)


def _echoed_rtt_ns(c: ControlBlock, header: TcpHeader, now: int) -> int:
    """The round trip by the timestamp that `header` echoes, to the millisecond; -1 when it echoes none of ours."""
    if c.timestamps_ok and header.timestamp >= 0 and header.echo:
        age_ms = (now // 1_000_000 + c.ts_offset - header.echo) & MASK
        return age_ms * 1_000_000 if age_ms < 0x7FFFFFFF else -1
    return -1


def _trim(c: ControlBlock, segment: Segment, acknowledgment: int) -> None:
    """Part of a segment is acknowledged: keep the rest."""
    cut = acknowledgment - segment.start
    if segment.sacked:
        c.sacked_bytes -= cut
    elif segment.lost:
        c.lost_bytes -= cut
    if segment.retransmitted:
        c.retransmit_bytes -= cut
    segment.payload = segment.payload[cut:]
    segment.start = acknowledgment


def _sacked_rtt_ns(new: list[Segment], now: int) -> int:
    """The round trip of the first of these that was sent once; -1 when none was. (Linux first_sackt)"""
    return max((now - each.sent_at_ns for each in new if each.transmissions == 1), default=-1)


def _measure_sacked(c: ControlBlock, new: list[Segment]) -> None:
    """Nothing was acknowledged but selectively: that measures too, and ends Karn's back-off. (RFC 6298 section 3)

    The timer is set anew only when the answer is to what was sent before the head was sent last: else it would be put
    off without end while the head is lost (Linux tcp_clean_rtx_queue); or when it was backed off.
    """
    now = c.stack.now
    rtt_ns = _sacked_rtt_ns(new, now)
    if rtt_ns < 0:
        return
    backed_off = c.rtt.backoff
    c.rtt.sample(rtt_ns)
    if backed_off or rtt_ns > now - c.flight[c.flight_head].sent_at_ns:
        c.rto_at = at = now + c.rtt.rto_ns
        if at < c.deadline_ns:
            c.stack.timers.arm(c, at)


def _take_sack(c: ControlBlock, header: TcpHeader) -> list[Segment]:
    """Mark what the peer holds beyond the cumulative acknowledgment; returns what is new. (RFC 2018 section 5)"""
    new: list[Segment] = []
    if header.options is not None:
        blocks = header.options.sack
        if blocks and _reports_duplicate(c, blocks):  # RFC 2883: the first block tells what came twice
            c.duplicates_reported += 1
            rack.note_duplicate_report(c)
            undo.note_duplicate(c, header)
            blocks = blocks[1:]
        for left, right in blocks:
            left_edge = unwrap(left, c.snd_una)
            right_edge = unwrap(right, c.snd_una)
            # A block that begins where the acknowledgment ends is nonsense (Linux tcp_is_sackblock_valid).
            if c.snd_una < left_edge < right_edge <= c.snd_nxt:
                recovery.mark_sacked(c, left_edge, right_edge, new)
        for segment in new:
            rack.note_delivered(c, segment, c.stack.now)
    return new


def _find_losses(c: ControlBlock, new: list[Segment]) -> bool:
    """Look for losses after `new` was selectively acknowledged. (RFC 8985 section 6.2)

    True when some of it was sent once, before a time-out that may have been wrong.
    """
    original = c.timed_out and undo.original_in(c, new)
    if new:
        c.duplicate_acks += 1
    if c.stack.settings.tcp_recovery & 1:
        found = rack.find_losses(c)
    else:
        found = bool(new) and recovery.find_losses(c)
    if found and not c.recovering:
        recovery.begin(c)
    return original


def _reports_duplicate(c: ControlBlock, blocks: tuple[tuple[int, int], ...]) -> bool:
    """Whether the first block is a D-SACK: below the acknowledgment, or inside the second one. (RFC 2883 section 4)"""
    left, right = unwrap(blocks[0][0], c.snd_una), unwrap(blocks[0][1], c.snd_una)
    if right <= c.snd_una:
        return True
    return (
        len(blocks) > 1
        and unwrap(blocks[1][0], c.snd_una) <= left
        and right <= unwrap(blocks[1][1], c.snd_una)
    )


def _probe_answered(c: ControlBlock, header: TcpHeader, acknowledgment: int, advanced: bool) -> None:
    """Everything up to the tail loss probe is acknowledged. (RFC 8985 section 7.4.2)

    When the probe was a segment sent again, what follows tells whether it was needed: a report of a duplicate, or the
    same acknowledgment twice, says no; one for later data says that the probe has repaired a loss, and the window must
    shrink as after any loss.
    """
    sack = header.options.sack if header.options is not None else ()
    if c.probe_was_new or (sack and unwrap(sack[0][1], c.snd_una) == c.probe_end):
        c.probe_end = -1
    elif acknowledgment > c.probe_end:
        c.probe_end = -1
        if not c.recovering:
            c.congestion.on_loss(c.congestion.cwnd_bytes, c.stack.now)
            c.congestion.cwnd_bytes = c.congestion.ssthresh_bytes
    elif not advanced and not sack:
        c.probe_end = -1


def _wake_writer(c: ControlBlock) -> None:
    """Tell the program of room when a third of the buffer is free. (Linux sk_stream_is_writeable)"""
    buffer = c.send_buffer_bytes
    wanted = 2 * c.congestion.cwnd_bytes
    if wanted > buffer and not c.options.send_buffer_bytes:  # Linux tcp_sndbuf_expand
        limit = c.stack.settings.tcp_wmem[2]
        buffer = c.send_buffer_bytes = wanted if wanted < limit else max(limit, buffer)
    if 3 * (c.unsent_bytes + c.snd_nxt - c.snd_una) <= 2 * buffer:
        c.wants_room = False
        c.changed()


def handshake_done(c: ControlBlock, header: TcpHeader) -> None:
    """Our SYN is acknowledged, by this segment: from now on data may be sent. (Linux tcp_init_transfer)"""
    now = c.stack.now
    c.retries = 0
    c.rto_at = NEVER_NS
    measurable = not c.retransmissions and not c.from_cookie
    rtt_ns = now - c.opened_at if measurable else _echoed_rtt_ns(c, header, now)
    if rtt_ns < 0:
        c.rtt.fall_back()
    elif rtt_ns or not measurable:
        c.rtt.sample(rtt_ns)
    if c.retransmissions > 1 and not _answers_first_syn(c, header):
        c.congestion.cwnd_bytes = c.congestion.mss  # RFC 5681 section 3.1; Linux lets one of them be lost
    assert states.SYNCHRONIZED[c.state]


def _answers_first_syn(c: ControlBlock, header: TcpHeader) -> bool:
    """Whether it echoes the timestamp of our first SYN, which was late, not lost. (Linux tcp_try_undo_spurious_syn)"""
    return c.timestamps_ok and header.echo == options.timestamp_value(c, c.opened_at)
