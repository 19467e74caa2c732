"""UDP sockets. Read first: udp(7), ip(7); Linux udp_sendmsg, udp_recvmsg, whose errors these are."""

from __future__ import annotations

import errno
import socket as constants
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from netarium.addresses import ipv4_text
from netarium.engine.events import Engine
from netarium.journey import Stop
from netarium.sockets import ancillary
from netarium.sockets.base import (
    AF_INET,
    SOCK_DGRAM,
    WAITS_AT_REST,
    WAITS_FOR_WORK,
    Credentials,
    Socket,
)
from netarium.sockets.errno import ERRNO_OF, failure_error, os_error
from netarium.sockets.multicast import Membership, leave_all, multicast
from netarium.sockets.options import IP_MTU, IP_MTU_MAX, Option, as_int, common, reports
from netarium.sockets.readiness import ERR, HUP, IN, OUT, RDHUP, RDNORM, WRBAND, WRNORM
from netarium.stack.failures import Failure
from netarium.stack.stack import Stack
from netarium.stack.udp_endpoint import DATAGRAM_BYTES_MAX

UDP_CORK: Final = 1

if TYPE_CHECKING:
    from netarium.stack.error_queue import ErrorReport, TooLongHere
    from netarium.stack.udp_endpoint import UdpEndpoint


def _read_mtu(sock: Any) -> int:
    """IP_MTU: what the path to the connected peer is known to carry."""
    endpoint = sock.endpoint
    if not endpoint.remote_port or getattr(endpoint, "version", 4) != 4:
        raise os_error(errno.ENOTCONN)
    route = sock.stack.ipv4.route_for(endpoint.remote_address, endpoint.local_address, endpoint.interface)
    if route is None:
        raise os_error(errno.ENOTCONN)
    return min(int(route.mtu), IP_MTU_MAX)


def _write_cork(sock: Any, value: int | bytes) -> None:
    sock.cork = int(bool(as_int(value)))
    sock._special = bool(sock._special or sock.cork)
    if not sock.cork:
        try:
            sock.push()
        except OSError:
            return  # as on Linux nobody is told


class DatagramSocket(Socket):
    """A UDP socket of one program."""

    __slots__ = ("_pending", "_shut_receive", "_shut_send", "_special", "cork", "endpoint", "memberships")

    def __init__(
        self,
        credentials: Credentials,
        stack: Stack,
        engine: Engine,
        protocol: int = 0,
        family: int = AF_INET,
        endpoint: UdpEndpoint | None = None,
    ) -> None:
        super().__init__(credentials, stack, engine, family, SOCK_DGRAM, protocol)
        self.endpoint = stack.udp.open() if endpoint is None else endpoint
        self.endpoint.uid = credentials.users[1]
        self.endpoint.on_change = self.changed
        self.endpoint.path_mtu_discovery = self.settings.mtu_discover
        self.memberships: list[Membership] = []
        self._shut_receive = False
        self._shut_send = False
        self._pending: tuple[list[bytes], Any, tuple[Any, ...]] | None = None
        """A datagram that MSG_MORE or UDP_CORK has begun: its parts, its ancillary data, where to (empty: the peer)."""
        self.cork = 0
        """UDP_CORK."""
        self._special = False
        """Whether a send is more than a datagram: the direction is shut, or one is being put together."""

    @property
    def restful(self) -> bool:
        """Waiting where the program bound to a port is a server's rest."""
        return self.waiting_kind == WAITS_AT_REST

    def bind(self, address: int, port: int) -> None:
        """Claim an address and port; 0 for any."""
        self.check_address(address, port)
        self.enter()
        if self.endpoint.binding is not None:
            raise os_error(errno.EINVAL)
        failure = self.endpoint.bind(address, port)
        if failure is not None:
            raise failure_error(failure)
        self.waiting_kind = WAITS_AT_REST if port else WAITS_FOR_WORK

    def connect(self, address: int, port: int) -> bool:
        """Fix the peer."""
        self.enter()
        failure = self.endpoint.connect(address, port)
        if failure is not None:
            raise failure_error(failure)
        self.redirect()
        return True

    def redirect(self) -> None:
        """A datagram that is being put together goes to the new peer."""
        if self._pending is not None:
            self._pending = (*self._pending[:2], ())

    def name(self) -> tuple[int, ...]:
        """The local address."""
        return self.endpoint.local_address, self.endpoint.local_port

    def peer_name(self) -> tuple[int, ...]:
        """The fixed peer; ENOTCONN without one."""
        if not self.endpoint.remote_port:
            raise os_error(errno.ENOTCONN)
        return self.endpoint.remote_address, self.endpoint.remote_port

    def send(self, data: bytes | memoryview) -> int:
        """One datagram to the fixed peer."""
        if self._special:
            return self._send_specially(data)
        stack = self.stack
        stack.now = self.engine.now
        if self.endpoint.binding is None:
            self.endpoint.bind(0, 0)  # Linux inet_send_prepare: before the peer is looked at
        failure = self.endpoint.send(data if type(data) is bytes else bytes(data))
        stack.settle()
        if failure is not None:
            raise failure_error(failure)
        return len(data)

    def send_to(self, data: bytes, address: int, port: int) -> int:
        """One datagram to this address."""
        if self._special:
            return self._send_specially(data, address, port)
        stack = self.stack
        stack.now = self.engine.now
        failure = self.endpoint.send_to(data, address, port)
        stack.settle()
        if failure is not None:
            raise failure_error(failure)
        return len(data)

    def send_more(self, data: bytes | memoryview) -> int:
        """As `send` with MSG_MORE: the datagram goes when a send without it has added its part."""
        return self.send_corked(bytes(data), ())

    def send_corked(self, data: bytes, given: Any, *address: Any, more: bool = True) -> int:
        """Add a part to a datagram (Linux udp_sendmsg): the first says where to. EMSGSIZE throws away what there is."""
        if self._pending is None:
            if self._shut_send:
                raise os_error(errno.EPIPE)
            if not address and not self.endpoint.remote_port:
                raise os_error(errno.EDESTADDRREQ)
            self.enter()
            if self.endpoint.binding is None:
                self.endpoint.bind(0, 0)
            self._pending = ([], given, address)
        parts = self._pending[0]
        parts.append(data)
        self._special = True
        if sum(len(each) for each in parts) > DATAGRAM_BYTES_MAX:
            self._take_pending()
            raise os_error(errno.EMSGSIZE)
        if not more:
            self.push()
        return len(data)

    def _send_specially(self, data: bytes | memoryview, *address: Any) -> int:
        return self.send_corked(bytes(data), (), *address, more=bool(self.cork))

    def _take_pending(self) -> tuple[list[bytes], Any, tuple[Any, ...]] | None:
        pending, self._pending = self._pending, None
        self._special = bool(self._shut_send or self.cork)
        return pending

    def push(self) -> None:
        """Send the datagram that was put together, also where sending has been shut down meanwhile."""
        pending = self._take_pending()
        if pending is None:
            return
        special, self._special = self._special, False
        try:
            parts, given, address = pending
            if given:
                self.send_message(b"".join(parts), given, *address)
            elif address:
                self.send_to(b"".join(parts), *address)
            else:
                self.send(b"".join(parts))
        finally:
            self._special = special

    def receive(self, count: int, peek: int = 0) -> bytes | None:
        """One datagram, cut to `count` bytes."""
        found = self.receive_from(count, peek)
        return None if found is None else found[0]

    def receive_from(self, count: int, peek: int = 0) -> tuple[bytes, tuple[int, int]] | None:
        """(one datagram cut to `count` bytes, where it came from)."""
        endpoint = self.endpoint
        if not endpoint.queue and endpoint.error is None and not self._shut_receive:
            return None
        datagram = endpoint.receive() if not peek else endpoint.peek()
        if datagram is None or endpoint.error is not None:
            return self._receive_nothing(datagram, count, peek)
        payload = datagram.payload
        if len(payload) > count:
            if not peek and self.stack.watch.step is not None:
                self.tell_cut(datagram.source, datagram.source_port, ipv4_text, count, len(payload))
            payload = payload[:count]
        return payload if type(payload) is bytes else bytes(payload), (datagram.source, datagram.source_port)

    def tell_cut(self, source: int, port: int, text: Callable[[int], str], count: int, size: int) -> None:
        """Tell the watchers that a read was too short for its datagram: the rest is lost (udp(7))."""
        stack = self.stack
        if stack.watch.step is not None:
            subject = f"udp port {self.endpoint.local_port}"
            details: dict[str, object] = {
                "read": count,
                "lost": size - count,
                "client": f"{text(source)}:{port}",
            }
            stack.watch.step(stack.now, stack.name, Stop.RECEIVE_BUFFER, subject, details)

    def _receive_nothing(self, datagram: Any, count: int, peek: int) -> tuple[bytes, tuple[int, int]] | None:
        endpoint = self.endpoint
        failure = endpoint.take_error()
        if failure is not None:
            # As on Linux the pending error comes before the data, which stays.
            if datagram is not None and not peek:
                endpoint.queue.appendleft(datagram)
                endpoint.queued_bytes += len(datagram.payload) + 768
            raise failure_error(failure)
        # Linux __skb_wait_for_more_packets: only who may wait is told of the end
        return (b"", (0, 0)) if self._shut_receive and not self.nonblocking else None

    def receive_message(self, count: int, peek: int = 0) -> tuple[bytes, Any, bool] | None:
        """(bytes, address, whether the datagram was longer)."""
        first = self.endpoint.peek()
        size = 0 if first is None else len(first.payload)
        found = self.receive_from(count, peek)
        return None if found is None else (*found, size > count)

    def receive_ancillary(
        self, count: int, peek: int = 0
    ) -> tuple[bytes, Any, bool, list[tuple[int, int, bytes]]] | None:
        """(bytes, address, whether the datagram was longer, what the options ask to be told of it)."""
        first = self.endpoint.peek()
        found = self.receive_message(count, peek)
        if found is None:
            return None
        return (*found, ancillary.of_datagram(self, first) if first is not None else [])

    def receive_report(self, count: int) -> tuple[bytes, Any, bool, list[tuple[int, int, bytes]]]:
        """The oldest entry of the error queue (MSG_ERRQUEUE): our data, where it went, who said what. EAGAIN."""
        errors = self.endpoint.errors
        report = errors.take() if errors is not None else None
        if report is None:
            raise os_error(errno.EAGAIN)
        self.endpoint.error = None
        payload = report.payload
        return payload[:count], self.destination_of(report), len(payload) > count, ancillary.of_report(report)

    def destination_of(self, report: ErrorReport | TooLongHere) -> Any:
        """Where the datagram went that an error is about."""
        return report.destination, report.destination_port

    def send_message(self, data: bytes, given: Any, *address: Any) -> int:
        """One datagram with choices of its own (sendmsg's ancillary data); to `address`, or to the fixed peer."""
        if self.endpoint.binding is None:
            self.enter()
            self.endpoint.bind(0, 0)  # which would undo the choice of a source
        overrides = ancillary.Overrides(self.endpoint, given)
        try:
            return self.send_to(data, *address) if address else self.send(data)
        finally:
            overrides.undo()

    def shutdown(self, receive: bool, send: bool) -> None:
        """ENOTCONN without a fixed peer, but the directions are shut all the same (Linux inet_shutdown)."""
        self._shut_receive = self._shut_receive or receive
        self._shut_send = self._shut_send or send
        self._special = self._special or send
        self.changed()
        if not self.endpoint.remote_port:
            raise os_error(errno.ENOTCONN)

    def close(self) -> None:
        """Give the port back."""
        self.enter()
        leave_all(self.memberships)
        self.endpoint.close()
        self.stack.settle()

    def take_error(self) -> int:
        """SO_ERROR."""
        failure = self.endpoint.take_error()
        return ERRNO_OF[failure] if failure is not None else super().take_error()

    def readiness(self) -> int:
        """The mask (Linux datagram_poll)."""
        endpoint = self.endpoint
        mask = OUT | WRNORM | WRBAND
        if endpoint.queue:
            mask |= IN | RDNORM
        if endpoint.error is not None or (endpoint.errors is not None and endpoint.errors.reports):
            mask |= ERR
        if self._shut_receive:
            mask |= IN | RDNORM | RDHUP
            if self._shut_send:
                mask |= HUP
        return mask

    def settings_changed(self) -> None:
        """An option was set: the endpoint follows."""
        endpoint, settings = self.endpoint, self.settings
        endpoint.broadcast = bool(settings.broadcast)
        endpoint.reuse_address = bool(settings.reuse_address)
        endpoint.reuse_port = bool(settings.reuse_port)
        endpoint.receive_buffer_bytes = settings.receive_buffer_bytes
        endpoint.ttl = settings.ttl
        endpoint.tos = settings.tos
        endpoint.multicast_ttl = settings.multicast_ttl
        endpoint.multicast_loop = bool(settings.multicast_loop)
        endpoint.all_errors = bool(settings.receive_errors)
        endpoint.path_mtu_discovery = settings.mtu_discover
        endpoint.binds_anywhere = self.binds_anywhere
        endpoint.interface = self.stack.interfaces.get(settings.device.decode("ascii"))

    def describe(self, call: str = "") -> str:
        """`from 10.0.0.1:53`, or `on 0.0.0.0:53`."""
        endpoint = self.endpoint
        if endpoint.remote_port:
            return f"from {ipv4_text(endpoint.remote_address)}:{endpoint.remote_port}"
        return f"on {ipv4_text(endpoint.local_address)}:{endpoint.local_port}"

    options: Final = {  # type: ignore[misc]
        **common(),
        **multicast(),
        **reports(),
        (constants.IPPROTO_IP, IP_MTU): Option(_read_mtu),
        (constants.IPPROTO_UDP, UDP_CORK): Option(lambda sock: sock.cork, _write_cork),
    }


__all__ = ["DatagramSocket", "Failure"]
