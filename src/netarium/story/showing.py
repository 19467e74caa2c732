"""What is shown beneath a step when it is wanted: what every layer added (`--layers`), the frame's bytes (`--bytes`).

Called by `telling`. Facts that stand for many packets at once (folded ones) have none of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from netarium.story import layers, layers_text, octets
from netarium.story.facts import Fact, Flight
from netarium.story.language import Language

if TYPE_CHECKING:
    from netarium.story.scene import Scene


@dataclass(frozen=True)
class Show:
    """What is wanted: the layers of a model of 4, 5 or 7 (0: none), and the bytes."""

    layers: int = 0
    octets: bool = False

    def __bool__(self) -> bool:
        return bool(self.layers) or self.octets


@dataclass(frozen=True)
class Shown:
    """What is shown of one packet: as lines, and as values for `--json`."""

    lines: tuple[str, ...]
    encapsulation: layers.Encapsulation | None
    data: str

    def as_json(self) -> dict[str, Any]:
        """Keys for the step's object: `layers` and `devices`, and `data` (hexadecimal, as the trace has it)."""
        told: dict[str, Any] = {}
        if self.encapsulation is not None:
            told["layers"] = [asdict(part) for part in self.encapsulation.parts]
            told["devices"] = [asdict(device) for device in self.encapsulation.devices]
        if self.data:
            told["data"] = self.data
        return told


def shown_of(fact: Fact, show: Show, scene: Scene, language: Language) -> Shown | None:
    """What is shown of a fact's packet; None where nothing is wanted or it has no packet of its own."""
    flight = fact.flight
    if not show or flight is None or flight.record is None:
        return None
    try:
        data = bytes.fromhex(flight.record["data"])
        size = int(flight.record["size"])
    except (KeyError, TypeError, ValueError):
        return None
    encapsulation = None
    lines: list[str] = []
    if show.layers:
        encapsulation = layers.Encapsulation(layers.parts_of(data, size), _devices(flight, scene))
        lines += layers_text.lines(encapsulation, show.layers, language)
    if show.octets:
        lines += _octet_lines(flight, data, size, language)
    return Shown(tuple(lines), encapsulation, data.hex() if show.octets else "")


def _octet_lines(flight: Flight, data: bytes, size: int, language: Language) -> Iterator[str]:
    number = flight.record.get("frame") if flight.record is not None else None
    if number is None:
        yield language.text("octets.heading-plain", node=flight.sender)
    else:
        yield language.text("octets.heading", node=flight.sender, number=number)
    yield from octets.lines(data, size, language)


def _devices(flight: Flight, scene: Scene) -> tuple[layers.Device, ...]:
    """The sender, all that passed it on, and the first of its ends."""
    ends = [node for node in flight.nodes if node not in flight.senders]
    way = [*flight.senders, *ends[:1]]
    return tuple(layers.device_of(node, scene.nodes.get(node)) for node in way)
