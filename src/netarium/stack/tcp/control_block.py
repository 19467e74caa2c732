"""`ControlBlock`: all that is known about one connection, and nothing it does. (RFC 9293 section 3.3.1)

Names are those of the RFC. Sequence numbers are growing ints (`sequence.py`); times are ns; sizes are bytes. The other
files of this folder are the verbs; each changes the fields under its own heading and reads the rest.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from netarium.journey import Cause
from netarium.stack.tcp import states
from netarium.stack.tcp.reassembly import Payload, Reassembly
from netarium.stack.tcp.rtt import RttEstimator
from netarium.stack.tcp.segment import Segment
from netarium.stack.tcp.socket_options import SocketOptions
from netarium.stack.timers import TimerOwner

if TYPE_CHECKING:
    from netarium.stack.failures import Failure
    from netarium.stack.stack import Stack
    from netarium.stack.tcp.congestion.algorithm import Congestion
    from netarium.stack.tcp.urgent import Urgent
    from netarium.wire.tcp import TcpHeader

NEVER_NS: Final = (1 << 63) - 1

DATA_SEGMENT: Final = (1 << 32) + 1
"""What a segment with payload adds to `segments_in` and `segments_out`; one without adds 1. One sum tells both."""

MSS_DEFAULT: Final = 536
"""What the peer takes when it says nothing. (RFC 9293 section 3.7.1)"""


class ControlBlock(TimerOwner):
    """One connection's state. `Connection` adds the verbs."""

    __slots__ = (
        "ack_now",
        "ack_timeout_ns",
        "blocked_by",
        "busy_ns",
        "busy_since",
        "bytes_acked",
        "bytes_received",
        "confirmed_at",
        "congestion",
        "cwnd_limited",
        "delayed_ack_at",
        "departs_at",
        "departs_before",
        "duplicate_acks",
        "duplicate_range",
        "duplicates_reported",
        "early_segments",
        "error",
        "fin_queued",
        "fin_sent",
        "first_unanswered_at",
        "flight",
        "flight_head",
        "from_cookie",
        "frto",
        "highest_delivered",
        "highest_sacked",
        "in_time_wait",
        "invalid_at",
        "ip",
        "irs",
        "is_active",
        "iss",
        "judged_to",
        "keepalive_at",
        "keepalive_probes",
        "key",
        "last_ack_sent_to",
        "last_heard_at",
        "last_receive_at",
        "last_send_at",
        "linger_at",
        "listener",
        "local_ip",
        "local_port",
        "lost_bytes",
        "lost_pending",
        "max_flight_bytes",
        "max_window",
        "mss",
        "nagle_end",
        "on_change",
        "opened_at",
        "options",
        "original_acked",
        "orphaned",
        "peer_done",
        "peer_syn",
        "persist_at",
        "persist_backoff",
        "persist_began_at",
        "persist_unanswered",
        "pingpong",
        "probe_end",
        "probe_was_new",
        "prr_delivered_bytes",
        "prr_out_bytes",
        "pushed",
        "queue_at",
        "quick_acks",
        "rack_end",
        "rack_rtt_ns",
        "rack_sent_at",
        "rcv_adv",
        "rcv_buffer_bytes",
        "rcv_mss",
        "rcv_nxt",
        "rcv_queue",
        "rcv_queued_bytes",
        "rcv_scale",
        "rcv_shutdown",
        "rcv_space_at",
        "rcv_space_bytes",
        "rcv_space_seq",
        "reassembly",
        "recovering",
        "recovery_flight_bytes",
        "recovery_point",
        "remote_ip",
        "remote_port",
        "reorder_at",
        "reordering_persists",
        "reordering_round_end",
        "reordering_seen",
        "reordering_steps",
        "resend_from",
        "resent",
        "resent_bytes",
        "retransmissions",
        "retransmit_bytes",
        "retries",
        "route",
        "route_generation",
        "rto_at",
        "rtt",
        "sack_cache",
        "sack_ok",
        "sacked_bytes",
        "segments_in",
        "segments_out",
        "send_buffer_bytes",
        "send_chunks",
        "send_cursor",
        "snd_nxt",
        "snd_scale",
        "snd_una",
        "snd_wl1",
        "snd_wl2",
        "snd_wnd",
        "stack",
        "state",
        "time_wait_at",
        "timed_out",
        "timestamps_ok",
        "tlp_at",
        "told_held",
        "ts_offset",
        "ts_recent",
        "ts_recent_at",
        "undo_cwnd_bytes",
        "undo_from",
        "undo_resent",
        "undo_ssthresh_bytes",
        "undo_stamp",
        "undos",
        "unsent_bytes",
        "urgent",
        "usage_end",
        "wants_room",
    )  # fmt: skip

    def __init__(self, stack: Stack, ip: Any, local: tuple[int, int], remote: tuple[int, int]) -> None:
        super().__init__()
        # Who.
        self.stack = stack
        self.ip = ip
        self.local_ip, self.local_port = local
        self.remote_ip, self.remote_port = remote
        self.key = (self.local_ip, self.local_port, self.remote_ip, self.remote_port)
        self.state = states.CLOSED
        self.error: Failure | None = None
        self.listener: Any = None
        self.on_change: Callable[[], None] | None = None
        self.in_time_wait = False  # and counted as such
        self.orphaned = False  # the program has closed it and only the stack still knows it
        self.options = SocketOptions()
        self.opened_at = stack.now
        self.is_active = False  # the program connected
        self.from_cookie = False  # nothing was kept of the SYN+ACK, not even when it was sent
        # The way out, cached (`route_generation` says when to look again).
        self.route: Any = None
        self.route_generation = -1
        self._init_send()
        self._init_recovery()
        self._init_receive()
        self._init_timers()

    def _init_send(self) -> None:
        self.iss = 0
        self.snd_una = 0
        self.snd_nxt = 0
        self.snd_wnd = 0
        self.snd_wl1 = 0
        self.snd_wl2 = 0
        self.snd_scale = 0
        self.max_window = 0  # the largest window the peer ever offered (RFC 9293 section 3.8.6.2.1)
        self.mss = MSS_DEFAULT  # payload bytes of a full segment, options taken off
        self.send_chunks: deque[bytes] = (
            deque()
        )  # what the program gave and is not yet cut; the first from send_cursor on
        self.send_cursor = 0
        self.unsent_bytes = 0
        self.send_buffer_bytes = 0
        self.wants_room = False  # a send found no room since the program was last told of some
        self.fin_queued = False
        self.fin_sent = False
        self.nagle_end = 0  # end of the last segment smaller than the MSS (Minshall; Linux snd_sml)
        self.urgent: Urgent | None = None
        # Was the window the limit? (RFC 5681 section 3.1 grows it only then; RFC 7661; Linux tcp_cwnd_validate)
        self.cwnd_limited = False
        self.max_flight_bytes = 0  # the most in flight in this round
        self.usage_end = 0  # the round ends when this is acknowledged
        self.blocked_by = ""  # what kept the last output from sending more; for traces
        self.told_held = ""  # the same, when a watcher was told and not yet of the release
        self.departs_at = (
            0  # when the last segment that met a long queue below will have left, and the one before it
        )
        self.departs_before = 0
        self.bytes_acked = 0
        self.segments_out = 0  # in units of DATA_SEGMENT
        self.busy_since = -1  # when the first of what is in flight was sent; -1: nothing is
        self.busy_ns = 0  # how long something was in flight, up to busy_since
        self.last_send_at = 0
        self.confirmed_at = 0  # when forward progress last proved the next hop

    def _init_recovery(self) -> None:
        self.flight: list[Segment] = []  # sent, not acknowledged, in order; live from flight_head on
        self.flight_head = 0
        self.congestion: Congestion = None  # type: ignore[assignment]  # set when the MSS is known
        self.rtt = RttEstimator()
        self.duplicate_acks = 0
        self.recovering = False  # between a loss found and `recovery_point` acknowledged
        self.timed_out = False  # the recovery began with a time-out
        self.recovery_point = 0
        self.sacked_bytes = 0
        self.lost_bytes = 0
        self.lost_pending = 0  # segments lost and not yet sent again
        self.resend_from = 0  # no segment before this index of `flight` is lost and pending
        self.retransmit_bytes = 0  # retransmissions in flight
        self.highest_sacked = 0
        self.judged_to = 0  # every segment in flight before this is sacked or lost
        self.sack_cache: dict[int, int] = {}  # left edge -> right edge of blocks already marked
        self.retransmissions = 0
        self.resent_bytes = 0
        self.duplicates_reported = 0  # D-SACKs of the peer
        # RACK-TLP (RFC 8985); `rack` says what each means.
        self.rack_sent_at = 0
        self.rack_end = 0
        self.rack_rtt_ns = 0
        self.highest_delivered = 0
        self.reordering_seen = False
        self.reordering_steps = 1
        self.reordering_persists = 0
        self.reordering_round_end = 0
        self.resent: deque[tuple[int, Segment]] = deque()  # retransmissions in the order of sending
        self.probe_end = -1  # snd_nxt when the tail was probed; -1: it has not been since
        self.probe_was_new = False
        # Proportional rate reduction (RFC 6937).
        self.recovery_flight_bytes = 0
        self.prr_delivered_bytes = 0
        self.prr_out_bytes = 0
        # Was it a loss at all? `undo` says what each means.
        self.frto = 0
        self.undo_from = -1  # snd_una when the window was reduced last; -1: nothing to take back
        self.undo_resent = -1  # retransmissions since then that no D-SACK has reported; -1: none yet
        self.undo_stamp = -1  # our timestamp when the first of them was sent
        self.undo_cwnd_bytes = self.undo_ssthresh_bytes = 0
        self.original_acked = False  # the last acknowledgment was for something sent once before the time-out
        self.undos = 0

    def _init_receive(self) -> None:
        self.irs = 0
        self.rcv_nxt = 0
        self.rcv_adv = 0  # the right edge the peer was told
        self.rcv_scale = 0
        self.rcv_mss = MSS_DEFAULT  # size of the peer's full segments as seen
        self.rcv_queue: deque[Payload] = deque()
        self.rcv_queued_bytes = 0
        self.rcv_buffer_bytes = 0
        self.rcv_shutdown = False  # the program reads no more: SHUT_RD, or close
        self.peer_done = False  # the peer's FIN was taken (Linux SOCK_DONE)
        self.reassembly = Reassembly()
        self.sack_ok = False
        self.timestamps_ok = False
        self.ts_recent = 0
        self.ts_recent_at = 0
        self.ts_offset = 0
        self.bytes_received = 0
        self.segments_in = 0  # in units of DATA_SEGMENT
        self.early_segments = 0
        self.last_receive_at = 0  # data
        self.invalid_at = -1  # when an invalid segment was last answered
        self.last_heard_at = self.stack.now  # anything
        self.peer_syn: TcpHeader | None = None  # what our SYN+ACK answers
        # Acknowledging.
        self.ack_now = False
        self.duplicate_range: tuple[int, int] | None = None  # what came twice, to be reported once (RFC 2883)
        self.last_ack_sent_to = 0  # rcv_nxt when we last acknowledged
        self.quick_acks = 0
        self.pingpong = False
        self.pushed = False
        self.ack_timeout_ns = 0
        # Autotuning of the receive buffer.
        self.rcv_space_at = 0
        self.rcv_space_seq = 0
        self.rcv_space_bytes = 0

    def _init_timers(self) -> None:
        # `deadline_ns` (of TimerOwner) is never later than the earliest of these.
        self.rto_at = NEVER_NS
        self.delayed_ack_at = NEVER_NS
        self.persist_at = NEVER_NS
        self.keepalive_at = NEVER_NS
        self.time_wait_at = NEVER_NS
        self.tlp_at = NEVER_NS
        self.reorder_at = NEVER_NS
        self.linger_at = NEVER_NS
        self.queue_at = NEVER_NS  # when the host's own queue will have room again
        self.retries = 0
        self.first_unanswered_at = 0
        self.persist_backoff = 0
        self.persist_began_at = 0  # when the first probe since the last answer was sent
        self.persist_unanswered = 0
        self.keepalive_probes = 0

    def change_state(self, after: int, cause: Cause) -> None:
        """Go to state `after`; the table of `states` must have the row."""
        before = self.state
        assert (before, after) in states.TRANSITIONS, f"{states.NAMES[before]} -> {states.NAMES[after]}"
        self.state = after
        watch = self.stack.watch
        if watch.state is not None:
            watch.state(
                self.stack.now,
                self.stack.name,
                self.subject(),
                states.NAMES[before],
                states.NAMES[after],
                cause,
            )

    def subject(self) -> str:
        """How traces name this connection: `tcp 10.0.0.1:80-10.0.0.2:4321`, the own end first."""
        text = self.ip.format_address
        return f"tcp {text(self.local_ip)}:{self.local_port}-{text(self.remote_ip)}:{self.remote_port}"

    def changed(self) -> None:
        """Tell the socket that what a waiter waits for may have come about."""
        if self.on_change is not None:
            self.on_change()

    def flight_bytes(self) -> int:
        """Bytes sent and not acknowledged."""
        return self.snd_nxt - self.snd_una

    def pipe_bytes(self) -> int:
        """Bytes thought to be in the network. (RFC 6675 section 4, kept as running sums)"""
        return self.snd_nxt - self.snd_una - self.sacked_bytes - self.lost_bytes + self.retransmit_bytes
