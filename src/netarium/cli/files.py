"""`netarium files`: forwards to the file transfer."""

from __future__ import annotations

from collections.abc import Sequence


def main(arguments: Sequence[str]) -> int:
    """Run the file transfer; its exit code."""
    from netarium.apps.files.command import main as files

    return files(list(arguments))
