"""Telling watchers of each socket call of a program: its arguments, and its result or errno (`journey.CallHook`).

While nobody watches, `SimSocket` has its plain methods and a call costs nothing more. When the net begins to run and
somebody does, the methods are wrapped; the wrapper asks the hook of the task's own net.
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from functools import update_wrapper
from typing import Any

from netarium.programs.shims.socket import SimSocket
from netarium.programs.streams import current_task

WATCHED = [
    "accept",
    "bind",
    "close",
    "connect",
    "connect_ex",
    "listen",
    "recv",
    "recv_into",
    "recvfrom",
    "recvfrom_into",
    "recvmsg",
    "send",
    "sendall",
    "sendmsg",
    "sendto",
    "setsockopt",
    "shutdown",
]
_OF_CONNECT = frozenset({"connect", "connect_ex"})
"""Calls of which `local` tells by which address and port the socket has gone out: which connection it is."""
_BYTES_SHOWN = 32

_plain: dict[str, Callable[..., Any]] = {}
_own: set[str] = set()
"""Which of them `SimSocket` has in its own dictionary."""


def watch_calls(wanted: bool) -> None:
    """Wrap the methods, or put the plain ones back."""
    if wanted and not _plain:
        for name in WATCHED:
            plain = getattr(SimSocket, name)
            if name in vars(SimSocket):
                _own.add(name)
            _plain[name] = plain
            setattr(SimSocket, name, _reporting(name, plain))
    elif not wanted and _plain:
        for name, plain in _plain.items():
            if name not in _own:  # inherited from socket.socket, or from the other parts
                delattr(SimSocket, name)
            else:
                setattr(SimSocket, name, plain)
        _plain.clear()


def _reporting(name: str, plain: Callable[..., Any]) -> Callable[..., Any]:
    def method(self: Any, *args: Any, **keywords: Any) -> Any:
        task = current_task()
        hook = None if task is None else task.scheduler.watch.call
        if task is None or hook is None or task.in_call:
            return plain(self, *args, **keywords)
        shown = _shown_to_fill if name.endswith("_into") else _shown
        details: dict[str, Any] = {"socket": self.fileno(), "args": [shown(each) for each in args]}
        began = task.scheduler.engine.now
        task.in_call = True
        try:
            result = plain(self, *args, **keywords)
        except OSError as error:
            details["errno"] = errno.errorcode.get(error.errno or 0, type(error).__name__)
            raise
        except BaseException as error:
            details["raised"] = type(error).__name__
            raise
        else:
            details["result"] = _shown(result)
            if name.endswith("_into"):
                count = result[0] if isinstance(result, tuple) else result
                details["received"] = _shown(memoryview(args[0]).cast("B")[:count])
            return result
        finally:
            task.in_call = False
            details["began_ns"] = began
            if name in _OF_CONNECT:
                details["local"] = _local_end(self)
            process = task.process
            hook(task.scheduler.engine.now, process.host.name, process.name, name, details)

    return update_wrapper(method, plain, updated=())


def _local_end(sock: Any) -> Any:
    """The socket's own address and port; None when it has none (any more)."""
    try:
        return _shown(sock.getsockname())
    except OSError:
        return None


def _shown_to_fill(value: Any) -> Any:
    """A buffer that is to be filled: what is in it before is nobody's, and another in each run."""
    if isinstance(value, bytearray | memoryview):
        return {"bytes": len(value)}
    return _shown(value)


def _shown(value: Any) -> Any:
    """A value as the trace can keep it: bytes by their length and beginning, sockets by their descriptor."""
    if isinstance(value, bytes | bytearray | memoryview):
        data = bytes(value[:_BYTES_SHOWN])
        return {"bytes": len(value), "begin": data.decode("latin-1")}
    if isinstance(value, tuple | list):
        return [_shown(each) for each in value]
    if isinstance(value, SimSocket):
        return {"socket": value.fileno()}
    if value is None or isinstance(value, str | int | float):
        return value
    return {"object": type(value).__name__}  # its repr may hold an address
