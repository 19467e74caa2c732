"""Virtual `atexit`: a program's exit functions run when it ends, inside; what shared libraries register stays outside.

`weakref.finalize`, for one, registers a single function for all finalizers of the OS process, the test's among them; so
those of a program are called one by one at its end. paramiko, as it is imported, registers one that ends the threads of
all programs: what a shared library registers then is outside's too.
"""

from __future__ import annotations

import atexit as real
import sys
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from netarium.programs.report import is_library
from netarium.programs.task import Task

if TYPE_CHECKING:
    from netarium.programs.process import Process

_finalize: Callable[..., None] = weakref.finalize.__init__
_register, _unregister = real.register, real.unregister


def _by_shared_library(task: Task) -> bool:
    """Whether the dispatcher was called by a module that programs share: of the standard library, or while imported."""
    caller = sys._getframe(3)
    top = str(caller.f_globals.get("__name__", "")).partition(".")[0]
    if top == "__main__" or top in task.process.context.tops:
        return False
    if top in sys.stdlib_module_names:
        return True
    importing = getattr(caller.f_globals.get("__spec__"), "_initializing", False)
    return importing and is_library(caller.f_code.co_filename)


def register(task: Task, func: Callable[..., Any], *args: Any, **kwargs: Any) -> Callable[..., Any]:
    """As atexit.register."""
    if not callable(func):
        raise TypeError("the first argument must be callable")
    if _by_shared_library(task):
        _register(func, *args, **kwargs)
    else:
        task.process.exit_functions.append((func, args, kwargs))
    return func


def finalize(task: Task, self: Any, obj: Any, func: Callable[..., Any], /, *args: Any, **kwargs: Any) -> None:
    """As weakref.finalize(...): called at the program's end, if not before."""
    _finalize(self, obj, func, *args, **kwargs)
    process = task.process
    if not process.finalizers:
        process.exit_functions.append((_call_finalizers, (process,), {}))
    process.finalizers.add(_registry()[self].index)


def _registry() -> dict[Any, Any]:
    found: dict[Any, Any] = weakref.finalize._registry  # type: ignore[attr-defined]
    return found


def _call_finalizers(process: Process) -> None:
    """The last one first, as `finalize._exitfunc`."""
    while True:
        own = [
            (entry.index, each)
            for each, entry in list(_registry().items())
            if entry.index in process.finalizers and entry.atexit
        ]
        if not own:
            return
        max(own, key=lambda pair: pair[0])[1]()


def unregister(task: Task, func: Callable[..., Any]) -> None:
    """As atexit.unregister."""
    functions = task.process.exit_functions
    functions[:] = [each for each in functions if each[0] != func]
    _unregister(func)
