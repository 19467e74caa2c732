"""IPv4 options of what arrives: are they well formed, and does one of them say the way.

Read first: RFC 791 3.1, RFC 1122 3.2.1.8, Linux ip_options_compile. Options are looked over, and none is acted upon; a
source route is not accepted (net.ipv4.conf.all.accept_source_route is 0 on Linux).
"""

from __future__ import annotations

from typing import Final

from netarium.wire.ipv4 import SIZE_BYTES_MIN

END: Final = 0
NO_OPERATION: Final = 1
RECORD_ROUTE: Final = 7
TIMESTAMP: Final = 68
LOOSE_SOURCE_ROUTE: Final = 131
ROUTER_ALERT: Final = 148
STRICT_SOURCE_ROUTE: Final = 137
SOURCE_ROUTES: Final = (LOOSE_SOURCE_ROUTE, STRICT_SOURCE_ROUTE)
_BYTES_MIN: Final = {
    RECORD_ROUTE: 3,
    TIMESTAMP: 4,
    LOOSE_SOURCE_ROUTE: 3,
    STRICT_SOURCE_ROUTE: 3,
    ROUTER_ALERT: 4,
}
_POINTER_MIN: Final = {RECORD_ROUTE: 4, TIMESTAMP: 5, LOOSE_SOURCE_ROUTE: 4, STRICT_SOURCE_ROUTE: 4}
_ROOM_BYTES: Final = {0: 4, 1: 8, 3: 8}
"""What one entry of a timestamp option takes, by its flags (RFC 791: time, address and time, prespecified)."""


def look_over(options: bytes) -> tuple[int, bool]:
    """(the byte of the header that is wrong, -1 for none; whether a source route is among them)."""
    at, seen = 0, set()
    while at < len(options):
        kind = options[at]
        if kind == END:
            break
        if kind == NO_OPERATION:
            at += 1
            continue
        size = options[at + 1] if at + 1 < len(options) else 0
        if size < 2 or at + size > len(options):
            return SIZE_BYTES_MIN + at, False
        family = LOOSE_SOURCE_ROUTE if kind in SOURCE_ROUTES else kind
        if family in seen and family in _POINTER_MIN:
            return SIZE_BYTES_MIN + at, False
        wrong = _wrong_byte(kind, options[at : at + size])
        if wrong >= 0:
            return SIZE_BYTES_MIN + at + wrong, False
        seen.add(family)
        at += size
    return -1, LOOSE_SOURCE_ROUTE in seen


def _wrong_byte(kind: int, option: bytes) -> int:
    """Of one option that is as long as it says: which of its bytes cannot be, -1 for none."""
    size = len(option)
    if size < _BYTES_MIN.get(kind, 2):
        return 1
    if kind not in _POINTER_MIN:
        return -1
    pointer = option[2]
    if pointer < _POINTER_MIN[kind]:
        return 2
    if pointer > size:  # full: nothing more is written; too many stations without room are an error
        return 3 if kind == TIMESTAMP and option[3] >> 4 == 15 else -1
    if kind == RECORD_ROUTE:
        return 2 if pointer + 3 > size else -1
    if kind == TIMESTAMP:
        room = _ROOM_BYTES.get(option[3] & 15, 4)
        return 2 if pointer + room - 1 > size else -1
    return -1
