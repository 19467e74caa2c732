"""The names of constants that scripts use, with Linux' values."""

from __future__ import annotations

import errno
import fcntl
import os
import select
import socket

_EXTRA = {
    "SOL_TCP": 6,
    "SOL_IP": 0,
    "TCP_SYNCNT": 7,
    "TCP_LINGER2": 8,
    "TCP_DEFER_ACCEPT": 9,
    "TCP_WINDOW_CLAMP": 10,
    "TCP_CONGESTION": 13,
    "TCP_USER_TIMEOUT": 18,
    "IP_MTU_DISCOVER": 10,
    "SIOCINQ": 0x541B,
    "SIOCOUTQ": 0x5411,
    "FIONREAD": 0x541B,
    "MSG_FASTOPEN": 0x20000000,
    "MSG_ZEROCOPY": 0x4000000,
    "TCP_FASTOPEN": 23,
    "TCP_FASTOPEN_CONNECT": 30,
    "TCP_TIMESTAMP": 24,
    "TCP_NOTSENT_LOWAT": 25,
    "TCP_INQ": 36,
    "TCP_CM_INQ": 36,
    "TCP_TX_DELAY": 37,
    "TCP_REPAIR": 19,
    "SO_TIMESTAMPING": 37,
    "SO_ZEROCOPY": 60,
    "SO_MAX_PACING_RATE": 47,
    "SO_TXTIME": 61,
    "SO_INCOMING_CPU": 49,
    "SO_BUSY_POLL": 46,
}


def value_of(name: str) -> int | None:
    """The number a name stands for; None when it is unknown."""
    if name in _EXTRA:
        return _EXTRA[name]
    for module in (socket, errno, select, os, fcntl):
        found = getattr(module, name, None)
        if isinstance(found, int):
            return int(found)
    return None
