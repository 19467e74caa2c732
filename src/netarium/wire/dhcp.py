"""DHCP messages: the fixed part of BOOTP, and options.

Read first: RFC 2131 2 (the fixed part) and 4.1 (option overload), RFC 2132 (options), RFC 3396 (an option given several
times is one long one). Addresses are 32-bit ints; `hardware_address` is as long as its length field says.
"""

from __future__ import annotations

from collections.abc import Mapping
from struct import Struct
from struct import error as StructError
from typing import Final

from netarium.errors import UsageError, WireError

SERVER_PORT: Final = 67
CLIENT_PORT: Final = 68

BOOT_REQUEST: Final = 1
BOOT_REPLY: Final = 2
FLAG_BROADCAST: Final = 0x8000
"""The client cannot take unicast before it is configured (RFC 2131 4.1)."""

DISCOVER, OFFER, REQUEST, DECLINE, ACK, NAK, RELEASE, INFORM = range(1, 9)
NAMES: Final = {
    DISCOVER: "DHCPDISCOVER", OFFER: "DHCPOFFER", REQUEST: "DHCPREQUEST", DECLINE: "DHCPDECLINE",
    ACK: "DHCPACK", NAK: "DHCPNAK", RELEASE: "DHCPRELEASE", INFORM: "DHCPINFORM",
}  # fmt: skip

PAD: Final = 0
SUBNET_MASK: Final = 1
ROUTER: Final = 3
NAME_SERVER: Final = 6
HOST_NAME: Final = 12
DOMAIN_NAME: Final = 15
BROADCAST_ADDRESS: Final = 28
REQUESTED_ADDRESS: Final = 50
LEASE_TIME: Final = 51
OVERLOAD: Final = 52
MESSAGE_TYPE: Final = 53
SERVER_IDENTIFIER: Final = 54
PARAMETER_LIST: Final = 55
MESSAGE: Final = 56
MESSAGE_SIZE_MAX: Final = 57
RENEWAL_TIME: Final = 58
REBINDING_TIME: Final = 59
CLIENT_IDENTIFIER: Final = 61
RELAY_AGENT: Final = 82
END: Final = 255

HARDWARE_ETHERNET: Final = 1
NUMBER_BYTES: Final = 4
"""Times and addresses (RFC 2132 9.2, 9.11, 9.12)."""
FIXED_BYTES: Final = 236
MAGIC_COOKIE: Final = b"\x63\x82\x53\x63"
MESSAGE_BYTES_MIN: Final = 300
"""What BOOTP relays and clients expect at least (RFC 951 3; RFC 1542 2.1)."""
SNAME: Final = slice(44, 108)
FILE: Final = slice(108, 236)

_LAYOUT: Final = Struct("!BBBBIHHIIII16s64s128s")


class DhcpMessage:
    """One DHCP message. `options` maps codes to bytes, in the order they are sent; pad and end are left out.

    `your_address` is what the server gives (yiaddr), `client_address` what the client has (ciaddr),
    `relay_address` the relay's on the client's link (giaddr), `next_server` siaddr.
    """

    __slots__ = (
        "client_address", "flags", "hardware_address", "hardware_type", "hops", "next_server", "operation", "options",
        "relay_address", "seconds", "transaction", "your_address",
    )  # fmt: skip

    def __init__(
        self,
        operation: int,
        transaction: int,
        hardware_address: bytes,
        options: Mapping[int, bytes],
        *,
        client_address: int = 0,
        your_address: int = 0,
        next_server: int = 0,
        relay_address: int = 0,
        seconds: int = 0,
        flags: int = 0,
        hops: int = 0,
        hardware_type: int = HARDWARE_ETHERNET,
    ) -> None:
        self.operation: Final = operation
        self.transaction: Final = transaction
        self.hardware_address: Final = hardware_address
        self.options: Final = dict(options)
        self.client_address: Final = client_address
        self.your_address: Final = your_address
        self.next_server: Final = next_server
        self.relay_address: Final = relay_address
        self.seconds: Final = seconds
        self.flags: Final = flags
        self.hops: Final = hops
        self.hardware_type: Final = hardware_type

    @property
    def kind(self) -> int:
        """The DHCP message type (DISCOVER ...); 0 for plain BOOTP."""
        value = self.options.get(MESSAGE_TYPE, b"")
        return value[0] if len(value) == 1 else 0

    @property
    def name(self) -> str:
        """`DHCPDISCOVER` and so on."""
        return NAMES.get(self.kind, "BOOTP")

    def address(self, code: int) -> int:
        """The (first) address of an option; 0 without it."""
        value = self.options.get(code, b"")
        return int.from_bytes(value[:4], "big") if len(value) >= 4 else 0

    def addresses(self, code: int) -> list[int]:
        """All addresses of an option."""
        value = self.options.get(code, b"")
        return [int.from_bytes(value[at : at + 4], "big") for at in range(0, len(value) - 3, 4)]

    def number(self, code: int, default: int = 0) -> int:
        """The 32-bit number of an option, such as a time in s; `default` without it, or when it has not 4 bytes."""
        value = self.options.get(code, b"")
        return int.from_bytes(value, "big") if len(value) == NUMBER_BYTES else default

    def text(self, code: int) -> str:
        """The text of an option, without trailing zeros."""
        return self.options.get(code, b"").rstrip(b"\0").decode("utf-8", "replace")

    @property
    def client_key(self) -> bytes:
        """Who the client is: its client identifier, else its hardware type and address (RFC 2131 4.2)."""
        given = self.options.get(CLIENT_IDENTIFIER, b"")
        return given or bytes([self.hardware_type & 0xFF]) + self.hardware_address

    def emit(self) -> bytes:
        """The message's bytes, padded to 300."""
        if len(self.hardware_address) > 16:
            raise UsageError(f"a hardware address of {len(self.hardware_address)} bytes; at most 16")
        fixed = _LAYOUT.pack(
            self.operation, self.hardware_type, len(self.hardware_address), self.hops, self.transaction,
            self.seconds, self.flags, self.client_address, self.your_address, self.next_server, self.relay_address,
            self.hardware_address, b"", b"",
        )  # fmt: skip
        parts = [fixed, MAGIC_COOKIE]
        for code, value in self.options.items():
            if not PAD < code < END:
                raise UsageError(f"an option's code is 1 to 254, not {code}")
            for at in range(0, len(value) or 1, 255):
                piece = value[at : at + 255]
                parts += [bytes((code, len(piece))), piece]
        parts.append(b"\xff")
        return b"".join(parts).ljust(MESSAGE_BYTES_MIN, b"\0")

    @staticmethod
    def parse(data: bytes | memoryview) -> DhcpMessage:
        """The message in `data`. Raises WireError when it is cut off, is no DHCP, or an option is malformed."""
        data = bytes(data)
        try:
            fields = _LAYOUT.unpack_from(data)
        except StructError:
            raise WireError(f"a DHCP message needs {FIXED_BYTES} bytes, here are {len(data)}") from None
        operation, hardware_type, hardware_length, hops, transaction, seconds, flags = fields[:7]
        if operation not in (BOOT_REQUEST, BOOT_REPLY):
            raise WireError(f"a BOOTP operation of {operation}; 1 is a request, 2 a reply")
        if hardware_length > 16:
            raise WireError(f"a hardware address of {hardware_length} bytes; at most 16")
        if data[FIXED_BYTES : FIXED_BYTES + 4] != MAGIC_COOKIE:
            raise WireError("no DHCP magic cookie (99.130.83.99) after the fixed part")
        return DhcpMessage(
            operation,
            transaction,
            fields[11][:hardware_length],
            _parse_options(data),
            client_address=fields[7],
            your_address=fields[8],
            next_server=fields[9],
            relay_address=fields[10],
            seconds=seconds,
            flags=flags,
            hops=hops,
            hardware_type=hardware_type,
        )

    def __eq__(self, other: object) -> bool:
        if type(other) is not DhcpMessage:
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in DhcpMessage.__slots__)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        client = self.hardware_address.hex(":")
        return f"DhcpMessage({self.name}, transaction={self.transaction:#010x}, client={client})"


def _parse_options(data: bytes) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    _read_options(data[FIXED_BYTES + 4 :], found)
    overload = found.pop(OVERLOAD, b"\0")
    if len(overload) == 1 and overload[0] & 1:
        _read_options(data[FILE], found)
    if len(overload) == 1 and overload[0] & 2:
        _read_options(data[SNAME], found)
    return found


def _read_options(data: bytes, found: dict[int, bytes]) -> None:
    at, size = 0, len(data)
    while at < size:
        code = data[at]
        if code == END:
            return
        if code == PAD:
            at += 1
            continue
        if at + 2 > size or at + 2 + data[at + 1] > size:
            raise WireError(f"DHCP option {code} is cut off")
        end = at + 2 + data[at + 1]
        found[code] = found.get(code, b"") + data[at + 2 : end]
        at = end
