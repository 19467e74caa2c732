"""The filter language of pcap-filter(7): protocols, host, net, port, src, dst, and, or, not, parentheses.

`compile_filter(words)` gives a function of a frame. What is not understood is an `ExpressionError` that names the word.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable
from typing import Any

from netarium.units import is_whole
from netarium.wire.arp import ArpPacket
from netarium.wire.ethernet import ETHERTYPE_ARP, ETHERTYPE_IPV4, ETHERTYPE_IPV6, Frame
from netarium.wire.ipv4 import Ipv4Header

Match = Callable[[Frame], bool]

ICMP6 = 58
PROTOCOLS = {"icmp": 1, "igmp": 2, "tcp": 6, "udp": 17, "icmp6": ICMP6, "ospf": 89}
ETHERTYPES = {"arp": ETHERTYPE_ARP, "ip": ETHERTYPE_IPV4, "ip6": ETHERTYPE_IPV6}


class ExpressionError(Exception):
    """The filter expression is not understood."""


def protocol_of(frame: Frame) -> int:
    """The IP protocol of a frame, -1 when it carries no IP."""
    network: Any = frame.network
    return getattr(network, "protocol", -1) if not isinstance(network, ArpPacket) else -1


def addresses_of(frame: Frame) -> tuple[str, str] | None:
    """(source, destination) as text: of IP, or the two of an ARP packet."""
    network: Any = frame.network
    if network is None:
        return None
    if isinstance(network, ArpPacket):
        return str(ipaddress.IPv4Address(network.sender_ip)), str(ipaddress.IPv4Address(network.target_ip))
    kind: Any = ipaddress.IPv4Address if isinstance(network, Ipv4Header) else ipaddress.IPv6Address
    return str(kind(network.source)), str(kind(network.destination))


def ports_of(frame: Frame) -> tuple[int, int] | None:
    """(source, destination) port of a TCP or UDP header."""
    source = getattr(frame.transport, "source_port", None)
    if source is None:
        return None
    return source, frame.transport.destination_port  # type: ignore[union-attr]


class _Parser:
    """Recursive descent: or < and < not < primitive."""

    def __init__(self, words: list[str]) -> None:
        self.words = words
        self.at = 0

    def peek(self) -> str:
        return self.words[self.at] if self.at < len(self.words) else ""

    def take(self, wanted: str = "something") -> str:
        word = self.peek()
        if not word:
            raise ExpressionError(f"the expression ends where {wanted} should follow")
        self.at += 1
        return word

    def either(self) -> Match:
        left = self.both()
        while self.peek() in ("or", "||"):
            self.take()
            left = _or(left, self.both())
        return left

    def both(self) -> Match:
        left = self.single()
        while self.peek() and self.peek() not in ("or", "||", ")"):
            if self.peek() in ("and", "&&"):
                self.take()
            left = _and(left, self.single())
        return left

    def single(self) -> Match:
        word = self.peek()
        if word in ("not", "!"):
            self.take()
            inner = self.single()
            return lambda frame: not inner(frame)
        if word == "(":
            self.take()
            inner = self.either()
            if self.take("`)`") != ")":
                raise ExpressionError("a `)` is missing")
            return inner
        return self.primitive()

    def primitive(self) -> Match:
        word = self.take("a filter")
        if word in ("broadcast", "multicast"):
            return _cast(word)
        match = _protocol(word)
        if match is not None:
            if self.peek() in ("src", "dst", "host", "net", "port", "portrange"):
                return _and(match, self.primitive())
            return match
        direction = ""
        if word in ("src", "dst"):
            direction, word = word, self.take("an address")
        if word in ("host", "net", "port", "portrange"):
            return _TESTS[word](direction, self.take(f"the {word}"))
        if direction or _is_address(word):
            return _host(direction, word)
        raise ExpressionError(f"{word!r} is not understood; a filter is like `tcp port 80 and host 10.0.0.1`")


def _and(one: Match, other: Match) -> Match:
    return lambda frame: one(frame) and other(frame)


def _or(one: Match, other: Match) -> Match:
    return lambda frame: one(frame) or other(frame)


def _protocol(word: str) -> Match | None:
    if word in ETHERTYPES:
        ethertype = ETHERTYPES[word]
        return lambda frame: frame.ethertype == ethertype
    if word in PROTOCOLS:
        number = PROTOCOLS[word]
        return lambda frame: protocol_of(frame) == number
    return None


def _cast(word: str) -> Match:
    if word == "broadcast":
        return lambda frame: frame.destination == 0xFFFFFFFFFFFF
    return lambda frame: bool(frame.destination >> 40 & 1)


def _pick(direction: str, pair: tuple[Any, Any]) -> tuple[Any, ...]:
    return (pair[0],) if direction == "src" else (pair[1],) if direction == "dst" else pair


def _is_address(word: str) -> bool:
    try:
        ipaddress.ip_address(word)
    except ValueError:
        return False
    return True


def _host(direction: str, word: str) -> Match:
    if _is_address(word):
        wanted = {str(ipaddress.ip_address(word))}
    else:
        try:
            wanted = {row[4][0] for row in socket.getaddrinfo(word, None)}  # type: ignore[misc]
        except OSError as error:
            raise ExpressionError(f"unknown host {word!r}") from error

    def match(frame: Frame) -> bool:
        pair = addresses_of(frame)
        return pair is not None and any(each in wanted for each in _pick(direction, pair))

    return match


def _net(direction: str, word: str) -> Match:
    try:
        block = ipaddress.ip_network(word, strict=False)
    except ValueError as error:
        raise ExpressionError(f"{word!r} is no network; write it like 10.0.0.0/24") from error

    def match(frame: Frame) -> bool:
        pair = addresses_of(frame)
        return pair is not None and any(
            ipaddress.ip_address(each) in block for each in _pick(direction, pair)
        )

    return match


def _port_number(word: str) -> int:
    if is_whole(word) and int(word) <= 65535:
        return int(word)
    try:
        return socket.getservbyname(word)
    except OSError as error:
        raise ExpressionError(f"unknown port {word!r}") from error


def _port(direction: str, word: str) -> Match:
    return _port_range(direction, f"{_port_number(word)}-{_port_number(word)}")


def _port_range(direction: str, word: str) -> Match:
    low_text, dash, high_text = word.partition("-")
    if not dash:
        raise ExpressionError(f"{word!r} is no range of ports; write it like 1-1023")
    low, high = _port_number(low_text), _port_number(high_text)

    def match(frame: Frame) -> bool:
        pair = ports_of(frame)
        return pair is not None and any(low <= each <= high for each in _pick(direction, pair))

    return match


_TESTS: dict[str, Callable[[str, str], Match]] = {
    "host": _host,
    "net": _net,
    "port": _port,
    "portrange": _port_range,
}


def compile_filter(words: list[str]) -> Match:
    """The filter these words mean; without words every frame passes. Raises ExpressionError."""
    text = " ".join(words).replace("(", " ( ").replace(")", " ) ")
    split = text.split()
    if not split:
        return lambda frame: True
    parser = _Parser(split)
    match = parser.either()
    if parser.peek():
        raise ExpressionError(f"{parser.peek()!r} is not understood")
    return match
