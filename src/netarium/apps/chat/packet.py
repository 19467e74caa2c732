"""One message for clients, encoded once however many get it: for the framed protocol and for WebSockets."""

from __future__ import annotations

import struct

from netarium.apps.framing import LENGTH, Message, encode_json

FRAMED, WEB = 0, 1


def frame_text(data: bytes) -> bytes:
    """An unmasked WebSocket text frame (RFC 6455 5.2), as a server sends them:

    The same bytes for every client.
    """
    size = len(data)
    if size < 126:
        return bytes((0x81, size)) + data
    if size < 65536:
        return struct.pack("!BBH", 0x81, 126, size) + data
    return struct.pack("!BBQ", 0x81, 127, size) + data


class Packet:
    """A message, and its bytes in each form, made when first wanted."""

    __slots__ = ("_framed", "_json", "_web")

    def __init__(self, message: Message) -> None:
        self._json = encode_json(message)
        self._framed = b""
        self._web = b""

    def form(self, kind: int) -> bytes:
        """The bytes for a link of this kind: FRAMED or WEB."""
        if kind == FRAMED:
            if not self._framed:
                self._framed = LENGTH.pack(len(self._json)) + self._json
            return self._framed
        if not self._web:
            self._web = frame_text(self._json)
        return self._web
