"""One host's way from a name to addresses: literal, own hosts file, the net's node names, then further sources.

This is the order of "hosts: files dns" in nsswitch.conf: the first source that knows the name answers, and a name
none knows is `UnknownNameError`. DNS is one more source, added by whoever configures the host; nothing here sends.
"""

from __future__ import annotations

from collections.abc import Callable

from netarium.names.hosts import FAMILY_IPV4, FAMILY_IPV6, HostsTable
from netarium.names.literal import format_ipv4, format_ipv6, parse_ipv4_loosely, parse_ipv6

Source = Callable[[str, int], "list[str] | None"]
"""(name, family 0 | 4 | 6) -> addresses in order; [] = the name exists without such an address; None = not known here.

A source may block the calling task. It raises TryAgainError when it could not find out."""


class UnknownNameError(Exception):
    """No source knows the name (EAI_NONAME)."""


class NoAddressError(Exception):
    """The name exists, but not with an address of the family asked for (EAI_NODATA)."""


class TryAgainError(Exception):
    """A source did not answer (EAI_AGAIN)."""


def _loopback() -> HostsTable:
    table = HostsTable()
    table.add("127.0.0.1", "localhost")
    table.add("::1", "localhost", "ip6-localhost", "ip6-loopback")
    return table


class Resolver:
    """The names one host knows. `hosts` is its own file; `nodes` the net's table, None when `names: false`."""

    def __init__(self, hostname: str, nodes: HostsTable | None = None) -> None:
        self.hostname = hostname
        self.hosts = _loopback()
        self.nodes = nodes
        self.sources: list[tuple[str, Source]] = []
        self.on_lookup: Callable[[str, str, list[str] | None], None] | None = None
        """(stage, name, answer): told of each stage that was asked, for the trace."""

    def lookup(self, name: str, family: int = 0) -> list[str]:
        """The addresses of `name` as text, in order of preference. `family` is 0 (any), 4 or 6."""
        value = parse_ipv4_loosely(name)
        if value is not None:
            return self._of_family(name, FAMILY_IPV4, format_ipv4(value), family)
        value = parse_ipv6(name)
        if value is not None:
            return self._of_family(name, FAMILY_IPV6, format_ipv6(value), family)
        exists = False
        for stage, source in self._stages():
            answer = source(name, family)
            if self.on_lookup is not None:
                self.on_lookup(stage, name, answer)
            if answer:
                return answer
            exists = exists or answer is not None
        if exists:
            raise NoAddressError(name)
        raise UnknownNameError(name)

    def reverse(self, address: str) -> tuple[str, ...]:
        """Canonical name and aliases of an address from the hosts file and the node names; () when none knows it."""
        names = self.hosts.reverse(address)
        if not names and self.nodes is not None:
            names = self.nodes.reverse(address)
        return names

    def hosts_text(self) -> str:
        """What /etc/hosts of this host reads."""
        return str(self.hosts) + ("" if self.nodes is None else str(self.nodes))

    def _stages(self) -> list[tuple[str, Source]]:
        stages: list[tuple[str, Source]] = [("hosts file", self._from(self.hosts))]
        if self.nodes is not None:
            stages.append(("node names", self._from(self.nodes)))
        return stages + self.sources

    @staticmethod
    def _from(table: HostsTable) -> Source:
        def ask(name: str, family: int) -> list[str] | None:
            found = table.lookup(name, family)
            if found:
                return found
            return [] if family and table.lookup(name) else None

        return ask

    @staticmethod
    def _of_family(name: str, is_family: int, text: str, family: int) -> list[str]:
        if family not in (0, is_family):
            raise NoAddressError(name)
        return [text]
