"""One connection: headers in and out with time-outs, and clear words for a peer that breaks the rules."""

from __future__ import annotations

import errno
import select
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from netarium.apps.files.protocol import Broken, PeerError, Refused
from netarium.apps.framing import (
    LENGTH,
    MESSAGE_BYTES_MAX,
    FramingError,
    Message,
    decode_json,
    encode,
    guess_protocol,
)
from netarium.apps.text import neutralise

STALL_SECONDS = 30.0
LINGER_SECONDS, LINGER_BYTES_MAX = 5.0, 256 << 20
WAIT_EVERY_SECONDS = 2.0
PIECE_BYTES = 1 << 16
_TLS_WANTS = (2, 3)  # ssl.SSL_ERROR_WANT_READ and _WRITE; ssl is slow to import, and seldom needed


class Channel:
    """A connected socket of the file transfer. Nothing waits longer than `stall` seconds for the peer."""

    def __init__(self, connection: socket.socket, stall: float = STALL_SECONDS) -> None:
        self.socket, self.stall = connection, stall
        connection.settimeout(stall)
        with suppress(OSError):  # headers are small and answered at once
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.is_tls = hasattr(connection, "pending")  # an SSLSocket; ssl is slow to import, and seldom needed
        self._waited = time.monotonic()
        self.client = ""  # at a server: by what name the client is known again after a break

    def close(self) -> None:
        """End the connection."""
        self.socket.close()

    def send(self, message: Message) -> None:
        """Send a header."""
        with self._broken():
            self.socket.settimeout(self.stall)
            self.socket.sendall(encode(message))

    def send_bytes(self, view: memoryview, flags: int = 0) -> None:
        """Send a piece of a file. The peer has the whole stall anew whenever it takes some, or says `wait`."""
        send = self.socket.send if self.is_tls else lambda piece: self.socket.send(piece, flags)
        while view:
            with self._broken():
                self.socket.settimeout(0)
                try:
                    view = view[send(view[:PIECE_BYTES]) :]
                    continue
                except BlockingIOError:
                    pass
                except OSError as error:
                    if not self.is_tls or error.errno not in _TLS_WANTS:
                        self._last_words(error)
            self.await_room()

    def _last_words(self, error: OSError) -> None:
        """The connection broke while we sent; the peer may have said why (PeerError)."""
        while error.errno in (errno.EPIPE, errno.ECONNRESET) and self.speaks():
            self.hear()
        raise error

    def wait(self) -> None:
        """Now and then tell a peer that waits for us that we are still at work."""
        if time.monotonic() - self._waited > WAIT_EVERY_SECONDS:
            self._waited = time.monotonic()
            self.send({"type": "wait"})

    def receive(self, patience: float = 1.0, waits: bool = True) -> Message:
        """The next header, awaited for `patience` times the stall.

        The peer's `error` is raised as PeerError, what is no header as Refused. With `waits`, each `wait` of the
        peer grants it the time anew; a peer that has not shown its token yet has no such right.
        """
        while True:
            message = self._message(time.monotonic() + self.stall * patience)
            if not waits or message.get("type") != "wait":
                return message

    def _message(self, deadline: float) -> Message:
        prefix = self._exactly(LENGTH.size, deadline)
        size = LENGTH.unpack(prefix)[0]
        if size > MESSAGE_BYTES_MAX:
            raise Refused(
                f"a header of {size} bytes; at most {MESSAGE_BYTES_MAX} ({guess_protocol(prefix)})", "header"
            )
        try:
            message = decode_json(self._exactly(size, deadline))
        except FramingError as error:
            raise Refused(str(error), "header") from None
        if message.get("type") == "error":
            offset = message.get("offset")
            raise PeerError(
                neutralise(str(message.get("text"))[:1000]),
                str(message.get("code"))[:40],
                offset if type(offset) is int else -1,
            )
        return message

    def expect(self, *kinds: str, patience: float = 1.0, waits: bool = True) -> Message:
        """The next header, which must be one of these."""
        message = self.receive(patience, waits)
        if message.get("type") not in kinds:
            raise Refused(f"{' or '.join(kinds)} was expected, not {message.get('type')!r:.40}", "header")
        return message

    def _exactly(self, count: int, deadline: float) -> bytes:
        data = bytearray(count)
        view, got = memoryview(data), 0
        with self._broken():
            while got < count:
                left = deadline - time.monotonic()
                if left <= 0:
                    raise TimeoutError
                self.socket.settimeout(left)
                piece = self.socket.recv_into(view[got:])
                if not piece:
                    raise Broken("the peer closed the connection")
                got += piece
        return bytes(data)

    def receive_length(self) -> int:
        """The length before a chunk of a file."""
        return int(LENGTH.unpack(self._exactly(LENGTH.size, time.monotonic() + self.stall))[0])

    def receive_into(self, view: memoryview) -> int:
        """Some bytes of a file into `view`; how many."""
        with self._broken():
            self.socket.settimeout(self.stall)
            count = self.socket.recv_into(view)
        if not count:
            raise Broken("the peer closed the connection in the midst of a file")
        return count

    def await_bytes(self, seconds: float | None = None) -> bool:
        """Wait until there is something to receive: for `seconds`, and whether there is; else for the stall."""
        with self._broken():
            if _select(self.socket, self.stall if seconds is None else seconds, False)[0]:
                return True
            if seconds is None:
                raise TimeoutError
        return False

    def await_room(self) -> None:
        """Wait until the socket takes more, or the peer says `wait`; it may say why it wants no more (PeerError).

        The system may take long to have room though the peer takes bytes all the time: its queues hold megabytes. So it
        is what the peer says that counts.
        """
        with self._broken():
            readable, writable, _ = _select(self.socket, self.stall)
            if readable:
                self.hear()
            if not writable and not readable:
                raise TimeoutError

    def hear(self) -> None:
        """The peer speaks while we send: `wait` (it is at work), why it stops (PeerError), or it is gone (Broken)."""
        message = self._message(time.monotonic() + self.stall)
        if message.get("type") != "wait":
            raise Refused(f"{message.get('type')!r:.40} came in the midst of a file", "header")

    def heed(self) -> None:
        """Hear all the peer has said by now."""
        while self.speaks():
            self.hear()

    def speaks(self) -> bool:
        """Whether the peer has said something, without waiting."""
        pending = getattr(self.socket, "pending", None)
        if pending is not None and pending():
            return True
        return bool(_select(self.socket, 0, False)[0])

    @contextmanager
    def _broken(self) -> Iterator[None]:
        try:
            yield
        except TimeoutError:
            raise Broken(f"the peer stalls: nothing for {self.stall:g} s") from None
        except (OSError, ValueError) as error:  # ValueError: a socket closed by another thread
            raise Broken(f"the connection broke: {error}") from None

    def fail(self, error: Refused) -> None:
        """Tell the peer why we stop; take what it still sends for a while, or a reset would overtake our words."""
        with suppress(Broken):
            told: Message = {"type": "error", "code": error.code, "text": str(error)}
            self.send(told if error.offset < 0 else {**told, "offset": error.offset})
            with self._broken():
                self.socket.shutdown(socket.SHUT_WR)
                self.socket.settimeout(LINGER_SECONDS)
                deadline, taken = time.monotonic() + LINGER_SECONDS, 0
                while time.monotonic() < deadline and taken < LINGER_BYTES_MAX:
                    data = self.socket.recv(1 << 18)
                    if not data:
                        break
                    taken += len(data)


def _select(connection: socket.socket, timeout: float, writing: bool = True) -> tuple[bool, bool, bool]:
    """Whether a socket is readable and writable; by poll where there is one, which takes descriptors over 1023."""
    if hasattr(select, "poll"):
        poll = select.poll()
        poll.register(connection, select.POLLIN | (select.POLLOUT if writing else 0))
        flags = next((flags for _, flags in poll.poll(int(timeout * 1000))), 0)
        ended = bool(flags & (select.POLLHUP | select.POLLERR))
        return bool(flags & select.POLLIN) or ended, bool(flags & select.POLLOUT) or ended, False
    readable, writable, _ = select.select([connection], [connection] if writing else [], [], timeout)
    return bool(readable), bool(writable), False
