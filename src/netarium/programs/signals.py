"""Virtual signals: their default actions, and what a fresh process has of its environment."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from netarium.errors import UsageError

SIGKILL: Final = int(signal.SIGKILL)
SIGINT: Final = int(signal.SIGINT)

_real_signal = signal.signal

TERMINATE: Final = signal.SIG_DFL
IGNORE: Final = signal.SIG_IGN

IGNORED_BY_DEFAULT: Final = (
    int(signal.SIGCHLD),
    int(signal.SIGURG),
    int(signal.SIGWINCH),
    int(signal.SIGCONT),
    int(signal.SIGPIPE),  # Python ignores it, so that send raises BrokenPipeError
    int(signal.SIGXFSZ),
)


def default_interrupt(number: int, frame: Any) -> None:
    """As `signal.default_int_handler`, for a program inside the net."""
    raise KeyboardInterrupt


def default_handler(number: int) -> Any:
    """What a Python program does with a signal it has not set a handler for."""
    if number == SIGINT:
        return default_interrupt
    return IGNORE if number in IGNORED_BY_DEFAULT else TERMINATE


UNBLOCKABLE: Final = frozenset({SIGKILL, int(signal.SIGSTOP)})


class RealInterrupts:
    """Whether a real Ctrl-C has come while the net runs; then a KeyboardInterrupt ends the run, else one program.

    The class of the exception does not tell: programs raise it themselves, as asyncio does after a virtual SIGINT.
    """

    def __init__(self) -> None:
        self.happened = False
        self._before: Any = None

    def begin(self) -> None:
        """The net begins to run: look on, the handler that is there stays the one that decides."""
        self.happened = False
        before = signal.getsignal(signal.SIGINT)
        if callable(before) and before != self._handle:
            try:
                _real_signal(signal.SIGINT, self._handle)
            except ValueError:
                return  # not the main thread of the interpreter: no signal comes here
            self._before = before

    def end(self) -> None:
        """The net stops running."""
        before, self._before = self._before, None
        if before is not None and signal.getsignal(signal.SIGINT) == self._handle:
            _real_signal(signal.SIGINT, before)

    def given_on(self) -> None:
        """The handler that decides gives it to a program, as a terminal does: it ends no run."""
        self.happened = False

    def _handle(self, number: int, frame: Any) -> None:
        self.happened = True
        self._before(number, frame)


REAL_INTERRUPTS: Final = RealInterrupts()


def checked_environment(given: Mapping[str, str] | None) -> dict[str, str]:
    """What the caller gives of it. Raises UsageError for what is no text, or no name."""
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise UsageError(f"env={given!r} is no environment; right would be such as env={{'LEVEL': '5'}}")
    for name, value in given.items():
        if not isinstance(name, str) or not name or "=" in name or "\0" in name:
            raise UsageError(f"env: {name!r} is no name of a variable; right would be text without '='")
        if not isinstance(value, str | bytes | os.PathLike):
            raise UsageError(
                f"env: {name} is {value!r}, and variables are text; right would be {str(value)!r}"
            )
        if "\0" in os.fsdecode(value):
            raise UsageError(f"env: {name} is {value!r}; a variable has no zero byte")
    return {name: os.fsdecode(value) for name, value in given.items()}


def default_environment(root: bool, directory: Path) -> dict[str, str]:
    """PATH, HOME, USER, LANG and TZ; nothing of the caller's (DESIGN 3, Lab file)."""
    user = "root" if root else "user"
    return {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": "/root" if root else str(directory),
        "USER": user,
        "LANG": "C.UTF-8",
        "TZ": "UTC",
    }


def ends_the_run(error: BaseException) -> bool:
    """Whether this is a real Ctrl-C, and not a program's own KeyboardInterrupt."""
    return isinstance(error, KeyboardInterrupt) and REAL_INTERRUPTS.happened
