"""TCP sockets of AF_INET6: over IPv6, and over IPv4 by mapped addresses unless IPV6_V6ONLY.

Read first: ipv6(7), RFC 3493 3.7 and 5.3. A listener bound to :: stands in the tables of both families; both halves
share one accept queue.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, Final

from netarium.addresses import ipv4_text, ipv6_text
from netarium.engine.events import Engine
from netarium.sockets.address6 import UNSPECIFIED, Address6, ipv6_of, scoped_interface, shown, split
from netarium.sockets.base import AF_INET6, Credentials
from netarium.sockets.errno import os_error
from netarium.sockets.options6 import level_ipv6
from netarium.sockets.stream import StreamSocket
from netarium.sockets.stream_state import WITHOUT_PEER
from netarium.sockets.tcp_options import TCP_OPTIONS
from netarium.stack.ipv6_address import LOOPBACK, needs_link
from netarium.stack.ports import BOTH, IPV4, IPV6, Binding
from netarium.stack.stack import Stack

if TYPE_CHECKING:
    from netarium.stack.interface import Interface
    from netarium.stack.tcp.listener import Listener


class StreamSocket6(StreamSocket):
    """A TCP socket of family AF_INET6."""

    __slots__ = ("_version", "device", "twin")

    options: Final = {**TCP_OPTIONS, **level_ipv6()}  # type: ignore[misc]

    def __init__(self, credentials: Credentials, stack: Stack, engine: Engine, protocol: int = 0) -> None:
        super().__init__(credentials, stack, engine, protocol, AF_INET6)
        ipv6_of(stack)
        self.settings.only_ipv6 = stack.settings.ipv6_bindv6only
        self._version = 6
        """The family that is spoken: 4 towards an IPv4-mapped address."""
        self.twin: Listener | None = None
        """The IPv4 half of a listener."""
        self.device: Interface | None = None

    # Names.

    def bind(self, address: int, port: int, flow: int = 0, scope: int = 0) -> None:
        """Claim an address and port; 0 for any, in both families unless IPV6_V6ONLY."""
        if address >> 120 == 0xFF or not self.may_bind():
            raise os_error(errno.EINVAL)  # a group too (Linux __inet6_bind)
        self.enter()
        version, plain = split(address)
        if version == 4:
            if self.settings.only_ipv6:
                raise os_error(errno.EINVAL)
            self.check_address(plain, port)
            self.claim_port(plain, port, IPV4)
            return
        if needs_link(address) and not scope and not self.settings.device:
            raise os_error(errno.EINVAL)
        if address and not self.binds_anywhere and not ipv6_of(self.stack).is_local(address):
            raise os_error(errno.EADDRNOTAVAIL)
        self.device = scoped_interface(self.stack, address, scope)
        self.claim_port(address, port, IPV6 if address or self.settings.only_ipv6 else BOTH)

    def name(self) -> Address6:
        """The local address; all zero before bind."""
        connection, claim = self.connection, self._claim
        if claim is not None:
            return self._shown(4 if claim.families == IPV4 else 6, claim.address, claim.port)
        if connection is None:
            return UNSPECIFIED
        return self._shown(connection.ip.version, connection.local_ip, connection.local_port)

    def peer_name(self) -> Address6:
        """The remote address; ENOTCONN when there is none (any more)."""
        connection = self.connection
        if connection is None or connection.state in WITHOUT_PEER:
            raise os_error(errno.ENOTCONN)
        return self._shown(connection.ip.version, connection.remote_ip, connection.remote_port)

    def _shown(self, version: int, address: int, port: int) -> Address6:
        connection = self.connection
        interface = self.device
        if connection is not None and connection.route is not None:
            interface = connection.route.interface
            if interface.is_loopback:
                interface = ipv6_of(self.stack).interface_with(address) or interface
        return shown(version, address, port, interface)

    # Connecting.

    def connect(self, address: int, port: int, flow: int = 0, scope: int = 0) -> bool:
        """Begin, or (called again) ask: EALREADY while under way, EISCONN when done."""
        if self.listener is not None or (self.connection is not None and not self._connecting):
            raise os_error(errno.EISCONN)
        if self.connection is not None:
            if self.connected() is None:
                raise os_error(errno.EALREADY)
            return True
        stack = self.stack
        self.enter()
        version, plain = split(address or LOOPBACK)
        self._check_family(version)
        self._version = version
        device = stack.interfaces.get(self.settings.device.decode("ascii")) or self.device
        if version == 4:
            self.open(stack.ipv4, plain, port, device)
        else:
            by = scoped_interface(stack, plain, scope) or device
            bound = self._claim.address if self._claim is not None else 0
            if needs_link(plain) and by is None and not needs_link(bound):
                raise os_error(errno.EINVAL)
            self.open(ipv6_of(stack), plain, port, by)
        stack.settle()
        # As on Linux a connect that does not wait is never done at once, on loopback neither: EINPROGRESS.
        return not self.nonblocking and self.connected() is not None

    def _apply(self) -> None:
        super()._apply()
        spoken = self._version if self.connection is None else self.connection.ip.version
        if spoken == 6:  # IPV6_UNICAST_HOPS and IPV6_TCLASS in place of IP_TTL and IP_TOS
            self.chosen.ttl = self.settings.hop_limit
            self.chosen.tos = self.settings.traffic_class

    def _check_family(self, version: int) -> None:
        claim = self._claim
        families = BOTH if claim is None else claim.families
        if version == 4 and (self.settings.only_ipv6 or not families & IPV4):
            raise os_error(errno.ENETUNREACH)
        if version == 6 and not families & IPV6:
            raise os_error(errno.EINVAL)

    # Listening.

    def start_listening(self, claim: Binding, backlog: int) -> None:
        """Welcome connections at the claimed port, in every family that was claimed."""
        local = (claim.address, claim.port)
        if claim.families == IPV4:
            super().start_listening(claim, backlog)
            return
        ip6 = ipv6_of(self.stack)
        self.listener = ip6.tcp.listen(ip6, local, backlog, self.chosen)
        self.listener.on_change = self.changed
        if claim.families == BOTH:
            self.twin = self.stack.tcp.listen(self.stack.ipv4, local, backlog, self.chosen)
            self.twin.binding = claim
            self.twin.accept_queue = self.listener.accept_queue
            self.twin.on_change = self.changed

    def listen(self, backlog: int) -> None:
        """LISTEN; called again it changes the backlog."""
        super().listen(backlog)
        if self.twin is not None:
            self.twin.set_backlog(max(backlog, 0))

    def stop_listening(self) -> None:
        """Welcome nobody any more."""
        if self.twin is not None:
            self.twin.close()
            self.twin = None
        super().stop_listening()

    def describe(self, call: str = "") -> str:
        """`from [2001:db8::1]:80`, `to ...` or `on ...`."""
        connection = self.connection
        if connection is None:
            address, port, _, _ = self.name()
            return f"on [{ipv6_text(address)}]:{port}" if port else "on a socket without a connection"
        word = "to" if call in ("connect", "send", "sendall") else "from"
        text = ipv4_text if connection.ip.version == 4 else connection.ip.format_address
        return f"{word} {text(connection.remote_ip)}:{connection.remote_port}"
