"""Pipes and socket pairs inside one host: delivered when the sending call returns, without time passing."""

from __future__ import annotations

import errno
from collections import deque
from typing import Final

from netarium.sockets.errno import os_error
from netarium.sockets.readiness import ERR, HUP, IN, OUT, RDHUP, Pollable

BUFFER_BYTES: Final = 212_992
"""Linux: net.core.wmem_default."""
PIPE_BYTES: Final = 65_536
"""Linux: pipe(7)."""


class LocalStream(Pollable):
    """One end of a socket pair (stream) or, with `writes` or `reads` alone, of a pipe."""

    __slots__ = ("_chunks", "_size", "capacity", "ended", "peer", "reads", "send_shut", "writes")

    def __init__(self, capacity: int = BUFFER_BYTES, *, reads: bool = True, writes: bool = True) -> None:
        super().__init__()
        self.peer: LocalStream | None = None
        self.capacity = capacity
        self.reads = reads
        self.writes = writes
        self.ended = False
        self.send_shut = False
        self._chunks: deque[bytes] = deque()
        self._size = 0

    def readiness(self) -> int:
        """As unix(7) and pipe(7)."""
        mask = 0
        peer = self.peer
        if self.reads:
            if self._size or self.ended or peer is None:
                mask |= IN
            if self.ended or peer is None:
                mask |= RDHUP | HUP if peer is None or not self.writes else RDHUP
        if self.writes:
            if peer is None:
                mask |= OUT | (ERR if not self.reads else HUP)
            elif peer._size < peer.capacity:
                mask |= OUT
        return mask

    def send(self, data: bytes) -> int | None:
        """How much was taken; None when the buffer is full. EPIPE when nobody will read."""
        if not self.writes:
            raise os_error(errno.EBADF)
        peer = self.peer
        if peer is None or self.send_shut:
            raise os_error(errno.EPIPE)
        if not data:
            return 0
        room = peer.capacity - peer._size
        if room <= 0:
            return None
        taken = data[:room]
        peer._chunks.append(bytes(taken))
        peer._size += len(taken)
        peer.changed()
        return len(taken)

    def receive(self, count: int, peek: bool = False) -> bytes | None:
        """What is there, at most `count` bytes; b"" at the end, None when nothing has come yet."""
        if not self.reads:
            raise os_error(errno.EBADF)
        if not self._size:
            return b"" if self.ended or self.peer is None else None
        whole = b"".join(self._chunks) if len(self._chunks) > 1 else self._chunks[0]
        taken = whole[:count]
        if not peek:
            self._chunks.clear()
            rest = whole[count:]
            if rest:
                self._chunks.append(rest)
            self._size = len(rest)
            if self.peer is not None:
                self.peer.changed()
        return taken

    def shutdown(self, receive: bool, send: bool) -> None:
        """As shutdown(2)."""
        if send and not self.send_shut:
            self.send_shut = True
            if self.peer is not None:
                self.peer.ended = True
                self.peer.changed()
        if receive:
            self.ended = True
            self.changed()

    def close(self) -> None:
        """The peer reads the end, and its writes fail."""
        peer = self.peer
        self.peer = None
        if peer is not None:
            peer.peer = None
            peer.ended = True
            peer.changed()

    def describe(self, call: str = "") -> str:
        """For the deadlock report."""
        return "from a local peer" if self.peer is not None else "from nobody"


def pair() -> tuple[LocalStream, LocalStream]:
    """Two connected stream ends."""
    first, second = LocalStream(), LocalStream()
    first.peer, second.peer = second, first
    return first, second


def pipe() -> tuple[LocalStream, LocalStream]:
    """(reading end, writing end)."""
    reader = LocalStream(PIPE_BYTES, writes=False)
    writer = LocalStream(PIPE_BYTES, reads=False)
    reader.peer, writer.peer = writer, reader
    return reader, writer
