"""How much the peer may send: the receive window and its autotuning.

Read first: RFC 9293 sections 3.8.6 and 3.8.6.2.2 (silly window), RFC 7323 section 2; Linux tcp_select_window.

The receive buffer is as SO_RCVBUF counts it: half of it is window, the other half is what Linux spends on overhead
(its tcp_adv_win_scale of 1). Only payload is charged here, so a window once offered is always honoured.
"""

from __future__ import annotations

from typing import Final

from netarium.stack.tcp.control_block import ControlBlock

WINDOW_UNSCALED_MAX: Final = 0xFFFF


def window_space(c: ControlBlock) -> int:
    """The window when the program has read everything, in bytes."""
    space = c.rcv_buffer_bytes >> 1
    clamp = c.options.window_clamp_bytes
    return min(space, clamp) if clamp else space


def initial_window(c: ControlBlock, mss: int) -> int:
    """The window of a SYN, never scaled: whole segments, so 64240 for an MSS of 1460 and the buffer of most hosts.

    RFC 7323 section 2.2; cut to 16 bits after that, as by Linux' tcp_select_initial_window.
    """
    space = window_space(c)
    if space > mss:
        space = space // mss * mss
    return min(space, WINDOW_UNSCALED_MAX)


def select_window(c: ControlBlock) -> int:
    """Choose the window to offer now, remember its right edge, and return it in bytes. Never takes back an offer."""
    space = c.rcv_buffer_bytes >> 1  # `window_space`, unrolled: this runs for every segment sent
    if c.options.window_clamp_bytes:
        space = window_space(c)
    free = space - c.rcv_queued_bytes
    offered = c.rcv_adv - c.rcv_nxt
    mss = c.rcv_mss if c.rcv_mss < space else space
    if free < (space >> 1) and (free < mss or free < (space >> 4)):
        window = (
            0  # silly window avoidance (RFC 9293 section 3.8.6.2.2): wait until there is something to offer
        )
    elif c.rcv_scale:
        unit = 1 << c.rcv_scale
        window = (free + unit - 1) & -unit
    else:
        window = offered
        if window <= free - mss or window > free:
            window = free // mss * mss if free >= mss else free
        elif mss == space and free > window + (space >> 1):
            window = free  # segments as large as the buffer: no multiple of them would ever open it again
    if window < offered:
        unit = 1 << c.rcv_scale
        window = (offered + unit - 1) & -unit
    limit = WINDOW_UNSCALED_MAX << c.rcv_scale
    if window > limit:
        window = limit
    c.rcv_adv = c.rcv_nxt + window
    return window


def update_wanted(c: ControlBlock) -> bool:
    """Whether the program has read so much that the peer should be told now. (Linux tcp_cleanup_rbuf)

    The window must be able to at least double, so that small reads do not cause an acknowledgment each.
    """
    offered = c.rcv_adv - c.rcv_nxt
    space = window_space(c)
    if 2 * offered > space:
        return False
    free = space - c.rcv_queued_bytes
    return free >= 2 * offered and free >= min(c.rcv_mss, space >> 1)


def grow_buffer(c: ControlBlock, now: int) -> None:
    """Dynamic right-sizing: once a round trip, room for twice what the program read in it. (Linux tcp_rcv_space_adjust)

    Off when the program chose SO_RCVBUF itself or net.ipv4.tcp_moderate_rcvbuf is 0; bounded by net.ipv4.tcp_rmem[2].
    """
    rtt_ns = c.rtt.srtt_ns
    if not rtt_ns or now - c.rcv_space_at < rtt_ns:
        return
    copied = c.rcv_nxt - c.rcv_queued_bytes - c.rcv_space_seq
    settings = c.stack.settings
    if copied > c.rcv_space_bytes:
        if not c.options.receive_buffer_bytes and settings.tcp_moderate_rcvbuf:
            window = 2 * copied + 16 * c.rcv_mss
            if c.rcv_space_bytes:  # the sender doubles in slow start: leave it room for that
                window += 2 * window * (copied - c.rcv_space_bytes) // c.rcv_space_bytes
            c.rcv_buffer_bytes = max(c.rcv_buffer_bytes, min(2 * window, settings.tcp_rmem[2]))
        c.rcv_space_bytes = copied
    c.rcv_space_seq += copied
    c.rcv_space_at = now
