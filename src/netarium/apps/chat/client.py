"""The chat client on asyncio: keeps one connection up, comes back by itself after a break, and resumes."""

from __future__ import annotations

import asyncio
import math
import random
import ssl
from collections.abc import Callable

from netarium.apps.chat.conversation import FINAL_BYES, Conversation
from netarium.apps.chat.rules import REPLY_BYTES_MAX
from netarium.apps.framing import FrameReader, FramingError, Message, encode
from netarium.apps.security import Pins, client_context, fingerprint
from netarium.apps.text import neutralise

RETRY_SECONDS_FIRST, RETRY_SECONDS_MAX = 0.25, 8.0
GONE_SECONDS = 120.0
CONNECT_SECONDS = 10.0


class ChatError(Exception):
    """The chat is over: refused, or no chat server at all. `code` is the server's, or "" for our own."""

    def __init__(self, text: str, code: str = "") -> None:
        super().__init__(text)
        self.code = code


class ChatClient:
    """`run` until the end; `show` is given every event, the server's messages and our own "offline"."""

    def __init__(
        self,
        conversation: Conversation,
        host: str,
        port: int,
        show: Callable[[Message], None],
        pins: Pins | None = None,
        wanted: str = "",
        trust_new: bool = False,
    ) -> None:
        self.conversation, self.host, self.port, self.show = conversation, host, port, show
        self.pins, self._wanted, self._trust_new = pins, wanted, trust_new
        self._writer: asyncio.StreamWriter | None = None
        self.was_welcome = False
        self.leaving = False
        self.patience = math.inf  # seconds without a connection until we give up

    async def run(self) -> None:
        """Stay connected until we quit or the server says a final bye, which is a ChatError unless it is ours."""
        wait, lost = RETRY_SECONDS_FIRST, math.inf
        while True:
            try:
                await self._converse()
                why = "the server closed the connection"
            except (OSError, TimeoutError, EOFError) as error:
                if isinstance(error, ssl.SSLError) and not self.was_welcome:
                    raise ChatError(
                        f"{self.host}:{self.port} does not speak TLS, or not ours: {error}"
                    ) from None
                why = str(error) or type(error).__name__
                if not self.was_welcome:
                    raise ChatError(f"cannot connect to {self.host}:{self.port}: {why}") from None
            if self.leaving:
                return
            if self.conversation.connected:
                wait, lost = RETRY_SECONDS_FIRST, asyncio.get_running_loop().time()
                self.conversation.connected = False
                self.show({"type": "offline", "text": why})
            if asyncio.get_running_loop().time() - lost > self.patience:
                unsent = len(self.conversation.unsent)
                raise ChatError(
                    f"the server has been gone for {self.patience:g} s; {unsent} of your messages are not sent"
                )
            # Spread, so that after a restart of the server not all clients come at one moment.
            await asyncio.sleep(wait * random.uniform(0.5, 1.0))
            wait = min(wait * 2, RETRY_SECONDS_MAX)

    def send(self, message: Message) -> bool:
        """Send now if connected. What has an id is kept by the conversation anyway; False for what is lost."""
        if self._writer is None or not self.conversation.connected:
            return "id" in message
        self._writer.write(encode(message))
        return True

    async def _converse(self) -> None:
        """One connection, from connect to end."""
        reader, writer = await self._connect()
        try:
            self._writer = writer
            writer.write(encode(self.conversation.hello()))
            frames = FrameReader(REPLY_BYTES_MAX)
            while True:
                data = await self._read(reader)
                if not data:
                    if not self.was_welcome:
                        hint = "" if self.pins is not None else "; does it want --tls?"
                        raise ChatError(f"{self.host}:{self.port} closed the connection without a word{hint}")
                    return
                frames.feed(data)
                while (message := self._next(frames)) is not None:
                    self._take(message)
                await writer.drain()
        finally:
            self._writer = None
            writer.transport.abort()

    async def _read(self, reader: asyncio.StreamReader) -> bytes:
        """What comes next. A server that is silent for three heartbeats is dead, or the way to it is."""
        patience = 3 * self.conversation.heartbeat if self.conversation.connected else CONNECT_SECONDS
        try:
            return await asyncio.wait_for(reader.read(65536), patience)
        except TimeoutError:
            raise TimeoutError(f"nothing heard for {patience:g} s") from None

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        context = client_context() if self.pins is not None else None
        name = self.host if context is not None else None
        reader, writer = await asyncio.wait_for(
            asyncio.open_connection(self.host, self.port, ssl=context, server_hostname=name), CONNECT_SECONDS
        )
        if self.pins is not None:
            certificate = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
            seen = fingerprint(certificate)
            try:
                if self.pins.check(f"{self.host}:{self.port}", seen, self._wanted, self._trust_new):
                    self.show({"type": "pinned", "text": f"{self.host}:{self.port} is remembered by {seen}"})
            except BaseException:
                writer.transport.abort()
                raise
        return reader, writer

    def _next(self, frames: FrameReader) -> Message | None:
        try:
            return frames.next()
        except FramingError as error:
            raise ChatError(f"{self.host}:{self.port} is no chat server: {error}") from None

    def _take(self, message: Message) -> None:
        conversation = self.conversation
        try:
            reaction = conversation.receive(message)
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise ChatError(
                f"{self.host}:{self.port} sent a message we do not understand: {neutralise(repr(error))}"
            ) from None
        assert self._writer is not None
        for reply in reaction.send:
            self._writer.write(encode(reply))
        if reaction.show is None:
            return
        kind, code = message.get("type"), str(message.get("code", ""))
        if kind == "welcome":
            self.was_welcome = True
        elif kind == "bye" and code in FINAL_BYES:
            self.leaving = True
            if code != "quit":
                raise ChatError(neutralise(str(message.get("text"))[:1000]), code)
        elif kind == "error" and not conversation.connected:
            raise ChatError(neutralise(str(message.get("text"))[:1000]), code)
        self.show(reaction.show)
