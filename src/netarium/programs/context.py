"""What of the interpreter belongs to one process: its sys.argv, sys.path, working directory and own modules.

Standard streams, exception hooks, sys.argv and sys.path are proxies that look at the current greenlet (see
`shims/sys.py`), so a real thread of the test never meets a program's. What cannot be a proxy is swapped when the
scheduler changes processes, and put back when it stops driving: what the program has put in a proxy's place itself
(`sys.stdout = ...`), the working directory (only where a program's is not the test's), and the entries of sys.modules
that are the program's own files. These a real thread may meet while the net runs.

Own files are those under the program's folder, plus `PRIVATE_LIBRARIES`: modules with state that programs change
(`http.server`'s version string, socketserver's class attributes, logging's root logger).
"""

from __future__ import annotations

import os
import sys
import tempfile
import threading
import warnings
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

from netarium.programs import loops

if TYPE_CHECKING:
    from netarium.programs.process import Process

PRIVATE_LIBRARIES: Final = (
    "socketserver",
    "http",
    "xmlrpc",
    "ftplib",
    "smtplib",
    "logging",
    "mimetypes",
    "twisted",
    "pyftpdlib",
)
"""twisted makes its reactor, and that its epoll, when it is imported; pyftpdlib keeps one loop for all its servers."""
PRIVATE_TO_CALLABLES: Final = ("twisted", "pyftpdlib")
"""A function of the test shares its modules with the test; so these alone."""
_NEVER_PRIVATE: Final = frozenset(sys.builtin_module_names) | {"netarium", "greenlet"}
SHARED: Final[tuple[tuple[ModuleType, str], ...]] = (
    (sys, "stdin"),
    (sys, "stdout"),
    (sys, "stderr"),
    (sys, "excepthook"),
    (threading, "excepthook"),
    (sys, "unraisablehook"),
    (sys, "argv"),
    (sys, "path"),
)
"""Where proxies stand while the net runs, and a program may put something of its own."""
_DEFAULT_HOOKS: Final[tuple[tuple[ModuleType, str], ...]] = (
    (sys, "__excepthook__"),
    (threading, "__excepthook__"),
    (sys, "__unraisablehook__"),
)
"""Where the proxies of the hooks (the fourth and those after it) stand too: programs compare the hook with these."""
_HOOKS: Final = slice(3, 6)


def _read_watched() -> tuple[Any, ...]:
    ssl: Any = sys.modules.get("ssl")
    https = None if ssl is None else ssl._create_default_https_context
    return (
        sys.displayhook,
        sys.breakpointhook,
        sys.dont_write_bytecode,
        tempfile.tempdir,
        warnings.showwarning,
        None if https is None or https is ssl.create_default_context else https,
    )


def _put(values: tuple[Any, ...]) -> None:
    """The values in places that programs assign to, in the order of `_read_watched`; None for ssl's own."""
    sys.displayhook, sys.breakpointhook, sys.dont_write_bytecode, tempfile.tempdir, warnings.showwarning = (
        values[:5]
    )
    ssl: Any = sys.modules.get("ssl")
    if ssl is not None:
        ssl._create_default_https_context = values[5] or ssl.create_default_context


def own_modules(folder: Path) -> list[str]:
    """The names of the top-level modules and packages in a program's folder, sorted."""
    names = []
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except NotADirectoryError:
        return _modules_of_archive(folder)
    except OSError:
        return []
    for entry in entries:
        stem, suffix = os.path.splitext(entry.name)
        if suffix == ".py" or (entry.is_dir() and os.path.exists(os.path.join(entry.path, "__init__.py"))):
            name = stem if suffix == ".py" else entry.name
            if name.isidentifier() and name not in _NEVER_PRIVATE:
                names.append(name)
    return names


def _modules_of_archive(path: Path) -> list[str]:
    from zipfile import ZipFile

    with ZipFile(path) as archive:
        parts = [name.split("/") for name in archive.namelist()]
    names = {
        each[0].removesuffix(".py")
        for each in parts
        if each[0].endswith(".py") or each[1:] == ["__init__.py"]
    }
    return sorted(name for name in names if name.isidentifier() and name not in _NEVER_PRIVATE)


class Outside:
    """What the test process had before the net began to run."""

    def __init__(self) -> None:
        self.shared = [getattr(module, name) for module, name in SHARED]
        self.defaults = [getattr(module, name) for module, name in _DEFAULT_HOOKS]
        self.directory = ""
        self.loop_policy = loops.policy()


outside: Outside | None = None
"""Set while the net runs (between `shims.enter_net` and `leave_net`)."""
_real_chdir, _real_umask = os.chdir, os.umask
_directory_now = ""
_proxies: tuple[Any, ...] = ()
_watched_outside: tuple[Any, ...] = ()


def enter(proxies: tuple[Any, ...]) -> None:
    """The net begins to run: remember the outside, put the proxies in the places of `SHARED`."""
    global outside, _directory_now, _proxies, _watched_outside
    outside = Outside()
    _watched_outside = _read_watched()
    try:
        outside.directory = _directory_now = os.getcwd()
    except FileNotFoundError:
        outside.directory = _directory_now = ""
    loops.set_policy(None)
    _proxies = proxies
    for (module, name), proxy in zip(SHARED + _DEFAULT_HOOKS, proxies + proxies[_HOOKS], strict=True):
        setattr(module, name, proxy)


def leave() -> None:
    """The net stops running: the outside is as it was. No process is switched in any more."""
    global outside, _directory_now
    if outside is None:
        return
    loops.set_policy(outside.loop_policy)
    values = outside.shared + outside.defaults
    for (module, name), value in zip(SHARED + _DEFAULT_HOOKS, values, strict=True):
        setattr(module, name, value)
    if outside.directory and outside.directory != _directory_now:
        _real_chdir(outside.directory)
        _directory_now = outside.directory
    outside = None


class Kept:
    """State of the interpreter that a program has changed: how it is read and set, the outside's, the program's."""

    __slots__ = ("get", "outside", "own", "set")

    def __init__(self, get: Callable[[], Any], set: Callable[[Any], Any]) -> None:
        self.get = get
        self.set = set
        self.own: Any = None
        self.outside = get()


class ProgramContext:
    """One process' part of the interpreter, put in place and taken away by the scheduler."""

    def __init__(self, process: Process) -> None:
        self.process = process
        folder = process.program.folder
        self.argv = list(process.argv)
        self.path: list[str] = []
        """Filled when the process runs for the first time."""
        self.directory = os.path.abspath(process.directory)
        self.values: list[tuple[ModuleType, str, Any]] = []
        """What the program has put in places of `SHARED`."""
        self.modules: dict[str, ModuleType] = {}
        """The program's own entries of sys.modules, while it is not active."""
        self.tops: frozenset[str] = frozenset()
        if folder is not None or process.program.private:
            names = list(PRIVATE_LIBRARIES) + (own_modules(folder) if folder is not None else [])
            self.tops = frozenset(names) | {"__main__", "__mp_main__"}
        else:
            self.tops = frozenset(PRIVATE_TO_CALLABLES)
        self.loop_policy: Any = None
        self.chosen: Any = None
        """What `shims/interpreter` keeps of it."""
        self._kept: dict[str, Kept] = {}
        self._watched: tuple[Any, ...] = ()
        """The values it has put in places that are watched; empty when it has put none."""
        self._umask: int | None = None
        self._umask_outside = 0
        self._hidden: dict[str, ModuleType] = {}
        self._known = -1

    def switch_in(self) -> None:
        """Put the process' part in place. Called at every change of process: kept short."""
        global _directory_now
        if not self.path:
            folder = self.process.program.folder
            self.path = ([str(folder)] if folder is not None else []) + list(sys.path)
        if self.directory != _directory_now:
            _real_chdir(self.directory)
            _directory_now = self.directory
        if self._umask is not None:
            self._umask_outside = _real_umask(self._umask)
        if self.values:
            for module, name, value in self.values:
                setattr(module, name, value)
        if self._kept:
            for kept in self._kept.values():
                kept.outside = kept.get()
                kept.set(kept.own)
        if self._watched:
            _put(self._watched)
        if self.loop_policy is not None:
            loops.set_policy(self.loop_policy)
        if self.modules or self._hidden or len(sys.modules) != self._known:
            self._modules_in()

    def switch_out(self) -> None:
        """Take the process' part away and remember what the program changed."""
        self.directory = _directory_now
        if self._umask is not None:
            _real_umask(self._umask_outside)
        if "asyncio.events" in sys.modules:
            self.loop_policy = loops.policy()
            if self.loop_policy is not None:
                loops.set_policy(None)
        if self._kept:
            for kept in self._kept.values():
                kept.own = kept.get()
                kept.set(kept.outside)
        watched = _read_watched()
        if watched != _watched_outside:
            self._watched = watched
            _put(_watched_outside)
        elif self._watched:
            self._watched = ()
        stdin, stdout, stderr, hook, thread_hook, unraisable_hook, argv, path = _proxies
        if (
            sys.stdout is not stdout
            or sys.stderr is not stderr
            or sys.stdin is not stdin
            or sys.excepthook is not hook
            or threading.excepthook is not thread_hook
            or sys.unraisablehook is not unraisable_hook
            or sys.argv is not argv
            or sys.path is not path
            or self.values
        ):
            self._take_values()
        if self.modules or self._hidden or len(sys.modules) != self._known:
            self._modules_out()

    def _take_values(self) -> None:
        self.values = []
        for (module, name), proxy in zip(SHARED, _proxies, strict=True):
            value = getattr(module, name)
            if value is not proxy:
                self.values.append((module, name, value))
                setattr(module, name, proxy)

    def keep(self, name: str, get: Callable[[], Any], set: Callable[[Any], Any]) -> bool:
        """From now on this state is the process' own, which is switched in; whether it was not before."""
        if name in self._kept:
            return False
        self._kept[name] = Kept(get, set)
        return True

    def own_stream(self, name: str) -> Any:
        """The stream the program has put in place of `sys.NAME`, or None. Only while the process is switched in."""
        value = getattr(sys, name)
        return None if any(value is proxy for proxy in _proxies) else value

    def own_loaded(self) -> list[ModuleType]:
        """`__main__` and the modules of the program's folder, `__main__` first, else the last imported first."""
        loaded = sys.modules if self.process.scheduler.active is self.process else self.modules
        if "__main__" not in self.tops or "__main__" not in loaded:
            return []
        tops = {name for name in self.tops if name in loaded}.difference(PRIVATE_LIBRARIES, ("__main__",))
        names = [name for name in loaded if name.partition(".")[0] in tops] if tops else []
        found = [loaded["__main__"], *(loaded[name] for name in reversed(names))]
        return [each for each in found if type(each) is ModuleType]

    def change_directory(self, directory: str) -> None:
        """os.chdir of this process has happened."""
        global _directory_now
        self.directory = _directory_now = directory

    def change_umask(self, mask: int) -> int:
        """os.umask of this process, which is switched in; the mask before."""
        before = _real_umask(mask)
        if self._umask is None:
            self._umask_outside = before
        self._umask = mask & 0o777
        return before

    def umask(self) -> int:
        """The mask of this process, which is switched in, or that of the OS process when it has set none."""
        if self._umask is not None:
            return self._umask
        mask = _real_umask(0o022)
        _real_umask(mask)
        return mask

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
