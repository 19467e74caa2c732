"""What follows `ip OBJECT COMMAND`: words in pairs, addresses and prefixes; and iproute2's errors."""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from typing import Any

from netarium.addresses import AddressError, parse_ipv4
from netarium.control import Control
from netarium.stack.failures import Failure
from netarium.units import is_whole


class IpError(Exception):
    """A line for stderr, and the exit code: 1 for a wrong command line, 2 when the kernel refuses (iproute2)."""

    def __init__(self, text: str, code: int = 1) -> None:
        super().__init__(text)
        self.code = code


def choose(word: str, commands: Sequence[str], what: str) -> str:
    """The first command that begins with `word`, as iproute2 takes them. Raises IpError."""
    for command in commands:
        if command.startswith(word):
            return command
    raise IpError(f'Command "{word}" is unknown, try "ip {what} help".')


def refused(failure: Failure) -> IpError:
    """`RTNETLINK answers: File exists`."""
    return IpError(f"RTNETLINK answers: {os.strerror(getattr(errno, failure.value))}", 2)


def done(failure: Failure | None) -> None:
    """Raise when the host refused."""
    if failure is not None:
        raise refused(failure)


def pairs(words: Sequence[str], keys: Sequence[str], flags: Sequence[str] = ()) -> dict[str, str]:
    """`via ADDRESS dev NAME ...`: each key once, its value behind it. Raises IpError."""
    found: dict[str, str] = {}
    rest = list(words)
    while rest:
        key = rest.pop(0)
        if key in flags:
            found[key] = ""
            continue
        if key not in keys:
            raise IpError(f'Error: either "to" is duplicate, or "{key}" is a garbage.')
        if not rest:
            raise IpError('Command line is not complete. Try option "help"')
        if key in found:
            raise IpError(f'Error: argument "{rest[0]}" is wrong: duplicate "{key}"')
        found[key] = rest.pop(0)
    return found


def known_device(control: Control, name: str | None) -> None:
    """Raise when there is no interface of this name; None is no name."""
    if name is not None and name not in [each.name for each in control.interfaces()]:
        raise IpError(f'Cannot find device "{name}"')


def address(text: str) -> int:
    """An IPv4 address. Raises IpError in iproute2's words."""
    try:
        return parse_ipv4(text)
    except AddressError:
        raise IpError(f'Error: any valid prefix is expected rather than "{text}".') from None


def prefix(text: str) -> tuple[int, int]:
    """(address, length) of `10.0.0.0/24`, `default` or one address."""
    if text == "default":
        return 0, 0
    number, slash, length = text.partition("/")
    if slash and (not is_whole(length) or int(length) > 32):
        raise IpError(f'Error: any valid prefix is expected rather than "{text}".')
    return address(number), int(length) if slash else 32


def whole(text: str, name: str) -> int:
    """A number from 0 on."""
    if not is_whole(text):
        raise IpError(f'Error: argument "{text}" is wrong: "{name}" value is invalid')
    return int(text)


Json = list[dict[str, Any]]
