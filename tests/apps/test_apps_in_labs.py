"""The same programs, unchanged, on hosts of a lab: the examples, and nothing is lost in them."""

from __future__ import annotations

import random
import re
import shutil
from pathlib import Path

import pytest

from netarium import Net

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("chat.yaml", "files.yaml"):
        shutil.copy(EXAMPLES / name, tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_ten_people_one_behind_nat_whose_link_is_cut_for_20_s_get_every_message_once(lab: Path) -> None:
    net = Net.load(lab / "chat.yaml")
    net.run(until="300s")
    programs = {program.name: program for program in net.services}
    net.close()
    everything = {f"p{person}: line {n}" for person in range(10) for n in range(1, 41)}
    for person in range(10):
        out = programs[f"p{person}"].stdout
        seen = [f"{who}: {text}" for who, text in re.findall(r"<(p\d)> (line \d+)$", out, re.MULTILINE)]
        assert len(seen) == 400 and set(seen) == everything
        for other in range(10):
            own = [text for text in seen if text.startswith(f"p{other}:")]
            assert own == [f"p{other}: line {n}" for n in range(1, 41)]
        assert ("connection lost" in out) == ("back as" in out) == (person == 0)


def test_a_file_over_a_line_that_loses_and_is_cut_resumes_and_arrives_whole(lab: Path) -> None:
    data = random.Random(4).randbytes(8_000_000)
    (lab / "files-sent.bin").write_bytes(data)
    (lab / "files-served").mkdir()
    net = Net.load(lab / "files.yaml")
    net.run(until="600s")
    programs = {program.name: program for program in net.services}
    net.close()
    assert programs["client"].exit_code == 0 and "1 resumed" in programs["client"].stderr
    assert (lab / "files-served" / "files-sent.bin").read_bytes() == data
    assert [path.name for path in (lab / "files-served").iterdir()] == ["files-sent.bin"]
