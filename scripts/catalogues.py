"""The catalogues of the story: compile them, and check that both languages say the same.

    python scripts/catalogues.py            compile every DOMAIN.po to its DOMAIN.mo
    python scripts/catalogues.py --check    change nothing; say what is wrong, and exit with 1

Checked: both languages have the same keys, plural forms and placeholders and mark the same terms; no text is empty or
fuzzy; no key stands in two domains; every key that code asks for is there, and none is there that no code asks for;
every marked term is in the glossary; every entry of journey has a text; each .mo is what its .po gives.
"""

from __future__ import annotations

import argparse
import ast
import io
import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from string import Formatter

from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from netarium.journey import Cause, Drop, Stop

ROOT = Path(__file__).parents[1]
CODE = ROOT / "src" / "netarium"
LOCALE = CODE / "story" / "locale"
LANGUAGES = ("en", "zh")
_DATE = datetime(2026, 1, 1, tzinfo=UTC)
"""What Babel writes as today's: no text depends on it, and a .mo would never be the same again."""
_MARK = re.compile(r"\[\[([a-z0-9_.-]+)(?:\|[^\]]*)?\]\]")
_JOURNEY = {"stop": Stop, "drop": Drop, "cause": Cause}
"""Each entry of these has a text, whether something asks for it yet or not."""
_ASKERS = ("text", "plural", "marked", "marked_plural")


def read(language: str, domain: str) -> Catalog:
    """One catalogue."""
    path = LOCALE / language / "LC_MESSAGES" / f"{domain}.po"
    with path.open("rb") as file:
        return read_po(file, locale=language, domain=domain, abort_invalid=True)


def compiled(catalogue: Catalog) -> bytes:
    """The .mo of a catalogue; the same bytes every time."""
    catalogue.creation_date = catalogue.revision_date = _DATE
    buffer = io.BytesIO()
    write_mo(buffer, catalogue)
    return buffer.getvalue()


def domains(language: str) -> list[str]:
    """The domains there are, in the order of their names."""
    return sorted(path.stem for path in (LOCALE / language / "LC_MESSAGES").glob("*.po"))


def key_of(message: Message) -> str:
    """The key: of a plural the first of its two, which are the same."""
    return message.id if isinstance(message.id, str) else message.id[0]


def forms_of(message: Message) -> list[str]:
    """Its texts, one for each plural form."""
    return [message.string] if isinstance(message.string, str) else list(message.string)


def placeholders(text: str) -> set[str]:
    """The names in braces; raises ValueError for a template that is none."""
    return {
        name.partition(".")[0].partition("[")[0]
        for _, name, _, _ in Formatter().parse(text)
        if name is not None
    }


def check_languages() -> Iterator[str]:
    """What differs between the languages, or is wrong in one."""
    first, *others = (domains(language) for language in LANGUAGES)
    for language, names in zip(LANGUAGES[1:], others, strict=True):
        if names != first:
            yield f"{language} has the domains {names}, {LANGUAGES[0]} has {first}"
    seen: dict[str, str] = {}
    for domain in first:
        texts = [
            {key_of(message): message for message in read(language, domain) if message.id}
            for language in LANGUAGES
        ]
        for key, message in texts[0].items():
            if key in seen:
                yield f"{domain}: {key} is in {seen[key]} too"
            seen[key] = domain
            if key in texts[1]:
                yield from _check_pair(domain, key, message, texts[1][key])
        for language, here, there in ((LANGUAGES[1], texts[1], texts[0]), (LANGUAGES[0], texts[0], texts[1])):
            for key in there.keys() - here.keys():
                yield f"{domain}: {language} has no {key}"


def _check_pair(domain: str, key: str, one: Message, other: Message) -> Iterator[str]:
    if one.pluralizable != other.pluralizable:
        yield f"{domain}: {key} has a plural in one language only"
        return
    sides = []
    for language, message in zip(LANGUAGES, (one, other), strict=True):
        forms = forms_of(message)
        if not all(form.strip() for form in forms) or message.fuzzy:
            yield f"{domain}: {key} has no text in {language}, or a fuzzy one"
            return
        if message.pluralizable and message.id[0] != message.id[1]:
            yield f"{domain}: {key}: msgid_plural is the key again"
        try:
            names = set().union(*map(placeholders, forms))
        except ValueError as error:
            yield f"{domain}: {key} in {language}: {error}"
            return
        sides.append((names - {"n"}, {term for form in forms for term in _MARK.findall(form)}))
    if sides[0][0] != sides[1][0]:
        yield f"{domain}: {key} has the placeholders {sorted(sides[0][0])} and {sorted(sides[1][0])}"
    if sides[0][1] != sides[1][1]:
        yield f"{domain}: {key} marks the terms {sorted(sides[0][1])} and {sorted(sides[1][1])}"


def check_files() -> Iterator[str]:
    """Each .mo that is not what its .po gives."""
    for language in LANGUAGES:
        for domain in domains(language):
            path = LOCALE / language / "LC_MESSAGES" / f"{domain}.mo"
            if not path.exists() or path.read_bytes() != compiled(read(language, domain)):
                yield f"{path.relative_to(ROOT)} is not fresh: run python scripts/catalogues.py"


def check_code() -> Iterator[str]:
    """Keys that code asks for and are not there; keys nobody asks for; marked terms that nothing explains."""
    keys = {key_of(m): domain for domain in domains("en") for m in read("en", domain) if m.id}
    used, patterns = set[str](), set[str]()
    for path in sorted((*CODE.joinpath("story").rglob("*.py"), *CODE.joinpath("cli").glob("*.py"))):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                used.add(node.value)
            elif isinstance(node, ast.JoinedStr):
                patterns.add(_pattern(node))
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in _ASKERS
            ):
                asked = node.args[0] if node.args else None
                if (
                    isinstance(asked, ast.Constant)
                    and isinstance(asked.value, str)
                    and asked.value not in keys
                ):
                    yield f"{path.relative_to(ROOT)}:{node.lineno}: no catalogue has the key {asked.value!r}"
    journey = {f"{name}.{entry.name}" for name, entries in _JOURNEY.items() for entry in entries}
    yield from (f"drops: {key} is missing" for key in sorted(journey - keys.keys()))
    used |= journey
    compiled_patterns = [
        re.compile(pattern) for pattern in sorted(patterns) if len(pattern.replace(".*", "")) > 2
    ]
    for key, domain in keys.items():
        if key not in used and not any(pattern.fullmatch(key) for pattern in compiled_patterns):
            yield f"{domain}: nobody asks for {key}"
    terms = {key.removeprefix("term.") for key in keys if key.startswith("term.")}
    for domain in domains("en"):
        for message in read("en", domain):
            for term in _MARK.findall(" ".join(forms_of(message))) if message.id else ():
                if term not in terms:
                    yield f"{domain}: {key_of(message)} marks {term!r}, which the glossary does not have"


def _pattern(node: ast.JoinedStr) -> str:
    """An f-string as a pattern of the keys it can make: `drop.{name}` is `drop\\..*`."""
    parts = (re.escape(str(part.value)) if isinstance(part, ast.Constant) else ".*" for part in node.values)
    return "".join(parts)


def problems() -> list[str]:
    """Everything that is wrong."""
    return [*check_languages(), *check_code(), *check_files()]


def main(arguments: list[str] | None = None) -> int:
    """Compile, or check."""
    parser = argparse.ArgumentParser(description="Compile or check the catalogues of the story.")
    parser.add_argument("--check", action="store_true", help="change nothing, say what is wrong")
    if parser.parse_args(arguments).check:
        found = problems()
        print("\n".join(found) or "the catalogues are whole")
        return bool(found)
    for language in LANGUAGES:
        for domain in domains(language):
            path = LOCALE / language / "LC_MESSAGES" / f"{domain}.mo"
            data = compiled(read(language, domain))
            if not path.exists() or path.read_bytes() != data:
                path.write_bytes(data)
                print(f"written: {path.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
