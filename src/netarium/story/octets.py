"""A frame's bytes with its fields named, and its first bits. Called by `showing` for `--bytes`; words in `layers`.

Each header is a table of fields: (offset, bytes, key of its name, how the value is shown). Read first: IEEE 802.3
section 3, 802.1Q, RFC 826, 791, 8200, 792, 768, 9293 section 3.1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final
from zlib import crc32

from netarium.addresses import ipv4_text, ipv6_text, mac_text
from netarium.story.columns import pad, width, wrapped
from netarium.story.language import Language
from netarium.wire.tcp import flags_text

PAYLOAD_SHOWN_MAX: Final = 64
"""So many bytes of a payload are shown, sixteen a line."""
_BITS_SHOWN: Final = 14
_LINE_BYTES: Final = 16
_TEXT_COLUMNS: Final = 90

Show = Callable[[int], str]
Layout = tuple[tuple[int, int, str, Show], ...]


@dataclass(frozen=True)
class Field:
    """Some bytes of a frame: where they begin, the bytes, the key of the field's name, and what they say."""

    offset: int
    data: bytes
    key: str
    value: str


def _number(value: int) -> str:
    return str(value)


def _hex(value: int) -> str:
    return f"0x{value:04x}"


def _version_and_length(value: int) -> str:
    return f"{value >> 4}, {(value & 15) * 4}"


def _fragment(value: int) -> str:
    names = [name for bit, name in ((0x4000, "DF"), (0x2000, "MF")) if value & bit]
    return f"{' '.join(names) or '-'}, {(value & 0x1FFF) * 8}"


def _tcp_bits(value: int) -> str:
    return f"{(value >> 12) * 4}, {flags_text(value & 0x1FF)}"


def _ethertype(value: int) -> str:
    names = {0x0800: "IPv4", 0x0806: "ARP", 0x86DD: "IPv6", 0x8100: "802.1Q"}
    return f"0x{value:04x} {names.get(value, '')}".strip()


def _protocol(value: int) -> str:
    names = {1: "ICMP", 2: "IGMP", 6: "TCP", 17: "UDP", 58: "ICMPv6", 89: "OSPF", 44: "fragment"}
    return f"{value} {names.get(value, '')}".strip()


_ETHERNET: Layout = ((0, 6, "eth.destination", mac_text), (6, 6, "eth.source", mac_text))
_ETHERTYPE: Layout = ((0, 2, "eth.type", _ethertype),)
_TAG: Layout = (
    (0, 2, "tag.tpid", _ethertype),
    (2, 2, "tag.control", lambda value: f"VLAN {value & 0xFFF}, {value >> 13}"),
)
_ARP: Layout = (
    (0, 2, "arp.hardware", _number),
    (2, 2, "arp.protocol", _ethertype),
    (4, 2, "arp.lengths", lambda value: f"{value >> 8}, {value & 255}"),
    (6, 2, "arp.operation", _number),
    (8, 6, "arp.sender_mac", mac_text),
    (14, 4, "arp.sender", ipv4_text),
    (18, 6, "arp.target_mac", mac_text),
    (24, 4, "arp.target", ipv4_text),
)
_IPV4: Layout = (
    (0, 1, "ip.version", _version_and_length),
    (1, 1, "ip.dscp", _number),
    (2, 2, "ip.total", _number),
    (4, 2, "ip.identification", _number),
    (6, 2, "ip.fragment", _fragment),
    (8, 1, "ip.ttl", _number),
    (9, 1, "ip.protocol", _protocol),
    (10, 2, "ip.checksum", _hex),
    (12, 4, "ip.source", ipv4_text),
    (16, 4, "ip.destination", ipv4_text),
)
_IPV6: Layout = (
    (0, 4, "ip6.first", lambda value: f"{value >> 28}, {value >> 20 & 255}, {value & 0xFFFFF}"),
    (4, 2, "ip6.length", _number),
    (6, 1, "ip6.next", _protocol),
    (7, 1, "ip6.hops", _number),
    (8, 16, "ip6.source", ipv6_text),
    (24, 16, "ip6.destination", ipv6_text),
)
_UDP: Layout = (
    (0, 2, "port.source", _number),
    (2, 2, "port.destination", _number),
    (4, 2, "udp.length", _number),
    (6, 2, "checksum", _hex),
)
_TCP: Layout = (
    (0, 2, "port.source", _number),
    (2, 2, "port.destination", _number),
    (4, 4, "tcp.sequence", _number),
    (8, 4, "tcp.acknowledgment", _number),
    (12, 2, "tcp.bits", _tcp_bits),
    (14, 2, "tcp.window", _number),
    (16, 2, "checksum", _hex),
    (18, 2, "tcp.urgent", _number),
)
_ICMP: Layout = (
    (0, 1, "icmp.type", _number),
    (1, 1, "icmp.code", _number),
    (2, 2, "checksum", _hex),
    (4, 4, "icmp.rest", lambda value: f"{value >> 16}, {value & 0xFFFF}"),
)
_TRANSPORTS: Final = {6: _TCP, 17: _UDP, 1: _ICMP, 58: _ICMP}


def fields_of(data: bytes, size: int) -> list[Field]:
    """The fields of a frame as far as its bytes are there; what follows the last header is the field `payload`."""
    found = list(_fields(_ETHERNET, data, 0))
    at = 12
    if data[at : at + 2] == b"\x81\x00":
        found += _fields(_TAG, data, at)
        at += 4
    found += _fields(_ETHERTYPE, data, at)
    ethertype, at = int.from_bytes(data[at : at + 2], "big"), at + 2
    if ethertype == 0x0806:
        found += _fields(_ARP, data, at)
        at += 28
        end = at
    elif ethertype in (0x0800, 0x86DD):
        inside, at, end = _network(data, at, ethertype)
        found += inside
    else:
        end = size
    if at < min(end, len(data)):
        found.append(Field(at, data[at : min(end, len(data))], "payload", ""))
    if end < min(size, len(data)):
        found.append(Field(end, data[end:size], "padding", ""))
    return found


def _network(data: bytes, at: int, ethertype: int) -> tuple[list[Field], int, int]:
    """(fields, where the payload begins, where the packet ends) of IPv4 or IPv6 and what it carries."""
    if ethertype == 0x0800:
        found = list(_fields(_IPV4, data, at))
        header = (data[at] & 15) * 4 if len(data) > at else 20
        end = at + int.from_bytes(data[at + 2 : at + 4], "big")
        protocol = data[at + 9] if len(data) > at + 9 else 0
        is_later_fragment = bool(int.from_bytes(data[at + 6 : at + 8], "big") & 0x1FFF)
        if header > 20:
            found.append(Field(at + 20, data[at + 20 : at + header], "ip.options", ""))
    else:
        found = list(_fields(_IPV6, data, at))
        header, is_later_fragment = 40, False
        end = at + 40 + int.from_bytes(data[at + 4 : at + 6], "big")
        protocol = data[at + 6] if len(data) > at + 6 else 0
    at += header
    layout = _TRANSPORTS.get(protocol)
    if layout is None or is_later_fragment:
        return found, at, end
    found += _fields(layout, data, at)
    after = layout[-1][0] + layout[-1][1]
    if protocol == 6 and len(data) > at + 12:
        header = (data[at + 12] >> 4) * 4
        if header > after:
            found += _tcp_options(data[: at + header], at + after)
        after = max(header, after)
    return found, at + after, end


def _tcp_options(data: bytes, at: int) -> Iterator[Field]:
    """The options from `at` to the end, each with its name; what is none that can be, as one field."""
    while at < len(data):
        kind, size = data[at], data[at + 1] if at + 1 < len(data) else 0
        if kind in _TCP_FILLING:
            size = 1
            while kind == _TCP_NOP and data[at + size : at + size + 1] == bytes([kind]):
                size += 1
            yield Field(at, data[at : at + size], _TCP_FILLING[kind], "")
        elif kind in _TCP_OPTIONS and size >= 2 and at + size <= len(data):
            key, value = _TCP_OPTIONS[kind]
            yield Field(at, data[at : at + size], key, value(data[at + 2 : at + size]))
        else:
            yield Field(at, data[at:], "tcp.options", "")
            return
        at += size


def _option_number(data: bytes) -> str:
    return str(int.from_bytes(data, "big"))


def _option_scale(data: bytes) -> str:
    shift = data[0] if data else 0
    return f"{shift} (x {1 << shift})" if shift <= _TCP_SHIFT_MAX else str(shift)


def _option_timestamps(data: bytes) -> str:
    return f"{int.from_bytes(data[:4], 'big')}, {int.from_bytes(data[4:8], 'big')}"


def _option_blocks(data: bytes) -> str:
    edges = [int.from_bytes(data[start : start + 4], "big") for start in range(0, len(data) & ~7, 4)]
    return ", ".join(f"{left}-{right}" for left, right in zip(edges[::2], edges[1::2], strict=True))


_TCP_NOP: Final = 1
_TCP_SHIFT_MAX: Final = 14
"""RFC 7323, 2.3."""
_TCP_FILLING: Final = {0: "tcp.option.end", _TCP_NOP: "tcp.option.nop"}
_TCP_OPTIONS: Final[dict[int, tuple[str, Callable[[bytes], str]]]] = {
    2: ("tcp.option.mss", _option_number),
    3: ("tcp.option.scale", _option_scale),
    4: ("tcp.option.sack-permitted", lambda data: ""),
    5: ("tcp.option.sack", _option_blocks),
    8: ("tcp.option.timestamps", _option_timestamps),
}
"""Kind -> the key of its name, and what its value says (RFC 9293 3.2, 7323, 2018)."""


def _fields(layout: Layout, data: bytes, start: int) -> Iterator[Field]:
    for offset, size, key, show in layout:
        piece = data[start + offset : start + offset + size]
        if len(piece) == size:
            yield Field(start + offset, piece, key, show(int.from_bytes(piece, "big")))


def lines(data: bytes, size: int, language: Language) -> Iterator[str]:
    """The frame's fields one a line: offset, bytes, name, value; then its FCS, and its first bits."""
    rows: list[tuple[str, str, str, str]] = []
    for field in fields_of(data, size):
        name = language.text(f"octets.{field.key}")
        if field.key in ("payload", "padding", "ip.options", "tcp.options"):
            rows += _dump(field, name, language)
        else:
            rows.append((f"{field.offset:>4}", field.data.hex(" "), name, field.value))
    if len(data) >= size:
        fcs = crc32(data[:size]).to_bytes(4, "little")
        rows.append((f"{size:>4}", fcs.hex(" "), language.text("octets.fcs"), ""))
    else:
        missing = language.text("octets.not-kept", n=size - len(data))
        rows.append((f"{len(data):>4}", "...", missing, ""))
    wide = [max(width(row[column]) for row in rows) for column in (1, 2)]
    for offset, octets, name, value in rows:
        yield f"{offset}  {pad(octets, wide[0])}  {pad(name, wide[1])}  {value}".rstrip()
    yield language.text("octets.bits", n=_BITS_SHOWN)
    for start in range(0, _BITS_SHOWN, 7):
        yield "  " + " ".join(f"{octet:08b}" for octet in data[start : start + 7])
    yield from wrapped(language.text("octets.line-code"), _TEXT_COLUMNS)


def _dump(field: Field, name: str, language: Language) -> Iterator[tuple[str, str, str, str]]:
    """Bytes sixteen a line, with their text beside."""
    shown = field.data[:PAYLOAD_SHOWN_MAX]
    for start in range(0, len(shown), _LINE_BYTES):
        piece = shown[start : start + _LINE_BYTES]
        text = "".join(chr(octet) if 32 <= octet < 127 else "." for octet in piece)
        yield f"{field.offset + start:>4}", piece.hex(" "), name if not start else "", text
    if len(shown) < len(field.data):
        yield "", "...", language.text("octets.more", n=len(field.data) - len(shown)), ""
