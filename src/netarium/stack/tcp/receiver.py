"""A segment arrives at a connection.

Read first: RFC 9293 section 3.10.7 whole, in its order: sequence number, RST, SYN, ACK, URG, data, FIN; RFC 5961
(challenge acknowledgments); RFC 7323 section 5 (PAWS). `receive` is called by `protocol.Tcp` for every segment of a
connection that is past SYN-SENT and not in TIME-WAIT (`time_wait`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from netarium.journey import Cause, Drop, Stop
from netarium.stack.failures import Failure
from netarium.stack.tcp import (
    acknowledge,
    acks,
    close,
    handshake,
    recovery,
    sender,
    states,
    telling,
    transmit,
    urgent,
)
from netarium.stack.tcp.control_block import DATA_SEGMENT, NEVER_NS, ControlBlock
from netarium.stack.tcp.sequence import MASK, unwrap
from netarium.stack.tcp.time_wait import PAWS_FORGET_NS
from netarium.wire.tcp import ACK, FIN, PSH, RST, SYN, URG, TcpHeader

if TYPE_CHECKING:
    from netarium.stack.tcp.reassembly import Payload
    from netarium.wire.ethernet import Frame

PLAIN: Final = ACK | PSH
SACK_BLOCKS_KEPT: Final = 4
"""Linux TCP_NUM_SACKS."""
PAWS_WINDOW: Final = 1
"""Linux TCP_PAWS_WINDOW: clocks of several processors may differ by a tick, so one tick older is not old."""


def receive(c: ControlBlock, frame: Frame) -> Drop | None:
    """Take one segment; returns why it was dropped, None when it was of use."""
    header: TcpHeader = frame.transport  # type: ignore[assignment]
    sequence = c.rcv_nxt
    flags = header.flags
    payload = frame.payload
    size = len(payload)
    c.segments_in += DATA_SEGMENT if size else 1
    if (
        header.sequence == sequence & MASK
        and c.state == states.ESTABLISHED
        and flags | PSH == PLAIN
        and sequence + size <= c.rcv_adv
        and (not c.timestamps_ok or 0 <= header.timestamp - c.ts_recent < 0x80000000)
    ):
        reason = None
        if (
            size
            and header.acknowledgment == c.snd_una & MASK
            and header.window << c.snd_scale == c.snd_wnd
            and header.options is None
            and c.persist_at == NEVER_NS
        ):
            # Header prediction (Van Jacobson 1990): data whose acknowledgment says nothing new. All of `acks.take` that
            # would happen is that the peer was heard, and from which segment the window is.
            c.last_heard_at = c.stack.now
            if c.snd_wl1 <= sequence:
                c.snd_wl1 = sequence
                c.snd_wl2 = c.snd_una
        else:
            reason = acks.take(c, header, sequence, size)
        if reason is None:
            if sequence <= c.last_ack_sent_to and c.timestamps_ok:  # `_note_timestamp`, written out
                c.ts_recent = header.timestamp
                c.ts_recent_at = c.stack.now
            if size:
                _take_in_order(c, payload, size, flags)
                if c.reassembly.fin_at >= 0:
                    _take_fin(c)
        if c.ack_now or c.unsent_bytes or c.lost_pending or c.fin_queued:
            sender.output(c)
        return reason
    return _receive_slowly(c, frame, header, unwrap(header.sequence, sequence))


def _receive_slowly(c: ControlBlock, frame: Frame, header: TcpHeader, sequence: int) -> Drop | None:
    """The whole procedure of RFC 9293 section 3.10.7.4, for what is not plain data in order."""
    flags = header.flags
    size = len(frame.payload)
    if c.state == states.SYN_RECEIVED and sequence == c.irs and flags & (SYN | ACK) == SYN | ACK:
        return handshake.take_final_ack(c, header, sequence)  # the SYNs crossed; the ACK part is new
    reason = _check_timestamp(c, header, sequence, not size and flags == ACK)
    if reason is None:
        reason = _check_sequence(c, header, sequence, size)
    if flags & RST and sequence == c.rcv_nxt - 1 and states.PEER_HAS_CLOSED[c.state]:
        reason = None  # it has the number of the peer's FIN
    if reason is not None:
        if not flags & RST and c.state != states.CLOSED:  # its acknowledgment may have ended the connection
            _answer_unacceptable(c, flags, sequence, size)
        return reason
    if flags & RST:
        return _take_reset(c, sequence)
    if flags & SYN:
        return handshake.syn_in_connection(c, header, size)
    if not flags & ACK:
        return Drop.TCP_NOT_ACCEPTED
    if c.state == states.SYN_RECEIVED:
        reason = handshake.take_final_ack(c, header, sequence, size)
        if reason is not None or c.state == states.CLOSED:
            return reason
    reason = acks.take(c, header, sequence, size)
    if c.state == states.CLOSED:
        return reason
    if reason is None:
        _note_timestamp(c, header, sequence)
        if size and c.rcv_shutdown and c.state in (states.FIN_WAIT_1, states.FIN_WAIT_2):
            # Nobody will read it: the peer must learn that it is lost. (RFC 1122 4.2.2.13; Linux TCPABORTONDATA)
            c.ip.tcp.answer_with_reset(c.ip, c.local_ip, c.remote_ip, header, size)
            close.fail(c, Failure.CONNECTION_RESET, Cause.UNREAD_DATA)
            return Drop.TCP_CLOSED_BY_PROGRAM
        if flags & URG or c.urgent is not None:
            urgent.receive(c, header, frame.payload, sequence)
        _take_text(c, frame.payload, sequence, size, flags)
    if c.state not in (states.CLOSED, states.TIME_WAIT):
        sender.output(c)
    elif c.ack_now and c.state == states.TIME_WAIT:
        transmit.send_ack(c)
    return reason


def _check_timestamp(c: ControlBlock, header: TcpHeader, sequence: int, plain_ack: bool) -> Drop | None:
    """PAWS: a segment older than the newest seen is an old duplicate. (RFC 7323 section 5.3)"""
    if not c.timestamps_ok or header.flags & RST:
        return None
    timestamp = header.timestamp
    if timestamp < 0:
        return None  # Linux takes segments without the option; RFC 7323 section 3.2 says should be dropped
    if _is_older(c, timestamp, PAWS_WINDOW):
        return None if plain_ack and _was_overtaken(c, header, sequence) else Drop.TCP_PAWS
    return None


def _is_older(c: ControlBlock, timestamp: int, by_more_than: int) -> bool:
    """Whether a timestamp is so much older than TS.Recent, and that one is young enough to be a proof."""
    older_by = (c.ts_recent - timestamp) & MASK
    return by_more_than < older_by <= 0x80000000 and c.stack.now - c.ts_recent_at < PAWS_FORGET_NS


def _note_timestamp(c: ControlBlock, header: TcpHeader, sequence: int) -> None:
    """Take TS.Recent from a segment that spans what was acknowledged last. (RFC 7323 section 4.3 (2))

    Only after the segment and its acknowledgment were found acceptable (section 5.3 R3; Linux FLAG_UPDATE_TS_RECENT):
    else a forged or old segment could set a timestamp that makes all that is real look old.
    """
    timestamp = header.timestamp
    if (
        c.timestamps_ok
        and timestamp >= 0
        and sequence <= c.last_ack_sent_to
        and not _is_older(c, timestamp, 0)
    ):
        c.ts_recent = timestamp
        c.ts_recent_at = c.stack.now


def _was_overtaken(c: ControlBlock, header: TcpHeader, sequence: int) -> bool:
    """Whether a bare old segment is a duplicate acknowledgment that another has overtaken. (Linux tcp_disordered_ack)

    One that says anything new, of data or of the window, may be a forgery and is not taken.
    """
    if sequence != c.rcv_nxt or header.acknowledgment != c.snd_una & MASK:
        return False
    window = header.window << c.snd_scale
    if sequence > c.snd_wl1 or (sequence == c.snd_wl1 and (window > c.snd_wnd or not window)):
        return False
    age_ns = ((c.ts_recent - header.timestamp) & MASK) * 1_000_000
    return 5 * age_ns <= 6 * c.rtt.rto_ns


def _check_sequence(c: ControlBlock, header: TcpHeader, sequence: int, size: int) -> Drop | None:
    """Is any of it inside the window? (RFC 9293 section 3.10.7.4, first)"""
    length = size + (1 if header.flags & FIN else 0) + (1 if header.flags & SYN else 0)
    end = sequence + length
    window_end = c.rcv_adv
    if end < c.rcv_nxt or (end == c.rcv_nxt and length and sequence < c.rcv_nxt):
        if (size or header.flags & FIN) and c.sack_ok and c.stack.settings.tcp_dsack:
            c.duplicate_range = (sequence, end)  # a FIN counts as it does in Linux tcp_send_dupack
        if end >= c.last_ack_sent_to and header.flags & (ACK | RST | SYN) == ACK:
            # Our acknowledgment of it may be lost. Its own counts, and its timestamp is the one to echo. (Linux
            # tcp_sequence: acceptable is what ends at rcv_wup; RFC 7323 section 4.3 (2))
            _take_acknowledgment_only(c, header, sequence, length)
        return Drop.TCP_OLD_DUPLICATE
    if sequence > window_end or (sequence == window_end and length and window_end > c.rcv_nxt):
        return Drop.TCP_OUT_OF_WINDOW
    if size and window_end == c.rcv_nxt and not header.flags & (RST | SYN):
        # The window is shut: data is refused, but ACK, URG and RST of it still count (RFC 9293 section 3.10.7.4).
        _take_acknowledgment_only(c, header, sequence, 0)
        return Drop.TCP_OUT_OF_WINDOW
    return None


def _take_acknowledgment_only(c: ControlBlock, header: TcpHeader, sequence: int, length: int) -> None:
    """Of a segment whose text is not taken, the acknowledgment and the timestamp count."""
    if c.state != states.SYN_RECEIVED and acks.take(c, header, sequence, length) is None:
        _note_timestamp(c, header, sequence)


def _answer_unacceptable(c: ControlBlock, flags: int, sequence: int, size: int) -> None:
    """Tell the peer where we are; it may have missed our acknowledgment.

    What carries no data may be the peer's answer to such an answer: those are limited (Linux tcp_oow_rate_limited).
    """
    if c.state == states.SYN_RECEIVED and flags & SYN and sequence == c.irs:
        c.retransmissions += 1  # its SYN came again: our SYN+ACK was lost
        transmit.send_syn(c, c.peer_syn)
        return
    if size or flags & FIN or not c.ip.tcp.too_many_invalid(c):
        c.ack_now = True
    if c.state not in (states.SYN_RECEIVED, states.TIME_WAIT):
        sender.output(c)  # its acknowledgment may have made room for data, which carries ours
    elif c.ack_now:
        transmit.send_ack(c)


def _take_reset(c: ControlBlock, sequence: int) -> Drop | None:
    """A RST ends the connection only when its number is exactly the next. (RFC 5961 section 3.2)

    Or the one after what arrived last, early: the peer does not know yet that something before it is missing; or the
    peer's FIN's own, which some send before a RST (Linux tcp_validate_incoming, tcp_reset_check).
    """
    fin_at = c.rcv_nxt - 1 if states.PEER_HAS_CLOSED[c.state] else -1
    if sequence not in (c.rcv_nxt, fin_at, _highest_selectively_acknowledged(c)):
        c.ip.tcp.send_challenge_ack(c)
        return Drop.TCP_BAD_RST
    if c.state == states.SYN_RECEIVED and c.listener is not None:
        c.listener.forget_half_open(c)
        close.finish(c, Cause.SEGMENT)
    elif c.state == states.CLOSE_WAIT:
        close.fail(c, Failure.BROKEN_PIPE, Cause.SEGMENT)  # as Linux tcp_reset
    else:
        close.fail(c, Failure.CONNECTION_RESET, Cause.SEGMENT)
    return None


def _highest_selectively_acknowledged(c: ControlBlock) -> int:
    """The right edge of the farthest block that our SACK option tells of; -1 when it tells of none."""
    if not c.sack_ok:
        return -1
    return max((right for _, right in c.reassembly.blocks[:SACK_BLOCKS_KEPT]), default=-1)


def _take_text(c: ControlBlock, payload: Payload, sequence: int, size: int, flags: int) -> None:
    """Data and FIN, in order or early. (RFC 9293 section 3.10.7.4, seventh and eighth)"""
    if not states.TAKES_DATA[c.state]:
        return  # after the peer's FIN text is ignored (RFC 9293 section 3.10.7.4, seventh; Linux likewise)
    fin_at = sequence + size if flags & FIN else -1
    if sequence < c.rcv_nxt:
        payload = payload[c.rcv_nxt - sequence :]
        size = max(sequence + size - c.rcv_nxt, 0)
        sequence = c.rcv_nxt
        c.ack_now = True
    if sequence + size > c.rcv_adv:
        size = c.rcv_adv - sequence
        payload = payload[:size]
        fin_at = -1  # it lies beyond the window
        c.ack_now = True
    if fin_at >= 0:
        c.reassembly.fin_at = fin_at
    if size:
        if sequence == c.rcv_nxt:
            _take_in_order(c, payload, size, flags)
        else:
            _keep_early(c, payload, sequence)
    elif fin_at > c.rcv_nxt:
        c.ack_now = True
    _take_fin(c)


def _take_fin(c: ControlBlock) -> None:
    """The FIN counts once all bytes before it are there."""
    if c.reassembly.fin_at == c.rcv_nxt and states.TAKES_DATA[c.state]:
        c.reassembly.fin_at = -1
        close.fin_received(c)


def _keep_early(c: ControlBlock, payload: Payload, sequence: int) -> None:
    """Bytes before these are missing: keep them and say so at once. (RFC 5681 section 4.2)"""
    if not c.reassembly.add(sequence, payload) and c.sack_ok and c.stack.settings.tcp_dsack:
        c.duplicate_range = (sequence, sequence + len(payload))  # RFC 2883 section 4.1.2
    c.early_segments += 1
    c.pingpong = False
    c.ack_now = True
    watch = c.stack.watch
    if watch.step is not None:
        details: dict[str, object] = {"sequence": sequence - c.irs, "waits_for": c.rcv_nxt - c.irs}
        watch.step(c.stack.now, c.stack.name, Stop.REASSEMBLY, c.subject(), details)


def _take_in_order(c: ControlBlock, payload: Payload, size: int, flags: int) -> None:
    """The next bytes: into the receive queue, with those that waited for them."""
    now = c.stack.now
    acknowledge.note_arrival(c, size, now)
    if size > c.rcv_mss:
        c.rcv_mss = size
    c.bytes_received += size
    c.rcv_nxt += size
    c.rcv_queue.append(payload)
    c.rcv_queued_bytes += size
    if flags & PSH:
        c.pushed = True
    known = c.bytes_received
    if c.reassembly.held_bytes:
        _take_waiting(c)
        c.ack_now = True  # a hole is filled: say so at once
    else:
        acknowledge.choose(c, now)
    if c.stack.watch.step is not None:
        telling.tell_arrived(c, size, c.bytes_received - known)
    tell = c.on_change
    if tell is not None:
        tell()


def _take_waiting(c: ControlBlock) -> None:
    payloads, c.rcv_nxt = c.reassembly.take(c.rcv_nxt)
    for payload in payloads:
        c.bytes_received += len(payload)
        c.rcv_queue.append(payload)
        c.rcv_queued_bytes += len(payload)


def resend_smaller(c: ControlBlock, path_mtu_bytes: int) -> None:
    """The path's MTU shrank: cut what is in flight to the new size and send it again. (RFC 1191 section 6.4)"""
    recovery.resegment(c, path_mtu_bytes)
    sender.output(c)
