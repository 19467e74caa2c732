"""What the two ends agree on in their SYNs.

Read first: RFC 9293 section 3.7.1, RFC 7323 sections 2.2 and 3.2, RFC 2018 section 2.
"""

from __future__ import annotations

from typing import Final

from netarium.stack.tcp.congestion.algorithm import ALGORITHMS
from netarium.stack.tcp.control_block import MSS_DEFAULT, ControlBlock
from netarium.wire.tcp import TcpHeader
from netarium.wire.tcp_options import TcpOptions

WINDOW_SCALE_MAX: Final = 14
"""RFC 7323 section 2.3."""
TIMESTAMP_OPTION_BYTES: Final = 12
"""Ten, and two NOPs before it as every stack sends it (RFC 7323 appendix A)."""
MSS_MIN: Final = 48
"""Linux TCP_MIN_MSS + TCP_MIN_SND_MSS: less would leave no room for data beside full options."""
RCV_MSS_MIN: Final = 88
"""Linux TCP_MIN_MSS."""
IP_PACKET_BYTES_MAX: Final = 65535
MS: Final = 1_000_000


def timestamp_value(c: ControlBlock, now: int) -> int:
    """The sender's timestamp clock: milliseconds from a random start. (RFC 7323 section 5.4; Linux tcp_ts)"""
    return (now // MS + c.ts_offset) & 0xFFFFFFFF


def own_mss(c: ControlBlock) -> int:
    """The MSS we announce: what the interface of the route takes, without IP and TCP headers. (RFC 6691)"""
    # No IP packet is longer than its 16-bit length says: over `lo`, whose MTU is 65536, the MSS is 65495, as on Linux.
    mss: int = min(c.route.mtu, IP_PACKET_BYTES_MAX) - c.ip.header_bytes - 20
    if c.options.mss_max:
        mss = min(mss, c.options.mss_max)
    return max(mss, MSS_MIN)


def own_segment(c: ControlBlock) -> int:
    """How much the peer's full segments carry when it fills the MSS we announce. (Linux advmss, once established)"""
    return own_mss(c) - (TIMESTAMP_OPTION_BYTES if c.timestamps_ok else 0)


def choose_receive_space(c: ControlBlock) -> None:
    """Set the receive buffer and the window scale we shall offer. (Linux tcp_select_initial_window)"""
    settings = c.stack.settings
    c.rcv_buffer_bytes = c.options.receive_buffer_bytes or settings.tcp_rmem[1]
    c.rcv_scale = 0
    if settings.tcp_window_scaling:
        # With SO_RCVBUF the window never grows beyond half of it (Linux tcp_connect_init: window_clamp).
        space = c.options.receive_buffer_bytes >> 1 or max(settings.tcp_rmem[2], settings.rmem_max)
        while space > 0xFFFF and c.rcv_scale < WINDOW_SCALE_MAX:
            space >>= 1
            c.rcv_scale += 1
    if not c.send_buffer_bytes:
        c.send_buffer_bytes = c.options.send_buffer_bytes or settings.tcp_wmem[1]


def syn_options(c: ControlBlock, answer_to: TcpHeader | None) -> TcpOptions:
    """The options of our SYN, or of our SYN+ACK: there only what the peer's SYN offered too."""
    settings = c.stack.settings
    offered = answer_to.options if answer_to is not None else None
    scale = -1
    if settings.tcp_window_scaling and (
        answer_to is None or (offered is not None and offered.window_scale >= 0)
    ):
        scale = c.rcv_scale
    sack = bool(settings.tcp_sack) and (answer_to is None or (offered is not None and offered.sack_permitted))
    return TcpOptions(own_mss(c), scale, sack)


def wants_timestamps(c: ControlBlock, answer_to: TcpHeader | None) -> bool:
    """Whether our SYN or SYN+ACK carries a timestamp."""
    return bool(c.stack.settings.tcp_timestamps) and (answer_to is None or answer_to.timestamp >= 0)


def agree(c: ControlBlock, header: TcpHeader) -> None:
    """Take the peer's SYN or SYN+ACK: MSS, scaling, timestamps, SACK. What one end left out is off."""
    settings = c.stack.settings
    offered = header.options
    peer_mss = MSS_DEFAULT
    c.snd_scale = 0
    c.sack_ok = False
    if offered is not None:
        if offered.mss > 0:
            peer_mss = offered.mss
        if offered.window_scale >= 0 and settings.tcp_window_scaling:
            c.snd_scale = min(offered.window_scale, WINDOW_SCALE_MAX)
        c.sack_ok = offered.sack_permitted and bool(settings.tcp_sack)
    if offered is None or offered.window_scale < 0:
        c.rcv_scale = 0
    c.timestamps_ok = header.timestamp >= 0 and bool(settings.tcp_timestamps)
    if c.timestamps_ok:
        c.ts_recent = header.timestamp
        c.ts_recent_at = c.stack.now
    set_mss(c, max(min(peer_mss, own_mss(c)), MSS_MIN))
    name = c.options.congestion or settings.tcp_congestion_control
    c.congestion = ALGORITHMS[name](c.mss)


def guess_peer_segment(c: ControlBlock, window_bytes: int) -> int:
    """How large the peer's full segments are taken to be until one has come. (Linux tcp_initialize_rcv_mss)"""
    return max(min(c.mss, own_mss(c), window_bytes // 2, MSS_DEFAULT), RCV_MSS_MIN)


def change_congestion(c: ControlBlock) -> None:
    """Go on under another algorithm, from the window there is. (TCP_CONGESTION on a connection)"""
    before = c.congestion
    c.congestion = ALGORITHMS[c.options.congestion](before.mss)
    c.congestion.cwnd_bytes = before.cwnd_bytes
    c.congestion.ssthresh_bytes = before.ssthresh_bytes


def set_mss(c: ControlBlock, segment_bytes: int) -> None:
    """Set how much payload a full segment carries. (RFC 9293 section 3.7.1: options come off the MSS)"""
    c.mss = segment_bytes - (TIMESTAMP_OPTION_BYTES if c.timestamps_ok else 0)
    if c.congestion is not None:
        c.congestion.mss = c.mss
