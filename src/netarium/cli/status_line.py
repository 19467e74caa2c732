"""One line on the user's terminal that says how far something is, drawn by a real thread while the rest works.

Only there when it takes long: nothing is drawn in the first second. It stands on standard error alone, and is taken
away before anything else is written to the terminal and at the end. Without a terminal there is no thread at all.
"""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

FIRST_S = 1.0
"""Real seconds before the line is drawn at all."""
EVERY_S = 0.25


class StatusLine:
    """Draws what `words` says on the terminal `file`, from another thread: `words` must only look."""

    def __init__(self, file: IO[str], words: Callable[[], Text]) -> None:
        # Imported here, not by the thread: what a program of the net imports meanwhile is none of its business.
        from rich.console import Console

        self._console = Console(file=file, stderr=False, highlight=False, soft_wrap=False)
        self._words = words
        self._lock = threading.RLock()
        self._over = threading.Event()
        self._aside = 0
        self._shown = False
        self._draw_on(Console(file=io.StringIO(), force_terminal=True), words())  # loads what rich loads late
        self._thread = threading.Thread(target=self._draw_often, name="netarium progress", daemon=True)

    def start(self) -> None:
        """Begin to draw, a second from now."""
        self._thread.start()

    def stop(self) -> None:
        """Take the line away, for good."""
        self._over.set()
        with self._lock:
            self._erase()
        self._thread.join(5)

    @contextmanager
    def aside(self) -> Iterator[None]:
        """The line is away meanwhile: somebody else writes to the terminal, or reads it."""
        with self._lock:
            self._aside += 1
            self._erase()
        try:
            yield
        finally:
            with self._lock:
                self._aside -= 1

    def _draw_often(self) -> None:
        left_s = FIRST_S
        while not self._over.wait(left_s):
            left_s = EVERY_S
            try:
                words = self._words()
            except Exception:
                continue  # what it looks at has moved on meanwhile, in whatever way; the next look is soon
            try:
                with self._lock:
                    if not self._aside and not self._over.is_set():
                        self._erase()
                        self._draw_on(self._console, words)
                        self._shown = True
            except (OSError, ValueError):
                return  # the terminal has gone

    @staticmethod
    def _draw_on(console: Console, words: Text) -> None:
        words.truncate(max(console.width - 1, 1), overflow="ellipsis")
        console.print(words, end="")
        console.file.flush()

    def _erase(self) -> None:
        if self._shown:
            from rich.control import Control
            from rich.segment import ControlType

            self._shown = False
            self._console.control(Control(ControlType.CARRIAGE_RETURN, (ControlType.ERASE_IN_LINE, 2)))
            self._console.file.flush()


def terminal_of(file: IO[str]) -> bool:
    """Whether a line can be drawn there and taken away again."""
    import os

    try:
        return file.isatty() and os.environ.get("TERM", "").lower() not in ("", "dumb", "unknown")
    except ValueError:  # closed
        return False
