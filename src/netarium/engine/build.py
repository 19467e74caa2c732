"""Which build of the core runs: the pure Python one, or the one compiled by mypyc (docs/decisions/0006)."""

from __future__ import annotations

from netarium.engine import events


def kind() -> str:
    """`pure Python` or `compiled`."""
    return "pure Python" if str(events.__file__).endswith(".py") else "compiled"
