"""TCP as somebody in the middle sees it: the states of a tracked connection and their transitions, as data.

Read first: RFC 5382 section 5 (what a NAT must understand of TCP), RFC 9293 figure 5. The states and their time-outs
have Linux' names and values. This file knows no table, no time and no addresses. Sequence numbers are not checked
(Linux with `nf_conntrack_tcp_be_liberal`): the two ends do that.
"""

from __future__ import annotations

from typing import Final

from netarium.wire.tcp import ACK, FIN, RST, SYN

NONE: Final = 0
SYN_SENT: Final = 1
SYN_RECV: Final = 2
ESTABLISHED: Final = 3
FIN_WAIT: Final = 4
CLOSE_WAIT: Final = 5
LAST_ACK: Final = 6
TIME_WAIT: Final = 7
CLOSE: Final = 8
SYN_SENT2: Final = 9

NAMES: Final = (
    "NONE", "SYN_SENT", "SYN_RECV", "ESTABLISHED", "FIN_WAIT", "CLOSE_WAIT", "LAST_ACK", "TIME_WAIT", "CLOSE",
    "SYN_SENT2",
)  # fmt: skip

# What a segment is, by its flags; the first that holds.
IS_RST: Final = 0
IS_SYN_ACK: Final = 1
IS_SYN: Final = 2
IS_FIN: Final = 3
IS_ACK: Final = 4
IS_NOTHING: Final = 5

# Who sent it.
ORIGINAL: Final = 0
REPLY: Final = 1
CLOSER: Final = 2
"""The side that sent the first FIN."""
OTHER: Final = 3
"""The side that did not."""

TRANSITIONS: Final[dict[tuple[int, int, int], int]] = {
    # The handshake, seen from the side that began.
    (SYN_SENT, ORIGINAL, IS_SYN): SYN_SENT,
    (SYN_SENT, REPLY, IS_SYN_ACK): SYN_RECV,
    (SYN_SENT, REPLY, IS_SYN): SYN_SENT2,  # simultaneous open, RFC 9293 figure 7
    (SYN_SENT2, ORIGINAL, IS_SYN_ACK): SYN_RECV,
    (SYN_SENT2, REPLY, IS_SYN_ACK): SYN_RECV,
    (SYN_RECV, ORIGINAL, IS_ACK): ESTABLISHED,
    (SYN_RECV, REPLY, IS_ACK): ESTABLISHED,
    (SYN_RECV, ORIGINAL, IS_SYN_ACK): ESTABLISHED,
    # The end. The closer is known from the first FIN on.
    (SYN_RECV, CLOSER, IS_FIN): FIN_WAIT,
    (ESTABLISHED, CLOSER, IS_FIN): FIN_WAIT,
    (FIN_WAIT, OTHER, IS_ACK): CLOSE_WAIT,
    (FIN_WAIT, OTHER, IS_FIN): LAST_ACK,
    (CLOSE_WAIT, OTHER, IS_FIN): LAST_ACK,
    (LAST_ACK, CLOSER, IS_ACK): TIME_WAIT,
}
"""(state, who, what) -> state; what is not here changes nothing. A RST ends every state in CLOSE."""

CLOSING: Final = (FIN_WAIT, CLOSE_WAIT, LAST_ACK, TIME_WAIT, CLOSE)
"""States after one side has ended the connection."""
REOPENED_BY_SYN: Final = (TIME_WAIT, CLOSE)
"""States in which a SYN begins a new connection with the same addresses and ports (RFC 9293 3.6.1)."""


def kind_of(flags: int) -> int:
    """What a segment with these flags is."""
    if flags & RST:
        return IS_RST
    if flags & SYN:
        return IS_SYN_ACK if flags & ACK else IS_SYN
    if flags & FIN:
        return IS_FIN
    return IS_ACK if flags & ACK else IS_NOTHING


def first_state(flags: int, loose: bool) -> int:
    """The state a first segment begins: NONE when it cannot begin one.

    With `loose` one from the midst of a connection is taken, so that connections outlive a reboot of the box.
    """
    kind = kind_of(flags)
    if kind == IS_SYN and not flags & FIN:
        return SYN_SENT
    return ESTABLISHED if loose and kind == IS_ACK else NONE


def next_state(state: int, flags: int, is_reply: bool, from_closer: bool | None) -> int:
    """The state after a segment. `from_closer` is None before any FIN was seen."""
    kind = kind_of(flags)
    if kind == IS_RST:
        return CLOSE
    who = REPLY if is_reply else ORIGINAL
    found = TRANSITIONS.get((state, who, kind))
    if found is None:
        closer = kind == IS_FIN if from_closer is None else from_closer
        found = TRANSITIONS.get((state, CLOSER if closer else OTHER, kind))
    return state if found is None else found
