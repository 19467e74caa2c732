"""A cable as users hold it: `net.link(a, b)`, with words as in the lab file and values as people write them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from netarium import units
from netarium.errors import UsageError
from netarium.link.cable import Cable
from netarium.nodes.host import Host as HostNode
from netarium.units import is_whole

OPTIONS = ("delay", "jitter", "rate", "queue", "mtu", "loss", "duplicate", "reorder", "corrupt")
"""The keywords of a link, in the lab file and in Python."""

_DURATIONS = ("delay", "jitter")
_CHANCES = ("loss", "duplicate", "reorder", "corrupt")


def cable_arguments(options: dict[str, Any]) -> dict[str, Any]:
    """The keyword arguments of `Cable` for options as users write them. Raises UsageError; None is: as without it."""
    arguments: dict[str, Any] = {}
    for name, value in options.items():
        if name not in OPTIONS:
            from netarium.lab.words import suggest

            raise UsageError(f"a link has no option {name!r}{suggest(name, OPTIONS)}")
        if value is None:
            continue
        if name == "corrupt" and isinstance(value, Mapping):
            arguments.update(_corrupt(value))
        elif name == "queue":
            is_frames = isinstance(value, int) or is_whole(value)
            arguments["queue_frames" if is_frames else "queue_bytes"] = (
                int(value) if is_frames else units.size_bytes(value)
            )
        else:
            key, number = _knob(name, value)
            arguments[key] = number
    return arguments


def _corrupt(value: Mapping[str, Any]) -> dict[str, Any]:
    """`{chance: 1%, after: fcs}`: how often, and whether the bit changes where no FCS covers it."""
    for key in value:
        if key not in ("chance", "after"):
            raise UsageError(f"corrupt: there is no {key!r}; write {{chance: 1%, after: fcs}}")
    if value.get("after") not in (None, "fcs"):
        raise UsageError(f"corrupt: after {value['after']!r} is unknown; use fcs, or leave it out")
    chance = value.get("chance", "100%")
    return {
        "corrupt": units.fraction(getattr(chance, "text", chance)),
        "corrupt_after_fcs": value.get("after") == "fcs",
    }


def _knob(name: str, value: Any) -> tuple[str, Any]:
    if name in _DURATIONS:
        return f"{name}_ns", units.duration_ns(value)
    if name == "rate":
        return "rate_bps", units.rate_bps(value)
    if name in _CHANCES:
        return name, units.fraction(value)
    return name, int(value)


class Link:
    """One cable. Its numbers may be set at any time, in words: `link.loss = "2%"`, `link.delay = "5ms"`."""

    __slots__ = ("cable",)

    def __init__(self, cable: Cable) -> None:
        object.__setattr__(self, "cable", cable)

    def __repr__(self) -> str:
        return f"<Link {self.cable.a.name} - {self.cable.b.name}{'' if self.up else ', cut'}>"

    def __getattr__(self, name: str) -> Any:
        if name == "queue":
            queue = self.cable.directions[0].queue
            return getattr(queue, "frames_max", None) or f"{getattr(queue, 'bytes_max', 0)}B"
        if name not in OPTIONS:
            raise AttributeError(f"a link has no {name!r}; it has {', '.join(OPTIONS)}")
        return getattr(
            self.cable, {"rate": "rate_bps"}.get(name, f"{name}_ns" if name in _DURATIONS else name)
        )

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in OPTIONS or name == "queue":
            settable = ", ".join(option for option in OPTIONS if option != "queue")
            raise AttributeError(f"a link has no {name!r} that can be set; it has {settable}")
        if name == "corrupt" and isinstance(value, Mapping):
            for key, number in _corrupt(value).items():
                setattr(self.cable, key, number)
            return
        key, number = _knob(name, value)
        setattr(self.cable, key, number)
        if name == "mtu":
            self.fit_interfaces()

    def fit_interfaces(self) -> None:
        """Let the NICs at its ends send no more than it carries, as an administrator sets both: `ip link set mtu`.

        A switch between two cables tells nobody: NICs whose cables differ then lose large frames, as on real ones.
        """
        for port in (self.cable.a, self.cable.b):
            if isinstance(port.owner, HostNode):
                port.owner.set_mtu(port.name.partition(":")[2], self.cable.mtu)

    @property
    def up(self) -> bool:
        """Whether it is whole."""
        return bool(self.cable.up)

    def cut(self) -> None:
        """Break it now: what is in flight is lost."""
        self.cable.cut()

    def heal(self) -> None:
        """Make it whole again."""
        self.cable.heal()
