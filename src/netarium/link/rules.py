"""Rules by chance: loss, jitter, duplication, reordering, corruption. As `tc netem` means these words.

Each draws from a stream of its own, so that one more rule, or one more frame on another cable, changes no
other rule's luck. A probability is a number from 0 to 1.
"""

from __future__ import annotations

from random import Random

from netarium.errors import UsageError
from netarium.link.verdict import DOUBLED, LOST, Verdict, Way
from netarium.wire.ethernet import Frame


def checked_probability(what: str, probability: float) -> float:
    """The probability itself. Raises UsageError, saying `what`, when it is not from 0 to 1."""
    if not 0 <= probability <= 1:
        raise UsageError(
            f"{what} {probability!r} is no probability; give a number from 0 to 1, such as 0.02 for 2 %"
        )
    return float(probability)


class Loss:
    """Loses each frame with the same probability, independently: RULE_LOSS."""

    __slots__ = ("probability", "random")

    def __init__(self, probability: float, random: Random) -> None:
        self.probability = checked_probability("loss", probability)
        self.random = random

    def judge(self, frame: Frame, now: int, direction: Way) -> Verdict | None:
        """LOST or nothing."""
        return LOST if self.random.random() < self.probability else None


class Duplicate:
    """Sends a second copy right after a frame, with the given probability."""

    __slots__ = ("probability", "random")

    def __init__(self, probability: float, random: Random) -> None:
        self.probability = checked_probability("duplicate", probability)
        self.random = random

    def judge(self, frame: Frame, now: int, direction: Way) -> Verdict | None:
        """DOUBLED or nothing."""
        return DOUBLED if self.random.random() < self.probability else None


class Jitter:
    """Changes each frame's delay by up to `jitter_ns` either way, uniformly; the order stays."""

    __slots__ = ("jitter_ns", "random")

    def __init__(self, jitter_ns: int, random: Random) -> None:
        if jitter_ns < 0:
            raise UsageError(f"a jitter of {jitter_ns} ns; give 0 or more")
        self.jitter_ns = jitter_ns
        self.random = random

    def judge(self, frame: Frame, now: int, direction: Way) -> Verdict | None:
        """A delay from -jitter_ns to +jitter_ns."""
        return Verdict(delay_ns=self.random.randint(-self.jitter_ns, self.jitter_ns))


class Reorder:
    """Holds a frame back with the given probability, so that those sent after it overtake it.

    It is held for a random time up to `hold_ns`; without one, up to the cable's delay or eight full frames'
    sending time, whichever is longer: enough for some of a row of frames to pass it.
    """

    __slots__ = ("hold_ns", "probability", "random")

    def __init__(self, probability: float, random: Random, hold_ns: int = 0) -> None:
        self.probability = checked_probability("reorder", probability)
        if hold_ns < 0:
            raise UsageError(f"holding back for {hold_ns} ns; give 0 (chosen from the cable) or more")
        self.random = random
        self.hold_ns = hold_ns

    def judge(self, frame: Frame, now: int, direction: Way) -> Verdict | None:
        """A time to be held back, or nothing."""
        if self.random.random() >= self.probability:
            return None
        return Verdict(hold_ns=self.random.randint(1, max(1, self.hold_ns or direction.hold_max_ns)))


class Corrupt:
    """Flips one bit of a frame with the given probability.

    The bit is flipped on the wire, and the far NIC finds the FCS wrong: FRAME_CHECK_SEQUENCE. With
    `after_fcs` it is flipped where no FCS covers it and the frame is delivered as changed; the checksums of
    IP, TCP and UDP catch it.
    """

    __slots__ = ("after_fcs", "probability", "random")

    def __init__(self, probability: float, random: Random, *, after_fcs: bool = False) -> None:
        self.probability = checked_probability("corrupt", probability)
        self.random = random
        self.after_fcs = after_fcs

    def judge(self, frame: Frame, now: int, direction: Way) -> Verdict | None:
        """A bit to flip, or nothing."""
        if self.random.random() >= self.probability:
            return None
        return Verdict(flip=self.random.getrandbits(32), after_fcs=self.after_fcs)
