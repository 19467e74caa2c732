"""What TCP tells the watchers of a program's bytes: taken, held back, released, arrived, read, and a listener's queues.

Offsets count the payload bytes of one direction from 0, so a reader of the trace sees which sends became which segments
and which reads. Called only while somebody watches steps.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from netarium.journey import Stop

if TYPE_CHECKING:
    from netarium.stack.tcp.control_block import ControlBlock
    from netarium.stack.tcp.listener import Listener

_BYTES_SHOWN: Final = 32


def tell_taken(c: ControlBlock, size: int) -> None:
    """The send buffer has taken `size` bytes of the program's; they are the last of those unsent."""
    step = c.stack.watch.step
    if step is not None:
        details: dict[str, object] = {
            "from": _next_offset(c) + c.unsent_bytes - size,
            "bytes": size,
            "begin": c.send_chunks[-1][:_BYTES_SHOWN].hex(),
        }
        step(c.stack.now, c.stack.name, Stop.SEND_BUFFER, c.subject(), details)


def tell_held(c: ControlBlock) -> None:
    """Bytes stay in the send buffer: `c.blocked_by` says what holds them."""
    step = c.stack.watch.step
    if step is not None:
        c.told_held = c.blocked_by
        details: dict[str, object] = {
            "held": c.unsent_bytes,
            "by": c.blocked_by,
            "cwnd": c.congestion.cwnd_bytes,
            "from": _next_offset(c),
            "window": c.snd_wnd,
            "unacknowledged": c.snd_nxt - c.snd_una,
            "mss": c.mss,
        }
        step(c.stack.now, c.stack.name, Stop.SEND_BUFFER, c.subject(), details)


def tell_segment(c: ControlBlock, start: int, size: int, mss: int) -> None:
    """A new segment is cut; when its bytes were held back, what has released them."""
    step = c.stack.watch.step
    if step is not None:
        details: dict[str, object] = {"sequence": start - c.iss, "bytes": size}
        if c.told_held:
            details["was_held_by"] = c.told_held
            details["released_by"] = _released(c, start, size, mss)
            c.told_held = ""
        step(c.stack.now, c.stack.name, Stop.SEGMENT, c.subject(), details)


def _released(c: ControlBlock, start: int, size: int, mss: int) -> str:
    """Why bytes that were held may go now; the segment is in the flight already."""
    if c.told_held == "window":
        return "the window has opened" if start + size <= c.snd_una + c.snd_wnd else "the window is probed"
    if c.told_held in ("congestion window", "queue"):
        return "acknowledgments" if c.told_held == "congestion window" else "the queue below has room"
    if size >= mss:
        return "a full segment"
    if c.fin_sent:
        return "the program has closed"
    if c.options.nodelay:
        return "TCP_NODELAY"
    return "everything before it is acknowledged" if c.told_held == "Nagle" else "the cork is out"


def tell_arrived(c: ControlBlock, size: int, waited: int) -> None:
    """`size` bytes have come in order, and `waited` that had come early join them."""
    step = c.stack.watch.step
    if step is not None:
        details: dict[str, object] = {
            "from": c.bytes_received - size - waited,
            "bytes": size + waited,
            "waiting": c.rcv_queued_bytes,
        }
        if waited:
            details["had_come_early"] = waited
        step(c.stack.now, c.stack.name, Stop.RECEIVE_BUFFER, c.subject(), details)


def tell_read(c: ControlBlock, data: bytes) -> None:
    """The program has read `data`."""
    step = c.stack.watch.step
    if step is not None:
        left = c.rcv_queued_bytes
        details: dict[str, object] = {
            "read": len(data),
            "from": c.bytes_received - left - len(data),
            "left": left,
            "begin": data[:_BYTES_SHOWN].hex(),
        }
        step(c.stack.now, c.stack.name, Stop.RECEIVE_BUFFER, c.subject(), details)


def tell_queues(listener: Listener, what: str, remote: tuple[int, int]) -> None:
    """A connection has gone into the SYN queue, on into the accept queue, out to the program; or it gets a cookie."""
    stack = listener.stack
    if stack.watch.step is not None:
        text = listener.ip.format_address
        details: dict[str, object] = {
            "decision": what,
            "client": f"{text(remote[0])}:{remote[1]}",
            "syn_queue": listener.half_open,
            "accept_queue": len(listener.accept_queue),
            "backlog": listener.backlog,
        }
        subject = f"tcp port {listener.local_port}"
        stack.watch.step(stack.now, stack.name, Stop.PORTS, subject, details)


def _next_offset(c: ControlBlock) -> int:
    """The offset of the next byte to be sent for the first time."""
    return max(c.snd_nxt - c.iss - 1 - c.fin_sent, 0)
