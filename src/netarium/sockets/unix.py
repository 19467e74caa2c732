"""AF_UNIX stream sockets inside one host (unix(7)): socket pairs, and names in the host's own table.

Delivery is done when the sending call returns. Names are not files: they live in a table per stack, so two hosts
never meet.
"""

from __future__ import annotations

import errno
from collections import deque
from typing import Final

from netarium.engine.events import Engine
from netarium.sockets.base import AF_UNIX, Credentials, Socket
from netarium.sockets.errno import os_error
from netarium.sockets.local import LocalStream, pair
from netarium.sockets.options import Option, buffer, flag
from netarium.sockets.readiness import HUP, IN, OUT
from netarium.stack.stack import Stack

_SOL_SOCKET: Final = 1


class UnixSocket(Socket):
    """A UNIX stream socket of one program."""

    __slots__ = ("_backlog", "_path", "_peer_path", "_queue", "_table", "stream")

    def __init__(
        self,
        credentials: Credentials,
        stack: Stack,
        engine: Engine,
        kind: int,
        protocol: int,
        stream: LocalStream | None = None,
    ) -> None:
        super().__init__(credentials, stack, engine, AF_UNIX, kind, protocol)
        self.stream = stream
        self._path = ""
        self._peer_path = ""
        self._queue: deque[UnixSocket] | None = None
        self._backlog = 0
        if stream is not None:
            stream.waiters.append(self.changed)

    @property
    def restful(self) -> bool:
        """Listening is rest."""
        return self._queue is not None

    def bind(self, path: str) -> None:
        """Take a name."""
        if self._path:
            raise os_error(errno.EINVAL)
        names = self.credentials.local_names
        if path in names:
            raise os_error(errno.EADDRINUSE)
        self._path = path
        names[path] = self

    def listen(self, backlog: int) -> None:
        """Welcome connections."""
        if not self._path:
            raise os_error(errno.EINVAL)
        self._backlog = max(backlog, 0)
        if self._queue is None:
            self._queue = deque()

    def connect(self, path: str) -> bool:
        """Connect to a listening name; ECONNREFUSED, ENOENT, EAGAIN when its queue is full."""
        if self.stream is not None:
            raise os_error(errno.EISCONN)
        listener = self.credentials.local_names.get(path)
        if listener is None:
            raise os_error(errno.ENOENT)
        if listener._queue is None:
            raise os_error(errno.ECONNREFUSED)
        if len(listener._queue) > listener._backlog:
            raise os_error(errno.EAGAIN)
        mine, theirs = pair()
        self._adopt(mine, path)
        accepted = UnixSocket(listener.credentials, self.stack, self.engine, self.type, self.protocol, theirs)
        accepted._path, accepted._peer_path = path, self._path
        listener._queue.append(accepted)
        listener.changed()
        return True

    def _adopt(self, stream: LocalStream, peer_path: str) -> None:
        self.stream = stream
        self._peer_path = peer_path
        stream.waiters.append(self.changed)

    def accept(self) -> UnixSocket | None:
        """The next connection."""
        if self._queue is None:
            raise os_error(errno.EINVAL)
        return self._queue.popleft() if self._queue else None

    def name(self) -> str:
        """The own name; empty without one."""
        return self._path

    def peer_name(self) -> str:
        """The peer's name."""
        if self.stream is None:
            raise os_error(errno.ENOTCONN)
        return self._peer_path

    def send(self, data: bytes | memoryview) -> int | None:
        """The count taken."""
        if self.stream is None:
            raise os_error(errno.ENOTCONN)
        return self.stream.send(bytes(data))

    def receive(self, count: int, peek: int = 0) -> bytes | None:
        """Up to `count` bytes."""
        if self.stream is None:
            raise os_error(errno.EINVAL)
        return self.stream.receive(count, bool(peek))

    def receive_from(self, count: int, peek: int = 0) -> tuple[bytes, object] | None:
        """As receive."""
        data = self.receive(count, peek)
        return None if data is None else (data, None)

    def shutdown(self, receive: bool, send: bool) -> None:
        """End one or both directions."""
        if self.stream is None:
            raise os_error(errno.ENOTCONN)
        self.stream.shutdown(receive, send)

    def close(self) -> None:
        """The peer reads the end; those who wait to be accepted are refused."""
        names = self.credentials.local_names
        if names.get(self._path) is self:
            del names[self._path]
        for waiting in self._queue or ():
            waiting.close()
        if self.stream is not None:
            self.stream.close()

    def readiness(self) -> int:
        """The mask."""
        if self._queue is not None:
            return IN if self._queue else 0
        return self.stream.readiness() if self.stream is not None else OUT | HUP

    def settings_changed(self) -> None:
        """Nothing below follows the options."""

    def describe(self, call: str = "") -> str:
        """The name, or that it is a pair."""
        name = self._peer_path or self._path
        return f"{name!r}" if name else "a local socket pair"

    options: Final = {  # type: ignore[misc]
        (_SOL_SOCKET, 3): Option(lambda sock: sock.type),
        (_SOL_SOCKET, 4): Option(lambda sock: 0),
        (_SOL_SOCKET, 39): Option(lambda sock: sock.family),
        (_SOL_SOCKET, 38): Option(lambda sock: sock.protocol),
        (_SOL_SOCKET, 2): flag("reuse_address"),
        (_SOL_SOCKET, 7): buffer("send_buffer_bytes", 4608),
        (_SOL_SOCKET, 8): buffer("receive_buffer_bytes", 2304),
    }
