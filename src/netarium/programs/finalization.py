"""The end of a script's interpreter (Py_FinalizeEx): finalizers are called and its data let go, in its own context.

CPython collects garbage when the modules are out of `sys.modules`, and then clears them. A collection takes long where
a thousand programs end in one process; so finalizers are looked for from the program's own modules, through containers
and objects of its own classes, and called while all of its globals are there, as the collector does (PEP 442). Only
where its classes have a `__del__` the younger objects are looked at too, for cycles that nobody holds; no collection
does it, for a finalizer may wait, and no other task may run inside one. Then the data in its modules are let go, names
with an underscore first. Its modules, functions and classes stay: what a shared library has been given of them goes on
working.

A function of the test has nothing of this: its module is the test's.
"""

from __future__ import annotations

import ctypes
import gc
from collections import OrderedDict, defaultdict, deque
from functools import partial
from types import AsyncGeneratorType, CellType, FunctionType, GeneratorType, MethodType, ModuleType
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
_STAY: Final = _PLAIN | {ModuleType, FunctionType, type, type(len)}
_COLLECTED: Final = 1 << 14
"""Py_TPFLAGS_HAVE_GC. An object of any other class does not know whether its finalizer was called."""
_call_finalizer = ctypes.PYFUNCTYPE(None, ctypes.py_object)(("PyObject_CallFinalizer", ctypes.pythonapi))


class _Search:
    """Looks through what a program's own modules hold."""

    def __init__(self, dictionaries: list[dict[str, Any]]) -> None:
        self.own = {id(each) for each in dictionaries}
        self.names = {each.get("__name__") for each in dictionaries}
        self.seen: dict[int, Any] = {}
        self.found: list[Any] = []
        """What is to be finalized, in the order in which it was met."""
        self.classes: list[type] = []
        """The program's classes with a `__del__`."""

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
            if each.__module__ not in self.names:
                return False
            if "__del__" in vars(each):
                self.classes.append(each)
        elif kind.__module__ not in self.names:
            return False
        elif self._is_finalized(kind):
            self.found.append(each)
        self.seen[id(each)] = each
        return True

    def _is_finalized(self, kind: type) -> bool:
        finalizer = getattr(kind, "__del__", None)
        if not isinstance(finalizer, FunctionType) or id(finalizer.__globals__) not in self.own:
            return False
        self.classes += [each for each in kind.__mro__ if "__del__" in vars(each)]
        return bool(kind.__flags__ & _COLLECTED)

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
    """At the end of a program, in its main task: finalizers, then its data. Whether its files are to be flushed."""
    modules = process.context.own_loaded()
    if not modules:
        return True
    process.finalizing = True
    everything = [vars(module) for module in modules]
    held = _held_by_threads(process, everything) if len(process.tasks) > 1 else []
    dictionaries = [each for index, each in enumerate(everything) if index not in held]
    search = _Search(dictionaries)
    search.run(dictionaries)
    if search.classes and len(process.tasks) == 1:
        search.add_what_nobody_holds()
    search.seen.clear()
    while search.found:
        _call_finalizer(search.found.pop(0))
        if REAL_INTERRUPTS.happened:
            raise KeyboardInterrupt  # the finalizer has swallowed it
    for dictionary in dictionaries:
        _let_go(dictionary)
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


def _let_go(dictionary: dict[str, Any]) -> None:
    """As _PyModule_ClearDict: names with an underscore first."""
    for private in (True, False):
        for name, value in list(dictionary.items()):
            is_private = name[:1] == "_" and name[1:2] != "_"
            if is_private is private and not name.startswith("__") and type(value) not in _STAY:
                del value
                dictionary[name] = None
        value = None
