"""The chat server on asyncio: connections, heartbeats, bounded queues.

What is said and to whom, `hub` decides.

All that arrives in one turn of the event loop is handled first and flushed once, at the turn's end: one
transaction, and one write to each client, however many messages came. No task and no await per message or
delivery.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from netarium.apps.chat import verbs
from netarium.apps.chat.hub import PAGE_BYTES, Hub, Link
from netarium.apps.chat.packet import FRAMED, WEB
from netarium.apps.chat.rules import ASIDES_BURST, ASIDES_PER_SECOND, REQUEST_BYTES_MAX, Bucket, Limits
from netarium.apps.chat.store import Store, StoreError
from netarium.apps.framing import FrameReader, FramingError, Message
from netarium.apps.strangers import REFUSAL, Strangers, network_of
from netarium.apps.text import neutralise

if TYPE_CHECKING:
    from netarium.apps.chat.web import Page, WebDecoder

LINGER_SECONDS = 5.0
WEB_PIECE_BYTES = 4096
_HTTP = (b"GET ", b"HEAD", b"POST", b"PUT ", b"OPTI")


class ChatServer:
    """One server: `await start()`, then `await serve()`; `stop()` ends it in order."""

    def __init__(
        self,
        store: Store,
        limits: Limits,
        token: str = "",
        log: Callable[[str], None] = print,
        web: bool = True,
    ) -> None:
        self.hub = Hub(store, limits, time.time, token, log)
        self.log, self.limits = log, limits
        self.web = web
        self.loopback_only = False
        self._page: Page | None = None
        self._server: asyncio.Server | None = None
        self._flush_due = False
        self._failed: BaseException | None = None
        self.connections: dict[Connection, None] = {}
        # Half: when the server was restarted all people behind one NAT come back in one moment.
        self.strangers = Strangers(limits.clients, share=2)

    async def start(self, host: str, port: int, tls: ssl.SSLContext | None = None) -> tuple[str, int]:
        """Listen; the address and port that are listened on."""
        self.loop = asyncio.get_running_loop()
        self._done: asyncio.Future[None] = self.loop.create_future()
        self.loopback_only = host in ("127.0.0.1", "::1", "localhost")
        backlog = min(self.limits.clients, 4096)
        self._server = await self.loop.create_server(
            lambda: Connection(self), host, port, ssl=tls, backlog=backlog, reuse_address=True
        )
        self._beat()
        name = self._server.sockets[0].getsockname()
        return name[0], name[1]

    async def serve(self) -> None:
        """Run until `stop` is called or the store fails, which is raised."""
        assert self._server is not None
        await self._done
        self._server.close()
        for connection in list(self.connections):
            connection.abort()
        self._beat_handle.cancel()
        if self._failed is None:
            self.hub.store.close()
        else:
            raise self._failed

    def stop(self) -> None:
        """End the service; sessions may be resumed on the next."""
        if not self._done.done():
            self._done.set_result(None)

    def page(self) -> Page:
        """The page for browsers, read at the first request; websockets is imported only then."""
        if self._page is None:
            from netarium.apps.chat.web import Page

            self._page = Page()
        return self._page

    def flush_soon(self) -> None:
        """Flush the hub at the end of this turn of the loop."""
        if not self._flush_due:
            self._flush_due = True
            self.loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._flush_due = False
        try:
            self.hub.flush()
        except Exception as error:
            # Nothing of this turn has gone out, so clients will send it again: stop whole rather than run on
            # lame.
            self._failed = error
            self.stop()

    def _beat(self) -> None:
        """Each third of a heartbeat: ask the silent, end the dead, let the hub age."""
        self._beat_handle = self.loop.call_later(self.limits.heartbeat / 3, self._beat)
        now = self.loop.time()
        for connection in list(self.connections):
            connection.beat(now)
        try:
            self.hub.tick()
        except StoreError as error:
            self.log(f"{error}; tried again later")
        self.flush_soon()


class Connection(asyncio.Protocol, Link):
    """One client's connection: framed messages or, when it begins as HTTP, a browser's."""

    def __init__(self, server: ChatServer) -> None:
        Link.__init__(self)
        self.server = server
        self.hub = server.hub
        self._reader: FrameReader | WebDecoder | None = None
        self._web: WebDecoder | None = None
        self._first = b""
        self._paused = False
        self._linger: asyncio.TimerHandle | None = None
        self._known: Callable[[], None] | None = None
        self._held = b""  # of a browser: came, and is not parsed yet
        self._asides = Bucket(ASIDES_PER_SECOND, ASIDES_BURST)

    # asyncio

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client is there."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.set_write_buffer_limits(high=PAGE_BYTES)
        self.opened = self.heard = self.server.loop.time()
        self.asked = False
        self.server.connections[self] = None
        self.hub.attach(self)
        host = str((transport.get_extra_info("peername") or ("?",))[0])
        self.network = network_of(host)
        self._known = self.server.strangers.admit(host)
        if self._known is None and not self.closing:
            self.hub.expel(self, "full", REFUSAL)
        self.server.flush_soon()

    def data_received(self, data: bytes) -> None:
        """Bytes came."""
        self.heard = self.server.loop.time()
        self.asked = False
        if self._reader is None:
            self._first += data
            if len(self._first) < 4:
                return
            data, self._first = self._first, b""
            self._reader = self._choose(data)
        if self.closing:
            return
        if self._web is not None:
            self._held += data
        elif not self._feed(data):
            return
        self._process()

    def connection_lost(self, error: Exception | None) -> None:
        """The connection is over, however it ended."""
        if self._linger is not None:
            self._linger.cancel()
        self.server.connections.pop(self, None)
        self._no_stranger()
        self.hub.detach(self)
        self.server.flush_soon()

    def resume_writing(self) -> None:
        """The client has read on: a resumed one gets its next page."""
        self.heard = self.server.loop.time()
        self._catch_up()

    # Link

    def write(self, data: bytes) -> None:
        """Send bytes; what the network does not take at once waits in the transport."""
        self.transport.write(data)
        if self.session is not None and self.session.catching_up:
            self.server.loop.call_soon(self._catch_up)

    def finish(self) -> None:
        """Close when everything has gone, or after 5 s without that."""
        if self._web is not None:
            self.transport.write(self._web.close())
        self.transport.close()
        self._linger = self.server.loop.call_later(LINGER_SECONDS, self.transport.abort)

    def backlog(self) -> int:
        """Bytes that wait in the transport."""
        return self.transport.get_write_buffer_size()

    # Own

    def abort(self) -> None:
        """End the connection now."""
        self.transport.abort()

    def beat(self, now: float) -> None:
        """Ask a silent client whether it lives; end the connection when it has not answered."""
        limits = self.server.limits
        if self.session is None:
            if now - self.opened > limits.hello and not self.closing:
                self.hub.expel(self, "bad-message", f"no hello within {limits.hello:g} s")
            return
        silent = now - self.heard
        if silent > 3 * limits.heartbeat:
            self.server.log(f"{self.session.name} is dead: nothing heard for {silent:.0f} s")
            self.abort()
        elif silent > limits.heartbeat and not self.asked:
            self.asked = True
            self.hub.to_link(self, {"type": "ping"})

    def _choose(self, data: bytes) -> FrameReader | WebDecoder:
        if self.server.web and data[:4] in _HTTP:
            from netarium.apps.chat.web import WebDecoder

            self.kind = WEB
            self._web = WebDecoder(self.server.page(), self.server.loopback_only)
            return self._web
        self.kind = FRAMED
        return FrameReader(REQUEST_BYTES_MAX)

    def _feed(self, data: bytes) -> bool:
        assert self._reader is not None
        try:
            self._reader.feed(data)
        except FramingError as error:
            self._malformed(error)
            return False
        return True

    def _feed_web(self, web: WebDecoder) -> bool:
        """Parse a piece of what a browser sent, for frames can be tiny and many; False when none is left."""
        piece, self._held = self._held[:WEB_PIECE_BYTES], self._held[WEB_PIECE_BYTES:]
        if not piece or not self._feed(piece):
            return False
        asides, web.asides = web.asides, 0
        self._web_output(web)
        if asides:
            self._slow_down(self._asides.delay(self.server.loop.time(), asides))
        return True

    def _web_output(self, web: WebDecoder) -> None:
        output = web.output()
        if output:
            self.transport.write(output)
        if self.backlog() > self.server.limits.queue_bytes and not self.closing:
            self.abort()  # it sends and does not read: no word would reach it
        if web.closed and not self.closing:
            self.closing = True
            self.finish()

    def _malformed(self, error: FramingError) -> None:
        self.hub.expel(self, "bad-message", neutralise(str(error)))
        self.server.flush_soon()

    def _process(self) -> None:
        """Handle whole messages until none is left or the client has talked too fast."""
        hub, reader = self.hub, self._reader
        assert reader is not None
        while not self.closing and not self._paused:
            try:
                message: Message | None = reader.next()
            except FramingError as error:
                self._malformed(error)
                return
            if message is None:
                if self._web is None or not self._feed_web(self._web):
                    break
                continue
            verbs.receive(hub, self, message)
            if self.session is not None:
                self._no_stranger()
            bucket = self._asides if self.session is None else self.session.bucket
            self._slow_down(bucket.delay(self.server.loop.time()))
        self.server.flush_soon()

    def _no_stranger(self) -> None:
        if self._known is not None:
            self._known()
            self._known = None

    def _slow_down(self, delay: float) -> None:
        """Read no more for a while: TCP tells the client to wait. Nothing is lost."""
        if not delay or self._paused or self.transport.is_closing():
            return
        self._paused = True
        self.transport.pause_reading()
        self.server.loop.call_later(delay, self._unpause)

    def _unpause(self) -> None:
        self._paused = False
        if not self.closing and not self.transport.is_closing():
            self.transport.resume_reading()
            self.heard = self.server.loop.time()
            self._process()

    def _catch_up(self) -> None:
        session = self.session
        if session is not None and session.link is self and self.backlog() <= PAGE_BYTES // 2:
            self.hub.catch_up(session)
            self.server.flush_soon()
