"""What all sockets have: family, type, protocol, credentials, options, and the host's stack under them.

An operation that would block returns None; errors are `OSError`. Every one that reaches the stack is bracketed by
`stack.enter(now)` and `stack.settle()`. A concrete socket overrides what it can do; the rest fails as on Linux.
"""

from __future__ import annotations

import errno
from dataclasses import dataclass, field
from typing import Any, Final

from netarium.engine.events import Engine
from netarium.sockets.errno import os_error
from netarium.sockets.options import SO_BINDTODEVICE, Option, SocketSettings
from netarium.sockets.readiness import Pollable
from netarium.sockets.unix_names import Names
from netarium.stack.stack import Stack

SOL_SOCKET: Final = 1
IPPROTO_IP: Final = 0
IPPROTO_TCP: Final = 6
TCP_CONGESTION: Final = 13
AF_UNIX: Final = 1
AF_INET: Final = 2
AF_INET6: Final = 10
AF_NETLINK: Final = 16
AF_PACKET: Final = 17
SOCK_STREAM: Final = 1
SOCK_DGRAM: Final = 2
SOCK_RAW: Final = 3
SOCK_SEQPACKET: Final = 5
LEVEL_OF: Final = {SOCK_STREAM: 6, SOCK_DGRAM: 17}
PEEK: Final = 2
"""MSG_PEEK."""
WAITS_FOR_WORK: Final = 0
WAITS_AT_REST: Final = 1
SYSTEM_PORTS: Final = 1024
"""Linux net.ipv4.ip_unprivileged_port_start: an ordinary user binds to this port and above."""


ORDINARY_USER: Final = 1000


@dataclass(eq=False)
class Credentials:
    """Who opens sockets: root, or an ordinary user whose program file may carry capabilities such as `net_raw`."""

    root: bool = False
    capabilities: frozenset[str] = frozenset()
    local_names: Names = field(default_factory=Names)
    """The names of AF_UNIX sockets on the process' host: see `unix_names`."""
    pid: int = 0
    users: list[int] = field(default_factory=list)
    """The real, effective and saved user; `root` is that the effective one is 0."""
    groups: list[int] = field(default_factory=list)
    supplementary: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        number = 0 if self.root else ORDINARY_USER
        self.users = self.users or [number] * 3
        self.groups = self.groups or [number] * 3
        self.supplementary = self.supplementary or [number]

    def become(self, users: list[int]) -> None:
        """Change the three users. Who was root and is no more has lost the capabilities too (capabilities(7))."""
        self.users[:] = users
        if self.root and users[1] != 0:
            self.capabilities = frozenset()
        self.root = users[1] == 0

    def may(self, capability: str) -> bool:
        """Whether it has this capability."""
        return self.root or capability in self.capabilities


class Socket(Pollable):
    """The base of all sockets."""

    __slots__ = (
        "credentials", "engine", "error", "family", "low_water", "protocol", "settings", "stack", "type",
        "waiting_kind", "waits",
    )  # fmt: skip

    options: dict[tuple[int, int], Option]

    def __init__(
        self, credentials: Credentials, stack: Stack, engine: Engine, family: int, kind: int, protocol: int
    ) -> None:
        super().__init__()
        self.credentials: Final = credentials
        self.stack: Final = stack
        self.engine: Final = engine
        self.family: Final = family
        self.type: Final = kind
        self.protocol: Final = protocol
        self.settings = SocketSettings()
        if family == AF_INET and stack.settings.ip_no_pmtu_disc:
            self.settings.mtu_discover = 0
        self.low_water = 1
        """SO_RCVLOWAT, of streams."""
        self.waits = True
        """Whether a read waits for something to come: not with a time-out of 0."""
        self.error = 0
        """The pending errno (SO_ERROR)."""
        self.waiting_kind = WAITS_FOR_WORK
        """Whether waiting for data here is a server's rest."""

    def enter(self) -> None:
        """Begin an operation on the stack."""
        self.stack.enter(self.engine.now)

    @property
    def binds_anywhere(self) -> bool:
        """Whether it may bind to addresses that its host does not have (IP_FREEBIND, IP_TRANSPARENT)."""
        return bool(self.settings.free_bind or self.settings.transparent)

    def check_address(self, address: int, port: int) -> None:
        """The first that bind looks at, also of a socket that is bound: EADDRNOTAVAIL, EACCES (Linux __inet_bind)."""
        if not self.binds_anywhere and not self.stack.ports.may_bind_to(address):
            raise os_error(errno.EADDRNOTAVAIL)
        if 0 < port < SYSTEM_PORTS and not self.credentials.may("net_bind_service"):
            raise os_error(errno.EACCES)

    def take_error(self) -> int:
        """The pending errno, once."""
        number, self.error = self.error, 0
        return number

    def raise_error(self) -> None:
        """Raise the pending error if there is one."""
        if self.error:
            raise os_error(self.take_error())

    def bind(self, *address: Any) -> None:
        """Take a local address."""
        raise os_error(errno.EOPNOTSUPP)

    def connect(self, *address: Any) -> bool:
        """Whether it is connected now; False while it is under way."""
        raise os_error(errno.EOPNOTSUPP)

    def connected(self) -> bool | None:
        """After `connect` gave False: True when done, None while under way."""
        return True

    def listen(self, backlog: int) -> None:
        """Welcome connections."""
        raise os_error(errno.EOPNOTSUPP)

    def accept(self) -> Any:
        """The next connection."""
        raise os_error(errno.EOPNOTSUPP)

    def send(self, data: bytes | memoryview) -> int | None:
        """The count taken, None for no room."""
        raise os_error(errno.EOPNOTSUPP)

    def send_more(self, data: bytes | memoryview) -> int | None:
        """`send` with MSG_MORE, where there is anything to put together."""
        return self.send(data)

    def send_urgent(self, data: bytes | memoryview) -> int | None:
        """`send` with MSG_OOB."""
        raise os_error(errno.EOPNOTSUPP)

    def receive_urgent(self, peek: int = 0) -> bytes:
        """`receive` with MSG_OOB."""
        raise os_error(errno.EINVAL)

    def send_to(self, data: bytes, *address: Any) -> int | None:
        """Send one message to an address."""
        raise os_error(errno.EOPNOTSUPP)

    def receive(self, count: int, peek: int = 0) -> bytes | None:
        """Up to `count` bytes; b"" at the end."""
        raise os_error(errno.EOPNOTSUPP)

    def receive_nothing(self) -> None:
        """recv(0) on a stream: errors are told, nothing waits."""

    def receive_from(self, count: int, peek: int = 0) -> tuple[bytes, Any] | None:
        """(bytes, address)."""
        raise os_error(errno.EOPNOTSUPP)

    def receive_message(self, count: int, peek: int = 0) -> tuple[bytes, Any, bool] | None:
        """(bytes, address, whether it was cut)."""
        found = self.receive_from(count, peek)
        return None if found is None else (*found, False)

    def receive_ancillary(
        self, count: int, peek: int = 0
    ) -> tuple[bytes, Any, bool, list[tuple[int, int, bytes]]] | None:
        """(bytes, address, whether it was cut, ancillary data)."""
        found = self.receive_message(count, peek)
        return None if found is None else (*found, [])

    def receive_report(self, count: int) -> tuple[bytes, Any, bool, list[tuple[int, int, bytes]]]:
        """The oldest entry of the error queue; EAGAIN, at once, when there is none."""
        raise os_error(errno.EAGAIN)

    def send_message(self, data: bytes, given: Any, *address: Any) -> int | None:
        """Send with ancillary data; EINVAL where none is taken."""
        raise os_error(errno.EINVAL)

    def shutdown(self, receive: bool, send: bool) -> None:
        """End one or both directions."""
        raise os_error(errno.EOPNOTSUPP)

    def lingers(self) -> bool:
        """After close: whether something sent is not acknowledged yet (SO_LINGER)."""
        return False

    def name(self) -> Any:
        """The local address."""
        raise os_error(errno.EOPNOTSUPP)

    def peer_name(self) -> Any:
        """The remote address."""
        raise os_error(errno.ENOTCONN)

    def get_option(self, level: int, name: int, size: int = 0) -> int | bytes:
        """An option's value; ENOPROTOOPT for what does not exist here."""
        option = self.options.get((level, name))
        if option is None:
            raise os_error(self._without_option(level))
        return option.read(self, size)

    def _without_option(self, level: int) -> int:
        """What getsockopt says of an option there is not: ENOPROTOOPT, of a level of no use here EOPNOTSUPP."""
        known = (
            level == SOL_SOCKET
            or (self.family == AF_INET and level == LEVEL_OF.get(self.type))
            or any(each[0] == level for each in self.options)
        )
        return errno.ENOPROTOOPT if known or self.family == AF_INET6 else errno.EOPNOTSUPP

    def set_option(self, level: int, name: int, value: int | bytes) -> None:
        """Set an option; ENOPROTOOPT for what does not exist here."""
        if type(value) is bytes and len(value) < 4:
            if level == IPPROTO_IP and value:
                value = value[0]  # Linux: a byte will do there (do_ip_setsockopt)
            elif (level == SOL_SOCKET and name != SO_BINDTODEVICE) or (
                level == IPPROTO_TCP == LEVEL_OF.get(self.type)
                and self.family != AF_UNIX
                and name != TCP_CONGESTION
            ):
                raise os_error(errno.EINVAL)
        option = self.options.get((level, name))
        if option is None:
            is_strange = self.family == AF_UNIX and level != SOL_SOCKET
            raise os_error(errno.EOPNOTSUPP if is_strange else errno.ENOPROTOOPT)
        option.write(self, value)
