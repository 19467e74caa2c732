"""Virtual `threading.local`: a dictionary per task inside the net, per OS thread outside."""

from __future__ import annotations

import _thread as real
import sys
from typing import Any
from weakref import ref as weakref

from greenlet import getcurrent

from netarium.programs.task import Task, TaskGreenlet

_real_local = real._local


class Local:
    """`threading.local`: a dictionary per task inside the net, per OS thread outside."""

    def __new__(cls, *args: Any, **keywords: Any) -> Any:
        """The arguments are kept: `__init__` is called with them in every thread."""
        self = object.__new__(cls)
        if (args or keywords) and cls.__init__ is object.__init__:
            raise TypeError("Initialization arguments are not supported")
        object.__setattr__(self, "_Local__arguments", (args, keywords))
        object.__setattr__(self, "_Local__inside", {})
        object.__setattr__(self, "_Local__outside", _real_local())
        _values(self)
        return self

    def __getattribute__(self, name: str) -> Any:
        values = _values(self)
        if name == "__dict__":
            return values
        if name in values:
            found = getattr(type(self), name, None)
            if found is None or not hasattr(type(found), "__set__"):
                return values[name]
        return object.__getattribute__(self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "__dict__":
            raise AttributeError(f"{type(self).__name__!r} object attribute '__dict__' is read-only")
        found = getattr(type(self), name, None)
        if found is not None and hasattr(type(found), "__set__"):
            object.__setattr__(self, name, value)
        else:
            _values(self)[name] = value

    def __delattr__(self, name: str) -> None:
        values = _values(self)
        if name not in values:
            raise AttributeError(name)
        del values[name]


def _values(local: Local) -> dict[str, Any]:
    current = getcurrent()
    if type(current) is TaskGreenlet:
        task = current.task
        inside = object.__getattribute__(local, "_Local__inside")
        values: dict[str, Any] | None = inside.get(task)
        if values is None:
            values = inside[task] = {}
            _note(task, local)
            _initialize(local)
        return values
    outside = object.__getattribute__(local, "_Local__outside")
    if type(outside) is not _real_local:
        return outside.__dict__  # type: ignore[no-any-return]
    values = getattr(outside, "values", None)
    if values is None:
        values = outside.values = {}
        _initialize(local)
    return values


def _note(task: Task, local: Local) -> None:
    """The values stand in the object itself, so that they go when it goes; and when the task goes, by `forget`."""
    known = task.local.setdefault("locals", {})  # by the reference's id: a subclass may not be hashable
    reference = weakref(local, lambda gone: known.pop(id(gone), None))
    known[id(reference)] = reference


def forget(task: Task) -> None:
    """The task has ended: its values of all objects go."""
    for reference in task.local.pop("locals", {}).values():
        local = reference()
        if local is not None:
            object.__getattribute__(local, "_Local__inside").pop(task, None)


def _initialize(local: Local) -> None:
    cls = type(local)
    args, keywords = object.__getattribute__(local, "_Local__arguments")
    made = object.__getattribute__(local, "__dict__").get("_Local__made", False)
    if made and cls.__init__ is not object.__init__:
        cls.__init__(local, *args, **keywords)
    object.__setattr__(local, "_Local__made", True)


class _Adopted:
    """Where the values of an adopted object are outside: the original, whatever its class."""

    def __init__(self, original: Any) -> None:
        self._original = original

    @property
    def __dict__(self) -> Any:  # type: ignore[override]
        return self._original.__dict__


def _adopt(original: Any) -> Local | None:
    """An object for inside and outside that stands for a real one made before installation."""
    kind = type(original)
    if kind is _real_local:
        made: type[Local] = Local
    elif kind.__bases__ == (_real_local,):
        names = {
            key: value
            for key, value in vars(kind).items()
            if key not in ("__dict__", "__weakref__", "__slots__")
        }
        made = type(kind.__name__, (Local,), names)
    else:
        return None
    adopted = object.__new__(made)
    for key, value in (
        ("arguments", ((), {})),
        ("inside", {}),
        ("outside", _Adopted(original)),
        ("made", True),
    ):
        object.__setattr__(adopted, f"_Local__{key}", value)
    return adopted


def adopt_locals() -> None:
    """Objects at module level that were made before installation (trio's run context, when a plugin of pytest has
    imported it) become task-local inside; outside they stay the real ones.
    """
    known: dict[int, Local | None] = {}
    for name, module in list(sys.modules.items()):
        dictionary = getattr(module, "__dict__", None)
        if type(dictionary) is not dict or name.startswith("netarium."):
            continue
        for key, value in list(dictionary.items()):
            if issubclass(type(value), _real_local):
                if id(value) not in known:
                    known[id(value)] = _adopt(value)
                adopted = known[id(value)]
                if adopted is not None:
                    dictionary[key] = adopted


Local.__module__, Local.__qualname__, Local.__name__ = "_thread", "_local", "_local"
