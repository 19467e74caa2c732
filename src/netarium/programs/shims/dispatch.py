"""Dispatchers: made from an original and its virtual implementation, and put wherever the original was captured."""

from __future__ import annotations

import atexit
import gc
import sys
from collections.abc import Callable, Iterable
from functools import update_wrapper
from importlib import import_module
from typing import Any, NamedTuple

from greenlet import getcurrent

from netarium.programs.task import TaskGreenlet


class Entry(NamedTuple):
    """One intercepted name: `owner` is `module` or `module:Class`, `virtual` takes the task first.

    `how` is "function" (a dispatcher), "method" (a dispatcher stored in a class; self comes after the task), or "raw"
    (the virtual object replaces the original as it is, and dispatches itself).
    """

    owner: str
    name: str
    virtual: Any
    how: str = "function"


originals: dict[tuple[str, str], Any] = {}
"""(owner, name) -> what was there before."""


def original(owner: str, name: str) -> Any:
    """What a name meant before installation, and still means outside the net."""
    found = originals.get((owner, name))
    return found if found is not None else getattr(_owner(owner), name)


def dispatcher(real: Callable[..., Any], virtual: Callable[..., Any]) -> Any:
    """A staticmethod object: callable, and it does not bind when a class has captured it."""

    def call(*args: Any, **keywords: Any) -> Any:
        current = getcurrent()
        if type(current) is TaskGreenlet:
            return virtual(current.task, *args, **keywords)
        return real(*args, **keywords)

    update_wrapper(call, real, updated=())
    return staticmethod(call)


def method_dispatcher(real: Callable[..., Any], virtual: Callable[..., Any]) -> Any:
    """A plain function for a class: it binds, and the virtual one gets (task, self, ...)."""

    def call(self: Any, *args: Any, **keywords: Any) -> Any:
        current = getcurrent()
        if type(current) is TaskGreenlet:
            return virtual(current.task, self, *args, **keywords)
        return real(self, *args, **keywords)

    update_wrapper(call, real, updated=())
    return call


def _owner(owner: str) -> Any:
    module, _, path = owner.partition(":")
    found: Any = import_module(module)
    for name in filter(None, path.split(".")):
        found = getattr(found, name)
    return found


def _interpreter_ends() -> None:
    """At shutdown `getcurrent` raises: from now on every call, lock and table is the outside's."""
    for name, module in list(sys.modules.items()):
        if name.startswith("netarium.programs.") and "getcurrent" in vars(module):
            vars(module)["getcurrent"] = _nobody


def _nobody() -> None:
    return None


def install(entries: Iterable[Entry]) -> None:
    """Replace every entry's name, then every captured original in modules and classes."""
    atexit.register(_interpreter_ends)
    replaced: dict[int, tuple[Any, Any]] = {}
    for entry in entries:
        owner = _owner(entry.owner)
        real = getattr(owner, entry.name, None)
        if real is None:
            continue
        if entry.how == "function":
            new = dispatcher(real, entry.virtual)
        elif entry.how == "method":
            new = method_dispatcher(real, entry.virtual)
        else:
            new = entry.virtual
        originals[(entry.owner, entry.name)] = real
        if entry.how == "function" and getattr(real, "__module__", "") == f"_{entry.owner}":
            new.__module__ = entry.owner  # no builtin any more: it shows as what the public module has
        _set(owner, entry.name, new)
        if entry.how == "function" or not isinstance(owner, type):
            replaced[id(real)] = (real, new)
    _replace_captured(replaced)


def _set(owner: Any, name: str, value: Any) -> None:
    try:
        setattr(owner, name, value)
    except TypeError:
        # A type of C code: its dictionary is reached through the collector, its method cache told.
        import ctypes

        dictionary = gc.get_referents(owner.__dict__)[0]
        dictionary[name] = value
        ctypes.pythonapi.PyType_Modified(ctypes.py_object(owner))


def _replace_captured(replaced: dict[int, tuple[Any, Any]]) -> None:
    for module in list(sys.modules.values()):
        dictionary = getattr(module, "__dict__", None)
        name = getattr(module, "__name__", "")
        if type(dictionary) is not dict or (isinstance(name, str) and name.startswith("netarium.")):
            continue
        for key, value in list(dictionary.items()):
            found = replaced.get(id(value))
            if found is not None:
                dictionary[key] = found[1]
            elif isinstance(value, type) and value.__module__ == name:
                _replace_in_class(value, replaced)


def _replace_in_class(cls: type, replaced: dict[int, tuple[Any, Any]]) -> None:
    for key, value in list(cls.__dict__.items()):
        plain = value.__func__ if isinstance(value, staticmethod) else value
        found = replaced.get(id(plain))
        if found is not None:
            try:
                setattr(cls, key, found[1])
            except (TypeError, AttributeError):
                continue
