"""Virtual `fcntl.ioctl`: how many bytes wait, non-blocking mode, and what the host's interfaces are (netdevice(7)).

The argument is what CPython makes of it: bytes come back changed and as long as they were, a writable buffer is changed
in its place.
"""

from __future__ import annotations

import errno
import fcntl as real
import struct
import termios
from typing import Any, Final, NoReturn

from netarium.programs.shims import interface_ioctl
from netarium.programs.shims.os import virtual_number
from netarium.programs.shims.select import number_of
from netarium.programs.task import Task
from netarium.sockets.base import Socket
from netarium.sockets.datagram import DatagramSocket
from netarium.sockets.errno import os_error
from netarium.sockets.local import LocalStream
from netarium.sockets.readiness import OUT, Pollable
from netarium.sockets.stream_state import StreamState
from netarium.stack.tcp import states

SIOCINQ: Final = termios.FIONREAD
SIOCOUTQ: Final = termios.TIOCOUTQ
SIOCOUTQNSD: Final = 0x894B
SIOCATMARK: Final = 0x8905
KNOWN: Final = (termios.FIONBIO, SIOCINQ, SIOCOUTQ, SIOCOUTQNSD, SIOCATMARK)
ARGUMENT_BYTES_MAX: Final = 1024
"""CPython's: what is longer is taken as a buffer only."""
_ioctl = real.ioctl


def ioctl(task: Task, fd: Any, request: int, arg: Any = 0, mutate_flag: bool = True) -> Any:
    """As fcntl.ioctl."""
    handle = number_of(fd)
    number = virtual_number(handle)
    if number < 0:
        return _ioctl(fd, request, arg, mutate_flag)
    found = task.process.descriptors.get(number)
    request &= 0xFFFFFFFF
    if isinstance(arg, int):
        _refuse_number(request, arg)
    if isinstance(arg, str):
        arg = arg.encode()
    given = bytes(memoryview(arg))
    writable = not memoryview(arg).readonly
    if len(given) > ARGUMENT_BYTES_MAX and not (writable and mutate_flag):
        raise ValueError("ioctl string arg too long")
    answer = _answer(task, found, request, given.ljust(interface_ioctl.REQUEST_BYTES, b"\0"))[: len(given)]
    if not (writable and mutate_flag):
        return answer
    _put(arg, answer)
    return 0


def _put(buffer: Any, data: bytes) -> None:
    import ctypes

    (ctypes.c_char * len(data)).from_buffer(buffer).raw = data  # a memoryview cannot be cast from structures


def _refuse_number(request: int, number: int) -> NoReturn:
    """All requests here take an address, and of that CPython passes on 32 bits only: nothing is mapped there."""
    if not -(1 << 31) <= number < 1 << 31:
        raise OverflowError(
            f"signed integer is {'greater than maximum' if number > 0 else 'less than minimum'}"
        )
    known = request in interface_ioctl.REQUESTS or request in KNOWN
    raise os_error(errno.EFAULT if known else errno.ENOTTY)


def _answer(task: Task, found: Pollable, request: int, given: bytes) -> bytes:
    """What the kernel makes of the argument's bytes."""
    if request == termios.FIONBIO:
        found.nonblocking = given[:4] != bytes(4)
        return given
    if request in interface_ioctl.REQUESTS and isinstance(found, Socket):
        return interface_ioctl.answer(task, found, request, given)
    return struct.pack("i", _count(found, request)) + given[4:]


def _count(found: Pollable, request: int) -> int:
    if request == SIOCATMARK and hasattr(found, "at_mark"):
        return int(found.at_mark())
    if request == SIOCINQ:
        return _unread(found)
    if isinstance(found, Socket) and request in (SIOCOUTQ, SIOCOUTQNSD):
        if isinstance(found, StreamState):
            return _unacknowledged(found, request)
        if request == SIOCOUTQ:
            stream = getattr(found, "stream", None)
            return stream.peer.unread if stream is not None and stream.peer is not None else 0
    raise os_error(errno.ENOTTY)


def _unread(found: Pollable) -> int:
    """Of a stream all bytes that wait, of datagrams those of the first."""
    stream = getattr(found, "stream", found)
    if isinstance(stream, LocalStream):
        return stream.unread
    if isinstance(found, StreamState):
        if found.listener is not None:
            raise os_error(errno.EINVAL)
        connection = found.connection
        if connection is None or connection.urgent is None:
            return connection.rcv_queued_bytes if connection is not None else 0
    if isinstance(found, DatagramSocket):
        return len(found.endpoint.queue[0].payload) if found.endpoint.queue else 0
    receive = getattr(found, "receive", None)
    if receive is None or not found.readiness() & ~OUT:
        return 0
    return len(receive(1 << 30, 2) or b"")


def _unacknowledged(found: StreamState, request: int) -> int:
    """Sent and not acknowledged, and not yet sent; with SIOCOUTQNSD the latter only."""
    if found.listener is not None:
        raise os_error(errno.EINVAL)
    connection = found.connection
    if connection is None or connection.state in (states.SYN_SENT, states.SYN_RECEIVED, states.CLOSED):
        return 0
    in_flight = connection.snd_nxt - connection.snd_una if request == SIOCOUTQ else 0
    return connection.unsent_bytes + in_flight
