"""The DHCP client: from INIT to BOUND, and what keeps it there. Prints what ISC dhclient prints.

Read first: RFC 2131 4.4 and its figure 5 (the states), 4.1 (back-off), 4.4.5 (T1 and T2), 3.1.5 (DECLINE).
Until it has an address the client sends frames of 0.0.0.0 by a packet socket; renewals go by UDP.
"""

from __future__ import annotations

import os
import random
import socket
import time
from collections.abc import Iterator
from contextlib import suppress

from netarium.addresses import ipv4_text
from netarium.control import Control
from netarium.errors import UsageError, WireError
from netarium.journey import Cause, Drop
from netarium.services.dhcp import lease_setup
from netarium.services.dhcp.lease_setup import SECOND_NS, ClientLease
from netarium.services.dhcp.link import (
    FRAME_BYTES_MAX,
    is_in_use,
    packet_socket,
    read_message,
    send_message,
)
from netarium.wire import dhcp
from netarium.wire.dhcp import CLIENT_PORT, SERVER_PORT, DhcpMessage
from netarium.wire.ethernet import ETHERTYPE_IPV4, MAC_BROADCAST

BACKOFF_S = (4, 8, 16, 32)
"""RFC 2131 4.1: 4 s, doubled each time, each more or less by up to a second; together a minute."""
REFUSED_S = (4, 8, 16, 32, 64)
"""After a NAK, before it asks anew (RFC 2131 3.1.5): doubled as in 4.1, so that a server that offers and refuses is not
asked without a pause; after the last it rests."""
SLEEP_S = 300
"""ISC dhclient's retry: how long it rests after nobody answered."""
PROBE_S = 0.5
"""How long the ARP probe for a new address is waited for."""
DECLINED_S = 10
"""RFC 2131 3.1.5: after a DECLINE, before it asks again."""
REBOOT_S = 10
"""How long a former lease is asked for again before a new one is."""
RENEW_LEAST_S = 60
"""RFC 2131 4.4.5: between two renewal requests at least."""
SERVER_BROADCAST = 0xFFFFFFFF
PARAMETERS = bytes(
    (
        dhcp.SUBNET_MASK,
        dhcp.BROADCAST_ADDRESS,
        dhcp.ROUTER,
        dhcp.DOMAIN_NAME,
        dhcp.NAME_SERVER,
        dhcp.HOST_NAME,
    )
)

INIT, SELECTING, REQUESTING, BOUND = "INIT", "SELECTING", "REQUESTING", "BOUND"
REBOOTING, RENEWING, REBINDING = "REBOOTING", "RENEWING", "REBINDING"
ANSWERS = (dhcp.ACK, dhcp.NAK)


class DhcpClient:
    """The client of one interface. `run` never returns; `acquire` is one attempt for a lease."""

    def __init__(self, interface: str, door: Control, quiet: bool = False) -> None:
        self.interface = interface
        self.quiet = quiet
        self.door = door
        found = [each for each in door.interfaces() if each.name == interface and not each.is_loopback]
        if not found:
            names = ", ".join(each.name for each in door.interfaces() if not each.is_loopback)
            raise UsageError(f"there is no interface {interface!r}; this host has {names or 'none'}")
        self.mac = found[0].mac
        self.state = INIT
        self.lease: ClientLease | None = None
        # Held from the start: the stack has somebody at port 68, and answers to renewals come here.
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._udp.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, interface.encode())
        self._udp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._udp.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        self._udp.bind(("", CLIENT_PORT))
        self._begun = time.monotonic()

    def close(self) -> None:
        """Let go of port 68."""
        self._udp.close()

    def run(self, held: ClientLease | None = None) -> None:
        """Get a lease and keep it, for ever; `held` is one that is configured already."""
        self.door.disk[pid_file(self.interface)] = str(os.getpid())
        lease = held or lease_setup.remembered(self.door, self.interface)
        if held is not None:
            self.lease = held
            self._move(BOUND, Cause.PROGRAM)
        elif lease is not None:
            lease = self.reboot(lease)
        while True:
            if lease is None:
                lease = self.acquire()
            if lease is None:
                self._say("No working leases in persistent database - sleeping.")
                time.sleep(SLEEP_S)
                continue
            self.hold(lease)
            lease = None

    # States.

    def _move(self, state: str, cause: Cause) -> None:
        self.door.tell_state(f"dhcp {self.interface}", self.state, state, cause)
        self.state = state

    def acquire(self) -> ClientLease | None:
        """INIT, SELECTING, REQUESTING: a new lease, configured on the host; None when no server answered."""
        rests_s = iter(REFUSED_S)
        while True:
            self._begun = time.monotonic()
            self._move(SELECTING, Cause.PROGRAM)
            with packet_socket(self.interface, ETHERTYPE_IPV4) as raw:
                offer = self._select(raw)
                if offer is None:
                    self._say("No DHCPOFFERS received.")
                    self._move(INIT, Cause.GAVE_UP)
                    return None
                self._move(REQUESTING, Cause.SEGMENT)
                lease = self._request(raw, offer)
            if lease is not None and self._take(lease):
                return lease
            self._move(INIT, Cause.GAVE_UP)
            if lease is None:
                rest_s = next(rests_s, 0)
                if not rest_s:
                    return None
                time.sleep(rest_s + random.uniform(-1, 1))

    def reboot(self, former: ClientLease) -> ClientLease | None:
        """INIT-REBOOT: ask for the address of before the reboot; None when it is refused or nobody answers."""
        self._move(REBOOTING, Cause.PROGRAM)
        transaction = random.getrandbits(32)
        with packet_socket(self.interface, ETHERTYPE_IPV4) as raw:
            request = self._message(
                dhcp.REQUEST, transaction, {dhcp.REQUESTED_ADDRESS: _four(former.address)}
            )
            self._say_request(former.address, SERVER_BROADCAST)
            self._broadcast(raw, request)
            found = self._await(raw, transaction, ANSWERS, time.monotonic() + REBOOT_S)
        lease = self._lease_of(found)
        if lease is not None and self._take(lease):
            return lease
        lease_setup.remember(self.door, self.interface, None)
        self._move(INIT, Cause.GAVE_UP)
        return None

    def _select(self, raw: socket.socket) -> DhcpMessage | None:
        transaction = random.getrandbits(32)
        for wait_s in BACKOFF_S:
            self._say(f"DHCPDISCOVER on {self.interface} to 255.255.255.255 port 67 interval {wait_s}")
            self._empty_udp()
            self._broadcast(raw, self._message(dhcp.DISCOVER, transaction, {}))
            offer = self._await(raw, transaction, (dhcp.OFFER,), _until(wait_s))
            if offer is not None:
                return offer[0]
        return None

    def _request(self, raw: socket.socket, offer: DhcpMessage) -> ClientLease | None:
        """Take the offer; None for a NAK, or when the server has gone."""
        server = offer.address(dhcp.SERVER_IDENTIFIER)
        options = {
            dhcp.REQUESTED_ADDRESS: _four(offer.your_address),
            dhcp.SERVER_IDENTIFIER: _four(server),
        }
        for wait_s in BACKOFF_S:
            self._say_request(offer.your_address, SERVER_BROADCAST)
            self._broadcast(raw, self._message(dhcp.REQUEST, offer.transaction, options))
            found = self._await(raw, offer.transaction, ANSWERS, _until(wait_s))
            if found is not None:
                return self._lease_of(found)
        return None

    def _take(self, lease: ClientLease) -> bool:
        """Look whether somebody uses the address, then configure it; otherwise DECLINE (RFC 2131 4.4.1)."""
        if is_in_use(self.interface, self.mac, lease.address, PROBE_S):
            self._say(f"DHCPDECLINE of {ipv4_text(lease.address)} on {self.interface}: it is in use")
            options = {
                dhcp.REQUESTED_ADDRESS: _four(lease.address),
                dhcp.SERVER_IDENTIFIER: _four(lease.server),
            }
            with packet_socket(self.interface, 0) as raw:
                self._broadcast(raw, self._message(dhcp.DECLINE, random.getrandbits(32), options))
            time.sleep(DECLINED_S)
            return False
        self._bind(lease)
        return True

    def _bind(self, lease: ClientLease) -> None:
        self._empty_udp()
        lease_setup.apply(self.door, self.interface, lease, self.lease)
        lease_setup.remember(self.door, self.interface, lease)
        self.lease = lease
        self._move(BOUND, Cause.SEGMENT)
        seconds = -((self.door.clock() - lease.renew_ns) // SECOND_NS) if lease.renew_ns else -1
        when = f"renewal in {seconds} seconds" if seconds >= 0 else "no renewal needed"
        self._say(f"bound to {ipv4_text(lease.address)} -- {when}.")

    def hold(self, lease: ClientLease) -> None:
        """BOUND, RENEWING, REBINDING: returns when the lease is over, and taken back from the host."""
        while True:
            self._idle_until(lease.renew_ns)
            renewed = self._extend(lease)
            if renewed is None:
                lease_setup.remove(self.door, self.interface, lease)
                lease_setup.remember(self.door, self.interface, None)
                self.lease = None
                self._move(INIT, Cause.AGED)
                return
            lease = renewed

    def _idle_until(self, moment_ns: int) -> None:
        """BOUND: nothing to do before T1; what comes meanwhile is nobody's."""
        while not moment_ns or self.door.clock() < moment_ns:
            self._udp.settimeout((moment_ns - self.door.clock()) / 1e9 if moment_ns else None)
            try:
                DhcpMessage.parse(self._udp.recv(FRAME_BYTES_MAX))
            except WireError as error:
                self.door.drop(Drop.DHCP_MALFORMED, str(error))
            except TimeoutError:
                continue
            except OSError:
                time.sleep(1)

    def _empty_udp(self) -> None:
        """What the packet socket has had lies here too."""
        self._udp.settimeout(0)
        with suppress(OSError):
            while True:
                self._udp.recv(FRAME_BYTES_MAX)

    def _extend(self, lease: ClientLease) -> ClientLease | None:
        """RFC 2131 4.4.5: ask the server from T1 on, anybody from T2 on; None when refused or over."""
        self._begun = time.monotonic()
        transaction = random.getrandbits(32)
        for state, target, wait_ns in self._renewals(lease):
            self._move(state, Cause.TIMEOUT)
            message = self._message(dhcp.REQUEST, transaction, {}, lease.address)
            self._say_request(lease.address, target)
            try:
                self._udp.sendto(message.emit(), (ipv4_text(target), SERVER_PORT))
            except OSError as error:
                self._say(f"send_packet: {error.strerror}")
            found = self._await_udp(transaction, time.monotonic() + wait_ns / 1e9)
            if found is not None:
                renewed = self._lease_of(found)
                if renewed is not None:
                    self._bind(renewed)
                return renewed
        return None

    def _renewals(self, lease: ClientLease) -> Iterator[tuple[str, int, int]]:
        """(state, whom to ask, how long to wait): half of what is left of the phase, a minute at least."""
        while (now := self.door.clock()) < lease.expires_ns:
            state, target, end_ns = REBINDING, SERVER_BROADCAST, lease.expires_ns
            if now < lease.rebind_ns:
                state, target, end_ns = RENEWING, lease.server, lease.rebind_ns
            wait_ns = max((end_ns - now) // 2, RENEW_LEAST_S * SECOND_NS)
            yield state, target, min(wait_ns, end_ns - now)

    # Messages.

    def _message(
        self, kind: int, transaction: int, options: dict[int, bytes], client_address: int = 0
    ) -> DhcpMessage:
        name = self.door.stack.name.encode("ascii", "replace")
        given = {dhcp.MESSAGE_TYPE: bytes([kind]), **options}
        if kind != dhcp.DECLINE:
            given |= {dhcp.HOST_NAME: name, dhcp.PARAMETER_LIST: PARAMETERS}
        seconds = min(int(time.monotonic() - self._begun), 0xFFFF)
        mac = self.mac.to_bytes(6, "big")
        return DhcpMessage(
            dhcp.BOOT_REQUEST, transaction, mac, given, client_address=client_address, seconds=seconds
        )

    def _broadcast(self, raw: socket.socket, message: DhcpMessage) -> None:
        macs, addresses = (self.mac, MAC_BROADCAST), (0, SERVER_BROADCAST)
        try:
            send_message(raw, message, macs, addresses, (CLIENT_PORT, SERVER_PORT))
        except OSError as error:
            self._say(f"send_packet: {error.strerror}")

    def _say_request(self, address: int, target: int) -> None:
        where = f"on {self.interface} to {ipv4_text(target)} port 67"
        self._say(f"DHCPREQUEST for {ipv4_text(address)} {where}")

    def _await(
        self, raw: socket.socket, transaction: int, kinds: tuple[int, ...], deadline: float
    ) -> tuple[DhcpMessage, int] | None:
        """(the first usable message of these kinds in this transaction, the IP source); None after `deadline`."""
        while (left := deadline - time.monotonic()) > 0:
            raw.settimeout(left)
            try:
                found = read_message(raw.recv(FRAME_BYTES_MAX))
            except TimeoutError:
                return None
            except WireError as error:
                self.door.drop(Drop.DHCP_MALFORMED, str(error))
                continue
            if found is not None and self._is_wanted(found[0], transaction, kinds):
                self._say_what_came(*found)
                return found
        return None

    def _await_udp(self, transaction: int, deadline: float) -> tuple[DhcpMessage, int] | None:
        while (left := deadline - time.monotonic()) > 0:
            self._udp.settimeout(left)
            try:
                data, source = self._udp.recvfrom(FRAME_BYTES_MAX)
                message = DhcpMessage.parse(data)
            except TimeoutError:
                return None
            except WireError as error:
                self.door.drop(Drop.DHCP_MALFORMED, str(error))
                continue
            except OSError:
                continue
            if self._is_wanted(message, transaction, ANSWERS):
                found = message, int.from_bytes(socket.inet_aton(source[0]), "big")
                self._say_what_came(*found)
                return found
        return None

    def _is_wanted(self, message: DhcpMessage, transaction: int, kinds: tuple[int, ...]) -> bool:
        """Whether it is the answer that is waited for; one that cannot be used is a drop, and the wait goes on."""
        if (
            message.operation != dhcp.BOOT_REPLY
            or message.transaction != transaction
            or message.hardware_address != self.mac.to_bytes(6, "big")
            or message.kind not in kinds
        ):
            return False  # another's, or late
        why = lease_setup.unusable(message) if message.kind != dhcp.NAK else ""
        if why:
            self.door.drop(Drop.DHCP_NOT_USABLE, f"{message.name}: {why}")
        return not why

    def _say(self, text: str) -> None:
        if not self.quiet:
            print(text, flush=True)

    def _say_what_came(self, message: DhcpMessage, source: int) -> None:
        server = ipv4_text(message.address(dhcp.SERVER_IDENTIFIER) or source)
        of = f" of {ipv4_text(message.your_address)}" if message.your_address else ""
        self._say(f"{message.name}{of} from {server}")

    def _lease_of(self, found: tuple[DhcpMessage, int] | None) -> ClientLease | None:
        if found is None or found[0].kind != dhcp.ACK:
            return None
        return ClientLease.of(found[0], self.door.clock(), found[1])


def pid_file(interface: str) -> str:
    """Where the number of the process that keeps an interface's lease is written down."""
    return f"/run/dhclient.{interface}.pid"


def release_message(door: Control, interface: str, lease: ClientLease) -> DhcpMessage:
    """The DHCPRELEASE of a lease (RFC 2131 table 5)."""
    mac = next(each.mac for each in door.interfaces() if each.name == interface)
    options = {dhcp.MESSAGE_TYPE: bytes([dhcp.RELEASE]), dhcp.SERVER_IDENTIFIER: _four(lease.server)}
    transaction = random.getrandbits(32)
    return DhcpMessage(
        dhcp.BOOT_REQUEST, transaction, mac.to_bytes(6, "big"), options, client_address=lease.address
    )


def _until(wait_s: float) -> float:
    return time.monotonic() + wait_s + random.uniform(-1, 1)


def _four(number: int) -> bytes:
    return number.to_bytes(4, "big")
