"""The stories of the labs and of two chats, as they were read line by line. When they change on purpose, write them
anew with `python -m tests.story.stories`, and read the difference.
"""

from __future__ import annotations

import difflib

import pytest
from tests.story.stories import RUNS, snapshot

from netarium.story.columns import width
from netarium.story.language import LANGUAGES
from netarium.story.printing import WIDTH


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("name", RUNS)
def test_the_story_is_the_one_that_was_read(recorded, name, lang):
    told = recorded(name).text(lang)
    kept = snapshot(name, lang).read_text(encoding="utf-8")
    if told != kept:
        difference = difflib.unified_diff(
            kept.splitlines(), told.splitlines(), "kept", "told", n=1, lineterm=""
        )
        pytest.fail(
            "run `python -m tests.story.stories` and read the difference:\n"
            + "\n".join(list(difference)[:60])
        )


@pytest.mark.parametrize("name", RUNS)
def test_both_languages_have_the_same_steps_in_the_same_order(recorded, name):
    def steps(lang):
        return [
            (
                chapter.number,
                chapter.key,
                [
                    (s.time_ns, s.place, s.kind, s.values, s.frames, s.path, len(s.lines), len(s.notes))
                    for s in chapter.steps
                ],
                [sorted(term.term for term in step.terms) for step in chapter.steps],
                chapter.background and (chapter.background.counts, chapter.background.frames),
            )
            for chapter in recorded(name).chapters(lang)
        ]

    english, chinese = steps("en"), steps("zh")
    assert len(english) >= 2
    assert english == chinese


@pytest.mark.parametrize("name", RUNS)
def test_a_chinese_story_has_no_english_sentence_of_ours(recorded, name):
    for chapter in recorded(name).chapters("zh"):
        for text in (chapter.title, *(step.text for step in chapter.steps if step.kind != "printed")):
            assert any("\u4e00" <= each <= "\u9fff" for each in text), text


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("name", RUNS)
def test_sentences_keep_to_the_width_of_the_page(recorded, name, lang):
    lines = recorded(name).text(lang).splitlines()
    shown = {
        line.strip()
        for chapter in recorded(name).chapters(lang)
        for step in chapter.steps
        for line in step.lines
    }
    assert [line for line in lines if width(line) > WIDTH and line.strip() not in shown] == []


@pytest.mark.parametrize("name", RUNS)
def test_chapters_come_in_the_order_they_began_and_steps_in_the_order_of_time(recorded, name):
    chapters = recorded(name).chapters()
    assert [chapter.number for chapter in chapters] == list(range(1, len(chapters) + 1))
    begins = [chapter.steps[0].time_ns for chapter in chapters if chapter.steps]
    assert begins == sorted(begins)
    for chapter in chapters:
        times = [step.time_ns for step in chapter.steps]
        assert times == sorted(times), chapter.title


@pytest.mark.parametrize("name", RUNS)
def test_a_term_is_explained_once_and_every_marked_one_has_its_explanation(recorded, name):
    terms = [term for chapter in recorded(name).chapters() for step in chapter.steps for term in step.terms]
    assert len(terms) > 3
    assert len({term.term for term in terms}) == len(terms)
    assert all(term.name and term.short for term in terms)
