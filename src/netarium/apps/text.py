"""What a stranger wrote, made safe to show:

No control character reaches a terminal, and none moves or hides text.
"""

from __future__ import annotations

import re

# C0 and DEL (a terminal obeys them), C1 (so do some), line and paragraph separators, bidirectional overrides
# and isolates (they show text in another order than it has), the zero-width space and BOM that hide
# differences (joiners stay: emoji and Persian need them), tag characters, and lone surrogates, which are no
# text.
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u200b\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\ud800-\udfff"
    "\U000e0000-\U000e007f]"
)


def _picture(match: re.Match[str]) -> str:
    code = ord(match.group())
    if code < 0x20:
        return chr(0x2400 + code)
    return "\u2421" if code == 0x7F else "\ufffd"


def neutralise(text: str) -> str:
    """The text with every control character replaced by its picture (ESC becomes ␛) or by U+FFFD."""
    return _UNSAFE.sub(_picture, text)


def is_neutral(text: str) -> bool:
    """Whether `neutralise` would leave the text as it is."""
    return _UNSAFE.search(text) is None
