"""FIN, RST, TIME-WAIT, the end.

Read first: RFC 9293 sections 3.6 (closing), 3.10.4 (CLOSE), 3.10.5 (ABORT), 3.5.2 and 3.5.3 (reset); RFC 1122 4.2.2.13
(half-duplex close); Linux tcp_close, tcp_fin.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from netarium.journey import Cause
from netarium.stack.failures import Failure
from netarium.stack.tcp import sender, states, transmit
from netarium.stack.tcp.control_block import NEVER_NS, ControlBlock

if TYPE_CHECKING:
    from netarium.stack.tcp.protocol import Tcp

SECOND_NS: Final = 1_000_000_000
TIME_WAIT_NS: Final = 60 * SECOND_NS
"""Linux TCP_TIMEWAIT_LEN, 60 s; RFC 9293: twice the maximum segment lifetime of 2 minutes."""


def finish(c: ControlBlock, cause: Cause) -> None:
    """The connection is no more: leave the tables, stop the timers, tell the socket."""
    if c.state != states.CLOSED:
        c.change_state(states.CLOSED, cause)
    c.rto_at = c.delayed_ack_at = c.persist_at = c.keepalive_at = c.time_wait_at = c.linger_at = NEVER_NS
    c.tlp_at = c.reorder_at = c.queue_at = NEVER_NS
    c.stack.timers.cancel(c)
    c.flight.clear()
    c.flight_head = 0
    c.send_chunks.clear()
    c.unsent_bytes = 0
    tcp = c.ip.tcp
    tcp.orphans.discard(c)
    if c.in_time_wait:
        c.in_time_wait = False
        tcp.time_waits -= 1
    tcp.forget(c)
    c.changed()


def fail(c: ControlBlock, failure: Failure, cause: Cause) -> None:
    """End with an error that the program's next call gets."""
    c.error = failure
    finish(c, cause)


def reset(c: ControlBlock, failure: Failure | None, cause: Cause) -> None:
    """End at once and tell the peer by a RST. (RFC 9293 section 3.10.5)"""
    if states.SYNCHRONIZED[c.state] or c.state == states.SYN_RECEIVED:
        transmit.send_reset(c)
    if failure is not None:
        c.error = failure
    finish(c, cause)


def shut_send_side(c: ControlBlock) -> None:
    """No more data from the program: FIN after what is queued. (RFC 9293 section 3.10.4)

    Before SYN-SENT is over `give_up_opening` is meant instead; where our FIN is out already there is nothing to do.
    """
    if c.state == states.ESTABLISHED or c.state == states.SYN_RECEIVED:
        c.change_state(states.FIN_WAIT_1, Cause.PROGRAM)
    elif c.state == states.CLOSE_WAIT:
        c.change_state(states.LAST_ACK, Cause.PROGRAM)
    else:
        return
    c.fin_queued = True
    sender.output(c)


def give_up_opening(c: ControlBlock) -> None:
    """shutdown() in SYN-SENT, whichever side: the attempt ends. (RFC 9293 section 3.10.4; Linux tcp_disconnect)"""
    fail(c, Failure.CONNECTION_RESET, Cause.PROGRAM)


def close_by_program(c: ControlBlock) -> None:
    """The program has let go of the connection: nobody will read, what it wrote still goes out. (Linux tcp_close)"""
    unread = c.rcv_queued_bytes > 0
    c.rcv_queue.clear()
    c.rcv_queued_bytes = 0
    c.rcv_shutdown = True
    c.orphaned = True
    c.on_change = None
    if c.state == states.CLOSED or c.state == states.TIME_WAIT:
        return
    if c.state == states.SYN_SENT:
        finish(c, Cause.PROGRAM)
    elif unread:
        # RFC 1122 4.2.2.13: data would be lost, so the peer must learn that it did not arrive.
        reset(c, None, Cause.UNREAD_DATA)
    elif c.options.linger_s == 0:
        reset(c, None, Cause.LINGER)
    else:
        c.ip.tcp.orphans.add(c)
        shut_send_side(c)
        if c.state == states.FIN_WAIT_2:
            watch_orphan(c)
        elif c.state != states.CLOSED:
            end_if_too_many_orphans(c)


def end_if_too_many_orphans(c: ControlBlock) -> bool:
    """Reset it when more than tcp_max_orphans are closed by their programs alone. (Linux tcp_check_oom)"""
    tcp = c.ip.tcp
    if count_orphans(c) <= c.stack.settings.tcp_max_orphans:
        return False
    tcp.counters["orphans_reset"] += 1
    reset(c, None, Cause.TOO_MANY_ORPHANS)
    return True


def count_orphans(c: ControlBlock) -> int:
    """The connections of the host, of both families, that no program holds any more; TIME-WAIT is not among them."""
    return sum(len(tcp.orphans) for tcp in _families(c))


def _families(c: ControlBlock) -> list[Tcp]:
    stack = c.stack
    return [stack.ipv4.tcp] if stack.ipv6 is None else [stack.ipv4.tcp, stack.ipv6.tcp]


def watch_orphan(c: ControlBlock) -> None:
    """In FIN-WAIT-2 with nobody left to read: wait tcp_fin_timeout (or TCP_LINGER2) for the peer's FIN, no longer."""
    wait_s = c.options.linger2_s or c.stack.settings.tcp_fin_timeout
    if wait_s < 0:
        reset(c, None, Cause.LINGER)
        return
    # It is small from here on (Linux: a mini-socket), and no orphan that tcp_max_orphans counts.
    c.ip.tcp.orphans.discard(c)
    # Not before a FIN that was lost can have come again (Linux tcp_fin_time): three and a half time-outs.
    c.linger_at = c.stack.now + max(wait_s * SECOND_NS, c.rtt.rto_ns * 7 // 2)
    if c.linger_at < c.deadline_ns:
        c.stack.timers.arm(c, c.linger_at)


def fin_acknowledged(c: ControlBlock) -> None:
    """The peer has all we sent, FIN included."""
    if c.state == states.FIN_WAIT_1:
        c.change_state(states.FIN_WAIT_2, Cause.SEGMENT)
        c.changed()
        if c.orphaned and c.options.linger2_s < 0:
            transmit.send_reset(c, answers_ack=True)  # Linux tcp_rcv_state_process
            finish(c, Cause.LINGER)
        elif c.orphaned:
            watch_orphan(c)
    elif c.state == states.CLOSING:
        enter_time_wait(c)
    elif c.state == states.LAST_ACK:
        finish(c, Cause.SEGMENT)


def fin_received(c: ControlBlock) -> None:
    """The peer sends no more: its FIN is in order. (RFC 9293 section 3.10.7.4, eighth)"""
    c.rcv_nxt += 1
    c.peer_done = True
    c.ack_now = True
    state = c.state
    if state == states.ESTABLISHED:
        c.change_state(states.CLOSE_WAIT, Cause.SEGMENT)
    elif state == states.FIN_WAIT_1:
        # Our FIN is not acknowledged yet, or `acks` had gone to FIN-WAIT-2 with this very segment.
        c.change_state(states.CLOSING, Cause.SEGMENT)
    elif state == states.FIN_WAIT_2:
        enter_time_wait(c)
    c.changed()


def enter_time_wait(c: ControlBlock) -> None:
    """Wait for what is still under way, and answer FINs that come again. (RFC 9293 section 3.6.1)

    No more than tcp_max_tw_buckets connections of a host do; one more is closed as soon as its ACK is sent.
    """
    c.change_state(states.TIME_WAIT, Cause.SEGMENT)
    tcp = c.ip.tcp
    tcp.orphans.discard(c)
    if sum(each.time_waits for each in _families(c)) >= c.stack.settings.tcp_max_tw_buckets:
        tcp.counters["time_wait_overflows"] += 1
        if c.ack_now:
            transmit.send_ack(c)
        finish(c, Cause.TOO_MANY_IN_TIME_WAIT)
        return
    tcp.time_waits += 1
    c.in_time_wait = True
    c.invalid_at = -1
    c.rto_at = c.persist_at = c.keepalive_at = c.linger_at = NEVER_NS
    restart_time_wait(c)
    c.changed()


def restart_time_wait(c: ControlBlock) -> None:
    """Begin the wait anew."""
    c.time_wait_at = c.stack.now + TIME_WAIT_NS
    if c.time_wait_at < c.deadline_ns:
        c.stack.timers.arm(c, c.time_wait_at)
