"""Which client puts which file: one that comes back after a silent break ends what is left of its own transfer.

When a line dies without a word the server learns it by the stall at the earliest, and until then the file is held. The
client, which gave up before, would be refused as "busy" by its own past.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator

from netarium.apps.files.channel import Channel

LET_GO_SECONDS = 5.0


class UnderWay:
    """The puts of one server by name. Safe in threads."""

    def __init__(self) -> None:
        self._puts: dict[str, _Put] = {}
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def put(self, name: str, client: str, channel: Channel) -> Iterator[None]:
        """A put by this client (a secret of its own; "" is nobody). An older one of the same file by it is ended."""
        with self._lock:
            before = self._puts.get(name)
        if before is not None and client and before.client == client:
            before.end()
        ours = _Put(client, channel)
        with self._lock:
            self._puts.setdefault(name, ours)
        try:
            yield
        finally:
            with self._lock:
                if self._puts.get(name) is ours:
                    del self._puts[name]
            ours.over.set()


class _Put:
    def __init__(self, client: str, channel: Channel) -> None:
        self.client, self._channel = client, channel
        self.over = threading.Event()

    def end(self) -> None:
        """End its connection, and wait until its thread has let the file go."""
        with contextlib.suppress(OSError):
            self._channel.socket.shutdown(socket.SHUT_RDWR)
        self.over.wait(LET_GO_SECONDS)
