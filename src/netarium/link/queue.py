"""The queue before a cable: how many frames, or how many bytes, may wait until the cable is free.

There is no event when a frame leaves the queue. The cable's backlog is virtual: when a frame is sent it is
already known when its own sending will start, so a frame waits exactly as long as that start lies in the
future. The frame that is being sent does not wait and does not count, as in a NIC whose transmitter has taken
it.
"""

from __future__ import annotations

from collections import deque
from typing import Protocol

from netarium.errors import UsageError


class Queue(Protocol):
    """What a cable asks of the queue before it."""

    def admit(self, now_ns: int, start_ns: int, size_bytes: int) -> bool:
        """Whether one more frame may wait until `start_ns`. Asked only when the cable is busy (`start_ns >
        now_ns`).
        """
        ...

    def clear(self) -> None:
        """Forget all that wait."""
        ...


class FrameQueue:
    """Room for `frames_max` frames, as Linux counts with `txqueuelen`."""

    __slots__ = ("_starts", "frames_max")

    def __init__(self, frames_max: int) -> None:
        if frames_max < 0:
            raise UsageError(f"a queue of {frames_max} frames; give 0 (nothing may wait) or more")
        self.frames_max = frames_max
        self._starts: deque[int] = deque()

    def admit(self, now_ns: int, start_ns: int, size_bytes: int) -> bool:
        """Whether one more frame may wait; it does when this says so."""
        starts = self._starts
        if len(starts) >= self.frames_max:
            # Those that have started meanwhile are looked at only when it might matter.
            while starts and starts[0] <= now_ns:
                starts.popleft()
            if len(starts) >= self.frames_max:
                return False
        starts.append(start_ns)
        return True

    def clear(self) -> None:
        """Forget all that wait."""
        self._starts.clear()


class ByteQueue:
    """Room for `bytes_max` bytes of whole frames (without FCS), as Linux' bfifo."""

    __slots__ = ("_bytes", "_waiting", "bytes_max")

    def __init__(self, bytes_max: int) -> None:
        if bytes_max < 0:
            raise UsageError(f"a queue of {bytes_max} bytes; give 0 (nothing may wait) or more")
        self.bytes_max = bytes_max
        self._bytes = 0
        self._waiting: deque[tuple[int, int]] = deque()

    def admit(self, now_ns: int, start_ns: int, size_bytes: int) -> bool:
        """Whether one more frame may wait; it does when this says so."""
        waiting = self._waiting
        if self._bytes + size_bytes > self.bytes_max:
            while waiting and waiting[0][0] <= now_ns:
                self._bytes -= waiting.popleft()[1]
            if self._bytes + size_bytes > self.bytes_max:
                return False
        self._bytes += size_bytes
        waiting.append((start_ns, size_bytes))
        return True

    def clear(self) -> None:
        """Forget all that wait."""
        self._waiting.clear()
        self._bytes = 0
