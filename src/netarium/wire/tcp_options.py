"""TCP options (RFC 9293, 3.1 and 3.2; window scale and timestamps RFC 7323, 2 and 3; SACK RFC 2018, 2 and 3).

`TcpOptions` holds what is rare, on SYNs and on SACKs; the timestamps of every segment are fields of
`TcpHeader`. They are laid out as Linux does (tcp_options_write): MSS, SACK permitted, timestamps, NOP +
window scale, NOP NOP SACK.
"""

from __future__ import annotations

from struct import Struct
from typing import Final

from netarium.errors import WireError

END: Final = 0
NOP: Final = 1
MSS: Final = 2
WINDOW_SCALE: Final = 3
SACK_PERMITTED: Final = 4
SACK: Final = 5
TIMESTAMPS: Final = 8
BYTES_MAX: Final = 40

_FIXED_LENGTHS: Final = {MSS: 4, WINDOW_SCALE: 3, SACK_PERMITTED: 2, TIMESTAMPS: 10}
_PAIR: Final = Struct("!II")
_NOP_NOP_TIMESTAMPS: Final = b"\x01\x01\x08\x0a"
_TIMED_BYTES: Final = 12


class TcpOptions:
    """The options of a segment besides timestamps.

    `mss` in bytes and `window_scale` in bits, each -1 when absent; `sack` is a tuple of (left, right) edges;
    `unknown` are the bytes of options that nobody here knows, each with its kind and length, without padding.
    `layout` are the bytes as another system laid them out, where we would do it differently: a router sends them on
    as they came. It is no value: it does not count in equality, as paddings and checksums do not.
    """

    __slots__ = ("layout", "mss", "sack", "sack_permitted", "unknown", "window_scale")

    def __init__(
        self,
        mss: int = -1,
        window_scale: int = -1,
        sack_permitted: bool = False,
        sack: tuple[tuple[int, int], ...] = (),
        unknown: bytes = b"",
        layout: bytes = b"",
    ) -> None:
        self.mss: Final = mss
        self.window_scale: Final = window_scale
        self.sack_permitted: Final = sack_permitted
        self.sack: Final = sack
        self.unknown: Final = unknown
        self.layout: Final = layout

    def emit(self, timestamp: int, echo: int) -> bytes:
        """The options' bytes, padded to a multiple of four; timestamps among them unless `timestamp` is -1.

        Aligned as Linux lays them out; where that exceeds 40 bytes, without the NOPs.
        """
        if self.layout and parse_options(self.layout)[:2] == (timestamp, echo):
            return self.layout
        data = self._laid_out(timestamp, echo, b"\x01", b"\x01\x01")
        if len(data) > BYTES_MAX:
            data = self._laid_out(timestamp, echo, b"", b"")
        return data + bytes(-len(data) % 4)

    def _laid_out(self, timestamp: int, echo: int, one_nop: bytes, two_nops: bytes) -> bytes:
        parts = []
        if self.mss >= 0:
            parts.append(b"\x02\x04" + self.mss.to_bytes(2, "big"))
        if timestamp >= 0:
            parts.append(b"\x04\x02" if self.sack_permitted else two_nops)
            parts.append(b"\x08\x0a" + _PAIR.pack(timestamp, echo))
        elif self.sack_permitted:
            parts.append(two_nops + b"\x04\x02")
        if self.window_scale >= 0:
            parts.append(one_nop + b"\x03\x03" + self.window_scale.to_bytes(1, "big"))
        if self.sack:
            parts.append(two_nops + bytes((SACK, 2 + 8 * len(self.sack))))
            parts.extend([_PAIR.pack(left, right) for left, right in self.sack])
        parts.append(self.unknown)
        return b"".join(parts)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, TcpOptions):
            return NotImplemented
        return (
            self.mss == other.mss
            and self.window_scale == other.window_scale
            and self.sack_permitted == other.sack_permitted
            and self.sack == other.sack
            and self.unknown == other.unknown
        )

    __hash__ = None  # type: ignore[assignment]

    def describe(self) -> str:
        """What an engineer reads of them: `mss=1460 ws=7 sackOK`."""
        words = []
        if self.mss >= 0:
            words.append(f"mss={self.mss}")
        if self.window_scale >= 0:
            words.append(f"ws={self.window_scale}")
        if self.sack_permitted:
            words.append("sackOK")
        words += [f"sack={left}-{right}" for left, right in self.sack]
        if self.unknown:
            words.append(f"unknown={self.unknown.hex()}")
        return " ".join(words)

    def __repr__(self) -> str:
        return f"<TCP options {self.describe() or 'none'}>"


def parse_options(data: bytes) -> tuple[int, int, TcpOptions | None]:
    """(timestamp, echo, options) of the bytes between the fixed header and the payload.

    `timestamp` is -1 when there is none; options is None when nothing else is there and the layout is ours. Of an
    option that comes twice the last counts, as in Linux. Raises WireError where an option's length cannot be
    (RFC 9293, 3.1, MUST-7).
    """
    timestamp, echo, mss, window_scale = -1, 0, -1, -1
    sack_permitted = False
    sack: tuple[tuple[int, int], ...] = ()
    unknown = b""
    found = False
    at, end = 0, len(data)
    while at < end:
        kind = data[at]
        if kind == NOP:
            at += 1
            continue
        if kind == END:
            break
        length = data[at + 1] if at + 1 < end else 0
        if length < 2 or at + length > end or _FIXED_LENGTHS.get(kind, length) != length:
            raise WireError(f"TCP option {kind} of length {length} with {end - at} bytes left")
        if kind == TIMESTAMPS:
            timestamp, echo = _PAIR.unpack_from(data, at + 2)
        else:
            found = True
            if kind == MSS:
                mss = data[at + 2] << 8 | data[at + 3]
            elif kind == WINDOW_SCALE:
                window_scale = data[at + 2]
            elif kind == SACK_PERMITTED:
                sack_permitted = True
            elif kind == SACK:
                sack = _parse_sack(data[at + 2 : at + length])
            else:
                unknown += data[at : at + length]
        at += length
    if not found and (not data or (end == _TIMED_BYTES and data.startswith(_NOP_NOP_TIMESTAMPS))):
        return timestamp, echo, None
    options = TcpOptions(mss, window_scale, sack_permitted, sack, unknown)
    if options.emit(timestamp, echo) != data:
        options = TcpOptions(mss, window_scale, sack_permitted, sack, unknown, data)
    return timestamp, echo, options


def _parse_sack(data: bytes) -> tuple[tuple[int, int], ...]:
    if not data or len(data) % 8:
        raise WireError(f"a SACK option with {len(data)} bytes of edges; a positive multiple of 8")
    return tuple((left, right) for left, right in _PAIR.iter_unpack(data))
