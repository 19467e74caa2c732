"""Who has connected and not said who he is yet: one address alone cannot take all the places by saying nothing."""

from __future__ import annotations

import ipaddress
import threading
from collections.abc import Callable

FEW = 4
REFUSAL = "too many connections from your address have not said hello yet"


def network_of(host: str) -> str:
    """What one guest can choose from at will: an IPv4 address, an IPv6 network of /64."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if address.version == 4:
        return str(address)
    mapped = address.ipv4_mapped
    return str(mapped) if mapped else str(ipaddress.ip_network((int(address) >> 64 << 64, 64)))


class Strangers:
    """Counts them by address: at most one in `share` of the `places` each, but 4 at least. Safe in threads."""

    def __init__(self, places: int, share: int = 4) -> None:
        self._most = max(FEW, places // share)
        self._counts: dict[str, int] = {}
        self._lock = threading.Lock()

    def admit(self, host: str) -> Callable[[], None] | None:
        """None when there are too many of this address; else what to call when he has said hello, or gone.

        It may be called twice.
        """
        network = network_of(host)
        with self._lock:
            count = self._counts.get(network, 0)
            if count >= self._most:
                return None
            self._counts[network] = count + 1
        present = [network]
        return lambda: self._leave(present)

    def _leave(self, present: list[str]) -> None:
        with self._lock:
            while present:
                network = present.pop()
                self._counts[network] -= 1
                if not self._counts[network]:
                    del self._counts[network]
