"""The capture, in pcapng as Wireshark reads it. Read first: IETF draft-ietf-opsawg-pcapng, sections 4.1 to
4.3.

One section; one Interface Description Block per port, named `node:interface` (`lo` has one too), with
nanosecond stamps; one Enhanced Packet Block per frame sent or received, with its direction. A frame that
crosses a cable is there twice, at the sender's port and at the receiver's: look at one interface at a time
(`frame.interface_id == 0`). On `lo` a frame is there once, as received: libpcap leaves out those that leave
by lo, or each would be there twice. The FCS is not captured, as on most real interfaces. Padding is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from struct import Struct
from typing import Final

from netarium.capture.records import RecordFile
from netarium.errors import CaptureError, UsageError
from netarium.journey import FrameLike, PortLike, Stop

SECTION_HEADER: Final = 0x0A0D0D0A
BYTE_ORDER_MAGIC: Final = 0x1A2B3C4D
INTERFACE_DESCRIPTION: Final = 1
ENHANCED_PACKET: Final = 6
LINKTYPE_ETHERNET: Final = 1

OPTION_END: Final = 0
OPTION_COMMENT: Final = 1
SHB_USERAPPL: Final = 4
IF_NAME: Final = 2
IF_TSRESOL: Final = 9
EPB_FLAGS: Final = 2
TSRESOL_NANOSECONDS: Final = 9
INBOUND: Final = 1
OUTBOUND: Final = 2

_PACKET = Struct("<IIIIIII")
_PACKET_BYTES = 32
_FLAGS_AND_END = Struct("<HHIHHI")
_FLAGS_AND_END_BYTES = 12
_OPTION = Struct("<HH")
_ENCODED_MAX = 256


def block(kind: int, body: bytes) -> bytes:
    """A whole block: type, total length, body padded to 32 bits, total length again (section 3.1)."""
    body += b"\0" * (-len(body) % 4)
    length = (len(body) + 12).to_bytes(4, "little")
    return kind.to_bytes(4, "little") + length + body + length


def option(code: int, value: bytes) -> bytes:
    """One option, its value padded to 32 bits (section 3.5)."""
    return _OPTION.pack(code, len(value)) + value + b"\0" * (-len(value) % 4)


class PortSelection:
    """Which ports are meant: patterns `NODE` (all its ports, lo too) or `NODE:INTERFACE`; none for every
    port.
    """

    __slots__ = ("patterns",)

    def __init__(self, patterns: Sequence[str] = ()) -> None:
        self.patterns = tuple(patterns)

    def includes(self, name: str) -> bool:
        """Whether the port called `node:interface` is meant."""
        return not self.patterns or name in self.patterns or name.partition(":")[0] in self.patterns

    def check(self, names: Iterable[str]) -> None:
        """Raise UsageError for a pattern that none of the ports `names` has, listing what there is."""
        known = list(names)
        for pattern in self.patterns:
            if not any(PortSelection((pattern,)).includes(name) for name in known):
                raise UsageError(f"no port is called {pattern!r}; there are {', '.join(known)}")


class Capture:
    """An observer that writes every frame sent or received at the ports meant.

    `ports` are those known now: they get their interface blocks at once, in this order, so that silent ones
    are there as well; others get theirs with their first frame. `epoch_ns` is the wall clock at virtual time
    0, in ns since 1970. Raises UsageError for a path that cannot be written and a pattern in `on` that no
    port has. A write that fails later is kept in `failed` and raised by `close` (CaptureError).
    """

    def __init__(
        self,
        path: str | Path,
        *,
        ports: Sequence[PortLike] = (),
        on: Sequence[str] = (),
        epoch_ns: int = 0,
        application: str = "netarium",
    ) -> None:
        self.selection = PortSelection(on)
        self.selection.check(port.name for port in ports)
        self.epoch_ns = epoch_ns
        self.frames = 0
        """Frames written so far: the number Wireshark gives to the last one."""
        self._file = RecordFile(path, "capture")
        self._ids: dict[int, int] = {}
        self._loopbacks: list[int] = []
        self._encoded: dict[int, tuple[FrameLike, bytes]] = {}
        self._described = 0
        self._file.write(_section_header(application))
        for port in ports:
            self._id_of(port)
        # A run that dies at once still leaves a capture that opens.
        self._file.flush()

    @property
    def path(self) -> Path:
        """The file."""
        return self._file.path

    @property
    def failed(self) -> CaptureError | None:
        """Why nothing more is written, or None."""
        return self._file.failed

    def frame(self, now: int, port: PortLike, stop: Stop, frame: FrameLike) -> None:
        """Write a frame that was sent or received at `port`."""
        number = self._ids.get(port.number)
        if number is None:
            number = self._id_of(port)
        if number < 0 or (stop is Stop.LINK_SENT and number in self._loopbacks):
            return
        self.frames += 1
        data = self._bytes_of(frame)
        size = len(data)
        padding = -size % 4
        total = _PACKET_BYTES + size + padding + _FLAGS_AND_END_BYTES
        stamp = self.epoch_ns + now
        flags = OUTBOUND if stop is Stop.LINK_SENT else INBOUND
        head = _PACKET.pack(ENHANCED_PACKET, total, number, stamp >> 32, stamp & 0xFFFFFFFF, size, size)
        tail = _FLAGS_AND_END.pack(EPB_FLAGS, 4, flags, OPTION_END, 0, total)
        self._file.write(b"".join((head, data, b"\0\0\0"[:padding], tail)))

    def number_at(self, port: PortLike, stop: Stop) -> int | None:
        """The number of the frame that was just shown there, if it was written: what the trace calls it."""
        number = self._id_of(port)
        if number < 0 or (stop is Stop.LINK_SENT and number in self._loopbacks):
            return None
        return self.frames

    def flush(self) -> None:
        """Put everything on the disk."""
        self._file.flush()

    def close(self) -> None:
        """Write the rest and close. Raises CaptureError when not everything could be written."""
        self._file.close()

    def _bytes_of(self, frame: FrameLike) -> bytes:
        # The receiver's copy is the sender's: encode it once while it is likely to come again.
        encoded = self._encoded
        known = encoded.get(id(frame))
        if known is not None:
            return known[1]
        data = bytes(frame)
        if len(encoded) >= _ENCODED_MAX:
            del encoded[next(iter(encoded))]
        encoded[id(frame)] = (frame, data)  # holding the frame keeps its id from being given to another
        return data

    def _id_of(self, port: PortLike) -> int:
        known = self._ids.get(port.number)
        if known is not None:
            return known
        if not self.selection.includes(port.name):
            self._ids[port.number] = -1
            return -1
        number = self._ids[port.number] = self._described
        self._described += 1
        if port.name.endswith(":lo"):
            self._loopbacks.append(number)
        self._file.write(_interface_description(port.name))
        return number


def _section_header(application: str) -> bytes:
    body = BYTE_ORDER_MAGIC.to_bytes(4, "little") + Struct("<HHq").pack(1, 0, -1)
    return block(SECTION_HEADER, body + option(SHB_USERAPPL, application.encode()) + option(OPTION_END, b""))


def _interface_description(name: str) -> bytes:
    # A snap length of 0 means no limit.
    body = Struct("<HHI").pack(LINKTYPE_ETHERNET, 0, 0)
    options = option(IF_NAME, name.encode()) + option(IF_TSRESOL, bytes([TSRESOL_NANOSECONDS]))
    return block(INTERFACE_DESCRIPTION, body + options + option(OPTION_END, b""))
