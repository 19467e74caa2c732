"""Urgent data, as Linux has it: one byte out of band, and a mark in the stream at which reading stops.

Read first: RFC 9293 section 3.8.5, RFC 6093 (what became of it), Linux tcp_check_urg, tcp_urg, tcp_recv_urg. The
pointer on the wire is the number behind the urgent byte, as everybody sends it (net.ipv4.tcp_stdurg 0). Sequence
numbers here are unwrapped, as everywhere in this folder.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from netarium.stack.failures import Failure
from netarium.wire.tcp import URG

if TYPE_CHECKING:
    from netarium.stack.tcp.control_block import ControlBlock
    from netarium.stack.tcp.reassembly import Payload
    from netarium.wire.tcp import TcpHeader

NONE: Final = -1
POINTER_MAX: Final = 0xFFFF


class Urgent:
    """What one connection has of it: made when the first urgent byte is sent or told of.

    `sent_end` is the number behind the last urgent byte of ours. `mark` is the number of the peer's urgent byte, NONE
    when reading has passed it; `byte` is that byte once it is there, `taken` says that MSG_OOB has read it.
    """

    __slots__ = ("byte", "mark", "sent_end", "taken")

    def __init__(self) -> None:
        self.sent_end = NONE
        self.mark = NONE
        self.byte: int | None = None
        self.taken = False


# Sending.


def mark_sent(c: ControlBlock, size: int) -> None:
    """The last of the `size` bytes that are sent next is urgent. (Linux tcp_mark_urg)"""
    if c.urgent is None:
        c.urgent = Urgent()
    c.urgent.sent_end = c.snd_nxt + c.unsent_bytes + size


def is_sending(c: ControlBlock) -> bool:
    """Whether urgent data waits or is not acknowledged: such does not wait for Nagle's sake. (Linux tcp_urg_mode)"""
    return c.urgent is not None and c.urgent.sent_end > c.snd_una


def pointer_of(c: ControlBlock, start: int) -> int:
    """The urgent pointer of a segment that starts at `start`; 0 when it announces nothing. (RFC 9293 section 3.1)"""
    if c.urgent is None or not start < c.urgent.sent_end or c.urgent.sent_end <= c.snd_una:
        return 0
    return min(c.urgent.sent_end - start, POINTER_MAX)


# Receiving.


def receive(c: ControlBlock, header: TcpHeader, payload: Payload, sequence: int) -> None:
    """A segment tells of an urgent byte, or may bring the one that was told of. (RFC 9293 section 3.10.7.4, sixth)"""
    if header.flags & URG and header.urgent:
        _check_pointer(c, sequence + header.urgent - 1)
    urgent = c.urgent
    if urgent is None or urgent.mark == NONE or urgent.byte is not None:
        return
    place = urgent.mark - sequence
    if 0 <= place < len(payload):
        urgent.byte = payload[place]


def _check_pointer(c: ControlBlock, mark: int) -> None:
    if mark < c.rcv_nxt:
        return  # old news: it was told before
    if c.urgent is None:
        c.urgent = Urgent()
    urgent = c.urgent
    if urgent.mark != NONE and mark <= urgent.mark:
        return
    if urgent.mark == read_to(c) and not c.options.oob_inline and c.rcv_queue:
        _take_out(c)  # the program stands at an old mark and has not read on: that byte is out of the stream
    urgent.mark, urgent.byte, urgent.taken = mark, None, False
    c.changed()


def read_to(c: ControlBlock) -> int:
    """The number of the next byte that the program reads. (Linux copied_seq)"""
    return c.irs + 1 + c.bytes_received - c.rcv_queued_bytes


def _look(c: ControlBlock) -> None:
    """The byte may have come in a segment that did not speak of it."""
    urgent = c.urgent
    assert urgent is not None
    if urgent.mark == NONE or urgent.byte is not None:
        return
    place = urgent.mark - read_to(c)
    for piece in c.rcv_queue:
        if 0 <= place < len(piece):
            urgent.byte = piece[place]
            return
        place -= len(piece)


def is_pending(c: ControlBlock) -> bool:
    """Whether the urgent byte is there and MSG_OOB has not read it: EPOLLPRI. (Linux TCP_URG_VALID)"""
    if c.urgent is None:
        return False
    _look(c)
    return c.urgent.mark != NONE and c.urgent.byte is not None and not c.urgent.taken


def is_readable(c: ControlBlock) -> bool:
    """Whether there is something to read beside the urgent byte the program stands at. (tcp_stream_is_readable)"""
    if c.urgent is not None and c.urgent.mark == read_to(c) and not c.options.oob_inline:
        return c.rcv_queued_bytes > 1
    return bool(c.rcv_queue)


def at_mark(c: ControlBlock) -> bool:
    """Whether what is read next is what the mark stands at. (SIOCATMARK)"""
    return c.urgent is not None and c.urgent.mark == read_to(c)


def take(c: ControlBlock, *, peek: bool) -> bytes | Failure | None:
    """The urgent byte (MSG_OOB): INVALID when there is none or it was read, None when it is under way."""
    urgent = c.urgent
    if c.options.oob_inline or urgent is None or urgent.mark == NONE or urgent.taken:
        return Failure.INVALID
    _look(c)
    if urgent.byte is None:
        return None
    if not peek:
        urgent.taken = True
    return bytes((urgent.byte,))


def before_mark(c: ControlBlock, count: int) -> int:
    """How many of `count` bytes a read may take now; at the mark the urgent byte is left out. (Linux tcp_recvmsg)"""
    urgent = c.urgent
    assert urgent is not None
    if urgent.mark == NONE:
        return count
    ahead = urgent.mark - read_to(c)
    if ahead > 0:
        return min(count, ahead)
    if ahead == 0 and not c.options.oob_inline:
        _look(c)
        _take_out(c)
    urgent.mark = NONE
    return count


def peek_range(c: ControlBlock, count: int) -> tuple[int, int]:
    """(how many bytes to leave out, how many to show) for MSG_PEEK, which moves no mark."""
    urgent = c.urgent
    ahead = NONE if urgent is None or urgent.mark == NONE else urgent.mark - read_to(c)
    if ahead > 0:
        return 0, min(count, ahead)
    return int(ahead == 0 and not c.options.oob_inline), count


def _take_out(c: ControlBlock) -> None:
    """The byte the program stands at leaves the stream."""
    first = c.rcv_queue.popleft()
    if len(first) > 1:
        c.rcv_queue.appendleft(memoryview(first)[1:])
    c.rcv_queued_bytes -= 1
