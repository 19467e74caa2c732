"""Lines that show a packet once more are not parsed, and the story is the same as if they were."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.story.stories import Recorded

from netarium.story.language import Language
from netarium.story.printing import as_json
from netarium.story.sights import Sights
from netarium.story.telling import Story


def story_of(trace: Path) -> str:
    language = Language.load("en")
    return "".join(as_json(Story(trace, language).chapters(), language))


@pytest.mark.parametrize("name", ["faults", "nat-example"])
def test_the_story_is_that_of_a_trace_of_which_every_line_is_parsed(
    recorded: Any, tmp_path: Path, name: str
) -> None:
    run: Recorded = recorded(name)
    spaced = tmp_path / "spaced.jsonl"  # not as ours are written: nothing is found by its bytes
    with spaced.open("w", encoding="utf-8") as file:
        for line in run.trace.read_text(encoding="utf-8").rstrip("\n").split("\n"):
            file.write(json.dumps(json.loads(line), ensure_ascii=False) + "\n")
    assert story_of(run.trace) == story_of(spaced)


def test_most_segments_of_a_long_trace_are_found_by_their_bytes(
    recorded: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = taken = 0
    takes = Sights.takes

    def counted(self: Sights, line: bytes) -> bool:
        nonlocal asked, taken
        found = takes(self, line)
        asked += b'"protocol":"TCP"' in line and b'"event":"dropped"' not in line
        taken += found
        return found

    monkeypatch.setattr(Sights, "takes", counted)
    story_of(recorded("faults").trace)
    assert taken > 0.4 * asked > 1000
