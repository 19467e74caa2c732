"""The headers of the file transfer and every rule about them. Pure.

hello -> welcome; then any number of: `get` -> `offer` -> `go` -> `file` + data + `digest` -> `done`, `put` -> `go` ->
`file` + data + `digest` -> `done`, `list` -> `entries`... -> `end`, `mkdir` -> `done`. Instead of any answer an `error`
may come, which ends the connection. Data are chunks (see `chunks`).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from netarium.apps.framing import Message

PORT = 8766
PROTOCOL = "netarium-files"
VERSION = 2
NAME_BYTES_MAX, PART_BYTES_MAX, DEPTH_MAX = (
    4096,
    255 - 16,
    64,
)  # 255 is Linux' NAME_MAX; the partial's ending needs 16
SIZE_MAX = (1 << 63) - 1
ALGORITHMS = ("sha256", "md5", "none")
PARTIAL_ENDING = ".netarium-part"
TRANSIENT = ("busy", "changed")  # codes of what may be otherwise in a moment


class Refused(Exception):
    """The request cannot be done, and the peer is told why; `code` is for programs.

    `offset` is told by a sender whose data end early: up to there they were the file's.
    """

    def __init__(self, text: str, code: str = "refused", offset: int = -1) -> None:
        super().__init__(text)
        self.code, self.offset = code, offset


class PeerError(Exception):
    """The peer refused or broke the rules, or is no peer of ours. `code` and `offset` are as the peer told them.

    Trying again helps with the codes in TRANSIENT only.
    """

    def __init__(self, text: str, code: str = "", offset: int = -1) -> None:
        super().__init__(text)
        self.code, self.offset = code, offset


class Broken(Exception):
    """The connection broke or stalled; trying again may help."""


def split_name(name: object) -> tuple[str, ...]:
    """The parts of a file's name relative to the served directory; anything that could lead elsewhere is refused."""
    if not isinstance(name, str):
        raise Refused("the name must be text", "name")
    if not name:
        raise Refused("the name is empty", "name")
    if "\0" in name:
        raise Refused("the name has a NUL in it", "name")
    try:
        size = len(name.encode("utf-8", "surrogateescape"))
    except UnicodeEncodeError:
        raise Refused("the name is not text", "name") from None
    if size > NAME_BYTES_MAX:
        raise Refused(f"the name has {size} bytes; at most {NAME_BYTES_MAX} are taken", "name")
    if name.startswith("/"):
        raise Refused("the name is absolute; one relative to the served directory is wanted", "name")
    parts = tuple(name.split("/"))
    if len(parts) > DEPTH_MAX:
        raise Refused(f"the name is {len(parts)} directories deep; at most {DEPTH_MAX} are taken", "name")
    for part in parts:
        _check_part(part)
    return parts


def _check_part(part: str) -> None:
    if part == "..":
        raise Refused("the name has '..' in it", "name")
    if part in ("", "."):
        raise Refused("the name has an empty part or '.' in it", "name")
    if len(part.encode("utf-8", "surrogateescape")) > PART_BYTES_MAX:
        raise Refused(f"a part of the name is over {PART_BYTES_MAX} bytes long", "name")
    if part.endswith(PARTIAL_ENDING):
        raise Refused(f"names that end in {PARTIAL_ENDING} are kept for files under way", "name")


def number(header: Message, field: str, maximum: int = SIZE_MAX, minimum: int = 0) -> int:
    """A field that must be a whole number within bounds."""
    value = header.get(field)
    if type(value) is not int:
        raise Refused(f"the field {field!r} must be a whole number", "header")
    if not minimum <= value <= maximum:
        raise Refused(f"the field {field!r} must be from {minimum} to {maximum}", "header")
    return value


def algorithm_of(header: Message) -> str:
    """The digest algorithm a header names."""
    algorithm = header.get("algorithm", "sha256")
    if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
        raise Refused(f"the algorithm must be one of {', '.join(ALGORITHMS)}", "header")
    return algorithm


class NoDigest:
    """Stands in for a hash when none is wanted."""

    def update(self, data: object, /) -> None:
        """Take nothing."""

    def hexdigest(self) -> str:
        """Nothing."""
        return ""

    def copy(self) -> NoDigest:
        """Itself."""
        return self


def new_digest(algorithm: str) -> Any:
    """A fresh hash object."""
    if algorithm == "none":
        return NoDigest()
    # As integrity check against accidents; md5 is there for who has md5 sums to compare with.
    return hashlib.new(algorithm, usedforsecurity=False) if algorithm == "md5" else hashlib.new(algorithm)


@dataclass(frozen=True)
class FileHeader:
    """What is told of a file before its bytes: `mtime_ns` since 1970, `mode` 0 to 0o777, `offset` where they begin."""

    name: str
    size: int
    mtime_ns: int
    mode: int
    algorithm: str
    offset: int = 0

    def message(self, kind: str) -> Message:
        """The header as a message of this type: `put` or `file`."""
        return {
            "type": kind,
            "name": self.name,
            "size": self.size,
            "mtime_ns": self.mtime_ns,
            "mode": self.mode,
            "algorithm": self.algorithm,
            "offset": self.offset,
        }

    @classmethod
    def parse(cls, header: Message) -> FileHeader:
        """The header in a message; Refused says what is wrong with it."""
        name = "/".join(split_name(header.get("name")))
        size = number(header, "size")
        mtime_ns = number(header, "mtime_ns", SIZE_MAX, -SIZE_MAX)
        offset = number(header, "offset", size) if "offset" in header else 0
        return cls(name, size, mtime_ns, number(header, "mode", 0o7777) & 0o777, algorithm_of(header), offset)
