"""What a DHCP server answers. Sans-IO: a message and the time in, a reply (or an address to probe first) out.

Read first: RFC 2131 4.3.1 (DISCOVER), 4.3.2 (REQUEST, its four cases), 4.3.3 to 4.3.5, table 3 (fields of replies).
"""

from __future__ import annotations

from typing import Final, NamedTuple

from netarium.addresses import mask_of
from netarium.services.dhcp.configuration import SECOND_NS, Subnet
from netarium.services.dhcp.leases import BOUND, DECLINED, OFFERED, RELEASED, Lease, Leases
from netarium.wire import dhcp
from netarium.wire.dhcp import DhcpMessage

OFFER_NS: Final = 120 * SECOND_NS
"""How long an offered address is held for its client (ISC dhcpd: two minutes)."""
DECLINED_NS: Final = 86_400 * SECOND_NS
"""How long an address that somebody else was found to use is left alone (ISC: abandon-lease-time, a day)."""


class Reply(NamedTuple):
    """What to do: send `message`; when `probe` is not 0, only after nobody answered at that address."""

    message: DhcpMessage
    probe: int = 0


class Policy:
    """The decisions of one server for one of its subnets at a time."""

    def __init__(self, leases: Leases) -> None:
        self.leases: Final = leases
        self.no_address = 0
        """How many DISCOVERs found the pool exhausted."""

    def answer(self, message: DhcpMessage, subnet: Subnet, now_ns: int) -> Reply | None:
        """The reply to a client's message; None for silence. `subnet.address` is the server identifier."""
        kind = message.kind
        if kind == dhcp.DISCOVER:
            return self._discover(message, subnet, now_ns)
        if kind == dhcp.REQUEST:
            return self._request(message, subnet, now_ns)
        if kind == dhcp.DECLINE:
            self._decline(message, subnet, now_ns)
        elif kind == dhcp.RELEASE:
            self._release(message, now_ns)
        elif kind == dhcp.INFORM:
            return Reply(self._reply(message, subnet, dhcp.ACK, 0, lease=False))
        return None

    def found_in_use(self, address: int, now_ns: int) -> None:
        """A probe was answered: somebody uses `address` without a lease."""
        self.leases.put(Lease(address, "", "", DECLINED, now_ns + DECLINED_NS))

    # The messages.

    def _discover(self, message: DhcpMessage, subnet: Subnet, now_ns: int) -> Reply | None:
        """RFC 2131 4.3.1: the client's own address, its former one, the one it asks for, or a new one."""
        client = message.client_key.hex()
        known = self.leases.of_client(client, subnet)
        address = self._reserved(message, subnet)
        if not address and known is not None and self._gives(known.address, message, subnet, now_ns):
            address = known.address
        wanted = message.address(dhcp.REQUESTED_ADDRESS)
        if not address and wanted and self._gives(wanted, message, subnet, now_ns):
            address = wanted
        if not address:
            address = self.leases.choose(subnet, client, now_ns)
        if not address:
            self.no_address += 1
            return None
        current = self.leases.by_address.get(address)
        is_own = current is not None and current.client == client and current.expires_ns > now_ns
        if not (is_own and current is not None and current.state == BOUND):
            # A living lease stays as it is: the offer changes nothing until it is accepted.
            self.leases.put(_lease(message, address, OFFERED, now_ns + OFFER_NS))
        return Reply(self._reply(message, subnet, dhcp.OFFER, address), 0 if is_own else address)

    def _request(self, message: DhcpMessage, subnet: Subnet, now_ns: int) -> Reply | None:
        """RFC 2131 4.3.2."""
        server = message.address(dhcp.SERVER_IDENTIFIER)
        address = message.address(dhcp.REQUESTED_ADDRESS) or message.client_address
        client = message.client_key.hex()
        known = self.leases.by_address.get(address)
        if server:
            if server != subnet.address:
                self._forget_offer(client, subnet)
                return None
        elif not message.client_address and self._is_stranger(message, address, subnet):
            return None
        if not self._gives(address, message, subnet, now_ns):
            return Reply(self._nak(message, subnet))
        if server and (known is None or known.client != client):
            return Reply(self._nak(message, subnet))  # no offer of ours
        self.leases.put(_lease(message, address, BOUND, now_ns + subnet.lease_s * SECOND_NS))
        return Reply(self._reply(message, subnet, dhcp.ACK, address))

    def _decline(self, message: DhcpMessage, subnet: Subnet, now_ns: int) -> None:
        address = message.address(dhcp.REQUESTED_ADDRESS)
        lease = self.leases.by_address.get(address)
        if lease is not None and lease.client == message.client_key.hex():
            self.found_in_use(address, now_ns)

    def _release(self, message: DhcpMessage, now_ns: int) -> None:
        lease = self.leases.by_address.get(message.client_address)
        if lease is not None and lease.client == message.client_key.hex() and lease.state == BOUND:
            lease.state, lease.expires_ns = RELEASED, now_ns
            self.leases.put(lease)

    # What may be given.

    def _is_stranger(self, message: DhcpMessage, address: int, subnet: Subnet) -> bool:
        """INIT-REBOOT of a client without a record here: the server says nothing, unless the subnet is wrong."""
        if address not in subnet.prefix or self._reserved(message, subnet):
            return False
        return self.leases.of_client(message.client_key.hex(), subnet) is None

    def _reserved(self, message: DhcpMessage, subnet: Subnet) -> int:
        return subnet.reservations.get(int.from_bytes(message.hardware_address, "big"), 0)

    def _gives(self, address: int, message: DhcpMessage, subnet: Subnet, now_ns: int) -> bool:
        """Whether this client may have `address` now."""
        reserved = self._reserved(message, subnet)
        if reserved:
            return address == reserved
        if address in subnet.reservations.values() or address == subnet.address:
            return False
        if not any(first <= address <= last for first, last in subnet.ranges):
            return False
        return self.leases.is_free(address, message.client_key.hex(), now_ns)

    def _forget_offer(self, client: str, subnet: Subnet) -> None:
        """The client took another server's offer."""
        lease = self.leases.of_client(client, subnet)
        if lease is not None and lease.state == OFFERED:
            self.leases.drop(lease)

    # Replies.

    def _reply(
        self, message: DhcpMessage, subnet: Subnet, kind: int, address: int, lease: bool = True
    ) -> DhcpMessage:
        options = {dhcp.MESSAGE_TYPE: bytes([kind]), dhcp.SERVER_IDENTIFIER: _four(subnet.address)}
        if lease:
            options[dhcp.LEASE_TIME] = _four(subnet.lease_s)
            options[dhcp.RENEWAL_TIME] = _four(subnet.lease_s // 2)
            options[dhcp.REBINDING_TIME] = _four(subnet.lease_s * 7 // 8)
        options[dhcp.SUBNET_MASK] = _four(mask_of(subnet.prefix.length))
        if subnet.gateway:
            options[dhcp.ROUTER] = _four(subnet.gateway)
        if subnet.name_servers:
            options[dhcp.NAME_SERVER] = b"".join(_four(each) for each in subnet.name_servers)
        if subnet.domain:
            options[dhcp.DOMAIN_NAME] = subnet.domain.encode("ascii", "replace")
        if dhcp.RELAY_AGENT in message.options:
            options[dhcp.RELAY_AGENT] = message.options[dhcp.RELAY_AGENT]
        return DhcpMessage(
            dhcp.BOOT_REPLY,
            message.transaction,
            message.hardware_address,
            options,
            client_address=message.client_address if kind == dhcp.ACK else 0,
            your_address=address,
            relay_address=message.relay_address,
            flags=message.flags,
        )

    @staticmethod
    def _nak(message: DhcpMessage, subnet: Subnet) -> DhcpMessage:
        options = {dhcp.MESSAGE_TYPE: bytes([dhcp.NAK]), dhcp.SERVER_IDENTIFIER: _four(subnet.address)}
        # RFC 2131 4.3.2: through a relay the NAK is to be broadcast on the client's link.
        flags = message.flags | (dhcp.FLAG_BROADCAST if message.relay_address else 0)
        return DhcpMessage(
            dhcp.BOOT_REPLY, message.transaction, message.hardware_address, options,
            relay_address=message.relay_address, flags=flags,
        )  # fmt: skip


def _lease(message: DhcpMessage, address: int, state: str, expires_ns: int) -> Lease:
    return Lease(
        address,
        message.client_key.hex(),
        message.hardware_address.hex(":"),
        state,
        expires_ns,
        message.text(dhcp.HOST_NAME),
    )


def _four(number: int) -> bytes:
    return number.to_bytes(4, "big")
