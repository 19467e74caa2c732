"""`recv`, `send` and their like on virtual sockets, and the waiting they do.

A call makes one attempt on the core (`netarium.sockets`); if that would block, `_wait` parks the task until the core
changes, and tries again.
"""

from __future__ import annotations

import errno
import socket as real
from collections.abc import Callable
from operator import index
from typing import Any

from greenlet import getcurrent

from netarium.engine.events import NEVER_NS
from netarium.programs.shims import socket_address as addresses
from netarium.programs.shims.socket_arguments import check_flags, check_open, to_bytes, writable
from netarium.programs.task import CALLS_BEFORE_YIELD, WAIT_WORK, Task, TaskGreenlet
from netarium.sockets.base import PEEK
from netarium.sockets.errno import os_error
from netarium.sockets.readiness import IN

_shown = addresses.SHOWN
_AF_INET = int(real.AF_INET)
_STREAM = int(real.SOCK_STREAM)
_DONTWAIT = int(real.MSG_DONTWAIT)
_WAITALL = int(real.MSG_WAITALL)
_TRUNC = int(real.MSG_TRUNC)
_OOB = int(real.MSG_OOB)
_MORE = 0x8000
_SENDING = frozenset(("connect", "send", "sendall", "sendto", "sendmsg"))


class TransferMethods:
    """A part of `SimSocket`."""

    __slots__ = ()

    _core: Any
    _number: int
    _timeout: int | None

    # Receiving.

    def recv(self, bufsize: int, flags: int = 0) -> bytes:
        """Up to `bufsize` bytes; b"" at the end of the stream."""
        current = getcurrent()
        if type(current) is not TaskGreenlet:
            raise outside("recv")
        task = current.task
        task.calls = calls = task.calls + 1
        if calls > task.calls_limit:
            task.scheduler.charge(task)
        if flags or bufsize <= 0:
            return self._recv_specially(task, bufsize, flags)
        core = self._core
        data = core.receive(bufsize)
        if data is None:
            data = self._wait(task, "recv", lambda: core.receive(bufsize), core.waiting_kind)
        return data  # type: ignore[no-any-return]

    def _recv_specially(self, task: Task, bufsize: int, flags: int) -> bytes:
        if bufsize < 0:
            raise ValueError("negative buffersize in recv")
        if bufsize == 0:
            return b""  # CPython does not even ask
        core = self._core
        if flags & _OOB:
            return self._receive_urgent(task, flags & PEEK)[:bufsize]
        check_flags(flags)
        peek = flags & PEEK
        # With a time-out or MSG_DONTWAIT the descriptor does not wait, so neither does MSG_WAITALL for the rest.
        whole = flags & _WAITALL and not flags & _DONTWAIT and self._timeout is None
        wanted = bufsize if whole and core.type == _STREAM and not peek else 0
        if flags & _TRUNC:
            return self._receive_whole_length(task, bufsize, peek, flags)
        data = self._receive_some(task, bufsize, peek, flags)
        while wanted and data and len(data) < wanted:
            try:
                more = self._receive_some(task, wanted - len(data), peek, flags)
            except BlockingIOError:  # SO_RCVTIMEO
                break
            if not more:
                break
            data += more
        return data

    def _receive_urgent(self, task: Task, peek: int) -> bytes:
        """MSG_OOB. It never waits, but with a time-out CPython waits for something to read before it calls."""
        core = self._core

        def attempt() -> bytes | None:
            if self._timeout and not core.readiness() & IN:
                return None
            return core.receive_urgent(peek)  # type: ignore[no-any-return]

        data = attempt()
        return self._wait(task, "recv", attempt) if data is None else data

    def _receive_whole_length(self, task: Task, bufsize: int, peek: int, flags: int) -> bytes:
        """MSG_TRUNC: as long as the datagram was; past `bufsize` what CPython leaves unset is 0 here.

        A TCP socket throws the bytes away instead (tcp(7)).
        """
        if self._core.type == _STREAM:
            data = self._receive_some(task, bufsize, peek, flags)
            return bytes(len(data)) if self._core.family != real.AF_UNIX else data
        data = self._receive_some(task, 1 << 30, peek, flags)
        return data[:bufsize].ljust(len(data), b"\0")

    def _receive_some(self, task: Task, bufsize: int, peek: int, flags: int) -> bytes:
        core = self._core

        def attempt() -> bytes | None:
            return core.receive(bufsize, peek)  # type: ignore[no-any-return]

        data = attempt()
        if data is None:
            if flags & _DONTWAIT and not self._timeout:
                raise os_error(errno.EAGAIN)
            data = self._wait(task, "recv", attempt, core.waiting_kind)
        return data

    def recv_into(self, buffer: Any, nbytes: int = 0, flags: int = 0) -> int:
        """As recv, into a buffer; the count."""
        view = writable(buffer)
        if nbytes < 0:
            raise ValueError("negative buffersize in recv_into")
        if nbytes > len(view):
            raise ValueError("buffer too small for requested bytes")
        count = nbytes or len(view)
        data = TransferMethods.recv(self, count, flags)
        if len(data) > count:  # MSG_TRUNC tells the whole length
            view[:count] = data[:count]
        else:
            view[: len(data)] = data
        return len(data)

    def recvfrom(self, bufsize: int, flags: int = 0) -> tuple[bytes, Any]:
        """(bytes, address): one datagram, cut to `bufsize`."""
        current = getcurrent()
        if type(current) is not TaskGreenlet:
            raise outside("recvfrom")
        task = current.task
        task.calls = calls = task.calls + 1
        if calls > task.calls_limit:
            task.scheduler.charge(task)
        core = self._core
        peek = 0
        if flags or bufsize < 0:
            if bufsize < 0:
                raise ValueError("negative buffersize in recvfrom")
            check_flags(flags)
            peek = flags & PEEK
        found = core.receive_from(bufsize, peek)
        if found is None:
            if flags & _DONTWAIT and not self._timeout:
                raise os_error(errno.EAGAIN)
            found = self._wait(task, "recvfrom", lambda: core.receive_from(bufsize, peek), core.waiting_kind)
        data, name = found
        address = _shown.get(name) if core.family == _AF_INET else None  # it holds IPv4 ones
        return data, address if address is not None else addresses.show(core, name)

    def recvfrom_into(self, buffer: Any, nbytes: int = 0, flags: int = 0) -> tuple[int, Any]:
        """As recvfrom, into a buffer."""
        view = writable(buffer)
        if nbytes < 0:
            raise ValueError("negative buffersize in recvfrom_into")
        if nbytes > len(view):
            raise ValueError("nbytes is greater than the length of the buffer")
        data, address = TransferMethods.recvfrom(self, nbytes or len(view), flags)
        view[: len(data)] = data
        return len(data), address

    # Sending.

    def send(self, data: Any, flags: int = 0) -> int:
        """The count taken, which may be less than all."""
        current = getcurrent()
        if type(current) is not TaskGreenlet:
            raise outside("send")
        task = current.task
        task.calls = calls = task.calls + 1
        if calls > task.calls_limit:
            task.scheduler.charge(task)
        if task.scheduler.doomed:
            task.scheduler.close_doomed()
        if type(data) is not bytes:
            data = to_bytes(data)
        core = self._core
        count = core.send(data) if not flags else sender_of(core, flags)(data)
        if count is None:
            if flags & _DONTWAIT and not self._timeout:
                raise os_error(errno.EAGAIN)
            give = sender_of(core, flags)
            count = self._wait(task, "send", lambda: give(data))
        return count

    def sendall(self, data: Any, flags: int = 0) -> None:
        """Send until all is taken; the time-out is for all of it."""
        task = enter(self)
        rest = to_bytes(data)
        core = self._core
        give = sender_of(core, flags)
        count = give(rest)
        if count == len(rest):
            return
        timeout = self._timeout
        deadline = -1 if timeout is None else task.scheduler.engine.now + timeout
        left = memoryview(rest)
        while True:
            if count is not None:
                left = left[count:]
                if not left:
                    return
            count = give(left)
            if count is None:
                if flags & _DONTWAIT and not self._timeout:
                    raise os_error(errno.EAGAIN)
                count = self._wait(task, "sendall", lambda: give(left), WAIT_WORK, deadline)  # noqa: B023

    def sendto(self, data: Any, *rest: Any) -> int:
        """sendto(data, address) or sendto(data, flags, address): one datagram."""
        current = getcurrent()
        if type(current) is not TaskGreenlet:
            raise outside("sendto")
        task = current.task
        task.calls = calls = task.calls + 1
        if calls > task.calls_limit:
            task.scheduler.charge(task)
        if task.scheduler.doomed:
            task.scheduler.close_doomed()
        if len(rest) not in (1, 2):
            raise TypeError(f"sendto() takes 2 or 3 arguments ({len(rest) + 1} given)")
        flags = index(rest[0]) if len(rest) == 2 else 0
        if type(data) is not bytes:
            data = to_bytes(data)
        core = self._core
        where = addresses.parse(task, core, rest[-1], "sendto")
        if flags & _MORE and hasattr(core, "cork"):
            return core.send_corked(data, (), *where)  # type: ignore[no-any-return]
        count = core.send_to(data, *where)
        if count is None:
            count = self._wait(task, "sendto", lambda: core.send_to(data, *where))
        return count  # type: ignore[no-any-return]

    def sendfile(self, file: Any, offset: int = 0, count: int | None = None) -> int:
        """Send a file's rest."""
        return self._sendfile_use_send(file, offset, count)  # type: ignore[attr-defined, no-any-return]

    # Blocking.

    def _wait(
        self, task: Task, call: str, attempt: Callable[[], Any], kind: int = WAIT_WORK, deadline: int = -1
    ) -> Any:
        """Park until `attempt` gives something. BlockingIOError when non-blocking, TimeoutError when it is late."""
        if task.scheduler.doomed:
            task.scheduler.close_doomed()
            result = attempt()
            if result is not None:
                return result
        timeout = self._timeout
        if timeout == 0 or (timeout is None and self._core.nonblocking):
            task.reads += 1
            if task.reads > CALLS_BEFORE_YIELD:
                task.scheduler.charge(task)
            raise os_error(errno.EAGAIN)
        core = self._core
        scheduler = task.scheduler
        limit_ns = 0
        if timeout is None:
            limit_ns = core.settings.send_limit_ns if call in _SENDING else core.settings.receive_limit_ns
        if deadline < 0:
            deadline = NEVER_NS
            if timeout is not None or limit_ns:
                deadline = scheduler.engine.now + (timeout if timeout is not None else limit_ns)
        waiters = core.waiters
        wake = task.wake
        key = None
        if deadline != NEVER_NS:
            key = (call, self._number)
            task.calls -= 1  # an empty wait is no I/O: a loop of them is an idle poll, as one over select is
            task.reads += 1
        waiters.append(wake)
        core.users += 1  # as on Linux, a call that waits keeps the socket alive
        try:
            while True:
                if not scheduler.park(task, call, core, deadline, kind, key):
                    if limit_ns:  # SO_RCVTIMEO, SO_SNDTIMEO
                        raise os_error(errno.EINPROGRESS if call == "connect" else errno.EAGAIN)
                    raise TimeoutError("timed out")
                result = attempt()
                if result is not None:
                    return result
        finally:
            waiters.remove(wake)
            if core.users > 1:
                core.users -= 1
            else:
                core.release()


def task_in(call: str) -> Task:
    """The task that calls; an error outside the net."""
    current = getcurrent()
    if type(current) is not TaskGreenlet:
        raise outside(call)
    return current.task


def outside(call: str) -> RuntimeError:
    """What a call on a virtual socket gets outside the net."""
    return RuntimeError(
        f"{call}() on a virtual socket outside the net: it belongs to a program inside; use host.call(function) to run "
        "code there"
    )


def enter(sock: Any) -> Task:
    """Every call begins so: which task, and what the call costs."""
    current = getcurrent()
    if type(current) is not TaskGreenlet:
        raise outside("a method")
    check_open(sock)
    task = current.task
    task.calls = calls = task.calls + 1
    if calls > task.calls_limit:
        task.scheduler.charge(task)
    if task.scheduler.doomed:
        task.scheduler.close_doomed()
    return task


def sender_of(core: Any, flags: int) -> Callable[[Any], int | None]:
    """What of a core sends with these flags."""
    if not flags & (_MORE | _OOB):
        return core.send  # type: ignore[no-any-return]
    return core.send_urgent if flags & _OOB else core.send_more  # type: ignore[no-any-return]
