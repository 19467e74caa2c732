"""What a kind of facts is: the values it has, how it is said, and which lines of a trace it is read from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from netarium.story.facts import Fact
from netarium.story.packets import Packet

if TYPE_CHECKING:
    from netarium.story.scene import Scene
    from netarium.story.words import Words

Record = dict[str, Any]
Say = Callable[[Fact, "Words"], str]
Lines = Callable[[Fact, "Words"], list[str]]


def no_lines(fact: Fact, words: Words) -> list[str]:
    """Nothing beneath the sentence."""
    return []


@dataclass(frozen=True)
class Kind:
    """One kind of facts.

    `only` is the word of `--only` that chooses it; `keys` are the keys of its `values`. `say` gives the sentence,
    `lines` what stands beneath it as it is (a table, binary digits), never wrapped. `needles`: pieces of bytes, one of
    which every line of a trace has that such a fact is read from (none: all lines must be read for it).
    """

    name: str
    only: str
    keys: frozenset[str]
    say: Say
    lines: Lines = no_lines
    needles: tuple[bytes, ...] = ()


Reader = Callable[[Record], Iterable[Fact]]
"""Facts of one record. It is registered under `state`, `step`, `call`, `dropped`, `host`, `program`, `printed`, `end`;
or for fewer records under `step:STOP`, `state:WORD` (the first word of the subject) or `call:NAME`."""
PacketReader = Callable[[Record, Packet, Any], Iterable[Fact]]
"""Facts of a packet at its first sight: (the `sent` record, the packet, its flight). It is registered under
the packet's protocol: `ARP`, `UDP`, `TCP`, `ICMP`, `ICMPv6`, `STP`, `other`; for UDP and TCP it may be `UDP:PORT`."""


@dataclass(frozen=True)
class Readers:
    """The readers of one module for one story; they share what they remember in a closure or an object."""

    records: Mapping[str, Reader]
    packets: Mapping[str, PacketReader]


MakeReaders = Callable[["Scene"], Readers]
