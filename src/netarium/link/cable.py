"""A cable between two ports: full duplex, so two directions that do not disturb each other (`direction.py`).

Here stands what holds for both: the numbers that can be turned while the net runs, the rules, plugging and
cutting.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Final, Generic, TypeVar

from netarium.engine.events import Engine
from netarium.engine.streams import Streams
from netarium.errors import UsageError
from netarium.journey import Cause, Watch
from netarium.link.direction import Direction
from netarium.link.port import Port
from netarium.link.queue import ByteQueue, FrameQueue
from netarium.link.rules import Corrupt, Duplicate, Jitter, Loss, Reorder, checked_probability
from netarium.link.verdict import Rule

DELAY_NS: Final = 10_000
RATE_BPS: Final = 1_000_000_000
QUEUE_FRAMES: Final = 1000
MTU_BYTES: Final = 1500
MTU_BYTES_MIN: Final = 68
"""RFC 791 section 3.2: every internet module must forward 68 bytes without fragmenting."""

_T = TypeVar("_T")


class _Knob(Generic[_T]):
    """A number of a cable that may be turned at any time: checked, then taken over by both directions."""

    def __init__(self, check: Callable[[str, _T], _T]) -> None:
        self.check = check

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, cable: Cable, owner: type | None = None) -> _T:
        value: _T = cable.knobs[self.name]  # type: ignore[assignment]
        return value

    def __set__(self, cable: Cable, value: _T) -> None:
        cable.knobs[self.name] = self.check(self.name, value)
        cable.apply()


def _checked_delay(what: str, value_ns: int) -> int:
    if value_ns < 0:
        raise UsageError(f"{what} of {value_ns} ns; give 0 or more")
    return value_ns


def _checked_rate(what: str, value_bps: int | None) -> int | None:
    if value_bps is not None and value_bps < 1:
        raise UsageError(f"{what} of {value_bps} bit/s; give 1 or more, or None for no limit")
    return value_bps


def _checked_mtu(what: str, value_bytes: int) -> int:
    if value_bytes < MTU_BYTES_MIN:
        raise UsageError(f"{what} of {value_bytes} bytes; give {MTU_BYTES_MIN} or more")
    return value_bytes


def _checked_flag(what: str, value: bool) -> bool:
    return bool(value)


class Cable:
    """A cable between ports `a` and `b`, plugged in and sound from the start.

    `rate_bps=None` is an infinite rate. `queue_bytes`, where given, takes the place of `queue_frames`; each
    direction has such a queue. All other numbers hold for both directions and may be set at any time
    (`cable.loss = 0.1`); frames in flight keep their times. With `wire_bytes` every frame is encoded and
    parsed again on its way. Raises UsageError for numbers that cannot be and for a port that already has a
    cable.
    """

    delay_ns = _Knob(_checked_delay)
    rate_bps = _Knob(_checked_rate)
    mtu = _Knob(_checked_mtu)
    jitter_ns = _Knob(_checked_delay)
    loss = _Knob(checked_probability)
    duplicate = _Knob(checked_probability)
    reorder = _Knob(checked_probability)
    corrupt = _Knob(checked_probability)
    corrupt_after_fcs = _Knob(_checked_flag)

    def __init__(
        self,
        a: Port,
        b: Port,
        engine: Engine,
        streams: Streams,
        watch: Watch,
        *,
        delay_ns: int = DELAY_NS,
        rate_bps: int | None = RATE_BPS,
        queue_frames: int = QUEUE_FRAMES,
        queue_bytes: int | None = None,
        mtu: int = MTU_BYTES,
        jitter_ns: int = 0,
        loss: float = 0.0,
        duplicate: float = 0.0,
        reorder: float = 0.0,
        corrupt: float = 0.0,
        corrupt_after_fcs: bool = False,
        wire_bytes: bool = False,
    ) -> None:
        if a is b:
            raise UsageError(f"both ends of a cable are {a.name}; give two ports")
        for port in (a, b):
            if port.cable is not None:
                raise UsageError(f"{port.name} already has a cable ({port.cable.name}); unplug it first")
        self.name: str = f"{a.name}--{b.name}"
        self.a = a
        self.b = b
        self.engine: Engine = engine
        self.streams = streams
        self.watch: Watch = watch
        self.wire_bytes: bool = wire_bytes
        self.up = True
        self._added: list[tuple[Rule, Port | None]] = []
        self.directions: tuple[Direction, ...] = ()
        self.knobs: dict[str, object] = {}
        self.delay_ns = delay_ns
        self.rate_bps = rate_bps
        self.mtu = mtu
        self.jitter_ns = jitter_ns
        self.loss = loss
        self.duplicate = duplicate
        self.reorder = reorder
        self.corrupt = corrupt
        self.corrupt_after_fcs = corrupt_after_fcs
        self.directions = tuple(
            Direction(
                self, one, other, FrameQueue(queue_frames) if queue_bytes is None else ByteQueue(queue_bytes)
            )
            for one, other in ((a, b), (b, a))
        )
        self.apply()
        a.cable = b.cable = self
        self._set_carrier(True)

    def __repr__(self) -> str:
        return f"Cable({self.name!r})"

    def add_rule(self, rule: Rule, sender: Port | None = None) -> None:
        """Let `rule` judge the frames of both directions, or only those that `sender` sends.

        Rules so added judge before the cable's own chances, in the order of adding; the first that drops a
        frame wins. Raises UsageError when `sender` is no end of this cable.
        """
        if sender is not None and sender is not self.a and sender is not self.b:
            raise UsageError(f"{sender.name} is no end of {self.name}; give {self.a.name} or {self.b.name}")
        self._added.append((rule, sender))
        self.apply()

    def remove_rule(self, rule: Rule) -> None:
        """Undo `add_rule`. A rule that is not there is no error: a fault may be healed twice."""
        self._added = [pair for pair in self._added if pair[0] is not rule]
        self.apply()

    def cut(self) -> None:
        """Break the cable: what is in flight is lost (LINK_DOWN), nothing comes out until it is healed."""
        if self.up:
            self.up = False
            self._tell("up", "down")  # before what it does: the frames that are lost with it
            self._set_carrier(False)

    def heal(self) -> None:
        """Make the cable whole again."""
        if not self.up:
            self.up = True
            self._tell("down", "up")
            self._set_carrier(True)

    def unplug(self) -> None:
        """Take the cable away: both ports are free for another one."""
        self.cut()
        self.a.cable = self.b.cable = None

    def apply(self) -> None:
        """Let both directions take over the numbers and rules as they are now."""
        for direction in self.directions:
            direction.configure()
            added = [rule for rule, sender in self._added if sender is None or sender is direction.sender]
            direction.rules = tuple(added + self._chances(direction))

    def _chances(self, direction: Direction) -> list[Rule]:
        def stream(what: str) -> Random:
            return self.streams(f"link:{direction.name}:{what}")

        rules: list[Rule] = []
        if self.loss:
            rules.append(Loss(self.loss, stream("loss")))
        if self.corrupt:
            rules.append(Corrupt(self.corrupt, stream("corrupt"), after_fcs=self.corrupt_after_fcs))
        if self.duplicate:
            rules.append(Duplicate(self.duplicate, stream("duplicate")))
        if self.reorder:
            rules.append(Reorder(self.reorder, stream("reorder")))
        if self.jitter_ns:
            rules.append(Jitter(self.jitter_ns, stream("jitter")))
        return rules

    def _set_carrier(self, up: bool) -> None:
        for direction in self.directions:
            direction.sender.direction = direction if up else None
            if not up:
                direction.lose_all()
        for port in (self.a, self.b):
            port.owner.carrier_changed(port, up)

    def _tell(self, before: str, after: str) -> None:
        if self.watch.state is not None:
            self.watch.state(self.engine.now, self.name, "cable", before, after, Cause.OPERATOR)
