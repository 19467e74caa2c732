"""Messages about what users wrote: the nearest word to one that is not known, and where in a node an error is."""

from __future__ import annotations

from collections.abc import Iterable

from netarium.errors import UsageError


def suggest(word: str, known: Iterable[str]) -> str:
    """The end of a message about an unknown word: the nearest known one, or all of them."""
    from difflib import get_close_matches

    words = list(known)
    near = get_close_matches(word, words, n=1, cutoff=0.6)
    if near:
        return f"; did you mean {near[0]!r}?"
    return f"; known here: {', '.join(words)}" if words else ""


class PartError(UsageError):
    """An error in one keyword; `part` leads to it from the node, so that a lab file's line can be named."""

    def __init__(self, message: str, part: tuple[str, ...]) -> None:
        super().__init__(message)
        self.part = part
