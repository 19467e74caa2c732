"""Virtual signals: their default actions, and what a fresh process has of its environment."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any, Final

SIGKILL: Final = int(signal.SIGKILL)
SIGINT: Final = int(signal.SIGINT)

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


class VirtualInterrupt(KeyboardInterrupt):
    """A SIGINT inside the net; a real Ctrl-C is a plain KeyboardInterrupt. Tracebacks show it as the plain one."""


VirtualInterrupt.__module__ = "builtins"
VirtualInterrupt.__qualname__ = VirtualInterrupt.__name__ = "KeyboardInterrupt"


def default_interrupt(number: int, frame: Any) -> None:
    """As `signal.default_int_handler`, for a program inside the net."""
    raise VirtualInterrupt


def default_handler(number: int) -> Any:
    """What a Python program does with a signal it has not set a handler for."""
    if number == SIGINT:
        return default_interrupt
    return IGNORE if number in IGNORED_BY_DEFAULT else TERMINATE


def is_virtual(error: KeyboardInterrupt) -> bool:
    """Whether this interrupt came from inside the net."""
    return isinstance(error, VirtualInterrupt)


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
