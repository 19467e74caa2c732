"""UDP over IPv6, and the endpoints of dual-stack sockets, which speak both.

Read first: RFC 8200 8.1 (checksum), RFC 3493 3.7 and 5.3 (mapped addresses, IPV6_V6ONLY), RFC 4007 (scopes).
An endpoint stands in the port table of each family whose datagrams it may get: bound to :: and not told otherwise it
stands in both. Its addresses are those of the family it speaks (`version`), so they are compared as they come.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from netarium.addresses import ipv6_text
from netarium.journey import Drop, Stop
from netarium.stack.decisions import tell_route
from netarium.stack.error_queue import ErrorReport
from netarium.stack.failures import Failure, NetworkError
from netarium.stack.ipv6_address import LOOPBACK, is_mapped, is_multicast, needs_link
from netarium.stack.ports import BOTH, IPV4, IPV6
from netarium.stack.udp import Udp
from netarium.stack.udp_endpoint import DO, INTERFACE, PROBE, WANT, Datagram, UdpEndpoint, beyond_path_mtu
from netarium.stack.udp_lookup import best, score, tell_endpoints
from netarium.wire.icmpv6 import DESTINATION_UNREACHABLE, PORT_UNREACHABLE
from netarium.wire.ipv4 import Ipv4Header
from netarium.wire.ipv6 import Ipv6Header

if TYPE_CHECKING:
    from netarium.stack.interface import Interface
    from netarium.stack.ipv6 import Ipv6
    from netarium.stack.routes import Route
    from netarium.wire.ethernet import Frame

DATAGRAM_BYTES_MAX: Final = 65527
"""The most an IPv6 payload holds, less the UDP header."""
HEADERS_BYTES: Final = 48
DUAL: Final = 0


class Datagram6(Datagram):
    """A datagram that came over IPv6."""

    __slots__ = ()

    version: ClassVar[int] = 6


class UdpEndpoint6(UdpEndpoint):
    """The stack side of an AF_INET6 socket. Addresses of its methods are IPv6 ones, IPv4 in their mapped form.

    `version` is 6 or 4 once an address has decided it, DUAL before. `only_ipv6` is IPV6_V6ONLY. `hop_limit` -1 is the
    host's default; `traffic_class` IPV6_TCLASS.
    """

    __slots__ = ("hop_limit", "ip6", "only_ipv6", "protocol6", "traffic_class", "version")

    def __init__(self, protocol: Udp, protocol6: Udp6) -> None:
        super().__init__(protocol)
        self.protocol6: Final = protocol6
        self.ip6: Final = protocol6.ip6
        self.only_ipv6 = bool(protocol.stack.settings.ipv6_bindv6only)
        self.version = DUAL
        self.hop_limit = -1
        self.traffic_class = 0

    def bind(self, address: int, port: int) -> Failure | None:
        """Take a local address (0: all) and port (0: an ephemeral one)."""
        if self.binding is not None:
            return Failure.INVALID
        if is_mapped(address):
            if self.only_ipv6:
                return Failure.INVALID
            families, address = IPV4, address & 0xFFFFFFFF
        elif address == 0 and not self.only_ipv6:
            families = BOTH
        else:
            families = IPV6
            if needs_link(address) and self.interface is None:
                self.interface = self.ip6.interface_with(address)
        claim = self.protocol.bindings.bind(
            self,
            address,
            port,
            reuse_address=self.reuse_address,
            reuse_port=self.reuse_port,
            uid=self.uid,
            families=families,
            anywhere=self.binds_anywhere,
        )
        if isinstance(claim, Failure):
            return claim
        self.binding = claim
        self.version = 4 if families == IPV4 else 6 if families == IPV6 and address else DUAL
        self.local_address = address
        self.local_port = claim.port
        self._register(families)
        return None

    def _register(self, families: int) -> None:
        for table, family in ((self.protocol.by_port, IPV4), (self.protocol6.by_port, IPV6)):
            known = table.get(self.local_port, [])
            if families & family and self not in known:
                table.setdefault(self.local_port, []).append(self)
            elif not families & family and self in known:
                known.remove(self)
                if not known:
                    del table[self.local_port]

    def connect(self, address: int, port: int) -> Failure | None:
        """Speak to one peer only, and hear only it."""
        address = address or LOOPBACK
        version, address = self._family_of(address)
        if version == 4 and self.only_ipv6:
            return Failure.NETWORK_UNREACHABLE
        if self.binding is None:
            failure = self.bind(0, 0)
            if failure is not None:
                return failure
        if self.version not in (DUAL, version):
            return Failure.NETWORK_UNREACHABLE
        route = self._route_of(version, address)
        if route is None:
            stack = self.protocol.stack
            routes = stack.routes if version == 4 else self.ip6.routes
            tell_route(stack, routes, None, self.local_address, address, self.protocol.number, None)
            if version == 4:
                return stack.routes.refusal(address)
            return Failure.INVALID if needs_link(address) else self.ip6.routes.refusal(address)
        self.version = version
        if self.local_address == 0:
            self.local_address = route.source
        self.remote_address, self.remote_port = address, port
        self._register(IPV4 if version == 4 else IPV6)
        return None

    def disconnect(self) -> None:
        """Hear everybody again (connect with AF_UNSPEC)."""
        super().disconnect()
        if self.binding is not None:
            bound = self.binding.families
            self.version = 4 if bound == IPV4 else 6 if self.binding.address else DUAL
            self._register(bound)

    def send(self, payload: bytes) -> Failure | None:
        """Send one datagram to the connected peer."""
        if not self.remote_port:
            return Failure.DESTINATION_REQUIRED
        mapped = 0xFFFF << 32 if self.version == 4 else 0
        return self.send_to(payload, self.remote_address | mapped, self.remote_port)

    def send_to(
        self, payload: bytes, address: int, port: int, interface: Interface | None = None
    ) -> Failure | None:
        """Send one datagram; to a mapped address over IPv4. `interface` is that of a scope id."""
        if self.error is not None:
            return self.take_error()
        version, address = self._family_of(address or LOOPBACK)
        if self.version not in (DUAL, version) or (version == 4 and self.only_ipv6):
            return Failure.NETWORK_UNREACHABLE
        if self.binding is None:
            failure = self.bind(0, 0)
            if failure is not None:
                return failure
        if version == 4:
            return UdpEndpoint.send_to(self, payload, address, port)
        if port == 0:
            return Failure.INVALID
        if len(payload) > DATAGRAM_BYTES_MAX:
            return Failure.MESSAGE_TOO_LONG
        return self._send_ipv6(payload, address, port, interface)

    def _send_ipv6(
        self, payload: bytes, address: int, port: int, interface: Interface | None
    ) -> Failure | None:
        stack = self.protocol.stack
        to_group = is_multicast(address)
        by = interface or self.interface or (self.multicast_interface if to_group else None)
        source = 0 if is_multicast(self.local_address) else self.local_address
        route = self.ip6.route_for(address, source, by)
        if route is None:
            tell_route(stack, self.ip6.routes, None, source, address, self.protocol.number, None)
            stack.drop(Drop.NO_ROUTE, None, f"to {ipv6_text(address)}")
            return Failure.INVALID if needs_link(address) else self.ip6.routes.refusal(address)
        if self.path_mtu_discovery >= PROBE:
            route = beyond_path_mtu(route)
            if self.path_mtu_discovery == INTERFACE and len(payload) + HEADERS_BYTES > route.mtu:
                self.note_too_long(address, port, route.mtu, 6)
                return Failure.MESSAGE_TOO_LONG
        if stack.watch.step is not None:
            subject = (
                f"udp [{ipv6_text(source or route.source)}]:{self.local_port}>[{ipv6_text(address)}]:{port}"
            )
            stack.watch.step(stack.now, stack.name, Stop.DATAGRAM, subject, {"payload_bytes": len(payload)})
        self.protocol6.datagrams_out += 1
        output = self.ip6.output
        output.multicast_loop = self.multicast_loop
        fits = len(payload) + HEADERS_BYTES <= route.mtu
        failure = output.send_packet(
            source,
            address,
            self.protocol.number,
            self.header_to(port, len(payload)),
            payload,
            ttl=self.multicast_ttl if to_group else self.hop_limit,
            tos=self.traffic_class,
            dont_fragment=fits if self.path_mtu_discovery == WANT else self.path_mtu_discovery in (DO, PROBE),
            route=route,
        )
        output.multicast_loop = True
        if failure is Failure.MESSAGE_TOO_LONG:
            self.note_too_long(address, port, route.mtu, 6)
        return failure

    def _route_of(self, version: int, address: int) -> Route | None:
        if version == 4:
            return self.protocol.stack.ipv4.route_for(address, self.local_address, self.interface)
        return self.ip6.route_for(address, self.local_address, self.interface)

    @staticmethod
    def _family_of(address: int) -> tuple[int, int]:
        return (4, address & 0xFFFFFFFF) if is_mapped(address) else (6, address)

    def close(self) -> None:
        """Give the port back; what has not been read is gone."""
        if not self.closed and self.binding is not None:
            self._register(0)
            self.protocol.bindings.release(self)
            self.binding = None
        super().close()


class Udp6(Udp):
    """UDP of one host over IPv6. `by_port` holds the endpoints that may get IPv6 datagrams, in order of binding."""

    __slots__ = ("ip6",)

    datagram_class: ClassVar[type[Datagram]] = Datagram6

    def __init__(self, ip6: Ipv6) -> None:
        super().__init__(ip6.stack)
        self.ip6: Final = ip6

    def open6(self) -> UdpEndpoint6:
        """A new endpoint of an AF_INET6 socket."""
        return UdpEndpoint6(self.stack.udp, self)

    def receive(self, frame: Frame, interface: Interface) -> None:
        """A datagram for this host: to the endpoint that fits best, a multicast to all that fit."""
        datagram, header = frame.transport, frame.network
        if not isinstance(datagram, self.header_class) or type(header) is not Ipv6Header:
            self.stack.drop(Drop.UDP_MALFORMED, frame, interface.name)
            return
        endpoints = self.by_port.get(datagram.destination_port, [])
        if is_multicast(header.destination):
            taken = [each for each in endpoints if score(each, header, datagram, interface) >= 0]
        else:
            found = best(endpoints, header, datagram, interface)
            taken = [] if found is None else [found]
        for each in taken:
            self.deliver(each, frame, header, datagram, interface)
        if not taken:
            self.no_socket += 1
            self.stack.drop(Drop.UDP_NO_SOCKET, frame, f"port {datagram.destination_port}")
            self.ip6.icmp.send_error(frame, DESTINATION_UNREACHABLE, PORT_UNREACHABLE, 0, interface)

    def receive_error(
        self, header: Ipv4Header | Ipv6Header, payload: bytes, kind: NetworkError, info: int
    ) -> None:
        """The network says what became of a datagram of ours; `header` and `payload` are what it quotes."""
        report = ErrorReport(header, payload, kind, info, self.ip6.icmp.reported, 6)
        told = tell_endpoints(self.by_port.get(report.source_port, ()), report)
        if told and kind is NetworkError.MESSAGE_TOO_LONG:
            self.ip6.paths.learn_mtu(header.destination, info)
