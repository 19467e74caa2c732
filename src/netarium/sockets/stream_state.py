"""What a TCP socket is in all its states: its names, its errors, its readiness, the choices its connection follows.

Read first: tcp(7), and Linux' tcp_poll, sk_stream_wait_close, whose masks and waits these are. What a program does
with the socket is in `stream`.
"""

from __future__ import annotations

import errno
from typing import Final

from netarium.addresses import ipv4_text
from netarium.engine.events import Engine
from netarium.sockets.base import AF_INET, SOCK_STREAM, SYSTEM_PORTS, Credentials, Socket
from netarium.sockets.errno import failure_error, os_error
from netarium.sockets.readiness import ERR, HUP, IN, OUT, PRI, RDHUP, RDNORM, WRNORM
from netarium.sockets.tcp_options import TCP_OPTIONS
from netarium.stack.failures import Failure
from netarium.stack.ports import IPV4, Binding
from netarium.stack.routes import BROADCAST
from netarium.stack.stack import Stack
from netarium.stack.tcp import states, urgent
from netarium.stack.tcp.connection import Connection
from netarium.stack.tcp.listener import Listener
from netarium.stack.tcp.socket_options import SocketOptions

DISCOVERING: Final = (1, 2)
"""IP_PMTUDISC_WANT and _DO: of TCP's segments only theirs have the DF bit (Linux ip_dont_fragment)."""


OVER: Final = (states.CLOSED, states.TIME_WAIT)
"""For its socket a connection in TIME-WAIT is closed: Linux keeps only a stub of it (tcp_time_wait)."""
WITHOUT_PEER: Final = (*OVER, states.SYN_SENT)


class StreamState(Socket):
    """A TCP socket of one program, without its calls."""

    __slots__ = ("_claim", "_connecting", "_port_chosen", "_shut_receive", "chosen", "connection", "listener")

    options = TCP_OPTIONS

    def __init__(
        self,
        credentials: Credentials,
        stack: Stack,
        engine: Engine,
        protocol: int = 0,
        family: int = AF_INET,
    ) -> None:
        super().__init__(credentials, stack, engine, family, SOCK_STREAM, protocol)
        self.connection: Connection | None = None
        self.listener: Listener | None = None
        self.chosen = SocketOptions()
        self.chosen.dont_fragment = self.settings.mtu_discover in DISCOVERING
        self._claim: Binding | None = None
        self._connecting = False
        self._port_chosen = False
        """Whether the program itself has named the port: it keeps that as long as the socket."""
        self._shut_receive = False
        """Whether reading was shut down before there was a connection."""

    @property
    def restful(self) -> bool:
        """Listening is rest."""
        return self.listener is not None

    # Names.

    def bind(self, address: int, port: int) -> None:
        """Claim an address and port; 0 for any."""
        self.check_address(address, port)
        if not self.may_bind():
            raise os_error(errno.EINVAL)
        self.enter()
        self.claim_port(address, port, IPV4)

    def may_bind(self) -> bool:
        """Whether it has no port: it was never bound, or its connection is over and the kernel had chosen the port."""
        connection = self.connection
        if self._claim is not None or connection is None:
            return self._claim is None
        return connection.state in OVER and not self._port_chosen

    def claim_port(self, address: int, port: int, families: int) -> None:
        """Claim a port at an address of `families` (see `stack.ports`); 0 for any."""
        if 0 < port < SYSTEM_PORTS and not self.credentials.may("net_bind_service"):
            raise os_error(errno.EACCES)
        claim = self.stack.ports.tcp.bind(
            self,
            address,
            port,
            reuse_address=bool(self.settings.reuse_address),
            reuse_port=bool(self.settings.reuse_port),
            uid=self.credentials.users[1],
            families=families,
            anywhere=self.binds_anywhere,
        )
        if isinstance(claim, Failure):
            raise failure_error(claim)
        self._claim = claim
        self._port_chosen = port != 0

    def source_of(self, claim: Binding) -> int:
        """The source of what it sends, 0 for the route's: where it is bound, but for groups and broadcasts.

        ENETUNREACH for an address of others, without IP_TRANSPARENT (Linux __inet_bind, ip_route_output_key_hash_rcu).
        """
        address, stack = claim.address, self.stack
        own = stack.routes.find_local(address)
        if address >> 28 == 0xE or address == 0xFFFFFFFF or (own is not None and own.kind == BROADCAST):
            return 0
        if address and not self.settings.transparent and not stack.ports.is_own(address):
            raise os_error(errno.ENETUNREACH)
        return address

    def name(self) -> tuple[int, ...]:
        """The local address; (0, 0) before bind."""
        connection = self.connection
        if self._claim is not None:
            return self._claim.address, self._claim.port
        return (connection.local_ip, connection.local_port) if connection is not None else (0, 0)

    def peer_name(self) -> tuple[int, ...]:
        """The remote address; ENOTCONN when there is none (any more)."""
        connection = self.connection
        if connection is None or connection.state in WITHOUT_PEER:
            raise os_error(errno.ENOTCONN)
        return connection.remote_ip, connection.remote_port

    # Errors and ends.

    def lingers(self) -> bool:
        """Linux sk_stream_wait_close: until the FIN is acknowledged."""
        connection = self.connection
        return connection is not None and connection.state in (
            states.FIN_WAIT_1,
            states.CLOSING,
            states.LAST_ACK,
        )

    def take_error(self) -> int:
        """SO_ERROR: the pending errno, once."""
        connection = self.connection
        if connection is not None and connection.error is not None:
            return failure_error(connection.take_error()).errno or 0  # type: ignore[arg-type]
        return super().take_error()

    # Readiness (Linux tcp_poll).

    def readiness(self) -> int:
        """The mask."""
        if self.listener is not None:
            return IN | RDNORM if self.listener.accept_queue else 0
        connection = self.connection
        if connection is None:
            shut = IN | RDNORM | RDHUP if self._shut_receive else 0
            return OUT | WRNORM | HUP | shut | (ERR if self.error else 0)
        state = connection.state
        if state == states.SYN_SENT or state == states.SYN_RECEIVED:
            return 0
        mask = 0
        closed = state == states.CLOSED
        peer_closed = closed or states.PEER_HAS_CLOSED[state] or connection.rcv_shutdown
        may_send = states.MAY_SEND_DATA[state]
        if peer_closed:
            mask = IN | RDNORM | RDHUP
            if not may_send:
                mask |= HUP
        elif connection.rcv_queued_bytes >= self.low_water and (
            connection.urgent is None or urgent.is_readable(connection)
        ):
            mask = IN | RDNORM
        if connection.urgent is not None and urgent.is_pending(connection):
            mask |= PRI
        if not may_send or connection.is_writable():
            mask |= OUT | WRNORM
        elif not connection.wants_room:
            connection.wants_room = True
        if connection.error is not None:
            mask |= ERR
        return mask

    def is_at_end(self, connection: Connection) -> bool:
        """Whether no more will come, so that SO_RCVLOWAT is no reason to wait (Linux tcp_recvmsg_locked)."""
        state = connection.state
        return bool(
            state == states.CLOSED
            or states.PEER_HAS_CLOSED[state]
            or connection.rcv_shutdown
            or connection.error is not None
        )

    # Choices.

    def settings_changed(self) -> None:
        """An option of `settings` or `chosen` was set: the connection follows."""
        self._apply()
        connection = self.connection
        if connection is not None:
            self.enter()
            connection.options_changed()
            self.stack.settle()

    def _apply(self) -> None:
        settings, chosen = self.settings, self.chosen
        chosen.keepalive = bool(settings.keepalive)
        chosen.linger_s = settings.linger_s if settings.linger else -1
        chosen.oob_inline = bool(settings.oob_inline)
        chosen.ttl = settings.ttl
        chosen.tos = settings.tos
        chosen.dont_fragment = settings.mtu_discover in DISCOVERING

    def describe(self, call: str = "") -> str:
        """`from 10.0.0.1:80`, `to 10.0.0.1:80` or `on 10.0.0.1:80`."""
        connection = self.connection
        if connection is None:
            address, port = self.name()
            return f"on {ipv4_text(address)}:{port}" if port else "on a socket without a connection"
        word = "to" if call in ("connect", "send", "sendall") else "from"
        return f"{word} {ipv4_text(connection.remote_ip)}:{connection.remote_port}"
