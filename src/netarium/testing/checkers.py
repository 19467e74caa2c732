"""Checkers of frames, to be put together in tests:

    check(frame, ipv4(source="10.0.0.1", ttl=64), tcp(flags="SYN", mss=1460))
    syn = only(frames, tcp(flags="SYN"))
    assert not find(frames, arp())

A checker looks at one header and names what it wants of its values. A wanted value is a number, the text of an address,
the names of flags ("SYN ACK": just these), or a function that is given the value and says yes or no. What is not named
is not looked at. All that does not fit is told at once, beside the frame.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from netarium.addresses import ipv4_text, mac_text, parse_ipv4, parse_mac
from netarium.errors import UsageError
from netarium.journey import Drop
from netarium.wire import tcp as tcp_wire
from netarium.wire.arp import ArpPacket
from netarium.wire.ethernet import Frame
from netarium.wire.icmp import IcmpHeader
from netarium.wire.ipv4 import Ipv4Header
from netarium.wire.tcp import FLAG_NAMES, TcpHeader
from netarium.wire.udp import UdpHeader

Checker = Callable[[Frame], list[str]]
"""Given a frame, the complaints about it; none when it is as wanted."""
_Reader = Callable[[str], int]
_Writer = Callable[[Any], str]


def check(frame: Frame, *checkers: Checker) -> None:
    """AssertionError with every complaint unless all checkers are content."""
    complaints = [complaint for checker in checkers for complaint in checker(frame)]
    if complaints:
        raise AssertionError("\n  ".join([f"{frame!r}:", *complaints]))


def matches(frame: Frame, *checkers: Checker) -> bool:
    """Whether all checkers are content."""
    return not any(checker(frame) for checker in checkers)


def find(frames: Iterable[Frame], *checkers: Checker) -> list[Frame]:
    """The frames with which all checkers are content, in their order."""
    return [frame for frame in frames if matches(frame, *checkers)]


def only(frames: Iterable[Frame], *checkers: Checker) -> Frame:
    """The one frame with which all checkers are content; AssertionError that shows all frames unless it is just one."""
    frames = list(frames)
    found = find(frames, *checkers)
    if len(found) != 1:
        shown = "\n  ".join([repr(frame) for frame in frames]) or "(no frames)"
        raise AssertionError(f"{len(found)} frames fit instead of one, among:\n  {shown}")
    return found[0]


def ethernet(**wanted: Any) -> Checker:
    """Of `destination source ethertype vlan tag size_bytes`; `vlan` is -1 without a tag."""

    def values(frame: Frame) -> dict[str, Any]:
        return {
            "destination": frame.destination,
            "source": frame.source,
            "ethertype": frame.ethertype,
            "tag": frame.tag,
            "vlan": -1 if frame.tag < 0 else frame.tag & 0xFFF,
            "size_bytes": frame.size_bytes,
        }

    known = ("destination", "source", "ethertype", "tag", "vlan", "size_bytes")
    wanted = _read(wanted, known, {"destination": parse_mac, "source": parse_mac})
    texts = {"destination": mac_text, "source": mac_text}
    return lambda frame: _compare("ethernet", wanted, values(frame), texts)


def arp(**wanted: Any) -> Checker:
    """Of `operation sender_mac sender_ip target_mac target_ip`."""
    known = ("operation", "sender_mac", "sender_ip", "target_mac", "target_ip")
    readers = {
        "sender_mac": parse_mac,
        "target_mac": parse_mac,
        "sender_ip": parse_ipv4,
        "target_ip": parse_ipv4,
    }
    texts = {name: mac_text if reader is parse_mac else ipv4_text for name, reader in readers.items()}
    return _header_checker(
        "arp", ArpPacket, _read(wanted, known, readers), lambda frame: frame.network, texts
    )


def ipv4(**wanted: Any) -> Checker:
    """Of `source destination protocol ttl identification fragment tos options`."""
    known = ("source", "destination", "protocol", "ttl", "identification", "fragment", "tos", "options")
    readers = {"source": parse_ipv4, "destination": parse_ipv4}
    texts = {"source": ipv4_text, "destination": ipv4_text}
    return _header_checker(
        "ipv4", Ipv4Header, _read(wanted, known, readers), lambda frame: frame.network, texts
    )


def icmp(**wanted: Any) -> Checker:
    """Of `type code rest identifier sequence`."""
    known = ("type", "code", "rest", "identifier", "sequence")
    return _header_checker("icmp", IcmpHeader, _read(wanted, known, {}), lambda frame: frame.transport)


def udp(**wanted: Any) -> Checker:
    """Of `source_port destination_port unchecked`."""
    known = ("source_port", "destination_port", "unchecked")
    return _header_checker("udp", UdpHeader, _read(wanted, known, {}), lambda frame: frame.transport)


_TCP_FIELDS = (
    *("source_port", "destination_port", "sequence", "acknowledgment", "flags", "window"),
    *("timestamp", "echo", "urgent"),
)
_TCP_OPTIONS: dict[str, object] = {
    "mss": -1,
    "window_scale": -1,
    "sack_permitted": False,
    "sack": (),
    "unknown": b"",
}
"""The values of a header without options."""


def tcp(**wanted: Any) -> Checker:
    """Of the fields of `TcpHeader` and of `TcpOptions`: `flags="SYN ACK"`, `mss=1460`, `window_scale=-1` (absent)."""
    wanted = _read(wanted, (*_TCP_FIELDS, *_TCP_OPTIONS), {"flags": parse_flags})

    def complaints(frame: Frame) -> list[str]:
        header = frame.transport
        if not isinstance(header, TcpHeader):
            return ["tcp: there is no TCP header"]
        values = {name: getattr(header, name) for name in _TCP_FIELDS}
        for name, absent in _TCP_OPTIONS.items():
            values[name] = absent if header.options is None else getattr(header.options, name)
        return _compare("tcp", wanted, values, {"flags": tcp_wire.flags_text})

    return complaints


def payload(wanted: bytes | Callable[[bytes], bool]) -> Checker:
    """The payload is these bytes, or the function says yes to it."""
    return lambda frame: _compare("frame", {"payload": wanted}, {"payload": bytes(frame.payload)})


def fault(wanted: Drop | None) -> Checker:
    """The frame is malformed in just this way; None: it is right."""
    return lambda frame: _compare("frame", {"fault": wanted}, {"fault": frame.fault})


def parse_flags(text: str) -> int:
    """The flags of names with blanks between them: "SYN ACK"; "" is none."""
    bits = {name: bit for bit, name in FLAG_NAMES}
    flags = 0
    for name in text.split():
        if name not in bits:
            raise UsageError(f"there is no TCP flag {name!r}; the flags are {', '.join(bits)}")
        flags |= bits[name]
    return flags


def _read(wanted: dict[str, Any], known: tuple[str, ...], readers: Mapping[str, _Reader]) -> dict[str, Any]:
    """The wanted values with texts turned into numbers; a name that is not known is refused."""
    values = {}
    for name, value in wanted.items():
        if name not in known:
            raise UsageError(f"a checker has no {name!r}; it knows {', '.join(known)}")
        reader = readers.get(name)
        values[name] = reader(value) if isinstance(value, str) and reader is not None else value
    return values


def _header_checker(
    name: str,
    kind: type[object],
    wanted: dict[str, Any],
    header_of: Callable[[Frame], object],
    texts: Mapping[str, _Writer] | None = None,
) -> Checker:
    def complaints(frame: Frame) -> list[str]:
        header = header_of(frame)
        if not isinstance(header, kind):
            return [f"{name}: there is no such header"]
        return _compare(name, wanted, {each: getattr(header, each) for each in wanted}, texts)

    return complaints


def _compare(
    name: str,
    wanted: Mapping[str, Any],
    values: Mapping[str, Any],
    texts: Mapping[str, _Writer] | None = None,
) -> list[str]:
    complaints = []
    for field, want in wanted.items():
        value = values[field]
        if want(value) if callable(want) else value == want:
            continue
        text = (texts or {}).get(field, repr)
        wish = "another" if callable(want) else text(want)
        complaints.append(f"{name}.{field} is {text(value)}, wanted {wish}")
    return complaints
