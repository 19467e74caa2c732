"""The file server: a thread for each connection, blocking sockets, constant memory."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import ssl
import threading
from collections.abc import Callable

from netarium.apps.files.channel import STALL_SECONDS, Channel
from netarium.apps.files.digest import DigestCache
from netarium.apps.files.folder import Folder
from netarium.apps.files.protocol import (
    PROTOCOL,
    VERSION,
    Broken,
    FileHeader,
    PeerError,
    Refused,
    algorithm_of,
    split_name,
)
from netarium.apps.files.transfer import Options, receive_file, send_file
from netarium.apps.files.underway import UnderWay
from netarium.apps.framing import Message, encode
from netarium.apps.security import token_matches
from netarium.apps.strangers import REFUSAL, Strangers
from netarium.apps.text import neutralise

HELLO_SECONDS = 10.0
PAUSE_SECONDS_FIRST, PAUSE_SECONDS_MAX = 0.1, 1.0
BUSY = "the server is busy: it has all the connections it takes"
ENTRIES_BYTES = 16 * 1024  # with one name of 4,096 bytes, each escaped as 6, still below 64 KiB


class FileServer:
    """Serves one directory; read-only unless `writable`. `serve` runs until `stop`."""

    def __init__(
        self,
        folder: Folder,
        writable: bool = False,
        token: str = "",
        options: Options | None = None,
        tls: ssl.SSLContext | None = None,
        connections: int = 64,
        stall: float = STALL_SECONDS,
        log: Callable[[str], None] = print,
    ) -> None:
        self.folder, self.writable, self.token = folder, writable, token
        self.options, self.tls, self.stall = options or Options(), tls, stall
        self.options.cache = DigestCache()
        self._log = log
        self._places = threading.BoundedSemaphore(connections)
        self._strangers = Strangers(connections)
        self._stopping = threading.Event()
        self._under_way = UnderWay()

    def listen(self, host: str, port: int) -> tuple[str, int]:
        """Listen; the address and port that are listened on."""
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, port), family=family, backlog=128)
        name = self._listener.getsockname()
        return name[0], name[1]

    def serve(self) -> None:
        """Take connections until `stop`."""
        pause = 0.0
        while not self._stopping.is_set():
            try:
                self._take()
                pause = 0.0
            except (OSError, RuntimeError) as error:
                if self._stopping.is_set():
                    return
                # Out of descriptors or threads, most likely: it passes. Told once, and tried again at leisure.
                if not pause:
                    self._log(f"cannot take a connection: {error}")
                pause = min(pause * 2, PAUSE_SECONDS_MAX) if pause else PAUSE_SECONDS_FIRST
                self._stopping.wait(pause)

    def _take(self) -> None:
        """Take one connection and start its thread; OSError or RuntimeError when the system has no room for it."""
        connection, address = self._listener.accept()
        known = self._strangers.admit(str(address[0]))
        if known is None:
            self._turn_away(connection, address, REFUSAL)
            return
        if not self._places.acquire(blocking=False):
            known()
            self._turn_away(connection, address, BUSY)
            return
        try:
            thread = threading.Thread(target=self._connection, args=(connection, address, known), daemon=True)
            thread.start()
        except BaseException:
            known()
            self._places.release()
            connection.close()
            raise

    def _turn_away(self, connection: socket.socket, address: tuple[object, ...], why: str) -> None:
        """Close a connection there is no place for, without waiting for it; without TLS it is told why."""
        self._log(f"{address[0]}:{address[1]}: refused: {why}")
        with connection, contextlib.suppress(OSError):
            connection.setblocking(False)
            if self.tls is None:
                connection.send(encode({"type": "error", "code": "busy", "text": why}))
                connection.shutdown(socket.SHUT_WR)
                connection.recv(1 << 16)  # what is left unread would make the close a reset

    def stop(self) -> None:
        """End `serve`; connections end with the process."""
        self._stopping.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _connection(
        self, connection: socket.socket, address: tuple[object, ...], known: Callable[[], None]
    ) -> None:
        who = f"{address[0]}:{address[1]}"
        try:
            connection.settimeout(HELLO_SECONDS)
            if self.tls is not None:
                self._only_tls(connection)
                connection = self.tls.wrap_socket(connection, server_side=True)
            channel = Channel(connection, min(HELLO_SECONDS, self.stall))
            self._talk(channel, who, known)
        except (Broken, PeerError) as error:
            self._log(f"{who}: {error}")
        except ssl.SSLError as error:
            self._log(f"{who}: no TLS: {error.reason or error}")
        except OSError as error:
            self._log(f"{who}: {error}")
        finally:
            connection.close()
            known()
            self._places.release()

    @staticmethod
    def _only_tls(connection: socket.socket) -> None:
        """Tell a client without TLS what is missing, in the clear: else it would see a reset."""
        first = connection.recv(1, socket.MSG_PEEK)
        if first and first != b"\x16":  # RFC 8446 5.1: a handshake record
            Channel(connection).fail(Refused("this server wants TLS (--tls)", "tls"))
            raise PeerError("refused: it came without TLS")

    def _talk(self, channel: Channel, who: str, known: Callable[[], None]) -> None:
        try:
            self._welcome(channel)
            known()
            channel.stall = self.stall
            while self._request(channel, who):
                pass
        except Refused as error:
            self._log(f"{who}: refused: {neutralise(str(error))}")
            channel.fail(error)

    def _welcome(self, channel: Channel) -> None:
        hello = channel.expect("hello", waits=False)
        if hello.get("protocol") != PROTOCOL or hello.get("version") != VERSION:
            raise Refused(f"this server speaks {PROTOCOL} version {VERSION}", "version")
        if not token_matches(hello.get("token"), self.token):
            raise Refused(
                "the token is wrong" if hello.get("token") else "this server wants a token", "token"
            )
        channel.client = str(hello.get("client") or "")[:64]
        channel.send({"type": "welcome", "protocol": PROTOCOL, "version": VERSION, "writable": self.writable})

    def _request(self, channel: Channel, who: str) -> bool:
        """Serve one request; False when the client has gone, as it may between two."""
        try:
            message = channel.receive()
        except Broken:
            return False
        handler = _HANDLERS.get(str(message.get("type")))
        if handler is None:
            raise Refused(f"there is no request {message.get('type')!r:.40}", "header")
        try:
            handler(self, channel, who, message)
        except OSError as error:  # our own disk's or system's; the line's are Broken
            raise Refused(
                f"the server cannot do it: {(error.strerror or str(error)).lower()}", "system"
            ) from None
        return True

    def _get(self, channel: Channel, who: str, message: Message) -> None:
        name, algorithm = "/".join(split_name(message.get("name"))), algorithm_of(message)
        handle, status = self.folder.open_file(name)
        try:
            header = self.folder.header(name, status, algorithm)
            channel.send(header.message("offer"))
            result = send_file(channel, handle, header, self.options)
        finally:
            os.close(handle)
        self._log(f"{who}: get {neutralise(name)}: {result}, {header.size} bytes")

    def _put(self, channel: Channel, who: str, message: Message) -> None:
        header = FileHeader.parse(message)
        self._may_write()
        with self._under_way.put(header.name, channel.client, channel):
            result = receive_file(channel, self.folder, header, header.name, self.options)
        self._log(f"{who}: put {neutralise(header.name)}: {result}, {header.size} bytes")

    def _mkdir(self, channel: Channel, who: str, message: Message) -> None:
        name = "/".join(split_name(message.get("name")))
        self._may_write()
        self.folder.make_directory(name)
        channel.send({"type": "done"})

    def _list(self, channel: Channel, who: str, message: Message) -> None:
        name = "/".join(split_name(message.get("name"))) if message.get("name") else ""
        batch: list[dict[str, object]] = []
        size = 0
        for entry in self.folder.list(name, message.get("recursive") is True):
            item = vars(entry)
            item_bytes = len(
                json.dumps(item)
            )  # all escaped: a name that is no UTF-8 makes the whole message so
            if size + item_bytes > ENTRIES_BYTES:
                channel.send({"type": "entries", "entries": batch})
                batch, size = [], 0
            batch.append(item)
            size += item_bytes
        channel.send({"type": "entries", "entries": batch})
        channel.send({"type": "end"})

    def _may_write(self) -> None:
        if not self.writable:
            raise Refused("this server is read-only (it was started without --write)", "read-only")


_HANDLERS: dict[str, Callable[[FileServer, Channel, str, Message], None]] = {
    "get": FileServer._get,
    "put": FileServer._put,
    "mkdir": FileServer._mkdir,
    "list": FileServer._list,
}
