"""Messages on a byte stream: a 4-byte length in network byte order, then that many bytes of JSON. Pure.

TCP carries bytes and keeps no boundaries: two `send`s may arrive as one `recv`, one may arrive in pieces. So
a reader collects what comes and takes out whole messages. A message may be followed by a body of raw bytes
whose size the message tells; `take` hands that out.
"""

from __future__ import annotations

import json
import struct
from typing import Any

Message = dict[str, Any]

LENGTH = struct.Struct("!I")
MESSAGE_BYTES_MAX = 64 * 1024


class FramingError(ValueError):
    """The bytes are no message:

    Too long, not UTF-8, not JSON, or no JSON object. The stream cannot be trusted further.
    """


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)
_ASCII_ENCODER = json.JSONEncoder(ensure_ascii=True, separators=(",", ":"), allow_nan=False)


def encode_json(message: Message) -> bytes:
    """The JSON of a message in UTF-8, without the length.

    A lone surrogate in it is escaped, so it survives.
    """
    try:
        return _ENCODER.encode(message).encode()
    except UnicodeEncodeError:
        return _ASCII_ENCODER.encode(message).encode()


def encode(message: Message) -> bytes:
    """A message as it goes on the wire: length and JSON."""
    data = encode_json(message)
    return LENGTH.pack(len(data)) + data


def decode_json(data: bytes | bytearray | str) -> Message:
    """The message in `data`; anything but one JSON object raises FramingError."""
    try:
        message = _DECODER.decode(data if isinstance(data, str) else data.decode())
    except UnicodeDecodeError as error:
        raise FramingError(f"the message is not UTF-8 (byte {error.start})") from None
    except RecursionError:
        raise FramingError("the message is nested too deeply") from None
    except ValueError as error:
        raise FramingError(f"the message is not JSON: {str(error)[:120]}") from None
    if not isinstance(message, dict):
        raise FramingError(f"the message is a JSON {type(message).__name__}; an object is wanted")
    return message


class FrameReader:
    """Takes bytes as they come and hands out whole messages.

    A length over `limit` bytes raises FramingError before any of it is stored: 4 bytes of rubbish must not
    make us wait for 4 GB.
    """

    __slots__ = ("_buffer", "_limit", "_position")

    def __init__(self, limit: int = MESSAGE_BYTES_MAX) -> None:
        self._limit = limit
        self._buffer = bytearray()
        self._position = 0

    def __len__(self) -> int:
        return len(self._buffer) - self._position

    def feed(self, data: bytes | bytearray | memoryview) -> None:
        """Append what arrived; what was handed out already is forgotten here."""
        if self._position:
            del self._buffer[: self._position]
            self._position = 0
        self._buffer += data

    def next(self) -> Message | None:
        """The next whole message, or None when more bytes are needed."""
        buffer, start = self._buffer, self._position + 4
        if len(buffer) < start:
            return None
        size = LENGTH.unpack_from(buffer, self._position)[0]
        if size > self._limit:
            raise FramingError(
                f"the length says {size} bytes; at most {self._limit} are taken ({self.guess()})"
            )
        end = start + size
        if len(buffer) < end:
            return None
        self._position = end
        return decode_json(buffer[start:end])

    def take(self, count: int) -> bytes:
        """Up to `count` raw bytes that follow the last message: a piece of its body."""
        start = self._position
        piece = bytes(self._buffer[start : start + count])
        self._position = start + len(piece)
        return piece

    def guess(self) -> str:
        """What the peer seems to speak, judged by the first bytes that were not handed out."""
        return guess_protocol(bytes(self._buffer[self._position : self._position + 8]))


def guess_protocol(data: bytes) -> str:
    """Words for the first bytes of a stream that are no message of ours."""
    if data[:2] == b"\x16\x03":
        return "it looks like TLS: is --tls missing on this side?"
    if data[:2] == b"\x15\x03":
        return "it looks like a TLS alert: is --tls wrong on one side?"
    for start, name in (
        (b"HTTP", "HTTP"),
        (b"GET ", "HTTP"),
        (b"POST", "HTTP"),
        (b"SSH-", "SSH"),
        (b"220", "FTP or SMTP"),
    ):
        if data.startswith(start):
            return f"it looks like {name}, another protocol"
    return f"it begins with {data!r}, another protocol"
