"""Hashing in a thread beside the transfer: hashlib lets go of the interpreter while it works.

What is hashed is read from the file, as it lies in the kernel's cache, never from the transfer's buffers. So the
transfer need not wait for the hash nor hand anything over (bytes may go by sendfile and splice, past this process),
and what is verified at the receiver is what a reader of the file will get.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from typing import Any

from netarium.apps.files.protocol import NoDigest

BLOCK_BYTES = 1 << 20
LAG_BYTES_MAX = 64 << 20
RACY_SECONDS = 2.0


def update_from_file(
    digest: Any,
    handle: int,
    start: int,
    end: int,
    pause: Callable[[], None] = lambda: None,
    block: bytearray | None = None,
) -> int:
    """Hash a file's bytes from `start` to `end`; where it really ended. `pause` is called after each `block`."""
    view = memoryview(block or bytearray(max(0, min(BLOCK_BYTES, end - start))))
    while start < end:
        count = os.preadv(handle, [view[: end - start]], start)
        if not count:
            break
        digest.update(view[:count])
        start += count
        pause()
    return start


class FileHasher:
    """Hashes a file's bytes from `start` in a thread, as far as they are there: while they are sent or received.

    `there` is how far that is at first; `reach` says how far it is later, and waits when the hash is too far behind.
    Less than a block is hashed in `finish`, without a thread. Use it in a `with`: the file may be closed after that.
    """

    def __init__(self, digest: Any, handle: int, start: int, there: int) -> None:
        self._digest, self._handle = digest, handle
        self._hashed, self._there, self._reached = start, start, there
        self._ended = self._cancelled = False
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        if not isinstance(digest, NoDigest) and there - start >= BLOCK_BYTES:
            self._there = there
            self._begin()

    def __enter__(self) -> FileHasher:
        return self

    def __exit__(self, *exception: object) -> None:
        """Stop, early if it must be."""
        self._cancelled = True
        self._end()
        if self._thread is not None:
            self._thread.join()

    def _begin(self) -> None:
        self._thread = threading.Thread(target=self._run, name="digest", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        block = bytearray(BLOCK_BYTES)
        try:
            while (end := self._awaited()) > self._hashed:
                step = min(end, self._hashed + 16 * BLOCK_BYTES)
                reached = update_from_file(self._digest, self._handle, self._hashed, step, block=block)
                with self._changed:
                    self._hashed = reached
                    self._changed.notify_all()
                if reached < step:
                    return  # the file has shrunk; the digest will not fit
        except OSError:
            return  # likewise

    def _awaited(self) -> int:
        """How far to hash now: a block at least, or all there is at the end; what is hashed already to stop."""
        with self._changed:
            while not self._ended and self._there - self._hashed < BLOCK_BYTES:
                self._changed.wait()
            return self._hashed if self._cancelled else self._there

    def reach(self, position: int) -> None:
        """The file is there up to `position`."""
        self._reached = position
        if isinstance(self._digest, NoDigest) or position - self._there < BLOCK_BYTES:
            return
        if self._thread is None:
            self._begin()
        with self._changed:
            self._there = position
            self._changed.notify_all()
            while position - self._hashed > LAG_BYTES_MAX and self._thread is not None:
                if not self._thread.is_alive():
                    return
                self._changed.wait(1.0)

    def _end(self) -> None:
        with self._changed:
            self._there, self._ended = self._reached, True
            self._changed.notify_all()

    def finish(self, pause: Callable[[], None] = lambda: None) -> str:
        """Wait until all is hashed; the digest in hex. `pause` is called now and then meanwhile."""
        self._end()
        if isinstance(self._digest, NoDigest):
            return ""
        if self._thread is None:
            update_from_file(self._digest, self._handle, self._hashed, self._reached)
        while self._thread is not None and self._thread.is_alive():
            self._thread.join(0.5)
            pause()
        return str(self._digest.hexdigest())


class DigestCache:
    """Digests of files as they were last hashed, so that a file fetched again is not hashed again by its server.

    An entry holds for one inode in one state (size, mtime, ctime). A file changed within the last two seconds is not
    entered: another change might leave no trace in its times.
    """

    def __init__(self, entries: int = 1000) -> None:
        self._entries = entries
        self._digests: dict[tuple[object, ...], str] = {}
        self._lock = threading.Lock()

    @staticmethod
    def key(handle: int, algorithm: str) -> tuple[object, ...]:
        """What a file is now."""
        status = os.fstat(handle)
        times = (status.st_mtime_ns, status.st_ctime_ns)
        return (algorithm, status.st_dev, status.st_ino, status.st_size, *times)

    def get(self, key: tuple[object, ...]) -> str:
        """The digest of a file in this state, or ""."""
        with self._lock:
            return self._digests.get(key, "")

    def put(self, key: tuple[object, ...], handle: int, digest: str) -> None:
        """Remember a digest if the file is still as it was when hashing began."""
        settled = time.time() - max(os.fstat(handle).st_mtime, os.fstat(handle).st_ctime) > RACY_SECONDS
        with self._lock:
            if digest and settled and key == self.key(handle, str(key[0])):
                if len(self._digests) >= self._entries:
                    del self._digests[next(iter(self._digests))]
                self._digests[key] = digest

    def drop(self, key: tuple[object, ...]) -> None:
        """Forget a digest that did not fit."""
        with self._lock:
            self._digests.pop(key, None)
