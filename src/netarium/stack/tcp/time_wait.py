"""A segment arrives at a connection in TIME-WAIT.

Read first: RFC 9293 sections 3.6.1 and 3.10.7.4, RFC 6191 (a SYN that may begin anew), RFC 1337 (why a RST is a danger
here); Linux tcp_timewait_state_process, whose rules these are. `protocol.Tcp` calls `may_begin_anew` and `receive`.
"""

from __future__ import annotations

from typing import Final

from netarium.journey import Cause, Drop
from netarium.stack.tcp import close, transmit
from netarium.stack.tcp.control_block import ControlBlock
from netarium.stack.tcp.sequence import MASK, unwrap
from netarium.wire.tcp import ACK, FIN, RST, SYN, TcpHeader

PAWS_FORGET_NS: Final = 24 * 24 * 3600 * 1_000_000_000
"""After 24 idle days a timestamp proves nothing. (RFC 7323 section 5.5)"""
RST_BELIEVED_NS: Final = 60 * 1_000_000_000
"""Linux TCP_PAWS_MSL: an old timestamp speaks against a RST for so long."""


def may_begin_anew(c: ControlBlock, header: TcpHeader) -> bool:
    """Whether a SYN may take the place of this connection, if somebody listens. (RFC 6191; RFC 9293 section 3.6.1)

    Its timestamp must not be older, and the timestamp or the sequence number newer.
    """
    if header.flags & (SYN | RST | ACK) != SYN:
        return False
    if c.timestamps_ok and header.timestamp >= 0:
        newer_by = (header.timestamp - c.ts_recent) & MASK
        if newer_by:
            return newer_by <= 0x7FFFFFFF
    return unwrap(header.sequence, c.rcv_nxt) > c.rcv_nxt


def receive(c: ControlBlock, header: TcpHeader, size: int) -> Drop | None:
    """What comes now is old, or the peer misses our last acknowledgment; `size` is its payload in bytes.

    Whatever carries an ACK begins the wait anew (the RFC asks it of a FIN alone); what does not fit is acknowledged, a
    SYN and what is bare not more often than net.ipv4.tcp_invalid_ratelimit says.
    """
    flags = header.flags
    sequence = unwrap(header.sequence, c.rcv_nxt)
    too_old = _is_too_old(c, header)
    bare = not size and not flags & (SYN | FIN)
    if sequence == c.rcv_nxt and not too_old and (bare or flags & RST):
        if not flags & RST:
            close.restart_time_wait(c)
        elif c.stack.settings.tcp_rfc1337:
            return Drop.TCP_NOT_ACCEPTED
        else:
            close.finish(c, Cause.SEGMENT)
        return None
    if flags & RST:
        return Drop.TCP_BAD_RST
    if too_old or flags & ACK:
        close.restart_time_wait(c)
    data = (size or flags & FIN) and not flags & SYN
    if data or not c.ip.tcp.too_many_invalid(c):
        transmit.send_ack(c)
    if too_old:
        return Drop.TCP_PAWS
    return Drop.TCP_OLD_DUPLICATE if sequence < c.rcv_nxt else Drop.TCP_NOT_ACCEPTED


def _is_too_old(c: ControlBlock, header: TcpHeader) -> bool:
    """PAWS, also of a RST for a minute. (Linux tcp_paws_reject)"""
    if not c.timestamps_ok or header.timestamp < 0:
        return False
    age_ns = c.stack.now - c.ts_recent_at
    if (header.timestamp - c.ts_recent) & MASK <= 0x7FFFFFFF or age_ns >= PAWS_FORGET_NS:
        return False
    return not header.flags & RST or age_ns < RST_BELIEVED_NS
