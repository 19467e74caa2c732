"""A hosts file (hosts(5)): lines of an address and names. The first line that has the name and the family answers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from netarium.names.literal import format_ipv4, format_ipv6, parse_ipv4, parse_ipv6

FAMILY_IPV4 = 4
FAMILY_IPV6 = 6


def canonical_address(text: str) -> tuple[int, str]:
    """(family, canonical text) of an address. ValueError when it is none."""
    value = parse_ipv4(text)
    if value is not None:
        return FAMILY_IPV4, format_ipv4(value)
    value = parse_ipv6(text)
    if value is not None:
        return FAMILY_IPV6, format_ipv6(value)
    raise ValueError(f"{text!r} is no IP address; right would be such as 192.168.1.1 or 2001:db8::1")


class HostsTable:
    """Names and addresses in file order. Names are compared without case, as in DNS."""

    def __init__(self, entries: Iterable[tuple[str, str]] = ()) -> None:
        self._lines: list[tuple[int, str, tuple[str, ...]]] = []
        for name, address in entries:
            self.add(address, name)

    @classmethod
    def parse(cls, text: str) -> HostsTable:
        """Read a hosts file; what is no entry is skipped, as the C library does."""
        table = cls()
        for line in text.splitlines():
            fields = line.split("#", 1)[0].split()
            if len(fields) < 2:
                continue
            try:
                table.add(fields[0], *fields[1:])
            except ValueError:
                continue
        return table

    def add(self, address: str, *names: str) -> None:
        """Append a line. The first name is the canonical one."""
        family, text = canonical_address(address)
        self._lines.append((family, text, names))

    def remove(self, name: str) -> bool:
        """Remove every line that has this name; whether there was one."""
        wanted = name.lower()
        kept = [line for line in self._lines if all(each.lower() != wanted for each in line[2])]
        found = len(kept) != len(self._lines)
        self._lines = kept
        return found

    def lookup(self, name: str, family: int = 0) -> list[str]:
        """The addresses of `name` in file order; `family` 4 or 6 asks for that one alone."""
        wanted = name.lower().rstrip(".")
        found: list[str] = []
        for line_family, address, names in self._lines:
            if (
                family in (0, line_family)
                and address not in found
                and any(n.lower() == wanted for n in names)
            ):
                found.append(address)
        return found

    def reverse(self, address: str) -> tuple[str, ...]:
        """The names of the first line with this address: canonical name, then aliases. Empty when there is none."""
        for _, text, names in self._lines:
            if text == address:
                return names
        return ()

    def __iter__(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        return ((address, names) for _, address, names in self._lines)

    def __len__(self) -> int:
        return len(self._lines)

    def __str__(self) -> str:
        return "".join(f"{address}\t{' '.join(names)}\n" for _, address, names in self._lines)
