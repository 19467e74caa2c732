"""Who watches a net: captures, the trace, the digest, the counts of drops.

Everything here is an observer of `net.watch`; what nobody asked for is not watched and costs nothing.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from netarium.capture.counters import Counters
from netarium.capture.digest import Digest
from netarium.capture.pcapng import Capture
from netarium.capture.recorder import Event, Recorder
from netarium.errors import NetariumError, UsageError
from netarium.journey import Cause, Drop, PortLike, Stop
from netarium.lab.boxes import Host
from netarium.lab.description import Belongings, header_of

if TYPE_CHECKING:
    from netarium.lab.net import Net
    from netarium.lab.service import Service
    from netarium.wire.ethernet import Frame


class Tape:
    """Keeps what it is shown, cheaply, and plays it to another observer when somebody wants to know.

    Frames are values that never change, so keeping them is enough. A `full` tape also keeps calls and steps.
    """

    def __init__(self, *, full: bool) -> None:
        self.full = full
        self.kept: list[tuple[str, tuple[Any, ...]]] = []
        if full:
            self.step = self._step
            self.call = self._call

    def frame(self, now: int, port: PortLike, stop: Stop, frame: Frame) -> None:
        """Keep a frame sent or received."""
        self.kept.append(("frame", (now, port, stop, frame)))

    def drop(self, now: int, place: str, reason: Drop, frame: Frame | None, detail: str = "") -> None:
        """Keep a drop."""
        self.kept.append(("drop", (now, place, reason, frame, detail)))

    def state(self, now: int, place: str, subject: str, before: str, after: str, cause: Cause) -> None:
        """Keep a state change."""
        self.kept.append(("state", (now, place, subject, before, after, cause)))

    def _step(self, *arguments: Any) -> None:
        self.kept.append(("step", arguments))

    def _call(self, *arguments: Any) -> None:
        self.kept.append(("call", arguments))

    def play(self, *observers: Any, start: int = 0) -> None:
        """Show everything kept from number `start` on to others, event by event in their order."""
        for hook, arguments in self.kept[start:]:
            for observer in observers:
                told = getattr(observer, hook, None)
                if told is not None:
                    told(*arguments)


class Trace:
    """What has happened, as a sequence of events: `for event in net.trace`. See `capture.recorder` for the keys."""

    def __init__(self, tape: Tape, seed: int) -> None:
        self._tape = tape
        self._recorder = Recorder(seed=seed)
        self._played = 0

    @property
    def events(self) -> list[Event]:
        """All events so far."""
        self._tape.play(self._recorder, start=self._played)
        self._played = len(self._tape.kept)
        return self._recorder.events

    def __iter__(self) -> Any:
        return iter(self.events)

    def __len__(self) -> int:
        return len(self._tape.kept)

    def __getitem__(self, index: Any) -> Any:
        return self.events[index]

    def select(self, **wanted: Any) -> list[Event]:
        """The events whose keys have these values: `net.trace.select(event="sent", at="client:eth0", flags="SYN")`."""
        return [
            event for event in self.events if all(event.get(key) == value for key, value in wanted.items())
        ]


class Watching:
    """The observers of one net."""

    def __init__(self, net: Net, *, digest: bool, trace: bool | None) -> None:
        self.net = net
        self.counters = Counters()
        net.watch.add(self.counters)
        self._digest = Digest() if digest else None
        if self._digest is not None:
            net.watch.add(self._digest)
        self.captures: list[Capture] = []
        self.recorders: list[Recorder] = []
        self.tape: Tape | None = None
        self._trace: Trace | None = None
        self._closed = False
        if trace:
            self.record(full=True)

    def ports(self) -> list[PortLike]:
        """All ports and loopbacks of the net, in the order of their numbers."""
        found: list[PortLike] = []
        for box in self.net.boxes.values():
            if isinstance(box, Host):
                found.append(box.node.loopback)
            found.extend(box.node.ports.values())
        return sorted(found, key=lambda port: port.number)

    def capture(self, path: str | Path, on: list[str]) -> Capture:
        """Begin a capture. Raises UsageError when the file cannot be written or `on` names no port."""
        capture = Capture(path, ports=self.ports(), on=on, epoch_ns=self.net.scheduler.epoch_ns)
        self._refuse_failed(capture)
        self.captures.append(capture)
        self.net.watch.add(capture)
        return capture

    def trace_to(self, path: str | Path, capture: Capture | None = None) -> Recorder:
        """Begin to write the trace to a file, with the frame numbers of `capture`."""
        belongings = Belongings(self.net)
        recorder = Recorder(
            path,
            seed=self.net.seed,
            header=header_of(self.net, capture),
            capture=capture,
            changes=belongings.changed,
        )
        self._refuse_failed(recorder)
        self.recorders.append(recorder)
        self.net.watch.add(recorder)
        for service in self.net.lifecycle.services:
            self._listen(recorder, service)
        return recorder

    def heed(self, service: Service) -> None:
        """A program was put on a host: what it prints, and its end, belong into the traces."""
        for recorder in self.recorders:
            self._listen(recorder, service)

    def _listen(self, recorder: Recorder, service: Service) -> None:
        host, engine = service.host.name, self.net.engine

        def wrote(_: Service, stream: str, text: str) -> None:
            if not self._closed:
                recorder.printed(engine.now, host, service.name, stream, text)

        def started(_: Service) -> None:
            details: Event = {"command": list(service.process.argv), "daemon": service.daemon}
            if service.of_node:
                details["of_node"] = True
            recorder.program(engine.now, host, service.name, "started", details)

        def ended(_: Service) -> None:
            if not self._closed:
                recorder.program(engine.now, host, service.name, "ended", {"exit_code": service.exit_code})

        if service.started:
            started(service)
        service.listeners.append(wrote)
        service.on_start.append(started)
        service.on_end.append(ended)

    def _totals(self) -> Event:
        """What the last line of a trace says of the whole run."""
        return {
            **self._reason(),
            "sent": self.frames_sent(),
            "drops": self.counters.by_name(),
            "digest": None if self._digest is None else self.digest,
            "programs": {
                service.name: service.exit_code
                for service in self.net.lifecycle.services
                if not service.of_node
            },
        }

    def _reason(self) -> Event:
        """Why the run was over; of a deadlock, who waits where."""
        reason = self.net.lifecycle.reason
        if reason != "deadlock":
            return {"reason": reason}
        waits = self.net.waits()
        for wait in waits:
            if "after" in wait:  # for those who tell it in another language
                wait["after_what"] = list(self.net.service(str(wait["program"])).after)
        return {"reason": reason, "waits": waits}

    def record(self, *, full: bool) -> None:
        """Begin to keep what happens, for `trace`."""
        if self.tape is None or (full and not self.tape.full):
            if self.tape is not None:
                self.net.watch.remove(self.tape)
            before = self.tape
            self.tape = Tape(full=full)
            if before is not None:
                self.tape.kept += before.kept
            self.net.watch.add(self.tape)

    @property
    def trace(self) -> Trace:
        """The events so far; the first use, before any time has passed, begins the recording."""
        begun = self.net.engine.fired > 0
        if self.tape is None and begun:
            raise UsageError(
                "this run was not recorded: recording costs time, so it begins only when asked for; "
                "write Net(trace=True), or read net.trace once before the net runs"
            )
        if not begun:
            self.record(full=True)
        assert self.tape is not None
        if self._trace is None:
            self._trace = Trace(self.tape, self.net.seed)
        return self._trace

    @property
    def digest(self) -> str:
        """32 hexadecimal digits that cover all events so far."""
        if self._digest is None:
            raise UsageError("this net was made with digest=False; leave that out to have one")
        return self._digest.hexdigest()

    def leave(self, pcap: Path, trace: Path) -> None:
        """Write what the tape has kept so far as a capture and a trace. Raises UsageError, CaptureError."""
        if self.tape is None:
            return
        capture = Capture(pcap, ports=self.ports(), epoch_ns=self.net.scheduler.epoch_ns)
        recorder = Recorder(trace, seed=self.net.seed, header=header_of(self.net, capture), capture=capture)
        try:
            self.tape.play(capture, recorder)
            recorder.end(self.net.now_ns, self._totals())
        finally:
            capture.close()
            recorder.close()

    def frames_sent(self) -> int:
        """How many frames were sent, loopbacks included."""
        count = 0
        for box in self.net.boxes.values():
            count += sum(port.frames_sent for port in box.node.ports.values())
            if isinstance(box, Host):
                count += box.node.stack.lo.frames_out
        return count

    def close(self) -> None:
        """Finish all files. Raises the first error there was (CaptureError), after closing them all."""
        if self._closed:
            return
        for recorder in self.recorders:
            recorder.end(self.net.now_ns, self._totals())
        self._closed = True
        errors: list[NetariumError] = []
        files: list[Capture | Recorder] = [*self.captures, *self.recorders]
        for observer in (*files, self.counters, self._digest, self.tape):
            if observer is not None:
                self.net.watch.remove(observer)
        for file in files:
            try:
                file.close()
            except NetariumError as error:
                errors.append(error)
        if errors:
            raise errors[0]

    @staticmethod
    def _refuse_failed(file: Capture | Recorder) -> None:
        """A disk that takes nothing at all is found out before anything runs."""
        if file.failed is not None:
            raise UsageError(f"{file.failed}")
