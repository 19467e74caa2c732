"""AF_UNIX datagrams (unix(7)): reliable, in order, and a sender waits while the receiver's queue is full.

Read first: Linux unix_dgram_sendmsg, unix_dgram_connect, unix_dgram_poll, whose errors and masks these are.
"""

from __future__ import annotations

import errno
from collections import deque
from typing import Any, Final

from netarium.engine.events import Engine
from netarium.sockets import unix_names
from netarium.sockets.base import SOCK_DGRAM, WAITS_AT_REST, Credentials
from netarium.sockets.errno import os_error
from netarium.sockets.local import Rights
from netarium.sockets.local_memory import has_room, message_charge
from netarium.sockets.readiness import HUP, IN, OUT, RDHUP, RDNORM, WRBAND, WRNORM
from netarium.sockets.unix import UnixBase, identity
from netarium.stack.stack import Stack

QUEUE_MAX: Final = 10
"""Linux net.unix.max_dgram_qlen: a sender waits when more than this many are queued."""
OVERHEAD_BYTES: Final = 32


class UnixDatagramSocket(UnixBase):
    """A UNIX datagram socket of one program."""

    __slots__ = ("_charged", "_queue", "_shut_receive", "_shut_send", "_wanting", "peer")

    def __init__(self, credentials: Credentials, stack: Stack, engine: Engine, protocol: int = 0) -> None:
        super().__init__(credentials, stack, engine, SOCK_DGRAM, protocol)
        self.peer: UnixDatagramSocket | None = None
        self._queue: deque[tuple[bytes, bytes, Rights, bytes, UnixDatagramSocket]] = deque()
        """(data, the sender's name, what came with it, who sent it, by which socket)."""
        self._charged = 0
        """What it has sent and nobody has read, in bytes of memory."""
        self._wanting: list[UnixDatagramSocket] = []
        """Senders that found the queue full."""
        self._shut_receive = self._shut_send = False

    @property
    def restful(self) -> bool:
        """Waiting where the program has bound a name is a server's rest."""
        return self.waiting_kind == WAITS_AT_REST

    def bind(self, path: bytes, key: bytes) -> None:
        """Take a name."""
        super().bind(path, key)
        self.waiting_kind = WAITS_AT_REST

    def connect(self, path: bytes, key: bytes) -> bool:
        """Fix the peer."""
        peer = self._find(key)
        self.peer = peer
        self.peer_identity = identity(peer.credentials)
        return True

    def _find(self, key: bytes) -> UnixDatagramSocket:
        if not key:
            raise os_error(errno.EINVAL)
        found = unix_names.find(self.credentials.local_names, key, self.type)
        if not isinstance(found, UnixDatagramSocket):
            raise os_error(errno.EPROTOTYPE)
        if found.peer is not None and found.peer is not self:
            raise os_error(errno.EPERM)
        return found

    def peer_name(self) -> bytes:
        """The fixed peer's name; ENOTCONN without a peer."""
        if self.peer is None:
            raise os_error(errno.ENOTCONN)
        return self.peer.path

    def send(self, data: bytes | memoryview) -> int | None:
        """One datagram to the fixed peer."""
        return self.send_message(bytes(data), ())

    def send_to(self, data: bytes, *address: Any) -> int | None:
        """One datagram to a name."""
        return self.send_message(data, (), *address)

    def send_message(self, data: bytes, given: Any, *address: Any) -> int | None:
        """One datagram with ancillary data; None while the receiver's queue is full."""
        rights = self.read_ancillary(given)
        if self._shut_send:
            raise os_error(errno.EPIPE)
        receiver = self._find(address[1]) if address else self.peer
        if receiver is None:
            raise os_error(errno.ENOTCONN)
        if receiver.closed:
            self.peer = None if receiver is self.peer else self.peer
            raise os_error(errno.ECONNREFUSED)
        if receiver._shut_receive:
            raise os_error(errno.EPIPE)
        if len(data) > self.settings.send_buffer_bytes - OVERHEAD_BYTES:
            raise os_error(errno.EMSGSIZE)
        if self._charged >= self.settings.send_buffer_bytes:
            return None
        if receiver.peer is not self and len(receiver._queue) > QUEUE_MAX:
            if self not in receiver._wanting:
                receiver._wanting.append(self)
            return None
        self._charged += message_charge(len(data))
        for each in rights:
            each.retain()
        receiver._queue.append((data, self.path, rights, identity(self.credentials), self))
        receiver.changed()
        return len(data)

    def receive(self, count: int, peek: int = 0) -> bytes | None:
        """One datagram, cut to `count` bytes."""
        found = self.receive_message(count, peek)
        return None if found is None else found[0]

    def receive_from(self, count: int, peek: int = 0) -> tuple[bytes, Any] | None:
        """(one datagram, its sender's name)."""
        found = self.receive_message(count, peek)
        return None if found is None else found[:2]

    def receive_ancillary(self, count: int, peek: int = 0) -> tuple[bytes, Any, bool, list[Any]] | None:
        """(one datagram, its sender's name, whether it was longer, ancillary data)."""
        if not self._queue:
            # Linux __skb_wait_for_more_packets: only who may wait is told of the end
            return (b"", None, False, []) if self._shut_receive and not self.nonblocking else None
        data, sender, rights, who, by = self._queue[0]
        if peek:
            for each in rights:
                each.retain()
        else:
            self._queue.popleft()
            by._was_read(data)
            self._told_of_room()
        return data[:count], sender or None, len(data) > count, self.told(rights, who)

    def _was_read(self, data: bytes) -> None:
        self._charged -= message_charge(len(data))
        self.changed()

    def _told_of_room(self) -> None:
        wanting, self._wanting = self._wanting, []
        for each in wanting:
            each.changed()

    def shutdown(self, receive: bool, send: bool) -> None:
        """With or without a fixed peer."""
        self._shut_receive = self._shut_receive or receive
        self._shut_send = self._shut_send or send
        self.changed()

    def close(self) -> None:
        """Its name is free; what was not read is gone, and senders that waited are refused."""
        unix_names.give_back(self.credentials.local_names, self.key, self)
        while self._queue:
            data, _, rights, _, by = self._queue.popleft()
            by._was_read(data)
            for each in rights:
                each.release()
        self._told_of_room()

    def readiness(self) -> int:
        """The mask (unix_dgram_poll)."""
        mask = IN | RDNORM if self._queue else 0
        if self._shut_receive:
            mask |= IN | RDNORM | RDHUP | (HUP if self._shut_send else 0)
        peer = self.peer
        if not has_room(self._charged, self.settings.send_buffer_bytes):
            return mask
        if peer is None or peer.peer is self or len(peer._queue) <= QUEUE_MAX:
            mask |= OUT | WRNORM | WRBAND
        elif self not in peer._wanting:
            peer._wanting.append(self)
        return mask

    def describe(self, call: str = "") -> str:
        """Its own name or its peer's."""
        name = self.path or (b"" if self.peer is None else self.peer.path)
        return f"on {name.decode('utf-8', 'backslashreplace')!r}" if name else "a local socket pair"


def datagram_pair(
    credentials: Credentials, stack: Stack, engine: Engine
) -> tuple[UnixDatagramSocket, UnixDatagramSocket]:
    """Two that are each other's peers (socketpair)."""
    first, second = (UnixDatagramSocket(credentials, stack, engine) for _ in range(2))
    first.peer, second.peer = second, first
    first.peer_identity = second.peer_identity = identity(credentials)
    return first, second
