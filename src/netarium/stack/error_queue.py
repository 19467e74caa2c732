"""What ICMP, or the host itself, has said to an endpoint that asked for everything: the queue of IP_RECVERR (ip(7))."""

from __future__ import annotations

from collections import deque
from typing import ClassVar, Final

from netarium.stack.failures import NetworkError
from netarium.wire.ipv4 import Ipv4Header
from netarium.wire.ipv6 import Ipv6Header

REPORTS_MAX: Final = 64
"""More are forgotten, the newest first; Linux counts them against the receive buffer."""
ORIGIN_LOCAL: Final = 1
ORIGIN_ICMP: Final = 2
ORIGIN_ICMPV6: Final = 3


class ErrorReport:
    """One ICMP error about a datagram of ours: who said it, what, and what it quotes.

    `version` is the family; `offender` who sent the error; `type`, `code` and `info` (the MTU where it is too large)
    are ICMP's; `source`, `destination` and the ports are those of our datagram, `payload` what is quoted of its data.
    """

    __slots__ = (
        "code", "destination", "destination_port", "info", "kind", "offender", "payload", "source", "source_port",
        "type", "version",
    )  # fmt: skip

    def __init__(
        self,
        header: Ipv4Header | Ipv6Header,
        quoted: bytes,
        kind: NetworkError,
        info: int,
        reported: tuple[int, int, int, int],
        version: int,
    ) -> None:
        self.kind: Final = kind
        self.info: Final = info
        self.type, self.code, _, self.offender = reported
        self.version: Final = version
        self.source: Final = header.source
        self.destination: Final = header.destination
        self.source_port: Final = quoted[0] << 8 | quoted[1]
        self.destination_port: Final = quoted[2] << 8 | quoted[3]
        self.payload: Final = quoted[8:]

    @property
    def origin(self) -> int:
        """SO_EE_ORIGIN_ICMP or SO_EE_ORIGIN_ICMP6."""
        return ORIGIN_ICMP if self.version == 4 else ORIGIN_ICMPV6


class TooLongHere:
    """This host's own word that a datagram is larger than `info`, the MTU (Linux ip_local_error). As `ErrorReport`."""

    __slots__ = ("destination", "destination_port", "info", "version")

    kind: ClassVar[NetworkError] = NetworkError.MESSAGE_TOO_LONG
    origin: ClassVar[int] = ORIGIN_LOCAL
    type: ClassVar[int] = 0
    code: ClassVar[int] = 0
    offender: ClassVar[int] = 0
    payload: ClassVar[bytes] = b""

    def __init__(self, destination: int, destination_port: int, info: int, version: int) -> None:
        self.destination: Final = destination
        self.destination_port: Final = destination_port
        self.info: Final = info
        self.version: Final = version


class ErrorQueue:
    """The reports that wait for MSG_ERRQUEUE, oldest first."""

    __slots__ = ("reports",)

    def __init__(self) -> None:
        self.reports: Final[deque[ErrorReport | TooLongHere]] = deque()

    def add(self, report: ErrorReport | TooLongHere) -> None:
        """Keep a report, if there is room."""
        if len(self.reports) < REPORTS_MAX:
            self.reports.append(report)

    def take(self) -> ErrorReport | TooLongHere | None:
        """The oldest; None when there is none."""
        return self.reports.popleft() if self.reports else None
