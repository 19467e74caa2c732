"""What of the interpreter belongs to one process: its sys.argv, sys.path, working directory and own modules.

Standard streams are proxies that look at the current greenlet (see `shims/sys.py`), so a real thread of the test never
meets a program's. What cannot be a proxy is swapped when the scheduler changes processes, and put back when it stops
driving: sys.argv, sys.path, a sys.stdout the program has replaced itself, the working directory (only when two
programs differ), and the entries of sys.modules that are the program's own files.

Own files are those under the program's folder, plus `PRIVATE_LIBRARIES`: modules of the standard library with state that
programs change (`http.server`'s version string, socketserver's class attributes, logging's root logger).
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

from netarium.programs.shims import asyncio

if TYPE_CHECKING:
    from netarium.programs.process import Process

PRIVATE_LIBRARIES: Final = ("socketserver", "http", "xmlrpc", "ftplib", "smtplib", "logging")
_NEVER_PRIVATE: Final = frozenset(sys.builtin_module_names) | {"netarium", "greenlet"}
STREAMS: Final = ("stdin", "stdout", "stderr")


def own_modules(folder: Path) -> list[str]:
    """The names of the top-level modules and packages in a program's folder, sorted."""
    names = []
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        return []
    for entry in entries:
        stem, suffix = os.path.splitext(entry.name)
        if suffix == ".py" or (entry.is_dir() and os.path.exists(os.path.join(entry.path, "__init__.py"))):
            name = stem if suffix == ".py" else entry.name
            if name.isidentifier() and name not in _NEVER_PRIVATE:
                names.append(name)
    return names


class Outside:
    """What the test process had before the net began to run."""

    def __init__(self) -> None:
        self.argv = sys.argv
        self.path = sys.path
        self.streams: dict[str, Any] = {name: getattr(sys, name) for name in STREAMS}
        self.directory = ""
        self.loop_policy = asyncio.policy()


outside: Outside | None = None
"""Set while the net runs (between `shims.enter_net` and `leave_net`)."""
_directory_now = ""


def _go_to(directory: str) -> None:
    global _directory_now
    if directory != _directory_now:
        from netarium.programs.shims import os as os_shim

        os_shim.real_chdir(directory)
        _directory_now = directory


def enter(proxies: dict[str, Any]) -> None:
    """The net begins to run: remember the outside, put the stream proxies in place."""
    global outside, _directory_now
    outside = Outside()
    try:
        outside.directory = _directory_now = os.getcwd()
    except FileNotFoundError:
        outside.directory = _directory_now = ""
    for name in STREAMS:
        setattr(sys, name, proxies[name])


def leave() -> None:
    """The net stops running: the outside is as it was."""
    global outside
    if outside is None:
        return
    for name in STREAMS:
        setattr(sys, name, outside.streams[name])
    if outside.directory:
        _go_to(outside.directory)
    outside = None


class ProgramContext:
    """One process' part of the interpreter, put in place and taken away by the scheduler."""

    def __init__(self, process: Process) -> None:
        self.process = process
        folder = process.program.folder
        self.argv = list(process.argv)
        self.path: list[str] | None = None
        self.directory = os.path.abspath(process.directory)
        self.values: dict[str, Any] = {}
        """Streams the program has put in place of its own: name -> object."""
        self.modules: dict[str, ModuleType] = {}
        """The program's own entries of sys.modules, while it is not active."""
        self.tops: frozenset[str] = frozenset()
        self._private = folder is not None or process.program.private
        if self._private:
            names = list(PRIVATE_LIBRARIES) + (own_modules(folder) if folder is not None else [])
            self.tops = frozenset(names) | {"__main__", "__mp_main__"}
        self.loop_policy: Any = None
        self._hidden: dict[str, ModuleType] = {}
        self._known = -1

    def switch_in(self) -> None:
        """Put the process' part in place."""
        folder = self.process.program.folder
        if self.path is None:
            self.path = ([str(folder)] if folder is not None else []) + list(sys.path)
        sys.argv = self.argv
        sys.path = self.path
        _go_to(self.directory)
        for name, value in self.values.items():
            setattr(sys, name, value)
        asyncio.set_policy(self.loop_policy)
        if self._private:
            self._modules_in()

    def switch_out(self) -> None:
        """Take the process' part away and remember what the program changed."""
        from netarium.programs.shims import sys as sys_shim

        assert outside is not None
        global _directory_now
        self.argv, self.path = sys.argv, sys.path
        sys.argv, sys.path = outside.argv, outside.path
        self.directory = _directory_now
        self.loop_policy = asyncio.policy()
        asyncio.set_policy(outside.loop_policy)
        for name in STREAMS:
            proxy = sys_shim.proxies[name]
            value = getattr(sys, name)
            if value is not proxy:
                self.values[name] = value
                setattr(sys, name, proxy)
            else:
                self.values.pop(name, None)
        if self._private:
            self._modules_out()

    def change_directory(self, directory: str) -> None:
        """os.chdir of this process has happened."""
        global _directory_now
        self.directory = _directory_now = directory

    def _modules_in(self) -> None:
        modules = sys.modules
        hidden = self._hidden
        tops = self.tops
        if self._known < 0 or len(modules) != self._known:
            names = [name for name in modules if name.partition(".")[0] in tops]
        else:
            names = list(hidden)
        hidden.clear()
        for name in names:
            hidden[name] = modules.pop(name)
        modules.update(self.modules)
        self._known = len(modules)

    def _modules_out(self) -> None:
        modules = sys.modules
        tops = self.tops
        if len(modules) != self._known:
            self.modules = {
                name: module for name, module in modules.items() if name.partition(".")[0] in tops
            }
        for name in self.modules:
            modules.pop(name, None)
        modules.update(self._hidden)
        self._known = len(modules)
