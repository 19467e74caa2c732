"""How facts find their words: the texts of a language, names beside addresses, and the terms that were used."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Final

from netarium.story.language import Language

PREVIEW_CHARACTERS: Final = 60
_CUT: Final = "unexpected end of data"
"""What the codec says of a character whose last bytes are missing."""
_NOT_TEXT: Final = re.compile("[\0-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f]")
_HEADERS_TOLD = ("host", "content-type", "content-length", "location")


def measured(value: float) -> str:
    """A measure with three digits that count, never as a power of ten: `0.000001`, `1.5`, `10,000`."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    text = f"{value:.3g}"
    return f"{value:.9f}".rstrip("0").rstrip(".") if "e" in text else text


class Words:
    """The words of one story. `owner` says which node has an address at the moment that is told."""

    def __init__(self, language: Language, owner: Callable[[str], str]) -> None:
        self.language = language
        self.owner = owner
        self._terms: dict[str, None] = {}

    def text(self, key: str, **values: object) -> str:
        """A text with its values; the terms it marks are remembered until `take_terms`."""
        text, terms = self.language.marked(key, **values)
        self._terms.update(dict.fromkeys(terms))
        return text

    def plural(self, key: str, n: int, **values: object) -> str:
        """A text for `n` things."""
        text, terms = self.language.marked_plural(key, n, **values)
        self._terms.update(dict.fromkeys(terms))
        return text

    def who(self, address: str) -> str:
        """`web (202.173.11.10)`: the node that has an address, or the address alone."""
        owner = self.owner(address)
        return f"{owner} ({address})" if owner else address

    def listed(self, items: Iterable[object]) -> str:
        """Things one after the other, with the language's comma."""
        return self.language.text("list.comma").join(str(each) for each in items)

    def clipped(self, text: str) -> str:
        """A text of which ` ...` says that there is more, in a sentence."""
        return self.text("preview.more", text=text[:-4]) if text.endswith(" ...") else text

    def take_terms(self) -> list[str]:
        """The terms marked since this was asked for last."""
        found = list(self._terms)
        self._terms.clear()
        return found


def preview(data: bytes, whole: bool = True) -> dict[str, object]:
    """What bytes are to a reader: their text if they are UTF-8, else their hexadecimal beginning.

    `text`: the first line, of HTTP also what it is about; "" for what is no text. `more`: whether there is more.
    `hex`: of what is no UTF-8, the bytes around the first wrong one, which is number `wrong_at`; `guess`: what they say
    when they are read as GB 18030 instead, "" if that is no text either.
    """
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        if whole or error.reason != _CUT:
            return _no_text(data, error.start, whole)
        text = data[: error.start].decode()  # what was kept ends within a character
    if _NOT_TEXT.search(text):
        return {
            "text": "",
            "more": len(data) > 8 or not whole,
            "hex": data[:8].hex(" "),
            "wrong_at": -1,
            "guess": "",
        }
    first, *more = text.splitlines() or [""]
    if "HTTP/" in first:
        told = [line for line in more if line.partition(":")[0].lower() in _HEADERS_TOLD]
        return {"text": ", ".join([first, *told]), "more": False, "hex": "", "wrong_at": -1, "guess": ""}
    is_all = not more and len(text) <= PREVIEW_CHARACTERS and whole
    shown = repr(text) if is_all else repr(first[:PREVIEW_CHARACTERS])
    return {"text": shown, "more": not is_all, "hex": "", "wrong_at": -1, "guess": ""}


def _no_text(data: bytes, wrong_at: int, whole: bool) -> dict[str, object]:
    """Text in some other code is shown about its first wrong byte; what is no text at all, from its first byte on."""
    is_text = all((byte >= 32 and byte != 127) or byte in (9, 10, 13) for byte in data)
    start = max(wrong_at - 2, 0) if is_text else 0
    try:
        guess = data[:PREVIEW_CHARACTERS].decode("gb18030")
    except UnicodeDecodeError:
        guess = ""
    if not any("\u4e00" <= each <= "\u9fff" for each in guess) or not guess.isprintable():
        guess = ""
    return {
        "text": "",
        "more": len(data) > start + 8 or not whole,
        "hex": data[start : start + 8].hex(" "),
        "wrong_at": wrong_at if is_text else -1,
        "guess": guess if is_text else "",
    }
