"""One line of the sysctl table: its name, its default and the RFC's value, and what may be set."""

from __future__ import annotations

from itertools import pairwise
from typing import Final

from netarium.errors import UsageError

Value = int | str | tuple[int, ...]
Row = tuple[str, Value, str, str, str, int, int]
"""Name, default, unit, the RFC's value, a sentence, minimum, maximum: the arguments of a `Setting`."""

INT_MAX: Final = 0x7FFFFFFF
CONGESTION_CONTROLS: Final = ("reno", "cubic")


class Setting:
    """One line of the table. `minimum` and `maximum` bound ints (and each int of a tuple); `rfc` is the RFC's value."""

    __slots__ = ("attribute", "default", "maximum", "minimum", "name", "rfc", "sentence", "unit")

    def __init__(
        self,
        name: str,
        default: Value,
        unit: str,
        rfc: str,
        sentence: str,
        minimum: int = 0,
        maximum: int = INT_MAX,
    ) -> None:
        self.name: Final = name
        self.default: Final = default
        self.unit: Final = unit
        self.rfc: Final = rfc
        self.sentence: Final = sentence
        self.minimum: Final = minimum
        self.maximum: Final = maximum
        prefix = "neigh_" if ".neigh." in name else "conf_" if ".conf." in name else ""
        if name.startswith("net.ipv6."):
            prefix = "ipv6_"
        self.attribute: Final = prefix + name.rsplit(".", 1)[1]

    def checked(self, value: object) -> Value:
        """`value` (or its text) as this setting's type. Raises UsageError naming what would be right."""
        if isinstance(self.default, str):
            if value in CONGESTION_CONTROLS:
                return str(value)
            raise self._wrong(value, "one of " + ", ".join(CONGESTION_CONTROLS))
        parts = self._numbers(value)
        count = len(self.default) if isinstance(self.default, tuple) else 1
        if parts is None or len(parts) != count:
            raise self._wrong(value, "a whole number" if count == 1 else f"{count} whole numbers")
        if not all(self.minimum <= each <= self.maximum for each in parts):
            raise self._wrong(value, f"{self.minimum} to {self.maximum} {self.unit}".rstrip())
        if count > 1 and any(low > high for low, high in pairwise(parts)):
            raise self._wrong(value, f"{count} numbers, none smaller than the one before it")
        return parts if isinstance(self.default, tuple) else parts[0]

    @staticmethod
    def _numbers(value: object) -> tuple[int, ...] | None:
        if isinstance(value, int):
            return (int(value),)
        if isinstance(value, str):
            value = value.split()
        if not isinstance(value, list | tuple):
            return None
        try:
            return tuple(int(each) for each in value)
        except (TypeError, ValueError):
            return None

    def _wrong(self, value: object, right: str) -> UsageError:
        return UsageError(
            f"{self.name} = {value!r}: not possible; right would be {right} (default {self.default})"
        )
