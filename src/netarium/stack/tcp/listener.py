"""`Listener`: a socket in LISTEN with its two queues.

Read first: RFC 9293 section 3.10.7.2; Linux tcp_conn_request, sk_acceptq_is_full. The SYN queue holds connections in
SYN-RECEIVED; the accept queue holds those whose handshake is complete and which no program has accepted yet. `backlog`
bounds the second: as on Linux, one more than it says may be complete.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from netarium.journey import Cause, Drop
from netarium.stack.tcp import close, handshake, states, telling
from netarium.stack.tcp.connection import Connection
from netarium.stack.tcp.socket_options import SocketOptions
from netarium.wire.tcp import TcpHeader

if TYPE_CHECKING:
    from netarium.stack.stack import Stack


COOKIES_ALWAYS: Final = 2
"""net.ipv4.tcp_syncookies: 0 never, 1 when the SYN queue is full, 2 for every SYN."""
COOKIE_VALID_NS: Final = 120_000_000_000
"""Linux TCP_SYNCOOKIE_VALID: only an ACK that comes so soon after a cookie is tried as one."""


class Listener:
    """A port where connections are welcome."""

    __slots__ = (
        "accept_queue",
        "backlog",
        "binding",
        "cookie_sent_at",
        "half_open",
        "ip",
        "local_ip",
        "local_port",
        "on_change",
        "options",
        "stack",
    )

    def __init__(
        self, stack: Stack, ip: Any, local: tuple[int, int], backlog: int, options: SocketOptions
    ) -> None:
        self.stack = stack
        self.ip = ip
        self.local_ip, self.local_port = local
        self.options = options
        self.half_open = 0
        self.cookie_sent_at = -1
        self.accept_queue: deque[Connection] = deque()
        self.on_change: Callable[[], None] | None = None
        self.binding: object = None
        self.backlog = 0
        self.set_backlog(backlog)

    def __repr__(self) -> str:
        return f"<Listener {self.ip.format_address(self.local_ip)}:{self.local_port} {len(self.accept_queue)} waiting>"

    def set_backlog(self, backlog: int) -> None:
        """Change the bound of the accept queue; negative counts as the largest, as on Linux."""
        limit = self.stack.settings.somaxconn
        self.backlog = limit if backlog < 0 or backlog > limit else backlog

    def accept(self) -> Connection | None:
        """The connection that has waited longest; None when none waits."""
        if not self.accept_queue:
            return None
        connection = self.accept_queue.popleft()
        connection.listener = None
        telling.tell_queues(self, "accepted", (connection.remote_ip, connection.remote_port))
        return connection

    def is_readable(self) -> bool:
        """Whether `accept` would give one."""
        return bool(self.accept_queue)

    def accept_queue_is_full(self) -> bool:
        """Linux sk_acceptq_is_full: full when it holds more than the backlog."""
        return len(self.accept_queue) > self.backlog

    def receive_syn(self, local_ip: int, remote_ip: int, header: TcpHeader) -> Drop | None:
        """A SYN for this port: a new connection in SYN-RECEIVED, if both queues have room."""
        if self.accept_queue_is_full():
            return Drop.TCP_ACCEPT_QUEUE_FULL
        cookies = self.stack.settings.tcp_syncookies
        crowded = self._syn_queue_is_full()
        if crowded and not cookies:
            return Drop.TCP_SYN_QUEUE_FULL
        connection = self._begin(local_ip, remote_ip, header)
        if connection.route is None:
            return Drop.NO_ROUTE
        if crowded or cookies == COOKIES_ALWAYS:
            self.cookie_sent_at = self.stack.now
            self.ip.tcp.counters["cookies_sent"] += 1
            telling.tell_queues(self, "SYN cookie", (remote_ip, header.source_port))
            handshake.answer_with_cookie(connection, header)
            return None
        self.ip.tcp.register(connection)
        self.half_open += 1
        telling.tell_queues(self, "SYN queue", (remote_ip, header.source_port))
        handshake.open_passively(connection, header)
        return None

    def _begin(self, local_ip: int, remote_ip: int, header: TcpHeader) -> Connection:
        local = (local_ip, self.local_port)
        connection = Connection(self.stack, self.ip, local, (remote_ip, header.source_port))
        connection.options = self.options.copy()
        connection.listener = self
        connection.route = self.ip.route_for(remote_ip, local_ip)
        connection.route_generation = self.stack.routes.generation
        return connection

    def open_cookie(self, local_ip: int, remote_ip: int, header: TcpHeader) -> Connection | None:
        """An ACK for nobody: if it brings a cookie of ours back, the connection it stands for, in SYN-RECEIVED."""
        now = self.stack.now
        if self.cookie_sent_at < 0 or now - self.cookie_sent_at > COOKIE_VALID_NS:
            return None
        connection = self._begin(local_ip, remote_ip, header)
        syn = self.ip.tcp.cookies.open(connection, header)
        if syn is None or connection.route is None:
            return None
        self.ip.tcp.counters["cookies_received"] += 1
        self.ip.tcp.register(connection)
        self.half_open += 1
        handshake.open_from_cookie(connection, syn, header)
        return connection

    def _syn_queue_is_full(self) -> bool:
        """Linux: no more half-open ones than the backlog, and a quarter of tcp_max_syn_backlog is kept free."""
        if self.half_open >= max(self.backlog, 1):
            return True
        limit = self.stack.settings.tcp_max_syn_backlog
        return limit - self.half_open < limit >> 2

    def take_completed(self, connection: Connection) -> bool:
        """The handshake of `connection` is complete: queue it, if there is room."""
        if self.accept_queue_is_full():
            return False
        self.half_open -= 1
        self.accept_queue.append(connection)
        telling.tell_queues(self, "accept queue", (connection.remote_ip, connection.remote_port))
        return True

    def forget_half_open(self, connection: Connection) -> None:
        """A connection in SYN-RECEIVED has ended."""
        self.half_open -= 1
        connection.listener = None

    def changed(self) -> None:
        """Tell the socket that a connection waits."""
        if self.on_change is not None:
            self.on_change()

    def close(self) -> None:
        """Listen no more: connections that nobody accepted are reset. (Linux inet_csk_listen_stop)"""
        self.on_change = None
        self.ip.tcp.forget_listener(self)
        for connection in self.ip.tcp.connections_of(self):
            connection.listener = None
            if connection.state == states.SYN_RECEIVED:
                close.finish(connection, Cause.PROGRAM)
            else:
                connection.abort()
        self.accept_queue.clear()
