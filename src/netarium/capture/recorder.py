"""The trace of a run: one JSON object a line (or in memory), schema version 1.

The first line is the header: `{"netarium_trace": 1, "seed": ..., ...}`. Every other line has `t` (virtual
ns), `event` and `at` (the port, cable, node or program where it happened), and by `event`:

- `sent`, `received`: the fields of `summary.summarize`, and `frame`, its number in the capture if one is
  being written;
- `dropped`: `reason` (a name of `journey.Drop`), `detail`, and the frame's fields if there is one;
- `state`: `subject`, `before`, `after`, `cause` (a name of `journey.Cause`);
- `step`: `stop` (a name of `journey.Stop`), `subject`, `details`;
- `call`: `program`, `call`, `details`.

Readers ignore keys and events they do not know; a change that is not an addition raises the version.
"""

from __future__ import annotations

from json import JSONEncoder
from pathlib import Path
from typing import Final

from netarium.capture.pcapng import Capture
from netarium.capture.records import RecordFile
from netarium.capture.summary import summarize
from netarium.errors import CaptureError
from netarium.journey import Cause, Drop, PortLike, Stop
from netarium.wire.ethernet import Frame

VERSION: Final = 1

Event = dict[str, object]


class Recorder:
    """An observer that records everything it is shown.

    Without `path` the events stand in `events`, with one they go to the file. `header` is added to the first
    line. `capture` is the capture whose frame numbers are referred to; it must have been added to the watch
    before. Raises UsageError for a path that cannot be written; a write that fails later is kept in `failed`
    and raised by `close` (CaptureError).
    """

    def __init__(
        self,
        path: str | Path | None = None,
        *,
        seed: int,
        header: dict[str, object] | None = None,
        capture: Capture | None = None,
    ) -> None:
        self.header: Event = {"netarium_trace": VERSION, "seed": seed, **(header or {})}
        self.events: list[Event] = []
        self.capture = capture
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
        event: Event = {"t": now, "event": "sent" if stop is Stop.LINK_SENT else "received", "at": port.name}
        if self.capture is not None:
            number = self.capture.number_at(port, stop)
            if number is not None:
                event["frame"] = number
        event.update(summarize(frame))
        self._record(event)

    def drop(self, now: int, place: str, reason: Drop, frame: Frame | None, detail: str) -> None:
        """Record a drop."""
        event: Event = {"t": now, "event": "dropped", "at": place, "reason": reason.name}
        if detail:
            event["detail"] = detail
        if frame is not None:
            event.update(summarize(frame))
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

    def flush(self) -> None:
        """Put everything on the disk."""
        if self._file is not None:
            self._file.flush()

    def close(self) -> None:
        """Write the rest and close. Raises CaptureError when not everything could be written."""
        if self._file is not None:
            self._file.close()

    def _record(self, event: Event) -> None:
        if self._file is None:
            self.events.append(event)
        else:
            self._file.write(self._encode(event).encode() + b"\n")


def _plain(value: object) -> object:
    """What JSON has no form for: bytes by their length and beginning, everything else by its text."""
    if isinstance(value, bytes | bytearray | memoryview):
        data = bytes(value)
        return {"bytes": len(data), "hex": data[:32].hex()}
    return str(value)
