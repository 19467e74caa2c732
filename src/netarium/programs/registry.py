"""The tools a host has in its /bin, by name. `netarium.tools` fills it; the loader asks it.

A tool is an ordinary program with a function `main(arguments) -> exit code`. Its file may carry capabilities, as
ping's carries CAP_NET_RAW on Linux.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

from netarium.programs.program import Program

if TYPE_CHECKING:
    from netarium.programs.process import Process


@dataclass(frozen=True)
class Tool:
    """One tool: the module that has `main`, imported when it is run."""

    name: str
    module: str
    summary: str
    capabilities: frozenset[str] = frozenset()
    needs_network: bool = True
    """False: it opens no sockets and reads no addresses, so it runs on a box without IP too."""

    def program(self, words: list[str]) -> Program:
        """The tool as a program that was called with these words."""

        def main(process: Process) -> None:
            sys.exit(import_module(self.module).main(sys.argv[1:]))

        return Program(self.name, words, main, capabilities=self.capabilities)


_tools: dict[str, Tool] = {}


def add(tool: Tool) -> None:
    """Make a tool known."""
    _tools[tool.name] = tool


def find(name: str) -> Tool | None:
    """The tool of this name."""
    return _tools.get(name)


def names(*, needs_network: bool = True) -> list[str]:
    """All tools, sorted; with False only those that need no network."""
    return sorted(name for name, tool in _tools.items() if needs_network or not tool.needs_network)
