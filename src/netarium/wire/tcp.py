"""The TCP header (RFC 9293, 3.1; ECN flags RFC 3168, 6.1).

The data offset and the checksum are not fields of the value: they follow from options, payload and addresses.
"""

from __future__ import annotations

from struct import Struct
from typing import Final
from zlib import crc32

from netarium.errors import UsageError, WireError
from netarium.wire.checksum import word_sum
from netarium.wire.tcp_options import BYTES_MAX, TcpOptions, parse_options

SOURCE_PORT: Final = 0
DESTINATION_PORT: Final = 2
SEQUENCE: Final = 4
ACKNOWLEDGMENT: Final = 8
OFFSET_AND_FLAGS: Final = 12
WINDOW: Final = 14
CHECKSUM: Final = 16
URGENT: Final = 18
OPTIONS: Final = 20
SIZE_BYTES_MIN: Final = 20
SIZE_BYTES_MAX: Final = 60

FIN: Final = 0x01
SYN: Final = 0x02
RST: Final = 0x04
PSH: Final = 0x08
ACK: Final = 0x10
URG: Final = 0x20
ECE: Final = 0x40
CWR: Final = 0x80
FLAG_NAMES: Final = (
    (SYN, "SYN"),
    (FIN, "FIN"),
    (RST, "RST"),
    (PSH, "PSH"),
    (ACK, "ACK"),
    (URG, "URG"),
    (ECE, "ECE"),
    (CWR, "CWR"),
)
"""The flags in the order in which an engineer names them: `SYN ACK`, `FIN ACK`, `PSH ACK`."""

_LAYOUT: Final = Struct("!IIIHHHH")
_TIMED: Final = Struct("!IIIHHHHIII")
_DIGEST: Final = Struct("!IIIHHHqI")
_NOP_NOP_TIMESTAMPS: Final = 0x0101080A
_TIMED_BYTES: Final = 32


class TcpHeader:
    """One TCP header.

    Numbers are as on the wire (`sequence` and `acknowledgment` modulo 2**32, `window` not scaled); `flags`
    are the eight flags, above them the four reserved bits; `timestamp` is -1 when the option is absent;
    `options` holds all others.
    """

    __slots__ = (
        "acknowledgment",
        "destination_port",
        "echo",
        "flags",
        "options",
        "sequence",
        "size_bytes",
        "source_port",
        "timestamp",
        "urgent",
        "window",
    )

    def __init__(
        self,
        source_port: int,
        destination_port: int,
        sequence: int,
        acknowledgment: int,
        flags: int,
        window: int,
        timestamp: int = -1,
        echo: int = 0,
        options: TcpOptions | None = None,
        urgent: int = 0,
    ) -> None:
        self.source_port: Final = source_port
        self.destination_port: Final = destination_port
        self.sequence: Final = sequence
        self.acknowledgment: Final = acknowledgment
        self.flags: Final = flags
        self.window: Final = window
        self.timestamp: Final = timestamp
        self.echo: Final = echo
        self.options: Final = options
        self.urgent: Final = urgent
        if options is None:
            self.size_bytes = _TIMED_BYTES if timestamp >= 0 else SIZE_BYTES_MIN
        else:
            self.size_bytes = SIZE_BYTES_MIN + _options_bytes(options, timestamp, echo)

    def emit(self, payload: bytes | memoryview, pseudo: int) -> bytes:
        """The header before `payload`, options and checksum included; `pseudo` is `checksum.pseudo_sum`."""
        ports = self.source_port << 16 | self.destination_port
        offset_and_flags = self.size_bytes << 10 | self.flags
        total = (
            pseudo
            + ports
            + self.sequence
            + self.acknowledgment
            + offset_and_flags
            + self.window
            + self.urgent
            + word_sum(payload)
        )
        options = self.options
        if options is None and self.timestamp >= 0:
            total += _NOP_NOP_TIMESTAMPS + self.timestamp + self.echo
            return _TIMED.pack(
                ports,
                self.sequence,
                self.acknowledgment,
                offset_and_flags,
                self.window,
                -total % 65535,
                self.urgent,
                _NOP_NOP_TIMESTAMPS,
                self.timestamp,
                self.echo,
            )
        tail = b"" if options is None else options.emit(self.timestamp, self.echo)
        total += word_sum(tail)
        return (
            _LAYOUT.pack(
                ports,
                self.sequence,
                self.acknowledgment,
                offset_and_flags,
                self.window,
                -total % 65535,
                self.urgent,
            )
            + tail
        )

    @staticmethod
    def parse(data: bytes) -> TcpHeader:
        """The header at the start of `data`, its checksum not looked at (that needs the addresses).

        The payload begins at `header_bytes_of(data)`; `size_bytes` is that of our own layout of the options.
        Raises WireError when the header is cut off, its data offset cannot be, or an option is malformed.
        """
        if len(data) < SIZE_BYTES_MIN:
            raise WireError(f"a TCP header needs {SIZE_BYTES_MIN} bytes, here are {len(data)}")
        ports, sequence, acknowledgment, offset_and_flags, window, _, urgent = _LAYOUT.unpack_from(data)
        size_bytes = offset_and_flags >> 12 << 2
        if size_bytes < SIZE_BYTES_MIN or size_bytes > len(data):
            raise WireError(f"a TCP data offset of {size_bytes} bytes within {len(data)}")
        timestamp, echo = -1, 0
        options: TcpOptions | None = None
        if size_bytes > SIZE_BYTES_MIN:
            timestamp, echo, options = parse_options(bytes(data[SIZE_BYTES_MIN:size_bytes]))
        return TcpHeader(
            ports >> 16,
            ports & 0xFFFF,
            sequence,
            acknowledgment,
            offset_and_flags & 0xFFF,
            window,
            timestamp,
            echo,
            options,
            urgent,
        )

    def with_ports(self, source_port: int, destination_port: int) -> TcpHeader:
        """The same between other ports: what NAT makes of it."""
        return TcpHeader(
            source_port,
            destination_port,
            self.sequence,
            self.acknowledgment,
            self.flags,
            self.window,
            self.timestamp,
            self.echo,
            self.options,
            self.urgent,
        )

    def digest(self, crc: int) -> int:
        """The CRC-32 of the header's values, going on from `crc`."""
        crc = crc32(
            _DIGEST.pack(
                self.source_port << 16 | self.destination_port,
                self.sequence,
                self.acknowledgment,
                self.flags,
                self.window,
                self.urgent,
                self.timestamp,
                self.echo,
            ),
            crc,
        )
        return crc if self.options is None else crc32(self.options.emit(-1, 0), crc)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, TcpHeader):
            return NotImplemented
        return (
            self.source_port == other.source_port
            and self.destination_port == other.destination_port
            and self.sequence == other.sequence
            and self.acknowledgment == other.acknowledgment
            and self.flags == other.flags
            and self.window == other.window
            and self.timestamp == other.timestamp
            and self.echo == other.echo
            and self.options == other.options
            and self.urgent == other.urgent
        )

    __hash__ = None  # type: ignore[assignment]

    def describe(self) -> str:
        """What an engineer reads of it: `TCP 4321>80 [SYN] seq=1 win=64240 mss=1460`."""
        text = (
            f"TCP {self.source_port}>{self.destination_port} [{flags_text(self.flags)}] seq={self.sequence}"
        )
        if self.flags & ACK:
            text += f" ack={self.acknowledgment}"
        text += f" win={self.window}"
        if self.flags & URG:
            text += f" urg={self.urgent}"
        if self.options is not None:
            text += f" {self.options.describe()}"
        if self.timestamp >= 0:
            text += f" ts={self.timestamp}/{self.echo}"
        return text

    def __repr__(self) -> str:
        return f"<{self.describe()}>"


def flags_text(flags: int) -> str:
    """The names of the flags: `SYN ACK`; `none` when there is none."""
    return " ".join([name for bit, name in FLAG_NAMES if flags & bit]) or "none"


def header_bytes_of(data: bytes) -> int:
    """The length that a header claims for itself, options included, in bytes."""
    return data[OFFSET_AND_FLAGS] >> 4 << 2


def _options_bytes(options: TcpOptions, timestamp: int, echo: int) -> int:
    size_bytes = len(options.emit(timestamp, echo))
    if size_bytes > BYTES_MAX:
        raise UsageError(f"{size_bytes} bytes of TCP options; at most {BYTES_MAX}")
    return size_bytes
