"""put, get and ls: one connection for all files of a command, and a new one, with resume, when it breaks."""

from __future__ import annotations

import os
import secrets
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from netarium.apps.files.channel import Channel
from netarium.apps.files.folder import Entry, Folder
from netarium.apps.files.protocol import (
    PROTOCOL,
    TRANSIENT,
    VERSION,
    Broken,
    FileHeader,
    PeerError,
    Refused,
    number,
    split_name,
)
from netarium.apps.files.transfer import Options, receive_file, send_file
from netarium.apps.framing import Message
from netarium.apps.security import Pins, client_context, fingerprint
from netarium.apps.text import neutralise

if TYPE_CHECKING:
    import ssl

CONNECT_SECONDS = 10.0
RETRY_SECONDS_FIRST, RETRY_SECONDS_MAX = 0.5, 10.0
BUSY_SECONDS, BUSY_SECONDS_MORE = 1.0, 5.0
Result = TypeVar("Result")


@dataclass
class Server:
    """Where the server is and how it is met."""

    host: str
    port: int
    token: str = ""
    pins: Pins | None = None
    fingerprint: str = ""
    trust_new: bool = False
    stall: float = 30.0
    retries: int = 3
    say: Callable[[str], None] = field(default=print)


class _Tries:
    """How long to wait before the next try of one request, and when to give up."""

    def __init__(self, server: Server) -> None:
        self._server, self._left, self._wait = server, server.retries, RETRY_SECONDS_FIRST
        self._until = 0.0

    def pause(self, error: Exception) -> float | None:
        """The seconds to wait, which is said; None to give up."""
        code = "" if isinstance(error, Broken) else getattr(error, "code", "")
        if not isinstance(error, Broken) and not (code == "changed" or self._may_pass(error)):
            return None
        if code == "busy":
            return self._while_busy(error)
        if self._left <= 0:
            return None
        self._left -= 1
        self._server.say(f"{error}; trying again")
        wait, self._wait = self._wait, min(self._wait * 2, RETRY_SECONDS_MAX)
        return wait

    @staticmethod
    def _may_pass(error: Exception) -> bool:
        return isinstance(error, PeerError) and error.code in TRANSIENT

    def _while_busy(self, error: Exception) -> float | None:
        """A transfer that died without a word holds its place until the server has waited out the stall."""
        now = time.monotonic()
        if not self._until:
            self._until = now + self._server.stall + BUSY_SECONDS_MORE
            if self._server.retries:
                self._server.say(f"{error}; waiting for it")
        return BUSY_SECONDS if self._server.retries and now < self._until else None


class FileClient:
    """A client of one server. Every request is repeated on a new connection when the old one breaks."""

    def __init__(self, server: Server, options: Options, algorithm: str = "sha256") -> None:
        self.server, self.options, self.algorithm = server, options, algorithm
        self.report = options.moved  # told of bytes moved; after a break of those that are taken back
        options.moved, options.skipped = self._moved, self._skipped
        self.carried = 0  # bytes that went over the line
        self._attempt_bytes = 0
        self._channel: Channel | None = None
        self._name = secrets.token_hex(16)  # by which the server knows us again after a break

    def _moved(self, count: int) -> None:
        self._attempt_bytes += count
        self.carried += count
        self.report(count)

    def _skipped(self, count: int) -> None:
        self.carried -= count

    def close(self) -> None:
        """End the connection."""
        if self._channel is not None:
            self._channel.close()
            self._channel = None

    # Connecting

    def _connect(self) -> Channel:
        server = self.server
        where = f"{server.host}:{server.port}"
        try:
            connection = socket.create_connection((server.host, server.port), CONNECT_SECONDS)
        except OSError as error:
            raise Broken(f"cannot connect to {where}: {error}") from None
        try:
            if server.pins is not None:
                connection = self._wrap(connection, server.pins, where)
            channel = Channel(connection, server.stall)
            self._hello(channel, where)
        except BaseException:
            connection.close()
            raise
        return channel

    def _wrap(self, connection: socket.socket, pins: Pins, where: str) -> ssl.SSLSocket:
        import ssl  # slow to import, and seldom needed

        try:
            wrapped = client_context().wrap_socket(connection, server_hostname=self.server.host)
        except TimeoutError:
            raise PeerError(f"{where} does not answer to TLS; is it a server without --tls?") from None
        except ssl.SSLError as error:
            raise PeerError(
                f"{where} does not speak TLS ({error.reason}); is it a server without --tls?"
            ) from None
        except OSError as error:
            raise PeerError(f"{where} broke off at the TLS greeting: {error}") from None
        seen = fingerprint(wrapped.getpeercert(binary_form=True) or b"")
        try:
            if pins.check(where, seen, self.server.fingerprint, self.server.trust_new):
                self.server.say(f"{where} is remembered by {seen}")
        except BaseException:
            wrapped.close()
            raise
        return wrapped

    def _hello(self, channel: Channel, where: str) -> None:
        hello: Message = {"type": "hello", "protocol": PROTOCOL, "version": VERSION, "client": self._name}
        if self.server.token:
            hello["token"] = self.server.token
        channel.send(hello)
        try:
            welcome = channel.expect("welcome")
        except Refused as error:
            raise PeerError(f"{where} is no file server: {error}") from None
        except Broken as error:
            raise Broken(f"{where} does not answer as a file server: {error}") from None
        if welcome.get("protocol") != PROTOCOL:
            raise PeerError(f"{where} is no file server")

    def _repeat(self, work: Callable[[Channel], Result]) -> Result:
        """Do some work on a connection; when it breaks, or what hinders may pass, again on a new one."""
        tries = _Tries(self.server)
        while True:
            self._attempt_bytes = 0
            try:
                if self._channel is None:
                    self._channel = self._connect()
                return work(self._channel)
            except (Broken, PeerError, Refused) as error:
                if isinstance(error, Refused) and self._channel is not None:
                    self._channel.fail(
                        error
                    )  # we refuse: tell the server, and begin anew for what else there is
                self.close()
                self.report(-self._attempt_bytes)
                pause = tries.pause(error)
                if pause is None:
                    raise
                time.sleep(pause)
            except BaseException:
                self.close()
                raise

    # Requests

    def list(self, name: str = "", recursive: bool = False) -> list[Entry]:
        """What is in a directory of the server, or the one file."""
        return self._repeat(lambda channel: list(self._list(channel, name, recursive)))

    def _list(self, channel: Channel, name: str, recursive: bool) -> Iterator[Entry]:
        channel.send({"type": "list", "name": name, "recursive": recursive})
        while True:
            message = channel.expect("entries", "end")
            if message["type"] == "end":
                return
            entries = message.get("entries")
            for item in entries if isinstance(entries, list) else []:
                yield _entry(item)

    def put(self, folder: Folder, local: str, remote: str) -> str:
        """Send the file `local` of a folder of ours as `remote`: "sent", "resumed" or "same"."""
        handle, _ = folder.open_file(local)
        try:

            def work(channel: Channel) -> str:
                # What it is now: after a try that failed because it changed, that is something else.
                header = folder.header(remote, os.fstat(handle), self.algorithm)
                channel.send(header.message("put"))
                return send_file(channel, handle, header, self.options)

            return self._repeat(work)
        finally:
            os.close(handle)

    def get(self, remote: str, folder: Folder, local: str) -> str:
        """Fetch the file `remote` as `local` into a folder of ours: "received", "resumed" or "same"."""
        split_name(local)  # before anything is asked

        def work(channel: Channel) -> str:
            channel.send({"type": "get", "name": remote, "algorithm": self.algorithm})
            header = FileHeader.parse(channel.expect("offer"))
            if header.algorithm != self.algorithm:
                raise Refused(f"the server offers {header.algorithm}, not {self.algorithm}", "header")
            return receive_file(channel, folder, header, local, self.options)

        return self._repeat(work)

    def make_directory(self, remote: str) -> None:
        """Make a directory on the server."""

        def work(channel: Channel) -> None:
            channel.send({"type": "mkdir", "name": remote})
            channel.expect("done")

        self._repeat(work)


def _entry(item: Any) -> Entry:
    """A line of a listing as the server sent it, checked: its name must not lead out of where we write."""
    if not isinstance(item, dict):
        raise Refused("a listing with a line that is no object", "header")
    kind = item.get("kind")
    if kind == "unreadable":  # its name may break the rules; it is shown and not used
        return Entry(str(item.get("name"))[:4096], kind, 0, 0, 0, str(item.get("why"))[:1000])
    name = "/".join(split_name(item.get("name")))
    if kind not in ("file", "directory", "other"):
        raise Refused(f"{neutralise(name)} is of an unknown kind", "header")
    span = (1 << 63) - 1
    return Entry(
        name, kind, number(item, "size"), number(item, "mtime_ns", span, -span), number(item, "mode", 0o7777)
    )
