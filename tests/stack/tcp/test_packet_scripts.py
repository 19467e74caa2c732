"""Every packet script of `tests/stack/scripts` passes, and says what it proves and by which clause."""

from __future__ import annotations

from pathlib import Path

import pytest

from netarium.testing.packetscript import PASS, run_file

SCRIPTS = sorted((Path(__file__).parent.parent / "scripts").glob("*.pkt"))
PHASES = {
    "handshake", "data", "loss", "sack", "rack", "window", "timer", "close", "rst", "options", "cookies", "paws",
    "buffer",
}  # fmt: skip


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_the_stack_does_what_the_script_says(path: Path) -> None:
    assert run_file(path) == (PASS, "")


def test_each_script_begins_with_what_it_proves_and_its_clause() -> None:
    for path in SCRIPTS:
        head = [line for line in path.read_text().splitlines()[:4] if line.startswith("//")]
        assert len(head) >= 2, path
        assert any(word in " ".join(head) for word in ("RFC", "Linux", "(2)", "(7)")), path


def test_every_phase_has_scripts() -> None:
    assert len(SCRIPTS) >= 60
    assert {path.stem.split("-")[0] for path in SCRIPTS} >= PHASES
