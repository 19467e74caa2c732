"""Texts in columns of a terminal, where a Chinese character takes two. Used wherever the story is printed."""

from __future__ import annotations

import re
from unicodedata import east_asian_width

_NO_LINE_BEGINS_WITH = "，。、；：？！）》」』”’…,.;:?!)]}"
"""Closing marks stay with the character before them (as Chinese typesetting asks for)."""
_PIECES = re.compile(r"\s+|[⺀-￯]|[^\s⺀-￯]+")


def width(text: str) -> int:
    """How many columns a text takes on a terminal: wide characters two, all others one."""
    return sum(2 if east_asian_width(character) in "WF" else 1 for character in text)


def pad(text: str, columns: int) -> str:
    """The text with blanks after it, so that it takes so many columns; a longer one as it is."""
    return text + " " * (columns - width(text))


def wrapped(text: str, columns: int) -> list[str]:
    """The text in lines of at most so many columns, broken at blanks and between Chinese characters.

    A word longer than a line has a line of its own. At least one line, which may be empty.
    """
    lines = [""]
    used = 0
    for piece in _bound(text):
        wide = width(piece)
        if used + width(piece.rstrip()) > columns and lines[-1].strip():
            lines[-1] = lines[-1].rstrip()
            piece = piece.lstrip()
            wide = width(piece)
            lines.append("")
            used = 0
        lines[-1] += piece
        used += wide
    lines[-1] = lines[-1].rstrip()
    return lines


def _bound(text: str) -> list[str]:
    """The pieces between which a line may end: words with the blanks before them, single wide characters."""
    pieces: list[str] = []
    blanks = ""
    for piece in _PIECES.findall(text):
        if piece.isspace():
            blanks += " " * len(piece)
        elif (
            pieces and not blanks and (piece[0] in _NO_LINE_BEGINS_WITH or not _may_break(pieces[-1], piece))
        ):
            pieces[-1] += piece
        else:
            pieces.append(blanks + piece)
            blanks = ""
    return pieces


def _may_break(before: str, after: str) -> bool:
    """Two pieces without a blank between: only where one side is a wide character, and not after an opening mark."""
    if before[-1] in "（《「『“‘([{":
        return False
    return width(before[-1]) == 2 or width(after[0]) == 2
