"""Bridge protocol data units: what bridges tell each other (IEEE 802.1D-2004 clause 9).

A BPDU travels in an IEEE 802.3 frame: the EtherType field is a length, the data begins with the LLC header 42 42 03
(802.1D 9.2, ISO 8802-2), the destination is 01-80-C2-00-00-00. There are three kinds: Configuration (version 0, type
0, 35 bytes), Topology Change Notification (version 0, type 0x80, 4 bytes), and Rapid Spanning Tree (version 2, type 2,
36 bytes, the last of them a version-1 length of zero).

    flags    7: TC acknowledgment  6: agreement  5: forwarding  4: learning  3-2: port role  1: proposal  0: TC

Bits 6 to 1 mean something in Rapid Spanning Tree BPDUs only.
"""

from __future__ import annotations

from struct import Struct
from typing import Final

from netarium.addresses import mac_text
from netarium.errors import WireError
from netarium.wire.ethernet import Frame

BRIDGE_GROUP_ADDRESS: Final = 0x0180C2000000
LLC: Final = b"\x42\x42\x03"

CONFIGURATION: Final = 0x00
RAPID: Final = 0x02
TOPOLOGY_CHANGE_NOTIFICATION: Final = 0x80

VERSION_STP: Final = 0
VERSION_RSTP: Final = 2

TOPOLOGY_CHANGE: Final = 0x01
PROPOSAL: Final = 0x02
LEARNING: Final = 0x10
FORWARDING: Final = 0x20
AGREEMENT: Final = 0x40
TOPOLOGY_CHANGE_ACKNOWLEDGMENT: Final = 0x80

ROLE_SHIFT: Final = 2
ROLE_UNKNOWN: Final = 0
ROLE_ALTERNATE_OR_BACKUP: Final = 1
ROLE_ROOT: Final = 2
ROLE_DESIGNATED: Final = 3

SECOND: Final = 256
"""Times are 16 bits in units of 1/256 s (9.2.8)."""

_HEAD: Final = Struct("!HBB")
_BODY: Final = Struct("!BQIQHHHHH")
_TCN_BYTES: Final = 4
_CONFIGURATION_BYTES: Final = 35
_RAPID_BYTES: Final = 36
_TYPE_NAMES: Final = {CONFIGURATION: "config", TOPOLOGY_CHANGE_NOTIFICATION: "TCN", RAPID: "RST"}
_ROLE_NAMES: Final = ("unknown", "alternate", "root", "designated")


class Bpdu:
    """One BPDU. Bridge identifiers are 64 bits (16 of priority, 48 of MAC), the port's 16 (4 of priority, 12 of
    number), the root path cost 32; the four times are in 1/256 s. Of a notification only `type` and `version` count.
    """

    __slots__ = (
        "bridge",
        "cost",
        "flags",
        "forward_delay",
        "hello_time",
        "max_age",
        "message_age",
        "port",
        "root",
        "type",
        "version",
    )

    def __init__(
        self,
        type: int,
        version: int,
        flags: int = 0,
        root: int = 0,
        cost: int = 0,
        bridge: int = 0,
        port: int = 0,
        message_age: int = 0,
        max_age: int = 0,
        hello_time: int = 0,
        forward_delay: int = 0,
    ) -> None:
        self.type: Final = type
        self.version: Final = version
        self.flags: Final = flags
        self.root: Final = root
        self.cost: Final = cost
        self.bridge: Final = bridge
        self.port: Final = port
        self.message_age: Final = message_age
        self.max_age: Final = max_age
        self.hello_time: Final = hello_time
        self.forward_delay: Final = forward_delay

    @property
    def role(self) -> int:
        """The role its sender gives the port (ROLE_...); a Configuration BPDU says designated (17.21.8)."""
        if self.type == CONFIGURATION:
            return ROLE_DESIGNATED
        return self.flags >> ROLE_SHIFT & 3

    @property
    def size_bytes(self) -> int:
        """Its length without the LLC header."""
        if self.type == TOPOLOGY_CHANGE_NOTIFICATION:
            return _TCN_BYTES
        return _RAPID_BYTES if self.type == RAPID else _CONFIGURATION_BYTES

    def emit(self) -> bytes:
        """The bytes after the LLC header."""
        head = _HEAD.pack(0, self.version, self.type)
        if self.type == TOPOLOGY_CHANGE_NOTIFICATION:
            return head
        body = _BODY.pack(
            self.flags,
            self.root,
            self.cost,
            self.bridge,
            self.port,
            self.message_age,
            self.max_age,
            self.hello_time,
            self.forward_delay,
        )
        return head + body + (b"\0" if self.type == RAPID else b"")

    @staticmethod
    def parse(data: bytes | memoryview) -> Bpdu:
        """The BPDU at the start of `data`. Raises WireError for what 9.3.4 tells to discard.

        A Rapid BPDU of a later version is read as far as version 2 goes (9.3.3); a Rapid BPDU whose role is unknown
        counts as a Configuration BPDU, as the clause says.
        """
        if len(data) < _TCN_BYTES:
            raise WireError(f"a BPDU has {_TCN_BYTES} bytes at least, here are {len(data)}")
        protocol, version, type = _HEAD.unpack_from(data)
        if protocol != 0:
            raise WireError(f"protocol {protocol} in a BPDU, not 0")
        if type == TOPOLOGY_CHANGE_NOTIFICATION:
            return Bpdu(type, version)
        if type == CONFIGURATION:
            needed = _CONFIGURATION_BYTES
        elif type == RAPID and version >= VERSION_RSTP:
            needed = _RAPID_BYTES
        else:
            raise WireError(f"no BPDU has type {type:#04x} in version {version}")
        if len(data) < needed:
            raise WireError(f"a BPDU of type {type:#04x} has {needed} bytes, here are {len(data)}")
        fields = _BODY.unpack_from(data, _TCN_BYTES)
        bpdu = Bpdu(type, version, *fields)
        if type == CONFIGURATION and bpdu.message_age >= bpdu.max_age:
            raise WireError(f"the message age {bpdu.message_age} has reached the maximum {bpdu.max_age}")
        if type == RAPID and bpdu.role == ROLE_UNKNOWN:
            return Bpdu(CONFIGURATION, VERSION_STP, *fields)
        return bpdu

    def frame(self, source: int) -> Frame:
        """The frame that carries it, from the MAC address `source`."""
        data = LLC + self.emit()
        return Frame(BRIDGE_GROUP_ADDRESS, source, len(data), None, None, data)

    @staticmethod
    def of_frame(frame: Frame) -> Bpdu:
        """The BPDU in a frame for the bridge group address. Raises WireError when there is none."""
        if frame.fault is not None or bytes(frame.payload[:3]) != LLC:
            raise WireError("no LLC header 42 42 03: no BPDU")
        return Bpdu.parse(frame.payload[3:])

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Bpdu):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in self.__slots__)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<Bpdu {self.describe()}>"

    def describe(self) -> str:
        """What an engineer reads of it, without the brackets of `repr`."""
        words = [_TYPE_NAMES.get(self.type, f"type={self.type:#04x}")]
        if self.type == TOPOLOGY_CHANGE_NOTIFICATION:
            return words[0]
        words.append(f"root={bridge_text(self.root)} cost={self.cost} bridge={bridge_text(self.bridge)}")
        words.append(f"port={self.port:#06x} age={self.message_age // SECOND}")
        if self.type == RAPID:
            words.append(_ROLE_NAMES[self.role])
        for bit, word in _FLAG_NAMES:
            if self.flags & bit:
                words.append(word)
        return " ".join(words)


_FLAG_NAMES: Final = (
    (PROPOSAL, "proposal"),
    (AGREEMENT, "agreement"),
    (LEARNING, "learning"),
    (FORWARDING, "forwarding"),
    (TOPOLOGY_CHANGE, "TC"),
    (TOPOLOGY_CHANGE_ACKNOWLEDGMENT, "TCA"),
)


def bridge_text(identifier: int) -> str:
    """A bridge identifier as Wireshark and switches write it: `32768/02:00:00:00:00:01`."""
    return f"{identifier >> 48}/{mac_text(identifier & (1 << 48) - 1)}"
