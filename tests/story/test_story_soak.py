"""A long trace is told in constant memory: some times the frames take not much more. `make soak`: a million frames."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

MEASURE = """
import resource, sys
from netarium.story.language import Language
from netarium.story.printing import as_text
from netarium.story.telling import Choice, Story
language = Language.load("en")
story = Story(sys.argv[1], language, Choice(tuple(sys.argv[2:])))
characters = sum(len(line) for line in as_text(story.chapters(), language))
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
print(story.ending.steps, characters, peak, story.ending.is_cut)
"""
MIB_MORE_MAX_OF_ONE_KIND = 15


def long_trace(path: Path, source: Path, times: int) -> None:
    """A trace that has the events of another again and again, later and later, over other ports and frame numbers."""
    head, *lines = source.read_text(encoding="utf-8").rstrip("\n").split("\n")
    *events, end = [json.loads(line) for line in lines]
    span_ns, frames = end["virtual_ns"] + 1_000_000, end["frames"]
    with path.open("w", encoding="utf-8") as file:
        file.write(head + "\n")
        for turn in range(times):
            for event in events:
                later = event | {"t": event["t"] + turn * span_ns}
                if "frame" in event:
                    later["frame"] = event["frame"] + turn * frames
                if "seq" in event:
                    later["identification"] = (event["identification"] + turn) % 65536
                text = json.dumps(later, ensure_ascii=False, separators=(",", ":"))
                file.write(text.replace("48687", str(20000 + turn)) + "\n")
        file.write(
            json.dumps(end | {"t": span_ns * times, "frames": frames * times}, separators=(",", ":")) + "\n"
        )


def measured(trace: Path, *only: str) -> tuple[int, int, int]:
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(trace), *only],
        capture_output=True,
        text=True,
        check=True,
        timeout=1200,
    )
    steps, characters, mib, is_cut = done.stdout.split()
    assert is_cut == "False"
    return int(steps), int(characters), int(mib)


@pytest.mark.parametrize(
    ("short", "long", "mib_more_max"),
    [(1, 4, 26), pytest.param(14, 140, 60, marks=pytest.mark.soak)],
    ids=["29 k frames", "1 M frames"],
)
def test_a_long_trace_takes_no_more_memory_than_a_short_one(recorded, tmp_path, short, long, mib_more_max):
    source = recorded("faults").trace
    sizes = {}
    for times in (short, long):
        trace = tmp_path / f"{times}.jsonl"
        long_trace(trace, source, times)
        steps, _, mib = measured(trace)
        only_steps, _, only_mib = measured(trace, "arp")
        sizes[times] = (steps, mib, only_steps, only_mib)
        trace.unlink()
    assert sizes[long][0] > 3 * sizes[short][0]
    assert sizes[long][1] < sizes[short][1] + mib_more_max, sizes
    assert sizes[long][3] < sizes[short][3] + MIB_MORE_MAX_OF_ONE_KIND, sizes
