"""Bytes that came early wait here for those before them. (RFC 9293 section 3.10.7.4, seventh; RFC 2018 section 3)

Ranges are kept apart and in order; what overlaps is kept once, the bytes that came first win. The newest ranges are
remembered in order of arrival because RFC 2018 section 4 wants the newest first in the SACK option.
"""

from __future__ import annotations

from bisect import bisect_right

Payload = bytes | memoryview


class Reassembly:
    """The out-of-order queue of one connection. Sequence numbers are growing ints."""

    __slots__ = ("_pieces", "_starts", "blocks", "fin_at", "held_bytes")

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._pieces: list[Payload] = []
        self.blocks: list[list[int]] = []
        """Contiguous ranges [left, right), the newest first."""
        self.held_bytes = 0
        self.fin_at = -1
        """Sequence number of a FIN that came early; -1 when none has."""

    def add(self, start: int, payload: Payload) -> int:
        """Keep `payload`, whose first byte is number `start`; returns how many of its bytes were new."""
        end = start + len(payload)
        new_bytes = 0
        at = bisect_right(self._starts, start)
        cursor = start
        if at and self._starts[at - 1] + len(self._pieces[at - 1]) > cursor:
            cursor = self._starts[at - 1] + len(self._pieces[at - 1])
        while cursor < end:
            stop = self._starts[at] if at < len(self._starts) else end
            if stop > cursor:
                piece_end = stop if stop < end else end
                piece = (
                    payload
                    if (cursor == start and piece_end == end)
                    else payload[cursor - start : piece_end - start]
                )
                self._starts.insert(at, cursor)
                self._pieces.insert(at, piece)
                new_bytes += piece_end - cursor
                at += 1
            if at >= len(self._starts):
                break
            cursor = self._starts[at] + len(self._pieces[at])
            at += 1
        self.held_bytes += new_bytes
        self._note_block(start, end)
        return new_bytes

    def _note_block(self, left: int, right: int) -> None:
        """Merge [left, right) with the blocks it touches and make it the newest."""
        kept = []
        for block in self.blocks:
            if block[0] <= right and left <= block[1]:
                left = min(left, block[0])
                right = max(right, block[1])
            else:
                kept.append(block)
        self.blocks = [[left, right], *kept]

    def take(self, next_number: int) -> tuple[list[Payload], int]:
        """Hand out what now follows without a gap; returns (payloads, the number after them)."""
        payloads: list[Payload] = []
        count = 0
        for start, piece in zip(self._starts, self._pieces, strict=True):
            if start > next_number:
                break
            count += 1
            self.held_bytes -= len(piece)
            end = start + len(piece)
            if end > next_number:
                payloads.append(piece if start == next_number else piece[next_number - start :])
                next_number = end
        if count:
            del self._starts[:count]
            del self._pieces[:count]
            self.blocks = [block for block in self.blocks if block[1] > next_number]
        return payloads, next_number

    def __bool__(self) -> bool:
        return bool(self._starts)
