"""UDP sockets of AF_INET6: over IPv6, and over IPv4 by mapped addresses unless IPV6_V6ONLY. Read first: ipv6(7)."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, Any, Final

from netarium.addresses import ipv4_text, ipv6_text
from netarium.engine.events import Engine
from netarium.sockets.address6 import UNSPECIFIED, Address6, ipv6_of, scoped_interface, shown
from netarium.sockets.base import AF_INET6, SYSTEM_PORTS, WAITS_AT_REST, WAITS_FOR_WORK, Credentials
from netarium.sockets.datagram import DatagramSocket
from netarium.sockets.errno import failure_error, os_error
from netarium.sockets.groups6 import Membership6, groups_ipv6, leave_all6
from netarium.sockets.options6 import level_ipv6
from netarium.stack.ipv6_address import needs_link
from netarium.stack.stack import Stack
from netarium.stack.udp6 import UdpEndpoint6

if TYPE_CHECKING:
    from netarium.stack.error_queue import ErrorReport, TooLongHere
    from netarium.stack.interface import Interface
    from netarium.stack.udp_endpoint import Datagram


class DatagramSocket6(DatagramSocket):
    """A UDP socket of family AF_INET6."""

    __slots__ = ("_scope", "memberships6")

    endpoint: UdpEndpoint6

    def __init__(
        self,
        credentials: Credentials,
        stack: Stack,
        engine: Engine,
        protocol: int = 0,
        endpoint: UdpEndpoint6 | None = None,
    ) -> None:
        if endpoint is None:
            endpoint = ipv6_of(stack).udp.open6()
        super().__init__(credentials, stack, engine, protocol, AF_INET6, endpoint)
        self.settings.only_ipv6 = stack.settings.ipv6_bindv6only
        self.memberships6: list[Membership6] = []
        self._scope: Interface | None = None
        """The interface of a link-local address it is bound or connected to."""

    def bind(self, address: int, port: int, flow: int = 0, scope: int = 0) -> None:
        """Claim an address and port; 0 for any, in both families unless IPV6_V6ONLY."""
        self.enter()
        endpoint = self.endpoint
        if endpoint.binding is not None or (needs_link(address) and not scope and endpoint.interface is None):
            raise os_error(errno.EINVAL)
        if 0 < port < SYSTEM_PORTS and not self.credentials.may("net_bind_service"):
            raise os_error(errno.EACCES)
        self._scope = scoped_interface(self.stack, address, scope)
        endpoint.interface = self._scope or endpoint.interface
        failure = endpoint.bind(address, port)
        if failure is not None:
            raise failure_error(failure)
        self.waiting_kind = WAITS_AT_REST if port else WAITS_FOR_WORK

    def connect(self, address: int, port: int, flow: int = 0, scope: int = 0) -> bool:
        """Fix the peer; a link-local one fixes the interface too."""
        self.enter()
        by = scoped_interface(self.stack, address, scope)
        if by is not None:
            self.endpoint.interface = self._scope = by
        failure = self.endpoint.connect(address, port)
        if failure is not None:
            raise failure_error(failure)
        self.redirect()
        return True

    def name(self) -> Address6:
        """The local address."""
        endpoint = self.endpoint
        version = 4 if endpoint.version == 4 else 6
        return shown(version, endpoint.local_address, endpoint.local_port, endpoint.interface)

    def peer_name(self) -> Address6:
        """The fixed peer; ENOTCONN without one."""
        endpoint = self.endpoint
        if not endpoint.remote_port:
            raise os_error(errno.ENOTCONN)
        version = 4 if endpoint.version == 4 else 6
        return shown(version, endpoint.remote_address, endpoint.remote_port, endpoint.interface)

    def send_to(self, data: bytes, address: int, port: int, flow: int = 0, scope: int = 0) -> int:
        """One datagram to this address."""
        if self._special:
            return self._send_specially(data, address, port, flow, scope)
        stack = self.stack
        stack.now = self.engine.now
        failure = self.endpoint.send_to(data, address, port, scoped_interface(stack, address, scope))
        stack.settle()
        if failure is not None:
            raise failure_error(failure)
        return len(data)

    def receive_from(self, count: int, peek: int = 0) -> tuple[bytes, Any] | None:
        """(one datagram cut to `count` bytes, where it came from)."""
        endpoint = self.endpoint
        datagram = endpoint.receive() if not peek else endpoint.peek()
        if datagram is None or endpoint.error is not None:
            found = self._receive_nothing(datagram, count, peek)
            return None if found is None else (found[0], UNSPECIFIED)
        size = len(datagram.payload)
        if size > count and not peek and self.stack.watch.step is not None:
            text = ipv4_text if datagram.version == 4 else self._source_text
            self.tell_cut(datagram.source, datagram.source_port, text, count, size)
        return bytes(datagram.payload[:count]), self.source_of(datagram)

    @staticmethod
    def _source_text(address: int) -> str:
        return f"[{ipv6_text(address)}]"

    def source_of(self, datagram: Datagram) -> Any:
        """Where a datagram came from, as this socket shows it."""
        return shown(datagram.version, datagram.source, datagram.source_port, datagram.interface)

    def destination_of(self, report: ErrorReport | TooLongHere) -> Any:
        """Where the datagram went that an error is about."""
        return shown(report.version, report.destination, report.destination_port)

    def close(self) -> None:
        """Give the port back."""
        leave_all6(self.memberships6)
        super().close()

    def settings_changed(self) -> None:
        """An option was set: the endpoint follows."""
        super().settings_changed()
        endpoint, settings = self.endpoint, self.settings
        endpoint.interface = endpoint.interface or self._scope
        endpoint.all_errors = bool(settings.receive_errors6 or settings.receive_errors)
        endpoint.only_ipv6 = bool(settings.only_ipv6)
        endpoint.hop_limit = settings.hop_limit
        endpoint.traffic_class = settings.traffic_class

    def describe(self, call: str = "") -> str:
        """`from [2001:db8::1]:53`, or `on [::]:53`."""
        endpoint = self.endpoint
        text = ipv4_text if endpoint.version == 4 else lambda address: f"[{ipv6_text(address)}]"
        if endpoint.remote_port:
            return f"from {text(endpoint.remote_address)}:{endpoint.remote_port}"
        return f"on {text(endpoint.local_address)}:{endpoint.local_port}"

    options: Final = {**DatagramSocket.options, **level_ipv6(), **groups_ipv6()}  # type: ignore[misc]
