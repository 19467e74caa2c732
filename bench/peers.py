"""The same work done by ns-3 and ns.py, in turns with ours on one core: `python -m bench.peers [--runs N]`.

Each row is one scenario of `bench.scenarios`; a figure is the median of the runs in seconds of the process' own time
(what else the machine does hardly counts there), and beside a peer's stands how many times as long it took as ours
(above 1: we are faster). Where a peer is not installed its column says so.

What is compared is not equal, and the peers have the lighter load: their programs are callbacks inside the simulator,
ours are ordinary blocking Python programs on sockets, with a digest of every frame.

- ns-3 (Debian: `apt-get install g++ libns3-dev`): `ns3_peer.cc` is compiled here into a temporary folder. ns-3 is under
  GPL-2.0-only; the file is our own, and what comes of both stays on this machine.
- ns.py (`pip install ns.py`, Apache-2.0): with this Python, or with the one `--nspy-python` names. At a loss it has no
  figure: its time-outs double and do not come down again, and 10 MB at 1 % took longer than three minutes.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
NS3_LIBRARIES = ("core", "network", "internet", "point-to-point", "stats", "traffic-control")
NS3_BUFFER = "524288"
"""Bytes of its send and receive buffers: of the powers of two the fastest for it in both bulk scenarios."""
LIMIT_S = 300
NOT_INSTALLED = "not installed"

SCENARIOS: dict[str, tuple[list[str], list[str]]] = {
    "tcp_100mb": (["bulk", "100000000", "0", NS3_BUFFER], ["bulk", "100000000", "0"]),
    "tcp_10mb_loss": (["bulk", "10000000", "0.01", NS3_BUFFER], []),
    "requests": (["requests", "200", "20", "1000"], []),
    "udp_round_trips": (["udp", "20000", "64"], []),
}
"""Scenario of ours -> arguments of `ns3_peer` and of `nspy_peer.py`; empty where it has nothing like it."""
DONE = {"tcp_100mb": 100_000_000, "tcp_10mb_loss": 10_000_000, "requests": 4_000, "udp_round_trips": 20_000}
"""What must have been done for a figure to count."""


class PeerError(Exception):
    """A peer that is installed did not do its work; the text says why."""


def build_ns3(folder: Path) -> list[str] | None:
    """Compile `ns3_peer.cc` into `folder`; the command, None where ns-3 or a compiler is not installed."""
    compiler = shutil.which("g++") or shutil.which("clang++")
    if compiler is None:
        return None
    probe = '#include "ns3/core-module.h"\n#include "ns3/internet-module.h"\n'
    found = subprocess.run(
        [compiler, "-std=c++17", "-E", "-x", "c++", "-"], input=probe, capture_output=True, text=True
    )
    if found.returncode:
        return None
    program = folder / "ns3_peer"
    libraries = [f"-lns3-{name}" for name in NS3_LIBRARIES]
    command = [compiler, "-O2", "-std=c++17", str(HERE / "ns3_peer.cc"), "-o", str(program), *libraries]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise PeerError(f"ns-3 is installed, but ns3_peer.cc was not built: {last}")
    return [str(program)]


def find_nspy(python: str) -> list[str] | None:
    """The command of ns.py's side, None where that Python has no ns.py."""
    found = subprocess.run([python, "-c", "import ns.packet.tcp_generator, simpy"], capture_output=True)
    return None if found.returncode else [python, str(HERE / "nspy_peer.py")]


def measure(command: list[str]) -> dict[str, float]:
    """Run it pinned to the first core; the last line of its output, which is JSON."""
    if shutil.which("taskset"):
        command = ["taskset", "-c", "0", *command]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    try:
        done = subprocess.run(
            command, cwd=HERE.parent, capture_output=True, text=True, env=environment, timeout=LIMIT_S
        )
    except subprocess.TimeoutExpired:
        raise PeerError(f"{command[-4:]} did not end within {LIMIT_S} s") from None
    if done.returncode:
        raise PeerError(f"{command[-4:]} ended with {done.returncode}: {done.stderr.strip()[-200:]}")
    result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return result


def seconds_of(scenario: str, command: list[str]) -> float:
    """How long the peer's run took, in seconds of its process. Raises PeerError when it did not do the work."""
    result = measure(command)
    if result["done"] < DONE[scenario]:
        raise PeerError(f"{scenario}: {result['done']:,.0f} of {DONE[scenario]:,} done")
    return result["CPU s"]


def row(scenario: str, runs: int, peers: list[tuple[str, list[str] | None]]) -> str:
    """One line of the table. The runs alternate, so that all meet the same moods of the machine."""
    ours: list[float] = []
    theirs: dict[str, list[float]] = {name: [] for name, _ in peers}
    troubles: dict[str, str] = {}
    for _ in range(runs):
        ours.append(measure([sys.executable, "-m", "bench.scenarios", scenario])["CPU s"])
        for (name, command), extra in zip(peers, SCENARIOS[scenario], strict=True):
            if command is None or not extra or name in troubles:
                continue
            try:
                theirs[name].append(seconds_of(scenario, [*command, *extra]))
            except PeerError as error:
                troubles[name] = str(error)
    own = statistics.median(ours)
    cells = [f"{own:.2f} s ({min(ours):.2f} to {max(ours):.2f})"]
    for (name, command), extra in zip(peers, SCENARIOS[scenario], strict=True):
        if command is None:
            cells.append(NOT_INSTALLED)
        elif name in troubles:
            cells.append(troubles[name])
        elif not extra:
            cells.append("-")
        else:
            peer = statistics.median(theirs[name])
            cells.append(f"{peer:.2f} s, {peer / own:.2f} times ours")
    return f"| {scenario} | " + " | ".join(cells) + " |"


def main(arguments: list[str]) -> int:
    """Print the table; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.peers", description=__doc__)
    parser.add_argument("scenario", nargs="*", choices=[*SCENARIOS, []], help="some of them; all without")
    parser.add_argument("--runs", type=int, default=3, help="runs of each (default 3)")
    parser.add_argument("--nspy-python", default=sys.executable, help="the Python that has ns.py")
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        try:
            ns3 = build_ns3(Path(folder))
        except PeerError as error:
            print(error)
            return 1
        peers = [("ns-3", ns3), ("ns.py", find_nspy(chosen.nspy_python))]
        print("| scenario | netarium | " + " | ".join(name for name, _ in peers) + " |")
        print("|---|---|" + "---|" * len(peers))
        for scenario in chosen.scenario or SCENARIOS:
            try:
                print(row(scenario, chosen.runs, peers), flush=True)
            except PeerError as error:  # ours: a peer's stands in its column
                print(error)
                return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
