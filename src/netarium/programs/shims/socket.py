"""Virtual `socket.socket`: inside a task, `socket.socket.__new__` returns an instance of a twin class.

The twin of a class C is `type(C.__name__, (C, SimSocket))`: C3 puts `SimSocket` between the program's own subclass and
`socket.socket`, so subclasses, `ssl.SSLSocket` and isinstance work, and real sockets keep their C methods. The C part
of a twin is never initialised (its descriptor is -1): a method missed here fails with EBADF. Methods call each other as
`SimSocket.connect(self, ...)`, because a subclass may override `connect`.

Receiving and sending are in `socket_transfer`, messages with ancillary data in `socket_message`.
"""

from __future__ import annotations

import errno
import os
import socket as real
import sys
import warnings
from collections.abc import Callable
from types import FunctionType
from typing import Any

from greenlet import getcurrent

from netarium.programs import unix_entries
from netarium.programs.shims import socket_address as addresses
from netarium.programs.shims.os import virtual_number
from netarium.programs.shims.socket_arguments import (
    as_enum,
    check_open,
    kind_of,
    timeout_ns,
    to_bytes,
)
from netarium.programs.shims.socket_linger import wait_for_acknowledgment
from netarium.programs.shims.socket_message import MessageMethods
from netarium.programs.shims.socket_transfer import TransferMethods, enter, task_in
from netarium.programs.task import WAIT_REST, Task, TaskGreenlet
from netarium.sockets.base import Socket
from netarium.sockets.closed import CLOSED, NO_SOCKET
from netarium.sockets.errno import os_error
from netarium.sockets.factory import open_socket

_real_socket = real.socket
_real_new = real.socket.__new__
_fstat = os.fstat
_shown = addresses.SHOWN
_AF_INET = int(real.AF_INET)
_AF_UNIX = int(real.AF_UNIX)
# Plain ints: an IntFlag costs 500 ns for each `&`.
_NONBLOCK = int(real.SOCK_NONBLOCK)
_TYPE_FLAGS = _NONBLOCK | int(real.SOCK_CLOEXEC)
_STREAM = int(real.SOCK_STREAM)
_DONTWAIT = int(real.MSG_DONTWAIT)
_WAITALL = int(real.MSG_WAITALL)
_TRUNC = int(real.MSG_TRUNC)
_MORE = 0x8000


_SENDING = frozenset(("connect", "send", "sendall", "sendto", "sendmsg"))


class SimSocket(TransferMethods, MessageMethods, real.socket):
    """A socket on the virtual stack; see the module's docstring."""

    # `_new` gives every instance these: where the class has them too, CPython reads them slowly.
    _core: Any
    _number: int
    _timeout: int | None
    _process: Any
    _claimed: tuple[int, int, int] | None
    """What the program said when it made an object for a descriptor that exists, where that is not what it is."""

    def __init__(self, family: int = -1, type: int = -1, proto: int = -1, fileno: Any = None) -> None:
        task = task_in("socket")
        if task.scheduler.doomed:
            task.scheduler.close_doomed()
        self._io_refs = 0
        self._closed = False
        process = task.process
        self._process = process
        if fileno is not None:
            self._adopt(fileno, family, type, proto)
        else:
            family = real.AF_INET if family == -1 else int(family)
            type = _STREAM if type == -1 else int(type)
            kind = type & ~_TYPE_FLAGS
            self._core = core = open_socket(
                process.credentials,
                process.host.stack,
                process.scheduler.engine,
                family,
                kind,
                0 if proto == -1 else int(proto),
            )
            self._number = process.descriptors.add(core)
            process.descriptors.attach(self._number, self)
            if core.type != kind:
                self._claimed = (family, kind, core.protocol)
            if type & _NONBLOCK:
                self._timeout = 0
                core.waits = False
                core.nonblocking = True
                return
        if self._timeout is None and process.default_timeout is not None:
            self._timeout = process.default_timeout
            self._core.nonblocking = True
            self._core.waits = self._timeout != 0

    def _adopt(self, number: Any, family: int, type: int, proto: int) -> None:
        if not isinstance(number, int) or isinstance(number, bool):
            raise TypeError(f"'{number.__class__.__name__}' object cannot be interpreted as an integer")
        if number < 0:
            raise ValueError("negative file descriptor")
        core = self._process.descriptors.find(number)
        if core is None:
            if virtual_number(number) < 0:
                _fstat(number)  # EBADF; a file of the real machine is no socket
                raise os_error(errno.ENOTSOCK)
            raise os_error(errno.EBADF)
        if not isinstance(core, Socket):
            raise os_error(errno.ENOTSOCK)
        self._core = core
        self._number = number
        self._process.descriptors.attach(number, self)
        given = (family, type, proto)
        known = kind_of(core)
        claimed = tuple(is_ if said == -1 else int(said) for said, is_ in zip(given, known, strict=True))
        if claimed != known:
            self._claimed = (claimed[0], claimed[1], claimed[2])

    def descriptor_means(self, number: int, pollable: Any) -> bool:
        """The descriptor was closed by its number, or is another's: as in CPython calls go to what it means now."""
        if self._number != number:
            return False
        self._claimed = self._claimed or kind_of(self._core)
        if pollable is None:
            self._core = CLOSED
        else:
            self._core = pollable if isinstance(pollable, Socket) else NO_SOCKET
        return True

    def __del__(self) -> None:
        # A socket that nobody holds any more closes its descriptor, at the next moment the stack is at rest.
        if self._number >= 0 and not self._closed:
            process = self._process
            if process is not None and not process.ended:
                process.scheduler.doomed.append((process, self._number, self._core))
                current = getcurrent()
                if type(current) is TaskGreenlet and current.task.process is process:
                    warnings.warn(f"unclosed {self!r}", ResourceWarning, stacklevel=1, source=self)
            self._number = -1

    # What it is.

    @property
    def family(self) -> Any:
        """Address family."""
        return as_enum(self._claimed[0] if self._claimed else self._core.family, real.AddressFamily)

    @property
    def type(self) -> Any:
        """Socket type."""
        return as_enum(self._claimed[1] if self._claimed else self._core.type, real.SocketKind)

    @property
    def proto(self) -> int:
        """Protocol."""
        return self._claimed[2] if self._claimed else self._core.protocol

    @property
    def timeout(self) -> float | None:
        """As gettimeout()."""
        return SimSocket.gettimeout(self)

    def fileno(self) -> int:
        """The virtual descriptor, or -1 after close."""
        return self._number

    def gettimeout(self) -> float | None:
        """Seconds, or None for blocking."""
        return None if self._timeout is None else self._timeout / 1e9

    def settimeout(self, value: float | None) -> None:
        """Seconds, None for blocking, 0 for non-blocking."""
        timeout = timeout_ns(value)
        check_open(self)
        self._timeout = timeout
        self._core.nonblocking = timeout is not None
        self._core.waits = timeout != 0

    def setblocking(self, flag: bool) -> None:
        """settimeout(None) or settimeout(0)."""
        check_open(self)
        self._timeout = None if flag else 0
        self._core.nonblocking = not flag
        self._core.waits = bool(flag)

    def getblocking(self) -> bool:
        """Whether the time-out is not 0."""
        return self._timeout != 0

    # Names and connecting.

    def bind(self, address: Any) -> None:
        """Take a local address."""
        task = enter(self)
        core = self._core
        where = addresses.parse(task, core, address, "bind")
        core.bind(*where)
        if core.family == _AF_UNIX and where[0][:1] not in (b"", b"\0"):
            unix_entries.make(core.credentials.local_names, core.key, 0o777 & ~task.process.context.umask())

    def listen(self, backlog: int = 128) -> None:
        """Welcome connections."""
        enter(self)
        if not -(1 << 31) <= backlog < 1 << 31:
            raise OverflowError("Python int too large to convert to C int")
        self._core.listen(backlog)

    def _accept(self) -> tuple[int, Any]:
        task = enter(self)
        core = self._core
        found = core.accept()
        if found is None:
            found = self._wait(task, "accept", core.accept, WAIT_REST)
        return task.process.descriptors.add(found), addresses.show(found, found.peer_name())

    def accept(self) -> tuple[Any, Any]:
        """(socket, address) of the next connection."""
        number, address = SimSocket._accept(self)
        connection = real.socket(self.family, self.type, self.proto, fileno=number)
        return connection, address

    def connect(self, address: Any) -> None:
        """Connect; blocks until it is done, refused or timed out."""
        task = enter(self)
        core = self._core
        where = addresses.parse(task, core, address, "connect")
        if not core.connect(*where):
            self._await_connection(task, core)

    def _await_connection(self, task: Task, core: Any) -> None:
        if self._timeout == 0:
            raise os_error(errno.EINPROGRESS)
        if core.connected() is None:
            self._wait(task, "connect", core.connected)

    def connect_ex(self, address: Any) -> int:
        """As connect, but the errno is returned; what is no errno is raised."""
        try:
            SimSocket.connect(self, address)
        except real.gaierror:
            raise
        except TimeoutError as error:
            return error.errno or errno.EAGAIN
        except OSError as error:
            if error.errno is None:
                raise
            return error.errno
        return 0

    def getsockname(self) -> Any:
        """The local address."""
        return addresses.show(self._core, self._core.name())

    def getpeername(self) -> Any:
        """The remote address."""
        return addresses.show(self._core, self._core.peer_name())

    # Options and ends.

    def getsockopt(self, level: int, optname: int, buflen: int = 0) -> Any:
        """An option's value: an int, or bytes with `buflen`."""
        enter(self)
        return self._core.get_option(level, optname, buflen)

    def setsockopt(self, level: int, optname: int, value: Any, optlen: int | None = None) -> None:
        """Set an option; what the stack does not have is ENOPROTOOPT."""
        enter(self)
        if value is None:
            value = b"\0" * (optlen or 0)
        elif not isinstance(value, int):
            value = to_bytes(value)
        self._core.set_option(level, optname, value)

    def shutdown(self, how: int) -> None:
        """SHUT_RD, SHUT_WR or SHUT_RDWR."""
        enter(self)
        if not -(1 << 31) <= how < 1 << 31:
            raise OverflowError("Python int too large to convert to C int")
        if how not in (0, 1, 2):
            raise os_error(errno.EINVAL)
        self._core.shutdown(how != 1, how != 0)

    def _real_close(self, _ss: Any = None) -> None:
        number, core = self._number, self._core
        self._claimed = self._claimed or kind_of(core)  # what it was can be asked after its end
        self._number = -1
        self._core = CLOSED
        if number >= 0 and self._process is not None and not self._process.ended:
            self._process.descriptors.close(number)
            if core.closed and core.settings.linger and core.settings.linger_s:
                wait_for_acknowledgment(core)

    def detach(self) -> int:
        """Give the descriptor away: this object is closed, the connection is not."""
        number = self._number
        self._claimed = self._claimed or kind_of(self._core)
        self._closed = True
        self._number = -1
        self._core = CLOSED
        return number

    def dup(self) -> Any:
        """A second object for the same socket."""
        number = self._process.descriptors.dup(self._number)
        copy = self.__class__(self.family, self.type, self.proto, fileno=number)
        copy._timeout = self._timeout
        return copy

    def get_inheritable(self) -> bool:
        """Nothing inherits; the flag is kept."""
        return self._process.descriptors.inheritable.get(self._number, False)  # type: ignore[no-any-return]

    def set_inheritable(self, inheritable: bool) -> None:
        """Nothing inherits; the flag is kept."""
        self._process.descriptors.inheritable[self._number] = bool(inheritable)


# It shows as its original, in messages about wrong arguments too.
for _class in (SimSocket, TransferMethods, MessageMethods):
    for _name, _member in vars(_class).items():
        if isinstance(_member, FunctionType):
            _member.__qualname__ = f"socket.{_name}"
SimSocket.__module__, SimSocket.__qualname__, SimSocket.__name__ = "socket", "socket", "socket"

_twins: dict[type, type] = {}
on_first_tls: Callable[[], None] | None = None
"""Called when the first twin of an `ssl.SSLSocket` is made; set by the driver, so that ssl is not imported in vain."""


def twin(cls: type) -> type:
    """The class whose instances a task gets when it asks for `cls`."""
    found = _twins.get(cls)
    if found is None:
        if issubclass(cls, SimSocket):
            found = cls
        elif cls is _real_socket:
            found = SimSocket
        else:
            names = {"__module__": cls.__module__, "__qualname__": cls.__qualname__, "__doc__": cls.__doc__}
            found = type(cls.__name__, (cls, SimSocket), names)
            if on_first_tls is not None and issubclass(cls, getattr(sys.modules.get("ssl"), "SSLSocket", ())):
                on_first_tls()
        _twins[cls] = found
    return found


def _new(cls: type, *args: Any, **keywords: Any) -> Any:
    if type(getcurrent()) is TaskGreenlet:
        cls = twin(cls)
    made: Any = _real_new(cls)
    if issubclass(cls, SimSocket):
        made._core, made._number, made._timeout, made._process, made._claimed = CLOSED, -1, None, None, None
    return made


def install_twins() -> None:
    """From now on `socket.socket(...)` inside a task makes a twin."""
    real.socket.__new__ = _new  # type: ignore[method-assign]
