"""Virtual `atexit`: a program's exit functions run when it ends, inside; those of shared libraries stay outside.

`weakref.finalize`, for one, registers a single function for all finalizers of the OS process, the test's among them; so
those of a program are called one by one at its end. paramiko, as it is imported, registers one that ends the threads of
all programs: what a shared library registers then is outside's too.
"""

from __future__ import annotations

import atexit as real
import sys
import threading
import weakref
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from netarium.programs.report import is_library, tell_ignored
from netarium.programs.signals import ends_the_run
from netarium.programs.task import Task

if TYPE_CHECKING:
    from netarium.programs.process import Process

_finalize: Callable[..., None] = weakref.finalize.__init__
_register, _unregister = real.register, real.unregister
_register_before_joins: Callable[..., None] = threading._register_atexit  # type: ignore[attr-defined]


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
        _add(task.process, func, args, kwargs)
    return func


def _add(process: Process, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    if not process.exiting:  # what an exit function registers is never called, as in CPython
        process.exit_functions.append((func, args, kwargs))


def run_exit_functions(process: Process) -> None:
    """The last one first. Their errors, SystemExit too, are told and change nothing."""
    process.exiting = True
    try:
        while process.exit_functions and not process.dying:
            function, args, kwargs = process.exit_functions.pop()
            attempt(
                process, partial(function, *args, **kwargs), "Exception ignored in atexit callback", function
            )
    finally:
        process.exiting = False


def attempt(process: Process, function: Callable[[], Any], message: str, source: Any) -> None:
    """Call a function of the end; its error stops nothing, but a real Ctrl-C does."""
    try:
        function()
    except BaseException as error:
        if ends_the_run(error):
            raise
        tell_ignored(process, error, message, source)


def run_all(task: Task) -> None:
    """As atexit._run_exitfuncs."""
    run_exit_functions(task.process)


def clear(task: Task) -> None:
    """As atexit._clear."""
    task.process.exit_functions.clear()


def count(task: Task) -> int:
    """As atexit._ncallbacks."""
    return len(task.process.exit_functions)


def register_before_joins(task: Task, func: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
    """As threading._register_atexit."""
    if _by_shared_library(task):
        _register_before_joins(func, *args, **kwargs)
        return
    threads = task.process.threads
    if threads.shutting_down:
        raise RuntimeError("can't register atexit after shutdown")
    threads.exit_functions.append(partial(func, *args, **kwargs))


def finalize(task: Task, self: Any, obj: Any, func: Callable[..., Any], /, *args: Any, **kwargs: Any) -> None:
    """As weakref.finalize(...): called at the program's end, if not before."""
    _finalize(self, obj, func, *args, **kwargs)
    process = task.process
    if not process.finalizers:
        _add(process, _call_finalizers, (process,), {})
    process.finalizers.add(_registry()[self].index)


def _registry() -> dict[Any, Any]:
    found: dict[Any, Any] = weakref.finalize._registry  # type: ignore[attr-defined]
    return found


def _call_finalizers(process: Process) -> None:
    """The last one first, as `finalize._exitfunc`; those that are not for the end are never called after it."""
    while not process.dying:
        own = [
            (entry.index, each)
            for each, entry in list(_registry().items())
            if entry.index in process.finalizers and entry.atexit
        ]
        if not own:
            break
        try:
            max(own, key=lambda pair: pair[0])[1]()
        except Exception as error:
            if not process.dying:
                sys.excepthook(type(error), error, error.__traceback__)
    if process.program.folder is not None or process.program.private:
        for each, entry in list(_registry().items()):
            if entry.index in process.finalizers:
                del _registry()[each]


def unregister(task: Task, func: Callable[..., Any]) -> None:
    """As atexit.unregister."""
    functions = task.process.exit_functions
    functions[:] = [each for each in functions if each[0] != func]
    _unregister(func)
