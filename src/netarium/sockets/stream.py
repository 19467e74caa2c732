"""TCP sockets: fresh, bound, listening, connecting, connected, done. What holds in all these states is `stream_state`.

Read first: tcp(7), connect(2), and Linux' __inet_stream_connect, tcp_recvmsg, sk_stream_error, whose errors these are.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, Any, Final

from netarium.sockets.errno import failure_error, os_error
from netarium.sockets.stream_state import OVER, StreamState
from netarium.stack.decisions import tell_route
from netarium.stack.failures import Failure
from netarium.stack.ports import IPV4, Binding
from netarium.stack.routes import BROADCAST, MULTICAST
from netarium.stack.tcp import states, urgent
from netarium.stack.tcp.connection import Connection

if TYPE_CHECKING:
    from netarium.stack.interface import Interface

LOOPBACK: Final = 0x7F000001


class StreamSocket(StreamState):
    """A TCP socket of one program."""

    __slots__ = ()

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
            bound = self.source_of(claim) if claim.families == IPV4 else claim.address
            local = (bound or route.source or address, claim.port)
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
        connection.rcv_shutdown = self._shut_receive
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
            self._connecting = self._shut_receive = False
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
            return self._receive_without_connection()
        if (
            not connection.rcv_queue
            and connection.state == states.ESTABLISHED
            and not connection.rcv_shutdown
            and connection.error is None
        ):
            return None  # as below, in short: whoever waits asks so for each segment
        if (
            self.low_water > 1
            and self.waits
            and connection.rcv_queued_bytes < min(self.low_water, count)
            and not self.is_at_end(connection)
        ):
            return None
        stack = self.stack
        stack.now = self.engine.now
        data = connection.receive(count) if not peek else connection.peek(count)
        stack.settle()
        if data is None and connection.error is not None:
            raise failure_error(connection.take_error())  # type: ignore[arg-type]
        return data

    def _receive_without_connection(self) -> bytes:
        number = self.take_error()
        if self._shut_receive and not number:
            return b""
        raise os_error(number or errno.ENOTCONN)

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
        if connection is None or connection.state in OVER:
            self._shut_receive = self._shut_receive or receive
            self.changed()
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
