"""`netarium`: the entry point. `run` goes the short way; everything else is built when it is called."""

from __future__ import annotations

import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words[:1] == ["run"]:
        from netarium.cli.run import main as run

        return run(words[1:])
    if words[:1] == ["explain"]:
        from netarium.cli.explain import main as explain

        return explain(words[1:])
    from netarium.cli.commands import main as others

    return others(words)


if __name__ == "__main__":
    sys.exit(main())
