"""Putting one segment on its way: the header's fields from the control block, the route, the hand-over to IP.

Nothing here decides whether to send: `sender`, `recovery`, `timers` and `handshake` do, and call these.
"""

from __future__ import annotations

from typing import Final

from netarium.stack.failures import Failure
from netarium.stack.tcp import acknowledge, options
from netarium.stack.tcp.control_block import DATA_SEGMENT, NEVER_NS, ControlBlock
from netarium.stack.tcp.sequence import MASK
from netarium.stack.tcp.syn_cookies import timestamp_with_options
from netarium.stack.tcp.urgent import pointer_of
from netarium.stack.tcp.window import select_window
from netarium.wire.ipv4 import PROTOCOL_TCP
from netarium.wire.tcp import ACK, RST, SYN, URG, TcpHeader
from netarium.wire.tcp_options import TcpOptions

SACK_BLOCKS_MAX: Final = 3
"""With timestamps there is room for three. (RFC 2018 section 3)"""


def transmit(c: ControlBlock, start: int, flags: int, payload: bytes) -> Failure | None:
    """Send one segment of an open connection; it acknowledges all that has come so far."""
    stack = c.stack
    window = select_window(c) >> c.rcv_scale
    sack = None
    still_due = False
    if c.sack_ok and (c.reassembly.held_bytes or c.duplicate_range):
        sack = _sack_option(c, c.mss - len(payload))
        still_due = c.ack_now and sack is None
    pointer = 0
    if c.urgent is not None:
        pointer = pointer_of(c, start)
        if pointer:
            flags |= URG
    header = TcpHeader(
        c.local_port,
        c.remote_port,
        start & MASK,
        c.rcv_nxt & MASK,
        flags,
        window,
        (stack.now // 1_000_000 + c.ts_offset) & MASK if c.timestamps_ok else -1,
        c.ts_recent,
        sack,
        pointer,
    )
    c.segments_out += DATA_SEGMENT if payload else 1
    if c.delayed_ack_at != NEVER_NS or c.quick_acks:
        acknowledge.sent(c)
    c.ack_now = still_due
    c.last_ack_sent_to = c.rcv_nxt
    if c.route_generation != stack.routes.generation:
        find_route(c)
    if c.route is None:
        return Failure.NETWORK_UNREACHABLE
    chosen = c.options
    send_packet = c.ip.send_packet
    failure: Failure | None = send_packet(
        c.local_ip,
        c.remote_ip,
        PROTOCOL_TCP,
        header,
        payload,
        chosen.ttl,
        chosen.tos,
        chosen.dont_fragment,
        c.route,
    )
    return failure


def send_header(c: ControlBlock, header: TcpHeader) -> Failure | None:
    """Hand a SYN or RST, which has no payload, to IP by the connection's route."""
    c.segments_out += 1
    if c.route_generation != c.stack.routes.generation:
        find_route(c)
    if c.route is None:
        return Failure.NETWORK_UNREACHABLE
    chosen = c.options
    failure: Failure | None = c.ip.send_packet(
        c.local_ip,
        c.remote_ip,
        PROTOCOL_TCP,
        header,
        b"",
        chosen.ttl,
        chosen.tos,
        chosen.dont_fragment,
        c.route,
    )
    return failure


def find_route(c: ControlBlock) -> None:
    """Look the way out up again: a route, an address or an interface has changed."""
    c.route = c.ip.route_for(c.remote_ip, c.local_ip)
    c.route_generation = c.stack.routes.generation


def sack_option_bytes(c: ControlBlock) -> int:
    """How much of a segment the SACK option wants now, in bytes; it comes off the MSS. (RFC 9293 section 3.7.1)"""
    if not c.sack_ok:
        return 0
    count = len(c.reassembly.blocks) + (c.duplicate_range is not None)
    return 4 + 8 * min(count, SACK_BLOCKS_MAX + (not c.timestamps_ok)) if count else 0


def _sack_option(c: ControlBlock, room_bytes: int) -> TcpOptions | None:
    """What came early, the newest first (RFC 2018 section 4); None when the segment has no room for it."""
    limit = min(SACK_BLOCKS_MAX if c.timestamps_ok else SACK_BLOCKS_MAX + 1, (room_bytes - 4) // 8)
    if limit <= 0:
        return None
    blocks = [(left & MASK, right & MASK) for left, right in c.reassembly.blocks[:limit]]
    if c.duplicate_range is not None:  # what came twice goes first, once (RFC 2883 section 4)
        left, right = c.duplicate_range
        c.duplicate_range = None
        blocks = [(left & MASK, right & MASK), *blocks][:limit]
    return TcpOptions(sack=tuple(blocks))


def send_ack(c: ControlBlock) -> None:
    """Acknowledge now, without data."""
    transmit(c, c.snd_nxt, ACK, b"")


def send_syn(c: ControlBlock, answer_to: TcpHeader | None, *, with_cookie: bool = False) -> Failure | None:
    """Send our SYN, or our SYN+ACK when `answer_to` is the peer's SYN."""
    now = c.stack.now
    window = min(c.rcv_adv - c.rcv_nxt, 0xFFFF)
    timestamp = options.timestamp_value(c, now) if options.wants_timestamps(c, answer_to) else -1
    if with_cookie and answer_to is not None and timestamp >= 0:
        timestamp = timestamp_with_options(timestamp, answer_to.options)
    flags = SYN if answer_to is None else SYN | ACK
    acknowledgment = 0 if answer_to is None else c.rcv_nxt & MASK
    if answer_to is not None:
        c.last_ack_sent_to = c.rcv_nxt
    header = TcpHeader(
        c.local_port,
        c.remote_port,
        c.iss & MASK,
        acknowledgment,
        flags,
        window,
        timestamp,
        c.ts_recent if answer_to is not None else 0,
        options.syn_options(c, answer_to),
    )
    return send_header(c, header)


def send_reset(c: ControlBlock, *, answers_ack: bool = False) -> None:
    """Tell the peer that the connection is no more. (RFC 9293 section 3.10.5)

    `answers_ack`: as the answer to an ACK of all we sent, which has no ACK itself. (RFC 9293 section 3.5.2, group 2)
    """
    flags, acknowledgment = (RST, 0) if answers_ack else (RST | ACK, c.rcv_nxt & MASK)
    send_header(c, TcpHeader(c.local_port, c.remote_port, c.snd_nxt & MASK, acknowledgment, flags, 0))
