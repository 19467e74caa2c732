"""One host's way from a name to addresses: literal, own hosts file, the net's node names, cache, name servers.

This is the order of "hosts: files dns" in nsswitch.conf: the first source that knows the name answers, and a name
none knows is `UnknownNameError`. Where name servers are configured (`stub`), the host's cache is looked at, then they
are asked.
"""

from __future__ import annotations

from collections.abc import Callable

from netarium.errors import UsageError
from netarium.names.hosts import FAMILY_IPV4, FAMILY_IPV6, HostsTable
from netarium.names.literal import format_ipv4, format_ipv6, parse_ipv4_loosely, parse_ipv6
from netarium.names.stub import KINDS, StubResolver, reverse_name

Source = Callable[[str, int], "list[str] | None"]
"""(name, family 0 | 4 | 6) -> addresses in order; [] = the name exists without such an address; None = not known here.

A source may block the calling task. It raises TryAgainError when it could not find out."""


NO_SERVER = "no name server"
"""The stage that watchers are told of a host that has nobody to ask."""


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


_finders: list[Callable[[], Resolver | None]] = []


def provide(find: Callable[[], Resolver | None]) -> None:
    """`programs` says once how the running program's resolver is found; None means that no program runs."""
    _finders.append(find)


def here() -> Resolver:
    """The names of the host on which the calling program runs. Raises UsageError outside the net's programs."""
    for find in _finders:
        found = find()
        if found is not None:
            return found
    raise UsageError("names.resolver.here() outside the net: call it in a program on a host")


class Resolver:
    """The names one host knows. `hosts` is its own file; `nodes` the net's table, None when `names: false`.

    `stub` asks name servers, where the host has any; `sources` are asked after it.
    """

    def __init__(self, hostname: str, nodes: HostsTable | None = None) -> None:
        self.hostname = hostname
        self.hosts = _loopback()
        self.nodes = nodes
        self.stub: StubResolver | None = None
        self.sources: list[tuple[str, Source]] = []
        self.on_lookup: Callable[[str, str, list[str] | None, int], None] | None = None
        """(stage, name, answer, family): told of each stage that was asked, for the trace."""

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
            answer: list[str] | None = None
            try:
                answer = source(name, family)
            except UnknownNameError:
                break
            finally:
                if self.on_lookup is not None:
                    self.on_lookup(stage, name, answer, family)
            if answer:
                return answer
            exists = exists or answer is not None
        if exists:
            raise NoAddressError(name)
        if self.on_lookup is not None and not self._has_servers():
            self.on_lookup(NO_SERVER, name, None, family)
        raise UnknownNameError(name)

    def reverse(self, address: str) -> tuple[str, ...]:
        """Canonical name and aliases of an address: hosts file, node names, PTR records; () when none knows it.

        Raises TryAgainError when the name servers do not answer.
        """
        names = self.hosts.reverse(address)
        if not names and self.nodes is not None:
            names = self.nodes.reverse(address)
        if not names and self._has_servers():
            assert self.stub is not None
            name = reverse_name(address)
            cached = self.stub.cached(name, "PTR")
            if cached:
                return cached[-1].values
            found = self.stub.ask(name, "PTR")
            if found is None:
                raise TryAgainError(address)
            names = found.values
        return names

    def hosts_text(self) -> str:
        """What /etc/hosts of this host reads."""
        return str(self.hosts) + ("" if self.nodes is None else str(self.nodes))

    def configuration_text(self) -> str:
        """What /etc/resolv.conf of this host reads."""
        return "" if self.stub is None else str(self.stub.configuration)

    def _has_servers(self) -> bool:
        return self.stub is not None and bool(self.stub.configuration.servers)

    def _stages(self) -> list[tuple[str, Source]]:
        stages: list[tuple[str, Source]] = [("hosts file", self._from(self.hosts))]
        if self.nodes is not None:
            stages.append(("node names", self._from(self.nodes)))
        if self._has_servers():
            stages += [("OS cache", self._from_cache), ("name server", self._from_servers)]
        return stages + self.sources

    def _from_cache(self, name: str, family: int) -> list[str] | None:
        assert self.stub is not None
        told = self.stub.cached(name, KINDS.get(family, "A"))
        if told is None:
            return None
        if not any(each.exists for each in told):
            raise UnknownNameError(name)
        return list(told[-1].values)

    def _from_servers(self, name: str, family: int) -> list[str] | None:
        assert self.stub is not None
        if self.stub.cached(name, KINDS.get(family, "A")) is not None:
            return None  # the cache has said it: there is no such record
        found = self.stub.ask(name, KINDS.get(family, "A"))
        if found is None:
            raise TryAgainError(name)
        if not found.exists:
            raise UnknownNameError(name)
        return list(found.values)

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
