"""What the commands do with names, with what is there already, and what their summary says."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = pytest.mark.kernel
FILES = "netarium.apps.files"
Say = Callable[..., str]


@pytest.fixture
def ask(tmp_path: Path, start: Callable, port_of: Callable) -> Say:
    """Runs a command against a server of the folder `served`; what it said."""
    (tmp_path / "served").mkdir()
    port = port_of(start(FILES, "serve", tmp_path / "served", "--write", "--port", "0"))

    def run(command: str, *words: object) -> str:
        process: subprocess.Popen[str] = start(FILES, command, f"127.0.0.1:{port}", *words)
        _, said = process.communicate(timeout=60)
        assert process.returncode == 0, said
        return said

    return run


def test_a_symlink_arrives_under_the_name_that_was_typed(tmp_path: Path, ask: Say) -> None:
    (tmp_path / "app-1.2.log").write_text("hi")
    (tmp_path / "latest.log").symlink_to("app-1.2.log")
    (tmp_path / "rel-2").mkdir()
    (tmp_path / "rel-2" / "f").write_text("x")
    (tmp_path / "current").symlink_to("rel-2")
    ask("put", "latest.log", "current/")
    served = tmp_path / "served"
    assert sorted(str(path.relative_to(served)) for path in served.rglob("*")) == [
        "current",
        "current/f",
        "latest.log",
    ]


def test_a_name_that_ends_in_a_dot_is_a_name(tmp_path: Path, ask: Say) -> None:
    (tmp_path / "served" / "f").write_text("hi")
    ask("get", "f", "out.")
    assert (tmp_path / "out.").read_text() == "hi"
    (tmp_path / "below").mkdir()
    ask("get", "f", "below/..")
    ask("get", "f", "new/")
    assert (tmp_path / "f").read_text() == (tmp_path / "new" / "f").read_text() == "hi"


def test_what_an_earlier_transfer_left_goes_when_the_file_is_there_already(tmp_path: Path, ask: Say) -> None:
    (tmp_path / "a").write_text("v1")
    ask("put", "a")
    (tmp_path / "served" / ".a.netarium-part").write_text("rubbish")
    assert "1 same" in ask("put", "a")
    assert os.listdir(tmp_path / "served") == ["a"]


def test_the_summary_counts_what_went_over_the_line(tmp_path: Path, ask: Say) -> None:
    (tmp_path / "a").write_bytes(b"x" * 3_000_000)
    (tmp_path / "served" / ".a.netarium-part").write_bytes(b"x" * 2_000_000)
    assert "1 resumed; 1000000 bytes moved in" in ask("put", "a")
    assert "1 same, sha256" in ask("put", "a")
