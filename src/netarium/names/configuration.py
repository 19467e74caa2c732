"""What resolv.conf(5) says on one host: name servers, search list, options; from the lab and from DHCP."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

SERVERS_MAX: Final = 3
"""glibc's MAXNS: later servers are not asked."""
SEARCH_MAX: Final = 6
"""MAXDNSRCH of the resolver(3) of old; glibc 2.26 has no limit."""


class NameConfiguration:
    """One host's name servers and search list. `timeout_s` for each server in each of `attempts` rounds (glibc).

    What the lab configures counts before what DHCP gives, as with `supersede` in dhclient.conf.
    """

    def __init__(self, servers: Sequence[str] = (), search: Sequence[str] = ()) -> None:
        self.static_servers = list(servers)
        self.static_search = [_domain(each) for each in search]
        self.ndots = 1
        self.timeout_s = 5
        self.attempts = 2
        self._learned: dict[str, tuple[list[str], list[str]]] = {}

    def learn(self, interface: str, servers: Sequence[str], search: Sequence[str]) -> None:
        """What DHCP gave by `interface`; it replaces what came by the same one before."""
        self._learned[interface] = (list(servers), [_domain(each) for each in search])

    def forget(self, interface: str = "") -> None:
        """The lease of `interface` is over; without a name: all leases are."""
        if interface:
            self._learned.pop(interface, None)
        else:
            self._learned.clear()

    @property
    def servers(self) -> list[str]:
        """The servers to ask, in order; at most three."""
        found = list(self.static_servers)
        for servers, _ in self._learned.values():
            found += [each for each in servers if each not in found]
        return found[:SERVERS_MAX]

    @property
    def search(self) -> list[str]:
        """Domains that are tried after a short name, without trailing dot."""
        if self.static_search:
            return self.static_search[:SEARCH_MAX]
        found: list[str] = []
        for _, search in self._learned.values():
            found += [each for each in search if each not in found]
        return found[:SEARCH_MAX]

    def candidates(self, name: str) -> list[str]:
        """The absolute names to try for `name`, in order (resolv.conf(5): ndots)."""
        if name.endswith("."):
            return [name]
        searched = [f"{name}.{domain}." for domain in self.search]
        absolute = [f"{name}."]
        return absolute + searched if name.count(".") >= self.ndots else searched + absolute

    def __str__(self) -> str:
        """The text of /etc/resolv.conf."""
        lines = [f"search {' '.join(self.search)}"] if self.search else []
        return "".join(f"{line}\n" for line in [*lines, *(f"nameserver {each}" for each in self.servers)])


def _domain(text: str) -> str:
    return text.strip(".")
