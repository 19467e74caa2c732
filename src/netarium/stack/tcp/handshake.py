"""SYN, SYN+ACK, ACK: how a connection begins.

Read first: RFC 9293 sections 3.5, 3.10.1 (OPEN), 3.10.7.3 (SYN-SENT); RFC 6528 (initial sequence numbers); RFC 5961
section 4 (SYN in a connection). `protocol` and `receiver` call this.
"""

from __future__ import annotations

from typing import Final

from netarium.journey import Cause, Drop
from netarium.stack.failures import Failure
from netarium.stack.tcp import acks, close, options, sender, states, transmit
from netarium.stack.tcp.control_block import NEVER_NS, ControlBlock
from netarium.stack.tcp.sequence import MASK, unwrap
from netarium.stack.tcp.syn_cookies import only_with_mss
from netarium.stack.tcp.timers import start_keepalive
from netarium.stack.tcp.window import initial_window
from netarium.wire.tcp import ACK, RST, SYN, TcpHeader

HURRY_NS: Final = 2_000_000
"""Linux TCP_TIMEOUT_MIN, two jiffies: how soon a SYN goes again that an old connection of the peer has answered."""


def _begin(c: ControlBlock, syn: TcpHeader | None = None) -> None:
    """Choose the initial sequence number, the start of the clock of timestamps, and the receive buffer."""
    numbers = c.ip.tcp.numbers
    c.iss = numbers.sequence(c)
    c.ts_offset = numbers.timestamp_offset(c)
    c.snd_una = c.iss
    c.snd_nxt = c.iss + 1
    c.nagle_end = c.iss
    options.choose_receive_space(c)
    c.rcv_nxt = 0
    mss = options.own_mss(c)
    if syn is not None and options.wants_timestamps(c, syn):
        mss -= (
            options.TIMESTAMP_OPTION_BYTES
        )  # Linux tcp_openreq_init_rwin: 65160 in a SYN+ACK, 64240 in a SYN
    c.rcv_adv = initial_window(c, mss)
    c.opened_at = c.stack.now


def _arm_syn(c: ControlBlock) -> None:
    at = c.stack.now + c.rtt.rto_ns
    c.rto_at = at
    c.first_unanswered_at = c.stack.now
    if at < c.deadline_ns:
        c.stack.timers.arm(c, at)


def open_actively(c: ControlBlock) -> Failure | None:
    """Send the first SYN. (RFC 9293 section 3.10.1)

    One that this host's own firewall stops is sent again like any that is lost (Linux tcp_connect).
    """
    _begin(c)
    c.is_active = True
    c.change_state(states.SYN_SENT, Cause.PROGRAM)
    failure = transmit.send_syn(c, None)
    if failure is not None and failure is not Failure.PERMISSION:
        return failure
    _arm_syn(c)
    return None


def open_passively(c: ControlBlock, syn: TcpHeader) -> None:
    """A SYN came to a listener: answer SYN+ACK."""
    _begin(c, syn)
    _take_peer_syn(c, syn)
    c.peer_syn = syn
    c.segments_in = 1
    c.change_state(states.SYN_RECEIVED, Cause.SEGMENT)
    transmit.send_syn(c, syn)
    _arm_syn(c)


def answer_with_cookie(c: ControlBlock, syn: TcpHeader) -> None:
    """The SYN queue is full: answer so that the ACK brings everything back, and keep nothing. (RFC 4987 3.6)"""
    if not options.wants_timestamps(c, syn):
        syn = only_with_mss(syn)  # without timestamps there is no place for the rest
    _begin(c, syn)
    _take_peer_syn(c, syn)
    c.iss = c.ip.tcp.cookies.make(c, syn)
    transmit.send_syn(c, syn, with_cookie=True)


def open_from_cookie(c: ControlBlock, syn: TcpHeader, ack: TcpHeader) -> None:
    """The cookie came back: go on as if SYN and SYN+ACK were remembered."""
    _begin(c, syn)
    _take_peer_syn(c, syn)
    c.iss = c.snd_una = c.nagle_end = (ack.acknowledgment - 1) & MASK
    c.snd_nxt = c.iss + 1
    c.snd_wl2 = c.iss
    c.peer_syn = syn
    c.from_cookie = True
    c.change_state(states.SYN_RECEIVED, Cause.SEGMENT)
    _arm_syn(c)


def _take_peer_syn(c: ControlBlock, header: TcpHeader) -> None:
    window = c.rcv_adv - c.rcv_nxt
    c.irs = header.sequence
    c.rcv_nxt = c.irs + 1
    c.rcv_adv = c.rcv_nxt + window
    c.last_ack_sent_to = c.rcv_nxt
    c.rcv_space_seq = c.rcv_nxt
    c.rcv_space_at = c.stack.now
    c.snd_wnd = header.window  # never scaled in a SYN (RFC 7323 section 2.2)
    c.snd_wl1 = c.irs
    c.snd_wl2 = c.iss
    c.max_window = header.window
    options.agree(c, header)
    c.rcv_mss = options.guess_peer_segment(c, window)
    c.rcv_space_bytes = min(window, 10 * options.own_segment(c))


def receive_in_syn_sent(c: ControlBlock, header: TcpHeader) -> Drop | None:
    """A segment arrives while our SYN is out. (RFC 9293 section 3.10.7.3)"""
    flags = header.flags
    c.segments_in += 1
    acknowledged = False
    if flags & ACK:
        acknowledgment = unwrap(header.acknowledgment, c.snd_nxt)
        if acknowledgment != c.snd_nxt:
            if (
                not c.retries
            ):  # our RST clears what the peer has of old; then the SYN will do (Linux likewise)
                c.rto_at = c.stack.now + HURRY_NS
                c.stack.timers.arm(c, min(c.rto_at, c.deadline_ns))
            if not flags & RST:
                c.ip.tcp.answer_with_reset(c.ip, c.local_ip, c.remote_ip, header, 0)
            return Drop.TCP_BAD_ACK
        acknowledged = True
    if flags & RST:
        if not acknowledged:
            return Drop.TCP_BAD_RST
        close.fail(c, Failure.CONNECTION_REFUSED, Cause.SEGMENT)
        return None
    if not flags & SYN:
        return Drop.TCP_NOT_ACCEPTED
    if acknowledged and _echoes_what_was_not_sent(c, header):
        c.ip.tcp.answer_with_reset(c.ip, c.local_ip, c.remote_ip, header, 0)
        return Drop.TCP_PAWS
    _take_peer_syn(c, header)
    if acknowledged:
        c.snd_una = c.snd_nxt
        c.snd_wl2 = c.snd_una
        c.change_state(states.ESTABLISHED, Cause.SEGMENT)
        establish(c, header)
        # Linux acknowledges at once unless the program is known to write first; so do we, always.
        if c.unsent_bytes:
            c.ack_now = True
        else:
            transmit.send_ack(c)
        c.changed()
        sender.output(c)
        return None
    c.peer_syn = header
    c.change_state(states.SYN_RECEIVED, Cause.SEGMENT)  # the SYNs crossed (RFC 9293 figure 8)
    transmit.send_syn(c, header)
    _arm_syn(c)
    return None


def _echoes_what_was_not_sent(c: ControlBlock, header: TcpHeader) -> bool:
    """Whether a SYN+ACK echoes a timestamp that none of our SYNs had. (Linux tcp_rcv_synsent: PAWSACTIVEREJECTED)"""
    if header.timestamp < 0 or not header.echo or not c.stack.settings.tcp_timestamps:
        return False
    first = options.timestamp_value(c, c.opened_at)
    return (header.echo - first) & MASK > (options.timestamp_value(c, c.stack.now) - first) & MASK


def establish(c: ControlBlock, header: TcpHeader) -> None:
    """Both SYNs are acknowledged: measure, size the buffers, begin to watch for silence."""
    acks.handshake_done(c, header)
    c.last_heard_at = c.stack.now
    c.persist_at = NEVER_NS
    if not c.options.send_buffer_bytes:
        # Linux tcp_init_buffer_space: room for twice the initial window, and what it reports for it.
        c.send_buffer_bytes = max(c.send_buffer_bytes, 87_040)
    if c.options.keepalive:
        start_keepalive(c)


def take_final_ack(c: ControlBlock, header: TcpHeader, sequence: int, size: int = 0) -> Drop | None:
    """In SYN-RECEIVED the acknowledgment of our SYN completes the handshake. (RFC 9293 section 3.10.7.4, fifth)

    With TCP_DEFER_ACCEPT a bare one does not: the connection waits for data, or for the SYN+ACK that is sent again
    when the time is over, to be acknowledged once more. (Linux tcp_check_req)
    """
    acknowledgment = unwrap(header.acknowledgment, c.snd_nxt)
    if acknowledgment < c.iss + 1 or acknowledgment > c.snd_nxt:
        c.ip.tcp.answer_with_reset(c.ip, c.local_ip, c.remote_ip, header, 0)
        return Drop.TCP_BAD_ACK
    listener = c.listener
    defer_ns = c.options.defer_accept_s * 1_000_000_000
    if listener is not None and not size and c.stack.now - c.opened_at < defer_ns:
        c.rto_at = c.opened_at + defer_ns
        return Drop.TCP_NOT_ACCEPTED
    if listener is not None and not listener.take_completed(c):
        if c.stack.settings.tcp_abort_on_overflow:
            c.ip.tcp.answer_with_reset(c.ip, c.local_ip, c.remote_ip, header, 0)
            close.finish(c, Cause.SEGMENT)
        # Else the SYN+ACK will be sent again, and the peer will acknowledge again.
        return Drop.TCP_ACCEPT_QUEUE_FULL
    c.snd_una = c.iss + 1
    c.snd_wnd = header.window << c.snd_scale
    c.snd_wl1 = sequence
    c.snd_wl2 = acknowledgment
    c.max_window = max(c.max_window, c.snd_wnd)
    c.peer_syn = None
    c.change_state(states.ESTABLISHED, Cause.SEGMENT)
    establish(c, header)
    if listener is not None:
        c.segments_out = 0  # the SYN+ACK was its listener's, as on Linux (TCP_INFO)
        listener.changed()
    else:
        c.changed()
    return None


def syn_in_connection(c: ControlBlock, header: TcpHeader, size: int) -> Drop | None:
    """A SYN inside the window of a connection: challenge it. (RFC 5961 section 4.2)

    While the handshake of a listener's connection is under way another SYN means that the peer has begun anew: RST, and
    the listener waits for the next. (RFC 9293 section 3.10.7.4, fourth; Linux tcp_check_req)
    """
    if c.state == states.SYN_RECEIVED and c.listener is not None:
        c.ip.tcp.answer_with_reset(c.ip, c.local_ip, c.remote_ip, header, size)
        c.listener.forget_half_open(c)
        close.finish(c, Cause.SEGMENT)
        return Drop.TCP_NOT_ACCEPTED
    c.ip.tcp.send_challenge_ack(c)
    return Drop.TCP_NOT_ACCEPTED
