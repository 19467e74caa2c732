"""The trace of a run: one JSON object a line (or in memory), schema version 2. It needs nothing beside it to be told.

The first line is the header: `{"netarium_trace": 2, "seed": ..., ...}`; `lab/description.py` says what a net puts into
it. Every other line has `t` (virtual ns), `event` and `at` (the port, cable, node or program where it happened), and by
`event`:

- `sent`, `received`: the fields of `summary.summarize`, `crc` (CRC-32 of what follows the last header, so that one
  packet is known again behind a router) and `frame`: its number in the capture if one is written, else its running
  number as a capture of all ports would count. `sent` has `data`, the frame's bytes in hexadecimal: all of them,
  but of TCP's payload the first 256; `size` says how many there are;
- `dropped`: `reason` (a name of `journey.Drop`), `detail`, if there is a frame its fields, `crc`, and `frame`, its
  number where it was seen last, if that is known;
- `state`: `subject`, `before`, `after`, `cause` (a name of `journey.Cause`);
- `step`: `stop` (a name of `journey.Stop`), `subject`, `details`;
- `call`: `program`, `call`, `details`;
- `host`: `addresses`, `gateways`, `servers`: what a host has from now on (DHCP, router advertisements, commands);
- `program`: `program`, `what`: `started` with its `command`, or `ended` with its `exit_code`;
- `printed`: `program`, `stream`, `text`: a piece of output;
- `end`: the last line: `virtual_ns`, `frames`, `sent`, `drops`, `digest`, `programs`, the `reason`: `rest`, `until`,
  `met` (what the script waited for), `interrupted`, `error` or `deadlock`, with the `waits` of the programs (`program`,
  `task`, `call`, `address`, `file`, `line`; or `after`). A trace without it was cut.

Readers ignore keys and events they do not know; a change that is not an addition raises the version.
"""

from __future__ import annotations

from collections.abc import Callable
from json import JSONEncoder
from pathlib import Path
from typing import Final
from zlib import crc32

from netarium.capture.pcapng import Capture
from netarium.capture.records import RecordFile
from netarium.capture.summary import summarize
from netarium.errors import CaptureError
from netarium.journey import Cause, Drop, PortLike, Stop
from netarium.wire.ethernet import Frame
from netarium.wire.tcp import TcpHeader

VERSION: Final = 2
TCP_PAYLOAD_BYTES: Final = 256
"""So much of a segment's payload is kept in `data`."""
SEEN_MAX: Final = 4096
"""So many frames are remembered with their numbers."""
_ADDRESS: Final = "ipv6 address "

Event = dict[str, object]


class Recorder:
    """An observer that records everything it is shown.

    Without `path` the events stand in `events`, with one they go to the file. `header` is added to the first
    line. `capture` is the capture whose frame numbers are referred to; it must have been added to the watch
    before. `changes` is asked at each event for its node, and answers with what the node has now if that is new.
    Raises UsageError for a path that cannot be written; a write that fails later is kept in `failed`
    and raised by `close` (CaptureError).
    """

    def __init__(
        self,
        path: str | Path | None = None,
        *,
        seed: int,
        header: dict[str, object] | None = None,
        capture: Capture | None = None,
        changes: Callable[[str], Event | None] | None = None,
    ) -> None:
        self.header: Event = {"netarium_trace": VERSION, "seed": seed, **(header or {})}
        self.events: list[Event] = []
        self.capture = capture
        self.frames = 0
        """Frames recorded so far, counted as a capture of all ports counts them."""
        self._changes = changes
        self._seen: dict[int, tuple[Frame, int]] = {}
        self._file = None if path is None else RecordFile(path, "trace")
        self._encode = JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=_plain).encode
        if self._file is not None:
            self._file.write(self._encode(self.header).encode() + b"\n")
            self._file.flush()

    @property
    def failed(self) -> CaptureError | None:
        """Why nothing more is written, or None."""
        return None if self._file is None else self._file.failed

    def frame(self, now: int, port: PortLike, stop: Stop, frame: Frame) -> None:
        """Record a frame sent or received."""
        sent = stop is Stop.LINK_SENT
        event: Event = {"t": now, "event": "sent" if sent else "received", "at": port.name}
        if not (sent and port.name.endswith(":lo")):  # on lo a frame is captured once, as received
            self.frames += 1
            number = self.frames if self.capture is None else self.capture.number_at(port, stop)
            if number is not None:
                event["frame"] = number
                self._remember(frame, number)
        event.update(summarize(frame))
        event["crc"] = crc32(frame.payload)
        if sent:
            event["data"] = _kept_bytes(frame).hex()
        self._record(event)

    def drop(self, now: int, place: str, reason: Drop, frame: Frame | None, detail: str) -> None:
        """Record a drop."""
        event: Event = {"t": now, "event": "dropped", "at": place, "reason": reason.name}
        if detail:
            event["detail"] = detail
        if frame is not None:
            seen = self._seen.get(id(frame))
            if seen is not None:
                event["frame"] = seen[1]
            event.update(summarize(frame))
            event["crc"] = crc32(frame.payload)
        self._record(event)

    def state(self, now: int, place: str, subject: str, before: str, after: str, cause: Cause) -> None:
        """Record a state change."""
        self._record(
            {
                "t": now,
                "event": "state",
                "at": place,
                "subject": subject,
                "before": before,
                "after": after,
                "cause": cause.name,
            }
        )

    def step(self, now: int, place: str, stop: Stop, subject: str, details: dict[str, object]) -> None:
        """Record a step on a byte's journey."""
        self._record(
            {
                "t": now,
                "event": "step",
                "at": place,
                "stop": stop.name,
                "subject": subject,
                "details": details,
            }
        )

    def call(self, now: int, host: str, program: str, call: str, details: dict[str, object]) -> None:
        """Record a call of a program."""
        self._record(
            {"t": now, "event": "call", "at": host, "program": program, "call": call, "details": details}
        )

    def program(self, now: int, host: str, program: str, what: str, details: Event) -> None:
        """Record that a program has `started` (`command`) or `ended` (`exit_code`)."""
        self._record({"t": now, "event": "program", "at": host, "program": program, "what": what, **details})

    def printed(self, now: int, host: str, program: str, stream: str, text: str) -> None:
        """Record a piece of a program's output."""
        self._record(
            {"t": now, "event": "printed", "at": host, "program": program, "stream": stream, "text": text}
        )

    def end(self, now: int, totals: Event) -> None:
        """Record that the run is over."""
        self._record({"t": now, "event": "end", "at": "", "virtual_ns": now, "frames": self.frames, **totals})

    def flush(self) -> None:
        """Put everything on the disk."""
        if self._file is not None:
            self._file.flush()

    def close(self) -> None:
        """Write the rest and close. Raises CaptureError when not everything could be written."""
        if self._file is not None:
            self._file.close()

    def _remember(self, frame: Frame, number: int) -> None:
        """Where a frame was seen last: what is dropped is named by it."""
        seen = self._seen
        if len(seen) >= SEEN_MAX:
            del seen[next(iter(seen))]
        seen[id(frame)] = (frame, number)  # holding the frame keeps its id from being given to another

    def _record(self, event: Event) -> None:
        is_first = event["event"] == "state" and str(event["subject"]).startswith(_ADDRESS)
        if is_first:
            self._write(event)  # it says why the host has another address now
        if self._changes is not None:
            node = str(event["at"]).partition(":")[0]
            news = self._changes(node)
            if news is not None:
                self._write({"t": event["t"], "event": "host", "at": node, **news})
        if not is_first:
            self._write(event)

    def _write(self, event: Event) -> None:
        if self._file is None:
            self.events.append(event)
        else:
            self._file.write(self._encode(event).encode() + b"\n")


def _kept_bytes(frame: Frame) -> bytes:
    """The frame's bytes; of TCP's payload the beginning. Padding and what follows a cut are zeros to who reads it."""
    data = bytes(frame)
    if type(frame.transport) is TcpHeader and len(frame.payload) > TCP_PAYLOAD_BYTES:
        return data[: len(data) - len(frame.payload) + TCP_PAYLOAD_BYTES]
    return data


def _plain(value: object) -> object:
    """What JSON has no form for: bytes by their length and beginning, everything else by its text."""
    if isinstance(value, bytes | bytearray | memoryview):
        data = bytes(value)
        return {"bytes": len(data), "hex": data[:32].hex()}
    return str(value)
