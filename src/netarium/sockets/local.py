"""Pipes and socket pairs inside one host: delivered when the sending call returns, without time passing.

Rights (the open objects that sendmsg passes with SCM_RIGHTS) travel with the bytes they were sent with. As on Linux
(unix_stream_read_generic) one receive goes no further than the end of such a message. What a socket has sent and nobody
has read is charged to its own buffer (`local_memory`); a pipe has one for both ends.
"""

from __future__ import annotations

import errno
from collections import deque
from typing import Final

from netarium.sockets.errno import os_error
from netarium.sockets.local_memory import (
    HEAD_BYTES,
    STREAM_PIECE_MAX,
    TAIL_BYTES,
    has_room,
    message_charge,
    piece_charge,
)
from netarium.sockets.readiness import ERR, HUP, IN, OUT, RDHUP, RDNORM, WRBAND, WRNORM, Pollable

BUFFER_BYTES: Final = 212_992
"""Linux: net.core.wmem_default."""
PIPE_BYTES: Final = 65_536
"""Linux: pipe(7)."""
SMALL_BYTES: Final = 2000
"""So much is one piece of any buffer: the smallest there is has 4608 bytes."""
Rights = tuple[Pollable, ...]


class LocalStream(Pollable):
    """One end of a socket pair (stream) or, with `writes` or `reads` alone, of a pipe.

    `capacity` is that of the pipe, or SO_SNDBUF of this socket.
    """

    __slots__ = (
        "_charges", "_chunks", "_rights", "_size", "capacity", "charged", "ended", "error", "peer", "reads",
        "send_shut", "writes",
    )  # fmt: skip

    def __init__(self, capacity: int = BUFFER_BYTES, *, reads: bool = True, writes: bool = True) -> None:
        super().__init__()
        self.peer: LocalStream | None = None
        self.capacity = capacity
        self.reads = reads
        self.writes = writes
        self.ended = False
        """RCV_SHUTDOWN: no more will come."""
        self.send_shut = False
        self.error = 0
        """The pending errno."""
        self.charged = 0
        """What this end has sent and its peer has not read, in bytes of memory."""
        self._chunks: deque[bytes] = deque()
        self._charges: deque[int] = deque()
        self._size = 0
        self._rights: deque[tuple[int, int, Rights]] = deque()
        """(where the message begins, where it ends, what it carries), counted from the next byte to be read."""

    @property
    def unread(self) -> int:
        """So many bytes wait here."""
        return self._size

    def readiness(self) -> int:
        """As unix(7) and pipe(7) (Linux unix_poll, pipe_poll)."""
        mask = IN | RDNORM if self._size else 0
        peer = self.peer
        if not self.writes:
            return mask | (HUP if peer is None else 0)
        if not self.reads:
            if peer is None:
                return OUT | WRNORM | ERR
            return OUT | WRNORM if peer._size < self.capacity else 0
        if self.ended:
            mask |= IN | RDNORM | RDHUP | (HUP if self.send_shut else 0)
        if self.error:
            mask |= ERR
        if has_room(self.charged, self.capacity):
            mask |= OUT | WRNORM | WRBAND
        return mask

    def send(self, data: bytes, rights: Rights = ()) -> int | None:
        """How much was taken; None when the buffer is full. EPIPE when nobody will read.

        `rights` are retained while they are under way; without bytes they go nowhere, as on Linux.
        """
        if not self.writes:
            raise os_error(errno.EBADF)
        peer = self.peer
        if peer is None or self.send_shut or peer.ended:
            raise os_error(errno.EPIPE)
        if not data:
            return 0
        taken = peer._put(data, self.capacity) if not self.reads else self._send_pieces(peer, data, rights)
        if taken:
            peer.changed()
        return taken or None

    def _put(self, data: bytes, capacity: int) -> int:
        """What a pipe has room for."""
        piece = data[: max(capacity - self._size, 0)]
        if piece:
            self._chunks.append(piece)
            self._charges.append(0)
            self._size += len(piece)
        return len(piece)

    def _send_pieces(self, peer: LocalStream, data: bytes, rights: Rights) -> int:
        """As unix_stream_sendmsg: a piece is taken whole while anything of the buffer is free."""
        sent, size = 0, len(data)
        if size <= SMALL_BYTES and not rights and self.charged < self.capacity:  # most: as below, in short
            charge = HEAD_BYTES + (1 << (size + TAIL_BYTES - 1).bit_length())
            peer._chunks.append(data)
            peer._charges.append(charge)
            peer._size += size
            self.charged += charge
            return size
        limit = min(self.capacity // 2 - 64, STREAM_PIECE_MAX)
        while sent < size and self.charged < self.capacity:
            piece = data if size <= limit else data[sent : sent + limit]
            charge = piece_charge(len(piece))
            if rights:
                peer._rights.append((peer._size, peer._size + len(piece), rights))
                for each in rights:
                    each.retain()
                rights = ()
            peer._chunks.append(piece)
            peer._charges.append(charge)
            peer._size += len(piece)
            self.charged += charge
            sent += len(piece)
        return sent

    def receive(self, count: int, peek: bool = False) -> bytes | None:
        """What is there, at most `count` bytes; b"" at the end, None when nothing has come yet."""
        if not self.reads:
            raise os_error(errno.EBADF)
        if not self._size:
            self.raise_error()
            return b"" if self.ended or self.peer is None else None
        if self._rights:
            found = self.receive_message(count, peek)
            assert found is not None
            for each in found[1]:
                each.release()
            return found[0]
        return self._take(count, peek)

    def raise_error(self) -> None:
        """Raise the pending error if there is one, once."""
        if self.error:
            number, self.error = self.error, 0
            raise os_error(number)

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
        chunks, peer = self._chunks, self.peer
        if peek:
            return b"".join(chunks)[:count]
        taken, freed = [], 0
        if len(chunks) == 1 and self._size <= count:
            data = chunks.popleft()
            self._size = 0
            if peer is not None:
                peer.charged -= self._charges.popleft()
                peer.changed()
            else:
                self._charges.clear()
            return data
        while chunks and count:
            chunk = chunks[0]
            if len(chunk) > count:
                taken.append(chunk[:count])
                chunks[0] = chunk[count:]
                break
            taken.append(chunks.popleft())
            freed += self._charges.popleft()
            count -= len(chunk)
        data = taken[0] if len(taken) == 1 else b"".join(taken)
        self._size -= len(data)
        if peer is not None:
            peer.charged -= freed
            peer.changed()
        return data

    def shutdown(self, receive: bool, send: bool) -> None:
        """As shutdown(2): what one end shuts, the other finds shut (Linux unix_shutdown)."""
        peer = self.peer
        self.ended = self.ended or receive
        self.send_shut = self.send_shut or send
        if peer is not None:
            peer.ended = peer.ended or send
            peer.send_shut = peer.send_shut or receive
            peer.changed()
        self.changed()

    def close(self) -> None:
        """The peer reads the end, and its writes fail; ECONNRESET where it will never be read what it has sent."""
        peer = self.peer
        self.peer = None
        for _, _, rights in self._rights:
            for each in rights:
                each.release()
        self._rights.clear()
        if peer is not None:
            peer.peer = None
            peer.ended = peer.send_shut = True
            peer.charged = 0
            if self._size and self.writes:
                peer.error = errno.ECONNRESET
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
        return super().readiness() | (IN | RDNORM if self._messages else 0)

    def send(self, data: bytes, rights: Rights = ()) -> int | None:
        """All of it or None; EMSGSIZE for what will never fit."""
        peer = self.peer
        if peer is None or self.send_shut or peer.ended:
            raise os_error(errno.EPIPE)
        assert isinstance(peer, LocalPackets)
        if len(data) > self.capacity - 32:
            raise os_error(errno.EMSGSIZE)
        if self.charged >= self.capacity:
            return None
        self.charged += message_charge(len(data))
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
            self.raise_error()
            return (b"", ()) if self.ended or self.peer is None else None
        data, rights = self._messages[0]
        if peek:
            for each in rights:
                each.retain()
            return data, rights
        self._messages.popleft()
        self._size -= len(data)
        if self.peer is not None:
            self.peer.charged -= message_charge(len(data))
            self.peer.changed()
        return data, rights

    def close(self) -> None:
        """What was not read is gone."""
        self._size += bool(self._messages)
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
