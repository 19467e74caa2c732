"""The browser's door without sockets: handshakes and WebSocket frames, good and bad."""

from __future__ import annotations

import random

import pytest

pytest.importorskip("websockets")

from netarium.apps.chat.rules import REQUEST_BYTES_MAX
from netarium.apps.chat.web import Page, WebDecoder
from netarium.apps.framing import FramingError

PAGE = Page()
HANDSHAKE = (
    b"GET /chat HTTP/1.1\r\nHost: localhost:1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)


def masked(data: bytes, opcode: int = 0x81) -> bytes:
    """A client's frame (RFC 6455 5.2), mask zero."""
    size = len(data)
    head = bytes((opcode, 0x80 | size)) if size < 126 else bytes((opcode, 0xFE)) + size.to_bytes(2, "big")
    return head + bytes(4) + data


def opened() -> WebDecoder:
    decoder = WebDecoder(PAGE, True)
    decoder.feed(HANDSHAKE)
    assert decoder.output().startswith(b"HTTP/1.1 101")
    return decoder


def test_messages_come_out_of_frames_whole_or_in_fragments() -> None:
    decoder = opened()
    decoder.feed(masked(b'{"a":1}') + masked(b'{"b"', 0x01) + masked(b"", 0x89) + masked(b":2}", 0x80))
    assert [decoder.next(), decoder.next(), decoder.next()] == [{"a": 1}, {"b": 2}, None]
    assert decoder.output() == b"\x8a\x00"  # the pong
    decoder.feed(masked(b"\x03\xe8", 0x88))
    assert decoder.closed


@pytest.mark.parametrize("data", [b"[1]", b"{", b"\xff"])
def test_a_frame_that_is_no_message_is_an_error(data: bytes) -> None:
    decoder = opened()
    try:
        decoder.feed(masked(data))
        assert decoder.closed  # the library found it first: not UTF-8
    except FramingError:
        pass


def test_a_binary_frame_is_refused_and_one_too_large_ends_it() -> None:
    with pytest.raises(FramingError, match="binary"):
        opened().feed(masked(b"{}", 0x82))
    decoder = opened()
    decoder.feed(masked(b"x" * (REQUEST_BYTES_MAX + 1)))
    assert decoder.closed and decoder.next() is None


def test_ten_thousand_fuzzed_streams_end_in_messages_or_in_an_orderly_close() -> None:
    chance = random.Random(6)
    for _ in range(10_000):
        stream = bytearray(HANDSHAKE)
        for _part in range(chance.randrange(4)):
            data = chance.choice([b'{"type":"x"}', b"", b"{", chance.randbytes(chance.randrange(200))])
            stream += masked(data, chance.choice([0x81, 0x01, 0x80, 0x82, 0x88, 0x89, 0x8A, 0xC1, 0x0F]))
        for _change in range(chance.choice([0, 1, 1, 4])):
            stream[chance.randrange(len(stream))] = chance.randrange(256)
        if chance.random() < 0.2:
            stream[18:18] = chance.randbytes(20) + chance.choice([b"\r\n\r\n", b"\r\n", b""])
        decoder = WebDecoder(PAGE, chance.random() < 0.5)
        cut = chance.randrange(len(stream) + 1)
        try:
            for piece in (stream[:cut], stream[cut:]):
                decoder.feed(bytes(piece))
                decoder.output()
                while (message := decoder.next()) is not None:
                    assert isinstance(message, dict)
                if decoder.closed:
                    break
        except FramingError:
            pass
        decoder.close()
