"""The end of a script's interpreter (Py_FinalizeEx): finalizers are called, in its own context and time.

CPython collects garbage when the modules are out of `sys.modules`, and then clears them. A collection takes long where
a thousand programs end in one process; so finalizers are looked for from the program's own modules, through containers
and objects of its own classes, and called while all of its globals are there, as the collector does (PEP 442). Those
of its own classes are, generators, and what the standard library finalizes: files, archives, tasks. Only where its
classes have a `__del__`, and few programs run, the younger objects are looked at too, for cycles that nobody holds; no
collection does it, for a finalizer may wait, and no other task may run inside one.

The globals stay as they are: the real interpreter lives on, and a function of the program may be registered there.
A function of the test has nothing of this: its module is the test's.
"""

from __future__ import annotations

import builtins
import ctypes
import gc
import sys
from collections import OrderedDict, defaultdict, deque
from functools import partial
from types import AsyncGeneratorType, CellType, FunctionType, GeneratorType, MethodType
from typing import TYPE_CHECKING, Any, Final

from netarium.programs.signals import REAL_INTERRUPTS

if TYPE_CHECKING:
    from netarium.programs.process import Process

LOOKED_AT_MAX: Final = 50_000
"""So many objects of a program are looked at, for those that have a finalizer."""
_CONTAINERS: Final = frozenset(
    (list, tuple, dict, set, frozenset, deque, defaultdict, OrderedDict, MethodType, partial, CellType)
)
_PLAIN: Final = frozenset((int, str, bytes, float, bool, complex, type(None), bytearray, range))
FEW_PROGRAMS: Final = 32
"""With more in a net, cycles that nobody holds are not looked for: each program would look at what all of them made."""
_call_finalizer = ctypes.PYFUNCTYPE(None, ctypes.py_object)(("PyObject_CallFinalizer", ctypes.pythonapi))


class _Search:
    """Looks through what a program's own modules hold."""

    def __init__(self, dictionaries: list[dict[str, Any]], streams: list[Any]) -> None:
        self.own = {id(each) for each in dictionaries}
        self.names = {each.get("__name__") for each in dictionaries}
        shared: list[Any] = [builtins, vars(builtins), *streams]
        self.seen: dict[int, Any] = {id(each): each for each in shared}
        self.found: list[Any] = []
        """What is to be finalized, in the order in which it was met."""
        self.classes: list[type] = []
        """The program's classes with a `__del__`."""
        self._is_own: dict[type, bool] = {}

    def run(self, dictionaries: list[dict[str, Any]]) -> None:
        level: list[Any] = list(dictionaries)
        while level and len(self.seen) < LOOKED_AT_MAX:
            level = [
                each for each in gc.get_referents(*level) if type(each) not in _PLAIN and self._leads_on(each)
            ]

    def _leads_on(self, each: Any) -> bool:
        """Whether to look at what it refers to; notes what has to be finalized."""
        kind = type(each)
        if id(each) in self.seen:
            return False
        if kind in _CONTAINERS:
            pass
        elif kind is FunctionType:
            if id(each.__globals__) not in self.own:
                return False
        elif kind is GeneratorType or kind is AsyncGeneratorType:
            frame = each.gi_frame if kind is GeneratorType else each.ag_frame
            if frame is None or id(frame.f_globals) not in self.own:
                return False
            if kind is GeneratorType:
                self.found.append(each)
        elif isinstance(each, type):
            if not self._is_programs(each):
                return False
            if "__del__" in vars(each):
                self.classes.append(each)
        elif not self._is_programs(kind):
            if hasattr(kind, "__del__") and kind.__module__.partition(".")[0] in sys.stdlib_module_names:
                self.found.append(each)
                self.seen[id(each)] = each
            return False
        elif self._is_finalized(kind):
            self.found.append(each)
        self.seen[id(each)] = each
        return True

    def _is_programs(self, kind: type) -> bool:
        """Whether a class is one of this program's. Many programs call a module `__main__`; functions know whose."""
        known = self._is_own.get(kind)
        if known is None:
            functions = [each for each in vars(kind).values() if isinstance(each, FunctionType)]
            known = kind.__module__ in self.names and (
                not functions or any(id(each.__globals__) in self.own for each in functions)
            )
            self._is_own[kind] = known
        return known

    def _is_finalized(self, kind: type) -> bool:
        finalizer = getattr(kind, "__del__", None)
        if not isinstance(finalizer, FunctionType):
            return finalizer is not None  # of a class of the standard library
        if id(finalizer.__globals__) not in self.own:
            return False
        self.classes += [each for each in kind.__mro__ if "__del__" in vars(each) and self._is_programs(each)]
        return True

    def add_what_nobody_holds(self) -> None:
        """Objects of its classes that are in no module. Those of an old generation are not looked for."""
        kinds = set(self.classes)
        known: dict[type, bool] = {}
        for generation in (1, 0):
            for each in gc.get_objects(generation):
                kind = type(each)
                if kind not in known:
                    known[kind] = not kinds.isdisjoint(kind.__mro__)
                if known[kind] and id(each) not in self.seen:
                    self.found.append(each)


def _held_by_threads(process: Process, dictionaries: list[dict[str, Any]]) -> list[int]:
    """Indices of the globals that a daemon thread still stands in: CPython never gets at these.

    The first are those of `__main__`. While they live so do the modules they name, and of these it clears each.
    """
    standing: set[int] = set()
    for task in process.tasks:
        running = task.greenlet if task is not process.main_task else None
        frame = None if running is None else running.gr_frame
        while frame is not None:
            standing.add(id(frame.f_globals))
            frame = frame.f_back
    held = [index for index, each in enumerate(dictionaries) if id(each) in standing]
    return held[:1] if held[:1] == [0] else held


def finalize(process: Process) -> bool:
    """At the end of a program, in its main task: its finalizers. Whether its files are to be flushed."""
    modules = process.context.own_loaded()
    if not modules:
        return True
    process.finalizing = True
    everything = [vars(module) for module in modules]
    held = _held_by_threads(process, everything) if len(process.tasks) > 1 else []
    dictionaries = [each for index, each in enumerate(everything) if index not in held]
    streams = [process.stdout_file, process.stderr_file, process.context.own_stream("stdout")]
    search = _Search(dictionaries, streams)
    search.run(dictionaries)
    if search.classes and len(process.tasks) == 1 and len(process.scheduler.processes) <= FEW_PROGRAMS:
        search.add_what_nobody_holds()
    search.seen.clear()
    while search.found:
        _call_finalizer(search.found.pop(0))
        if REAL_INTERRUPTS.happened:
            raise KeyboardInterrupt  # the finalizer has swallowed it
    # What is left (of a daemon thread, in an old cycle) is never finalized: the interpreter is gone.
    _without_finalizers(search.classes)
    if held:
        never_finalize(process)
    return not held


def never_finalize(process: Process) -> None:
    """The program was killed, or has left by os._exit: its finalizers do not run, whenever its objects go."""
    for module in process.context.own_loaded():
        values = list(vars(module).values())
        _without_finalizers(
            [each for each in values if isinstance(each, type) and each.__module__ == module.__name__]
        )


def _without_finalizers(classes: list[type]) -> None:
    for kind in classes:
        if "__del__" in vars(kind):
            del kind.__del__  # type: ignore[attr-defined]
