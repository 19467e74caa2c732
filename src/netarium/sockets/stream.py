"""TCP sockets: fresh, bound, listening, connecting, connected, done.

Read first: tcp(7), connect(2), and Linux' __inet_stream_connect, tcp_poll, tcp_recvmsg, sk_stream_error, whose errors
and masks these are.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, Any, Final

from netarium.addresses import ipv4_text
from netarium.engine.events import Engine
from netarium.sockets.base import AF_INET, SOCK_STREAM, SYSTEM_PORTS, Credentials, Socket
from netarium.sockets.errno import failure_error, os_error
from netarium.sockets.readiness import ERR, HUP, IN, OUT, PRI, RDHUP, RDNORM, WRNORM
from netarium.sockets.tcp_options import TCP_OPTIONS
from netarium.stack.decisions import tell_route
from netarium.stack.failures import Failure
from netarium.stack.ports import IPV4, Binding
from netarium.stack.routes import BROADCAST, MULTICAST
from netarium.stack.stack import Stack
from netarium.stack.tcp import states, urgent
from netarium.stack.tcp.connection import Connection
from netarium.stack.tcp.listener import Listener
from netarium.stack.tcp.socket_options import SocketOptions

if TYPE_CHECKING:
    from netarium.stack.interface import Interface

PROTOCOL_TCP: Final = 6
LOOPBACK: Final = 0x7F000001


DISCOVERING: Final = (1, 2)
"""IP_PMTUDISC_WANT and _DO: of TCP's segments only theirs have the DF bit (Linux ip_dont_fragment)."""


class StreamSocket(Socket):
    """A TCP socket of one program."""

    __slots__ = ("_claim", "_connecting", "_shut_receive", "chosen", "connection", "listener")

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
        self._shut_receive = False

    @property
    def restful(self) -> bool:
        """Listening is rest."""
        return self.listener is not None

    # Names.

    def bind(self, address: int, port: int) -> None:
        """Claim an address and port; 0 for any."""
        if self._claim is not None or self.connection is not None:
            raise os_error(errno.EINVAL)
        self.enter()
        if address and not self.stack.ports.is_own(address):
            raise os_error(errno.EADDRNOTAVAIL)
        self.claim_port(address, port, IPV4)

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
        )
        if isinstance(claim, Failure):
            raise failure_error(claim)
        self._claim = claim

    def name(self) -> tuple[int, ...]:
        """The local address; (0, 0) before bind."""
        connection = self.connection
        if connection is not None:
            return connection.local_ip, connection.local_port
        return (self._claim.address, self._claim.port) if self._claim is not None else (0, 0)

    def peer_name(self) -> tuple[int, ...]:
        """The remote address; ENOTCONN when there is none (any more)."""
        connection = self.connection
        if connection is None or connection.state in (states.CLOSED, states.SYN_SENT):
            raise os_error(errno.ENOTCONN)
        return connection.remote_ip, connection.remote_port

    # Connecting.

    def connect(self, address: int, port: int) -> bool:
        """Begin, or (called again) ask: EALREADY while under way, EISCONN when done."""
        if self.listener is not None:
            raise os_error(errno.EISCONN)
        if self.connection is not None:
            if not self._connecting:
                raise os_error(errno.EISCONN)
            if self.connected() is None:
                raise os_error(errno.EALREADY)
            return True
        stack = self.stack
        self.enter()
        device = stack.interfaces.get(self.settings.device.decode("ascii"))
        self.open(stack.ipv4, address or LOOPBACK, port, device)
        stack.settle()
        # As on Linux a connect that does not wait is never done at once, on loopback neither: EINPROGRESS.
        return not self.nonblocking and self.connected() is not None

    def open(self, ip: Any, address: int, port: int, device: Interface | None) -> None:
        """Send the SYN over `ip`, the host's IPv4 or IPv6."""
        stack = self.stack
        claim = self._claim
        route = ip.route_for(address, claim.address if claim is not None else 0, device)
        if route is None or route.kind in (BROADCAST, MULTICAST):
            tell_route(stack, ip.routes, route, claim.address if claim is not None else 0, address, 6, None)
            raise failure_error(ip.routes.refusal(address))
        if claim is not None:
            local = (claim.address or route.source or address, claim.port)
        else:
            source = route.source or address
            chosen = stack.ports.tcp.choose_for_connect(source, address, port, ip)
            if isinstance(chosen, Failure):
                raise failure_error(chosen)
            local = (source, chosen)
        self._apply()
        connection = ip.tcp.connect(ip, local, (address, port), self.chosen)
        if isinstance(connection, Failure):
            raise failure_error(connection)
        if claim is not None:
            stack.ports.tcp.rebind(connection, claim)
            self._claim = None
        self.connection = connection
        self.error = 0  # what ended an earlier attempt (Linux tcp_connect_init)
        self._connecting = True
        connection.on_change = self.changed

    def connected(self) -> bool | None:
        """True when the handshake is done; its failure is raised, and the socket is fresh again."""
        connection = self.connection
        if connection is None:
            raise os_error(self.take_error() or errno.ECONNABORTED)
        if connection.state == states.SYN_SENT or connection.state == states.SYN_RECEIVED:
            return None
        if connection.state == states.CLOSED:
            number = self.take_error() or errno.ECONNABORTED
            self.connection = None
            self._connecting = False
            raise os_error(number)
        self._connecting = False
        return True

    # Listening.

    def listen(self, backlog: int) -> None:
        """LISTEN; called again it changes the backlog. An unbound socket gets an ephemeral port."""
        if self.connection is not None:
            raise os_error(errno.EINVAL)
        if self.listener is not None:
            self.listener.set_backlog(max(backlog, 0))
            return
        if self._claim is None:
            self.bind(0, 0)
        claim = self._claim
        assert claim is not None
        bindings = self.stack.ports.tcp
        if not bindings.may_listen(claim):
            raise os_error(errno.EADDRINUSE)
        claim.listening = True
        self._apply()
        self.enter()
        self.start_listening(claim, max(backlog, 0))
        self.changed()

    def start_listening(self, claim: Binding, backlog: int) -> None:
        """Welcome connections at the claimed port."""
        local = (claim.address, claim.port)
        self.listener = self.stack.tcp.listen(self.stack.ipv4, local, backlog, self.chosen)
        self.listener.on_change = self.changed

    def accept(self) -> StreamSocket | None:
        """The connection that has waited longest."""
        if self.listener is None:
            raise os_error(errno.EINVAL)
        self.enter()
        connection = self.listener.accept()
        if connection is None:
            return None
        accepted = type(self)(self.credentials, self.stack, self.engine, self.protocol)
        accepted.settings = self.settings.copy()
        accepted.chosen = connection.options
        accepted.connection = connection
        connection.on_change = accepted.changed
        self.stack.settle()
        return accepted

    # Data.

    def receive(self, count: int, peek: int = 0) -> bytes | None:
        """Up to `count` bytes; b"" after the peer's last; the connection's error once."""
        connection = self.connection
        if connection is None:
            raise os_error(self.take_error() or errno.ENOTCONN)
        if (
            not connection.rcv_queue
            and connection.state == states.ESTABLISHED
            and not connection.rcv_shutdown
            and connection.error is None
        ):
            return None  # as below, in short: whoever waits asks so for each segment
        stack = self.stack
        stack.now = self.engine.now
        data = connection.receive(count) if not peek else connection.peek(count)
        stack.settle()
        if data is None and connection.error is not None:
            raise failure_error(connection.take_error())  # type: ignore[arg-type]
        return data

    def receive_nothing(self) -> None:
        """recv(0): tells whether there is a connection."""
        if self.connection is None:
            raise os_error(self.take_error() or errno.ENOTCONN)

    def receive_from(self, count: int, peek: int = 0) -> tuple[bytes, object] | None:
        """As receive: TCP gives no address."""
        data = self.receive(count, peek)
        return None if data is None else (data, None)

    def send(self, data: bytes | memoryview) -> int | None:
        """The count taken into the send buffer; EPIPE after the end, or the connection's error once."""
        connection = self.connection
        if connection is None:
            raise os_error(self.take_error() or errno.EPIPE)
        if not states.MAY_SEND_DATA[connection.state]:
            self._send_in_vain(connection)
            return None
        if not data:
            return 0
        stack = self.stack
        stack.now = self.engine.now
        count = connection.send(data)
        stack.settle()
        return count or None

    def send_urgent(self, data: bytes | memoryview) -> int | None:
        """As `send` with MSG_OOB: the last byte is urgent."""
        connection = self.connection
        if connection is None or not data or not states.MAY_SEND_DATA[connection.state]:
            return self.send(data)
        self.enter()
        count = connection.send_urgent(data)
        self.stack.settle()
        return count or None

    def receive_urgent(self, peek: int = 0) -> bytes:
        """The urgent byte; EINVAL when there is none, EAGAIN when it has been told of only: it never waits."""
        connection = self.connection
        if connection is None:
            raise os_error(errno.EINVAL)
        found = connection.receive_urgent(peek=bool(peek))
        if found is None:
            raise os_error(errno.EAGAIN)
        if isinstance(found, Failure):
            raise failure_error(found)
        return found

    def at_mark(self) -> bool:
        """SIOCATMARK: whether what is read next is the urgent byte, or was."""
        return self.connection is not None and urgent.at_mark(self.connection)

    def send_more(self, data: bytes | memoryview) -> int | None:
        """As `send` with MSG_MORE: what is less than a full segment waits for what comes next."""
        connection = self.connection
        if connection is None or not data or not states.MAY_SEND_DATA[connection.state]:
            return self.send(data)
        self.enter()
        count = connection.send_more(data)
        self.stack.settle()
        return count or None

    def _send_in_vain(self, connection: Connection) -> None:
        if connection.state == states.SYN_SENT or connection.state == states.SYN_RECEIVED:
            return
        raise os_error(self.take_error() or errno.EPIPE)

    def send_to(self, data: bytes, address: int, port: int) -> int | None:
        """As send: a connected stream ignores the address, another has none to send to."""
        return self.send(data)

    # Ends.

    def shutdown(self, receive: bool, send: bool) -> None:
        """Half or full close; ENOTCONN without a connection. On a listener it ends listening.

        While the SYN is out it gives the attempt up, whichever side: ECONNRESET is pending and the socket may connect
        again. (Linux inet_shutdown)
        """
        self.enter()
        if self.listener is not None:
            if receive:
                self.stop_listening()
                self.changed()
            return
        connection = self.connection
        if connection is None or connection.state == states.CLOSED:
            raise os_error(errno.ENOTCONN)
        if connection.state == states.SYN_SENT:
            connection.shutdown_send()
            self.error = self.take_error()
            self.connection = None
            self._connecting = False
            self.stack.settle()
            self.changed()
            return
        if receive:
            self._shut_receive = True
            connection.shutdown_receive()
        if send:
            connection.shutdown_send()
        self.stack.settle()

    def stop_listening(self) -> None:
        """Welcome nobody any more."""
        assert self.listener is not None
        self.listener.close()
        self.listener = None
        self.stack.settle()

    def close(self) -> None:
        """Close the connection (FIN, or RST when bytes are unread or SO_LINGER says 0) or the listener."""
        self.enter()
        if self.listener is not None:
            self.stop_listening()
        elif self.connection is not None:
            self.connection.on_change = None
            self.connection.close()
            if self.settings.linger_s and self.lingers():
                self.connection.on_change = self.changed
        if self._claim is not None:
            self.stack.ports.tcp.release(self)
        self.stack.settle()

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
            return OUT | WRNORM | HUP | (ERR if self.error else 0)
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
        elif connection.rcv_queue and (connection.urgent is None or urgent.is_readable(connection)):
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
