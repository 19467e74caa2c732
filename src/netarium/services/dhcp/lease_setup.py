"""A lease as its client knows it, and what it changes on the host: address, default route, name servers."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field

from netarium.addresses import AddressError, ipv4_text, length_of
from netarium.control import Control
from netarium.names import resolver
from netarium.wire import dhcp
from netarium.wire.dhcp import DhcpMessage

SECOND_NS = 1_000_000_000
INFINITE_S = 0xFFFFFFFF
LEASE_SECONDS_LEAST = 1
LOOPBACK, MULTICAST_FIRST, POINT_TO_POINT = 127, 0xE0000000, 31
LENGTH_GUESSED = 24
"""The prefix length of an address whose server tells no mask."""


@dataclass
class ClientLease:
    """What an ACK gave. Times are virtual ns; a lease that never ends has `expires_ns` 0."""

    address: int
    length: int
    server: int
    renew_ns: int
    rebind_ns: int
    expires_ns: int
    gateway: int = 0
    name_servers: list[int] = field(default_factory=list)
    domain: str = ""

    @staticmethod
    def of(message: DhcpMessage, now_ns: int, server: int) -> ClientLease | None:
        """The lease in an ACK; None when it is `unusable`. T1 and T2 as RFC 2131 4.4.5 when not given."""
        if unusable(message):
            return None
        lease_s = message.number(dhcp.LEASE_TIME)
        renew_ns, rebind_ns = lease_s * SECOND_NS // 2, lease_s * SECOND_NS * 7 // 8
        renew_s, rebind_s = message.number(dhcp.RENEWAL_TIME), message.number(dhcp.REBINDING_TIME)
        renew_ns, rebind_ns = renew_s * SECOND_NS or renew_ns, rebind_s * SECOND_NS or rebind_ns
        if not renew_ns <= rebind_ns <= lease_s * SECOND_NS:
            renew_ns, rebind_ns = lease_s * SECOND_NS // 2, lease_s * SECOND_NS * 7 // 8
        endless = lease_s == INFINITE_S
        gateways = message.addresses(dhcp.ROUTER)
        return ClientLease(
            message.your_address,
            length_in(message),
            message.address(dhcp.SERVER_IDENTIFIER) or server,
            0 if endless else now_ns + renew_ns,
            0 if endless else now_ns + rebind_ns,
            0 if endless else now_ns + lease_s * SECOND_NS,
            gateways[0] if gateways else 0,
            message.addresses(dhcp.NAME_SERVER),
            message.text(dhcp.DOMAIN_NAME),
        )


def length_in(message: DhcpMessage) -> int:
    """The prefix length that an offer or ACK tells. Raises AddressError when its mask has holes."""
    if dhcp.SUBNET_MASK not in message.options:
        return LENGTH_GUESSED
    return length_of(message.address(dhcp.SUBNET_MASK))


def unusable(message: DhcpMessage) -> str:
    """Why no host can be configured with this OFFER or ACK: its address, mask or time; empty when it can."""
    address = message.your_address
    if address >> 24 in (0, LOOPBACK) or address >= MULTICAST_FIRST:
        return f"{ipv4_text(address)} is no address of a host"
    try:
        length = length_in(message)
    except AddressError as error:
        return str(error)
    if not length:
        return "a mask of 0.0.0.0"
    host, hosts = address & (0xFFFFFFFF >> length), 0xFFFFFFFF >> length
    if length < POINT_TO_POINT and host in (0, hosts):
        return f"{ipv4_text(address)} is the {'broadcast' if host else 'network'} address of a /{length}"
    if message.number(dhcp.LEASE_TIME) < LEASE_SECONDS_LEAST:
        return "no lease time"
    return ""


def file_of(interface: str) -> str:
    """Where the lease of an interface is written down."""
    return f"/var/lib/dhcp/dhclient.{interface}.leases"


def remember(door: Control, interface: str, lease: ClientLease | None) -> None:
    """Write the lease down, or cross it out."""
    if lease is None:
        door.disk.pop(file_of(interface), None)
    else:
        door.disk[file_of(interface)] = json.dumps(asdict(lease))


def remembered(door: Control, interface: str) -> ClientLease | None:
    """The lease that was written down, if its time is not over."""
    text = door.disk.get(file_of(interface))
    if text is None:
        return None
    lease = ClientLease(**json.loads(text))
    return lease if not lease.expires_ns or lease.expires_ns > door.clock() else None


def apply(door: Control, interface: str, lease: ClientLease, before: ClientLease | None) -> None:
    """Give the host what the lease says; `before` is the lease it takes the place of."""
    if before is not None and (before.address, before.length) != (lease.address, lease.length):
        remove(door, interface, before)
        before = None
    door.add_address(interface, lease.address, lease.length)
    if before is not None and before.gateway and before.gateway != lease.gateway:
        door.remove_route(0, 0, gateway=before.gateway, interface=interface)
    if lease.gateway:
        door.add_route(0, 0, gateway=lease.gateway, interface=interface, protocol="dhcp")
    if before is None:
        door.announce(interface, lease.address)
    stub = resolver.here().stub
    if stub is not None:
        search = [lease.domain] if lease.domain else []
        stub.configuration.learn(interface, [ipv4_text(each) for each in lease.name_servers], search)


def remove(door: Control, interface: str, lease: ClientLease) -> None:
    """Take back from the host what the lease gave."""
    if lease.gateway:
        door.remove_route(0, 0, gateway=lease.gateway, interface=interface)
    door.remove_address(interface, lease.address)
    stub = resolver.here().stub
    if stub is not None:
        stub.configuration.forget(interface)
