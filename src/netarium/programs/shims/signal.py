"""Virtual signals: handlers belong to the process; one interrupts the main task where it waits, which then goes on."""

from __future__ import annotations

import errno
import signal as real
from typing import Any

from netarium.programs import signals
from netarium.programs.masks import Sent
from netarium.programs.task import Task
from netarium.sockets.errno import os_error

_SI_TKILL = -6
_VALID = frozenset(int(each) for each in real.valid_signals())


def signal(task: Task, signalnum: int, handler: Any) -> Any:
    """Set a handler; the one before."""
    number = int(signalnum)
    _count(task)
    if task is not task.process.main_task:
        raise ValueError("signal only works in main thread of the main interpreter")
    if number not in _VALID:
        raise ValueError("signal number out of range")
    if number in (signals.SIGKILL, int(real.SIGSTOP)):
        raise os_error(errno.EINVAL)
    if not callable(handler) and handler not in (real.SIG_IGN, real.SIG_DFL):
        raise TypeError("signal handler must be signal.SIG_IGN, signal.SIG_DFL, or a callable object")
    before = getsignal(task, number)
    if handler is real.default_int_handler:
        handler = signals.default_interrupt
    task.process.signal_handlers[number] = handler
    return before


def getsignal(task: Task, signalnum: int) -> Any:
    """The handler."""
    number = _check(signalnum)
    found = task.process.signal_handlers.get(number, signals.default_handler(number))
    return real.default_int_handler if found is signals.default_interrupt else found


def _check(signalnum: int) -> int:
    number = int(signalnum)
    if not 1 <= number < real.NSIG:
        raise ValueError("signal number out of range")
    return number


def _count(task: Task) -> None:
    """A call; many without waiting let a little time pass, so that others get a turn."""
    task.calls += 1
    if task.calls > task.calls_limit:
        task.scheduler.charge(task)


def raise_signal(task: Task, signalnum: int) -> None:
    """Send a signal to this process."""
    _count(task)
    if int(signalnum) not in _VALID:
        raise os_error(errno.EINVAL)
    credentials = task.process.credentials
    task.process.kill(int(signalnum), Sent(int(signalnum), _SI_TKILL, credentials.pid, credentials.users[0]))
    task.scheduler.check_signals(task)


def set_wakeup_fd(task: Task, fd: int, /, *, warn_on_full_buffer: bool = True) -> int:
    """Where a byte is written when a signal comes; where it was before."""
    if task is not task.process.main_task:
        raise ValueError("set_wakeup_fd only works in main thread of the main interpreter")
    return task.process.wakeup.set(task.process, fd, warns=warn_on_full_buffer)


def siginterrupt(task: Task, signalnum: int, flag: bool) -> None:
    """Calls are taken up again after a handler anyway (PEP 475)."""
    _check(signalnum)


def pthread_kill(task: Task, thread_id: int, signalnum: int) -> None:
    """Handlers run in the main thread, whoever is meant. Signal 0 asks whether there is such a thread."""
    if all(each.ident != thread_id for each in task.process.tasks):
        raise os_error(errno.ESRCH)
    if int(signalnum) == 0:
        return
    raise_signal(task, signalnum)


def alarm(task: Task, seconds: int) -> int:
    """SIGALRM after `seconds`; what was left of the one before."""
    left, _ = setitimer(task, real.ITIMER_REAL, seconds)
    return -int(-left // 1)


def setitimer(task: Task, which: int, seconds: float, interval: float = 0.0) -> tuple[float, float]:
    """SIGALRM after `seconds`, then each `interval`."""
    if which != real.ITIMER_REAL:
        if which not in (real.ITIMER_VIRTUAL, real.ITIMER_PROF):
            raise real.ItimerError(errno.EINVAL, "Invalid argument")
        if seconds or interval:
            raise real.ItimerError(
                errno.EINVAL, "only ITIMER_REAL runs inside the net: no processor time passes there"
            )
        return 0.0, 0.0
    return task.process.alarm.set(round(seconds * 1e9), round(interval * 1e9))


def getitimer(task: Task, which: int) -> tuple[float, float]:
    """What is left of the timer."""
    if which != real.ITIMER_REAL:
        return setitimer(task, which, 0)
    return task.process.alarm.left()
