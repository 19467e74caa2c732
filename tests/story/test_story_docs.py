"""docs/story.md shows lines of real stories, and commands that are."""

from __future__ import annotations

import re
import shlex

from tests.story.stories import ROOT, SNAPSHOTS

from netarium.cli.arguments import parse as parse_run
from netarium.cli.explain_arguments import parse
from netarium.story.kinds import ONLY

PAGE = (ROOT / "docs" / "story.md").read_text(encoding="utf-8")


def blocks(kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", PAGE, re.DOTALL)


def test_what_it_shows_was_told():
    told = {
        line for path in SNAPSHOTS.glob("*.txt") for line in path.read_text(encoding="utf-8").splitlines()
    }
    shown = [line for block in blocks("text") for line in block.splitlines()]
    assert len(shown) > 30
    assert [line for line in shown if line not in told] == []


def test_its_commands_are_commands():
    lines = [line.partition("  #")[0] for block in blocks("") for line in block.splitlines()]
    commands = [shlex.split(line) for line in lines if line.startswith("netarium ")]
    assert len(commands) == 4
    for _, command, *words in commands:
        assert (parse if command == "explain" else parse_run)(words).sources


def test_it_names_every_kind_of_only():
    named = re.search(r"these kinds of things: `([a-z ]+)`", PAGE)
    assert named is not None and named[1].split() == list(ONLY)
