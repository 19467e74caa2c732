"""For tests of the story: a net's run told in both languages, which must agree in everything but their words."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from netarium import Net
from netarium.story.language import Language
from netarium.story.telling import Choice, Step, Story

_CHINESE = re.compile(r"[\u4e00-\u9fff]")


class Told:
    """The steps of a run, in English and in Chinese, and the records they were told from."""

    def __init__(self, trace: Path, choice: Choice | None = None) -> None:
        self.trace = trace
        self.english = self._steps("en", choice)
        self.chinese = self._steps("zh", choice)
        assert [self._facts(each) for each in self.english] == [self._facts(each) for each in self.chinese]
        for each in self.chinese:
            assert _CHINESE.search(each.text), f"no Chinese word in {each.text!r}"

    def _steps(self, language: str, choice: Choice | None) -> list[Step]:
        story = Story(self.trace, Language.load(language), choice)
        return [step for chapter in story.chapters() for step in chapter.steps]

    @staticmethod
    def _facts(step: Step) -> tuple[Any, ...]:
        return (
            step.time_ns,
            step.place,
            step.kind,
            json.dumps(step.values, sort_keys=True, default=str),
            len(step.lines),
            len(step.notes),
            step.numbers,
        )

    def of(self, kind: str, place: str = "", language: str = "english") -> list[Step]:
        """The steps of a kind, at a place."""
        steps: list[Step] = getattr(self, language)
        return [each for each in steps if each.kind == kind and place in ("", each.place)]

    def texts(self, kind: str, place: str = "", language: str = "english") -> list[str]:
        """What they say."""
        return [each.text for each in self.of(kind, place, language)]

    def notes(self, language: str = "english") -> list[str]:
        """Every correction of a belief."""
        return [note for step in getattr(self, language) for note in step.notes]

    def records(self, **wanted: object) -> list[dict[str, Any]]:
        """The records of the trace with these values."""
        found = [json.loads(line) for line in self.trace.read_text().split("\n") if line]
        return [each for each in found if all(each.get(key) == value for key, value in wanted.items())]


def told(net: Net, folder: Path, run: Callable[[], object]) -> Told:
    """Run it, recorded; then tell it."""
    path = folder / "run.jsonl"
    net.watching.trace_to(path)
    run()
    net.close()
    return Told(path)
