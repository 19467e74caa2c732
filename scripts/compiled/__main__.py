"""`python -m scripts.compiled`: build it under build/compiled (`make compiled`)."""

from __future__ import annotations

import argparse
import sys
import time

from scripts.compiled.building import FOLDER, OPTIMISATION, ROOT, build, extension_modules


def main() -> int:
    """Build and say how to run it."""
    parser = argparse.ArgumentParser(prog="python -m scripts.compiled", description=__doc__)
    parser.add_argument("-O", "--optimisation", default=OPTIMISATION, choices=("0", "1", "2", "3"))
    arguments = parser.parse_args()
    began = time.perf_counter()
    new = build(optimisation=arguments.optimisation)
    where = FOLDER.relative_to(ROOT)
    what = f"compiled in {time.perf_counter() - began:.0f} s" if new else "up to date"
    print(f"{where}: {len(extension_modules())} extension modules, {what}")
    print(f"run it:     PYTHONPATH={where} .venv/bin/netarium --version")
    print("remove it:  make pure")
    return 0


if __name__ == "__main__":
    sys.exit(main())
