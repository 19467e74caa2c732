"""What a DHCP server is told for each of its links, or a relay; checked before anything runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from netarium.addresses import InterfaceAddress, Prefix, ipv4_text, parse_ipv4, parse_mac
from netarium.errors import UsageError
from netarium.units import duration_ns

KEYS = ("range", "dns", "lease", "gateway", "domain", "reservations", "relay")
LEASE_DEFAULT = "12h"
"""What dnsmasq and ISC dhcpd's example files give for a LAN: half a day."""
SECOND_NS = 1_000_000_000


@dataclass(frozen=True)
class Subnet:
    """One subnet: ranges (first, last), what clients are told, and addresses that belong to MACs. Ints inside.

    `interface` is "" for a subnet that is reached only through relays; `address` is the server's own on the link.
    """

    prefix: Prefix
    interface: str
    address: int
    ranges: Sequence[tuple[int, int]]
    lease_s: int
    gateway: int = 0
    name_servers: Sequence[int] = ()
    domain: str = ""
    reservations: Mapping[int, int] = field(default_factory=dict)

    def overlaps(self, other: Subnet) -> tuple[int, int] | None:
        """The first addresses that both would give: (first, last); None without any."""
        for first, last in self.ranges:
            for other_first, other_last in other.ranges:
                if first <= other_last and other_first <= last:
                    return max(first, other_first), min(last, other_last)
        return None


@dataclass(frozen=True)
class DhcpConfiguration:
    """A server's subnets, or (`relays`) the interfaces on which requests are carried to servers elsewhere."""

    subnets: Sequence[Subnet] = ()
    relays: Mapping[str, Sequence[int]] = field(default_factory=dict)


def read_configuration(
    given: Mapping[str, Any], interfaces: Mapping[str, Sequence[InterfaceAddress]]
) -> DhcpConfiguration:
    """From `{INTERFACE or PREFIX: {range: FIRST-LAST, lease: 1h, ...}}`, or `{INTERFACE: {relay: SERVER}}`.

    Raises UsageError that says what is wrong and what would be right.
    """
    subnets, relays = [], {}
    for where, what in given.items():
        if not isinstance(what, Mapping):
            raise UsageError(f"dhcp: {where}: write {{range: 192.168.1.100-192.168.1.200}}, not {what!r}")
        for key in what:
            if key not in KEYS:
                near = get_close_matches(str(key), KEYS, n=1)
                hint = f"; did you mean {near[0]}?" if near else f"; it has {', '.join(KEYS)}"
                raise UsageError(f"dhcp: {where}: there is no {key!r}{hint}")
        if "relay" in what:
            relays[where] = _relay(where, what, interfaces)
        else:
            subnets.append(_subnet(where, what, interfaces))
    if subnets and relays:
        raise UsageError(
            "dhcp: a node is a server or a relay, not both; give the relay's interfaces to another node"
        )
    for index, one in enumerate(subnets):
        for other in subnets[:index]:
            if one.prefix.overlaps(other.prefix):
                raise UsageError(
                    f"dhcp: {one.prefix} and {other.prefix} overlap; give each link its own subnet"
                )
    return DhcpConfiguration(subnets, relays)


def _own_address(where: str, interfaces: Mapping[str, Sequence[InterfaceAddress]]) -> InterfaceAddress:
    if where not in interfaces:
        near = get_close_matches(where, list(interfaces), n=1)
        hint = f"; did you mean {near[0]}?" if near else f"; there are {', '.join(interfaces) or 'none'}"
        raise UsageError(f"dhcp: there is no interface {where!r}{hint}")
    for each in interfaces[where]:
        if each.family == 4:
            return each
    raise UsageError(f"dhcp: {where} has no address of its own; a server or relay needs a fixed one")


def _relay(
    where: str, what: Mapping[str, Any], interfaces: Mapping[str, Sequence[InterfaceAddress]]
) -> list[int]:
    if len(what) > 1:
        raise UsageError(f"dhcp: {where}: `relay` stands alone; ranges are the server's")
    _own_address(where, interfaces)
    return _addresses(what["relay"])


def _subnet(
    where: str, what: Mapping[str, Any], interfaces: Mapping[str, Sequence[InterfaceAddress]]
) -> Subnet:
    if "/" in where:
        prefix, own, interface = Prefix.parse(where), 0, ""
    else:
        found = _own_address(where, interfaces)
        prefix, own, interface = found.prefix, found.address, where
    reservations = {}
    for mac, text in (what.get("reservations") or {}).items():
        reservations[parse_mac(str(mac))] = _inside(
            f"the reservation of {mac}", parse_ipv4(str(text)), prefix
        )
    ranges = _ranges(what.get("range"), prefix)
    if not ranges and not reservations:
        raise UsageError(f"dhcp: {where}: nothing to give; say `range: FIRST-LAST` or `reservations`")
    twice = [address for address in reservations.values() if list(reservations.values()).count(address) > 1]
    if twice:
        raise UsageError(f"dhcp: {where}: {ipv4_text(twice[0])} is reserved for two clients")
    lease_s = (
        duration_ns(str(getattr(what.get("lease"), "text", what.get("lease", LEASE_DEFAULT)))) // SECOND_NS
    )
    if not 1 <= lease_s < 0xFFFFFFFF:
        raise UsageError(f"dhcp: {where}: a lease of {what.get('lease')}; give 1s to 136 years, such as 12h")
    gateway = parse_ipv4(str(what["gateway"])) if what.get("gateway") else own
    if gateway:
        _inside("the gateway", gateway, prefix)
    domain = str(what.get("domain") or "")
    servers = _addresses(what.get("dns"))
    return Subnet(prefix, interface, own, ranges, lease_s, gateway, servers, domain, reservations)


def _ranges(given: Any, prefix: Prefix) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for text in [given] if isinstance(given, str) else list(given or ()):
        first_text, dash, last_text = str(text).partition("-")
        if not dash:
            raise UsageError(f"dhcp: range {text!r}; right would be such as 192.168.1.100-192.168.1.200")
        first = _inside(f"range {text}", parse_ipv4(first_text.strip()), prefix)
        last = _inside(f"range {text}", parse_ipv4(last_text.strip()), prefix)
        if first > last:
            raise UsageError(f"dhcp: range {text}: it ends before it begins; write {last_text}-{first_text}")
        if any(first <= other_last and other_first <= last for other_first, other_last in found):
            raise UsageError(f"dhcp: range {text} overlaps another of this subnet")
        found.append((first, last))
    return found


def _inside(what: str, address: int, prefix: Prefix) -> int:
    if not prefix.is_host(address):
        first, last = ipv4_text(prefix.first_host), ipv4_text(prefix.last_host)
        raise UsageError(
            f"dhcp: {what}: {ipv4_text(address)} is outside the subnet {prefix}; its hosts are {first} to {last}"
        )
    return address


def _addresses(given: Any) -> list[int]:
    listed = [given] if isinstance(given, str) else list(given or ())
    return [parse_ipv4(str(each)) for each in listed]


def overlap_warning(one: str, subnet: Subnet, other: str, other_subnet: Subnet) -> str:
    """What to say when two servers of one link would give the same addresses; empty when they do not."""
    shared = subnet.overlaps(other_subnet)
    if shared is None:
        return ""
    first, last = ipv4_text(shared[0]), ipv4_text(shared[1])
    return (
        f"the DHCP servers {one} and {other} are on one link and both give {first} to {last}; "
        "split the range between them"
    )
