"""Messages about what users wrote: the nearest word to one that is not known, and where in a node an error is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from netarium.errors import UsageError


def suggest(word: str, known: Iterable[str]) -> str:
    """The end of a message about an unknown word: the nearest known one, or all of them."""
    from difflib import get_close_matches

    words = list(known)
    near = get_close_matches(word, words, n=1, cutoff=0.6)
    if near:
        return f"; did you mean {near[0]!r}?"
    return f"; known here: {', '.join(words)}" if words else ""


def keyed(value: Any, what: str, form: str) -> Mapping[Any, Any]:
    """`value`, which must be a mapping; else UsageError, with `form` as what would be right."""
    if not isinstance(value, Mapping):
        raise UsageError(f"{what}: {value!r} does not fit; write {form}")
    return value


def texts(value: Any, what: str, form: str) -> tuple[str, ...]:
    """The texts in `value`: one, several, or none by None; else UsageError, with `form` as what would be right."""
    listed = () if value is None else (value,) if isinstance(value, str) else value
    if not isinstance(listed, (list, tuple)) or not all(isinstance(each, str) for each in listed):
        raise UsageError(f"{what}: {value!r} does not fit; write {form}")
    return tuple(listed)


class PartError(UsageError):
    """An error in one keyword; `part` leads to it from the node, so that a lab file's line can be named.

    `line` leads on from there to the line, by keys that the message says already.
    """

    def __init__(self, message: str, part: tuple[str, ...], line: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.part = part
        self.line = line


@contextmanager
def within(key: str) -> Iterator[None]:
    """Let a UsageError of what is done inside lead to the line of `key`."""
    try:
        yield
    except UsageError as error:
        raise PartError(str(error), (), (key, *getattr(error, "line", ()))) from None
