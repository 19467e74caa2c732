"""What a net's boxes and cables mean together, checked before it runs: addresses within the broadcast domains."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from netarium.addresses import ipv4_text, ipv6_text
from netarium.errors import UsageError
from netarium.lab.boxes import Box, Host
from netarium.lab.layer2 import Domain, broadcast_domains

if TYPE_CHECKING:
    from netarium.link.cable import Cable


class AddressTwiceError(UsageError):
    """Two interfaces of one broadcast domain have one address. `second` is the host that came later."""

    def __init__(self, message: str, second: Host) -> None:
        super().__init__(message)
        self.second = second


class RouterIdTwiceError(UsageError):
    """Two OSPF routers that reach each other have one router id. `second` is the one that came later."""

    def __init__(self, message: str, second: Host) -> None:
        super().__init__(message)
        self.second = second


def check_addresses(boxes: Iterable[Box], cables: Iterable[Cable]) -> None:
    """Raise AddressTwiceError for two interfaces of one broadcast domain with one address, unless both are `duplicate`.

    One that says `duplicate: true` is enough: it is the intruder of a lesson on ARP.
    """
    for domain in broadcast_domains(boxes, cables):
        owners: dict[int, tuple[Host, str]] = {}
        for host, name in domain.interfaces:
            for address, length in host.node.setup.interfaces[name].addresses:
                other = owners.setdefault(address, (host, name))
                if other == (host, name) or host.duplicate or other[0].duplicate:
                    continue
                raise AddressTwiceError(
                    f"{host.name}:{name} has the address {ipv4_text(address)}/{length}, which "
                    f"{other[0].name}:{other[1]} has in the same broadcast domain; give it another "
                    "one, or write `duplicate: true` if that is meant",
                    host,
                )
        if any(host.node.setup.ipv6 is not None for host, _ in domain.interfaces):
            _check_ipv6(domain)


def _check_ipv6(domain: Domain) -> None:
    owners: dict[int, tuple[Host, str]] = {}
    for host, name in domain.interfaces:
        setup = host.node.setup.ipv6
        for address, length in setup.interfaces.get(name, ()) if setup is not None else ():
            other = owners.setdefault(address, (host, name))
            if other == (host, name) or host.duplicate or other[0].duplicate:
                continue
            raise AddressTwiceError(
                f"{host.name}:{name} has the address {ipv6_text(address)}/{length}, which {other[0].name}:{other[1]} "
                "has in the same broadcast domain; give it another one, or write `duplicate: true` if that is meant",
                host,
            )
