"""Characters of a script: where we are, comments, and what comes next."""

from __future__ import annotations

import re

from netarium.testing.packetscript.script import ScriptError

_SPACE = re.compile(r"(?:\s+|//[^\n]*|\#[^\n]*|/\*.*?\*/)+", re.DOTALL)


class Scanner:
    """A place in the text of a script."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.line = 1
        """The line where the event began that is being read."""

    def begin(self) -> None:
        """An event begins here."""
        self.skip()
        self.line = self.text.count("\n", 0, self.at) + 1

    def skip(self) -> None:
        """Pass spaces and comments."""
        found = _SPACE.match(self.text, self.at)
        if found:
            self.at = found.end()

    def at_end(self) -> bool:
        """Whether only spaces and comments are left."""
        self.skip()
        return self.at >= len(self.text)

    def take(self, pattern: str) -> re.Match[str] | None:
        """What fits `pattern` here, passed; None when nothing does."""
        self.skip()
        found = re.compile(pattern, re.DOTALL).match(self.text, self.at)
        if found:
            self.at = found.end()
        return found

    def want(self, pattern: str, what: str) -> re.Match[str]:
        """As `take`, but ScriptError when nothing fits; `what` says what would be right."""
        found = self.take(pattern)
        if found is None:
            raise self.error(f"{self.rest()!r} where {what} should stand")
        return found

    def sees(self, text: str) -> bool:
        """Whether `text` comes next; it is not passed."""
        self.skip()
        return self.text.startswith(text, self.at)

    def rest(self) -> str:
        """What is left of the line."""
        return self.text[self.at :].split("\n", 1)[0].strip()[:60]

    def error(self, message: str) -> ScriptError:
        """A ScriptError at this place."""
        return ScriptError(self.line, message)
