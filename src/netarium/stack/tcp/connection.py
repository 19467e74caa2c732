"""`Connection`: the verbs that sockets call on one connection.

Each verb is one of RFC 9293 section 3.10 (SEND, RECEIVE, CLOSE, ABORT, STATUS). None blocks and none raises: what
cannot be done now is told by the result, what went wrong stands in `error`. The caller brackets them with
`stack.enter(now)` and `stack.settle()`.
"""

from __future__ import annotations

from typing import Final

from netarium.journey import Cause
from netarium.stack.failures import Failure
from netarium.stack.tcp import (
    acknowledge,
    close,
    options,
    sender,
    states,
    telling,
    timers,
    transmit,
    urgent,
    window,
)
from netarium.stack.tcp.control_block import NEVER_NS, ControlBlock

_STATISTICS: Final = (
    "blocked_by",
    "bytes_acked",
    "bytes_received",
    "congestion_algorithm",
    "cwnd_bytes",
    "flight_bytes",
    "mss_bytes",
    "receive_queue_bytes",
    "receive_window_bytes",
    "retransmissions",
    "rto_ns",
    "rttvar_ns",
    "send_queue_bytes",
    "send_window_bytes",
    "srtt_ns",
    "ssthresh_bytes",
    "state",
)


class Statistics:
    """What is known about a connection at one moment; `ss -i` and TCP_INFO show it. Times in ns, sizes in bytes."""

    __slots__ = _STATISTICS

    def __init__(self, c: ControlBlock) -> None:
        self.state = states.NAMES[c.state]
        self.mss_bytes = c.mss
        self.cwnd_bytes = c.congestion.cwnd_bytes if c.congestion is not None else 0
        self.ssthresh_bytes = c.congestion.ssthresh_bytes if c.congestion is not None else 0
        self.congestion_algorithm = c.congestion.name if c.congestion is not None else ""
        self.flight_bytes = c.flight_bytes()
        self.send_queue_bytes = c.unsent_bytes + c.flight_bytes()
        self.send_window_bytes = c.snd_wnd
        self.receive_queue_bytes = c.rcv_queued_bytes
        self.receive_window_bytes = max(c.rcv_adv - c.rcv_nxt, 0)
        self.srtt_ns = c.rtt.srtt_ns
        self.rttvar_ns = c.rtt.rttvar_ns
        self.rto_ns = c.rtt.rto_ns
        self.retransmissions = c.retransmissions
        self.bytes_acked = c.bytes_acked
        self.bytes_received = c.bytes_received
        self.blocked_by = c.blocked_by

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={getattr(self, name)!r}" for name in _STATISTICS)
        return f"Statistics({fields})"


class Connection(ControlBlock):
    """One TCP connection, from SYN to CLOSED."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<Connection {self.subject()} {states.NAMES[self.state]}>"

    # -- the program sends ------------------------------------------------------------------------------------------

    def send_room(self) -> int:
        """How many bytes the send buffer takes now."""
        room = self.send_buffer_bytes - self.unsent_bytes - (self.snd_nxt - self.snd_una)
        return room if room > 0 else 0

    def is_writable(self) -> bool:
        """Whether a third of the send buffer is free and less than tcp_notsent_lowat waits. (Linux tcp_poll)"""
        if self.unsent_bytes >= (self.options.notsent_lowat_bytes or self.stack.settings.tcp_notsent_lowat):
            return False
        return 3 * (self.unsent_bytes + self.snd_nxt - self.snd_una) <= 2 * self.send_buffer_bytes

    def send(self, data: bytes | bytearray | memoryview) -> int:
        """Take as much of `data` as there is room for and send what may go; the count taken, 0 for no room.

        The state must be one of `states.MAY_SEND_DATA`; sockets look before they call. Mutable data is copied.
        """
        room = self.send_buffer_bytes - self.unsent_bytes - (self.snd_nxt - self.snd_una)
        if room <= 0:
            self.wants_room = True
            return 0
        size = len(data)
        if size > room:
            size = room
            data = data[:room]
            self.wants_room = True
        self.send_chunks.append(data if type(data) is bytes else bytes(data))
        self.unsent_bytes += size
        if self.stack.watch.step is not None:
            telling.tell_taken(self, size)
        sender.output(self)
        return size

    def send_more(self, data: bytes | bytearray | memoryview) -> int:
        """As `send` when more will follow at once: a partial segment waits for it. (MSG_MORE)

        It waits as under TCP_CORK, but only until the next send or acknowledgment. (Linux tcp_push)
        """
        corked = self.options.cork
        self.options.cork = True
        count = self.send(data)
        self.options.cork = corked
        return count

    def send_urgent(self, data: bytes | bytearray | memoryview) -> int:
        """As `send`; the last byte that is taken is urgent. (MSG_OOB)"""
        room = self.send_room()
        if room and data:
            urgent.mark_sent(self, min(len(data), room))
        return self.send(data)

    # -- the program receives ---------------------------------------------------------------------------------------

    def receive(self, count: int) -> bytes | None:
        """Up to `count` bytes; b"" after the peer's last, None when there is nothing yet."""
        queue = self.rcv_queue
        if not queue:
            return b"" if self.at_end() else None
        if self.urgent is not None:
            count = urgent.before_mark(self, count)
            if not queue:
                return b"" if self.at_end() else None
        first = queue[0]
        size = len(first)
        if size == count or (size < count and len(queue) == 1):
            queue.popleft()
            data = first if type(first) is bytes else bytes(first)
        else:
            data = self._gather(count)
            size = len(data)
        self.rcv_queued_bytes -= size
        if self.stack.watch.step is not None:
            telling.tell_read(self, data)
        self._after_read()
        return data

    def _gather(self, count: int) -> bytes:
        queue = self.rcv_queue
        pieces = []
        while queue and count:
            piece = queue.popleft()
            if len(piece) > count:
                queue.appendleft(memoryview(piece)[count:])
                piece = piece[:count]
            pieces.append(piece)
            count -= len(piece)
        return b"".join(pieces)

    def peek(self, count: int) -> bytes | None:
        """As `receive`, but the bytes stay. (MSG_PEEK)"""
        if not self.rcv_queue:
            return b"" if self.at_end() else None
        skip = 0
        if self.urgent is not None:
            skip, count = urgent.peek_range(self, count)
        pieces = []
        for piece in self.rcv_queue:
            pieces.append(piece[skip : skip + count])
            count -= len(pieces[-1])
            skip = 0
            if not count:
                break
        return b"".join(pieces) or (b"" if self.at_end() else None)

    def receive_urgent(self, *, peek: bool) -> bytes | Failure | None:
        """The urgent byte (MSG_OOB); INVALID when there is none, None when it has been told of but is not there."""
        found = urgent.take(self, peek=peek)
        return b"" if found is None and self.at_end() else found

    def at_end(self) -> bool:
        """Whether an empty queue means the end: the peer's FIN goes before an error, an error before SHUT_RD."""
        if self.peer_done:
            return True
        return self.error is None and (self.rcv_shutdown or self.state == states.CLOSED)

    def _after_read(self) -> None:
        """The program has read: perhaps acknowledge, perhaps tell the peer of room. (Linux tcp_cleanup_rbuf)"""
        if not self.rcv_queued_bytes:
            if self.delayed_ack_at != NEVER_NS and acknowledge.due_after_read(self):
                transmit.send_ack(self)
            self.pushed = False
        now = self.stack.now
        if now - self.rcv_space_at >= self.rtt.srtt_ns:
            window.grow_buffer(self, now)
        # The first test is the first of `update_wanted`: this runs for every read.
        if (
            4 * (self.rcv_adv - self.rcv_nxt) <= self.rcv_buffer_bytes
            and window.update_wanted(self)
            and not states.PEER_HAS_CLOSED[self.state]
            and self.state != states.CLOSED
        ):
            transmit.send_ack(self)

    # -- the program ends it ----------------------------------------------------------------------------------------

    def shutdown_send(self) -> None:
        """Send FIN after what is queued; receiving goes on. (half close) In SYN-SENT it ends the attempt."""
        if self.state == states.SYN_SENT:
            close.give_up_opening(self)
            return
        close.shut_send_side(self)
        self.changed()

    def shutdown_receive(self) -> None:
        """Wait for no more data: reading tells the end when nothing is queued; what comes is still queued. (Linux)"""
        self.rcv_shutdown = True
        self.changed()

    def close(self) -> None:
        """Let go of it: unread data resets the connection, else what is queued goes out, then FIN."""
        close.close_by_program(self)

    def abort(self) -> None:
        """End at once with a RST. (RFC 9293 section 3.10.5)"""
        self.orphaned = True
        self.on_change = None
        if self.state != states.CLOSED:
            close.reset(self, None, Cause.PROGRAM)

    def take_error(self) -> Failure | None:
        """What went wrong, once. (SO_ERROR)"""
        failure = self.error
        self.error = None
        return failure

    # -- choices ----------------------------------------------------------------------------------------------------

    def options_changed(self) -> None:
        """The program changed `options`: let what is held go, watch or stop watching for silence, resize."""
        chosen = self.options
        if chosen.send_buffer_bytes:
            self.send_buffer_bytes = chosen.send_buffer_bytes
        if chosen.receive_buffer_bytes:
            self.rcv_buffer_bytes = chosen.receive_buffer_bytes
        if self.state == states.CLOSED:
            return
        if chosen.congestion and self.congestion is not None and chosen.congestion != self.congestion.name:
            options.change_congestion(self)
        timers.start_keepalive(self)
        if self.unsent_bytes and not chosen.cork:
            sender.output(self)

    def push(self) -> None:
        """Send a delayed acknowledgment now. (TCP_QUICKACK)"""
        if self.delayed_ack_at != NEVER_NS:
            transmit.send_ack(self)

    def statistics(self) -> Statistics:
        """A record of what is known now."""
        return Statistics(self)

    # -- the stack's timers -----------------------------------------------------------------------------------------

    def on_timer(self, now: int) -> None:
        """Called by `stack.timers` when the earliest deadline may have passed."""
        timers.run_due(self, now)

    def is_foreground(self) -> bool:
        """Whether its timers keep the run going."""
        return timers.keeps_run_going(self)
