"""Run every scenario several times, each run a fresh process on one core, and print medians."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.scenarios import SCENARIOS
from netarium.engine.build import kind

ROOT = Path(__file__).resolve().parent.parent
AIMS = {
    "tcp_100mb": ("MB/s", 75.0),
    "tcp_10mb_loss": ("seconds", 0.14),
    "udp_round_trips": ("round trips/s", 55_000.0),
    "requests": ("requests/s", 18_000.0),
    "internet": ("seconds", 30.0),
    "clients_in_one_program": ("seconds", 1.0),
    "programs_on_hosts": ("seconds", 3.0),
}
"""What each figure aims at; printed beside it, never asserted."""


def _pinned(command: list[str]) -> list[str]:
    return ["taskset", "-c", "0", *command] if shutil.which("taskset") else command


def _environment() -> dict[str, str]:
    """The caller's, with compiled modules cached, as anybody's first run leaves them."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def _run(name: str) -> dict[str, float]:
    command = _pinned([sys.executable, "-m", "bench.scenarios", name])
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, env=_environment())
    result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return result


def _start_up(runs: int) -> list[float]:
    """Whole-process seconds of `netarium run server.py client.py` with two tiny scripts."""
    at = "('192.168.15.68', 8999)"
    server = f"import socket\ns=socket.create_server({at})\nc,_=s.accept()\nprint(c.recv(9))\nc.close()\n"
    client = f"import socket\nc=socket.create_connection({at})\nc.send(b'hello')\nc.close()\n"
    seconds = []
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "server.py").write_text(server)
        Path(folder, "client.py").write_text(client)
        command = _pinned([sys.executable, "-m", "netarium", "run", "server.py", "client.py"])
        for _ in range(runs):
            began = time.perf_counter()
            subprocess.run(command, cwd=folder, capture_output=True, check=True, env=_environment())
            seconds.append(time.perf_counter() - began)
    return seconds


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "scenario", nargs="*", help=f"some of {', '.join(SCENARIOS)}, start_up, peers; all without"
    )
    parser.add_argument("--runs", type=int, default=5, help="counted runs of each (default 5)")
    arguments = parser.parse_args()
    names = arguments.scenario or [*SCENARIOS, "start_up", "peers"]
    python = sys.version.split()[0]
    print(
        f"Python {python}, netarium {kind()}, one core of {os.cpu_count()}, "
        f"medians of {arguments.runs} runs (min to max)"
    )
    for name in names:
        if name == "start_up":
            times = _start_up(arguments.runs)
            median = statistics.median(times)
            print(f"{name:16} {median:.3f} s ({min(times):.3f} to {max(times):.3f})  aim: under 0.5 s")
            continue
        if name == "peers":
            from bench import peers

            peers.main(["--runs", str(min(arguments.runs, 3))])
            continue
        results = [_run(name) for _ in range(arguments.runs)]
        parts = []
        for key in results[0]:
            values = [result[key] for result in results]
            parts.append(f"{statistics.median(values):,.4g} {key} ({min(values):,.4g} to {max(values):,.4g})")
        key, aim = AIMS[name]
        print(f"{name:16} {'; '.join(parts)}  aim: {aim:,g} {key}")


if __name__ == "__main__":
    main()
