"""AF_UNIX inside one host (unix(7)): what all its sockets have, and those with connections, stream and seqpacket.

Delivery is done when the sending call returns. A name is (what the program wrote, its key in the host's table): a path
as bytes and the same made absolute, or an abstract name twice.
"""

from __future__ import annotations

import errno
import struct
from collections import deque
from typing import Any, Final

from netarium.engine.events import Engine
from netarium.sockets import unix_names
from netarium.sockets.base import AF_UNIX, SOCK_SEQPACKET, Credentials, Socket
from netarium.sockets.errno import os_error
from netarium.sockets.local import LocalStream, Rights, pair
from netarium.sockets.options import SO_RCVLOWAT, Option, buffer, flag, general, low_water
from netarium.sockets.readiness import HUP, IN, OUT, RDHUP, RDNORM, WRBAND, WRNORM
from netarium.stack.stack import Stack

SOL_SOCKET: Final = 1
SCM_RIGHTS: Final = 1
SCM_CREDENTIALS: Final = 2
RIGHTS_MAX: Final = 253
"""Linux SCM_MAX_FD."""
_UCRED: Final = struct.Struct("3i")


def identity(credentials: Credentials) -> bytes:
    """struct ucred of a process: pid, uid, gid."""
    return _UCRED.pack(credentials.pid, credentials.users[1], credentials.groups[1])


def _peer_identity(sock: Any) -> bytes:
    return bytes(sock.peer_identity or _UCRED.pack(0, -1, -1))


UNIX_OPTIONS: Final = {
    **general(),
    (SOL_SOCKET, SO_RCVLOWAT): low_water(),
    (SOL_SOCKET, 30): Option(lambda sock: int(sock.restful)),
    (SOL_SOCKET, 38): Option(lambda sock: sock.protocol),
    (SOL_SOCKET, 7): buffer("send_buffer_bytes", 4608, lambda sock: sock.settings_changed()),
    (SOL_SOCKET, 8): buffer("receive_buffer_bytes", 2304),
    (SOL_SOCKET, 16): flag("pass_credentials"),
    (SOL_SOCKET, 17): Option(_peer_identity),
}


class UnixBase(Socket):
    """What all AF_UNIX sockets have: a name, and ancillary data."""

    __slots__ = ("key", "path", "peer_identity")

    options = UNIX_OPTIONS

    def __init__(
        self, credentials: Credentials, stack: Stack, engine: Engine, kind: int, protocol: int
    ) -> None:
        super().__init__(credentials, stack, engine, AF_UNIX, kind, protocol)
        self.path = b""
        self.key = b""
        self.peer_identity = b""
        """struct ucred of whom it is connected to (SO_PEERCRED)."""

    def bind(self, path: bytes, key: bytes) -> None:
        """Take a name; b"" for one of the kernel's choice."""
        if self.path:
            if path:
                raise os_error(errno.EINVAL)
            return
        uid = self.credentials.users[1]
        self.key = unix_names.claim(self.credentials.local_names, key, self, uid)
        self.path = path or unix_names.ABSTRACT + self.key[2:]

    def name(self) -> bytes:
        """The own name; empty without one."""
        return self.path

    def receive_message(self, count: int, peek: int = 0) -> tuple[bytes, Any, bool] | None:
        """Without ancillary data: what came along is let go."""
        found = self.receive_ancillary(count, peek)
        if found is None:
            return None
        told: list[Any] = found[3]
        for level, kind, content in told:
            if (level, kind) == (SOL_SOCKET, SCM_RIGHTS):
                for each in content:
                    each.release()
        return found[:3]

    def read_ancillary(self, given: Any) -> Rights:
        """What sendmsg was given: the objects to pass. EINVAL for what is unknown, EPERM for others' credentials."""
        rights: Rights = ()
        for level, kind, content in given:
            if level == SOL_SOCKET and kind == SCM_RIGHTS:
                rights += content
            elif level == SOL_SOCKET and kind == SCM_CREDENTIALS and len(content) == _UCRED.size:
                if content != identity(self.credentials) and not self.credentials.root:
                    raise os_error(errno.EPERM)
            elif level == SOL_SOCKET:
                raise os_error(errno.EINVAL)
        if len(rights) > RIGHTS_MAX:
            raise os_error(errno.EINVAL)
        return rights

    def told(self, rights: Rights, sender: bytes) -> list[tuple[int, int, Any]]:
        """Ancillary data of a message: its objects, and with SO_PASSCRED who sent it."""
        found: list[tuple[int, int, Any]] = []
        if self.settings.pass_credentials:
            found.append((SOL_SOCKET, SCM_CREDENTIALS, sender or _UCRED.pack(0, 65534, 65534)))
        if rights:
            found.append((SOL_SOCKET, SCM_RIGHTS, rights))
        return found

    def settings_changed(self) -> None:
        """Nothing below follows the options."""


class UnixSocket(UnixBase):
    """A UNIX socket with a connection: SOCK_STREAM or SOCK_SEQPACKET."""

    __slots__ = ("_backlog", "_peer_path", "_queue", "_shut_receive", "_shut_send", "stream")

    def __init__(
        self,
        credentials: Credentials,
        stack: Stack,
        engine: Engine,
        kind: int,
        protocol: int,
        stream: LocalStream | None = None,
    ) -> None:
        super().__init__(credentials, stack, engine, kind, protocol)
        self.stream = stream
        self._peer_path = b""
        self._queue: deque[UnixSocket] | None = None
        self._backlog = 0
        self._shut_receive = self._shut_send = False
        """What was shut down before there was a connection."""
        if stream is not None:
            stream.waiters.append(self.changed)
            self.peer_identity = identity(credentials)

    @property
    def restful(self) -> bool:
        """Listening is rest."""
        return self._queue is not None

    def listen(self, backlog: int) -> None:
        """Welcome connections."""
        if not self.path:
            raise os_error(errno.EINVAL)
        self._backlog = max(backlog, 0)
        if self._queue is None:
            self._queue = deque()

    def connect(self, path: bytes, key: bytes) -> bool:
        """Connect to a listening name; ECONNREFUSED, ENOENT, EPROTOTYPE, EAGAIN when its queue is full."""
        if self.stream is not None:
            raise os_error(errno.EISCONN)
        if not key:
            raise os_error(errno.EINVAL)
        listener = unix_names.find(self.credentials.local_names, key, self.type)
        if listener.type != self.type:
            raise os_error(errno.EPROTOTYPE)
        if listener._queue is None:
            raise os_error(errno.ECONNREFUSED)
        if len(listener._queue) > listener._backlog:
            if self.nonblocking:
                raise os_error(errno.EAGAIN)
            listener.waiters.append(self._room_at(listener, path, key))
            return False
        mine, theirs = pair(self.type == SOCK_SEQPACKET)
        self._adopt(mine, path)
        self.peer_identity = identity(listener.credentials)
        accepted = UnixSocket(listener.credentials, self.stack, self.engine, self.type, self.protocol, theirs)
        accepted.path, accepted._peer_path = listener.path, self.path
        accepted.peer_identity = identity(self.credentials)
        listener._queue.append(accepted)
        listener.changed()
        return True

    def _room_at(self, listener: UnixSocket, path: bytes, key: bytes) -> Any:
        """A waiter of a full listener: connects when there is room, once."""

        def again() -> None:
            listener.waiters.remove(again)
            try:
                if not self.closed and self.stream is None and not self.connect(path, key):
                    return
            except OSError as failure:
                self.error = failure.errno or 0
            self.changed()

        return again

    def connected(self) -> bool | None:
        """True when it is connected, None while the listener's queue is full."""
        if self.error:
            self.raise_error()
        return True if self.stream is not None else None

    def _adopt(self, stream: LocalStream, peer_path: bytes) -> None:
        self.stream = stream
        self._peer_path = peer_path
        stream.ended, stream.send_shut = self._shut_receive, self._shut_send
        stream.capacity = self.settings.send_buffer_bytes
        stream.waiters.append(self.changed)

    def accept(self) -> UnixSocket | None:
        """The next connection."""
        if self._queue is None:
            raise os_error(errno.EINVAL)
        if not self._queue:
            return None
        found = self._queue.popleft()
        self.changed()
        return found

    def peer_name(self) -> bytes:
        """The peer's name."""
        if self.stream is None:
            raise os_error(errno.ENOTCONN)
        return self._peer_path

    def send(self, data: bytes | memoryview) -> int | None:
        """The count taken."""
        if self.stream is None:
            raise os_error(errno.ENOTCONN)
        return self.stream.send(bytes(data))

    def send_to(self, data: bytes, *address: Any) -> int | None:
        """EISCONN, or EOPNOTSUPP without a connection: a stream has one peer."""
        if self.type == SOCK_SEQPACKET:
            return self.send(data)
        raise os_error(errno.EISCONN if self.stream is not None else errno.EOPNOTSUPP)

    def send_message(self, data: bytes, given: Any, *address: Any) -> int | None:
        """Send with ancillary data."""
        if self.stream is None:
            raise os_error(errno.ENOTCONN)
        rights = self.read_ancillary(given)
        return self.stream.send(data, rights)

    def receive(self, count: int, peek: int = 0) -> bytes | None:
        """Up to `count` bytes, or one message."""
        if self.stream is None:
            raise os_error(errno.EINVAL if self.type != SOCK_SEQPACKET else errno.ENOTCONN)
        return self.stream.receive(count, bool(peek))

    def receive_from(self, count: int, peek: int = 0) -> tuple[bytes, object] | None:
        """As receive, and the peer's name if it has one."""
        data = self.receive(count, peek)
        return None if data is None else (data, self._peer_path or None)

    def receive_ancillary(self, count: int, peek: int = 0) -> tuple[bytes, Any, bool, list[Any]] | None:
        """(bytes, the peer's name, whether the message was longer, ancillary data)."""
        if self.stream is None:
            raise os_error(errno.EINVAL if self.type != SOCK_SEQPACKET else errno.ENOTCONN)
        found = self.stream.receive_message(count, bool(peek))
        if found is None:
            return None
        data, rights = found
        told = self.told(rights, self.peer_identity) if data or rights else []
        return data[:count], self._peer_path or None, len(data) > count, told

    def shutdown(self, receive: bool, send: bool) -> None:
        """End one or both directions."""
        if self._queue is not None and receive:
            self._refuse_waiting()
        elif self.stream is not None:
            self.stream.shutdown(receive, send)
        elif self._queue is None:
            self._shut_receive = self._shut_receive or receive
            self._shut_send = self._shut_send or send
            self.changed()

    def settings_changed(self) -> None:
        """SO_SNDBUF is the stream's."""
        if self.stream is not None:
            self.stream.capacity = self.settings.send_buffer_bytes

    def take_error(self) -> int:
        """SO_ERROR: the connection's too."""
        number = super().take_error()
        if not number and self.stream is not None:
            number, self.stream.error = self.stream.error, 0
        return number

    def _refuse_waiting(self) -> None:
        waiting, self._queue = self._queue, None
        for each in waiting or ():
            each.close()
        self.changed()

    def close(self) -> None:
        """The peer reads the end; those who wait to be accepted are refused."""
        unix_names.give_back(self.credentials.local_names, self.key, self)
        self._refuse_waiting()
        if self.stream is not None:
            self.stream.close()

    def readiness(self) -> int:
        """The mask."""
        if self._queue is not None:
            return IN | RDNORM if self._queue else 0
        if self.stream is not None:
            return self.stream.readiness()
        return HUP | OUT | WRNORM | WRBAND | (IN | RDNORM | RDHUP if self._shut_receive else 0)

    def describe(self, call: str = "") -> str:
        """The name, or that it is a pair."""
        name = self._peer_path or self.path
        return f"{name.decode('utf-8', 'backslashreplace')!r}" if name else "a local socket pair"


__all__ = ["UnixBase", "UnixSocket", "identity"]
