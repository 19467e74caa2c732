"""TCP_INFO: what a connection knows of itself, by the names of Linux' struct tcp_info.

Read first: include/uapi/linux/tcp.h, tcp_get_info. Linux counts segments where we count bytes, so windows are divided
by the MSS. What this stack does not measure is 0, as on a kernel that does not either: rcv_rtt, delivery_rate,
rwnd_limited, sndbuf_limited, delivered, delivered_ce, fackets, last_ack_sent.
"""

from __future__ import annotations

import struct
from typing import Any, Final

from netarium.stack.tcp import options, states

LINUX_STATE: Final = {
    states.ESTABLISHED: 1,
    states.SYN_SENT: 2,
    states.SYN_RECEIVED: 3,
    states.FIN_WAIT_1: 4,
    states.FIN_WAIT_2: 5,
    states.TIME_WAIT: 7,
    states.CLOSED: 7,
    states.CLOSE_WAIT: 8,
    states.LAST_ACK: 9,
    states.LISTEN: 10,
    states.CLOSING: 11,
}
"""The numbers of include/net/tcp_states.h.

TIME-WAIT counts as CLOSED: what waits is no socket of the program's any more (Linux tcp_time_wait, tcp_done).
"""
OPTION_TIMESTAMPS, OPTION_SACK, OPTION_SCALE = 1, 2, 4
CA_OPEN, CA_DISORDER, CA_RECOVERY, CA_LOSS = 0, 1, 3, 4
SSTHRESH_UNLIMITED: Final = 0x7FFFFFFF

LAYOUT: Final = (
    ("B", "state ca_state retransmits probes backoff options wscale flags"),
    ("I", "rto ato snd_mss rcv_mss unacked sacked lost retrans fackets"),
    ("I", "last_data_sent last_ack_sent last_data_recv last_ack_recv"),
    (
        "I",
        "pmtu rcv_ssthresh rtt rttvar snd_ssthresh snd_cwnd advmss reordering rcv_rtt rcv_space total_retrans",
    ),
    ("Q", "pacing_rate max_pacing_rate bytes_acked bytes_received"),
    ("I", "segs_out segs_in notsent_bytes min_rtt data_segs_in data_segs_out"),
    ("Q", "delivery_rate busy_time rwnd_limited sndbuf_limited"),
    ("I", "delivered delivered_ce"),
    ("Q", "bytes_sent bytes_retrans"),
    ("I", "dsack_dups reord_seen rcv_ooopack snd_wnd"),
)
"""The fields in order, with their formats; each name has `tcpi_` before it in the kernel's header."""
_NAMES: Final = tuple(name for _, names in LAYOUT for name in names.split())
_FORMAT: Final = "=" + "".join(f"{len(names.split())}{kind}" for kind, names in LAYOUT)
_LIMITS: Final = {"B": 0xFF, "I": 0xFFFFFFFF, "Q": (1 << 64) - 1}


def _segments(size_bytes: int, mss: int) -> int:
    return -(-size_bytes // mss)


def _congestion_state(c: Any) -> int:
    if c.recovering:
        return CA_LOSS if c.timed_out else CA_RECOVERY
    return CA_DISORDER if c.sacked_bytes or c.duplicate_acks else CA_OPEN


def _pacing_rate(c: Any) -> int:
    """The rate in bytes/s at which Linux would pace: twice the window a round trip in slow start, else 1.2 of it.

    As on Linux it is told whether anything paces or not. (tcp_update_pacing_rate)
    """
    congestion = c.congestion
    if congestion is None or not c.rtt.srtt_ns:
        return 0
    percent = 200 if congestion.cwnd_bytes < congestion.ssthresh_bytes // 2 else 120
    return int(max(congestion.cwnd_bytes, c.flight_bytes()) * percent * 10_000_000 // c.rtt.srtt_ns)


def _sending(c: Any) -> dict[str, int]:
    mss = max(c.mss, 1)
    flight = c.flight[c.flight_head :]
    congestion = c.congestion
    limited = congestion is None or congestion.ssthresh_bytes >= SSTHRESH_UNLIMITED
    return {
        "retransmits": c.retries,
        "probes": max(c.persist_unanswered, c.keepalive_probes),
        "backoff": max(c.rtt.backoff, c.persist_backoff),
        "rto": c.rtt.rto_ns // 1000,
        "snd_mss": c.mss,
        "unacked": len(flight) or int(c.state in (states.SYN_SENT, states.SYN_RECEIVED)),
        "sacked": sum(each.sacked for each in flight) if c.sack_ok else _segments(c.sacked_bytes, mss),
        "lost": sum(each.lost for each in flight),
        "retrans": sum(each.retransmitted for each in flight),
        "last_data_sent": (c.stack.now - c.last_send_at) // 1_000_000 if c.last_send_at else 0,
        "pmtu": int(c.route.mtu) if c.route is not None else 0,
        "rtt": c.rtt.srtt_ns // 1000,
        "rttvar": c.rtt.rttvar_ns // 1000,
        "snd_ssthresh": SSTHRESH_UNLIMITED if limited else congestion.ssthresh_bytes // mss,
        "snd_cwnd": congestion.cwnd_bytes // mss if congestion is not None else 10,
        "reordering": 3,
        "total_retrans": c.retransmissions,
        # Linux counts the numbers that were acknowledged: the SYN of `connect` and the FIN are among them.
        "bytes_acked": c.bytes_acked + int(c.is_active and c.snd_una > c.iss),
        "notsent_bytes": c.unsent_bytes,
        "min_rtt": c.rtt.min_ns // 1000,
        "bytes_sent": max(c.snd_nxt - c.iss - 1 - int(c.fin_sent), 0) + c.resent_bytes,
        "bytes_retrans": c.resent_bytes,
        "segs_out": c.segments_out & 0xFFFFFFFF,
        "data_segs_out": c.segments_out >> 32,
        "dsack_dups": c.duplicates_reported,
        "busy_time": (c.busy_ns + (c.stack.now - c.busy_since if c.busy_since >= 0 else 0)) // 1000,
        "pacing_rate": _pacing_rate(c),
        "max_pacing_rate": _LIMITS["Q"],
        "reord_seen": int(c.reordering_seen),
        "snd_wnd": c.snd_wnd,
    }


def _receiving(c: Any) -> dict[str, int]:
    now = c.stack.now
    return {
        "ato": c.ack_timeout_ns // 1000,
        "rcv_mss": c.rcv_mss,
        "last_data_recv": (now - c.last_receive_at) // 1_000_000 if c.last_receive_at else 0,
        "last_ack_recv": (now - c.last_heard_at) // 1_000_000,
        "rcv_ssthresh": max(c.rcv_adv - c.rcv_nxt, 0),
        "advmss": options.own_segment(c) if c.route is not None else c.mss,
        "rcv_space": c.rcv_space_bytes,
        "bytes_received": c.bytes_received + int(c.peer_done),
        "segs_in": c.segments_in & 0xFFFFFFFF,
        "data_segs_in": c.segments_in >> 32,
        "rcv_ooopack": c.early_segments,
    }


def tcp_info(sock: Any) -> dict[str, int]:
    """TCP_INFO of a socket: see `connection_info`; a listener tells its queue and backlog in `unacked` and `sacked`."""
    return connection_info(sock.connection, sock.listener)


def connection_info(c: Any, listener: Any = None) -> dict[str, int]:
    """Every field as `tcpi_NAME`, in the order of the struct; the two window scales also by their own names."""
    found = dict.fromkeys(_NAMES, 0)
    if c is None:
        found["state"] = LINUX_STATE[states.LISTEN if listener is not None else states.CLOSED]
        if listener is not None:
            found["unacked"] = len(listener.accept_queue)
            found["sacked"] = listener.backlog
    else:
        found |= _sending(c) | _receiving(c)
        found["state"] = LINUX_STATE[c.state]
        found["ca_state"] = _congestion_state(c)
        scaled = c.rcv_scale or c.snd_scale
        found["options"] = (
            OPTION_TIMESTAMPS * c.timestamps_ok | OPTION_SACK * c.sack_ok | OPTION_SCALE * bool(scaled)
        )
        found["wscale"] = (c.snd_scale & 15) | (c.rcv_scale & 15) << 4
    info = {f"tcpi_{name}": value for name, value in found.items()}
    info["tcpi_snd_wscale"] = found["wscale"] & 15
    info["tcpi_rcv_wscale"] = found["wscale"] >> 4
    return info


def tcp_info_bytes(sock: Any) -> bytes:
    """The struct, up to and with tcpi_snd_wnd, as getsockopt(TCP_INFO) gives it; fields in the machine's byte order."""
    info = tcp_info(sock)
    values = []
    for kind, names in LAYOUT:
        values += [min(max(info[f"tcpi_{name}"], 0), _LIMITS[kind]) for name in names.split()]
    return struct.pack(_FORMAT, *values)
