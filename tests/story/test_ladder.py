"""`--ladder`: one diagram for each conversation, its arrows those of the trace."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from netarium.cli.main import main
from netarium.errors import UsageError
from netarium.story import ladder
from netarium.story.language import Language
from netarium.story.records import TraceFile

LABS = Path(__file__).parents[2] / "examples" / "labs"


def traced(name: str, folder: Path) -> Path:
    """The trace of one of the labs."""
    path = folder / f"{name}.jsonl"
    assert main(["run", str(LABS / f"{name}.yaml"), "--quiet", "--trace", str(path)]) == 0
    return path


@pytest.fixture(scope="module")
def whole_flow(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The trace of the page that is fetched through NAT."""
    return traced("whole-flow", tmp_path_factory.mktemp("ladder"))


def test_every_segment_of_a_connection_through_nat_is_one_arrow(whole_flow: Path) -> None:
    (found,) = ladder.conversations(TraceFile(whole_flow))
    assert (found.client, found.server) == ("pc", "web")
    assert [arrow.text for arrow in found.arrows[:3]] == [
        "SYN, seq 0",
        "SYN ACK, seq 0, ack 1",
        "ACK, seq 1, ack 1",
    ]
    assert all(arrow.arrived_ns is not None and arrow.arrived_ns > arrow.sent_ns for arrow in found.arrows)
    assert not any(arrow.again for arrow in found.arrows)
    assert sum("FIN" in arrow.text for arrow in found.arrows) == 2


def test_the_diagram_is_one_svg_that_needs_nothing_else(whole_flow: Path) -> None:
    (found,) = ladder.conversations(TraceFile(whole_flow))
    for language in ("en", "zh"):
        text = ladder.svg(found, Language.load(language))
        root = ElementTree.fromstring(text)
        arrows = root.findall("{http://www.w3.org/2000/svg}polygon")
        assert len(arrows) == len(found.arrows)
        assert not re.search(r"href|url\(|<script|<image", text)


def test_no_two_texts_stand_at_one_height(tmp_path: Path) -> None:
    (found, *_) = ladder.conversations(TraceFile(traced("faults", tmp_path)))
    rows = ladder._Rows(found.arrows)
    assert len(set(rows.sent.values())) == len(found.arrows)
    lost = [arrow for arrow in found.arrows if arrow.arrived_ns is None]
    assert lost
    assert any(arrow.again for arrow in found.arrows)
    assert found.more > 0
    text = ladder.svg(found, Language.load("en"))
    assert f"{found.more} more segments are not drawn" in text
    assert text.count("(lost)") == len(lost)


def test_several_conversations_have_a_file_each(tmp_path: Path) -> None:
    written = ladder.write(
        TraceFile(traced("nat-example", tmp_path)), tmp_path / "n.svg", Language.load("en")
    )
    assert [path.name for path in written] == [f"n-{number}.svg" for number in range(1, len(written) + 1)]
    assert len(written) > 1
    (found, *_) = ladder.conversations(TraceFile(tmp_path / "nat-example.jsonl"))
    one = ladder.write(
        TraceFile(tmp_path / "nat-example.jsonl"),
        tmp_path / "1.svg",
        Language.load("en"),
        f"{found.first}-{found.second}",
    )
    assert [path.name for path in one] == ["1.svg"]


def test_what_is_not_there_is_not_drawn(whole_flow: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"has no conversation 10\.0\.0\.1:1-10\.0\.0\.2:2"):
        ladder.write(TraceFile(whole_flow), tmp_path / "x.svg", Language.load("en"), "10.0.0.1:1-10.0.0.2:2")
    with pytest.raises(UsageError, match="cannot write the diagram"):
        ladder.write(TraceFile(whole_flow), tmp_path / "no" / "x.svg", Language.load("en"))


def test_a_folder_that_is_not_there_is_said_before_anything_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pcap = tmp_path / "x.pcapng"
    words = [
        "explain",
        str(LABS / "lan.yaml"),
        "--pcap",
        str(pcap),
        "--ladder",
        str(tmp_path / "no" / "x.svg"),
    ]
    assert main(words) == 2
    printed = capsys.readouterr()
    assert "there is no folder" in printed.err
    assert printed.out == ""
    assert not pcap.exists()
