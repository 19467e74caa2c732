"""Who has which port: the bind tables of TCP and UDP.

Read first: RFC 6056 (ephemeral ports), RFC 6335 6, Linux inet_csk_bind_conflict and udp_lib_get_port. Two sockets may
have one port when their addresses differ and neither is the wildcard; else only by SO_REUSEADDR (for TCP: both set
it and the other does not listen; for UDP: both set it) or SO_REUSEPORT (both set it, same user). A TCP connection
holds its local port until it is forgotten, TIME-WAIT included.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from netarium.addresses import ipv4_text, ipv6_text
from netarium.stack.failures import Failure
from netarium.stack.tcp.states import ESTABLISHED, NAMES, SYN_RECEIVED
from netarium.wire.ipv4 import PROTOCOL_TCP

if TYPE_CHECKING:
    from netarium.stack.stack import Stack
    from netarium.stack.tcp.protocol import Tcp
    from netarium.stack.udp_endpoint import UdpEndpoint

PORT_MAX: Final = 65535
IPV4: Final = 1
IPV6: Final = 2
BOTH: Final = IPV4 | IPV6
"""The families of a claim: the wildcard of a dual-stack socket claims the port in both."""


class Binding:
    """A claim on a port; `address` 0 is the wildcard. `listening` is set by whoever turns it into a TCP listener."""

    __slots__ = ("address", "families", "listening", "owner", "port", "reuse_address", "reuse_port", "uid")

    def __init__(
        self,
        owner: Any,
        address: int,
        port: int,
        reuse_address: bool,
        reuse_port: bool,
        uid: int,
        families: int = IPV4,
    ) -> None:
        self.owner = owner
        self.families = families
        self.address = address
        self.port = port
        self.reuse_address = reuse_address
        self.reuse_port = reuse_port
        self.uid = uid
        self.listening = False


class Bindings:
    """The bind table of one transport. `held_by_connections` tells which local addresses connections hold a port at."""

    __slots__ = ("by_owner", "by_port", "is_stream", "stack")

    def __init__(self, stack: Stack, is_stream: bool) -> None:
        self.stack: Final = stack
        self.is_stream: Final = is_stream
        self.by_port: Final[dict[int, list[Binding]]] = {}
        self.by_owner: Final[dict[Any, Binding]] = {}

    def bind(
        self,
        owner: Any,
        address: int,
        port: int,
        *,
        reuse_address: bool = False,
        reuse_port: bool = False,
        uid: int = 0,
        families: int = IPV4,
        anywhere: bool = False,
    ) -> Binding | Failure:
        """Claim `port` at `address` (0: all) for `owner`; port 0 takes a free ephemeral one.

        ADDRESS_NOT_AVAILABLE when the address is not this host's, ADDRESS_IN_USE when another's claim stands against
        it or no port is free. Whether `uid` may have a port below 1024 is judged in `sockets`. `families` is BOTH only
        with the wildcard. `anywhere`: also at addresses of others (IP_FREEBIND).
        """
        if address and not anywhere and not self._may_bind_to(address, families):
            return Failure.ADDRESS_NOT_AVAILABLE
        claim = Binding(owner, address, port, reuse_address, reuse_port, uid, families)
        if port == 0:
            found = self._free_port(lambda each: self._is_free(claim, each))
            if found is None:
                return Failure.ADDRESS_IN_USE
            claim.port = found
        elif self._conflicts(claim):
            return Failure.ADDRESS_IN_USE
        self.by_port.setdefault(claim.port, []).append(claim)
        self.by_owner[owner] = claim
        return claim

    def is_taken(self, address: int, port: int) -> bool:
        """Whether a socket or connection here has `port` at the IPv4 `address`, or at all addresses."""
        probe = Binding(None, address, port, False, False, 0)
        return not self._is_free(probe, port)

    def may_listen(self, claim: Binding) -> bool:
        """Whether no other claim stands against listening: SO_REUSEADDR does not help against a listener."""
        return not any(
            other is not claim
            and other.listening
            and _claims_overlap(other, claim)
            and not _share_port(other, claim)
            for other in self.by_port.get(claim.port, ())
        )

    def rebind(self, owner: Any, claim: Binding) -> None:
        """The claim is another owner's from now on (a socket's, handed to its connection)."""
        self.by_owner.pop(claim.owner, None)
        claim.owner = owner
        self.by_owner[owner] = claim

    def release(self, owner: Any) -> None:
        """Give back what `owner` has; nothing when it has none."""
        claim = self.by_owner.pop(owner, None)
        if claim is None:
            return
        claims = self.by_port[claim.port]
        claims.remove(claim)
        if not claims:
            del self.by_port[claim.port]

    def choose_for_connect(self, local: int, remote: int, remote_port: int, ip: Any = None) -> int | Failure:
        """An ephemeral port whose 4-tuple is free (Linux __inet_hash_connect); ports that `bind` took are left out."""
        is_free = (ip or self.stack.ipv4).tcp.is_free
        found = self._free_port(
            lambda port: port not in self.by_port and is_free((local, port, remote, remote_port))
        )
        return Failure.ADDRESS_NOT_AVAILABLE if found is None else found

    def _may_bind_to(self, address: int, families: int) -> bool:
        """Own addresses; of IPv4 also broadcasts and groups, and for UDP groups of IPv6 (to receive only those)."""
        if families == IPV6:
            ipv6 = self.stack.ipv6
            is_group = not self.is_stream and address >> 120 == 0xFF
            return ipv6 is not None and (is_group or ipv6.is_local(address))
        return self.stack.ports.may_bind_to(address)

    def _conflicts(self, claim: Binding) -> bool:
        for other in self.by_port.get(claim.port, ()):
            if not _claims_overlap(other, claim) or _share_port(other, claim):
                continue
            reusable = claim.reuse_address and other.reuse_address
            if not reusable or (self.is_stream and other.listening):
                return True
        # Linux asks that the connection's socket had the same option; we do not know any more what it had.
        reuses = claim.reuse_address or claim.reuse_port
        return not reuses and self._connection_holds(claim, claim.port, claim.owner)

    def _is_free(self, claim: Binding, port: int) -> bool:
        claims = self.by_port.get(port, ())
        if any(_claims_overlap(each, claim) for each in claims):
            return False
        return not self._connection_holds(claim, port, None)

    def _connection_holds(self, claim: Binding, port: int, owner: Any) -> bool:
        """Whether a TCP connection (one in TIME-WAIT too) has the port at an address that overlaps."""
        if not self.is_stream:
            return False
        stack = self.stack
        tables = [stack.tcp.connections] if claim.families & IPV4 else []
        if claim.families & IPV6 and stack.ipv6 is not None:
            tables.append(stack.ipv6.tcp.connections)
        return any(
            each.local_port == port and each is not owner and _overlap(each.local_ip, claim.address)
            for table in tables
            for each in table.values()
        )

    def _free_port(self, is_free: Callable[[int], bool]) -> int | None:
        """A port of ip_local_port_range: a random one, or the next free after it (RFC 6056 3.3.1)."""
        low, high = self.stack.settings.ip_local_port_range
        count = high - low + 1
        start = self.stack.random.randrange(count)
        for step in range(count):
            port = low + (start + step) % count
            if is_free(port):
                return port
        return None


class PortTable:
    """The ports of one host, both transports."""

    __slots__ = ("adopt", "stack", "tcp", "udp", "udplite")

    def __init__(self, stack: Stack) -> None:
        self.stack: Final = stack
        self.adopt: Callable[[int], bool] | None = None
        """Set where hosts take the addresses their programs bind (scripts without a lab): True when it was taken."""
        self.tcp: Final = Bindings(stack, True)
        self.udp: Final = Bindings(stack, False)
        self.udplite: Final = Bindings(stack, False)

    def release(self, owner: Any) -> None:
        """Give back whatever `owner` has in any table."""
        self.tcp.release(owner)
        self.udp.release(owner)
        self.udplite.release(owner)

    def is_taken(self, protocol: int, address: int, port: int) -> bool:
        """Whether this host's own TCP or UDP has `port` at `address` (a NAT must not lend it)."""
        return (self.tcp if protocol == PROTOCOL_TCP else self.udp).is_taken(address, port)

    def is_own(self, address: int) -> bool:
        """Whether a socket may bind to `address`: it is this host's, or has been taken just now (`adopt`)."""
        return self.stack.is_local(address) or (self.adopt is not None and self.adopt(address))

    def may_bind_to(self, address: int) -> bool:
        """Whether a socket of IPv4 may: own addresses, broadcasts, groups; any by net.ipv4.ip_nonlocal_bind.

        (Linux inet_addr_valid_or_nonlocal)
        """
        return (
            not address
            or address == 0xFFFFFFFF
            or address >> 28 == 0xE
            or address in self.stack.routes.local
            or self.is_own(address)
            or bool(self.stack.settings.ip_nonlocal_bind)
        )

    def listens(self, port: int) -> bool:
        """Whether somebody waits at `port`: TCP in LISTEN, or UDP bound there."""
        stack = self.stack
        if any(key[1] == port for key in stack.tcp.listeners) or port in stack.udp.by_port:
            return True
        ipv6 = stack.ipv6
        if ipv6 is None:
            return False
        return any(key[1] == port for key in ipv6.tcp.listeners) or port in ipv6.udp.by_port

    def sockets(self) -> list[SocketRow]:
        """Every socket the stack knows, as `ss -a` lists them: listeners, connections, UDP; IPv4 first."""
        stack = self.stack
        rows = _tcp_rows(stack.tcp, 4) + [_udp_row(each, 4) for each in stack.udp.endpoints()]
        if stack.ipv6 is not None:
            rows += _tcp_rows(stack.ipv6.tcp, 6)
            rows += [_udp_row(each, 6) for each in stack.ipv6.udp.endpoints()]
        return rows


def _tcp_rows(tcp: Tcp, version: int) -> list[SocketRow]:
    rows = []
    for listeners in tcp.listeners.values():
        for each in listeners:
            claim = each.binding
            if version == 4 and isinstance(claim, Binding) and claim.families == BOTH:
                continue  # the IPv4 half of a dual-stack listener, which stands among those of IPv6
            local = (each.local_ip, each.local_port)
            rows.append(
                SocketRow("tcp", "LISTEN", *local, 0, 0, len(each.accept_queue), each.backlog, version)
            )
    for c in tcp.connections.values():
        unacknowledged = c.snd_nxt - c.snd_una + c.unsent_bytes
        local, remote = (c.local_ip, c.local_port), (c.remote_ip, c.remote_port)
        state = _state_text(c.state)
        row = SocketRow("tcp", state, *local, *remote, c.rcv_queued_bytes, unacknowledged, version)
        row.connection = c
        rows.append(row)
    return rows


def _udp_row(endpoint: UdpEndpoint, version: int) -> SocketRow:
    state = "ESTAB" if endpoint.remote_port else "UNCONN"
    local = (endpoint.local_address, endpoint.local_port)
    remote = (endpoint.remote_address, endpoint.remote_port)
    return SocketRow("udp", state, *local, *remote, endpoint.queued_bytes, 0, version)


class SocketRow:
    """A line of `ss`: addresses are ints, 0 for any; queues in bytes (a listener's: connections waiting, backlog).

    `version` is the family, 4 or 6; the wildcard of 6 may take IPv4 too.
    """

    __slots__ = (
        "connection", "local_address", "local_port", "protocol", "receive_queue", "remote_address", "remote_port",
        "send_queue", "state", "version",
    )  # fmt: skip

    def __init__(
        self,
        protocol: str,
        state: str,
        local_address: int,
        local_port: int,
        remote_address: int,
        remote_port: int,
        receive_queue: int,
        send_queue: int,
        version: int = 4,
    ) -> None:
        self.connection: Any = None
        """The TCP connection, where it is one; `connection.statistics()` tells more."""
        self.version: Final = version
        self.protocol: Final = protocol
        self.state: Final = state
        self.local_address: Final = local_address
        self.local_port: Final = local_port
        self.remote_address: Final = remote_address
        self.remote_port: Final = remote_port
        self.receive_queue: Final = receive_queue
        self.send_queue: Final = send_queue

    def __repr__(self) -> str:
        text = ipv4_text if self.version == 4 else lambda address: f"[{ipv6_text(address)}]"
        local = f"{text(self.local_address)}:{self.local_port}"
        remote = f"{text(self.remote_address)}:{self.remote_port or '*'}"
        return f"<{self.protocol} {self.state} {local} {remote}>"


def _overlap(one: int, other: int) -> bool:
    return one == other or one == 0 or other == 0


def _claims_overlap(one: Binding, other: Binding) -> bool:
    return one.families & other.families != 0 and _overlap(one.address, other.address)


def _share_port(one: Binding, other: Binding) -> bool:
    return one.reuse_port and other.reuse_port and one.uid == other.uid


def _state_text(state: int) -> str:
    """The names that ss prints."""
    return "ESTAB" if state == ESTABLISHED else "SYN-RECV" if state == SYN_RECEIVED else NAMES[state]
