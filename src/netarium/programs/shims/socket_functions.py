"""Virtual functions of `socket`: names to addresses as this host sees them, never the real machine's DNS."""

from __future__ import annotations

import errno
import operator
import os
import socket as real
import sys
from typing import Any

from netarium.names import ports
from netarium.names.literal import format_ipv6, parse_ipv4_loosely, parse_ipv6
from netarium.programs.shims.descriptors import close as close_number
from netarium.programs.shims.descriptors import dup as dup_number
from netarium.programs.shims.socket_address6 import FLOW_MAX, zone_index
from netarium.programs.shims.socket_arguments import timeout_ns
from netarium.programs.shims.socket_names import as_text, in_order, lookup, resolution_error
from netarium.programs.task import Task
from netarium.sockets.errno import os_error
from netarium.sockets.local import pair
from netarium.sockets.unix import UnixSocket
from netarium.sockets.unix_datagram import datagram_pair
from netarium.stack.ipv6_address import needs_link
from netarium.units import is_whole

_KINDS = ((real.SOCK_STREAM, 6, "tcp"), (real.SOCK_DGRAM, 17, "udp"), (real.SOCK_RAW, 0, ""))


def has_ipv6(task: Task) -> bool:
    """Whether AAAA records are asked for: only where the host has an IPv6 address beyond link-local."""
    ip6 = task.process.host.stack.ipv6
    return ip6 is not None and ip6.has_address_beyond_link()


def getaddrinfo(
    task: Task, host: Any, port: Any, family: int = 0, type: int = 0, proto: int = 0, flags: int = 0
) -> list[tuple[Any, Any, int, str, Any]]:
    """As socket.getaddrinfo over the host's own names."""
    if host is not None:
        if not isinstance(host, str | bytes | bytearray):
            raise TypeError("getaddrinfo() argument 1 must be string or None")
        host = as_text(host).partition("\0")[0]  # C sees no more of it
    if host is None and port is None:
        raise resolution_error(real.EAI_NONAME)
    if family not in (real.AF_UNSPEC, real.AF_INET, real.AF_INET6):
        raise resolution_error(real.EAI_FAMILY)
    type &= ~(real.SOCK_NONBLOCK | real.SOCK_CLOEXEC)
    numbers = _services(port, type, proto, flags)
    scope = 0
    if host is not None and "%" in host and ":" in host:
        host, _, zone = host.partition("%")
        scope = zone_index(task, zone)
    found = _addresses(task, host, family, flags)
    canonical = host or "" if flags & real.AI_CANONNAME else ""
    result: list[tuple[Any, Any, int, str, Any]] = []
    for is_ipv6, text in found:
        for kind, protocol, number in numbers:
            where: Any = (text, number, 0, scope) if is_ipv6 else (text, number)
            entry_family = real.AF_INET6 if is_ipv6 else real.AF_INET
            result.append((entry_family, real.SocketKind(kind), protocol, "" if result else canonical, where))
    return result


def _services(port: Any, type: int, proto: int, flags: int) -> list[tuple[int, int, int]]:
    kinds = [each for each in _KINDS if type in (0, each[0]) and (proto in (0, each[1]) or each[1] == 0)]
    if not kinds:
        raise resolution_error(real.EAI_SOCKTYPE)
    if isinstance(port, bytes):
        port = port.decode("ascii")
    if port is None or port == "":
        return [(kind, protocol or proto, 0) for kind, protocol, _ in kinds]
    if isinstance(port, int):
        if not -(1 << 63) <= port < 1 << 63:
            if sys.version_info >= (3, 12):
                raise resolution_error(real.EAI_SERVICE)
            raise OverflowError("Python int too large to convert to C long")
        return [(kind, protocol or proto, port & 0xFFFF) for kind, protocol, _ in kinds]
    if not isinstance(port, str):
        raise OSError("Int or String expected")
    port.encode("utf-8")  # UnicodeEncodeError for a lone surrogate, as CPython's
    if is_whole(port):
        return [(kind, protocol or proto, int(port) & 0xFFFF) for kind, protocol, _ in kinds]
    if flags & real.AI_NUMERICSERV:
        raise resolution_error(real.EAI_NONAME)
    found: list[tuple[int, int, int]] = []
    for kind, protocol, name in kinds:
        service = ports.by_name(port, name) if name else None
        if service is not None:
            found.append((kind, protocol, service.port))
    if not found:
        raise resolution_error(real.EAI_SERVICE)
    return found


def _addresses(task: Task, host: str | None, family: int, flags: int) -> list[tuple[bool, str]]:
    """(whether IPv6, text) in order."""
    ipv6 = family == real.AF_INET6 or (family == 0 and has_ipv6(task))
    ipv4 = family in (0, real.AF_INET)
    if host is None or host == "":
        passive = flags & real.AI_PASSIVE and host is None
        if host == "":
            raise resolution_error(real.EAI_NONAME)
        texts = [(False, "0.0.0.0" if passive else "127.0.0.1")] if ipv4 else []
        if ipv6:
            texts.insert(len(texts) if passive else 0, (True, "::" if passive else "::1"))
        return texts
    if flags & real.AI_NUMERICHOST and parse_ipv4_loosely(host) is None and ":" not in host:
        raise resolution_error(real.EAI_NONAME)
    found: list[tuple[bool, str]] = []
    literal = ":" in host
    if ipv6 or (literal and family == 0):
        found += [(True, text) for text in _try(task, host, 6, ipv4)]
    if ipv4 and not (literal and found):
        found += [(False, text) for text in _try(task, host, 4, bool(found))]
    return in_order(task, found) if len(found) > 1 else found


def _try(task: Task, host: str, family: int, may_be_empty: bool) -> list[str]:
    try:
        return lookup(task, host, family)
    except real.gaierror as error:
        if may_be_empty and error.errno in (real.EAI_NODATA, real.EAI_ADDRFAMILY):
            return []
        raise


def _name_given(name: Any, call: str) -> str:
    if not isinstance(name, str | bytes | bytearray):
        raise TypeError(f"{call}() argument 1 must be str, bytes or bytearray, not {type(name).__name__}")
    text = as_text(name)
    if "\0" in text:
        raise TypeError(f"{call}() argument 1 must be encoded string without null bytes")
    return text


def gethostbyname(task: Task, name: Any) -> str:
    """The first IPv4 address."""
    name = _name_given(name, "gethostbyname")
    if name == "":
        return "0.0.0.0"
    if name == "<broadcast>":
        return "255.255.255.255"
    return lookup(task, name, 4)[0]


def gethostbyname_ex(task: Task, name: Any) -> tuple[str, list[str], list[str]]:
    """(name, aliases, addresses)."""
    name = _name_given(name, "gethostbyname_ex")
    return name, [], lookup(task, name, 4)


def gethostbyaddr(task: Task, address: Any) -> tuple[str, list[str], list[str]]:
    """(name, aliases, addresses) of an address that has a name."""
    text = gethostbyname(task, address)
    names = task.scheduler.resolver(task.process.host).reverse(text)
    if not names:
        raise real.herror(1, "Unknown host")
    return names[0], list(names[1:]), [text]


def getfqdn(task: Task, name: str = "") -> str:
    """As socket.getfqdn."""
    name = name.strip()
    if not name or name in ("0.0.0.0", "::"):
        name = gethostname(task)
    try:
        hostname, aliases, _ = gethostbyaddr(task, name)
    except OSError:
        return name
    for each in [hostname, *aliases]:
        if "." in each:
            return each
    return hostname


def getnameinfo(task: Task, sockaddr: Any, flags: int) -> tuple[str, str]:
    """(host, service) of an address."""
    if not isinstance(sockaddr, tuple):
        raise TypeError("getnameinfo() argument 1 must be a tuple")
    host, port = sockaddr[0], sockaddr[1]
    if parse_ipv4_loosely(host) is None and ":" not in host:
        raise resolution_error(real.EAI_NONAME)
    flow, scope = (*sockaddr[2:4], 0, 0)[:2]
    if not 0 <= flow <= FLOW_MAX:
        raise OverflowError("getnameinfo(): flowinfo must be 0-1048575.")
    host = host.partition("%")[0]
    value = parse_ipv6(host)
    if value is not None:
        host = format_ipv6(value)
    shown = (
        f"{host}%{if_indextoname(task, scope)}" if scope and value is not None and needs_link(value) else host
    )
    names = () if flags & real.NI_NUMERICHOST else task.scheduler.resolver(task.process.host).reverse(host)
    if not names and flags & real.NI_NAMEREQD:
        raise resolution_error(real.EAI_NONAME)
    service = None
    if not flags & real.NI_NUMERICSERV:
        service = ports.by_number(port, "udp" if flags & real.NI_DGRAM else "tcp")
    return names[0] if names else shown, service.name if service is not None else str(port)


def getservbyname(task: Task, name: str, protocol: str = "") -> int:
    """The port of a service."""
    service = ports.by_name(name, protocol)
    if service is None:
        raise OSError("service/proto not found")
    return service.port


def getservbyport(task: Task, port: int, protocol: str = "") -> str:
    """The service of a port."""
    if not 0 <= port <= 65535:
        raise OverflowError("getservbyport: port must be 0-65535.")
    service = ports.by_number(port, protocol)
    if service is None:
        raise OSError("port/proto not found")
    return service.name


def gethostname(task: Task) -> str:
    """The host's name."""
    return task.scheduler.resolver(task.process.host).hostname


def sethostname(task: Task, name: Any) -> None:
    """Root's privilege; hosts are named by the lab."""
    raise os_error(errno.EPERM)


def socketpair(
    task: Task, family: Any = None, type: int = real.SOCK_STREAM, proto: int = 0
) -> tuple[Any, Any]:
    """Two connected sockets."""
    kind = int(type) & ~(real.SOCK_NONBLOCK | real.SOCK_CLOEXEC)
    if family not in (None, real.AF_UNIX):
        raise os_error(errno.EOPNOTSUPP)
    process = task.process
    around = (process.credentials, process.host.stack, process.scheduler.engine)
    cores: tuple[Any, ...]
    if proto not in (0, int(real.AF_UNIX)):
        raise os_error(errno.EPROTONOSUPPORT)
    if kind in (real.SOCK_DGRAM, real.SOCK_RAW):
        cores = datagram_pair(*around)
    elif kind in (real.SOCK_STREAM, real.SOCK_SEQPACKET):
        cores = tuple(
            UnixSocket(*around, kind, proto, each) for each in pair(packets=kind == real.SOCK_SEQPACKET)
        )
    else:
        raise os_error(errno.ESOCKTNOSUPPORT)
    sockets = [real.socket(real.AF_UNIX, type, proto, fileno=process.descriptors.add(core)) for core in cores]
    return sockets[0], sockets[1]


def close(task: Task, fd: int) -> None:
    """Close a descriptor."""
    close_number(task, fd)


def dup(task: Task, fd: int) -> int:
    """A second number for a descriptor."""
    return dup_number(task, fd)


def setdefaulttimeout(task: Task, timeout: float | None) -> None:
    """The time-out of sockets this program makes from now on."""
    task.process.default_timeout = timeout_ns(timeout)


def getdefaulttimeout(task: Task) -> float | None:
    """See setdefaulttimeout."""
    found = task.process.default_timeout
    return None if found is None else found / 1e9


def if_nameindex(task: Task) -> list[tuple[int, str]]:
    """The host's interfaces."""
    return [(each.number + 1, name) for name, each in task.process.host.stack.interfaces.items()]


def if_nametoindex(task: Task, name: Any) -> int:
    """The number of an interface."""
    if not isinstance(name, str | bytes | os.PathLike):
        raise TypeError(f"expected str, bytes or os.PathLike object, not {type(name).__name__}")
    text = os.fsdecode(name)
    for number, each in if_nameindex(task):
        if each == text:
            return number
    raise OSError("no interface with this name")


def if_indextoname(task: Task, index: int) -> str:
    """The name of an interface."""
    index = operator.index(index)
    if index < 0:
        raise OverflowError("can't convert negative value to unsigned int")
    if index >= 1 << 32:
        raise OverflowError("Python int too large to convert to C int")
    for number, each in if_nameindex(task):
        if number == index:
            return each
    raise os_error(errno.ENXIO)
