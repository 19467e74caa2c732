"""The texts of the story in English and Chinese: gettext catalogues with symbolic keys, one domain a part.

A text is a `str.format` template. It may mark a term of the glossary where it stands: `[[arp|ARP]]` shows ARP and
says that it is the term `arp`; `[[frame]]` shows the word as it stands. `Language` takes the marks away and hands
the terms out beside the text, so that a teller can explain each at its first use.
"""

from __future__ import annotations

import gettext
import os
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

from netarium.errors import UsageError

LANGUAGES: Final = ("en", "zh")
DOMAINS: Final = ("story", "drops", "decisions", "beliefs", "layers", "ladder", "subnet", "glossary")
FOLDER: Final = Path(__file__).parent / "locale"

_MARK = re.compile(r"\[\[([a-z0-9_.-]+)(?:\|([^\]]*))?\]\]")
_Template = tuple[str, tuple[str, ...]]


class Language:
    """The catalogues of one language. Keys are unique over all domains."""

    def __init__(self, name: str) -> None:
        if name not in LANGUAGES:
            raise UsageError(f"there is no language {name!r}; there are {', '.join(LANGUAGES)}")
        self.name = name
        self._domains = [
            gettext.translation(domain, FOLDER, [name])
            for domain in DOMAINS
            if gettext.find(domain, FOLDER, [name])
        ]
        self._templates: dict[tuple[str, str], _Template | None] = {}

    @staticmethod
    def load(lang: str | None = None, environment: Mapping[str, str] | None = None) -> Language:
        """The language `en` or `zh`; of None, the one of the locale. Raises UsageError for any other."""
        if lang is not None:
            return _loaded(lang)
        return _loaded(language_of_locale(os.environ if environment is None else environment))

    def has(self, key: str) -> bool:
        """Whether there is a text of that key."""
        return self._template(key, "") is not None

    def text(self, key: str, **values: object) -> str:
        """The text of a key with its values filled in. Raises KeyError for a key there is not."""
        return self.marked(key, **values)[0]

    def terms(self) -> list[str]:
        """The keys of the glossary's terms, in the catalogue's order of them."""
        path = gettext.find("glossary", FOLDER, [self.name])
        if path is None:
            return []
        with open(path, "rb") as file:
            catalogue = gettext.GNUTranslations(file)
        keys = [key for key in catalogue._catalog if isinstance(key, str)]  # type: ignore[attr-defined]
        return sorted(key.removeprefix("term.") for key in keys if key.startswith("term."))

    def plural(self, key: str, n: int, **values: object) -> str:
        """The text of a key for `n` things, which is the value `n` of the text too."""
        return self.marked_plural(key, n, **values)[0]

    def marked(self, key: str, **values: object) -> _Template:
        """The text, and the terms it marks, in their order."""
        template = self._template(key, "")
        if template is None:
            raise KeyError(f"no text {key!r} in {self.name}")
        return template[0].format(**values) if values else _unbraced(template[0]), template[1]

    def marked_plural(self, key: str, n: int, **values: object) -> _Template:
        """The text for `n` things, and the terms it marks."""
        template = self._template(key, "one" if n == 1 and self.name != "zh" else "many", n)
        if template is None:
            raise KeyError(f"no text {key!r} in {self.name}")
        return template[0].format(n=n, **values), template[1]

    def _template(self, key: str, form: str, n: int = 1) -> _Template | None:
        known = self._templates.get((key, form), False)
        if known is not False:
            return known  # type: ignore[return-value]
        found: _Template | None = None
        for domain in self._domains:
            text = domain.ngettext(key, key, n) if form else domain.gettext(key)
            if text != key:
                shown = _MARK.sub(lambda mark: mark[2] if mark[2] is not None else mark[1], text)
                found = (shown, tuple(mark[1] for mark in _MARK.finditer(text)))
                break
        self._templates[key, form] = found
        return found


@cache
def _loaded(name: str) -> Language:
    return Language(name)


def language_of_locale(environment: Mapping[str, str]) -> str:
    """`zh` for every Chinese locale, else `en`; the first of LC_ALL, LC_MESSAGES, LANG that is set decides (POSIX)."""
    for variable in ("LC_ALL", "LC_MESSAGES", "LANG"):
        value = environment.get(variable, "")
        if value:
            return "zh" if value.lower().startswith("zh") else "en"
    return "en"


def _unbraced(template: str) -> str:
    return template.format() if "{" in template or "}" in template else template
