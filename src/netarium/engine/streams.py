"""Named streams of randomness from one seed.

A stream's numbers depend on the seed and its name alone, not on who else draws or in what order streams are made:
adding a rule to one cable does not change what another cable loses.
"""

from __future__ import annotations

from hashlib import blake2b
from random import Random


class Streams:
    """The random streams of one net: `streams("link:a-b:loss")` is the same object each time."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._streams: dict[str, Random] = {}

    def __call__(self, name: str) -> Random:
        """The stream of this name, made at first use."""
        stream = self._streams.get(name)
        if stream is None:
            digest = blake2b(f"{self.seed}\0{name}".encode(), digest_size=16).digest()
            stream = self._streams[name] = Random(int.from_bytes(digest, "big"))
        return stream
