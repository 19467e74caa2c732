"""The browser's door: the page over HTTP and messages over a WebSocket, on the same port as the rest.

The WebSocket is parsed by the websockets library's sans-IO half; what goes out is framed by `packet`, once
for all. A page from elsewhere must not speak for a user's browser, so the Origin must be this server; and a
server that listens on loopback takes loopback names only, or a foreign name pointed at 127.0.0.1 would be
let in.
"""

from __future__ import annotations

import base64
import hashlib
import logging
import re
from pathlib import Path

from websockets.datastructures import Headers
from websockets.frames import Frame, Opcode
from websockets.http11 import Request, Response
from websockets.server import ServerProtocol

from netarium.apps.chat.rules import REQUEST_BYTES_MAX
from netarium.apps.framing import FramingError, Message, decode_json

FRAGMENTS_MAX = 64
_PAGE = Path(__file__).with_name("page.html")
_LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
_QUIET = logging.getLogger("netarium.apps.chat.web")
_QUIET.addHandler(logging.NullHandler())
_QUIET.propagate = False


def _hash_of(tag: str, page: str) -> str:
    match = re.search(f"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
    assert match is not None
    return "'sha256-" + base64.b64encode(hashlib.sha256(match.group(1).encode()).digest()).decode() + "'"


class Page:
    """The page, read once, with a policy under which nothing but its own script and style runs."""

    def __init__(self) -> None:
        text = _PAGE.read_text(encoding="utf-8")
        self.body = text.encode()
        self.policy = (
            f"default-src 'none'; script-src {_hash_of('script', text)}; style-src {_hash_of('style', text)}; "
            "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; connect-src 'self'"
        )

    def response(self, host: str) -> Response:
        """The page as an HTTP response, for who asked for it at `host`."""
        # Not every browser takes 'self' to be good for a WebSocket too.
        sockets = f" ws://{host} wss://{host}" if re.fullmatch(r"[\w.:\[\]-]+", host) else ""
        headers = [
            ("Content-Type", "text/html; charset=utf-8"),
            ("Content-Security-Policy", self.policy + sockets),
            ("X-Content-Type-Options", "nosniff"),
            ("Referrer-Policy", "no-referrer"),
            ("Cache-Control", "no-cache"),
        ]
        return _response(200, "OK", self.body, headers)


def _response(status: int, phrase: str, body: bytes, headers: list[tuple[str, str]]) -> Response:
    fixed = [("Content-Length", str(len(body))), ("Connection", "close")]
    return Response(status, phrase, Headers([*headers, *fixed]), body)


def _refusal(status: int, phrase: str, text: str) -> Response:
    return _response(status, phrase, (text + "\n").encode(), [("Content-Type", "text/plain; charset=utf-8")])


class WebDecoder:
    """Bytes of a browser to messages.

    `output()` is what must be sent back; `closed` says the end has come; `asides` counts frames that are no message.
    """

    def __init__(self, page: Page, loopback_only: bool) -> None:
        self._page = page
        self._loopback_only = loopback_only
        self._protocol = ServerProtocol(max_size=REQUEST_BYTES_MAX, logger=_QUIET)
        self._fragments: list[bytes] = []
        self._ready: list[Message] = []
        self.closed = False
        self.asides = 0

    def feed(self, data: bytes) -> None:
        """Take bytes as they come. A frame that is no message raises FramingError."""
        self._protocol.receive_data(data)
        for event in self._protocol.events_received():
            if isinstance(event, Request):
                self._answer(event)
            elif isinstance(event, Frame):
                self._take(event)
        if self._protocol.close_expected() or self._protocol.handshake_exc is not None:
            self.closed = True

    def next(self) -> Message | None:
        """The next whole message, or None."""
        return self._ready.pop(0) if self._ready else None

    def output(self) -> bytes:
        """Bytes to send: handshake, pongs, the close."""
        return b"".join(self._protocol.data_to_send())

    def close(self) -> bytes:
        """The bytes of an orderly end."""
        if self._protocol.state.name == "OPEN":
            self._protocol.send_close(1000)
        return self.output()

    def _answer(self, request: Request) -> None:
        # Rubbish came right behind the request, and the library has given up already.
        if self._protocol.eof_sent:
            self.closed = True
            return
        response = self._judge(request)
        self._protocol.send_response(response)
        if response.status_code != 101:
            self.closed = True

    def _judge(self, request: Request) -> Response:
        hosts = request.headers.get_all("Host")
        host = hosts[0].lower() if len(hosts) == 1 else ""
        if self._loopback_only and re.sub(r":\d+$", "", host) not in _LOOPBACK:
            return _refusal(403, "Forbidden", "This server is for this machine only: ask for localhost.")
        path = request.path.partition("?")[0]
        if path == "/":
            return self._page.response(host)
        if path != "/chat":
            return _refusal(404, "Not Found", "There is nothing here; the chat is at /")
        origins = request.headers.get_all("Origin")
        if origins and (len(origins) > 1 or origins[0].lower().partition("://")[2] != host):
            return _refusal(403, "Forbidden", "A page from elsewhere may not join this chat.")
        return self._protocol.accept(request)

    def _take(self, frame: Frame) -> None:
        if frame.opcode in (Opcode.TEXT, Opcode.CONT):
            self._fragments.append(bytes(frame.data))
            if frame.fin:
                data, self._fragments = b"".join(self._fragments), []
                self._ready.append(decode_json(data))
            elif len(self._fragments) >= FRAGMENTS_MAX:
                raise FramingError(f"a message in over {FRAGMENTS_MAX} fragments")
            else:
                self.asides += 1
        elif frame.opcode is Opcode.BINARY:
            raise FramingError("a binary frame; the chat speaks text")
        else:
            self.asides += 1
