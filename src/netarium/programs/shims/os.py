"""Virtual `os`: who the process is, its environment and working directory, its descriptors; no second process.

Files are the real ones. Descriptors below 1 << 30 are the real kernel's (files), but 0, 1 and 2 mean the program's
own streams. Starting processes is refused: one simulated program is one Python program.
"""

from __future__ import annotations

import errno
import os as real
import resource
import signal
from collections.abc import Callable
from typing import Any

from greenlet import getcurrent

from netarium.errors import NotSupportedInNetError
from netarium.programs.masks import Sent
from netarium.programs.shims import file_times
from netarium.programs.streams import Output, Stdin
from netarium.programs.task import Task, TaskGreenlet
from netarium.sockets.base import Credentials
from netarium.sockets.descriptors import DESCRIPTOR_BASE
from netarium.sockets.errno import os_error
from netarium.sockets.local import pipe as make_pipe
from netarium.sockets.readiness import Pollable

_chdir = real.chdir
_read = real.read
_isatty, _set_blocking, _get_blocking = real.isatty, real.set_blocking, real.get_blocking
_get_inheritable, _set_inheritable = real.get_inheritable, real.set_inheritable
_getcwd = real.getcwd


def virtual_number(number: Any) -> int:
    """The virtual number a descriptor means, or -1 when it is the real kernel's."""
    if isinstance(number, int):
        if DESCRIPTOR_BASE <= number < 1 << 31:
            return number
        if 0 <= number <= 2:
            return DESCRIPTOR_BASE + number
    return -1


def _find(task: Task, number: Any) -> Pollable | None:
    virtual = virtual_number(number)
    return None if virtual < 0 else task.process.descriptors.get(virtual)


def blocking(task: Task, pollable: Pollable, call: str, attempt: Callable[[], Any]) -> Any:
    """Try until it does not return None, waiting for the object to change in between."""
    task.calls += 1
    result = attempt()
    if result is None:
        if pollable.nonblocking:
            raise os_error(errno.EAGAIN)
        pollable.waiters.append(task.wake)
        try:
            while result is None:
                task.scheduler.park(task, call, pollable)
                result = attempt()
        finally:
            pollable.waiters.remove(task.wake)
    return result


def read(task: Task, fd: int, length: int) -> bytes:
    """As os.read."""
    found = _find(task, fd)
    if found is None:
        return _read(fd, length)
    if isinstance(found, Stdin):
        return found.read(length)
    receive = getattr(found, "receive", None)
    if receive is None:
        raise os_error(errno.EINVAL)
    return blocking(task, found, "read", lambda: receive(length))  # type: ignore[no-any-return]


def write(task: Task, fd: int, data: Any) -> int:
    """As os.write."""
    found = _find(task, fd)
    if found is None:
        return file_times.write(task, fd, data)
    if isinstance(found, Output):
        task.calls += 1
        return found.write(data)
    send = getattr(found, "send", None)
    if send is None:
        raise os_error(errno.EINVAL)
    content = bytes(data)
    return blocking(task, found, "write", lambda: send(content))  # type: ignore[no-any-return]


def isatty(task: Task, fd: int) -> bool:
    """As os.isatty: no virtual descriptor is a terminal."""
    virtual = virtual_number(fd)
    return _isatty(fd) if virtual < 0 else False


def set_blocking(task: Task, fd: int, blocking: bool) -> None:
    """As os.set_blocking."""
    found = _find(task, fd)
    if found is None:
        _set_blocking(fd, blocking)
    else:
        found.nonblocking = not blocking


def get_blocking(task: Task, fd: int) -> bool:
    """As os.get_blocking."""
    found = _find(task, fd)
    return _get_blocking(fd) if found is None else not found.nonblocking


def set_inheritable(task: Task, fd: int, inheritable: bool) -> None:
    """As os.set_inheritable; nothing inherits."""
    virtual = virtual_number(fd)
    if virtual < 0:
        _set_inheritable(fd, inheritable)
    else:
        task.process.descriptors.get(virtual)
        task.process.descriptors.inheritable[virtual] = bool(inheritable)


def get_inheritable(task: Task, fd: int) -> bool:
    """As os.get_inheritable."""
    virtual = virtual_number(fd)
    if virtual < 0:
        return _get_inheritable(fd)
    task.process.descriptors.get(virtual)
    return task.process.descriptors.inheritable.get(virtual, False)


def pipe(task: Task) -> tuple[int, int]:
    """As os.pipe."""
    reader, writer = make_pipe()
    return task.process.descriptors.add(reader), task.process.descriptors.add(writer)


def pipe2(task: Task, flags: int) -> tuple[int, int]:
    """As os.pipe2."""
    numbers = pipe(task)
    if flags & real.O_NONBLOCK:
        for number in numbers:
            set_blocking(task, number, False)
    return numbers


def getpid(task: Task) -> int:
    """The process' number in the net."""
    return task.process.pid


def getppid(task: Task) -> int:
    """Every program is a child of its host's init."""
    return 1


def getlogin(task: Task) -> str:
    """As the environment says."""
    return task.process.env.get("USER", "user")


def uname(task: Task) -> real.uname_result:
    """A Linux machine with the host's name."""
    return real.uname_result(("Linux", task.process.host.name, "6.1.0", "#1 SMP", "x86_64"))


def cpu_count(task: Task) -> int:
    """One: there is no pre-emption."""
    return 1


_sysconf, _SYSCONF_NAMES = real.sysconf, real.sysconf_names
_PROCESSORS = tuple(_SYSCONF_NAMES[name] for name in ("SC_NPROCESSORS_ONLN", "SC_NPROCESSORS_CONF"))
_OPEN_MAX = _SYSCONF_NAMES["SC_OPEN_MAX"]
_LIMIT_OF_OPEN = int(resource.RLIMIT_NOFILE)


def sysconf(task: Task, name: Any, /) -> int:
    """As os.sysconf: as many processors as os.cpu_count() says, as many descriptors as the program's own limit."""
    number = _SYSCONF_NAMES.get(name, name) if isinstance(name, str) else name
    if number in _PROCESSORS:
        return cpu_count(task)
    limit = task.process.limits.get(_LIMIT_OF_OPEN) if number == _OPEN_MAX else None
    return _sysconf(name) if limit is None else limit[0]


def kill(task: Task, pid: int, signal: int) -> None:
    """As os.kill, among the processes of the same host. 0 and -1 mean the caller alone."""
    if pid in (0, -1):
        pid = task.process.pid
    group = -pid if pid < 0 else -1
    here = [each for each in task.scheduler.processes if each.host is task.process.host and not each.ended]
    found = [each for each in here if each.pid == pid or each.group == group]
    if not found:
        raise os_error(errno.ESRCH)
    own = task.process.credentials
    allowed = [each for each in found if own.may("kill") or _same_user(own, each.credentials)]
    if not allowed:
        raise os_error(errno.EPERM)
    for process in allowed if int(signal) else ():
        process.kill(int(signal), Sent(int(signal), 0, own.pid, own.users[0]))
    task.scheduler.check_signals(task)


def _same_user(sender: Credentials, receiver: Credentials) -> bool:
    """kill(2): the sender's real or effective user is the receiver's real or saved one."""
    return any(each in (receiver.users[0], receiver.users[2]) for each in sender.users[:2])


def killpg(task: Task, pgid: int, signal: int) -> None:
    """As os.killpg."""
    if pgid < 0:
        raise os_error(errno.EINVAL)
    kill(task, -pgid if pgid > 1 else 0, signal)


def chdir(task: Task, path: Any) -> None:
    """As os.chdir, for this process."""
    _chdir(path)
    task.process.context.change_directory(_getcwd())


def umask(task: Task, mask: int, /) -> int:
    """As os.umask, for this process."""
    return task.process.context.change_umask(mask)


def _exit(task: Task, status: int) -> None:
    """As os._exit: no clean-up, no output flushed."""
    task.process.exit_now(task, status & 0xFF)


def abort(task: Task) -> None:
    """As os.abort: SIGABRT, whose default action ends the program; here it cannot be caught."""
    task.process.exit_now(task, -signal.SIGABRT)


def wait(task: Task, *args: Any) -> Any:
    """There are no children."""
    raise os_error(errno.ECHILD)


class RefusedError(NotSupportedInNetError, OSError):
    """A call that cannot be inside the net. Also an OSError, so that programs that can do without go on."""


_NO_PROCESSES = (
    "a simulated program cannot start processes; run the other program with host.run() or a line under `programs`, "
    "or use a thread"
)


def refuse(name: str, reason: str = _NO_PROCESSES) -> Callable[..., Any]:
    """The virtual form of what cannot be inside the net."""

    def refused(task: Task, *args: Any, **keywords: Any) -> Any:
        raise RefusedError(f"{name}() of program {task.process.name} on {task.process.host.name}: {reason}")

    return refused


_REAL_PROCESS = "it would change the real process, which all programs of the net share"
_REAL_WAIT = "waiting for it would stop the whole net, and its events are not the net's"
REFUSED_ELSE = {
    "chroot": _REAL_PROCESS,
    "unshare": _REAL_PROCESS,
    "setns": _REAL_PROCESS,
    "sched_setscheduler": _REAL_PROCESS,
    "sched_setparam": _REAL_PROCESS,
    "openpty": "there are no terminals inside the net",
    "posix_openpt": "there are no terminals inside the net",
    "login_tty": "there are no terminals inside the net",
    "eventfd": _REAL_WAIT,
    "timerfd_create": _REAL_WAIT,
    "pidfd_open": _REAL_WAIT,
}
"""What else is refused: the name in `os`, and why."""
REFUSED = [
    "fork",
    "forkpty",
    "execv",
    "execve",
    "posix_spawn",
    "posix_spawnp",
    "spawnv",
    "spawnve",
    "spawnvp",
    "spawnvpe",
    "spawnl",
    "spawnle",
    "spawnlp",
    "spawnlpe",
    "execl",
    "execle",
    "execlp",
    "execlpe",
    "execvp",
    "execvpe",
    "system",
    "popen",
]


class Environment(type(real.environ)):  # type: ignore[misc]
    """The class of os.environ once installed: inside a task it is the process' own environment."""

    @property
    def _data(self) -> dict[bytes, bytes]:
        current = getcurrent()
        if type(current) is TaskGreenlet:
            return current.task.process.environment
        return self.__dict__["_data"]  # type: ignore[no-any-return]

    def __setitem__(self, key: Any, value: Any) -> None:
        current = getcurrent()
        if type(current) is TaskGreenlet:
            current.task.process.environment[self.encodekey(key)] = self.encodevalue(value)
        else:
            super().__setitem__(key, value)

    def __delitem__(self, key: Any) -> None:
        current = getcurrent()
        if type(current) is TaskGreenlet:
            try:
                del current.task.process.environment[self.encodekey(key)]
            except KeyError:
                raise KeyError(key) from None
        else:
            super().__delitem__(key)


def install_environment() -> None:
    """Make os.environ and os.environb look at the current greenlet."""
    for mapping in (real.environ, real.environb):
        mapping.__class__ = Environment
