"""What can be run: a command line, a path, `python -m module`, a tool's name, a callable, a coroutine function.

`load(what, directory)` makes a `Program` of it; `Process` runs it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from netarium.programs.process import Process


@dataclass
class Program:
    """A program that can be run: `stem` names it, `argv` is what it sees, `main(process)` runs it and returns."""

    stem: str
    argv: list[str]
    main: Callable[[Process], Any]
    path: Path | None = None
    folder: Path | None = None
    capabilities: frozenset[str] = field(default_factory=frozenset)
    reads_stdin: bool = False
