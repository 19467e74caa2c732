"""A file's bytes on the way out: chunks of a 4-byte length and so many bytes, so that data may end early with a reason.

A length of 0 ends them before the file is whole; an `error` header follows. What had been promised and is not there any
more is filled up with zeros first, and the `offset` of the error tells up to where the bytes were the file's.
"""

from __future__ import annotations

import errno
import os
import socket
import time
from typing import TYPE_CHECKING, Any

from netarium.apps.files.channel import Channel
from netarium.apps.files.digest import BLOCK_BYTES, FileHasher
from netarium.apps.files.pace import Pace
from netarium.apps.files.protocol import Broken, FileHeader, NoDigest, Refused
from netarium.apps.framing import LENGTH

if TYPE_CHECKING:
    from netarium.apps.files.transfer import Options

CHUNK_BYTES_FIRST, CHUNK_BYTES_MAX = 256 << 10, 8 << 20
FAST_SECONDS = 0.05
_UNREADABLE = (errno.EIO, errno.ESTALE, errno.EINVAL, errno.EISDIR)
_MORE = getattr(socket, "MSG_MORE", 0)


class _Sizes:
    """How large the next chunk is: larger while they go fast, small on a slow line, a second's worth under a limit."""

    def __init__(self, rate: int) -> None:
        self._most = min(CHUNK_BYTES_MAX, rate) if rate else CHUNK_BYTES_MAX
        self._size = CHUNK_BYTES_FIRST
        self._begun = 0.0

    def next(self, left: int) -> int:
        now = time.monotonic()
        if self._begun:
            fast = now - self._begun < FAST_SECONDS
            self._size = min(self._size * 2, CHUNK_BYTES_MAX) if fast else CHUNK_BYTES_FIRST
        self._begun = now
        return min(self._size, self._most, left)


def send_by_kernel(
    channel: Channel, handle: int, offset: int, header: FileHeader, digest: Any, options: Options
) -> str:
    """sendfile: the bytes never come up here; a thread hashes them from the file meanwhile. The digest."""
    pace, sizes = Pace(options.rate), _Sizes(options.rate)
    with FileHasher(digest or NoDigest(), handle, offset, header.size) as hasher:
        while offset < header.size:
            end = offset + sizes.next(header.size - offset)
            channel.heed()
            channel.send_bytes(memoryview(LENGTH.pack(end - offset)), _MORE)
            while offset < end:
                count = _sendfile(channel, handle, header, offset, pace.step(end - offset), end)
                offset += count
                options.moved(count)
                pace.moved(count)
        return hasher.finish(channel.wait)


def _sendfile(channel: Channel, handle: int, header: FileHeader, offset: int, count: int, end: int) -> int:
    """Some bytes from `offset`, at most `count` of the chunk that ends at `end`; how many."""
    while True:
        try:
            sent = os.sendfile(channel.socket.fileno(), handle, offset, count)
        except BlockingIOError:
            channel.await_room()
            continue
        except OSError as error:
            if error.errno in _UNREADABLE:
                _end_early(channel, header, offset, end, error)
            while channel.speaks():
                channel.hear()
            raise Broken(f"the connection broke: {error}") from None
        if not sent:
            _end_early(channel, header, offset, end, None)
        return sent


def send_blocks(
    channel: Channel, handle: int, offset: int, header: FileHeader, digest: Any, options: Options
) -> str:
    """Read and send, for TLS; the thread hashes the same bytes meanwhile. The digest."""
    pace, block = Pace(options.rate), memoryview(bytearray(LENGTH.size + BLOCK_BYTES))
    with FileHasher(digest or NoDigest(), handle, offset, header.size) as hasher:
        while offset < header.size:
            wanted = pace.step(min(BLOCK_BYTES, header.size - offset))
            try:
                count = os.preadv(handle, [block[LENGTH.size :][:wanted]], offset)
            except OSError as error:
                _end_early(channel, header, offset, offset, error)
            if not count:
                _end_early(channel, header, offset, offset, None)
            LENGTH.pack_into(block, 0, count)
            channel.heed()
            channel.send_bytes(block[: LENGTH.size + count])
            offset += count
            options.moved(count)
            pace.moved(count)
        return hasher.finish(channel.wait)


def _end_early(channel: Channel, header: FileHeader, offset: int, end: int, error: OSError | None) -> None:
    """Bring the chunk to its end with zeros, end the data, and raise Refused, which the caller tells the peer."""
    zeros = memoryview(bytes(min(end - offset, 1 << 16)))
    for start in range(offset, end, 1 << 16):
        channel.send_bytes(zeros[: end - start])
    if end < header.size:  # else the data are over, and a header is what comes next anyway
        channel.send_bytes(memoryview(LENGTH.pack(0)))
    if error is None:
        raise Refused(f"{header.name} has become shorter while it was sent", "changed", offset)
    raise Refused(f"{header.name} cannot be read: {(error.strerror or str(error)).lower()}", "disk", offset)
