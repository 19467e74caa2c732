"""`Segment`: what was sent once and may have to be sent again. (RFC 9293 section 3.8.1)"""

from __future__ import annotations


class Segment:
    """A segment that was sent and is not yet acknowledged: an entry of the retransmission queue."""

    __slots__ = (
        "end",
        "flags",
        "lost",
        "payload",
        "retransmitted",
        "sacked",
        "sent_at_ns",
        "start",
        "transmissions",
    )

    def __init__(self, start: int, end: int, payload: bytes, flags: int, sent_at_ns: int) -> None:
        self.start = start
        self.end = end
        self.payload = payload
        self.flags = flags
        self.sent_at_ns = sent_at_ns
        self.transmissions = 1
        self.sacked = False
        self.lost = False
        self.retransmitted = False
        """A retransmission of it is in flight."""

    def __repr__(self) -> str:
        marks = "".join(
            mark for mark, on in (("S", self.sacked), ("L", self.lost), ("R", self.retransmitted)) if on
        )
        return f"<Segment {self.start}:{self.end} {marks}>"
