"""`sendmsg`, `recvmsg` and `recvmsg_into`: ancillary data, and descriptors passed between programs (SCM_RIGHTS).

What is passed is the open object, as in the kernel: it stays open while under way, and the receiver gets a number of
its own. Files are passed too: their descriptors are the real kernel's.
"""

from __future__ import annotations

import array
import errno
import os
import socket as real
from operator import index
from typing import Any

from netarium.programs.shims import socket_address as addresses
from netarium.programs.shims.os import virtual_number
from netarium.programs.shims.socket_arguments import check_flags, check_open, to_bytes, writable
from netarium.programs.shims.socket_transfer import sender_of
from netarium.programs.streams import current_task
from netarium.programs.task import Task
from netarium.sockets.ancillary import cut
from netarium.sockets.base import PEEK
from netarium.sockets.errno import os_error
from netarium.sockets.readiness import Pollable
from netarium.sockets.unix import SCM_RIGHTS, SOL_SOCKET

_DONTWAIT = int(real.MSG_DONTWAIT)
_TRUNC = int(real.MSG_TRUNC)
_OOB = int(real.MSG_OOB)
_CTRUNC = int(real.MSG_CTRUNC)
_CMSG_CLOEXEC = int(real.MSG_CMSG_CLOEXEC)
_MORE = 0x8000
_ERRQUEUE = 0x2000
BUFFERS_MAX = 1024
"""IOV_MAX."""
_INT_BYTES = 4
_HEADER_BYTES = real.CMSG_LEN(0)
_dup, _close, _fstat = os.dup, os.close, os.fstat
_set_inheritable = os.set_inheritable


class FileUnderWay(Pollable):
    """A real file's descriptor while it is passed from one program to another."""

    __slots__ = ("number",)

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = _dup(number)

    def close(self) -> None:
        """Nobody took it."""
        _close(self.number)


def rights_of(task: Task, content: bytes) -> tuple[Pollable, ...]:
    """The objects that descriptors in the data of an SCM_RIGHTS message mean. EBADF, EINVAL."""
    numbers = array.array("i")
    if len(content) % _INT_BYTES:
        raise os_error(errno.EINVAL)
    numbers.frombytes(content)
    found: list[Pollable] = []
    for number in numbers:
        virtual = virtual_number(number)
        if virtual >= 0:
            found.append(task.process.descriptors.get(virtual))
        else:
            found.append(FileUnderWay(number))
    return tuple(found)


def install_rights(task: Task, rights: tuple[Pollable, ...], inheritable: bool) -> bytes:
    """Give what was passed numbers of this program."""
    numbers = array.array("i")
    for each in rights:
        if isinstance(each, FileUnderWay):
            number = _dup(each.number)
            _set_inheritable(number, inheritable)
            task.process.own_files.add(number)
        else:
            number = task.process.descriptors.add(each)
            task.process.descriptors.inheritable[number] = inheritable
        numbers.append(number)
    return numbers.tobytes()


def take_ancillary(task: Task, told: list[Any], room: int, flags: int) -> tuple[list[Any], bool]:
    """Ancillary data as the program gets it in a buffer of `room` bytes; whether something was left out."""
    shown: list[Any] = []
    lost = False
    left = room
    for level, kind, content in told:
        if (level, kind) != (SOL_SOCKET, SCM_RIGHTS):
            shown.append((level, kind, content))
            left -= real.CMSG_SPACE(len(content))
            continue
        # Linux scm_detach_fds: as many as there is room for, and no message at all for none.
        fit = min(max(left - _HEADER_BYTES, 0) // _INT_BYTES, len(content))
        lost = lost or fit < len(content)
        if fit:
            data = install_rights(task, content[:fit], not flags & _CMSG_CLOEXEC)
            shown.append((level, kind, data))
            left -= real.CMSG_SPACE(len(data))
        for each in content:
            each.release()
    shown, less = cut(shown, room)
    return shown, lost or less


class MessageMethods:
    """A part of `SimSocket`."""

    __slots__ = ()

    _core: Any
    _timeout: int | None
    _wait: Any

    def recvmsg(self, bufsize: int, ancbufsize: int = 0, flags: int = 0) -> tuple[bytes, list[Any], int, Any]:
        """(data, ancillary data, flags, address)."""
        bufsize, ancbufsize, flags = index(bufsize), index(ancbufsize), index(flags)
        if bufsize < 0:
            raise ValueError("negative buffer size in recvmsg()")
        if ancbufsize < 0 or ancbufsize > 0x7FFFFFFF:
            raise ValueError("invalid ancillary data buffer length")
        task = enter_task()
        check_open(self)
        core = self._core
        if flags & _OOB:
            return core.receive_urgent(flags & PEEK)[:bufsize], [], _OOB, None
        check_flags(flags)

        def attempt() -> Any:
            if not flags & _ERRQUEUE:
                return core.receive_ancillary(bufsize, flags & PEEK)
            try:
                return core.receive_report(bufsize)
            except BlockingIOError:  # it never waits, but with a time-out CPython does
                if self._timeout:
                    return None
                raise

        found = attempt()
        if found is None:
            if flags & _DONTWAIT and not self._timeout:
                raise os_error(errno.EAGAIN)
            found = self._wait(task, "recvmsg", attempt, core.waiting_kind)
        data, name, truncated, told = found
        told, told_less = take_ancillary(task, told, ancbufsize, flags) if told else (told, False)
        result = (
            (_TRUNC if truncated else 0) | (_CTRUNC if told_less else 0) | flags & (_ERRQUEUE | _CMSG_CLOEXEC)
        )
        return data, told, result, addresses.show(core, name)

    def recvmsg_into(
        self, buffers: Any, ancbufsize: int = 0, flags: int = 0
    ) -> tuple[int, list[Any], int, Any]:
        """As recvmsg, into several buffers."""
        try:
            iterator = iter(buffers)
        except TypeError:
            raise TypeError("recvmsg_into() argument 1 must be an iterable") from None
        views = [writable(each) for each in iterator]
        if len(views) > BUFFERS_MAX:
            raise os_error(errno.EMSGSIZE)
        total = sum(len(view) for view in views)
        data, ancillary, message_flags, address = MessageMethods.recvmsg(self, total, ancbufsize, flags)
        rest = memoryview(data)
        for view in views:
            part = rest[: len(view)]
            view[: len(part)] = part
            rest = rest[len(part) :]
        return len(data), ancillary, message_flags, address

    def sendmsg(self, buffers: Any, ancdata: Any = (), flags: int = 0, address: Any = None) -> int:
        """Send several buffers as one, with ancillary data."""
        task = enter_task()
        try:
            iterator = iter(buffers)
        except TypeError:
            raise TypeError("sendmsg() argument 1 must be an iterable") from None
        pieces = [to_bytes(each) for each in iterator]
        data = b"".join(pieces)
        flags = index(flags)
        check_open(self)
        if len(pieces) > BUFFERS_MAX:
            raise os_error(errno.EMSGSIZE)
        core = self._core
        where: Any = ()
        given = [_checked(item) for item in (() if ancdata is None else ancdata)]
        if address is not None:
            where = addresses.parse(task, core, address, "sendmsg")
        if given:
            given = [_with_objects(task, item) for item in given]

        def attempt() -> Any:
            if flags & _MORE and hasattr(core, "cork"):
                return core.send_corked(data, given, *where)
            if given:
                return core.send_message(data, given, *where)
            if address is not None:
                return core.send_to(data, *where)
            return sender_of(core, flags)(data)

        try:
            count = attempt()
            if count is None:
                if flags & _DONTWAIT and not self._timeout:
                    raise os_error(errno.EAGAIN)
                count = self._wait(task, "sendmsg", attempt)
        finally:
            _let_go(given)
        return count  # type: ignore[no-any-return]


def _checked(item: Any) -> tuple[int, int, bytes]:
    try:
        level, kind, content = item
    except (TypeError, ValueError):
        raise TypeError("[sendmsg() ancillary data items must be sequences of length 3]") from None
    return index(level), index(kind), to_bytes(content)


def _with_objects(task: Task, item: tuple[int, int, Any]) -> tuple[int, int, Any]:
    level, kind, content = item
    return (level, kind, rights_of(task, content) if (level, kind) == (SOL_SOCKET, SCM_RIGHTS) else content)


def _let_go(given: list[Any]) -> None:
    """Files that no message took are closed here."""
    for level, kind, content in given:
        if (level, kind) == (SOL_SOCKET, SCM_RIGHTS):
            for each in content:
                if isinstance(each, FileUnderWay):
                    each.retain()
                    each.release()


def enter_task() -> Task:
    """The task that makes this call, and what the call costs."""
    task = current_task()
    if task is None:
        raise RuntimeError(
            "a method of a virtual socket outside the net; use host.call(function) to run code there"
        )
    task.calls = calls = task.calls + 1
    if calls > task.calls_limit:
        task.scheduler.charge(task)
    return task
