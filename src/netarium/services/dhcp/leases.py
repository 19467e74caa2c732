"""Who has which address until when. Every change is written down before the client hears of it (RFC 2131 2.2)."""

from __future__ import annotations

import json
from collections.abc import MutableMapping
from dataclasses import asdict, dataclass

from netarium.services.dhcp.configuration import Subnet

FILE = "/var/lib/dhcp/dhcpd.leases"
OFFERED, BOUND, RELEASED, DECLINED = "offered", "bound", "released", "declined"
FREE_AGAIN = (OFFERED, BOUND, RELEASED)


@dataclass
class Lease:
    """One address. `client` is the client's key (hex of its identifier), `expires_ns` virtual time."""

    address: int
    client: str
    hardware: str
    state: str
    expires_ns: int
    name: str = ""


class Leases:
    """The leases of one server, by address, on its host's disk. A declined address stays so until its time is over."""

    def __init__(self, disk: MutableMapping[str, str]) -> None:
        self._disk = disk
        self.by_address: dict[int, Lease] = {}
        for line in disk.get(FILE, "").splitlines():
            lease = Lease(**json.loads(line))
            self.by_address[lease.address] = lease

    def put(self, lease: Lease) -> None:
        """Keep a lease, in place of what was known of its address; the newest stand last."""
        self.by_address.pop(lease.address, None)
        self.by_address[lease.address] = lease
        if lease.state != OFFERED:
            self._write()

    def drop(self, lease: Lease) -> None:
        """Forget an address."""
        if self.by_address.get(lease.address) is lease:
            del self.by_address[lease.address]
            self._write()

    def of_client(self, client: str, subnet: Subnet) -> Lease | None:
        """The latest lease of a client in a subnet, living or over; declined ones are nobody's."""
        found = None
        for lease in self.by_address.values():
            if lease.client == client and lease.address in subnet.prefix and lease.state != DECLINED:
                found = lease
        return found

    def is_free(self, address: int, client: str, now_ns: int) -> bool:
        """Whether `address` may be given to `client` now."""
        lease = self.by_address.get(address)
        if lease is None:
            return True
        if lease.state in (BOUND, OFFERED) and lease.client == client:
            return True
        return lease.expires_ns <= now_ns or lease.state == RELEASED

    def choose(self, subnet: Subnet, client: str, now_ns: int) -> int:
        """A free address of the ranges, 0 for none: one that nobody ever had, else the one that is free for longest."""
        reserved = list(subnet.reservations.values())
        oldest = 0
        oldest_ns = now_ns + 1
        for first, last in subnet.ranges:
            for address in range(first, last + 1):
                if address in reserved or address == subnet.address:
                    continue
                lease = self.by_address.get(address)
                if lease is None:
                    return address
                if self.is_free(address, client, now_ns) and lease.expires_ns < oldest_ns:
                    oldest, oldest_ns = address, lease.expires_ns
        return oldest

    def living(self, now_ns: int) -> list[Lease]:
        """Those that are bound now, by address."""
        found = [
            each for each in self.by_address.values() if each.state == BOUND and each.expires_ns > now_ns
        ]
        return sorted(found, key=lambda each: each.address)

    def _write(self) -> None:
        kept = [each for each in self.by_address.values() if each.state != OFFERED]
        self._disk[FILE] = "".join(json.dumps(asdict(each)) + "\n" for each in kept)
