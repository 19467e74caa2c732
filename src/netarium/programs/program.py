"""`Program`: something that can be run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from netarium.programs.process import Process


@dataclass
class Program:
    """A program that can be run: `stem` names it, `argv` is what it sees, `main(process)` runs it and returns.

    `folder` is where its own modules are (None for callables and tools); `private` asks for private library modules.
    `capabilities` are those of its file, such as `net_raw` for ping.
    """

    stem: str
    argv: list[str]
    main: Callable[[Process], Any]
    path: Path | None = None
    folder: Path | None = None
    private: bool = False
    capabilities: frozenset[str] = field(default_factory=frozenset)
