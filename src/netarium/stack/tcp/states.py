"""The states of a TCP connection and every transition between them. (RFC 9293 sections 3.3.2 and 3.10)

Two rules. First: every change of state in this package is a row of `TRANSITIONS`; `ControlBlock.change_state` refuses
any other. Second: this file knows nothing of time, bytes or roles; it says what may follow what, and why.
"""

from __future__ import annotations

from typing import Final

CLOSED: Final = 0
LISTEN: Final = 1
SYN_SENT: Final = 2
SYN_RECEIVED: Final = 3
ESTABLISHED: Final = 4
FIN_WAIT_1: Final = 5
FIN_WAIT_2: Final = 6
CLOSE_WAIT: Final = 7
CLOSING: Final = 8
LAST_ACK: Final = 9
TIME_WAIT: Final = 10

NAMES: Final = (
    "CLOSED",
    "LISTEN",
    "SYN-SENT",
    "SYN-RECEIVED",
    "ESTABLISHED",
    "FIN-WAIT-1",
    "FIN-WAIT-2",
    "CLOSE-WAIT",
    "CLOSING",
    "LAST-ACK",
    "TIME-WAIT",
)
"""The names as RFC 9293 prints them, by number."""

# What makes a connection change: the program's calls, the segments that arrive, and the ends.
ACTIVE_OPEN: Final = "the program connects: SYN sent"
PASSIVE_OPEN: Final = "a SYN came to a listener: SYN+ACK sent"
SYN_ACK: Final = "SYN+ACK received: ACK sent"
SIMULTANEOUS_SYN: Final = "a SYN crossed ours: SYN+ACK sent"
HANDSHAKE_ACK: Final = "our SYN is acknowledged"
PROGRAM_CLOSE: Final = "the program closes: FIN sent"
FIN_RECEIVED: Final = "FIN received: ACK sent"
FIN_ACKED: Final = "our FIN is acknowledged"
WAIT_OVER: Final = "two maximum segment lifetimes are over"
RESET: Final = "RST received or sent, or nobody answered"

TRANSITIONS: Final[dict[tuple[int, int], str]] = {
    (CLOSED, SYN_SENT): ACTIVE_OPEN,
    (CLOSED, SYN_RECEIVED): PASSIVE_OPEN,
    (SYN_SENT, SYN_RECEIVED): SIMULTANEOUS_SYN,
    (SYN_SENT, ESTABLISHED): SYN_ACK,
    (SYN_SENT, CLOSED): RESET,
    (SYN_RECEIVED, ESTABLISHED): HANDSHAKE_ACK,
    (SYN_RECEIVED, FIN_WAIT_1): PROGRAM_CLOSE,
    (SYN_RECEIVED, CLOSED): RESET,
    (ESTABLISHED, FIN_WAIT_1): PROGRAM_CLOSE,
    (ESTABLISHED, CLOSE_WAIT): FIN_RECEIVED,
    (ESTABLISHED, CLOSED): RESET,
    (FIN_WAIT_1, FIN_WAIT_2): FIN_ACKED,
    (FIN_WAIT_1, CLOSING): FIN_RECEIVED,
    (FIN_WAIT_1, CLOSED): RESET,
    (FIN_WAIT_2, TIME_WAIT): FIN_RECEIVED,
    (FIN_WAIT_2, CLOSED): RESET,
    (CLOSE_WAIT, LAST_ACK): PROGRAM_CLOSE,
    (CLOSE_WAIT, CLOSED): RESET,
    (CLOSING, TIME_WAIT): FIN_ACKED,
    (CLOSING, CLOSED): RESET,
    (LAST_ACK, CLOSED): FIN_ACKED,
    (TIME_WAIT, CLOSED): WAIT_OVER,
}
"""(before, after) -> what happened. A FIN that comes with the ACK of ours goes through FIN-WAIT-2.

LISTEN is a `Listener`, never a connection, so it has no row.
"""

# Groups of states that rules are about, as tuples of bools indexed by state: one index, no set lookups.


def _states(*members: int) -> tuple[bool, ...]:
    return tuple(state in members for state in range(len(NAMES)))


MAY_SEND_DATA: Final = _states(ESTABLISHED, CLOSE_WAIT)
"""The program may still send: our FIN is not out."""
SENDS_QUEUED_DATA: Final = _states(ESTABLISHED, CLOSE_WAIT, FIN_WAIT_1, CLOSING, LAST_ACK)
"""What is in the send buffer may still go out."""
TAKES_DATA: Final = _states(ESTABLISHED, FIN_WAIT_1, FIN_WAIT_2)
"""The peer's data is taken: its FIN has not come. (RFC 9293 section 3.10.7.4, seventh)"""
SYNCHRONIZED: Final = _states(ESTABLISHED, FIN_WAIT_1, FIN_WAIT_2, CLOSE_WAIT, CLOSING, LAST_ACK, TIME_WAIT)
"""Both SYNs have been acknowledged."""
PEER_HAS_CLOSED: Final = _states(CLOSE_WAIT, CLOSING, LAST_ACK, TIME_WAIT)
"""The peer's FIN has come."""
FIN_WANTED: Final = _states(FIN_WAIT_1, CLOSING, LAST_ACK)
"""The program has closed its side and the FIN is not yet acknowledged."""
