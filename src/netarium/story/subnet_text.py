"""The answers of `subnet` in words, as lines. Called by `netarium subnet`; every word is in the catalogue `subnet`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from netarium.addresses import Prefix
from netarium.story.columns import pad, width, wrapped
from netarium.story.language import Language
from netarium.story.subnet import Block, Description, Row, Verdict

_NAME_COLUMNS = 12
_WIDTH = 110


def description(found: Description, language: Language) -> Iterator[str]:
    """Address, mask and the AND; then the block, its ranges and what kind of address it is."""
    yield from _rows(found.rows, language, found.length)
    yield ""
    block = found.block
    counts = {"addresses": block.addresses, "hosts": block.hosts}
    yield _line(language, "block", language.text("subnet.block.value", prefix=block.prefix))
    yield _line(
        language,
        "addresses",
        language.text("subnet.range", count=f"{counts['addresses']:,}", first=block.first, last=block.last),
    )
    yield _line(
        language,
        "hosts",
        language.text(
            "subnet.range", count=f"{counts['hosts']:,}", first=block.first_host, last=block.last_host
        ),
    )
    yield from _note(language, _without_hosts(found))
    yield _line(language, "kind", language.text(f"subnet.kind.{found.kind}"))
    if found.address_class:
        yield _line(language, "class", language.text(f"subnet.class.{found.address_class}"))
        yield from _note(language, "subnet.note.class")
        if found.kind == "loopback":
            yield from _note(language, "subnet.note.loopback")


def verdict(found: Verdict, language: Language) -> Iterator[str]:
    """The AND of the other address, and what the host does: deliver by itself, or hand it to its router."""
    yield language.text("subnet.verdict.asks", address=found.address, length=found.length, other=found.other)
    yield from _rows(found.rows, language, found.length)
    key = "own" if found.address == found.other else "same" if found.same else "different"
    text = language.text(
        f"subnet.verdict.{key}",
        address=found.address,
        other=found.other,
        own_network=found.own_network,
        other_network=found.other_network,
    )
    yield from wrapped(text, _WIDTH)


def disagreement(language: Language) -> Iterator[str]:
    """Two hosts whose masks differ may come to different verdicts: packets go one way and not the other."""
    yield from wrapped(language.text("subnet.verdict.disagree"), _WIDTH)


def blocks(whole: Prefix, parts: Sequence[Block], into: str, language: Language) -> Iterator[str]:
    """The parts of a block as a table: block, hosts, first and last host, broadcast. `into` is what was asked for."""
    yield language.text("subnet.split.heading", prefix=str(whole), count=len(parts))
    if not into.startswith("/") and int(into) != len(parts):
        yield language.text("subnet.split.rounded", asked=into)
    yield ""
    columns = ("block", "hosts", "first_host", "last_host", "broadcast")
    table = [[language.text(f"subnet.column.{name}") for name in columns]]
    table += [
        [each.prefix, f"{each.hosts:,}", each.first_host, each.last_host, each.broadcast or "-"]
        for each in parts
    ]
    yield from _table(table)


def masks(lengths: Sequence[tuple[int, str, str]], language: Language) -> Iterator[str]:
    """Prefix lengths and masks, each with its bits and the number of addresses."""
    table = [[language.text(f"subnet.column.{name}") for name in ("length", "mask", "bits", "addresses")]]
    table += [[f"/{length}", mask, bits, f"{1 << (32 - length):,}"] for length, mask, bits in lengths]
    yield from _table(table)


def kinds(found: Sequence[Description], language: Language) -> Iterator[str]:
    """Class and kind of each address."""
    table = [
        [
            each.address,
            each.address_class or "-",
            language.text(f"subnet.kind.{each.kind}"),
        ]
        for each in found
    ]
    yield from _table(
        [[language.text(f"subnet.column.{name}") for name in ("address", "class", "kind")], *table]
    )
    if any(each.address_class for each in found):
        yield ""
        yield from wrapped(language.text("subnet.note.class"), _WIDTH)
    if any(each.kind == "loopback" and each.family == 4 for each in found):
        yield from wrapped(language.text("subnet.note.loopback"), _WIDTH)


def room(hosts: int, prefix: Prefix, language: Language) -> Iterator[str]:
    """The block that so many hosts need."""
    yield language.text(
        "subnet.room",
        hosts=f"{hosts:,}",
        length=prefix.length,
        mask=block_mask(prefix),
        room=f"{prefix.host_count:,}",
    )


def block_mask(prefix: Prefix) -> str:
    """The mask of a block of IPv4 as text."""
    return ".".join(str(octet) for octet in prefix.mask.to_bytes(4, "big"))


def _without_hosts(found: Description) -> str:
    """The key of the remark on what is special in the block or in the address's place in it."""
    if found.role != "host":
        return f"subnet.note.{found.role}"
    if found.family == 6:
        return "subnet.note.ipv6"
    return {31: "subnet.note.31", 32: "subnet.note.32"}.get(found.length, "")


def _rows(rows: Sequence[Row], language: Language, length: int) -> Iterator[str]:
    wide = max(len(row.address) for row in rows)
    for row in rows:
        after = f"  /{length}" if row.name == "mask" else ""
        if row.name == "other":
            yield ""
        yield f"{pad(language.text(f'subnet.row.{row.name}'), _NAME_COLUMNS)}  {row.address:<{wide}}  {row.bits}{after}"


def _line(language: Language, name: str, value: str) -> str:
    return f"{pad(language.text(f'subnet.row.{name}'), _NAME_COLUMNS)}  {value}"


def _note(language: Language, key: str) -> Iterator[str]:
    if key:
        indent = " " * (_NAME_COLUMNS + 2)
        yield from (indent + line for line in wrapped(language.text(key), _WIDTH - len(indent)))


def _table(table: Sequence[Sequence[str]]) -> Iterator[str]:

    widths = [max(width(row[column]) for row in table) for column in range(len(table[0]))]
    for row in table:
        yield "  ".join(pad(text, wide) for text, wide in zip(row, widths, strict=True)).rstrip()
