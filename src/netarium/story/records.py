"""A trace read back, line by line: checked at its head, told up to where it was cut.

`--only` reads a trace of a million frames within seconds because lines that cannot matter are passed over before they
are parsed: `needles` are pieces of bytes, and a line that has none of them is left out. Lines every story needs (what
a host has, programs, the end) are always read.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from netarium.capture.recorder import VERSION
from netarium.errors import UsageError

Record = dict[str, Any]

LINE_BYTES_MAX: Final = 16 << 20
"""A longer line is no record of ours."""
ALWAYS: Final = (b'"event":"host"', b'"event":"program"', b'"event":"end"')
_BLOCK_BYTES: Final = 1 << 20
_MANY_BYTES: Final = 1200
"""Of a block with a line of interest in so many bytes every line is looked at."""
_decode: Final = json.JSONDecoder().decode


class TraceFile:
    """A trace on the disk. Raises UsageError for what is no trace and for one of another version.

    After its records have been read, `end` is the last line (None: the trace was cut) and `cut` says in which line and
    why reading ended early ("" when every line was whole).
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.end: Record | None = None
        self.cut: tuple[int, str] | None = None
        """(line, "json" or "end"): a line that is no whole record, or none that says that the run was over."""
        try:
            with self.path.open("rb") as file:
                first = file.readline(LINE_BYTES_MAX)
            self.size_bytes = self.path.stat().st_size
        except OSError as error:
            raise UsageError(f"cannot read the trace {self.path}: {error.strerror}") from None
        self.header = self._header(first)
        self._is_compact = b'"netarium_trace":' + str(VERSION).encode() in first
        """Written without spaces, as ours are: then a piece of bytes finds a line."""

    def _header(self, line: bytes) -> Record:
        try:
            header = json.loads(line)
        except ValueError:
            header = None
        if not isinstance(header, dict) or "netarium_trace" not in header:
            raise UsageError(
                f"{self.path} is no trace: its first line is no header of one; "
                "`netarium run LAB.yaml --trace FILE.jsonl` records a trace"
            )
        version = header["netarium_trace"]
        if version != VERSION:
            raise UsageError(
                f"{self.path} is a trace of version {version}, and this netarium tells version {VERSION}; record it "
                "again: `netarium run LAB.yaml --trace FILE.jsonl`"
            )
        if not isinstance(header.get("nodes"), dict):
            raise UsageError(
                f"{self.path}: its header describes no nodes; "
                "record it again: `netarium run LAB.yaml --trace FILE.jsonl`"
            )
        return header

    def records(
        self,
        needles: Sequence[bytes] = (),
        progress: Callable[[int], None] | None = None,
        passes: Callable[[bytes], bool] | None = None,
    ) -> Iterator[Record]:
        """Its records in their order; with `needles` only those whose line has one of them, or is always needed.

        `progress` is told now and then how many bytes have been read. `passes` is asked of each whole line of a trace
        written as ours are whether it has been dealt with: then it is not parsed.
        """
        wanted = (*needles, *ALWAYS) if needles and self._is_compact else ()
        asked = passes if self._is_compact else None
        lines = _Lines(wanted)
        for offset, block in self._blocks(progress):
            for start, line in lines.of(block):
                if asked is not None and line.endswith(b"}\n") and asked(line):
                    continue
                record = _parsed(line)
                if record is None:
                    self.cut = (self._line_at(offset + start), "json")
                    return
                if record["event"] == "end":
                    self.end = record
                yield record
        if self.end is None:
            self.cut = (self._line_at(self.size_bytes) - 1, "end")

    def _blocks(self, progress: Callable[[int], None] | None) -> Iterator[tuple[int, bytes]]:
        """(offset, bytes) of pieces of the file behind its header that end where a line ends; the last as it is."""
        with self.path.open("rb") as file:
            offset = len(file.readline(LINE_BYTES_MAX))
            rest = b""
            while data := file.read(_BLOCK_BYTES):
                end = data.rfind(b"\n") + 1
                if end:
                    block = rest + data[:end]
                    yield offset, block
                    offset += len(block)
                    rest = data[end:]
                elif len(rest) < LINE_BYTES_MAX:
                    rest += data
                else:
                    break
                if progress is not None:
                    progress(offset + len(rest))
            if rest:
                yield offset, rest

    def _line_at(self, offset: int) -> int:
        """The number of the line that begins at an offset."""
        number = 1
        with self.path.open("rb") as file:
            while offset > 0 and (data := file.read(min(_BLOCK_BYTES, offset))):
                number += data.count(b"\n")
                offset -= len(data)
        return number


class _Lines:
    """The lines of blocks that have one of some pieces of bytes; all lines, where there are no pieces.

    Where few lines have one it is quicker to look for the pieces, where many have, to look at the lines; what was so
    of a block is taken to be so of the next.
    """

    def __init__(self, wanted: Sequence[bytes]) -> None:
        self._wanted = wanted
        self._many = False

    def of(self, block: bytes) -> Iterator[tuple[int, bytes]]:
        """(where it begins, the line) of each, in their order."""
        if not self._wanted:
            start = 0
            for line in block.splitlines(keepends=True):
                yield start, line
                start += len(line)
            return
        found = self._by_lines(block) if self._many else self._by_pieces(block)
        self._many = len(found) * _MANY_BYTES > len(block)
        for start, end in found:
            yield start, block[start:end]

    def _by_pieces(self, block: bytes) -> list[tuple[int, int]]:
        found: dict[int, int] = {}
        for piece in self._wanted:
            at = block.find(piece)
            while at >= 0:
                end = block.find(b"\n", at) + 1 or len(block)
                found[block.rfind(b"\n", 0, at) + 1] = end
                at = block.find(piece, end)
        return sorted(found.items())

    def _by_lines(self, block: bytes) -> list[tuple[int, int]]:
        found = []
        end = 0
        for line in block.splitlines(keepends=True):
            start, end = end, end + len(line)
            for piece in self._wanted:
                if piece in line:
                    found.append((start, end))
                    break
        return found


def _parsed(line: bytes) -> Record | None:
    """The record in a line; None when there is no whole one."""
    if not line.endswith(b"\n"):
        return None
    try:
        record = _decode(line.decode())
    except ValueError:
        return None
    if not isinstance(record, dict) or not isinstance(record.get("t"), int):
        return None
    return record if isinstance(record.get("event"), str) and isinstance(record.get("at"), str) else None
