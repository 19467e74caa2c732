"""State of the interpreter that programs change: one program's is not another's, nor the test's.

What C code looks up by itself (filters of warnings, the locale, limits) is swapped when the scheduler changes
processes, of programs that have changed it alone: `context.keep`. What would act on the whole OS process (the
garbage collector, faulthandler) is kept for the program to see, and has no effect.
"""

from __future__ import annotations

import _csv
import gc
import locale as real_locale
import sys
import threading as real_threading
import traceback
import warnings
from collections.abc import Callable
from typing import Any

from netarium.programs.shims.dispatch import dispatcher
from netarium.programs.task import Task

_WARNINGS = ("filters", "formatwarning", "_showwarnmsg_impl", "onceregistry", "defaultaction")
_setlocale, _field_size_limit = real_locale.setlocale, _csv.field_size_limit
_setrecursionlimit, _set_digits = sys.setrecursionlimit, sys.set_int_max_str_digits
_simplefilter, _filterwarnings, _resetwarnings = (
    warnings.simplefilter,
    warnings.filterwarnings,
    warnings.resetwarnings,
)
_settrace, _setprofile = real_threading.settrace, real_threading.setprofile


def _get_warnings() -> list[Any]:
    return [getattr(warnings, name) for name in _WARNINGS]


def _set_warnings(values: list[Any]) -> None:
    changed = warnings.filters != values[0]
    for name, value in zip(_WARNINGS, values, strict=True):
        setattr(warnings, name, value)
    if changed:
        warnings._filters_mutated()  # type: ignore[attr-defined]


def own_warnings(task: Task) -> None:
    """From now on the filters of warnings are the process' own."""
    if task.process.context.keep("warnings", _get_warnings, _set_warnings):
        warnings.filters = list(warnings.filters)


def simplefilter(task: Task, *args: Any, **keywords: Any) -> None:
    """As warnings.simplefilter."""
    own_warnings(task)
    _simplefilter(*args, **keywords)


def filterwarnings(task: Task, *args: Any, **keywords: Any) -> None:
    """As warnings.filterwarnings."""
    own_warnings(task)
    _filterwarnings(*args, **keywords)


def resetwarnings(task: Task) -> None:
    """As warnings.resetwarnings."""
    own_warnings(task)
    _resetwarnings()


_enter_catch: Callable[[Any], Any] = warnings.catch_warnings.__enter__


def enter_catch_warnings(task: Task, self: Any) -> Any:
    """As `with warnings.catch_warnings()`."""
    own_warnings(task)
    return _enter_catch(self)


def setlocale(task: Task, category: int, locale: Any = None) -> str:
    """As locale.setlocale, for this process."""
    if locale is not None:
        every = real_locale.LC_ALL
        task.process.context.keep("locale", lambda: _setlocale(every), lambda value: _setlocale(every, value))
    return _setlocale(category, locale)


def field_size_limit(task: Task, *limit: Any) -> int:
    """As csv.field_size_limit."""
    if limit:
        task.process.context.keep("csv", _field_size_limit, _field_size_limit)
    return _field_size_limit(*limit)


def setrecursionlimit(task: Task, limit: int, /) -> None:
    """As sys.setrecursionlimit."""
    task.process.context.keep("recursion", sys.getrecursionlimit, _setrecursionlimit)
    _setrecursionlimit(limit)


def set_int_max_str_digits(task: Task, maxdigits: int) -> None:
    """As sys.set_int_max_str_digits."""
    task.process.context.keep("digits", sys.get_int_max_str_digits, _set_digits)
    _set_digits(maxdigits)


def settrace(task: Task, func: Any) -> None:
    """As threading.settrace."""
    _keep_attribute(task, real_threading, "_trace_hook")
    _settrace(func)


def setprofile(task: Task, func: Any) -> None:
    """As threading.setprofile."""
    _keep_attribute(task, real_threading, "_profile_hook")
    _setprofile(func)


def _keep_attribute(task: Task, module: Any, name: str) -> None:
    task.process.context.keep(
        f"{module.__name__}.{name}", lambda: getattr(module, name), lambda value: setattr(module, name, value)
    )


def adapt_urllib(module: Any) -> None:
    """`urllib.request.install_opener` is for one process."""
    plain = module.install_opener

    def install_opener(task: Task, opener: Any) -> None:
        _keep_attribute(task, module, "_opener")
        plain(opener)

    module.install_opener = dispatcher(plain, install_opener)


# Of the whole OS process: what a program has chosen is kept for it to see.


_THRESHOLDS: tuple[int, ...] = gc.get_threshold()


class Chosen:
    """What a program has chosen of the garbage collector, faulthandler and the switch interval."""

    __slots__ = ("collects", "faults", "interval_s", "thresholds")

    def __init__(self) -> None:
        self.collects = True
        self.thresholds = _THRESHOLDS
        self.faults = False
        self.interval_s = 0.005


def _chosen(task: Task) -> Chosen:
    found: Chosen | None = task.process.context.chosen
    if found is None:
        found = task.process.context.chosen = Chosen()
    return found


def enable(task: Task) -> None:
    """As gc.enable."""
    _chosen(task).collects = True


def disable(task: Task) -> None:
    """As gc.disable."""
    _chosen(task).collects = False


def isenabled(task: Task) -> bool:
    """As gc.isenabled."""
    return _chosen(task).collects


def set_threshold(task: Task, threshold0: int, *others: int) -> None:
    """As gc.set_threshold."""
    before = _chosen(task).thresholds
    given = (threshold0, *others)
    _chosen(task).thresholds = given + before[len(given) :]


def get_threshold(task: Task) -> tuple[int, ...]:
    """As gc.get_threshold."""
    return _chosen(task).thresholds


def freeze(task: Task) -> None:
    """As gc.freeze and unfreeze: it would be for all."""


def setswitchinterval(task: Task, interval: float, /) -> None:
    """As sys.setswitchinterval; there is no pre-emption."""
    if interval <= 0:
        raise ValueError("switch interval must be strictly positive")
    _chosen(task).interval_s = interval


def getswitchinterval(task: Task) -> float:
    """As sys.getswitchinterval."""
    return _chosen(task).interval_s


def enable_faults(task: Task, *args: Any, **keywords: Any) -> None:
    """As faulthandler.enable."""
    _chosen(task).faults = True


def disable_faults(task: Task) -> bool:
    """As faulthandler.disable."""
    before, _chosen(task).faults = _chosen(task).faults, False
    return before


def faults_enabled(task: Task) -> bool:
    """As faulthandler.is_enabled."""
    return _chosen(task).faults


def dump_traceback(task: Task, file: Any = None, all_threads: bool = True) -> None:
    """As faulthandler.dump_traceback, of the calling thread."""
    output = sys.stderr if file is None or isinstance(file, int) else file
    output.write("Current thread (most recent call last):\n" + "".join(traceback.format_stack()))


def no_dump(task: Task, *args: Any, **keywords: Any) -> None:
    """Timers and signals of faulthandler are real ones."""


SWAPPED: dict[str, str] = {
    "warnings": "simplefilter filterwarnings resetwarnings",
    "locale": "setlocale",
    "_csv": "field_size_limit",
    "sys": "setrecursionlimit set_int_max_str_digits setswitchinterval getswitchinterval",
    "threading": "settrace setprofile",
    "gc": "enable disable isenabled set_threshold get_threshold freeze",
}
FAULTS: dict[str, Callable[..., Any]] = {
    "enable": enable_faults,
    "disable": disable_faults,
    "is_enabled": faults_enabled,
    "dump_traceback": dump_traceback,
    "dump_traceback_later": no_dump,
    "cancel_dump_traceback_later": no_dump,
    "register": no_dump,
    "unregister": no_dump,
}
