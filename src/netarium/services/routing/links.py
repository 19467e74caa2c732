"""What a routing protocol sees of its host: interfaces with their first address, speed and state, read by `control`."""

from __future__ import annotations

from dataclasses import dataclass

from netarium.control import Control


@dataclass(frozen=True)
class LinkView:
    """An interface a protocol may use: addresses are ints, `length` in bits, `mtu` in bytes; `index` as in ip-link."""

    name: str
    index: int
    address: int
    length: int
    mtu: int
    others: tuple[tuple[int, int], ...] = ()
    """The networks of its further addresses, as (prefix, length): told of, but nothing is spoken there."""

    @property
    def mask(self) -> int:
        """The mask of its network."""
        return 0xFFFFFFFF << (32 - self.length) & 0xFFFFFFFF

    @property
    def network(self) -> int:
        """The prefix of its network."""
        return self.address & self.mask


def read_links(control: Control) -> list[LinkView]:
    """The interfaces that are up, with a carrier and an IPv4 address; of lo only an address beyond 127/8 counts."""
    found = []
    for each in control.interfaces():
        if not each.up or not each.carrier:
            continue
        own = [address for address in each.addresses if address.address >> 24 != 127]
        if own:
            first = own[0]
            networks = dict.fromkeys((address.network, address.length) for address in own)
            others = tuple(key for key in networks if key != (first.network, first.length))
            number = each.number + 1
            found.append(LinkView(each.name, number, first.address, first.length, each.mtu, others))
    return found
