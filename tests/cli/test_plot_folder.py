"""`run --plot DIR`: a folder that cannot be is said before anything runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from netarium.cli.main import main

LAB = Path(__file__).parents[2] / "examples" / "labs" / "lan.yaml"


def test_a_folder_that_cannot_be_made_is_exit_2_and_nothing_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("matplotlib", reason="--plot needs the extra [plot]")
    (tmp_path / "file").write_text("")
    pcap = tmp_path / "x.pcapng"
    assert main(["run", str(LAB), "--plot", str(tmp_path / "file"), "--pcap", str(pcap)]) == 2
    printed = capsys.readouterr()
    assert "--plot" in printed.err
    assert "cannot make that folder" in printed.err
    assert printed.out == ""
    assert not pcap.exists()
