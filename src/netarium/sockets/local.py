"""Pipes and socket pairs inside one host: delivered when the sending call returns, without time passing.

Rights (the open objects that sendmsg passes with SCM_RIGHTS) travel with the bytes they were sent with. As on Linux
(unix_stream_read_generic) one receive goes no further than the end of such a message.
"""

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
Rights = tuple[Pollable, ...]


class LocalStream(Pollable):
    """One end of a socket pair (stream) or, with `writes` or `reads` alone, of a pipe."""

    __slots__ = ("_chunks", "_rights", "_size", "capacity", "ended", "peer", "reads", "send_shut", "writes")

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
        self._rights: deque[tuple[int, int, Rights]] = deque()
        """(where the message begins, where it ends, what it carries), counted from the next byte to be read."""

    @property
    def unread(self) -> int:
        """So many bytes wait here."""
        return self._size

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

    def send(self, data: bytes, rights: Rights = ()) -> int | None:
        """How much was taken; None when the buffer is full. EPIPE when nobody will read.

        `rights` are retained while they are under way; without bytes they go nowhere, as on Linux.
        """
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
        if rights:
            peer._rights.append((peer._size, peer._size + len(taken), rights))
            for each in rights:
                each.retain()
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
        if self._rights:
            found = self.receive_message(count, peek)
            assert found is not None
            for each in found[1]:
                each.release()
            return found[0]
        return self._take(count, peek)

    def receive_message(self, count: int, peek: bool = False) -> tuple[bytes, Rights] | None:
        """(bytes, what came with them), both as `receive` would; the caller releases each right when it has it."""
        if not self._rights or not self._size:
            data = self.receive(count, peek)
            return None if data is None else (data, ())
        begin, end, rights = self._rights[0]
        count = min(count, end)
        data = self._take(count, peek)
        carried = rights if len(data) > begin or begin == end else ()
        if peek:
            for each in carried:
                each.retain()
            return data, carried
        taken = len(data)
        if carried:
            self._rights.popleft()
        self._rights = deque((begin - taken, end - taken, each) for begin, end, each in self._rights)
        return data, carried

    def _take(self, count: int, peek: bool) -> bytes:
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
        for _, _, rights in self._rights:
            for each in rights:
                each.release()
        self._rights.clear()
        if peer is not None:
            peer.peer = None
            peer.ended = True
            peer.changed()

    def describe(self, call: str = "") -> str:
        """For the deadlock report."""
        return "from a local peer" if self.peer is not None else "from nobody"


class LocalPackets(LocalStream):
    """One end of a pair that keeps messages apart (SOCK_SEQPACKET): a message is taken whole, and read once."""

    __slots__ = ("_messages",)

    def __init__(self) -> None:
        super().__init__()
        self._messages: deque[tuple[bytes, Rights]] = deque()

    def readiness(self) -> int:
        """As unix(7); a message may be empty."""
        return super().readiness() | (IN if self._messages else 0)

    def send(self, data: bytes, rights: Rights = ()) -> int | None:
        """All of it or None; EMSGSIZE for what will never fit."""
        peer = self.peer
        if peer is None or self.send_shut:
            raise os_error(errno.EPIPE)
        assert isinstance(peer, LocalPackets)
        if len(data) > peer.capacity - 32:
            raise os_error(errno.EMSGSIZE)
        if peer._size + len(data) > peer.capacity:
            return None
        for each in rights:
            each.retain()
        peer._messages.append((data, rights))
        peer._size += len(data)
        peer.changed()
        return len(data)

    def receive(self, count: int, peek: bool = False) -> bytes | None:
        """One message, cut to `count` bytes."""
        found = self.receive_message(count, peek)
        if found is None:
            return None
        for each in found[1]:
            each.release()
        return found[0][:count]

    def receive_message(self, count: int, peek: bool = False) -> tuple[bytes, Rights] | None:
        """(the whole message, what came with it)."""
        if not self._messages:
            return (b"", ()) if self.ended or self.peer is None else None
        data, rights = self._messages[0]
        if peek:
            for each in rights:
                each.retain()
            return data, rights
        self._messages.popleft()
        self._size -= len(data)
        if self.peer is not None:
            self.peer.changed()
        return data, rights

    def close(self) -> None:
        """What was not read is gone."""
        while self._messages:
            for each in self._messages.popleft()[1]:
                each.release()
        super().close()


def pair(packets: bool = False) -> tuple[LocalStream, LocalStream]:
    """Two connected ends: of a stream, or of one that keeps messages apart."""
    kind = LocalPackets if packets else LocalStream
    first, second = kind(), kind()
    first.peer, second.peer = second, first
    return first, second


def pipe() -> tuple[LocalStream, LocalStream]:
    """(reading end, writing end)."""
    reader = LocalStream(PIPE_BYTES, writes=False)
    writer = LocalStream(PIPE_BYTES, reads=False)
    reader.peer, writer.peer = writer, reader
    return reader, writer
