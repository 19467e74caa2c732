"""Virtual signals: their default actions, and what a fresh process has of its environment."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any, Final

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
