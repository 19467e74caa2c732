"""The system calls of a script, on sockets of `netarium.sockets`.

A call is asked until it has an answer: `Blocked.ask` tries once more. What a non-blocking descriptor cannot do now
is -1 EAGAIN, as in the kernel.
"""

from __future__ import annotations

import errno
import struct
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from netarium.sockets.base import Socket
from netarium.sockets.stream import StreamSocket
from netarium.sockets.tcp_info import tcp_info
from netarium.testing.packetscript import symbols
from netarium.testing.packetscript.flow import PORT
from netarium.testing.packetscript.script import Call, NotRun, ScriptFailure, Unknown

if TYPE_CHECKING:
    from netarium.testing.packetscript.machine import Machine

WAIT = object()
"""What an attempt gives that would block."""
SOCK_NONBLOCK, SOCK_CLOEXEC = 0o4000, 0o2000000
O_NONBLOCK = 0o4000
F_GETFL, F_SETFL = 3, 4
SHUT = {0: (True, False), 1: (False, True), 2: (True, True)}
MSG_PEEK, MSG_DONTWAIT, MSG_NOSIGNAL, MSG_MORE = 2, 0x40, 0x4000, 0x8000
SOL_SOCKET, SO_LINGER = 1, 13
SIOCINQ, SIOCOUTQ = 0x541B, 0x5411
Result = int | Any
Attempt = Callable[[], Any]


class Blocked:
    """A call under way. `at_ns` is when it returned, -1 before; `check` compares what it gave."""

    def __init__(self, line: int, call: Call, attempt: Attempt, nonblocking: bool) -> None:
        self.line = line
        self.call = call
        self.at_ns = -1
        self._attempt = attempt
        self._nonblocking = nonblocking
        self._result = 0
        self._errno = 0

    def ask(self, now: int) -> None:
        """Try, unless it has returned."""
        if self.at_ns >= 0:
            return
        try:
            result = self._attempt()
        except OSError as error:
            self._result, self._errno = -1, error.errno or 0
            self.at_ns = now
            return
        if result is WAIT:
            if not self._nonblocking:
                return
            result, self._errno = -1, errno.EAGAIN
        self._result = result
        self.at_ns = now

    def check(self) -> None:
        """ScriptFailure unless it gave what the script says."""
        want = self.call.result
        if want is None:
            return
        name = errno.errorcode.get(self._errno, str(self._errno)) if self._errno else ""
        wanted_errno = symbols.value_of(self.call.error) if self.call.error else 0
        if self._result != want or (self.call.error and self._errno != wanted_errno):
            got = f"{self._result} {name}".strip()
            raise ScriptFailure(
                self.line, f"{self.call.name}() = {got} instead of {want} {self.call.error}".rstrip()
            )


class Calls:
    """The descriptors of the program under test."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.descriptors: dict[int, Any] = {}
        self.last: Any = None
        """The socket whose TCP_INFO code blocks see: that of the last call on a connection."""

    def begin(self, line: int, call: Call) -> Blocked:
        """Prepare a call."""
        make = getattr(self, "_" + call.name, None)
        if make is None:
            raise NotRun(line, f"the system call {call.name}()")
        arguments = call.arguments
        sock: Any = None
        if call.name not in ("socket", "poll"):
            sock = self.descriptors.get(arguments[0]) if arguments else None
            if sock is None:
                raise ScriptFailure(line, f"{call.name}(): there is no descriptor {arguments[:1]}")
        attempt = make(line, call, sock, arguments[1:] if sock is not None else arguments)
        nonblocking = sock is not None and sock.nonblocking
        if call.name in ("send", "recv", "sendto", "recvfrom") and len(arguments) > 3:
            nonblocking = nonblocking or bool(int(arguments[3]) & MSG_DONTWAIT)
        if isinstance(sock, StreamSocket) and sock.connection is not None:
            self.last = sock
        return Blocked(line, call, attempt, nonblocking)

    def info(self) -> dict[str, Any]:
        """The names that code blocks see: tcpi_* of the last connection."""
        sock = self.last
        if sock is None or sock.connection is None:
            candidates = [
                each
                for each in self.descriptors.values()
                if isinstance(each, StreamSocket) and each.connection is not None
            ]
            sock = candidates[-1] if candidates else None
        return dict(tcp_info(sock)) if sock is not None else {}

    # -- opening -------------------------------------------------------------------------------------------------------

    def _socket(self, line: int, call: Call, sock: None, arguments: tuple[Any, ...]) -> Attempt:
        kind, protocol = int(arguments[1]), arguments[2] if isinstance(arguments[2], int) else 0
        made = self.machine.socket(kind & ~(SOCK_NONBLOCK | SOCK_CLOEXEC), protocol)
        made.nonblocking = bool(kind & SOCK_NONBLOCK)
        return lambda: self._place(call, made)

    def _place(self, call: Call, made: Any) -> int:
        number = call.result if call.result is not None and call.result >= 0 else 3
        self.descriptors[number] = made
        return number

    @staticmethod
    def _address(argument: Any, default: tuple[int, int]) -> tuple[int, int]:
        if not isinstance(argument, dict):
            return default
        port = argument.get("sin_port", default[1])
        text = argument.get("sin_addr", default[0])
        if isinstance(text, str):
            text = int.from_bytes(bytes(int(part) for part in text.split(".")), "big")
        return (
            text if isinstance(text, int) else default[0],
            port if isinstance(port, int) else default[1],
        )

    def _bind(self, line: int, call: Call, sock: Any, arguments: tuple[Any, ...]) -> Attempt:
        address = self._address(arguments[0], (self.machine.family.local, PORT))
        return lambda: sock.bind(*address) or 0

    def _listen(self, line: int, call: Call, sock: Any, arguments: tuple[Any, ...]) -> Attempt:
        return lambda: sock.listen(arguments[0]) or 0

    def _accept(self, line: int, call: Call, sock: Any, arguments: tuple[Any, ...]) -> Attempt:
        def attempt() -> Any:
            made = sock.accept()
            if made is None:
                return WAIT
            if len(arguments) > 2:
                made.nonblocking = bool(arguments[2] & SOCK_NONBLOCK)
            self.last = made
            return self._place(call, made)

        return attempt

    _accept4 = _accept

    def _connect(self, line: int, call: Call, sock: Any, arguments: tuple[Any, ...]) -> Attempt:
        address = self._address(arguments[0], (self.machine.family.remote, PORT))
        started = False

        def attempt() -> Any:
            nonlocal started
            if not started:
                started = True
                if not sock.connect(*address):
                    self.last = sock
                    if sock.nonblocking:
                        raise OSError(errno.EINPROGRESS, "")
                    return WAIT
                return 0
            return WAIT if sock.connected() is None else 0

        return attempt

    # -- data --------------------------------------------------------------------------------------------------------

    @staticmethod
    def _sending(sock: Any, size: int, more: bool = False) -> Attempt:
        """Send it all, as a blocking write does; a non-blocking one gives what had room. `more`: MSG_MORE."""
        done = 0
        give = sock.send_more if more else sock.send

        def attempt() -> Any:
            nonlocal done
            while True:
                count = give(bytes(size - done))
                if count is None:
                    return done if done and sock.nonblocking else WAIT
                done += count
                if done >= size:
                    return done

        return attempt

    def _write(self, line: int, call: Call, sock: Any, arguments: tuple[Any, ...]) -> Attempt:
        return self._sending(sock, int(arguments[1]))

    def _send(self, line: int, call: Call, sock: Any, arguments: tuple[Any, ...]) -> Attempt:
        flags = int(arguments[2])
        if flags & ~(MSG_DONTWAIT | MSG_NOSIGNAL | MSG_MORE):
            raise NotRun(line, f"send flags {flags:#x}")
        return self._sending(sock, int(arguments[1]), bool(flags & MSG_MORE))

    _sendto = _send

    def _writev(self, line: int, call: Call, sock: Any, arguments: tuple[Any, ...]) -> Attempt:
        sizes = [entry.get("iov_len", entry.get("1", 0)) for entry in arguments[0]]
        return self._sending(sock, sum(sizes))

    def _read(self, line: int, call: Call, sock: Any, arguments: tuple[Any, ...]) -> Attempt:
        return self._receiving(sock, int(arguments[1]), 0)

    def _recv(self, line: int, call: Call, sock: Any, arguments: tuple[Any, ...]) -> Attempt:
        flags = int(arguments[2])
        if flags & ~(MSG_DONTWAIT | MSG_PEEK):
            raise NotRun(line, f"recv flags {flags:#x}")
        return self._receiving(sock, int(arguments[1]), flags & MSG_PEEK)

    _recvfrom = _recv

    @staticmethod
    def _receiving(sock: Any, count: int, peek: int) -> Attempt:
        def attempt() -> Any:
            data = sock.receive(count, peek)
            return WAIT if data is None else len(data)

        return attempt

    # -- ends --------------------------------------------------------------------------------------------------------

    def _close(self, line: int, call: Call, sock: Any, arguments: tuple[Any, ...]) -> Attempt:
        def attempt() -> int:
            number = call.arguments[0]
            del self.descriptors[number]
            if sock not in self.descriptors.values():
                sock.close()
            return 0

        return attempt

    def _shutdown(self, line: int, call: Call, sock: Any, arguments: tuple[Any, ...]) -> Attempt:
        return lambda: sock.shutdown(*SHUT[arguments[0]]) or 0

    # -- choices -----------------------------------------------------------------------------------------------------

    def _setsockopt(self, line: int, call: Call, sock: Any, arguments: tuple[Any, ...]) -> Attempt:
        level, name, value = arguments[:3]
        self._known(line, sock, level, name)
        if isinstance(value, dict):
            value = struct.pack("ii", *list(value.values())[:2])
        elif isinstance(value, tuple):
            value = value[0]
        elif isinstance(value, str):
            value = value.encode("ascii")
        return lambda: sock.set_option(level, name, value) or 0

    @staticmethod
    def _known(line: int, sock: Socket, level: int, name: int) -> None:
        if (level, name) not in sock.options:
            raise NotRun(line, f"the socket option {level}, {name}")

    def _getsockopt(self, line: int, call: Call, sock: Any, arguments: tuple[Any, ...]) -> Attempt:
        level, name, want = arguments[:3]
        self._known(line, sock, level, name)

        def attempt() -> int:
            if isinstance(want, dict):
                got: Any = struct.unpack("ii", sock.get_option(level, name, 8))
                wanted: Any = tuple(want.values())[:2]
            elif isinstance(want, str):
                got = sock.get_option(level, name, 16).split(b"\0", 1)[0].decode("ascii")
                wanted = want
            else:
                got = sock.get_option(level, name)
                wanted = want[0] if isinstance(want, tuple) else want
            if not isinstance(wanted, Unknown) and got != wanted:
                raise ScriptFailure(line, f"getsockopt() gave {got!r} instead of {wanted!r}")
            return 0

        return attempt

    def _fcntl(self, line: int, call: Call, sock: Any, arguments: tuple[Any, ...]) -> Attempt:
        if arguments[0] == F_SETFL:
            sock.nonblocking = bool(arguments[1] & O_NONBLOCK)
            return lambda: 0
        if arguments[0] == F_GETFL:
            return lambda: 2 | (O_NONBLOCK if sock.nonblocking else 0)
        raise NotRun(line, f"fcntl command {arguments[0]}")

    def _ioctl(self, line: int, call: Call, sock: Any, arguments: tuple[Any, ...]) -> Attempt:
        request, want = arguments[0], arguments[1]
        if request not in (SIOCINQ, SIOCOUTQ):
            raise NotRun(line, f"ioctl request {request:#x}")

        def attempt() -> int:
            numbers = sock.connection.statistics()
            got = numbers.receive_queue_bytes if request == SIOCINQ else numbers.send_queue_bytes
            if isinstance(want, tuple) and want[0] != got:
                raise ScriptFailure(line, f"ioctl() gave {got} instead of {want[0]}")
            return 0

        return attempt

    def _poll(self, line: int, call: Call, sock: None, arguments: tuple[Any, ...]) -> Attempt:
        entries, timeout_ms = arguments[0], int(arguments[2])
        end_ns = self.machine.engine.now + timeout_ms * 1_000_000 if timeout_ms >= 0 else 1 << 62
        always = 0x8 | 0x10 | 0x20

        def attempt() -> Any:
            ready = 0
            for entry in entries:
                mask = self.descriptors[entry["fd"]].readiness() & (entry["events"] | always)
                ready += 1 if mask else 0
                entry["seen"] = mask
            if not ready and self.machine.engine.now < end_ns:
                return WAIT
            for entry in entries:
                if "revents" in entry and entry["revents"] != entry["seen"]:
                    raise ScriptFailure(
                        line,
                        f"poll() gave {entry['seen']:#x} for {entry['fd']} instead of {entry['revents']:#x}",
                    )
            return ready

        return attempt
