"""Adaptations of single libraries that look behind the curtain; each says what it is about.

trio._socket   accepts sockets by `type(sock) is socket.socket`, which a twin is not: inside a task the module's
               `socket.socket` is the twin. It also captures the C methods of sockets: they are looked up late
_queue         imported afresh, as test suites do, it has its C class again, which would stop the OS thread for all
ssl            its randomness is the program's
urllib.request install_opener is for one program
trio._core._thread_cache
               keeps idle threads for the next job: those of one process must not be given jobs of another
"""

from __future__ import annotations

import queue
import socket
import sys
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec, PathFinder
from types import MethodDescriptorType, ModuleType
from typing import Any
from weakref import WeakKeyDictionary

from netarium.programs.shims.interpreter import adapt_urllib
from netarium.programs.shims.machine import adapt_ssl
from netarium.programs.shims.socket import SimSocket
from netarium.programs.shims.thread import SimpleQueue
from netarium.programs.streams import current_task


class _SocketModule:
    """The module `socket` as trio sees it."""

    def __getattr__(self, name: str) -> Any:
        if name == "socket" and current_task() is not None:
            return SimSocket
        return getattr(socket, name)


def _late(name: str) -> Callable[..., Any]:
    def method(sock: Any, *args: Any, **keywords: Any) -> Any:
        return getattr(sock, name)(*args, **keywords)

    return method


def _adapt_trio(module: Any) -> None:
    module._stdlib_socket = _SocketModule()
    for value in list(vars(module._SocketType).values()):
        for cell in getattr(value, "__closure__", None) or ():
            captured = cell.cell_contents
            if isinstance(captured, MethodDescriptorType) and issubclass(
                socket.socket, captured.__objclass__
            ):
                cell.cell_contents = _late(captured.__name__)


class _ThreadCaches:
    """trio's cache of idle threads: the real one outside, one per process inside."""

    def __init__(self, outside: Any) -> None:
        self._outside = outside
        self._inside: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()

    def __getattr__(self, name: str) -> Any:
        task = current_task()
        if task is None:
            return getattr(self._outside, name)
        cache = self._inside.get(task.process)
        if cache is None:
            cache = self._inside[task.process] = type(self._outside)()
        return getattr(cache, name)


def _adapt_trio_threads(module: Any) -> None:
    module.THREAD_CACHE = _ThreadCaches(module.THREAD_CACHE)


def _adapt_queue(module: Any) -> None:
    module.SimpleQueue = SimpleQueue
    module.Empty = queue.Empty  # what the virtual one raises


ADAPTATIONS: dict[str, Callable[[Any], None]] = {
    "_queue": _adapt_queue,
    "ssl": adapt_ssl,
    "urllib.request": adapt_urllib,
    "trio._socket": _adapt_trio,
    "trio._core._thread_cache": _adapt_trio_threads,
}


class AdaptingFinder:
    """Adapts a module of `ADAPTATIONS` right after it was imported."""

    @staticmethod
    def find_spec(
        name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The ordinary spec, with a loader that adapts."""
        adapt = ADAPTATIONS.get(name)
        if adapt is None:
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec is None or spec.loader is None:
            return spec
        loader: Any = spec.loader
        execute = loader.exec_module

        def exec_module(module: ModuleType) -> None:
            execute(module)
            adapt(module)

        loader.exec_module = exec_module
        return spec


def install() -> None:
    """Adapt what is imported already; what comes later when it comes."""
    for name, adapt in ADAPTATIONS.items():
        if name in sys.modules:
            adapt(sys.modules[name])
    sys.meta_path.insert(0, AdaptingFinder)
