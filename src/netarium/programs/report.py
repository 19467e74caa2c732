"""Where a program stands and how its exceptions are printed: its own frames, not those of the house below it."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import traceback

    from netarium.programs.process import Process

_HOUSE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
# Tools, services and apps are programs too: their frames are shown.
_PROGRAM_ROOMS = tuple(_HOUSE + room + os.sep for room in ("tools", "services", "apps"))
_LIBRARY = os.path.dirname(os.path.abspath(os.__file__)) + os.sep


TRACEBACK_LINES_MAX: Final = 1000
"""CPython prints the last so many calls (PyTraceBack_LIMIT): to look at a million takes half a minute."""
_HOUSE_LINES_MAX: Final = 50


def is_house(file: str) -> bool:
    """Whether a frame of this file belongs to the simulator and not to a program."""
    return (file.startswith(_HOUSE) and not file.startswith(_PROGRAM_ROOMS)) or file == "<frozen runpy>"


def is_library(file: str) -> bool:
    """Whether a file is of the standard library or of an installed package."""
    return file.startswith((_LIBRARY, "<")) or f"{os.sep}site-packages{os.sep}" in file


def is_own(file: str, folder: Path | None) -> bool:
    """Whether a frame of this file is the program's: under its folder, or, of a callable, neither house nor library."""
    if is_house(file):
        return False
    if folder is not None and file.startswith(str(folder) + os.sep):
        return True
    return not is_library(file)


def place_of(running: Any, folder: Path | None) -> tuple[str, int]:
    """(file name, line) where a parked greenlet stands in the program's own code, else in what it uses."""
    frame: FrameType | None = None if running is None else running.gr_frame
    own = None if folder is None else str(folder) + os.sep
    library: tuple[str, int] | None = None
    other: tuple[str, int] | None = None
    while frame is not None:
        file = frame.f_code.co_filename
        if not is_house(file):
            place = (os.path.basename(file), frame.f_lineno)
            if is_library(file):
                library = library or place
            elif own is None or file.startswith(own) or not os.path.isabs(file):
                return place
            else:
                other = other or place
        frame = frame.f_back
    return other or library or ("", 0)


def waiting_method(running: Any) -> str:
    """Such as `Event.wait`: the method of threading or queue that the program called, where it waits for a lock."""
    frame: FrameType | None = None if running is None else running.gr_frame
    found = ""
    while frame is not None:
        file = frame.f_code.co_filename
        if os.path.dirname(file) + os.sep == _LIBRARY and os.path.basename(file) in (
            "threading.py",
            "queue.py",
        ):
            name, owner = frame.f_code.co_name, frame.f_locals.get("self")
            if owner is not None and not name.startswith("_"):
                found = f"{type(owner).__name__}.{name}"
        elif not is_house(file):
            break
        frame = frame.f_back
    return found


def _keep_program_frames(report: traceback.TracebackException) -> None:
    from traceback import StackSummary

    seen: list[traceback.TracebackException | None] = [report]
    while seen:
        each = seen.pop()
        if each is None:
            continue
        kept = [frame for frame in each.stack if not is_house(frame.filename)][-TRACEBACK_LINES_MAX:]
        each.stack = StackSummary.from_list(kept)
        seen += [each.__cause__, each.__context__]
        seen += list(getattr(each, "exceptions", None) or ())


def format_exception(error: BaseException) -> str:
    """The traceback as the program would have printed it by itself."""
    from traceback import TracebackException

    limit = None if hasattr(sys, "tracebacklimit") else -(TRACEBACK_LINES_MAX + _HOUSE_LINES_MAX)
    report = TracebackException.from_exception(error, compact=True, limit=limit)
    _keep_program_frames(report)
    return "".join(report.format())


def print_exception(error: BaseException, stream: Any) -> None:
    """Write the traceback to a program's standard error; a program that closed that gets silence, as from CPython."""
    try:
        stream.write(format_exception(error))
        stream.flush()
    except (ValueError, OSError):
        return


class Unraisable:
    """What sys.unraisablehook is told: as sys.UnraisableHookArgs, which only C code makes."""

    def __init__(self, error: BaseException, message: str, source: Any) -> None:
        self.exc_type: Any = type(error)
        self.exc_value: BaseException | None = error
        self.exc_traceback = error.__traceback__
        self.err_msg: str | None = message
        self.object: Any = source
        if sys.version_info >= (3, 13) and source is not None:
            self.err_msg, self.object = f"{message} {source!r}", None


def tell_ignored(process: Process, error: BaseException, message: str, source: Any) -> None:
    """An error that stops nothing: the program's sys.unraisablehook is told, inside. Nothing when it was killed."""
    if process.dying:
        return
    try:
        sys.unraisablehook(Unraisable(error, message, source))
    except Exception as second:
        if not process.dying:
            print("Exception ignored in sys.unraisablehook", file=process.stderr_file)
            print_exception(second, process.stderr_file)


def warn_outside(text: str) -> None:
    """A notice of the simulator itself, on the real standard error."""
    real = sys.__stderr__
    if real is not None:
        real.write(text)


def collect_remains() -> None:
    """Collect what killed programs have left (coroutines, transports), without a word: they get no say after SIGKILL.

    Otherwise their warnings and errors would come up at the next collection, in whatever the test does then.
    """
    import gc
    import warnings

    hook = sys.unraisablehook
    sys.unraisablehook = lambda unraisable: None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            gc.collect()
    finally:
        sys.unraisablehook = hook
