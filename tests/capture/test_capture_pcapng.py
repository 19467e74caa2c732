"""The capture: others read it, one interface at a time, and it is whole whatever happens."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import dpkt
import pytest
from tests.link.wires import Bench, numbered

from netarium.capture import records
from netarium.capture.pcapng import Capture, PortSelection
from netarium.capture.reading import read_capture, read_interfaces, split_by_interface
from netarium.errors import CaptureError, UsageError
from netarium.journey import Stop
from netarium.link.port import Port
from netarium.testing.tshark import skip_without_tshark
from netarium.wire.ethernet import Frame

EPOCH_NS = 1_700_000_000_123_456_789


def run_capture(path: Path, count: int = 5, **options: object) -> tuple[Capture, list[Port], list[Frame]]:
    bench = Bench()
    a, _ = bench.port("client:eth0")
    b, _ = bench.port("server:eth0")
    bench.cable(a, b)
    capture = Capture(path, ports=[a, b], epoch_ns=EPOCH_NS, **options)  # type: ignore[arg-type]
    bench.watch.add(capture)
    frames = [numbered(number, 60 + number) for number in range(count)]
    for frame in frames:
        a.transmit(frame)
    bench.run()
    return capture, [a, b], frames


def test_what_is_read_back_is_what_was_sent_and_received(tmp_path: Path) -> None:
    capture, _, frames = run_capture(tmp_path / "x.pcapng")
    capture.close()
    assert read_interfaces(capture.path) == ["client:eth0", "server:eth0"]
    read = list(read_capture(capture.path))
    assert [each.number for each in read] == list(range(1, 11))
    sent = [each for each in read if each.interface == "client:eth0"]
    received = [each for each in read if each.interface == "server:eth0"]
    assert [each.data for each in sent] == [each.data for each in received] == [bytes(f) for f in frames]
    assert all(each.outgoing for each in sent)
    assert not any(each.outgoing for each in received)
    assert [each.time_ns for each in sent] == [EPOCH_NS] * 5
    assert received[0].time_ns == EPOCH_NS + 10_512


def test_dpkt_reads_it_with_nanoseconds(tmp_path: Path) -> None:
    capture, _, frames = run_capture(tmp_path / "x.pcapng")
    capture.close()
    with capture.path.open("rb") as file:
        read = list(dpkt.pcapng.Reader(file))
    assert [data for _, data in read] == [bytes(f) for f in frames] * 2
    assert abs(float(read[5][0]) - (EPOCH_NS + 10_512) / 1e9) < 1e-6


def test_tshark_reads_it_with_interfaces_directions_and_nanoseconds(tmp_path: Path) -> None:
    skip_without_tshark()
    capture, _, _ = run_capture(tmp_path / "x.pcapng")
    capture.close()
    fields = ["frame.interface_name", "frame.interface_id", "frame.p2p_dir", "frame.time_epoch", "frame.len"]
    arguments = [each for field in fields for each in ("-e", field)]
    told = subprocess.run(
        ["tshark", "-r", str(capture.path), "-T", "fields", *arguments],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout.splitlines()
    lines = [line.split("\t") for line in told]
    assert [line[:2] for line in lines] == [["client:eth0", "0"]] * 5 + [["server:eth0", "1"]] * 5
    assert lines[5][3].endswith(".123467301")
    assert [line[4] for line in lines[:5]] == ["60", "61", "62", "63", "64"]


def test_only_the_ports_meant_are_captured(tmp_path: Path) -> None:
    capture, (a, b), _ = run_capture(tmp_path / "x.pcapng", on=["server"])
    assert capture.number_at(a, Stop.LINK_SENT) is None
    assert capture.number_at(b, Stop.LINK_RECEIVED) == 5
    capture.close()
    assert read_interfaces(capture.path) == ["server:eth0"]
    assert {each.interface for each in read_capture(capture.path)} == {"server:eth0"}


@pytest.mark.parametrize(
    ("patterns", "included"),
    [
        ([], ["a:eth0", "a:lo", "ab:eth0"]),
        (["a"], ["a:eth0", "a:lo"]),
        (["a:lo"], ["a:lo"]),
        (["ab", "a:eth0"], ["a:eth0", "ab:eth0"]),
    ],
)
def test_patterns_name_a_node_or_one_interface(patterns: list[str], included: list[str]) -> None:
    names = ["a:eth0", "a:lo", "ab:eth0"]
    selection = PortSelection(patterns)
    selection.check(names)
    assert [name for name in names if selection.includes(name)] == included


def test_a_pattern_that_no_port_has_is_refused_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"'gw:wan'.*client:eth0, server:eth0"):
        run_capture(tmp_path / "x.pcapng", on=["client", "gw:wan"])


def test_a_port_that_comes_later_gets_its_interface_then(tmp_path: Path) -> None:
    capture, _, _ = run_capture(tmp_path / "x.pcapng", count=1)
    late, _ = Bench().port("late:eth0")
    late.number = 77
    capture.frame(9, late, Stop.LINK_SENT, numbered(1))
    capture.close()
    assert read_interfaces(capture.path) == ["client:eth0", "server:eth0", "late:eth0"]
    assert [each.interface for each in read_capture(capture.path)][-1] == "late:eth0"


def test_split_by_interface_gives_each_its_own_whole_capture(tmp_path: Path) -> None:
    capture, _, frames = run_capture(tmp_path / "flow.pcapng")
    capture.close()
    parts = split_by_interface(capture.path, tmp_path / "parts")
    assert list(parts) == ["client:eth0", "server:eth0"]
    for name, path in parts.items():
        assert read_interfaces(path) == [name]
        assert [each.data for each in read_capture(path)] == [bytes(frame) for frame in frames]


def test_an_unwritable_path_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"cannot write the capture .*nowhere.*No such file"):
        Capture(tmp_path / "nowhere" / "x.pcapng")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_a_full_disk_does_not_disturb_the_net_and_is_told_at_the_end() -> None:
    with pytest.raises(CaptureError, match=r"the capture /dev/full is not complete: No space left"):
        run_capture(Path("/dev/full"))[0].close()


def test_a_disk_that_fills_up_leaves_whole_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    room = 1000
    real_write = os.write

    def write(descriptor: int, data: bytes) -> int:
        nonlocal room
        if room == 0:
            raise OSError(28, "No space left on device")
        done = real_write(descriptor, data[:room])
        room -= done
        return done

    monkeypatch.setattr(records.os, "write", write)
    capture, _, frames = run_capture(tmp_path / "x.pcapng", count=50)
    with pytest.raises(CaptureError, match="No space left"):
        capture.close()
    monkeypatch.undo()
    assert capture.failed is not None
    read = list(read_capture(capture.path))
    assert 0 < len(read) < 50
    assert [each.data for each in read] == [bytes(frame) for frame in frames[: len(read)]]


def test_an_interrupt_in_the_middle_of_a_write_leaves_whole_blocks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real_write = os.write
    interrupts = iter([KeyboardInterrupt()])

    def write(descriptor: int, data: bytes) -> int:
        for interrupt in interrupts:
            real_write(descriptor, data[:333])
            raise interrupt
        return real_write(descriptor, data)

    capture, _, frames = run_capture(tmp_path / "x.pcapng", count=50)
    monkeypatch.setattr(records.os, "write", write)
    with pytest.raises(KeyboardInterrupt):
        capture.flush()
    capture.close()
    assert len(list(read_capture(capture.path))) == 100
    assert [each.data for each in read_capture(capture.path)][:50] == [bytes(frame) for frame in frames]


def test_a_capture_opens_before_it_is_closed(tmp_path: Path) -> None:
    capture, _, _ = run_capture(tmp_path / "x.pcapng")
    assert read_interfaces(capture.path) == ["client:eth0", "server:eth0"]
    capture.close()
    capture.close()


@pytest.mark.parametrize("damage", [lambda d: b"text", lambda d: d[:-3], lambda d: d[:20], lambda d: d[4:]])
def test_what_is_no_whole_capture_is_refused(tmp_path: Path, damage: object) -> None:
    capture, _, _ = run_capture(tmp_path / "x.pcapng")
    capture.close()
    capture.path.write_bytes(damage(capture.path.read_bytes()))  # type: ignore[operator]
    with pytest.raises(UsageError, match=r"x\.pcapng"):
        list(read_capture(capture.path))
