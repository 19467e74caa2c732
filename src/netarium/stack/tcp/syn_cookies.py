"""SYN cookies: when the SYN queue is full, keep the connection's beginning in the numbers that the peer sends back.

Read first: RFC 4987 section 3.6 and appendix A; Linux syncookies.c. The cookie is our initial sequence number: 8 bits
of a counter that goes up each minute, 24 bits of a keyed hash with the index of the MSS added. What SYN options said
(window scale, SACK) goes into the low bits of our timestamp, which the peer echoes; without timestamps they are lost.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from netarium.stack.tcp.control_block import MSS_DEFAULT
from netarium.stack.tcp.sequence import MASK
from netarium.wire.tcp import SYN, TcpHeader
from netarium.wire.tcp_options import TcpOptions

if TYPE_CHECKING:
    from netarium.stack.tcp.control_block import ControlBlock
    from netarium.stack.tcp.initial_numbers import InitialNumbers

MSS_TABLES: Final = {20: (536, 1300, 1440, 1460), 40: (1220, 1420, 1440, 8940)}
"""By the bytes of the IP header, the values a cookie can remember (Linux msstab of IPv4 and of IPv6).

The largest that is not above the peer's is taken, else the first.
"""
MINUTE_NS: Final = 60_000_000_000
MINUTES_VALID: Final = 2
"""Linux MAX_SYNCOOKIE_AGE: the minute it was made in and the next, so that a cookie is good for 60 to 120 s."""
OPTION_BITS: Final = 6
SCALE_ABSENT: Final = 0xF


class SynCookies:
    """The cookies of one host."""

    __slots__ = ("_numbers",)

    def __init__(self, numbers: InitialNumbers) -> None:
        self._numbers = numbers

    def _hash(self, c: ControlBlock, minute: int) -> int:
        return self._numbers.keyed("cookie", c.key, minute)

    def make(self, c: ControlBlock, syn: TcpHeader) -> int:
        """The initial sequence number for a SYN+ACK that leaves nothing behind."""
        offered = syn.options.mss if syn.options is not None and syn.options.mss > 0 else MSS_DEFAULT
        index = max((i for i, mss in enumerate(MSS_TABLES[c.ip.header_bytes]) if mss <= offered), default=0)
        minute = c.stack.now // MINUTE_NS
        low = (self._hash(c, minute) + index) & 0xFFFFFF
        return (self._hash(c, -1) + syn.sequence + ((minute & 0xFF) << 24 | low)) & MASK

    def open(self, c: ControlBlock, ack: TcpHeader) -> TcpHeader | None:
        """The SYN that `ack` answers for, as far as a cookie remembers it; None when it is no cookie of ours."""
        peer_isn = (ack.sequence - 1) & MASK
        value = ((ack.acknowledgment - 1) - self._hash(c, -1) - peer_isn) & MASK
        now_minute = c.stack.now // MINUTE_NS
        age = (now_minute - (value >> 24)) & 0xFF
        if age >= MINUTES_VALID:
            return None
        index = (value - self._hash(c, now_minute - age)) & 0xFFFFFF
        table = MSS_TABLES[c.ip.header_bytes]
        if index >= len(table):
            return None
        scale, sack = -1, False
        if ack.timestamp >= 0:
            bits = ack.echo & ((1 << OPTION_BITS) - 1)
            scale = -1 if bits & 0xF == SCALE_ABSENT else bits & 0xF
            sack = bool(bits >> 4 & 1)
        options = TcpOptions(table[index], scale, sack)
        return TcpHeader(
            ack.source_port, ack.destination_port, peer_isn, 0, SYN, ack.window, ack.timestamp, 0, options
        )


def timestamp_with_options(value: int, offered: TcpOptions | None) -> int:
    """Our timestamp with the peer's offers in its low bits, never later than `value`. (Linux cookie_init_timestamp)"""
    scale = offered.window_scale if offered is not None and offered.window_scale >= 0 else SCALE_ABSENT
    sack = 1 if offered is not None and offered.sack_permitted else 0
    size = 1 << OPTION_BITS
    marked = (value & ~(size - 1)) | min(scale, SCALE_ABSENT) | sack << 4
    return (marked if marked <= value else marked - size) & MASK


def only_with_mss(syn: TcpHeader) -> TcpHeader:
    """The SYN as if it offered nothing but its MSS. (Linux tcp_clear_options)"""
    offered = TcpOptions(syn.options.mss) if syn.options is not None and syn.options.mss >= 0 else None
    return TcpHeader(
        syn.source_port, syn.destination_port, syn.sequence, 0, syn.flags, syn.window, -1, 0, offered
    )
