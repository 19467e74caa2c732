"""THE list of what tshark may warn of in a capture, each with what must have happened in the run and the reason.

tshark judges from one port's frames alone; some of what it warns of is just what the run was about. A warning counts as
explained when its message fits an entry and the run names one of the entry's causes. Whoever tests a capture says which
causes its run had (a loss rule, a slow reader); `causes_of_drops` reads them from the run's drop counters.
Nothing is ever explained without a cause: an entry for all runs would hide a fault of ours.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from netarium.errors import UsageError
from netarium.journey import Drop

LOSS = "loss"
REORDER = "reorder"
DUPLICATE = "duplicate"
CORRUPT = "corrupt"
RESET = "reset"
SLOW_READER = "slow-reader"
UNANSWERED = "unanswered"
DUPLICATE_ADDRESS = "duplicate-address"
CUT_CAPTURE = "cut-capture"
ONE_ARMED = "one-armed"
KEEPALIVE = "keepalive"
PAUSE = "pause"

CAUSES = {
    LOSS: "a rule, a fault or a full queue took frames",
    REORDER: "a rule let frames overtake each other",
    DUPLICATE: "a rule doubled frames",
    CORRUPT: "a rule flipped bits after the FCS was computed",
    RESET: "a program's own act reset a connection: it met a closed port, closed with bytes unread, was killed",
    SLOW_READER: "a program read more slowly than its peer sent",
    UNANSWERED: "somebody was asked who is not there, or cannot be reached",
    DUPLICATE_ADDRESS: "the lab gives one address to two hosts on purpose",
    CUT_CAPTURE: "the capture begins or ends within a connection",
    ONE_ARMED: "a trunk carries what is routed twice, in the VLAN it comes from and in the one it goes to",
    KEEPALIVE: "a program asked for keepalive and was silent for long",
    PAUSE: "the run was in real time on a machine that now and then stands still",
}


class Explained(NamedTuple):
    """`pattern` is searched in tshark's message; any one of `causes` is enough."""

    pattern: str
    causes: tuple[str, ...]
    reason: str


EXPLAINED = (
    Explained(r"^Connection reset \(RST\)", (RESET,), "a RST is the right answer to what the program did"),
    Explained(
        r"^Connection reset \(RST\)",
        (LOSS, UNANSWERED),
        "one end gave up after its last retransmission; the other learns of it by a RST",
    ),
    Explained(
        r"^TCP Zero Window segment", (SLOW_READER,), "the receive buffer is full until the program reads"
    ),
    Explained(
        r"^TCP window specified by the receiver is now completely full",
        (SLOW_READER, PAUSE),
        "the sender used all of it",
    ),
    Explained(
        r"^Previous segment\(s\) not captured",
        (LOSS, REORDER, CUT_CAPTURE, CORRUPT),
        "the segment before was lost, came later, or was sent before the capture",
    ),
    Explained(
        r"^ACKed segment that wasn't captured",
        (LOSS, REORDER, CUT_CAPTURE, CORRUPT),
        "the segment was lost on the way to this port and arrived by another copy, or preceded the capture",
    ),
    Explained(
        r"^This frame is a \(suspected\) out-of-order segment",
        (LOSS, REORDER, CORRUPT),
        "overtaken by a later segment, or sent again after a loss",
    ),
    Explained(
        r"^D-SACK Sequence",
        (LOSS, REORDER, DUPLICATE, PAUSE),
        "bytes that came twice are reported (RFC 2883)",
    ),
    Explained(
        r"^This frame is a \(suspected\) fast retransmission",
        (LOSS, REORDER, CORRUPT),
        "what the receiver misses is sent again",
    ),
    Explained(
        r"^This frame is a \(suspected\) (spurious )?retransmission",
        (LOSS, REORDER, CORRUPT, PAUSE),
        "its acknowledgment did not come in time",
    ),
    Explained(
        r"^Duplicate ACK",
        (LOSS, REORDER, DUPLICATE, CORRUPT, PAUSE),
        "something before was missing, or came twice",
    ),
    Explained(r"^(ACK to a )?TCP keep-alive segment", (KEEPALIVE,), "that is what was asked for"),
    Explained(
        r"^(ACK to a )?TCP keep-alive segment",
        (SLOW_READER,),
        "Linux, like us, probes a shut window by the same",
    ),
    Explained(r"^(ACK to a )?TCP Zero Window Probe", (SLOW_READER,), "the sender asks whether it may go on"),
    Explained(r"^Bad checksum", (CORRUPT,), "the rule changed bytes that the FCS no longer guards"),
    Explained(
        r"^Malformed Packet|^Short segment|^Bogus|^IPv4 total length", (CORRUPT,), "the rule changed a length"
    ),
    Explained(
        r"^No response seen to ICMP request",
        (LOSS, UNANSWERED, CORRUPT, CUT_CAPTURE),
        "the echo went unanswered",
    ),
    Explained(
        r"^No response seen to ICMP request",
        (ONE_ARMED,),
        "the one reply passes this port twice too, and tshark counts both for one of the two requests",
    ),
    Explained(r"^Duplicate IP address configured", (DUPLICATE_ADDRESS,), "tshark sees what the lab is about"),
)

_DROP_CAUSES = {
    Drop.RULE_LOSS: LOSS,
    Drop.RULE_DROP: LOSS,
    Drop.PARTITION: LOSS,
    Drop.LINK_DOWN: LOSS,
    Drop.NO_CABLE: LOSS,
    Drop.NODE_DOWN: LOSS,
    Drop.QUEUE_FULL: LOSS,
    Drop.FRAME_CHECK_SEQUENCE: LOSS,
    Drop.IP_CHECKSUM: CORRUPT,
    Drop.TCP_CHECKSUM: CORRUPT,
    Drop.UDP_CHECKSUM: CORRUPT,
    Drop.ICMP_CHECKSUM: CORRUPT,
    Drop.IP_MALFORMED: CORRUPT,
    Drop.TCP_MALFORMED: CORRUPT,
    Drop.TCP_NO_SOCKET: RESET,
    Drop.TCP_NO_CONNECTION: RESET,
    Drop.TCP_CLOSED_BY_PROGRAM: RESET,
    Drop.NEIGHBOR_UNREACHABLE: UNANSWERED,
    Drop.NO_ROUTE: UNANSWERED,
    Drop.TTL_EXPIRED: UNANSWERED,
}


def causes_of_drops(drops: Iterable[Drop]) -> frozenset[str]:
    """The causes that follow from the reasons for which a run dropped frames."""
    return frozenset({_DROP_CAUSES[drop] for drop in drops if drop in _DROP_CAUSES})


def explanation(message: str, causes: Iterable[str]) -> str | None:
    """The reason why this message is no fault in a run with these causes; None when there is none."""
    named = tuple(causes)
    for cause in named:
        if cause not in CAUSES:
            raise UsageError(f"there is no cause {cause!r}; the causes are {', '.join(CAUSES)}")
    for entry in EXPLAINED:
        if re.search(entry.pattern, message):
            for cause in entry.causes:
                if cause in named:
                    return f"{CAUSES[cause]}: {entry.reason}"
    return None
