"""`netarium glossary`: the terms of the story, explained in a sentence each. The texts are the catalogue `glossary`."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence

from netarium.story.columns import wrapped
from netarium.story.language import Language

_WIDTH = 110
_NEAR_MAX = 3


def glossary(words: Sequence[str], lang: str | None, *, as_json: bool) -> int:
    """Print all terms, or those named or whose explanation has a word; the exit code, 1 when there is none."""
    language = Language.load(lang)
    terms = {key: (language.text(f"term.{key}"), language.text(f"short.{key}")) for key in language.terms()}
    found = _meant(terms, words)
    if as_json:
        rows = [{"term": key, "name": name, "short": short} for key, (name, short) in found.items()]
        print(
            json.dumps({"netarium_glossary": 1, "language": language.name, "terms": rows}, ensure_ascii=False)
        )
        return 0 if found else 1
    if not found:
        print(f"netarium: {_unknown(' '.join(words), terms)}", file=sys.stderr)
        return 1
    for name, short in sorted(found.values(), key=lambda told: told[0].casefold()):
        first, *rest = wrapped(language.text("term.said", name=name, short=short), _WIDTH - 4)
        print(first)
        for line in rest:
            print(f"    {line}")
    return 0


def _unknown(word: str, terms: dict[str, tuple[str, str]]) -> str:
    """What is said of a word that no term has: those that look like it, and how to see all."""
    from difflib import get_close_matches

    names = {each.casefold(): name for key, (name, _) in terms.items() for each in (key, name)}
    near = dict.fromkeys(names[each] for each in get_close_matches(word.casefold(), names, n=_NEAR_MAX))
    meant = f"; did you mean {' or '.join(repr(each) for each in near)}?" if near else ""
    return (
        f"no term is called {word!r}{meant}{'' if meant else ';'} `netarium glossary` lists all {len(terms)}"
    )


def _meant(terms: dict[str, tuple[str, str]], words: Sequence[str]) -> dict[str, tuple[str, str]]:
    """All terms without words; the one of that name; where there is none, those that have all the words somewhere."""
    if not words:
        return terms
    wanted = " ".join(words).casefold()
    named = {key: told for key, told in terms.items() if wanted in (key, told[0].casefold())}
    return named or {
        key: told
        for key, told in terms.items()
        if all(each.casefold() in " ".join(told).casefold() for each in words)
    }
