"""Virtual masks of signals, and the calls that wait for one: the task waits in virtual time."""

from __future__ import annotations

import errno
import signal as real
from collections.abc import Iterable
from typing import Any

from netarium.programs.masks import Masks, Sent
from netarium.programs.task import WAIT_LOCK, Task
from netarium.sockets.errno import os_error

_VALID = frozenset(int(each) for each in real.valid_signals())
_BAND = 0


def _numbers(given: Iterable[Any]) -> frozenset[int]:
    numbers = frozenset(int(each) for each in given)
    for number in sorted(numbers):
        if not 1 <= number < real.NSIG:
            raise ValueError(f"signal number {number} out of range [1; {real.NSIG - 1}]")
    return numbers & _VALID


def _named(numbers: Iterable[int]) -> set[Any]:
    """As CPython gives sets of signals: members of Signals where there is one."""
    known = {int(each): each for each in real.Signals}
    return {known.get(number, number) for number in numbers}


def pthread_sigmask(task: Task, how: int, mask: Iterable[Any]) -> set[Any]:
    """Change what this thread blocks; the mask before. What was pending comes at once when it is let through."""
    numbers = _numbers(mask)
    before = Masks.of(task)
    if how == real.SIG_BLOCK:
        after = before | numbers
    elif how == real.SIG_UNBLOCK:
        after = before - numbers
    elif how == real.SIG_SETMASK:
        after = numbers
    else:
        raise os_error(errno.EINVAL)
    task.process.masks.change(task, after)
    task.scheduler.check_signals(task)
    return _named(before)


def sigpending(task: Task) -> set[Any]:
    """What was sent and is blocked."""
    return _named(task.process.masks.pending())


def pause(task: Task) -> None:
    """Wait until a handler has run in this thread: the main one."""
    process = task.process
    task.calls += 1
    handled = process.handled_signals
    while process.handled_signals == handled or task is not process.main_task:
        task.scheduler.park(task, "pause", None, kind=WAIT_LOCK)


def sigwait(task: Task, sigset: Iterable[Any]) -> Any:
    """Wait for one of these signals and take it."""
    sent = _wait(task, sigset, "sigwait")
    assert sent is not None
    return min(_named([sent.number]))


def sigwaitinfo(task: Task, sigset: Iterable[Any]) -> Any:
    """As sigwait; tells how the signal came and from whom."""
    sent = _wait(task, sigset, "sigwaitinfo")
    assert sent is not None
    return _info(sent)


def sigtimedwait(task: Task, sigset: Iterable[Any], timeout: float) -> Any:
    """As sigwaitinfo, None after `timeout` seconds."""
    if timeout < 0:
        raise ValueError("timeout must be non-negative")
    sent = _wait(task, sigset, "sigtimedwait", round(timeout * 1e9))
    return None if sent is None else _info(sent)


def _wait(task: Task, sigset: Iterable[Any], call: str, timeout_ns: int | None = None) -> Sent | None:
    task.calls += 1
    masks, numbers = task.process.masks, _numbers(sigset)
    if timeout_ns is None:
        return masks.wait(task, numbers, call)
    if timeout_ns == 0:
        task.scheduler.charge(task)  # a loop of empty looks lets time pass
    return masks.wait(task, numbers, call, task.scheduler.engine.now + timeout_ns)


def _info(sent: Sent) -> Any:
    """struct_siginfo: si_signo, si_code, si_errno, si_pid, si_uid, si_status, si_band."""
    return real.struct_siginfo((sent.number, sent.code, 0, sent.pid, sent.user, 0, _BAND))
