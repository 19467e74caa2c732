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
_real_chdir = os.chdir
_directory_now = ""
_stdin: Any = None
_stdout: Any = None
_stderr: Any = None


def enter(proxies: dict[str, Any]) -> None:
    """The net begins to run: remember the outside, put the stream proxies in place."""
    global outside, _directory_now, _stdin, _stdout, _stderr
    outside = Outside()
    try:
        outside.directory = _directory_now = os.getcwd()
    except FileNotFoundError:
        outside.directory = _directory_now = ""
    asyncio.set_policy(None)
    sys.stdin = _stdin = proxies["stdin"]
    sys.stdout = _stdout = proxies["stdout"]
    sys.stderr = _stderr = proxies["stderr"]


def leave() -> None:
    """The net stops running: the outside is as it was. No process is switched in any more."""
    global outside, _directory_now
    if outside is None:
        return
    sys.argv, sys.path = outside.argv, outside.path
    asyncio.set_policy(outside.loop_policy)
    for name in STREAMS:
        setattr(sys, name, outside.streams[name])
    if outside.directory and outside.directory != _directory_now:
        _real_chdir(outside.directory)
        _directory_now = outside.directory
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
        """Put the process' part in place. Called at every change of process: kept short."""
        global _directory_now
        if self.path is None:
            folder = self.process.program.folder
            self.path = ([str(folder)] if folder is not None else []) + list(sys.path)
        sys.argv = self.argv
        sys.path = self.path
        if self.directory != _directory_now:
            _real_chdir(self.directory)
            _directory_now = self.directory
        if self.values:
            for name, value in self.values.items():
                setattr(sys, name, value)
        if self.loop_policy is not None:
            asyncio.set_policy(self.loop_policy)
        if self._private:
            self._modules_in()

    def switch_out(self) -> None:
        """Take the process' part away and remember what the program changed."""
        self.argv = sys.argv
        self.path = sys.path
        self.directory = _directory_now
        if "asyncio.events" in sys.modules:
            self.loop_policy = asyncio.policy()
            if self.loop_policy is not None:
                asyncio.set_policy(None)
        if sys.stdout is not _stdout or sys.stderr is not _stderr or sys.stdin is not _stdin or self.values:
            self._take_streams()
        if self._private:
            self._modules_out()

    def _take_streams(self) -> None:
        self.values = {}
        for name, proxy in zip(STREAMS, (_stdin, _stdout, _stderr), strict=True):
            value = getattr(sys, name)
            if value is not proxy:
                self.values[name] = value
                setattr(sys, name, proxy)

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
