"""`python -m scripts.cpython_tests [MODULE...]`: run them and print the table."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from scripts.cpython_tests import modules, runner, table


def main() -> int:
    """0 when every module ended and at least `--floor` per cent of what was not skipped passed."""
    parser = argparse.ArgumentParser(prog="cpython_tests", description=__doc__)
    parser.add_argument("modules", nargs="*", metavar="MODULE", help="such as test_socket; without: all")
    parser.add_argument("--kernel", action="store_true", help="run on the real machine instead, to compare")
    parser.add_argument("--jobs", type=int, default=2, help="modules at a time (default 2)")
    parser.add_argument(
        "--limit", type=float, default=600, help="real seconds a module may take (default 600)"
    )
    parser.add_argument("--match", default="", help="only tests whose id contains this")
    parser.add_argument("--floor", type=float, default=97, help="per cent that must pass (default 97)")
    parser.add_argument("--failures", type=Path, help="write each failure with its traceback to this file")
    parser.add_argument("--table", type=Path, help="write the table to this file too, as Markdown")
    chosen = parser.parse_args()
    names = chosen.modules or modules.NAMES
    results = runner.run_all(
        names, jobs=chosen.jobs, limit_s=chosen.limit, kernel=chosen.kernel, match=chosen.match
    )
    text = table.markdown(results)
    print(text)
    if chosen.table is not None:
        chosen.table.write_text(text, encoding="utf-8")
    if chosen.failures is not None:
        chosen.failures.write_text(table.failures(results), encoding="utf-8", errors="backslashreplace")
    ended = all(each.ended for each in results)
    return 0 if ended and table.percent(results) >= chosen.floor else 1


if __name__ == "__main__":
    sys.exit(main())
