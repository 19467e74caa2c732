"""The deadlines of one connection and what happens when they pass.

Read first: RFC 6298 section 5, RFC 9293 sections 3.8.1, 3.8.3 (R1, R2), 3.8.4 (keepalive), 3.8.6.1 (persist).
Each deadline is a field of the control block; `stack.timers` holds one entry for the earliest of them.
"""

from __future__ import annotations

from typing import Final

from netarium.journey import Cause, Stop
from netarium.stack.failures import Failure
from netarium.stack.tcp import close, options, rack, recovery, sender, states, transmit
from netarium.stack.tcp.control_block import NEVER_NS, ControlBlock
from netarium.stack.tcp.rtt import RTO_MAX_NS
from netarium.wire.tcp import ACK

SECOND_NS: Final = 1_000_000_000


def run_due(c: ControlBlock, now: int) -> None:
    """Do what is due, then arm for what comes next."""
    if c.time_wait_at <= now:
        c.time_wait_at = NEVER_NS
        close.finish(c, Cause.TIME_WAIT_OVER)
        return
    if c.linger_at <= now:
        c.linger_at = NEVER_NS
        close.finish(c, Cause.AGED)
        return
    if c.delayed_ack_at <= now:
        c.delayed_ack_at = NEVER_NS
        c.pingpong = False  # the program did not answer in time (Linux tcp_delack_timer_handler)
        c.ack_timeout_ns = 40_000_000
        transmit.send_ack(c)
    if c.queue_at <= now:
        c.queue_at = NEVER_NS
        sender.output(c)
    if c.reorder_at <= now:
        c.reorder_at = NEVER_NS
        _reordering_over(c)
    if c.tlp_at <= now:
        c.tlp_at = NEVER_NS
        sender.probe_tail(c)
    if c.rto_at <= now:
        c.rto_at = NEVER_NS
        _retransmission_timeout(c, now)
    if c.persist_at <= now:
        c.persist_at = NEVER_NS
        _probe_window(c, now)
    if c.keepalive_at <= now:
        c.keepalive_at = NEVER_NS
        _keepalive(c, now)
    if c.state != states.CLOSED:
        rearm(c)


def rearm(c: ControlBlock) -> None:
    """Arm for the earliest deadline there is."""
    earliest = min(
        c.rto_at,
        c.delayed_ack_at,
        c.persist_at,
        c.keepalive_at,
        c.time_wait_at,
        c.linger_at,
        c.tlp_at,
        c.queue_at,
        c.reorder_at,
    )
    if earliest < c.deadline_ns:
        c.stack.timers.arm(c, earliest)


def keeps_run_going(c: ControlBlock) -> bool:
    """Whether the run must not end before this connection's timers. (DESIGN 3, End of a run)

    TIME-WAIT does not; persist and keepalive do not when the last probe was answered.
    """
    if c.rto_at != NEVER_NS or c.delayed_ack_at != NEVER_NS or c.linger_at != NEVER_NS:
        return True
    if c.persist_at != NEVER_NS and (c.persist_unanswered or not c.persist_backoff):
        return True
    return c.keepalive_at != NEVER_NS and c.keepalive_probes > 0


def _reordering_over(c: ControlBlock) -> None:
    """What RACK gave time to arrive late has not: it is lost. (RFC 8985 section 6.3)"""
    if c.flight and rack.find_losses(c):
        if not c.recovering:
            recovery.begin(c)
            recovery.reduce_rate(c, 0, False)
        sender.output(c)


def _retransmission_timeout(c: ControlBlock, now: int) -> None:
    """Nothing was acknowledged in time: send again, wait twice as long, at last give up. (RFC 6298 (5.4)-(5.6))"""
    c.retries += 1
    if _gave_up(c, now):
        close.fail(c, c.error if c.error is not None else Failure.TIMED_OUT, Cause.GAVE_UP)
        return
    if c.orphaned and close.end_if_too_many_orphans(c):
        return
    if c.state != states.SYN_SENT or c.retries > c.stack.settings.tcp_syn_linear_timeouts:
        c.rtt.back_off()
    at = now + c.rtt.rto_ns
    if c.options.user_timeout_ns:  # Linux tcp_clamp_rto_to_user_timeout
        at = max(min(at, c.first_unanswered_at + c.options.user_timeout_ns), now + 1_000_000)
    c.rto_at = at
    if c.state in (states.SYN_SENT, states.SYN_RECEIVED):
        c.retransmissions += 1
        _tell(c, Cause.TIMEOUT)
        transmit.send_syn(c, c.peer_syn)
        return
    _suspect_black_hole(c, now)
    recovery.begin_after_timeout(c)
    sender.output(c)


def _suspect_black_hole(c: ControlBlock, now: int) -> None:
    """Where ICMP is filtered, packets of this size may vanish unheard: try smaller ones. (RFC 4821)

    Off by default, as on Linux (net.ipv4.tcp_mtu_probing). Begins after tcp_retries1 time-outs, first with
    tcp_base_mss, then with half as much at each time-out.
    """
    settings = c.stack.settings
    if not settings.tcp_mtu_probing or now - c.first_unanswered_at < _back_off_total_ns(
        settings.tcp_retries1
    ):
        return
    size = c.mss + (options.TIMESTAMP_OPTION_BYTES if c.timestamps_ok else 0)
    smaller = settings.tcp_base_mss if size > settings.tcp_base_mss else size >> 1
    smaller = max(smaller, settings.tcp_min_snd_mss)
    if smaller < size:
        options.set_mss(c, smaller)
        recovery.resegment(c, 0)


def _gave_up(c: ControlBlock, now: int) -> bool:
    settings = c.stack.settings
    if c.state == states.SYN_SENT:
        # Those without a back-off come on top (Linux tcp_write_timeout).
        return c.retries > settings.tcp_syn_linear_timeouts + (
            c.options.syn_retries or settings.tcp_syn_retries
        )
    if c.state == states.SYN_RECEIVED:
        return c.retries > settings.tcp_synack_retries
    if c.options.user_timeout_ns:  # RFC 5482; Linux never gives up at the first time-out
        return c.retries > 1 and now - c.first_unanswered_at >= c.options.user_timeout_ns
    retries = settings.tcp_retries2
    if c.orphaned:
        retries = settings.tcp_orphan_retries or 8  # Linux: 0 means 8
    # Linux counts the time that so many doublings from 200 ms take, not the tries (retransmits_timed_out).
    return now - c.first_unanswered_at >= _back_off_total_ns(retries)


def _back_off_total_ns(retries: int) -> int:
    """How long `retries` time-outs last that begin at 200 ms and double up to 120 s: 924.6 s for 15."""
    total = 0
    interval = 200_000_000
    for _ in range(retries + 1):
        total += interval
        interval = min(interval * 2, RTO_MAX_NS)
    return total


def _probe_window(c: ControlBlock, now: int) -> None:
    """The window is shut: ask whether it still is, ever more slowly. (RFC 9293 3.8.6.1; Linux tcp_send_probe0)"""
    if not c.unsent_bytes or c.flight:
        c.persist_backoff = 0
        return
    if c.persist_unanswered > c.stack.settings.tcp_retries2 or (
        c.orphaned and c.persist_unanswered > (c.stack.settings.tcp_orphan_retries or 8)
    ):
        close.fail(c, Failure.TIMED_OUT, Cause.GAVE_UP)
        return
    if not c.persist_unanswered:
        c.persist_began_at = now
    elif c.options.user_timeout_ns and now - c.persist_began_at >= c.options.user_timeout_ns:
        close.fail(c, Failure.TIMED_OUT, Cause.GAVE_UP)
        return
    room = c.snd_una + c.snd_wnd - c.snd_nxt
    _tell(c, Cause.ZERO_WINDOW_PROBE)
    c.persist_unanswered += 1
    c.persist_backoff = min(c.persist_backoff + 1, 16)
    if room > 0:
        sender.send_into_small_window(c, room)
        if c.flight:
            c.persist_unanswered = c.persist_backoff = 0  # data now: the retransmission timer watches it
            return
    else:
        # An old sequence number makes the peer answer with its window (Linux tcp_xmit_probe_skb).
        transmit.transmit(c, c.snd_una - 1, ACK, b"")
    c.persist_at = now + min(c.rtt.rto_ns << c.persist_backoff, RTO_MAX_NS)


def window_opened(c: ControlBlock) -> None:
    """An acknowledgment came while the window was probed: it counts as an answer."""
    c.persist_unanswered = 0
    if c.snd_una + c.snd_wnd > c.snd_nxt:
        c.persist_backoff = 0
        c.persist_at = NEVER_NS


def start_keepalive(c: ControlBlock) -> None:
    """Begin to watch for silence, or stop, as SO_KEEPALIVE says."""
    if c.options.keepalive and c.state not in (states.CLOSED, states.SYN_SENT, states.TIME_WAIT):
        idle_ns = c.options.keepalive_idle_ns or c.stack.settings.tcp_keepalive_time * SECOND_NS
        c.keepalive_at = max(c.last_heard_at + idle_ns, c.stack.now)
        rearm(c)
    else:
        c.keepalive_at = NEVER_NS
        c.keepalive_probes = 0


def _keepalive(c: ControlBlock, now: int) -> None:
    """The connection has been silent: probe, and give up after so many. (RFC 9293 3.8.4; Linux tcp_keepalive_timer)"""
    settings = c.stack.settings
    idle_ns = c.options.keepalive_idle_ns or settings.tcp_keepalive_time * SECOND_NS
    interval_ns = c.options.keepalive_interval_ns or settings.tcp_keepalive_intvl * SECOND_NS
    count = c.options.keepalive_count or settings.tcp_keepalive_probes
    heard_at = c.last_heard_at
    if c.flight or c.unsent_bytes:  # other timers watch over what is not acknowledged
        c.keepalive_probes = 0
        c.keepalive_at = now + idle_ns
        return
    if now - heard_at < idle_ns:
        c.keepalive_probes = 0
        c.keepalive_at = heard_at + idle_ns
        return
    if c.options.user_timeout_ns and c.keepalive_probes and now - heard_at >= c.options.user_timeout_ns:
        close.reset(c, Failure.TIMED_OUT, Cause.GAVE_UP)
        return
    if c.keepalive_probes >= count:
        close.reset(c, Failure.TIMED_OUT, Cause.GAVE_UP)
        return
    c.keepalive_probes += 1
    _tell(c, Cause.KEEPALIVE)
    transmit.transmit(c, c.snd_una - 1, ACK, b"")
    c.keepalive_at = now + interval_ns


def _tell(c: ControlBlock, cause: Cause) -> None:
    watch = c.stack.watch
    if watch.step is not None:
        details: dict[str, object] = {"cause": cause.name, "because": cause.value, "try": c.retries}
        watch.step(c.stack.now, c.stack.name, Stop.RETRANSMIT, c.subject(), details)
