"""A name to addresses, as a program's host sees it, with the errors of glibc."""

from __future__ import annotations

import socket as real

from netarium.names.literal import parse_ipv4_loosely, parse_ipv6
from netarium.names.resolver import NoAddressError, TryAgainError, UnknownNameError
from netarium.programs.task import Task
from netarium.stack.ipv6_address import MAPPED
from netarium.stack.source_selection import order_destinations

_EAI_TEXT = {
    real.EAI_NONAME: "Name or service not known",
    real.EAI_AGAIN: "Temporary failure in name resolution",
    real.EAI_FAMILY: "ai_family not supported",
    real.EAI_SOCKTYPE: "ai_socktype not supported",
    real.EAI_SERVICE: "Servname not supported for ai_socktype",
    real.EAI_NODATA: "No address associated with hostname",
    real.EAI_ADDRFAMILY: "Address family for hostname not supported",
    real.EAI_BADFLAGS: "Bad value for ai_flags",
}


def resolution_error(code: int) -> real.gaierror:
    """The gaierror of an EAI code, with glibc's text."""
    return real.gaierror(code, _EAI_TEXT[code])


def as_text(name: str | bytes | bytearray) -> str:
    """A name as CPython gives it to C: text by IDNA, whose UnicodeError a label of more than 63 letters is."""
    if isinstance(name, str):
        return name.encode("idna").decode("ascii")
    return bytes(name).decode("ascii", "surrogateescape")


def lookup(task: Task, name: str, family: int) -> list[str]:
    """Addresses of `name` as text; `family` 0, 4 or 6. gaierror when there are none."""
    task.calls += 1
    try:
        name.encode("idna") if not name.isascii() else None
        return task.scheduler.resolver(task.process.host).lookup(name, family)
    except (UnknownNameError, UnicodeError):
        raise resolution_error(real.EAI_NONAME) from None
    except NoAddressError:
        literal = parse_ipv4_loosely(name) is not None or ":" in name
        raise resolution_error(real.EAI_ADDRFAMILY if literal else real.EAI_NODATA) from None
    except TryAgainError:
        raise resolution_error(real.EAI_AGAIN) from None


def in_order(task: Task, found: list[tuple[bool, str]]) -> list[tuple[bool, str]]:
    """Addresses (whether IPv6, text) as this host should try them: RFC 6724 6, as glibc's getaddrinfo sorts them."""
    stack = task.process.host.stack
    ip6 = stack.ipv6
    by_number: dict[int, tuple[bool, str]] = {}
    for is_ipv6, text in found:
        number = parse_ipv6(text) if is_ipv6 else parse_ipv4_loosely(text)
        assert number is not None
        by_number[number if is_ipv6 else number | MAPPED] = (is_ipv6, text)

    def source_for(destination: int) -> int:
        if destination >> 32 == 0xFFFF:
            route = stack.ipv4.route_for(destination & 0xFFFFFFFF)
            return route.source | MAPPED if route is not None and route.source else 0
        route = ip6.route_for(destination) if ip6 is not None else None
        return route.source if route is not None else 0

    def is_deprecated(source: int) -> bool:
        return ip6 is not None and ip6.is_deprecated(source)

    def ipv4_length(source: int) -> int:
        plain = source & 0xFFFFFFFF
        addresses = [each for interface in stack.interfaces.values() for each in interface.addresses]
        return next((each.length for each in addresses if each.address == plain), 0)

    ordered = order_destinations(by_number, source_for, is_deprecated, ipv4_length)
    return [by_number[number] for number in ordered]
