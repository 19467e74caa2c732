"""`netarium chat`: forwards to the chat program."""

from __future__ import annotations

from collections.abc import Sequence


def main(arguments: Sequence[str]) -> int:
    """Run the chat program; its exit code."""
    from netarium.apps.chat.command import main as chat

    return chat(list(arguments))
