"""What was lost, and sending it again.

Read first: RFC 6675 (SACK-based recovery), RFC 6582 (NewReno, for peers without SACK), RFC 5681 section 3.2; the
scoreboard is kept as Linux keeps it: marks on each segment in flight and running sums, so that nothing is counted twice
per acknowledgment.

`sender.output` calls `resend_lost`; `acks` calls the rest. Nothing here sends except `resend_lost`.
"""

from __future__ import annotations

from bisect import bisect_left

from netarium.journey import Cause, Stop
from netarium.stack.tcp import undo
from netarium.stack.tcp.control_block import NEVER_NS, ControlBlock
from netarium.stack.tcp.segment import Segment
from netarium.stack.tcp.transmit import transmit
from netarium.wire.tcp import FIN, PSH


def _start(segment: Segment) -> int:
    return segment.start


def resend_lost(c: ControlBlock) -> None:
    """Send lost segments again while the congestion window has room; the first one always goes. (RFC 6675 (C))"""
    now = c.stack.now
    flight = c.flight
    index = max(c.resend_from, c.flight_head)
    cwnd = c.congestion.cwnd_bytes
    while c.lost_pending and index < len(flight):
        segment = flight[index]
        if not segment.lost or segment.retransmitted or segment.sacked:
            index += 1
            continue
        size = segment.end - segment.start
        if c.pipe_bytes() + size > cwnd and index > c.flight_head:
            break
        if segment.end > c.snd_una + c.snd_wnd and index > c.flight_head:
            break  # the peer took its window back: only the first may go as a probe
        segment.retransmitted = True
        segment.transmissions += 1
        segment.sent_at_ns = now
        c.retransmit_bytes += size
        c.prr_out_bytes += size
        c.lost_pending -= 1
        c.retransmissions += 1
        c.resent_bytes += len(segment.payload)
        c.resent.append((now, segment))
        undo.note_resent(c)
        _tell(c, segment)
        transmit(c, segment.start, segment.flags, segment.payload)
        index += 1
    c.resend_from = index
    if c.rto_at == NEVER_NS:
        at = now + c.rtt.rto_ns
        c.rto_at = at
        if at < c.deadline_ns:
            c.stack.timers.arm(c, at)


def resend_last(c: ControlBlock) -> None:
    """Send the last segment again, to draw an acknowledgment; it is not counted as lost. (RFC 8985 section 7.3)"""
    segment = c.flight[-1]
    if segment.sacked or segment.retransmitted:
        return
    segment.transmissions += 1
    segment.sent_at_ns = c.stack.now
    c.retransmissions += 1
    c.resent_bytes += len(segment.payload)
    undo.note_resent(c)
    _tell(c, segment, Cause.TAIL_LOSS_PROBE)
    transmit(c, segment.start, segment.flags, segment.payload)


def _tell(c: ControlBlock, segment: Segment, cause: Cause | None = None) -> None:
    watch = c.stack.watch
    if watch.step is not None:
        if cause is None:
            cause = Cause.TIMEOUT if c.timed_out else Cause.RACK if c.sack_ok else Cause.FAST
        path_mtu = segment.path_mtu_bytes if type(segment) is Piece else 0
        if path_mtu:
            cause = Cause.PATH_MTU
        details: dict[str, object] = {
            "sequence": segment.start - c.iss,
            "bytes": segment.end - segment.start,
            "try": segment.transmissions,
            "cause": cause.name,
            "because": cause.value,
            "cwnd": c.congestion.cwnd_bytes,
            "ssthresh": c.congestion.ssthresh_bytes,
        }
        if path_mtu:
            details["mtu"] = path_mtu
        watch.step(c.stack.now, c.stack.name, Stop.RETRANSMIT, c.subject(), details)
    if type(segment) is Piece:
        segment.path_mtu_bytes = 0  # the next time it will have been lost


def forget(c: ControlBlock, segment: Segment) -> None:
    """Take a segment that is acknowledged out of the sums."""
    size = segment.end - segment.start
    if segment.sacked:
        c.sacked_bytes -= size
    elif segment.lost:
        c.lost_bytes -= size
        if not segment.retransmitted:
            c.lost_pending -= 1
    if segment.retransmitted:
        c.retransmit_bytes -= size


def mark_lost(c: ControlBlock, segment: Segment, index: int) -> None:
    """Count a segment as lost, to be sent again."""
    size = segment.end - segment.start
    if segment.retransmitted:
        segment.retransmitted = False
        c.retransmit_bytes -= size
    elif segment.lost:
        return
    if not segment.lost:
        segment.lost = True
        c.lost_bytes += size
    c.lost_pending += 1
    c.resend_from = min(c.resend_from, index)


def mark_sacked(c: ControlBlock, left: int, right: int, delivered: list[Segment]) -> None:
    """Mark what the peer holds of [left, right); what is new goes to `delivered`. (RFC 6675 section 4, Update)"""
    seen = c.sack_cache.get(left, left)
    if seen >= right:
        return
    flight = c.flight
    index = bisect_left(flight, seen, lo=c.flight_head, key=_start)
    while index < len(flight) and flight[index].end <= right:
        segment = flight[index]
        if not segment.sacked:
            _mark_one(c, segment)
            delivered.append(segment)
        seen = segment.end
        index += 1
    c.sack_cache[left] = seen
    if seen > c.highest_sacked:
        c.highest_sacked = seen


def _mark_one(c: ControlBlock, segment: Segment) -> None:
    size = segment.end - segment.start
    if segment.lost:
        segment.lost = False
        c.lost_bytes -= size
        if not segment.retransmitted:
            c.lost_pending -= 1
    if segment.retransmitted:
        segment.retransmitted = False
        c.retransmit_bytes -= size
    segment.sacked = True
    c.sacked_bytes += size


def find_losses(c: ControlBlock) -> bool:
    """Mark as lost every segment below which enough was selectively acknowledged. (RFC 6675 IsLost)

    Enough is more than two full segments' bytes above it. True when something was marked.
    """
    flight = c.flight
    above_bytes = 0
    index = bisect_left(flight, c.highest_sacked, lo=c.flight_head, key=_start) - 1
    threshold = c.stack.settings.tcp_reordering  # RFC 6675: DupThresh
    limit = (threshold - 1) * c.mss
    segments_above = 0
    while index >= c.flight_head and above_bytes <= limit and segments_above < threshold:
        if flight[index].sacked:
            above_bytes += flight[index].end - flight[index].start
            segments_above += 1
        index -= 1
    if above_bytes <= limit and segments_above < threshold:
        return False
    found = False
    judged_to = flight[index].end if index >= c.flight_head else c.judged_to
    while index >= c.flight_head:
        segment = flight[index]
        if segment.start < c.judged_to:
            break  # it and all before it were judged before
        if not segment.sacked:
            mark_lost(c, segment, index)
            found = True
        index -= 1
    c.judged_to = judged_to
    return found


def begin(c: ControlBlock) -> None:
    """A loss was found by acknowledgments: reduce the window once for this flight. (RFC 6675 section 5 (4))"""
    now = c.stack.now
    undo.remember(c)
    c.recovering = True
    c.timed_out = False
    c.recovery_point = c.snd_nxt
    c.recovery_flight_bytes = c.snd_nxt - c.snd_una
    c.prr_delivered_bytes = c.prr_out_bytes = 0
    c.congestion.on_loss(c.recovery_flight_bytes, now)
    c.tlp_at = NEVER_NS


def reduce_rate(c: ControlBlock, delivered_bytes: int, advanced: bool) -> None:
    """Set the window so that what is sent in recovery stays in proportion to what arrives. (RFC 6937 section 3)

    `advanced`: the cumulative acknowledgment moved (then a segment more than was delivered may go: RFC 9937's SSRB).
    """
    congestion = c.congestion
    c.prr_delivered_bytes += delivered_bytes
    pipe = c.pipe_bytes()
    ssthresh = congestion.ssthresh_bytes
    if pipe > ssthresh:
        share = -(-c.prr_delivered_bytes * ssthresh // max(c.recovery_flight_bytes, 1))
        allowed = share - c.prr_out_bytes
    else:
        limit = max(c.prr_delivered_bytes - c.prr_out_bytes, delivered_bytes)
        if advanced:
            limit += c.mss
        allowed = min(ssthresh - pipe, limit)
    if not c.prr_out_bytes:
        allowed = max(allowed, c.mss)  # the first lost segment goes at once
    congestion.cwnd_bytes = max(pipe + max(allowed, 0), c.mss)


def finish(c: ControlBlock, restored: bool) -> None:
    """All that was in flight when the loss was found is acknowledged. (RFC 6582 section 3.2, full acknowledgment)

    `restored`: nothing was lost, the window is what it was.
    """
    if not c.timed_out and not restored:
        c.congestion.cwnd_bytes = c.congestion.ssthresh_bytes
    c.recovering = False
    c.timed_out = False
    c.frto = 0
    c.duplicate_acks = 0
    c.sack_cache.clear()
    if not c.sack_ok:
        c.sacked_bytes = 0


def peer_has_reneged(c: ControlBlock) -> bool:
    """Whether the first segment in flight was selectively acknowledged: then the peer has thrown it away again.

    Else it would acknowledge it, and more. (RFC 2018 section 8; Linux tcp_check_sack_reneging)
    """
    return c.flight_head < len(c.flight) and c.flight[c.flight_head].sacked


def _forget_sacks(c: ControlBlock) -> None:
    """What was selectively acknowledged counts no more. (RFC 2018 section 8; Linux tcp_timeout_mark_lost)"""
    for index in range(c.flight_head, len(c.flight)):
        c.flight[index].sacked = False
    c.sacked_bytes = 0
    c.sack_cache.clear()
    c.highest_sacked = c.snd_una


def begin_after_timeout(c: ControlBlock) -> None:
    """The timer ran out: everything not selectively acknowledged counts as lost. (RFC 5681 3.1; RFC 6675 5.1)"""
    now = c.stack.now
    first_reduction = not c.recovering or c.snd_una >= c.recovery_point
    undo.begin_frto(c, first_reduction)
    if first_reduction:  # else the window was reduced for this flight already
        undo.remember(c)
        c.congestion.on_timeout(c.pipe_bytes() + c.lost_bytes, now)
    else:
        c.congestion.cwnd_bytes = c.mss
    c.recovering = True
    c.timed_out = True
    c.recovery_point = c.snd_nxt
    c.duplicate_acks = 0
    if not c.sack_ok:
        c.sacked_bytes = 0  # they were guesses from duplicate acknowledgments
    elif peer_has_reneged(c):
        _forget_sacks(c)
    for index in range(c.flight_head, len(c.flight)):
        segment = c.flight[index]
        if not segment.sacked:
            mark_lost(c, segment, index)
    c.resend_from = c.flight_head
    c.judged_to = c.snd_nxt
    c.resent.clear()
    c.reorder_at = c.tlp_at = NEVER_NS
    c.probe_end = -1


def without_sack(c: ControlBlock, partial: bool) -> None:
    """Duplicate or partial acknowledgment from a peer without SACK: guess from the count. (RFC 6582 section 3.2)"""
    if c.flight_head >= len(c.flight):
        return
    first = c.flight[c.flight_head]
    if partial:
        if not first.lost or first.retransmitted:
            mark_lost(c, first, c.flight_head)
        return
    if not c.recovering and c.snd_una <= c.recovery_point:
        # It may answer what was sent again without need in the last recovery. (RFC 6582 sections 3.2 step 1 and 4.1;
        # Linux tcp_is_non_sack_preventing_reopen)
        return
    # A duplicate says that a segment has left the network, though not which.
    room = c.snd_nxt - c.snd_una - c.lost_bytes
    c.sacked_bytes = min(c.sacked_bytes + c.mss, max(room - c.mss, 0))
    if not c.recovering and c.duplicate_acks >= c.stack.settings.tcp_reordering:
        begin(c)
        mark_lost(c, first, c.flight_head)


class Piece(Segment):
    """A part of a segment that was larger than the path's MTU, `path_mtu_bytes`, which is 0 once it has been sent.

    A class of its own, so that the segments of all other connections pay nothing for it.
    """

    __slots__ = ("path_mtu_bytes",)

    path_mtu_bytes: int


def resegment(c: ControlBlock, path_mtu_bytes: int) -> None:
    """Cut the segments in flight that exceed the MSS, and count them as lost: routers have dropped them."""
    flight: list[Segment] = []
    for segment in c.flight[c.flight_head :]:
        if segment.sacked or len(segment.payload) <= c.mss:
            flight.append(segment)
            continue
        forget(c, segment)
        start = segment.start
        for cut in range(0, len(segment.payload), c.mss):
            payload = segment.payload[cut : cut + c.mss]
            end = segment.end if cut + c.mss >= len(segment.payload) else start + len(payload)
            last = end == segment.end
            piece = Piece(
                start, end, payload, segment.flags if last else segment.flags & ~(FIN | PSH), c.stack.now
            )
            piece.transmissions = segment.transmissions
            piece.path_mtu_bytes = path_mtu_bytes
            flight.append(piece)
            start = end
            mark_lost(c, piece, 0)
    c.flight[:] = flight
    c.flight_head = 0
    c.resend_from = 0
