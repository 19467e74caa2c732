"""Virtual `atexit`: a program's exit functions run when it ends, inside; what shared libraries register stays outside.

`weakref.finalize`, for one, registers a single function for all finalizers of the OS process, the test's among them.
"""

from __future__ import annotations

import atexit as real
import sys
from collections.abc import Callable
from typing import Any

from netarium.programs.task import Task

_register, _unregister = real.register, real.unregister


def _by_shared_library(task: Task) -> bool:
    """Whether the caller of the dispatcher is a module of the standard library that programs share."""
    top = str(sys._getframe(3).f_globals.get("__name__", "")).partition(".")[0]
    return top != "__main__" and top in sys.stdlib_module_names and top not in task.process.context.tops


def register(task: Task, func: Callable[..., Any], *args: Any, **kwargs: Any) -> Callable[..., Any]:
    """As atexit.register."""
    if not callable(func):
        raise TypeError("the first argument must be callable")
    if _by_shared_library(task):
        _register(func, *args, **kwargs)
    else:
        task.process.exit_functions.append((func, args, kwargs))
    return func


def unregister(task: Task, func: Callable[..., Any]) -> None:
    """As atexit.unregister."""
    functions = task.process.exit_functions
    functions[:] = [each for each in functions if each[0] != func]
    _unregister(func)
