"""The limits of the chat: names, texts, rates, sizes; and the errors that tell a client which one it met."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Any

from netarium.apps.text import neutralise

PORT = 8765
PROTOCOL = "netarium-chat"
VERSION = 1
NAME_CHARACTERS_MAX = 32
TEXT_CHARACTERS_MAX = 2000
REQUEST_BYTES_MAX = 16 * 1024  # a text of 2,000 characters, each escaped as 6 bytes, and its frame
REPLY_BYTES_MAX = 1024 * 1024  # what a client takes from a server
ROOMS_PER_CLIENT_MAX = 20
HISTORY_MESSAGES = 50
NAMES_LISTED = 200
# What is no request of a session: hellos, and of a WebSocket pings, pongs and fragments. No --flood 0 lifts this.
ASIDES_PER_SECOND, ASIDES_BURST = 5.0, 50.0


@dataclass(frozen=True)
class Limits:
    """What one server allows and how long it waits; times in seconds, rates per second."""

    clients: int = 5000
    queue_bytes: int = 1024 * 1024
    messages_per_second: float = 20.0
    messages_burst: float = 60.0
    heartbeat: float = 15.0
    hello: float = 10.0
    grace: float = 60.0
    session: float = 7 * 86400.0
    history: float = 365 * 86400.0


class Refusal(Exception):
    """A request is refused; the client is told code and text, and stays."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


class Expulsion(Exception):
    """The client broke the protocol or has no right to be here;

    It is told code and text, and the connection ends.
    """

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


def field_text(message: dict[str, Any], field: str, default: str | None = None) -> str:
    """A field that must be text."""
    value = message.get(field, default)
    if not isinstance(value, str):
        raise Expulsion("bad-message", f"{message.get('type')!r:.40}: the field {field!r} must be text")
    return value


def field_count(message: dict[str, Any], field: str, default: int | None = None) -> int:
    """A field that must be a whole number from 0 to 2**62."""
    value = message.get(field, default)
    if type(value) is not int or not 0 <= value <= 1 << 62:
        raise Expulsion(
            "bad-message", f"{message.get('type')!r:.40}: the field {field!r} must be a number from 0"
        )
    return value


def clean_name(text: str, what: str = "name") -> str:
    """A nick or room name: 1 to 32 letters, digits, '-', '_'; a room may be written with '#'."""
    name = unicodedata.normalize("NFKC", text.strip().removeprefix("#"))
    if not name:
        raise Refusal("bad-name", f"a {what} is missing")
    if len(name) > NAME_CHARACTERS_MAX:
        raise Refusal(
            "bad-name", f"a {what} has at most {NAME_CHARACTERS_MAX} characters; this has {len(name)}"
        )
    # Combining marks count as letters here: many scripts cannot be written without them.
    if not all(c.isalnum() or c in "-_" or unicodedata.category(c) in ("Mn", "Mc") for c in name):
        raise Refusal(
            "bad-name", f"a {what} has letters, digits, '-' and '_' only: {neutralise(name)!r} has others"
        )
    if not any(c.isalnum() for c in name):
        raise Refusal("bad-name", f"a {what} needs a letter or a digit")
    return name


def same_name(name: str) -> str:
    """The form by which two names clash: Ann and ann are one."""
    return name.casefold()


def clean_text(text: str) -> str:
    """A text to say: 1 to 2,000 characters, control characters neutralised."""
    if len(text) > TEXT_CHARACTERS_MAX:
        raise Refusal("long", f"a text has at most {TEXT_CHARACTERS_MAX} characters; this has {len(text)}")
    text = neutralise(text)
    if not text.strip():
        raise Refusal("empty", "the text is empty")
    return text


class Bucket:
    """A token bucket: how long a client that talks too fast is to be left waiting."""

    __slots__ = ("_burst", "_filled", "_rate", "_tokens")

    def __init__(self, rate: float, burst: float) -> None:
        self._rate, self._burst = rate, burst
        self._tokens, self._filled = burst, 0.0

    def delay(self, now: float, count: int = 1) -> float:
        """Take one or more; 0, or the seconds to wait before the next may be taken. A rate of 0 sets no limit."""
        if not self._rate:
            return 0.0
        self._tokens = min(self._burst, self._tokens + (now - self._filled) * self._rate) - count
        self._filled = now
        return 0.0 if self._tokens >= 0.0 else -self._tokens / self._rate
