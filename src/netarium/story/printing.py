"""A story as text of 110 columns (or the terminal's), as Markdown, and as JSON; written while the chapters come."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, Final

from netarium.story.columns import width, wrapped
from netarium.story.language import Language
from netarium.story.telling import Ending, Step, ToldBackground, ToldChapter

JSON_VERSION: Final = 1
WIDTH: Final = 110
ENDS_MAX: Final = 8
"""Of more ends of a broadcast the first ENDS_NAMED are named."""
ENDS_NAMED: Final = 4
_INDENT: Final = " " * 15
_MARKDOWN = str.maketrans({each: f"\\{each}" for each in "\\`*_[]<>#|"})


def hung(text: str, first: str = "", rest: str = "", columns: int = WIDTH) -> list[str]:
    """The text in lines of at most so many columns, the first after `first`, the others after `rest`."""
    head, *others = wrapped(text, columns - max(width(first), width(rest)))
    return [f"{first}{head}".rstrip(), *(f"{rest}{line}".rstrip() for line in others)]


def as_text(chapters: Iterable[ToldChapter], language: Language, columns: int = WIDTH) -> Iterator[str]:
    """Lines of at most so many columns; what a program printed stands as it is."""
    for chapter in chapters:
        yield ""
        yield from hung(chapter.title, f"{chapter.number}. ", "   ", columns)
        for step in chapter.steps:
            yield from _step_lines(step, language, columns)
        if chapter.background is not None:
            yield from hung(_with_numbers(chapter.background, language), _INDENT, _INDENT, columns)


def _with_numbers(background: ToldBackground, language: Language) -> str:
    if not background.numbers:
        return background.text
    return f"{background.text} [{frames_text(background, language)}]"


def frames_text(told: Step | ToldBackground, language: Language) -> str:
    """`frame 7`, `frames 1-4, 9`, or `among frames 1-400` where there are too many to list."""
    if not told.exact:
        return language.text("frame.among", numbers=told.numbers)
    return language.text("frame.one" if told.numbers.isdigit() else "frame.many", numbers=told.numbers)


def path_text(path: str, language: Language) -> str:
    """`a > switch > b, c, d and 195 others`: of many ends the first few are named; `--json` has them all."""
    *way, ends = path.split(" > ")
    names = ends.split(", ")
    if len(names) > ENDS_MAX:
        shown = ", ".join(names[:ENDS_NAMED])
        ends = language.text("path.others", names=shown, n=len(names) - ENDS_NAMED)
    return " > ".join([*way, ends])


def _step_lines(step: Step, language: Language, columns: int) -> Iterator[str]:
    first, *rest = hung(step.text, f"{step.time_ns / 1e9:12.6f} s ", _INDENT, columns)
    frames = frames_text(step, language) if step.numbers else ""
    path = path_text(step.path, language)
    where = f"[{frames}{': ' * bool(path)}{path}]" if frames else ""
    if where and not rest and width(first) + 2 + width(where) <= columns:
        first, where = f"{first}  {where}", ""
    yield first
    yield from rest
    if where and width(_INDENT + where) > columns and path:
        yield from hung(f"[{frames}:", _INDENT, _INDENT, columns)
        yield from hung(f"{path}]", f"{_INDENT} ", f"{_INDENT} ", columns)
    elif where:
        yield from hung(where, _INDENT, _INDENT, columns)
    for line in (*step.lines, *(step.shown.lines if step.shown is not None else ())):
        yield f"{_INDENT}  {line}".rstrip()
    beneath = [language.text("term.said", name=term.name, short=term.short) for term in step.terms]
    beneath += [language.text("note.said", note=note) for note in step.notes]
    for text in beneath:
        yield from hung(text, f"{_INDENT}  ", f"{_INDENT}    ", columns)


def as_markdown(chapters: Iterable[ToldChapter], language: Language) -> Iterator[str]:
    """Headings and lists."""
    for chapter in chapters:
        yield f"## {chapter.number}. {chapter.title.translate(_MARKDOWN)}"
        yield ""
        for step in chapter.steps:
            path = f": {path_text(step.path, language).translate(_MARKDOWN)}" if step.path else ""
            where = f" *({frames_text(step, language)}{path})*" if step.numbers else ""
            yield f"- `{step.time_ns / 1e9:.6f} s` {step.text.translate(_MARKDOWN)}{where}"
            beneath = [*step.lines, *(step.shown.lines if step.shown is not None else ())]
            if beneath:
                yield ""
                yield "  ```text"
                yield from (f"  {line}" for line in beneath)
                yield "  ```"
                yield ""
            for term in step.terms:
                said = language.text("term.said", name=f"**{term.name}**", short=term.short)
                yield f"  - {said}"
            for note in step.notes:
                yield f"  - {language.text('note.said', note=note.translate(_MARKDOWN))}"
        if chapter.background is not None:
            yield f"- {_with_numbers(chapter.background, language).translate(_MARKDOWN)}"
        yield ""


def as_json(
    chapters: Iterable[ToldChapter], language: Language, ending: Ending | None = None
) -> Iterator[str]:
    """One JSON document, versioned, in pieces: a chapter is written when it has been told.

    `ending` is looked at when the chapters are over: it says whether the trace was cut, and how the run was over.
    """
    yield f'{{"netarium_story": {JSON_VERSION}, "language": "{language.name}", "chapters": ['
    comma = ""
    for chapter in chapters:
        told: dict[str, Any] = {
            "number": chapter.number,
            "key": chapter.key,
            "title": chapter.title,
            "steps": [_json_step(step) for step in chapter.steps],
        }
        if chapter.background is not None:
            told["background"] = {
                "text": chapter.background.text,
                "counts": chapter.background.counts,
                "frames": chapter.background.frames,
            }
            if not chapter.background.exact:
                told["background"] |= {"exact": False}
        yield comma + json.dumps(told, ensure_ascii=False)
        comma = ","
    yield "]}" if ending is None else f'], "end": {json.dumps(_json_end(ending), ensure_ascii=False)}}}'


def _json_end(ending: Ending) -> dict[str, object]:
    """`cut`: None of a whole trace; else its line, and why: it is no record (`json`), or none says the end (`end`)."""
    record = ending.record or {}
    kept = ("reason", "virtual_ns", "frames", "sent", "digest", "waits")
    cut = {"line": ending.line, "why": ending.why} if ending.is_cut else None
    return {"cut": cut, **{key: record[key] for key in kept if key in record}}


def _json_step(step: Step) -> dict[str, object]:
    told: dict[str, object] = {
        "time_ns": step.time_ns,
        "place": step.place,
        "kind": step.kind,
        "text": step.text,
        "values": step.values,
        "frames": step.frames,
        "path": step.path,
    }
    if not step.exact:
        told["exact"] = False
    if step.lines:
        told["lines"] = step.lines
    if step.shown is not None:
        told |= step.shown.as_json()
    if step.notes:
        told["notes"] = step.notes
    if step.terms:
        told["terms"] = [{"term": each.term, "name": each.name, "short": each.short} for each in step.terms]
    return told
