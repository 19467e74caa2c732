"""What data on its way through AF_UNIX sockets is charged to its sender's buffer (SO_SNDBUF), as Linux counts memory.

Read first: Linux unix_stream_sendmsg, unix_dgram_sendmsg, alloc_skb_with_frags, unix_writable. Sizes are x86-64's.
"""

from __future__ import annotations

from typing import Final

PAGE_BYTES: Final = 4096
HEAD_BYTES: Final = 256
"""struct sk_buff."""
TAIL_BYTES: Final = 320
"""struct skb_shared_info."""
STREAM_HEAD_MAX: Final = PAGE_BYTES - TAIL_BYTES
MESSAGE_HEAD_MAX: Final = 4 * PAGE_BYTES - TAIL_BYTES
MESSAGE_PAGES_MAX: Final = 17 * PAGE_BYTES
STREAM_PIECE_MAX: Final = STREAM_HEAD_MAX + 8 * PAGE_BYTES


def _charge(head: int, paged: int) -> int:
    return HEAD_BYTES + (1 << (head + TAIL_BYTES - 1).bit_length()) + paged


def _pages(size: int) -> int:
    return (size + PAGE_BYTES - 1) // PAGE_BYTES * PAGE_BYTES


def piece_charge(size: int) -> int:
    """Of `size` bytes of a stream, at most STREAM_PIECE_MAX."""
    paged = 0 if size <= STREAM_HEAD_MAX else min(size, _pages(size - STREAM_HEAD_MAX))
    return _charge(size - paged, paged)


def message_charge(size: int) -> int:
    """Of a message of `size` bytes."""
    paged = 0 if size <= MESSAGE_HEAD_MAX else _pages(min(size - MESSAGE_HEAD_MAX, MESSAGE_PAGES_MAX))
    return _charge(max(size - paged, 0), paged)


def has_room(charged: int, buffer_bytes: int) -> bool:
    """Whether poll says that such a socket can be written to: three quarters of its buffer are free."""
    return charged * 4 <= buffer_bytes
