"""Routing netlink (netlink(7), rtnetlink(7)): a program is told when a link of its host comes or goes.

Read first: rtnetlink(7), struct nlmsghdr, ifinfomsg and rtattr. Only the notifications of RTMGRP_LINK are here; to read
and change the host a program has `control`, so requests are refused with EOPNOTSUPP.
"""

from __future__ import annotations

import errno
from collections import deque
from struct import Struct
from typing import Any, Final

from netarium.engine.events import Engine
from netarium.sockets.base import AF_NETLINK, Credentials, Socket
from netarium.sockets.errno import os_error
from netarium.sockets.options import common
from netarium.sockets.readiness import IN, OUT, RDNORM, WRNORM
from netarium.stack.interface import Interface
from netarium.stack.stack import Stack

NETLINK_ROUTE: Final = 0
RTMGRP_LINK: Final = 1
RTM_NEWLINK: Final = 16
IFLA_IFNAME: Final = 3
IFF_UP: Final = 0x1
IFF_LOOPBACK: Final = 0x8
IFF_RUNNING: Final = 0x40
IFF_LOWER_UP: Final = 0x10000
ARPHRD_ETHER: Final = 1
ARPHRD_LOOPBACK: Final = 772
MESSAGES_MAX: Final = 1000

_MESSAGE: Final = Struct("=IHHII")
_LINK: Final = Struct("=BxHiII")
_ATTRIBUTE: Final = Struct("=HH")


class NetlinkSocket(Socket):
    """A netlink socket of one program; `bind((0, RTMGRP_LINK))` subscribes."""

    __slots__ = ("_groups", "_queue", "_watched")

    def __init__(
        self, credentials: Credentials, stack: Stack, engine: Engine, kind: int, protocol: int
    ) -> None:
        super().__init__(credentials, stack, engine, AF_NETLINK, kind, protocol)
        self._groups = 0
        self._queue: Final[deque[bytes]] = deque(maxlen=MESSAGES_MAX)
        self._watched: list[Interface] = []

    def bind(self, port: int, groups: int) -> None:
        """Subscribe to the groups in the mask; other groups than RTMGRP_LINK never have news here."""
        self._unwatch()
        self._groups = groups
        if groups & RTMGRP_LINK:
            self._watched = list(self.stack.interfaces.values())
            for interface in self._watched:
                interface.watchers.append(self._link_changed)

    def _unwatch(self) -> None:
        for interface in self._watched:
            interface.watchers.remove(self._link_changed)
        self._watched = []

    def _link_changed(self, interface: Interface) -> None:
        self._queue.append(link_message(interface))
        self.changed()

    def name(self) -> tuple[int, int]:
        """(port, groups)."""
        return 0, self._groups

    def send_to(self, data: bytes, *address: Any) -> int | None:
        """Requests are not answered here."""
        raise os_error(errno.EOPNOTSUPP)

    def receive(self, count: int, peek: int = 0) -> bytes | None:
        """One message, cut to `count` bytes."""
        found = self.receive_from(count, peek)
        return None if found is None else found[0]

    def receive_from(self, count: int, peek: int = 0) -> tuple[bytes, tuple[int, int]] | None:
        """(one message, (0, group)): the kernel has port 0."""
        if not self._queue:
            return None
        message = self._queue[0] if peek else self._queue.popleft()
        return message[:count], (0, RTMGRP_LINK)

    def readiness(self) -> int:
        """The mask."""
        return OUT | WRNORM | (IN | RDNORM if self._queue else 0)

    def settings_changed(self) -> None:
        """No option changes what a netlink socket does here."""

    def close(self) -> None:
        """Hear nothing more."""
        self._unwatch()

    def describe(self, call: str = "") -> str:
        """`for changes of links`."""
        return "for changes of links"

    options: Final = common()  # type: ignore[misc]


def link_message(interface: Interface) -> bytes:
    """RTM_NEWLINK: what the interface is now (struct nlmsghdr, ifinfomsg, IFLA_IFNAME)."""
    flags = IFF_LOOPBACK if interface.is_loopback else 0
    if interface.up:
        flags |= IFF_UP
        if interface.carrier:
            flags |= IFF_RUNNING | IFF_LOWER_UP
    kind = ARPHRD_LOOPBACK if interface.is_loopback else ARPHRD_ETHER
    name = interface.name.encode() + b"\0"
    body = _LINK.pack(0, kind, interface.number + 1, flags, 0xFFFFFFFF)
    body += _ATTRIBUTE.pack(_ATTRIBUTE.size + len(name), IFLA_IFNAME) + name + bytes(-len(name) % 4)
    return _MESSAGE.pack(_MESSAGE.size + len(body), RTM_NEWLINK, 0, 0, 0) + body
