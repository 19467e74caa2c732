"""From the keys of `balance` of a balancer to its virtual services and their health checks.

    balance:
      tcp/80: {servers: ["192.168.1.2:80", "192.168.1.3:80"], backup: ["192.168.1.9:80"], method: random, sticky: 5min}
      tcp/21: 192.168.1.4

`method`: random, round-robin (without it) or least-connections. `sticky`: a client comes back to its server so long
after it was there last. `backup`: used while none of the others lives. `source: masquerade`: servers see the balancer
as the client. `check`: {interval, timeout, fails, passes}, or false; TCP services are checked by connecting.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from netarium.addresses import ipv4_text
from netarium.errors import UsageError
from netarium.lab.filtering.nat import Configured, read_endpoint, read_service
from netarium.lab.words import keyed, suggest, texts
from netarium.stack.filter.balance import METHODS, ROUND_ROBIN, Server, VirtualService
from netarium.stack.filter.entry import PROTOCOL_NAMES
from netarium.units import duration_ns
from netarium.wire.ipv4 import PROTOCOL_TCP

EXAMPLE = '{tcp/80: {servers: ["192.168.1.2:80"]}}'
KEYS = ("servers", "backup", "method", "sticky", "source", "check", "address")
CHECK_KEYS = ("interval", "timeout", "fails", "passes")
INTERVAL_NS = 2_000_000_000
TIMEOUT_NS = 1_000_000_000
FAILS = 2
PASSES = 1


@dataclass(frozen=True)
class Check:
    """How the servers of one service are checked. Times in ns; `fails` and `passes` in a row change the verdict."""

    interval_ns: int = INTERVAL_NS
    timeout_ns: int = TIMEOUT_NS
    fails: int = FAILS
    passes: int = PASSES


@dataclass(frozen=True)
class BalanceSetup:
    """One virtual service at power-on. Endpoints are (address, port)."""

    protocol: int
    port: int
    servers: tuple[tuple[int, int], ...]
    backup: tuple[tuple[int, int], ...] = ()
    address: int = 0
    method: str = ROUND_ROBIN
    sticky_ns: int = 0
    masquerade: bool = False
    check: Check | None = None

    def service(self) -> VirtualService:
        """A fresh one, all servers alive."""
        servers = [Server(*each) for each in self.servers] + [Server(*each, True) for each in self.backup]
        return VirtualService(
            self.protocol, self.address, self.port, servers, self.method, self.sticky_ns, self.masquerade
        )


def check_addresses(services: Iterable[BalanceSetup], configured: Configured) -> None:
    """A service's address is one of the node's; not asked while DHCP has yet to give some. Raises UsageError."""
    if not all(configured.values()):
        return
    own = [each.address for addresses in configured.values() for each in addresses if each.family == 4]
    for service in services:
        if service.address and service.address not in own:
            raise UsageError(
                f"balance.{PROTOCOL_NAMES[service.protocol]}/{service.port}: {ipv4_text(service.address)} is no "
                f"address of this node; use {' or '.join(map(ipv4_text, own))}, or leave `address` out"
            )


def read_balance(given: Any) -> tuple[BalanceSetup, ...]:
    """The services of a balancer. Raises UsageError."""
    found = tuple(_read_one(key, value) for key, value in keyed(given, "balance", EXAMPLE).items())
    if not found:
        raise UsageError(f"a balancer without services; write `balance: {EXAMPLE}`")
    return found


def _read_one(key: str, value: Any) -> BalanceSetup:
    protocol, port = read_service("balance", key)
    if isinstance(value, (str, list, tuple)):
        value = {"servers": value}
    given = keyed(value, f"balance.{key}", "an ADDRESS:PORT, a list of them, or {servers: [ADDRESS:PORT]}")
    for each in given:
        if each not in KEYS:
            raise UsageError(f"balance.{key} has no {each!r}{suggest(each, KEYS)}")
    servers, backup = _endpoints(key, "servers", given, port), _endpoints(key, "backup", given, port)
    if not servers:
        raise UsageError(f"balance.{key} has no servers; write `servers: [ADDRESS:PORT]`")
    seen: list[tuple[int, int]] = []
    for endpoint in servers + backup:
        if endpoint in seen:
            text = f"{ipv4_text(endpoint[0])}:{endpoint[1]}"
            raise UsageError(f"balance.{key}: {text} is there twice; name each server once")
        seen.append(endpoint)
    method = given.get("method", ROUND_ROBIN)
    if method not in METHODS:
        raise UsageError(f"balance.{key}: there is no method {method!r}{suggest(str(method), METHODS)}")
    source = given.get("source", "keep")
    if source not in ("keep", "masquerade"):
        raise UsageError(f"balance.{key}: source is keep or masquerade, not {source!r}")
    address = given.get("address")
    return BalanceSetup(
        protocol,
        port,
        servers,
        backup,
        0 if address is None else read_endpoint(address, 0)[0],
        method,
        _duration(given.get("sticky"), 0),
        source == "masquerade",
        _check(key, given.get("check")) if protocol == PROTOCOL_TCP else None,
    )


def _endpoints(service: str, key: str, given: Mapping[str, Any], port: int) -> tuple[tuple[int, int], ...]:
    listed = texts(given.get(key), f"balance.{service}.{key}", "ADDRESS:PORT, or a list of them")
    return tuple(read_endpoint(text, port) for text in listed)


def _duration(value: Any, otherwise_ns: int) -> int:
    return otherwise_ns if value is None or value is False else duration_ns(value)


def _check(key: str, value: Any) -> Check | None:
    if value is False:
        return None
    given = {} if value is None or value is True else value
    for each in keyed(given, f"balance.{key}.check", "true, false or {interval: 2s}"):
        if each not in CHECK_KEYS:
            raise UsageError(f"balance.{key}.check has no {each!r}{suggest(each, CHECK_KEYS)}")
    fails, passes = given.get("fails", FAILS), given.get("passes", PASSES)
    if not isinstance(fails, int) or not isinstance(passes, int) or fails < 1 or passes < 1:
        raise UsageError(f"balance.{key}.check: fails and passes are numbers from 1 on")
    interval_ns = _duration(given.get("interval"), INTERVAL_NS)
    if not interval_ns:
        raise UsageError(f"balance.{key}.check: an interval of nothing never ends; write for example 2s")
    return Check(interval_ns, _duration(given.get("timeout"), TIMEOUT_NS), fails, passes)
