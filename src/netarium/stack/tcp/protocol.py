"""`Tcp`: which segment belongs to whom, who may connect and listen; RST for nobody's segments.

Read first: RFC 9293 sections 3.5.2 (reset generation), 3.10.7.1 (CLOSED), 3.10.7.2 (LISTEN); RFC 5961 section 7 (limit
of challenge acknowledgments). `ip_input` calls `receive`, `icmp` calls `receive_error`, sockets call `connect` and
`listen`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from zlib import crc32

from netarium.journey import Cause, Drop
from netarium.stack.failures import Failure, NetworkError
from netarium.stack.tcp import close, handshake, options, receiver, states, time_wait, transmit
from netarium.stack.tcp.connection import Connection
from netarium.stack.tcp.control_block import ControlBlock
from netarium.stack.tcp.initial_numbers import InitialNumbers
from netarium.stack.tcp.listener import Listener
from netarium.stack.tcp.sequence import MASK, unwrap
from netarium.stack.tcp.socket_options import SocketOptions
from netarium.stack.tcp.syn_cookies import SynCookies
from netarium.wire.ipv4 import PROTOCOL_TCP
from netarium.wire.tcp import ACK, FIN, RST, SYN, TcpHeader

if TYPE_CHECKING:
    from netarium.stack.interface import Interface
    from netarium.stack.stack import Stack
    from netarium.wire.ethernet import Frame

SECOND_NS: Final = 1_000_000_000
MS: Final = 1_000_000
Key = tuple[int, int, int, int]
"""(local address, local port, remote address, remote port)."""


class Tcp:
    """TCP of one host and one family: `ip` is the host's `Ipv4` or `Ipv6`, which hold it as `ip.tcp`."""

    __slots__ = (
        "_challenges_left",
        "_challenges_until",
        "connections",
        "cookies",
        "counters",
        "ip",
        "listeners",
        "numbers",
        "orphans",
        "stack",
        "time_waits",
    )

    def __init__(self, stack: Stack, ip: Any) -> None:
        self.stack = stack
        self.ip = ip
        self.connections: dict[Key, Connection] = {}
        self.listeners: dict[tuple[int, int], list[Listener]] = {}
        self.counters = {
            "segments_in": 0,
            "resets_out": 0,
            "challenge_acks": 0,
            "active_opens": 0,
            "passive_opens": 0,
            "cookies_sent": 0,
            "cookies_received": 0,
            "orphans_reset": 0,
            "time_wait_overflows": 0,
        }
        self.orphans: set[ControlBlock] = set()
        """Closed by their programs and not by their peers. Only counted: its order is never asked for."""
        self.time_waits = 0
        """How many are in TIME-WAIT."""
        self.numbers = InitialNumbers(stack.random.getrandbits(128))
        self.cookies = SynCookies(self.numbers)
        self._challenges_left = 0
        self._challenges_until = -1

    # -- from below ---------------------------------------------------------------------------------------------------

    def receive(self, frame: Frame, interface: Interface) -> None:
        """A segment for an address of this host."""
        header: Any = frame.transport
        network: Any = frame.network
        if header is None:  # a packet built by hand, by a raw socket or a test
            self.stack.drop(Drop.TCP_MALFORMED, frame)
            return
        c = self.connections.get(
            (network.destination, header.destination_port, network.source, header.source_port)
        )
        if c is not None and c.state == states.ESTABLISHED:
            reason = receiver.receive(c, frame)
        elif c is None:
            reason = self._receive_for_nobody(frame, network, header)
        elif c.state == states.SYN_SENT:
            reason = handshake.receive_in_syn_sent(c, header)
        elif c.state == states.TIME_WAIT:
            reason = self._receive_in_time_wait(c, frame)
        else:
            reason = receiver.receive(c, frame)
        if reason is not None:
            self.stack.drop(reason, frame)

    def _receive_for_nobody(self, frame: Frame, network: Any, header: TcpHeader) -> Drop | None:
        """No connection has this 4-tuple: a listener's business, or a RST. (RFC 9293 sections 3.10.7.1, 3.10.7.2)"""
        flags = header.flags
        listener = self.find_listener(
            network.destination, header.destination_port, network.source, header.source_port
        )
        if listener is not None:
            if flags & RST:
                return Drop.TCP_NOT_ACCEPTED
            if flags & ACK and not flags & SYN:
                c = listener.open_cookie(network.destination, network.source, header)
                if c is not None:
                    return receiver.receive(c, frame)
            elif not flags & ACK:
                if flags & SYN and not flags & FIN:
                    self.counters["passive_opens"] += 1
                    return listener.receive_syn(network.destination, network.source, header)
                return Drop.TCP_NOT_ACCEPTED
        if flags & RST:
            return Drop.TCP_NO_CONNECTION  # never a RST for a RST
        self.answer_with_reset(self.ip, network.destination, network.source, header, len(frame.payload))
        return Drop.TCP_NO_SOCKET if flags & (SYN | ACK) == SYN else Drop.TCP_NO_CONNECTION

    def _receive_in_time_wait(self, c: Connection, frame: Frame) -> Drop | None:
        header: Any = frame.transport
        if time_wait.may_begin_anew(c, header) and self.find_listener(c.local_ip, c.local_port) is not None:
            close.finish(c, Cause.SEGMENT)
            return self._receive_for_nobody(frame, frame.network, header)
        return time_wait.receive(c, header, len(frame.payload))

    def answer_with_reset(
        self, ip: Any, local_ip: int, remote_ip: int, header: TcpHeader, payload_bytes: int
    ) -> None:
        """A RST that the sender of `header` will believe. (RFC 9293 section 3.5.2)"""
        self.counters["resets_out"] += 1
        flags = header.flags
        if flags & ACK:
            reset = TcpHeader(header.destination_port, header.source_port, header.acknowledgment, 0, RST, 0)
        else:
            length = payload_bytes + (1 if flags & SYN else 0) + (1 if flags & FIN else 0)
            acknowledgment = (header.sequence + length) & MASK
            reset = TcpHeader(header.destination_port, header.source_port, 0, acknowledgment, RST | ACK, 0)
        ip.send_packet(local_ip, remote_ip, PROTOCOL_TCP, reset, b"")

    def send_challenge_ack(self, c: ControlBlock) -> None:
        """Ask the peer to prove that it sent this: a limited number a second. (RFC 5961 section 7)"""
        now = self.stack.now
        if self.too_many_invalid(c):
            return
        if now >= self._challenges_until:
            self._challenges_until = now + SECOND_NS
            self._challenges_left = self.stack.settings.tcp_challenge_ack_limit
        if self._challenges_left <= 0:
            return
        self._challenges_left -= 1
        self.counters["challenge_acks"] += 1
        transmit.send_ack(c)

    def too_many_invalid(self, c: ControlBlock) -> bool:
        """Whether an invalid segment of this connection was answered less than tcp_invalid_ratelimit ago."""
        now = self.stack.now
        if c.invalid_at >= 0 and now - c.invalid_at < self.stack.settings.tcp_invalid_ratelimit * MS:
            return True
        c.invalid_at = now
        return False

    def receive_error(self, network: Any, payload: bytes | memoryview, kind: NetworkError, info: int) -> None:
        """The network says that a packet of ours did not arrive; `network` and `payload` are what it quotes of it.

        RFC 1122 4.2.3.9: hard errors end a connection that is still opening, soft ones are remembered; as on Linux none
        ends an established one. RFC 5927 section 4: the quoted sequence number must be in flight.
        """
        if len(payload) < 8:
            return
        ports = int.from_bytes(payload[:4], "big")
        sequence = int.from_bytes(payload[4:8], "big")
        c = self.connections.get((network.source, ports >> 16, network.destination, ports & 0xFFFF))
        if c is None or c.state == states.TIME_WAIT:
            return
        number = unwrap(sequence, c.snd_una)
        if number < c.snd_una or number > c.snd_nxt:
            return
        if kind is NetworkError.MESSAGE_TOO_LONG:
            self._path_carries_less(c, info)
        elif c.state in (states.SYN_SENT, states.SYN_RECEIVED):
            if c.listener is not None:
                c.listener.forget_half_open(c)
            close.fail(c, kind.failure, Cause.UNREACHABLE)

    def _path_carries_less(self, c: Connection, mtu: int) -> None:
        """Cut segments smaller from now on, and send what was too large again. (RFC 1191 section 6.4)"""
        c.ip.paths.learn_mtu(c.remote_ip, mtu)
        transmit.find_route(c)
        mtu = min(mtu, int(c.route.mtu) if c.route is not None else mtu)
        mss = max(mtu - c.ip.header_bytes - 20, options.MSS_MIN)
        if mtu and mss < c.mss + (options.TIMESTAMP_OPTION_BYTES if c.timestamps_ok else 0):
            options.set_mss(c, mss)
            receiver.resend_smaller(c, mtu)

    # -- from above ---------------------------------------------------------------------------------------------------

    def connect(
        self, ip: Any, local: tuple[int, int], remote: tuple[int, int], chosen: SocketOptions
    ) -> Connection | Failure:
        """Open actively from `local` to `remote`, both (address, port) and both chosen already."""
        if not self.is_free((*local, *remote)):
            return Failure.ADDRESS_NOT_AVAILABLE
        old = self.connections.get((*local, *remote))
        if old is not None:
            close.finish(old, Cause.PROGRAM)
        c = Connection(self.stack, ip, local, remote)
        c.options = chosen
        transmit.find_route(c)
        if c.route is None:
            return Failure.NETWORK_UNREACHABLE
        self.counters["active_opens"] += 1
        self.register(c)
        failure = handshake.open_actively(c)
        if failure is not None:
            close.finish(c, Cause.UNREACHABLE)
            return failure
        return c

    def is_free(self, key: Key) -> bool:
        """Whether a new connection may have this 4-tuple: nobody has it, or one in TIME-WAIT that may be reused.

        RFC 6191; Linux tcp_twsk_unique: after a second, when timestamps tell old segments from new, and
        net.ipv4.tcp_tw_reuse says so (1 always, 2 on this host alone).
        """
        c = self.connections.get(key)
        if c is None:
            return True
        allowed = self.stack.settings.tcp_tw_reuse
        if c.state != states.TIME_WAIT or not c.timestamps_ok or not allowed:
            return False
        at_home = c.route is not None and c.route.interface.is_loopback
        return (allowed == 1 or at_home) and self.stack.now - c.ts_recent_at > SECOND_NS

    def listen(self, ip: Any, local: tuple[int, int], backlog: int, chosen: SocketOptions) -> Listener:
        """Welcome connections at `local`; the port was bound before (`stack.ports`)."""
        listener = Listener(self.stack, ip, local, backlog, chosen)
        self.listeners.setdefault(local, []).append(listener)
        return listener

    def find_listener(
        self, address: int, port: int, remote: int = 0, remote_port: int = 0
    ) -> Listener | None:
        """Who listens at this address and port: the specific one before the wildcard.

        Of several that share it by SO_REUSEPORT the peer's address and port choose one, always the same.
        """
        listeners = self.listeners.get((address, port)) or self.listeners.get((0, port))
        if not listeners:
            return None
        if len(listeners) == 1:
            return listeners[0]
        return listeners[crc32(f"{address} {port} {remote} {remote_port}".encode()) % len(listeners)]

    # -- the tables ---------------------------------------------------------------------------------------------------

    def register(self, c: Connection) -> None:
        """Segments of this 4-tuple are `c`'s from now on."""
        self.connections[c.key] = c

    def forget(self, c: ControlBlock) -> None:
        """`c` is closed: its 4-tuple is free, and so is its port if it held the last claim on it."""
        if self.connections.get(c.key) is c:
            del self.connections[c.key]
        if c.listener is not None and c.state == states.CLOSED and c not in c.listener.accept_queue:
            c.listener.forget_half_open(c)
        self.stack.ports.release(c)

    def forget_listener(self, listener: Listener) -> None:
        """Nobody listens there any more."""
        key = (listener.local_ip, listener.local_port)
        listeners = self.listeners.get(key, [])
        if listener in listeners:
            listeners.remove(listener)
        if not listeners:
            self.listeners.pop(key, None)

    def connections_of(self, listener: Listener) -> list[Connection]:
        """Connections that came through `listener` and were not accepted."""
        return [c for c in self.connections.values() if c.listener is listener]
