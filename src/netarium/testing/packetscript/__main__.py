"""Play packet scripts: `python -m netarium.testing.packetscript FILE...`.

Prints pass, FAIL or not run for each file and a total; the exit code is 1 when one failed, 2 for bad usage.
"""

from __future__ import annotations

import sys
from pathlib import Path

from netarium.testing.packetscript import FAIL, NOT_RUN, PASS, run_file


def main(arguments: list[str]) -> int:
    """Play the files (folders: every *.pkt in them); the exit code."""
    if not arguments or any(each.startswith("-") for each in arguments):
        print("usage: python -m netarium.testing.packetscript FILE...", file=sys.stderr)
        return 0 if arguments in (["-h"], ["--help"]) else 2
    files: list[Path] = []
    for each in map(Path, arguments):
        files += sorted(each.rglob("*.pkt")) if each.is_dir() else [each]
    counts = dict.fromkeys((PASS, FAIL, NOT_RUN), 0)
    for path in files:
        try:
            outcome, reason = run_file(path)
        except OSError as error:
            print(f"packetscript: {path}: {error.strerror}", file=sys.stderr)
            return 2
        except UnicodeDecodeError:
            print(f"packetscript: {path}: not a packet script: it is no text in UTF-8", file=sys.stderr)
            return 2
        counts[outcome] += 1
        print(f"{outcome:8}{path}" + (f": {reason.removeprefix(f'{path}:')}" if reason else ""))
    print(f"{counts[PASS]} passed, {counts[FAIL]} failed, {counts[NOT_RUN]} not run")
    return 1 if counts[FAIL] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
