"""The same runs, pure and compiled: `make compiled-check`. Both builds must give each the same digest and output.

Every run is a fresh process in a copy of the labs' folder: all labs of the examples, a conversation in each, and the
bench's first four scenarios (bulk data, bulk data with loss, UDP, requests), the bulk ones at a tenth of their size.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from scripts.compiled.building import FOLDER, ROOT

EXAMPLES: Final = ROOT / "examples"
SCENARIOS: Final = {
    "bulk": "_bulk(10_000_000)",
    "bulk with loss": "_bulk(2_000_000, loss='1%')",
    "bulk with jitter and reordering": "_bulk(2_000_000, jitter='50us', reorder='1%', duplicate='1%')",
    "udp": "udp_round_trips()",
    "requests": "requests()",
}
PROGRAM: Final = """
import sys
from bench import scenarios
from netarium import Net
from netarium.engine.build import kind
nets = []
scenarios._net = lambda: nets.append(Net(seed=1)) or nets[-1]
eval("scenarios." + sys.argv[1])
print(kind(), nets[0].digest)
"""


def runs() -> Iterator[tuple[str, list[str]]]:
    """(name, words after the interpreter)."""
    for lab in sorted(EXAMPLES.rglob("*.yaml")):
        yield (
            str(lab.relative_to(EXAMPLES)),
            ["-m", "netarium", "run", lab.name, "--until", "60s", "--quiet", "--json"],
        )
    for name, call in SCENARIOS.items():
        yield name, ["-c", PROGRAM, call]


def outcome(name: str, words: list[str], build: Path) -> str:
    """Everything a run says: its exit code, its report with the digest, its errors."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch, "examples")
        shutil.copytree(EXAMPLES, folder)
        where = (folder / name).parent if name.endswith(".yaml") else folder
        environment = {
            **os.environ, "PYTHONPATH": os.pathsep.join((str(build), str(ROOT))), "PYTHONHASHSEED": "0",
        }  # fmt: skip
        done = subprocess.run(
            [sys.executable, *words], cwd=where, env=environment, capture_output=True, text=True, check=False
        )
    return f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"


def main() -> int:
    """Compare all; 1 when any differs."""
    different = 0
    for name, words in runs():
        pure, compiled = (outcome(name, words, build) for build in (ROOT / "src", FOLDER))
        same = pure.replace("pure Python", "compiled") == compiled
        different += not same
        print(f"{'same' if same else 'DIFFERENT'}  {name}", flush=True)
        if not same:
            print(f"--- pure\n{pure}\n--- compiled\n{compiled}")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
