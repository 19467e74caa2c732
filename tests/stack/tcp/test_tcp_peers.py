"""`bench.peers` compares what is installed, says plainly what is not, and believes no figure of work left undone."""

from __future__ import annotations

from pathlib import Path

import pytest
from bench import peers


def test_without_a_compiler_or_the_package_a_peer_is_not_installed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(peers.shutil, "which", lambda name: None)
    assert peers.build_ns3(tmp_path) is None
    empty = tmp_path / "python"
    empty.write_text("#!/bin/sh\nexit 1\n")
    empty.chmod(0o755)
    assert peers.find_nspy(str(empty)) is None


def test_a_row_tells_the_ratio_and_what_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter((2.0, 1.0, 4.0, 3.0, 3.0, 1.5))
    monkeypatch.setattr(peers, "measure", lambda command: {"CPU s": next(times), "done": 4000})
    line = peers.row("requests", 3, [("ns-3", ["ns3_peer"]), ("ns.py", None)])
    assert line == "| requests | 3.00 s (2.00 to 4.00) | 1.50 s, 0.50 times ours | not installed |"


def test_work_left_undone_is_told_instead_of_a_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers, "measure", lambda command: {"CPU s": 1.0, "done": 3999})
    line = peers.row("requests", 2, [("ns-3", ["ns3_peer"]), ("ns.py", None)])
    assert "requests: 3,999 of 4,000 done" in line
