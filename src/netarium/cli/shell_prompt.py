"""Reading lines for `netarium shell`: prompt-toolkit (history, completion) on a terminal, plain lines otherwise."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from netarium.errors import UsageError

if TYPE_CHECKING:
    from netarium.cli.shell import Shell


def read_lines(session: Shell) -> Iterator[str]:
    """The lines that are typed, until Ctrl-D. Raises UsageError when the terminal needs what is not installed."""
    if not sys.stdin.isatty():
        return (line.rstrip("\n") for line in sys.stdin)
    try:
        import prompt_toolkit  # noqa: F401
    except ImportError as error:
        raise UsageError(
            "the shell needs prompt-toolkit: pip install 'netarium[apps]' (lines piped into it need nothing)"
        ) from error
    return _typed(session)


def _typed(session: Shell) -> Iterator[str]:
    from prompt_toolkit import PromptSession
    from prompt_toolkit.completion import WordCompleter
    from prompt_toolkit.history import InMemoryHistory

    typed: PromptSession[str] = PromptSession(
        history=InMemoryHistory(),
        completer=WordCompleter(session.words(), WORD=True),
        complete_while_typing=False,
    )
    while True:
        try:
            yield typed.prompt(session.prompt)
        except KeyboardInterrupt:
            continue  # as a shell: a new line
        except EOFError:
            return
