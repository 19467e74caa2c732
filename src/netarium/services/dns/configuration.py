"""What a name server is told: zones, whether it resolves for others, and by whom; checked before anything runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from netarium.addresses import ipv4_text, parse_ipv4
from netarium.errors import UsageError

if TYPE_CHECKING:
    from netarium.services.dns.zone import Zone

KEYS = ("zones", "recursive", "roots", "forwarders")


@dataclass(frozen=True)
class DnsConfiguration:
    """`zones` it is authoritative for; `recursive` with addresses of `roots`, or of `forwarders` that do the work."""

    zones: Sequence[Zone] = ()
    recursive: bool = False
    roots: Sequence[str] = ()
    forwarders: Sequence[str] = ()
    texts: Mapping[str, str] = field(default_factory=dict)

    @staticmethod
    def read(given: Mapping[str, Any]) -> DnsConfiguration:
        """From `{zones: {"example.com.": TEXT}, recursive: true, roots: [ADDRESS], forwarders: [ADDRESS]}`.

        Raises UsageError that says what is wrong and what would be right.
        """
        for key in given:
            if key not in KEYS:
                near = get_close_matches(str(key), KEYS, n=1)
                hint = f"; did you mean {near[0]}?" if near else f"; it has {', '.join(KEYS)}"
                raise UsageError(f"dns has no {key!r}{hint}")
        roots = _addresses("roots", given.get("roots"))
        forwarders = _addresses("forwarders", given.get("forwarders"))
        recursive = given.get("recursive", bool(forwarders))
        if not isinstance(recursive, bool):
            raise UsageError(f"dns: recursive is true or false, not {recursive!r}")
        if recursive and not roots and not forwarders:
            raise UsageError(
                "dns: a recursive name server needs `roots` (addresses of root servers) or `forwarders`"
            )
        if roots and not recursive:
            raise UsageError("dns: `roots` are for a recursive name server; say `recursive: true` too")
        texts = given.get("zones") or {}
        if not isinstance(texts, Mapping) or not all(isinstance(text, str) for text in texts.values()):
            raise UsageError('dns: zones maps each origin to its text, such as {"example.com.": "..."}')
        if not texts and not recursive:
            raise UsageError(
                "dns: nothing to serve; give `zones`, or `recursive: true` with `roots`, or `forwarders`"
            )
        from netarium.services.dns.zone import Zone

        zones = [Zone.parse(str(origin), text) for origin, text in texts.items()]
        return DnsConfiguration(zones, recursive, roots, forwarders, dict(texts))


def _addresses(key: str, given: Any) -> list[str]:
    listed = [given] if isinstance(given, str) else list(given or ())
    return [ipv4_text(parse_ipv4(str(each))) for each in listed]
