"""Hashing in a thread beside the transfer: hashlib lets go of the interpreter while it works."""

from __future__ import annotations

import os
import queue
import threading
import time
from collections.abc import Callable
from typing import Any

BLOCK_BYTES = 1 << 20
BLOCKS = 4
RACY_SECONDS = 2.0


def update_from_file(
    digest: Any, handle: int, start: int, end: int, pause: Callable[[], None] = lambda: None
) -> int:
    """Hash a file's bytes from `start` to `end`; where it really ended. `pause` is called after each block."""
    block = bytearray(BLOCK_BYTES)
    view = memoryview(block)
    while start < end:
        count = os.preadv(handle, [view[: min(BLOCK_BYTES, end - start)]], start)
        if not count:
            break
        digest.update(view[:count])
        start += count
        pause()
    return start


class FileHasher:
    """Hashes a file's bytes in a thread, while the same bytes are sent."""

    def __init__(self, digest: Any, handle: int, start: int, end: int) -> None:
        self._digest = digest
        self._work = (handle, start, end)
        self._stop = False
        self._thread = threading.Thread(target=self._run, name="digest", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        handle, start, end = self._work
        try:
            while start < end and not self._stop:
                step = min(end, start + 16 * BLOCK_BYTES)
                reached = update_from_file(self._digest, handle, start, step)
                if reached < step:
                    return  # the file has shrunk; the digest will not fit
                start = step
        except OSError:
            return  # likewise

    def finish(self) -> str:
        """Wait for the end; the digest in hex."""
        self._thread.join()
        return str(self._digest.hexdigest())

    def cancel(self) -> None:
        """Stop early; the file may be closed after this."""
        self._stop = True
        self._thread.join()


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


class BufferHasher:
    """A ring of buffers: the transfer fills one while the thread hashes those filled before."""

    def __init__(self, digest: Any, wanted: bool = True) -> None:
        self._digest, self._wanted = digest, wanted
        self._free: queue.SimpleQueue[bytearray] = queue.SimpleQueue()
        self._full: queue.SimpleQueue[tuple[bytearray, int] | None] = queue.SimpleQueue()
        for _ in range(BLOCKS if wanted else 1):
            self._free.put(bytearray(BLOCK_BYTES))
        self._thread: threading.Thread | None = None
        if wanted:
            self._thread = threading.Thread(target=self._run, name="digest", daemon=True)
            self._thread.start()

    def take(self) -> bytearray:
        """A buffer to fill; waits when all are still being hashed."""
        return self._free.get()

    def give(self, buffer: bytearray, count: int) -> None:
        """Hand over the first `count` bytes of a buffer to be hashed."""
        if self._wanted:
            self._full.put((buffer, count))
        else:
            self._free.put(buffer)

    def _run(self) -> None:
        while (item := self._full.get()) is not None:
            buffer, count = item
            self._digest.update(memoryview(buffer)[:count])
            self._free.put(buffer)

    def finish(self) -> str:
        """Wait until all is hashed; the digest in hex."""
        if self._thread is not None:
            self._full.put(None)
            self._thread.join()
            self._thread = None
        return str(self._digest.hexdigest())
