"""The layers of one packet in words, as lines beneath its step. Called by `showing`; texts: catalogue `layers`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from netarium.story.columns import pad, width
from netarium.story.language import Language
from netarium.story.layers import MODELS, Device, Encapsulation, Part, layer_in

_EMPTY_LAYERS = ("presentation", "session", "physical")
"""Layers that put no header on here: programs do the work of two, and bits on the cable are not bytes of a frame."""


def lines(found: Encapsulation, model: int, language: Language) -> Iterator[str]:
    """Down at the sender, the devices on the way, up at the receiver."""
    if not found.parts:
        return
    first, *passed = found.devices or (Device("?", "host", "application"),)
    last = passed.pop() if passed else None
    yield language.text("layers.down", node=first.node)
    yield from _table(_down(found.parts, model, language))
    yield language.text("layers.bits")
    if passed:
        yield language.text("layers.way")
        yield from _table([_device(each, model, language) for each in passed])
    if last is not None:
        sizes = [str(part.size) for part in reversed(found.parts)]
        yield language.text("layers.up", node=last.node, sizes=" -> ".join(sizes))


def devices_of_layers(model: int, language: Language) -> Iterator[str]:
    """Each layer of a model, what it is for, its unit and its devices: said once, before the story."""
    yield language.text("layers.model", n=model)
    names = MODELS[model]
    rows = [
        [
            f"{len(names) - at}",
            language.text(f"layers.layer.{name}"),
            language.text(f"layers.unit_of.{name}"),
            language.text(f"layers.devices.{name}"),
        ]
        for at, name in enumerate(names)
    ]
    yield from _table(rows)


def _down(parts: Sequence[Part], model: int, language: Language) -> list[list[str]]:
    """A row for each layer of the model, from the top; several parts of one layer have a row each."""
    rows = []
    for at, name in enumerate(MODELS[model]):
        number = str(len(MODELS[model]) - at)
        title = language.text(f"layers.layer.{name}")
        mine = [part for part in parts if layer_in(model, part.layer) == name]
        if name in _EMPTY_LAYERS:
            has_work = name == "physical" or any(part.layer == "application" for part in parts)
            key = f"layers.empty.{name}" if has_work else "layers.empty.none"
            rows.append([number, title, language.text(key), "", ""])
        for part in mine:
            rows.append([number, title, *_row(part, language)])
    return rows


def _row(part: Part, language: Language) -> list[str]:
    name = part.protocol or language.text("layers.program")
    unit = language.text(f"layers.unit.{part.unit}")
    size = language.text("layers.size", unit=unit, size=part.size)
    if part.unit == "frame":
        key = "layers.adds.frame-padded" if part.padding else "layers.adds.frame"
        header = part.adds - part.trailer
        return [name, language.text(key, header=header, padding=part.padding), size]
    if part.adds == part.size and part.protocol not in ("TCP", "UDP"):
        return [name, language.text("layers.adds.message", n=part.adds), size]
    return [name, f"+{part.adds}", size]


def _device(device: Device, model: int, language: Language) -> list[str]:
    layer = language.text(f"layers.layer.{layer_in(model, device.layer)}")
    return [
        device.node,
        language.text(f"layers.device.{device.kind}"),
        language.text(f"layers.reads.{device.kind}", layer=layer),
    ]


def _table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    if not rows:
        return
    widths = [max(width(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = (pad(text, wide) for text, wide in zip(row, widths, strict=True))
        yield "  " + "  ".join(cells).rstrip()
