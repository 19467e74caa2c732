"""From the keys of `nat` in a lab, or the keywords in Python, to a `NatSetup`: read, checked, explained where wrong.

    nat: {inside: lan, outside: wan, source: masquerade, forward: {tcp/8080: "192.168.1.2:80"}}

`inside`: interfaces whose hosts are hidden (without it: all others). `source`: masquerade, none or an address.
`pool`: addresses, or FIRST-LAST, lent one to one, instead of a `source`. `static`: inside -> outside address.
`forward`: service at the outside -> inside endpoint. `redirect`: service -> port of the router itself. `mapping` and
`filtering`: classes of RFC 4787; without both the NAT is Linux'. `ports`: FIRST-LAST, the outside ports to take.
`hairpin`: true unless said otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from netarium.addresses import InterfaceAddress, ipv4_text
from netarium.errors import UsageError
from netarium.lab import addressing
from netarium.lab.words import keyed, suggest, texts, within
from netarium.stack.filter.mappings import CLASSES
from netarium.stack.filter.nat import KEEP, MASQUERADE, NatSetup, Service
from netarium.units import is_whole
from netarium.wire.ipv4 import PROTOCOL_TCP, PROTOCOL_UDP

T = TypeVar("T")

KEYS = (
    "inside", "outside", "source", "pool", "static", "forward", "redirect", "mapping", "filtering", "ports", "hairpin",
)  # fmt: skip
PROTOCOLS = {"tcp": PROTOCOL_TCP, "udp": PROTOCOL_UDP}
POOL_MAX = 4096
PORT_MAX = 65535
ONLY_IPV4 = "{!r} is of IPv6, and addresses are translated for IPv4 alone; give an IPv4 address (a firewall is of both)"

Configured = Mapping[str, Sequence[InterfaceAddress]]
"""Interface name -> addresses."""


def read_nat(given: Any, configured: Configured) -> NatSetup:
    """The NAT of a node with these interfaces. Raises UsageError."""
    for key in keyed(given, "nat", "a mapping, such as {outside: wan}"):
        if key not in KEYS:
            raise UsageError(f"nat has no {key!r}{suggest(str(key), KEYS)}")
    outside = given.get("outside")
    names = ", ".join(configured) or "none"
    if not outside:
        raise UsageError(f"nat without an outside; write `outside: INTERFACE`, one of {names}")
    inside = texts(given.get("inside"), "nat.inside", "an interface's name, or a list of them")
    for name in (outside, *inside):
        if not isinstance(name, str) or name not in configured:
            raise UsageError(f"nat: there is no interface {name!r}{suggest(str(name), configured)}")
    if outside in inside:
        raise UsageError(f"nat: {outside} cannot be inside and outside; give two interfaces")
    if len(configured) < 2 and not inside:
        raise UsageError(
            f"nat: {outside} is the only interface; nobody is inside; give the node another interface"
        )
    source = given.get("source", "masquerade")
    if given.get("pool") and "source" in given and source not in (None, "none"):
        raise UsageError(
            f"nat: `source: {source}` and a pool cannot stand together: every host inside has an address of the "
            "pool for itself; leave one of them out"
        )
    setup = NatSetup(
        outside,
        inside,
        _read("source", _source, source),
        _read("pool", _pool, given.get("pool")),
        _read("static", _static, given.get("static")),
        _read("forward", _forward, given.get("forward")),
        _read("redirect", _redirect, given.get("redirect")),
        _class("mapping", given.get("mapping")),
        _class("filtering", given.get("filtering")),
        _read("ports", _ports, given.get("ports")),
        _flag("hairpin", given.get("hairpin")),
    )
    _check_sides(setup, configured)
    _check_overlaps(setup, configured)
    return setup


def outside_addresses(setup: NatSetup) -> list[int]:
    """The addresses besides the interface's own that the outside interface must answer ARP for."""
    more = [setup.source] if setup.source > 0 else []
    return list(dict.fromkeys([*more, *setup.static.values(), *setup.pool]))


def read_service(what: str, text: str) -> tuple[int, int]:
    """(protocol, port) of `tcp/80`. Raises UsageError."""
    return _service(what, text)


def read_endpoint(text: str, port: int) -> tuple[int, int]:
    """(address, port) of `192.168.1.2:80`, or of an address, whose port is `port` then. Raises UsageError."""
    if str(text).count(":") > 1:
        raise UsageError(ONLY_IPV4.format(str(text)))
    address, colon, number = str(text).partition(":")
    return _address(address), _port(number) if colon else port


def _address(given: Any) -> int:
    text = str(given)
    if ":" in text:
        raise UsageError(ONLY_IPV4.format(text))
    return addressing.plain_address(text)


def _read(key: str, read: Callable[[Any], T], value: Any) -> T:
    """What `read` makes of the value of one key; its errors lead to the key's line."""
    with within(key):
        return read(value)


def _table(key: str, value: Any, form: str) -> Mapping[Any, Any]:
    return {} if value is None else keyed(value, f"nat.{key}", form)


def _flag(key: str, value: Any) -> bool:
    if value is not None and not isinstance(value, bool):
        raise UsageError(f"nat.{key}: {value!r} does not fit; write true or false")
    return value is not False


def _source(given: Any) -> int:
    text = str(given)
    if text == "masquerade":
        return MASQUERADE
    if text == "none":
        return KEEP
    if ":" in text:
        return _address(text)
    try:
        return _address(text)
    except UsageError:
        raise UsageError(f"nat.source: {given!r} is not masquerade, none or an address") from None


def _pool(value: Any) -> tuple[int, ...]:
    found: list[int] = []
    for text in texts(value, "nat.pool", "an address, FIRST-LAST, or a list of them"):
        first_text, dash, last_text = text.partition("-")
        first = _address(first_text.strip())
        last = _address(last_text.strip()) if dash else first
        if last < first or last - first >= POOL_MAX:
            raise UsageError(f"nat.pool: {text} is no range of 1 to {POOL_MAX} addresses; write FIRST-LAST")
        for address in range(first, last + 1):
            if address in found:
                raise UsageError(
                    f"nat.pool: {ipv4_text(address)} is there twice; the parts of a pool must not overlap"
                )
            found.append(address)
    return tuple(found)


def _forward(value: Any) -> dict[Service, tuple[int, int]]:
    found = {}
    for key, endpoint in _table("forward", value, "{tcp/8080: '192.168.1.2:80'}").items():
        with within(str(key)):
            found[_service("nat.forward", key)] = _endpoint(key, endpoint)
    return found


def _redirect(value: Any) -> dict[Service, int]:
    found = {}
    for key, port in _table("redirect", value, "{tcp/80: 3128}").items():
        with within(str(key)):
            found[_service("nat.redirect", key)] = _port(port)
    return found


def _static(value: Any) -> dict[int, int]:
    found: dict[int, int] = {}
    for inside, outside in _table("static", value, "{INSIDE-ADDRESS: OUTSIDE-ADDRESS}").items():
        one, other = _address(inside), _address(outside)
        if other in found.values():
            raise UsageError(
                f"nat.static: {outside} is given to two inside addresses; give each one of its own"
            )
        found[one] = other
    return found


def _service(what: str, text: str) -> tuple[int, int]:
    protocol, slash, port = str(text).partition("/")
    if not slash or protocol not in PROTOCOLS:
        raise UsageError(f"{what}: {text!r} is no service; write tcp/PORT or udp/PORT, such as tcp/8080")
    return PROTOCOLS[protocol], _port(port)


def _endpoint(key: str, text: str) -> tuple[int, int]:
    return read_endpoint(text, _service("nat.forward", key)[1])


def _port(value: Any) -> int:
    text = str(value)
    if not is_whole(text) or not 0 < int(text) <= PORT_MAX:
        raise UsageError(f"{text!r} is no port; write a number from 1 to {PORT_MAX}")
    return int(text)


def _ports(value: Any) -> tuple[int, int] | None:
    if value is None:
        return None
    first, dash, last = str(value).partition("-")
    low = _port(first.strip())
    high = _port(last.strip()) if dash else low
    if high < low:
        raise UsageError(f"nat.ports: {value} is empty; write FIRST-LAST, such as 1024-65535")
    return (low, high)


def _class(key: str, value: Any) -> str:
    if value is None:
        return ""
    if value not in CLASSES:
        raise UsageError(f"nat.{key}: there is no class {value!r}{suggest(str(value), CLASSES)}")
    return str(value)


def _check_sides(setup: NatSetup, configured: Configured) -> None:
    """No network is inside and outside."""
    for name in setup.inside or [each for each in configured if each != setup.outside]:
        for one in configured[name]:
            for other in configured[setup.outside]:
                if one.family == 4 and one.prefix == other.prefix:
                    raise UsageError(
                        f"nat: {name} ({one.prefix}), inside, and {setup.outside} ({other.prefix}), outside, are one "
                        "network; give each side its own"
                    )


def _check_overlaps(setup: NatSetup, configured: Configured) -> None:
    """No outside address has two uses."""
    uses: dict[int, str] = {}
    for name, addresses in configured.items():
        for each in addresses:
            uses[each.address] = f"the address of {name}"
    taken: list[tuple[int, str, str]] = []
    if setup.source > 0 and uses.get(setup.source) != f"the address of {setup.outside}":
        taken.append((setup.source, "the source", "source"))
    taken += [(address, "a static address", "static") for address in setup.static.values()]
    taken += [(address, "in the pool", "pool") for address in setup.pool]
    for address, use, key in taken:
        with within(key):
            _check_use(setup, configured, uses, address, use)


def _check_use(setup: NatSetup, configured: Configured, uses: dict[int, str], address: int, use: str) -> None:
    """This outside address is nothing else, and not inside; note its use."""
    if address in uses:
        raise UsageError(
            f"nat: {ipv4_text(address)} is {use} and {uses[address]} at once; pools and addresses must not overlap"
        )
    uses[address] = use
    _check_outside(setup, configured, address, use)


def _check_outside(setup: NatSetup, configured: Configured, address: int, use: str) -> None:
    """What the outside sees is not in an inside network, where hosts would ask each other for it."""
    around = [
        (each.prefix.length, name, each.prefix)
        for name, addresses in configured.items()
        for each in addresses
        if each.family == 4 and each.prefix.length < 32 and address in each.prefix
    ]
    if not around:
        return
    _, name, prefix = max(around, key=lambda each: each[0])
    if name in setup.inside or (not setup.inside and name != setup.outside):
        raise UsageError(
            f"nat: {ipv4_text(address)} is {use}, and in the network of {name}, {prefix}, which is inside; "
            f"take addresses that are routed to {setup.outside}"
        )
