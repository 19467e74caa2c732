"""A zone: its text (RFC 1035 5) read into records by name. Errors name zone and line."""

from __future__ import annotations

import re
from collections.abc import Mapping

import dns.exception
import dns.name
import dns.rdataclass
import dns.rdataset
import dns.rdatatype
import dns.zone
import dns.zonefile

from netarium.errors import UsageError

Records = dict[dns.rdatatype.RdataType, dns.rdataset.Rdataset]


class Zone:
    """The records of one zone: `nodes` has every name with records, absolute."""

    def __init__(self, origin: dns.name.Name, nodes: Mapping[dns.name.Name, Records]) -> None:
        self.origin = origin
        self.nodes = dict(nodes)
        self.names: dict[dns.name.Name, bool] = {}
        """Every name that exists, to whether it has records; those without are empty non-terminals (RFC 4592 2.2.2)."""
        for name in self.nodes:
            while name != origin and not self.names.get(name, False):
                self.names[name] = name in self.nodes
                name = name.parent()
        self.names[origin] = True

    @property
    def soa(self) -> dns.rdataset.Rdataset:
        """The start of authority."""
        return self.nodes[self.origin][dns.rdatatype.SOA]

    @staticmethod
    def parse(origin: str, text: str) -> Zone:
        """The zone `origin` from its text. Raises UsageError that names zone, line and what is wrong."""
        try:
            name = dns.name.from_text(origin)
        except dns.exception.DNSException as error:
            raise UsageError(
                f"zone {origin!r}: no domain name ({error}); right would be such as example.com."
            ) from None
        try:
            read = _read(name, text)
        except dns.exception.DNSException as error:
            raise _error(name, text, error) from None
        nodes: dict[dns.name.Name, Records] = {}
        for owner, node in read.nodes.items():
            nodes[owner] = {each.rdtype: each for each in node.rdatasets}
        _check(name, nodes, text)
        return Zone(name, nodes)


def _read(origin: dns.name.Name, text: str) -> dns.zone.Zone:
    return dns.zone.from_text(text, origin, relativize=False, check_origin=False, filename="zone")


def _error(origin: dns.name.Name, text: str, error: dns.exception.DNSException) -> UsageError:
    """The error with its line: the first with which the text cannot be read any more (dnspython counts ahead)."""
    lines = text.splitlines()
    number = len(lines)
    while number > 1:
        try:
            _read(origin, "\n".join(lines[: number - 1]) + "\n")
            break
        except dns.exception.DNSException:
            number -= 1
    why = re.sub(r"^zone:\d+: ", "", str(error)).rstrip(".") or type(error).__name__
    wrong = lines[number - 1].strip() if lines else ""
    return UsageError(
        f"zone {origin.to_text()}: line {number}: {wrong!r}: {why}; right would be such as 'www 3600 IN A 192.0.2.1'"
    )


def _check(origin: dns.name.Name, nodes: Mapping[dns.name.Name, Records], text: str) -> None:
    label = origin.to_text()
    apex = nodes.get(origin, {})
    if dns.rdatatype.SOA not in apex:
        raise UsageError(
            f"zone {label}: there is no SOA record at {label}; right would be "
            f"'{label} 3600 IN SOA ns.{label.lstrip('.')} nobody.invalid. 1 1800 900 604800 300'"
        )
    if dns.rdatatype.NS not in apex:
        raise UsageError(f"zone {label}: there is no NS record at {label}; name the zone's servers")
    for number, line in enumerate(text.splitlines(), 1):
        owner = line.split(";")[0].split()
        absolute = owner and not line[0].isspace() and owner[0].endswith(".") and owner[0][0] not in "$("
        if absolute and not dns.name.from_text(owner[0]).is_subdomain(origin):
            raise UsageError(
                f"zone {label}: line {number}: {owner[0]} is not in the zone; it belongs to another zone's text"
            )
