"""The digest of a run: two runs that agree in it have shown the same events, in the same order, at the same
times.

It covers every frame sent and received (time, port, all header values without checksums, CRC of the payload),
every drop (time, place, reason, frame) and every state change (time, place, subject, before, after, cause).
It does not cover what only exists because somebody watches: steps and calls. BLAKE2b over fixed-size records,
gathered so that the cost per event is that of packing four integers.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b
from struct import Struct
from typing import Final, NamedTuple
from zlib import crc32

from netarium.journey import Cause, Drop, PortLike, Stop
from netarium.wire.ethernet import Frame

_LAYOUT: Final = "qIII"
"""A record: time in ns, port number or CRC of the place, kind, CRC of what happened."""

_RECORD: Final = Struct("<" + _LAYOUT)
_FIELDS: Final = len(_LAYOUT)
_RECEIVED: Final = 0
_SENT: Final = 1
_DROP: Final = 2
_STATE: Final = 3
_KINDS: Final = ("frame received", "frame sent", "drop", "state change")
_GATHERED: Final = 4096 * _FIELDS
_FULL: Final = Struct("<" + _LAYOUT * 4096)
_DIGEST_BYTES: Final = 16
_LINK_SENT: Final = Stop.LINK_SENT


class Difference(NamedTuple):
    """The first event, counted from 0, that differs between two runs; "" for `first` or `second` when that
    run has ended before.
    """

    number: int
    time_ns: int
    first: str
    second: str

    def __str__(self) -> str:
        return f"event {self.number} at {self.time_ns} ns: {self.first or 'the end'} / {self.second or 'the end'}"


class Digest:
    """An observer that digests a run. With `keep` it keeps the records (20 bytes an event) for
    `first_difference`.
    """

    __slots__ = (
        "_digested",
        "_gathered",
        "_hash",
        "_keep",
        "_names",
        "_places",
        "_records",
        "frame",
        "gather",
    )

    def __init__(self, *, keep: bool = False) -> None:
        self._hash = blake2b(digest_size=_DIGEST_BYTES)
        self._gathered: list[int] = []
        self._digested = 0
        self._keep = keep
        self._records = bytearray()
        self._places: dict[int, str] = {}
        self._names: dict[Drop, bytes] = {}
        self.frame = self._frame_hook()
        """The hook: digest a frame sent or received."""
        self.gather: Callable[[tuple[int, int, int, int]], None] | None = (
            None if keep else self._gathered.extend
        )
        """See `journey.Watch.gather`."""

    def _frame_hook(self) -> Callable[[int, PortLike, Stop, Frame], None]:
        # Called twice a hop in every run: names in a closure are found 40 % faster than attributes of an object.
        gathered, add, fold, places = self._gathered, self._gathered.extend, self._fold, self._places

        def frame_hook(now: int, port: PortLike, stop: Stop, frame: Frame) -> None:
            crc = frame.digest_crc
            if crc < 0:
                crc = frame.digest()
                if len(gathered) >= _GATHERED:  # a look at each new frame is often enough
                    fold()
            add((now, port.number, stop is _LINK_SENT, crc))

        def keeping_hook(now: int, port: PortLike, stop: Stop, frame: Frame) -> None:
            places[port.number] = port.name
            frame_hook(now, port, stop, frame)

        return keeping_hook if self._keep else frame_hook

    def drop(self, now: int, place: str, reason: Drop, frame: Frame | None, detail: str) -> None:
        """Digest a drop; `detail` is for people and does not count."""
        name = self._names.get(reason)
        if name is None:
            name = self._names[reason] = reason.name.encode()
        crc = crc32(name, 0 if frame is None else frame.digest())
        self._event(now, place, _DROP, crc)

    def state(self, now: int, place: str, subject: str, before: str, after: str, cause: Cause) -> None:
        """Digest a state change."""
        self._event(now, place, _STATE, crc32("\0".join((subject, before, after, cause.name)).encode()))

    @property
    def events(self) -> int:
        """How many events it has digested."""
        return self._digested + len(self._gathered) // _FIELDS

    def hexdigest(self) -> str:
        """The digest so far: 32 hexadecimal digits."""
        self._fold()
        return self._hash.hexdigest()

    def _event(self, now: int, place: str, kind: int, crc: int) -> None:
        number = crc32(place.encode())
        self._gathered.extend((now, number, kind, crc))
        if self._keep:
            self._places[number] = place
        if len(self._gathered) >= _GATHERED:
            self._fold()

    def _fold(self) -> None:
        # One call packs a full load; records one by one would cost half as much again.
        while len(self._gathered) >= _GATHERED:
            self._take(_FULL, self._gathered[:_GATHERED])
        if self._gathered:
            self._take(Struct("<" + _LAYOUT * (len(self._gathered) // _FIELDS)), self._gathered)

    def _take(self, layout: Struct, values: list[int]) -> None:
        data = layout.pack(*values)
        count = len(values)
        del self._gathered[:count]
        self._hash.update(data)
        self._digested += count // _FIELDS
        if self._keep:
            self._records += data

    def first_difference(self, other: Digest) -> Difference | None:
        """The first event in which two kept runs differ; None when they do not."""
        self._fold()
        other._fold()
        mine, its = self._records, other._records
        if mine == its:
            return None
        size = _RECORD.size
        index = 0
        # Halve the distance until the first differing record is found: comparing slices runs at memory speed.
        span = 1 << max(len(mine), len(its)).bit_length()
        while span >= 1:
            end = (index + span) * size
            if mine[index * size : end] == its[index * size : end] and end <= min(len(mine), len(its)):
                index += span
            span >>= 1
        first, second = self._told(index), other._told(index)
        return Difference(index, min(each[0] for each in (first, second) if each[1]), first[1], second[1])

    def _told(self, index: int) -> tuple[int, str]:
        offset = index * _RECORD.size
        if offset >= len(self._records):
            return 0, ""
        now, place, kind, crc = _RECORD.unpack_from(self._records, offset)
        return now, f"{_KINDS[kind]} at {self._places.get(place, str(place))}, {now} ns, {crc:08x}"
