"""Who has which port: the bind tables of TCP and UDP.

Read first: RFC 6056 (ephemeral ports), RFC 6335 6, Linux inet_csk_bind_conflict and udp_lib_get_port. Two sockets may
have one port when their addresses differ and neither is the wildcard; else only by SO_REUSEADDR (for TCP: both set
it and the other does not listen; for UDP: both set it) or SO_REUSEPORT (both set it, same user). A TCP connection
holds its local port until it is forgotten, TIME-WAIT included.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from netarium.stack.failures import Failure
from netarium.stack.tcp.states import ESTABLISHED, NAMES

if TYPE_CHECKING:
    from netarium.stack.stack import Stack

PORT_MAX: Final = 65535


class Binding:
    """A claim on a port; `address` 0 is the wildcard. `listening` is set by whoever turns it into a TCP listener."""

    __slots__ = ("address", "listening", "owner", "port", "reuse_address", "reuse_port", "uid")

    def __init__(
        self, owner: Any, address: int, port: int, reuse_address: bool, reuse_port: bool, uid: int
    ) -> None:
        self.owner = owner
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
    ) -> Binding | Failure:
        """Claim `port` at `address` (0: all) for `owner`; port 0 takes a free ephemeral one.

        ADDRESS_NOT_AVAILABLE when the address is not this host's, ADDRESS_IN_USE when another's claim stands against
        it or no port is free. Whether `uid` may have a port below 1024 is judged in `sockets`.
        """
        stack = self.stack
        if address and not stack.settings.ip_nonlocal_bind and not self._may_bind_to(address):
            return Failure.ADDRESS_NOT_AVAILABLE
        claim = Binding(owner, address, port, reuse_address, reuse_port, uid)
        if port == 0:
            found = self._free_port(lambda each: self._is_free(address, each))
            if found is None:
                return Failure.ADDRESS_IN_USE
            claim.port = found
        elif self._conflicts(claim):
            return Failure.ADDRESS_IN_USE
        self.by_port.setdefault(claim.port, []).append(claim)
        self.by_owner[owner] = claim
        return claim

    def may_listen(self, claim: Binding) -> bool:
        """Whether no other claim stands against listening: SO_REUSEADDR does not help against a listener."""
        return not any(
            other is not claim
            and other.listening
            and _overlap(other.address, claim.address)
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

    def choose_for_connect(self, local: int, remote: int, remote_port: int) -> int | Failure:
        """An ephemeral port whose 4-tuple is free (Linux __inet_hash_connect); ports that `bind` took are left out."""
        connections = self.stack.tcp.connections
        found = self._free_port(
            lambda port: port not in self.by_port and (local, port, remote, remote_port) not in connections
        )
        return Failure.ADDRESS_NOT_AVAILABLE if found is None else found

    def _may_bind_to(self, address: int) -> bool:
        """Own addresses; for UDP also broadcasts and groups (to receive only those)."""
        if self.stack.ports.is_own(address):
            return True
        return not self.is_stream and (
            address == 0xFFFFFFFF or address >> 28 == 0xE or address in self.stack.routes.local
        )

    def _conflicts(self, claim: Binding) -> bool:
        for other in self.by_port.get(claim.port, ()):
            if not _overlap(other.address, claim.address) or _share_port(other, claim):
                continue
            reusable = claim.reuse_address and other.reuse_address
            if not reusable or (self.is_stream and other.listening):
                return True
        # Linux asks that the connection's socket had the same option; we do not know any more what it had.
        reuses = claim.reuse_address or claim.reuse_port
        return not reuses and self._connection_holds(claim.address, claim.port, claim.owner)

    def _is_free(self, address: int, port: int) -> bool:
        claims = self.by_port.get(port, ())
        if any(_overlap(each.address, address) for each in claims):
            return False
        return not self._connection_holds(address, port, None)

    def _connection_holds(self, address: int, port: int, owner: Any) -> bool:
        """Whether a TCP connection (one in TIME-WAIT too) has the port at an address that overlaps."""
        if not self.is_stream:
            return False
        return any(
            each.local_port == port and each is not owner and _overlap(each.local_ip, address)
            for each in self.stack.tcp.connections.values()
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

    __slots__ = ("adopt", "stack", "tcp", "udp")

    def __init__(self, stack: Stack) -> None:
        self.stack: Final = stack
        self.adopt: Callable[[int], bool] | None = None
        """Set where hosts take the addresses their programs bind (scripts without a lab): True when it was taken."""
        self.tcp: Final = Bindings(stack, True)
        self.udp: Final = Bindings(stack, False)

    def release(self, owner: Any) -> None:
        """Give back whatever `owner` has in either table."""
        self.tcp.release(owner)
        self.udp.release(owner)

    def is_own(self, address: int) -> bool:
        """Whether a socket may bind to `address`: it is this host's, or has been taken just now (`adopt`)."""
        return self.stack.is_local(address) or (self.adopt is not None and self.adopt(address))

    def listens(self, port: int) -> bool:
        """Whether somebody waits at `port`: TCP in LISTEN, or UDP bound there."""
        if any(key[1] == port for key in self.stack.tcp.listeners):
            return True
        return port in self.stack.udp.by_port

    def sockets(self) -> list[SocketRow]:
        """Every socket the stack knows, as `ss -a` lists them: listeners, connections, UDP."""
        tcp = self.stack.tcp
        rows = [
            SocketRow(
                "tcp", "LISTEN", each.local_ip, each.local_port, 0, 0, len(each.accept_queue), each.backlog
            )
            for listeners in tcp.listeners.values()
            for each in listeners
        ]
        for each in tcp.connections.values():
            unacknowledged = each.snd_nxt - each.snd_una + each.unsent_bytes
            state = _state_text(each.state)
            local, remote = (each.local_ip, each.local_port), (each.remote_ip, each.remote_port)
            rows.append(SocketRow("tcp", state, *local, *remote, each.rcv_queued_bytes, unacknowledged))
        for endpoint in self.stack.udp.endpoints():
            state = "ESTAB" if endpoint.remote_port else "UNCONN"
            local = (endpoint.local_address, endpoint.local_port)
            remote = (endpoint.remote_address, endpoint.remote_port)
            rows.append(SocketRow("udp", state, *local, *remote, endpoint.queued_bytes, 0))
        return rows


class SocketRow:
    """A line of `ss`: addresses are ints, 0 for any; queues in bytes (a listener's: connections waiting, backlog)."""

    __slots__ = (
        "local_address", "local_port", "protocol", "receive_queue", "remote_address", "remote_port", "send_queue",
        "state",
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
    ) -> None:
        self.protocol: Final = protocol
        self.state: Final = state
        self.local_address: Final = local_address
        self.local_port: Final = local_port
        self.remote_address: Final = remote_address
        self.remote_port: Final = remote_port
        self.receive_queue: Final = receive_queue
        self.send_queue: Final = send_queue

    def __repr__(self) -> str:
        from netarium.addresses import ipv4_text

        local = f"{ipv4_text(self.local_address)}:{self.local_port}"
        remote = f"{ipv4_text(self.remote_address)}:{self.remote_port or '*'}"
        return f"<{self.protocol} {self.state} {local} {remote}>"


def _overlap(one: int, other: int) -> bool:
    return one == other or one == 0 or other == 0


def _share_port(one: Binding, other: Binding) -> bool:
    return one.reuse_port and other.reuse_port and one.uid == other.uid


def _state_text(state: int) -> str:
    return "ESTAB" if state == ESTABLISHED else NAMES[state]
