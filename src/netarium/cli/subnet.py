"""`netarium subnet`: masks, blocks and the question each host asks before it sends; arithmetic by `story.subnet`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from netarium.addresses import AddressError, InterfaceAddress, Prefix
from netarium.story import subnet as arithmetic
from netarium.story import subnet_text as text
from netarium.story.language import Language
from netarium.units import is_whole


@dataclass(frozen=True)
class Wishes:
    """What was typed. At most one of `split`, `masks`, `kinds` and `hosts` is asked for."""

    words: Sequence[str]
    split: str | None = None
    mask: str | None = None
    kinds: bool = False
    hosts: int | None = None
    lang: str | None = None
    as_json: bool = False


def subnet(wishes: Wishes) -> int:
    """Print the answer; the exit code. Raises AddressError for what is no address, no mask, or cannot be answered."""
    asked = [wishes.split is not None, wishes.mask is not None, wishes.kinds, wishes.hosts is not None]
    if sum(asked) > 1:
        raise AddressError("--split, --mask, --kind and --hosts are four questions; ask one at a time")
    language = Language.load(wishes.lang)
    value, lines = _answer(wishes, language)
    if wishes.as_json:
        print(json.dumps({"netarium_subnet": 1, **value}))
    else:
        for line in lines:
            print(line)
    return 0


def _answer(wishes: Wishes, language: Language) -> tuple[dict[str, object], Iterable[str]]:
    if wishes.mask is not None:
        _no_words(wishes, "--mask")
        found = arithmetic.mask_lengths(wishes.mask)
        rows = [{"length": length, "mask": mask, "bits": bits} for length, mask, bits in found]
        return {"masks": rows}, text.masks(found, language)
    if wishes.hosts is not None:
        _no_words(wishes, "--hosts")
        prefix = arithmetic.for_hosts(wishes.hosts)
        value = {"hosts": wishes.hosts, "length": prefix.length, "room": prefix.host_count}
        return {"room": value}, text.room(wishes.hosts, prefix, language)
    if not wishes.words:
        raise AddressError("no address; write for example `netarium subnet 192.168.15.46/24`")
    if wishes.kinds:
        kinds = [arithmetic.describe(_of_any_mask(word)) for word in wishes.words]
        rows = [{"address": each.address, "class": each.address_class, "kind": each.kind} for each in kinds]
        return {"kinds": rows}, text.kinds(kinds, language)
    address, others = _address_and_others(wishes.words)
    if wishes.split is not None:
        prefix = Prefix.parse(str(address))
        parts = arithmetic.split(prefix, wishes.split)
        return {"split": [arithmetic.as_json(each) for each in parts]}, text.blocks(
            prefix, parts, wishes.split, language
        )
    if others:
        return _verdicts(address, others, language)
    found_address = arithmetic.describe(address)
    return {"address": arithmetic.as_json(found_address)}, text.description(found_address, language)


def _verdicts(
    address: InterfaceAddress, others: Sequence[str], language: Language
) -> tuple[dict[str, object], Iterable[str]]:
    """One verdict for each other address, and from its side too where its own mask is told."""
    found = []
    lines: list[str] = []
    for other in others:
        mine = arithmetic.compare(address, other)
        found.append(mine)
        lines += [*([""] if lines else []), *text.verdict(mine, language)]
        if "/" in other:
            theirs = arithmetic.compare(InterfaceAddress.parse(other), str(address))
            found.append(theirs)
            lines += ["", *text.verdict(theirs, language)]
            if mine.same != theirs.same:
                lines += ["", *text.disagreement(language)]
    return {"verdicts": [arithmetic.as_json(each) for each in found]}, lines


def _address_and_others(words: Sequence[str]) -> tuple[InterfaceAddress, Sequence[str]]:
    """The first address with its mask, written together or as two words; the rest are others."""
    first, *rest = words
    if rest and "/" in first and rest[0].startswith("255."):
        return arithmetic.parse_address(first, rest[0]), ()  # refused there: two masks
    if rest and "/" not in first and _is_mask(rest[0]):
        return arithmetic.parse_address(first, rest[0]), rest[1:]
    return arithmetic.parse_address(first), rest


def _is_mask(word: str) -> bool:
    """A second word that begins as a mask does: `255.255.255.0`, `/24`, `24`. A wrong one is refused as a mask."""
    return word.startswith(("255.", "254.", "252.", "248.", "240.", "/")) or is_whole(word)


def _of_any_mask(word: str) -> InterfaceAddress:
    """For questions that need no mask: the whole address."""
    return InterfaceAddress.parse(word if "/" in word else f"{word}/{128 if ':' in word else 32}")


def _no_words(wishes: Wishes, option: str) -> None:
    if wishes.words:
        raise AddressError(f"{option} asks about no address; leave out {wishes.words[0]!r}")
