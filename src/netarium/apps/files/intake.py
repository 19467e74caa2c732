"""A file's bytes from the socket to the disk: by splice where the kernel can, else by recv_into a reused buffer.

splice(2) moves pages from the socket to the file by way of a pipe, so one copy and half the system's work are
spared. Which sockets and file systems can is found by trying; a socket of a lab, TLS and other systems cannot.
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket

from netarium.apps.files.channel import Channel
from netarium.apps.files.protocol import Broken, Refused
from netarium.apps.framing import LENGTH

STEP_BYTES = 1 << 20
BATCH_BYTES = 1 << 18
BATCH_SECONDS = 0.05
_F_SETPIPE_SZ = 1031
_CANNOT = (errno.EINVAL, errno.EBADF, errno.ENOSYS, errno.EOPNOTSUPP)


class Intake:
    """Moves up to `left` bytes from a channel to a file's present place, and reads the lengths between them.

    With `batch` it is woken for 256 KiB rather than for each segment, as long as they come within 50 ms. Use it in a
    `with`: the socket must be as before for the headers that follow.
    """

    def __init__(self, channel: Channel, handle: int, left: int, batch: bool = True) -> None:
        self._channel, self._handle, self._left = channel, handle, left
        self._pipe = _open_pipe() if left > BATCH_BYTES and _may_splice(channel) else ()
        self._batched = bool(self._pipe) and batch and self._set_batch(BATCH_BYTES)
        self._buffer = memoryview(b"") if self._pipe else _buffer(left)

    def __enter__(self) -> Intake:
        return self

    def __exit__(self, *exception: object) -> None:
        self._unbatch()
        self._close_pipe()

    def take(self, wanted: int) -> int:
        """Some bytes, at most `wanted`; how many. A full disk is told, and what was written is kept for a resume."""
        count = self._splice(wanted) if self._pipe else self._copy(wanted)
        self._left -= count
        return count

    def length(self) -> int:
        """The length before the next chunk."""
        if not self._pipe:
            return self._channel.receive_length()
        data, connection = b"", self._channel.socket
        connection.settimeout(0)  # with a time-out Python would ask first whether there are 256 KiB
        while len(data) < LENGTH.size:
            try:
                piece = connection.recv(LENGTH.size - len(data))
            except BlockingIOError:
                self._await()
                continue
            except OSError as error:
                raise Broken(f"the connection broke: {error}") from None
            if not piece:
                raise Broken("the peer closed the connection in the midst of a file")
            data += piece
        return int(LENGTH.unpack(data)[0])

    def settle(self) -> None:
        """No more bytes, but headers follow."""
        self._unbatch()

    def _copy(self, wanted: int) -> int:
        count = self._channel.receive_into(self._buffer[:wanted])
        write(self._handle, self._buffer[:count])
        return count

    def _splice(self, wanted: int) -> int:
        source, target = self._channel.socket.fileno(), self._pipe[1]
        while True:
            try:
                count = os.splice(source, target, min(wanted, STEP_BYTES))
            except BlockingIOError:
                self._await()
                continue
            except OSError as error:
                if error.errno not in _CANNOT:
                    raise Broken(f"the connection broke: {error}") from None
                self._give_up()
                return self._copy(wanted)
            if not count:
                raise Broken("the peer closed the connection in the midst of a file")
            self._to_file(count)
            return count

    def _to_file(self, count: int) -> None:
        """Empty the pipe into the file."""
        while count:
            try:
                count -= os.splice(self._pipe[0], self._handle, count)
            except OSError as error:
                if error.errno not in _CANNOT:
                    raise _disk_error(error) from None
                while count:  # a file system without splice
                    data = os.read(self._pipe[0], min(count, STEP_BYTES))
                    write(self._handle, memoryview(data))
                    count -= len(data)
                self._give_up()

    def _give_up(self) -> None:
        """No more splice."""
        self._unbatch()
        self._close_pipe()
        self._buffer = _buffer(self._left)

    # Being woken seldom

    def _await(self) -> None:
        """Wait for bytes, for a good many if they come fast."""
        if self._batched:
            if self._left >= BATCH_BYTES and self._channel.await_bytes(BATCH_SECONDS):
                return
            self._unbatch()
        self._channel.await_bytes()

    def _set_batch(self, size: int) -> bool:
        try:
            self._channel.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, size)
        except OSError:
            return False
        return True

    def _unbatch(self) -> None:
        if self._batched:
            self._set_batch(1)
        self._batched = False

    def _close_pipe(self) -> None:
        for end in self._pipe:
            os.close(end)
        self._pipe = ()


def _may_splice(channel: Channel) -> bool:
    return hasattr(os, "splice") and not channel.is_tls


def _open_pipe() -> tuple[int, ...]:
    import fcntl

    try:
        ends = os.pipe()
    except OSError:
        return ()
    with contextlib.suppress(OSError):  # a user has so many pages for pipes; a small pipe is only slower
        fcntl.fcntl(ends[1], _F_SETPIPE_SZ, STEP_BYTES)
    return ends


def _buffer(left: int) -> memoryview:
    return memoryview(bytearray(max(1, min(STEP_BYTES, left))))


def write(handle: int, view: memoryview) -> None:
    """Write all of it."""
    try:
        while view:
            view = view[os.write(handle, view) :]
    except OSError as error:
        raise _disk_error(error) from None


def _disk_error(error: OSError) -> Refused:
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return Refused("the disk is full; what came is kept, so a later try goes on there", "disk-full")
    return Refused(f"writing failed: {error.strerror}", "disk")
