"""TLS with the stock `ssl` module on virtual sockets: `SSLContext._wrap_socket` is replaced, `SSLSocket` stays.

OpenSSL works on two memory BIOs; this object moves their bytes over the virtual socket. Inbound, one TLS record at a
time (5 bytes of header, then the body, RFC 8446 5.1), so that what OpenSSL has not asked for stays in the socket, where
select sees it. Outbound, whatever OpenSSL has written is flushed before anything else happens, errors included.
asyncio drives BIOs itself and needs nothing of this. TLS contents come from OpenSSL's own randomness.
"""

from __future__ import annotations

import ssl as real
from collections.abc import Callable
from typing import Any

from netarium.programs.shims.dispatch import method_dispatcher
from netarium.programs.shims.socket import SimSocket
from netarium.programs.streams import current_task
from netarium.programs.task import Task

RECORD_HEADER_BYTES = 5
RECORD_BYTES_MAX = 16_384
"""RFC 8446 5.1: the largest plaintext of a record."""

_real_wrap = real.SSLContext._wrap_socket  # type: ignore[attr-defined]


class TlsConnection:
    """What an `SSLSocket` has as `_sslobj`: the interface of `_ssl._SSLSocket` over a virtual socket."""

    def __init__(
        self, context: Any, sock: Any, server_side: bool, hostname: Any, owner: Any, session: Any
    ) -> None:
        self._incoming = real.MemoryBIO()
        self._outgoing = real.MemoryBIO()
        self._object = context._wrap_bio(
            self._incoming, self._outgoing, server_side=server_side, server_hostname=hostname, owner=owner,
            session=session,
        )  # fmt: skip
        self._sock = sock
        self._header = b""
        self._body_left = 0
        self._unsent = b""
        self._flushing = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._object, name)

    @property
    def context(self) -> Any:
        """The SSLContext; a server name callback may change it."""
        return self._object.context

    @context.setter
    def context(self, value: Any) -> None:
        self._object.context = value

    @property
    def session(self) -> Any:
        """The TLS session."""
        return self._object.session

    @session.setter
    def session(self, value: Any) -> None:
        self._object.session = value

    def read(self, length: int = 1024, buffer: Any = None) -> Any:
        """Decrypted bytes, or their count when there is a buffer."""
        if buffer is None:
            return self._drive("read", lambda: self._object.read(length))
        return self._drive("read", lambda: self._object.read(length, buffer))

    def write(self, data: Any) -> int:
        """Encrypt and send all of it, as SSL_write does; a socket that does not wait takes one record's worth."""
        left = memoryview(data).cast("B")
        total: int = 0
        while True:
            piece = left[:RECORD_BYTES_MAX]
            count: int = self._drive("write", lambda: self._object.write(piece))  # noqa: B023
            total += count
            left = left[count:]
            if not left or self._sock.gettimeout() == 0:
                return total

    def do_handshake(self) -> None:
        """The TLS handshake."""
        self._drive("handshake", self._object.do_handshake)

    def shutdown(self) -> Any:
        """Send close_notify and wait for the peer's; the plain socket."""
        self._drive("shutdown", self._object.shutdown)
        return self._sock

    def verify_client_post_handshake(self) -> Any:
        """Ask the client for a certificate (TLS 1.3)."""
        return self._drive("write", self._object.verify_client_post_handshake)

    def _drive(self, what: str, step: Callable[[], Any]) -> Any:
        """Let OpenSSL do a step, as often as it wants bytes first."""
        if self._unsent:
            self._send(what)
        while True:
            try:
                result = step()
            except real.SSLWantReadError:
                self._flush(what)
                self._feed(what)
            except real.SSLWantWriteError:
                self._flush(what)
            except BaseException:
                self._flush_quietly()
                raise
            else:
                self._flush(what)
                return result

    def _feed(self, what: str) -> None:
        """Hand OpenSSL the rest of the header, or of the body, of one record; or the end."""
        wanted = self._body_left or RECORD_HEADER_BYTES - len(self._header)
        try:
            data = SimSocket.recv(self._sock, wanted)
        except BlockingIOError:
            raise real.SSLWantReadError(
                real.SSL_ERROR_WANT_READ, "The operation did not complete (read)"
            ) from None
        except TimeoutError:
            raise TimeoutError(f"The {what} operation timed out") from None
        if not data:
            self._incoming.write_eof()
            return
        self._incoming.write(data)
        if self._body_left:
            self._body_left -= len(data)
            return
        self._header += data
        if len(self._header) == RECORD_HEADER_BYTES:
            self._body_left = int.from_bytes(self._header[3:], "big")
            self._header = b""

    def _flush(self, what: str) -> None:
        data = self._outgoing.read()
        if data:
            self._unsent += data
        if self._unsent:
            try:
                self._send(what)
            except real.SSLWantWriteError:
                # The plaintext has been taken, so its record must go out by itself when there is room.
                self._send_later()

    def _flush_quietly(self) -> None:
        """An alert is sent if it can be; the error that made it is what counts."""
        try:
            self._flush("write")
        except OSError:
            pass

    def _send(self, what: str) -> None:
        try:
            while self._unsent:
                count = SimSocket.send(self._sock, self._unsent)
                self._unsent = self._unsent[count:]
        except BlockingIOError:
            raise real.SSLWantWriteError(
                real.SSL_ERROR_WANT_WRITE, "The operation did not complete (write)"
            ) from None
        except TimeoutError:
            raise TimeoutError(f"The {what} operation timed out") from None

    def _send_later(self) -> None:
        """A task of its own sends the rest of a record while the program does other things."""
        task = current_task()
        if self._flushing or task is None:
            return
        self._flushing = True
        core = self._sock._core
        process = task.process

        def flush() -> None:
            own = holder[0]
            try:
                while self._unsent and not core.closed and not process.ended:
                    count = core.send(self._unsent)
                    if count is not None:
                        self._unsent = self._unsent[count:]
                        continue
                    core.waiters.append(own.wake)
                    try:
                        own.scheduler.park(own, "send", core)
                    finally:
                        core.waiters.remove(own.wake)
            except OSError:
                self._unsent = b""
            finally:
                self._flushing = False

        holder = [task.scheduler.spawn(process, lambda: process.run_task(holder[0], flush), "TLS record")]


def wrap_socket(
    task: Task,
    context: Any,
    sock: Any,
    server_side: bool,
    hostname: Any = None,
    *,
    owner: Any = None,
    session: Any = None,
) -> Any:
    """The virtual SSLContext._wrap_socket."""
    if not isinstance(sock, SimSocket):
        return _real_wrap(context, sock, server_side, hostname, owner=owner, session=session)
    return TlsConnection(context, sock, server_side, hostname, owner, session)


def install() -> None:
    """Called when the first twin of an SSLSocket is made."""
    real.SSLContext._wrap_socket = method_dispatcher(_real_wrap, wrap_socket)  # type: ignore[attr-defined]
