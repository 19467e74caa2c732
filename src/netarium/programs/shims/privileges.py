"""Virtual users, groups, sessions, priorities and limits: what a program changes of itself, it changes in the net.

A root daemon drops its privileges here without the real process noticing; what the kernel would ask of the caller's
privileges is asked of the program's (capabilities(7), setresuid(2), setpgid(2), getpriority(2)).
"""

from __future__ import annotations

import errno
import os as real
import resource
from collections.abc import Callable, Sequence
from typing import Any

from netarium.programs.task import Task
from netarium.sockets.errno import os_error

_NO_ID = 0xFFFFFFFF
_UNLIMITED = resource.RLIM_INFINITY
_real_getrlimit, _real_grouplist = resource.getrlimit, real.getgrouplist


def _number(value: Any) -> int:
    """An id as CPython takes it: -1 (and 2**32 - 1) for "leave it"."""
    if not isinstance(value, int):
        raise TypeError(f"uid should be integer, not {type(value).__name__}")
    if value < -1:
        raise OverflowError("uid is less than minimum")
    if value > _NO_ID:
        raise OverflowError("uid is greater than maximum")
    return -1 if value == _NO_ID else value


def _own(task: Task, which: str) -> list[int]:
    credentials = task.process.credentials
    return credentials.users if which == "setuid" else credentials.groups


def _change(task: Task, which: str, real_id: int, effective: int, saved: int) -> None:
    """As setresuid and setresgid; -1 leaves an id as it is."""
    own, credentials = _own(task, which), task.process.credentials
    wanted = (real_id, effective, saved)
    if not credentials.may(which) and any(each != -1 and each not in own for each in wanted):
        raise os_error(errno.EPERM)
    changed = [before if each == -1 else each for before, each in zip(own, wanted, strict=True)]
    if which == "setuid":
        credentials.become(changed)
    else:
        own[:] = changed


def _set(which: str) -> Callable[..., None]:
    def set_id(task: Task, uid: int, /) -> None:
        number = _number(uid)
        if number == -1:
            raise os_error(errno.EINVAL)
        if task.process.credentials.may(which):
            _change(task, which, number, number, number)
            return
        own = _own(task, which)
        if number not in (own[0], own[2]):
            raise os_error(errno.EPERM)
        _change(task, which, -1, number, -1)

    return set_id


def _set_effective(which: str) -> Callable[..., None]:
    def set_effective(task: Task, euid: int, /) -> None:
        number = _number(euid)
        if number == -1:
            raise os_error(errno.EINVAL)
        _change(task, which, -1, number, -1)

    return set_effective


def _set_two(which: str) -> Callable[..., None]:
    def set_two(task: Task, ruid: int, euid: int, /) -> None:
        wanted, effective = _number(ruid), _number(euid)
        own = _own(task, which)
        if not task.process.credentials.may(which) and wanted not in (-1, own[0], own[1]):
            raise os_error(errno.EPERM)
        before = own[0]
        new = own[1] if effective == -1 else effective
        keeps = wanted == -1 and effective in (-1, before)
        _change(task, which, wanted, effective, -1 if keeps else new)

    return set_two


def _set_three(which: str) -> Callable[..., None]:
    def set_three(task: Task, ruid: int, euid: int, suid: int, /) -> None:
        _change(task, which, _number(ruid), _number(euid), _number(suid))

    return set_three


setuid, setgid = _set("setuid"), _set("setgid")
seteuid, setegid = _set_effective("setuid"), _set_effective("setgid")
setreuid, setregid = _set_two("setuid"), _set_two("setgid")
setresuid, setresgid = _set_three("setuid"), _set_three("setgid")


def getuid(task: Task) -> int:
    """0 for root, 1000 for the ordinary user, until the program changes it."""
    return task.process.credentials.users[0]


def geteuid(task: Task) -> int:
    """The user whose rights it has."""
    return task.process.credentials.users[1]


def getgid(task: Task) -> int:
    """The real group."""
    return task.process.credentials.groups[0]


def getegid(task: Task) -> int:
    """The group whose rights it has."""
    return task.process.credentials.groups[1]


def getresuid(task: Task) -> tuple[int, ...]:
    """Real, effective and saved user."""
    return tuple(task.process.credentials.users)


def getresgid(task: Task) -> tuple[int, ...]:
    """Real, effective and saved group."""
    return tuple(task.process.credentials.groups)


def getgroups(task: Task) -> list[int]:
    """The supplementary groups."""
    return list(task.process.credentials.supplementary)


def setgroups(task: Task, groups: Sequence[int], /) -> None:
    """As os.setgroups: CAP_SETGID's privilege."""
    numbers = [_number(each) for each in groups]
    if not task.process.credentials.may("setgid"):
        raise os_error(errno.EPERM)
    task.process.credentials.supplementary = sorted(numbers)


def initgroups(task: Task, username: str, gid: int, /) -> None:
    """As os.initgroups; who is in which group the machine's /etc/group says."""
    setgroups(task, _real_grouplist(username, gid))


# Sessions and process groups.


def _process(task: Task, pid: int) -> Any:
    """A living process of the same host; 0 is the caller. ESRCH otherwise."""
    if pid in (0, task.process.pid):
        return task.process
    for process in task.scheduler.processes:
        if process.pid == pid and process.host is task.process.host and not process.ended:
            return process
    raise os_error(errno.ESRCH)


def setsid(task: Task) -> None:
    """A session of its own; EPERM for the leader of a process group."""
    process = task.process
    if process.group == process.pid:
        raise os_error(errno.EPERM)
    process.group = process.session = process.pid


def setpgid(task: Task, pid: int, pgrp: int, /) -> None:
    """As os.setpgid."""
    if pgrp < 0:
        raise os_error(errno.EINVAL)
    process = _process(task, pid)
    if process is not task.process:
        raise os_error(errno.ESRCH)  # there are no children
    wanted = pgrp or process.pid
    members = [each for each in task.scheduler.processes if each.group == wanted and not each.ended]
    joins = any(each.session == process.session and each.host is process.host for each in members)
    if process.session == process.pid or (wanted != process.pid and not joins):
        raise os_error(errno.EPERM)
    process.group = wanted


def setpgrp(task: Task) -> None:
    """As os.setpgrp."""
    setpgid(task, 0, 0)


def getpgid(task: Task, pid: int) -> int:
    """A process' group."""
    return _process(task, pid).group  # type: ignore[no-any-return]


def getpgrp(task: Task) -> int:
    """Its own group."""
    return task.process.group


def getsid(task: Task, pid: int, /) -> int:
    """A process' session."""
    return _process(task, pid).session  # type: ignore[no-any-return]


# Priorities: kept, without effect, for there is no pre-emption.


def nice(task: Task, increment: int, /) -> int:
    """As os.nice: less is CAP_SYS_NICE's privilege."""
    _set_nice(task, task.process, task.process.nice + increment, errno.EPERM)
    return task.process.nice


def _set_nice(task: Task, process: Any, wanted: int, refusal: int) -> None:
    wanted = max(-20, min(19, wanted))
    if wanted < process.nice and not task.process.credentials.may("sys_nice"):
        raise os_error(refusal)
    process.nice = wanted


def getpriority(task: Task, which: int, who: int) -> int:
    """As os.getpriority."""
    return min(each.nice for each in _meant(task, which, who))  # type: ignore[no-any-return]


def setpriority(task: Task, which: int, who: int, priority: int) -> None:
    """As os.setpriority."""
    own = task.process.credentials
    for each in _meant(task, which, who):
        if own.users[1] not in each.credentials.users[:2] and not own.may("sys_nice"):
            raise os_error(errno.EPERM)
        _set_nice(task, each, priority, errno.EACCES)


def _meant(task: Task, which: int, who: int) -> list[Any]:
    if which == real.PRIO_PROCESS:
        return [_process(task, who)]
    here = [each for each in task.scheduler.processes if each.host is task.process.host and not each.ended]
    if which == real.PRIO_PGRP:
        found = [each for each in here if each.group == (who or task.process.group)]
    elif which == real.PRIO_USER:
        found = [each for each in here if each.credentials.users[0] == (who or getuid(task))]
    else:
        raise os_error(errno.EINVAL)
    if not found:
        raise os_error(errno.ESRCH)
    return found


def sched_getaffinity(task: Task, pid: int, /) -> set[int]:
    """One processor: the first."""
    _process(task, pid)
    return {0}


def sched_setaffinity(task: Task, pid: int, mask: Any, /) -> None:
    """As os.sched_setaffinity on a machine of one processor."""
    processors = set(mask)
    if any(each < 0 for each in processors):
        raise ValueError("negative CPU number")
    _process(task, pid)
    if 0 not in processors:
        raise os_error(errno.EINVAL)


def sched_yield(task: Task) -> None:
    """The others' turn."""
    task.scheduler.sleep(task, 1_000, "sched_yield")


# Limits: kept, without effect, for all programs share one real process.


def getrlimit(task: Task, which: int, /) -> tuple[int, int]:
    """What the program has set, else the machine's."""
    return task.process.limits.get(which) or _real_getrlimit(which)


def setrlimit(task: Task, which: int, limits: Any, /) -> None:
    """As resource.setrlimit; the limit is not enforced."""
    before = getrlimit(task, which)
    given = tuple(limits)
    if len(given) != 2:
        raise ValueError("expected a tuple of 2 integers")
    soft, hard = (_limit(each) for each in given)
    if _above(soft, hard):
        raise ValueError("current limit exceeds maximum limit")
    if _above(hard, before[1]) and not task.process.credentials.may("sys_resource"):
        raise ValueError("not allowed to raise maximum limit")
    task.process.limits[which] = (soft, hard)


def prlimit(task: Task, pid: int, which: int, limits: Any = None, /) -> tuple[int, int]:
    """As resource.prlimit, of this process alone."""
    if _process(task, pid) is not task.process:
        raise os_error(errno.EPERM)
    before = getrlimit(task, which)
    if limits is not None:
        setrlimit(task, which, limits)
    return before


def _limit(value: Any) -> int:
    if not isinstance(value, int):
        raise TypeError(f"'{type(value).__name__}' object cannot be interpreted as an integer")
    return _UNLIMITED if value == -1 else value


def _above(one: int, other: int) -> bool:
    """-1 is no limit at all."""
    return other != _UNLIMITED and (one == _UNLIMITED or one > other)


NAMES = (
    "setuid setgid seteuid setegid setreuid setregid setresuid setresgid getuid geteuid getgid getegid getresuid "
    "getresgid getgroups setgroups initgroups setsid setpgid setpgrp getpgid getpgrp getsid nice getpriority "
    "setpriority sched_getaffinity sched_setaffinity sched_yield"
)
