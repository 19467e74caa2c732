"""`netarium glossary`: a term by its name, or by words of its explanation, in both languages."""

from __future__ import annotations

import json

import pytest

from netarium.cli.main import main
from netarium.story.language import LANGUAGES, Language


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_term_is_explained(lang: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["glossary", "--lang", lang, "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["terms"]
    assert [row["term"] for row in rows] == Language.load(lang).terms()
    assert len(rows) > 40
    assert all(row["name"] and row["short"] for row in rows)


def test_both_languages_have_the_same_terms() -> None:
    assert Language.load("en").terms() == Language.load("zh").terms()


def test_a_name_is_found_alone_and_words_wherever_they_stand(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["glossary", "--lang", "en", "ARP"]) == 0
    assert len(capsys.readouterr().out.strip().split("\n")) == 1
    assert main(["glossary", "--lang", "en", "mac", "addresses"]) == 0
    assert "ARP cache" in capsys.readouterr().out


def test_a_slip_is_answered_with_the_nearest_term(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["glossary", "--lang", "en", "nagel"]) == 1
    assert 'did you mean "Nagle\'s rule"? `netarium glossary` lists all' in capsys.readouterr().err


def test_a_word_like_no_other_is_answered_in_a_line_that_says_how_to_see_all(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["glossary", "--lang", "en", "zzzzzz"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("netarium: no term is called 'zzzzzz'; `netarium glossary` lists all ")
    assert len(said) < 110
