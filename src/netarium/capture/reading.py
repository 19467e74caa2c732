"""Captures read back: our own, little-endian, one section. For tests and for splitting by interface.

Wireshark and dpkt read more; this reads exactly what `pcapng` writes and says clearly where something else is
found.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from struct import Struct
from struct import error as StructError
from typing import NamedTuple

from netarium.capture import pcapng
from netarium.errors import UsageError

_HEAD = Struct("<II")
_PACKET = Struct("<IIIII")
_OPTION = Struct("<HH")


class CapturedFrame(NamedTuple):
    """One frame of a capture; `number` counts from 1, as Wireshark does."""

    number: int
    interface: str
    time_ns: int
    outgoing: bool
    data: bytes


def _blocks(path: Path) -> Iterator[tuple[int, bytes, bytes]]:
    """(type, body, the whole block) of each block. A block that is cut at the end raises UsageError."""
    data = path.read_bytes()
    offset = 0
    while offset < len(data):
        try:
            kind, total = _HEAD.unpack_from(data, offset)
        except StructError:
            raise UsageError(f"{path}: cut in the head of a block at byte {offset}") from None
        whole = data[offset : offset + total]
        if total < 12 or total % 4 or len(whole) < total or whole[-4:] != whole[4:8]:
            raise UsageError(f"{path}: the block at byte {offset} is cut or its two lengths differ")
        if offset == 0 and kind != pcapng.SECTION_HEADER:
            raise UsageError(f"{path} is no pcapng file: it does not begin with a section header")
        yield kind, whole[8:-4], whole
        offset += total


def _options(data: bytes) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    offset = 0
    while offset + 4 <= len(data):
        code, length = _OPTION.unpack_from(data, offset)
        if code == pcapng.OPTION_END:
            break
        found[code] = data[offset + 4 : offset + 4 + length]
        offset += 4 + length + (-length % 4)
    return found


def read_interfaces(path: str | Path) -> list[str]:
    """The names of the interfaces of a capture, by their ids. Raises UsageError for what is no whole capture."""
    return [
        _options(body[8:])[pcapng.IF_NAME].decode()
        for kind, body, _ in _blocks(Path(path))
        if kind == pcapng.INTERFACE_DESCRIPTION
    ]


def read_capture(path: str | Path) -> Iterator[CapturedFrame]:
    """The frames of a capture, in file order. Raises UsageError for what is no whole capture."""
    names: list[str] = []
    number = 0
    for kind, body, _ in _blocks(Path(path)):
        if kind == pcapng.INTERFACE_DESCRIPTION:
            names.append(_options(body[8:])[pcapng.IF_NAME].decode())
        elif kind == pcapng.ENHANCED_PACKET:
            number += 1
            interface, high, low, size, _ = _PACKET.unpack_from(body)
            options = _options(body[20 + size + (-size % 4) :])
            flags = int.from_bytes(options.get(pcapng.EPB_FLAGS, b""), "little")
            outgoing = flags & 3 == pcapng.OUTBOUND
            yield CapturedFrame(number, names[interface], high << 32 | low, outgoing, body[20 : 20 + size])


def split_by_interface(path: str | Path, folder: str | Path) -> dict[str, Path]:
    """Write one capture per interface into `folder`; returns their paths by interface name.

    Analysers follow a conversation by one observer's eyes: over several ports they take the second copy of a
    frame for a retransmission. Interfaces without a frame get no file.
    """
    path, folder = Path(path), Path(folder)
    section = b""
    names: list[str] = []
    described: list[bytes] = []
    parts: dict[int, list[bytes]] = {}
    for kind, body, whole in _blocks(path):
        if kind == pcapng.SECTION_HEADER:
            section = whole
        elif kind == pcapng.INTERFACE_DESCRIPTION:
            names.append(_options(body[8:])[pcapng.IF_NAME].decode())
            described.append(whole)
        elif kind == pcapng.ENHANCED_PACKET:
            interface = int.from_bytes(body[:4], "little")
            parts.setdefault(interface, []).append(whole[:8] + bytes(4) + whole[12:])
    folder.mkdir(parents=True, exist_ok=True)
    made: dict[str, Path] = {}
    for interface, packets in parts.items():
        name = names[interface]
        target = made[name] = folder / f"{path.stem}.{name.replace(':', '.').replace('/', '_')}.pcapng"
        target.write_bytes(section + described[interface] + b"".join(packets))
    return made
