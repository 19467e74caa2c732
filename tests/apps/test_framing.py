from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netarium.apps.framing import LENGTH, FrameReader, FramingError, encode, guess_protocol
from netarium.apps.text import is_neutral, neutralise

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(1 << 60), 1 << 60) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
messages = st.dictionaries(st.text(max_size=8), json_values, max_size=5)


def read_all(reader: FrameReader) -> list[dict]:
    found = []
    while (message := reader.next()) is not None:
        found.append(message)
    return found


@given(st.lists(messages, max_size=5), st.lists(st.integers(1, 40), min_size=1, max_size=5))
def test_messages_come_out_as_they_went_in_however_the_stream_is_cut(
    sent: list[dict], cuts: list[int]
) -> None:
    stream = b"".join(encode(message) for message in sent)
    reader, got, position, turn = FrameReader(), [], 0, 0
    while position < len(stream):
        size = cuts[turn % len(cuts)]
        reader.feed(stream[position : position + size])
        got += read_all(reader)
        position, turn = position + size, turn + 1
    assert got == sent
    assert len(reader) == 0


@given(st.binary(max_size=200))
def test_any_bytes_give_messages_or_a_framing_error_and_nothing_else(data: bytes) -> None:
    for stream in (data, LENGTH.pack(len(data)) + data):
        reader = FrameReader()
        reader.feed(stream)
        try:
            read_all(reader)
        except FramingError:
            pass


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"\xff\xfe", "UTF-8"),
        (b"{", "not JSON"),
        (b"[1]", "a JSON list; an object is wanted"),
        (b'{"a":NaN}', "not JSON"),
        (b'{"a":' * 8000 + b"1" + b"}" * 8000, "nested too deeply"),
        (b'{"a":' + b"9" * 5000 + b"}", "not JSON"),
    ],
)
def test_what_is_wrong_with_a_message_is_said(body: bytes, words: str) -> None:
    reader = FrameReader()
    reader.feed(LENGTH.pack(len(body)) + body)
    with pytest.raises(FramingError, match=words):
        reader.next()


def test_a_length_over_the_limit_is_refused_before_the_body_is_awaited() -> None:
    reader = FrameReader(1000)
    reader.feed(LENGTH.pack(1001))
    with pytest.raises(FramingError, match="1001 bytes; at most 1000"):
        reader.next()


@pytest.mark.parametrize(
    ("start", "words"),
    [(b"HTTP/1.1", "HTTP"), (b"SSH-2.0-", "SSH"), (b"\x16\x03\x01\x02", "TLS"), (b"220 ", "FTP")],
)
def test_another_protocol_is_named(start: bytes, words: str) -> None:
    assert words in guess_protocol(start)


def test_a_body_follows_its_message() -> None:
    reader = FrameReader()
    reader.feed(encode({"size": 5}) + b"hello" + encode({"size": 0}))
    assert reader.next() == {"size": 5}
    assert reader.take(3) + reader.take(2) == b"hello"
    assert reader.next() == {"size": 0}


@given(st.text())
def test_neutralised_text_has_no_control_character(text: str) -> None:
    assert is_neutral(neutralise(text))
    assert not any(ord(c) < 32 or 0x7F <= ord(c) < 0xA0 for c in neutralise(text))


def test_escape_sequences_and_line_breaks_become_pictures() -> None:
    assert neutralise("\x1b[2J a\nbob: b\u202e\x9b") == "␛[2J a␊bob: b\ufffd\ufffd"
    assert neutralise("Grüße, 你好 👋🏽 می‌خواهم") == "Grüße, 你好 👋🏽 می‌خواهم"
