"""docs/JOURNEY.md says what `journey` says."""

from __future__ import annotations

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_page_is_printed_from_journey() -> None:
    spec = spec_from_file_location("print_journey", ROOT / "scripts" / "print_journey.py")
    assert spec is not None and spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    page = (ROOT / "docs" / "JOURNEY.md").read_text(encoding="utf-8")
    assert page == module.text(), "print it again: python scripts/print_journey.py > docs/JOURNEY.md"
