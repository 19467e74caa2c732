"""`netarium explain`: what it takes, what it prints and leaves, its exit codes, and what it refuses."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from netarium.capture.reading import read_capture
from netarium.cli.explain import main

EXAMPLES = Path(__file__).parents[2] / "examples"


def explain(folder: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "netarium", "explain", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
        env=os.environ | {"PYTHONIOENCODING": "utf-8"} | environment,
    )


@pytest.fixture(scope="module")
def labs(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("explain") / "labs"
    shutil.copytree(EXAMPLES / "labs", folder)
    return folder


@pytest.fixture(scope="module")
def trace(labs) -> Path:
    subprocess.run(
        [sys.executable, "-m", "netarium", "run", "lan.yaml", "--quiet", "--trace", "lan.jsonl"],
        cwd=labs,
        check=True,
        capture_output=True,
        timeout=120,
    )
    return labs / "lan.jsonl"


def test_a_lab_is_run_and_told_and_the_capture_is_left(labs):
    done = explain(labs, "lan.yaml", "--lang", "en")
    assert done.returncode == 0, done.stderr
    assert "client asks server (192.168.15.68) for a connection to port 8999" in " ".join(done.stdout.split())
    assert "server prints: client says hello server" in done.stdout
    assert len(list(read_capture(labs / "explain.pcapng"))) == 56
    assert "explain.pcapng: open it in Wireshark" in " ".join(done.stdout.split()[-40:])
    assert "server | " not in done.stdout + done.stderr


def test_scripts_are_run_and_told_and_files_are_left_where_they_are_wanted(tmp_path):
    shutil.copytree(EXAMPLES / "pairs" / "one_answer", tmp_path / "pair")
    done = explain(
        tmp_path / "pair",
        "server.py",
        "client.py",
        "--pcap",
        "a.pcapng",
        "--trace",
        "a.jsonl",
        "--lang",
        "zh",
    )
    assert done.returncode == 0, done.stderr
    assert "三次握手" in done.stdout
    assert "a.pcapng" in done.stdout
    left = {each.name for each in (tmp_path / "pair").iterdir()}
    assert {"a.pcapng", "a.jsonl"} <= left and "explain.pcapng" not in left
    told = explain(tmp_path / "pair", "a.jsonl", "--lang", "zh")
    assert told.returncode == 0
    assert told.stdout == done.stdout


def test_the_locale_chooses_the_language(trace):
    chinese = explain(trace.parent, "lan.jsonl", LC_ALL="zh_CN.UTF-8")
    assert "建立连接" in chinese.stdout
    english = explain(trace.parent, "lan.jsonl", LC_ALL="C.UTF-8")
    assert "A connection opens" in english.stdout


def test_json_is_one_document_with_a_version(trace, capsys):
    assert main([str(trace), "--lang", "en", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["netarium_story"] == 1
    assert [chapter["number"] for chapter in told["chapters"]] == list(range(1, len(told["chapters"]) + 1))
    steps = [step for chapter in told["chapters"] for step in chapter["steps"]]
    syn = next(step for step in steps if step["kind"] == "tcp")
    assert {"time_ns", "place", "kind", "text", "values", "frames", "path"} <= set(syn)
    assert (syn["place"], syn["values"]["segment"], syn["path"]) == (
        "client",
        "syn",
        "client > switch > server",
    )


def test_markdown_has_headings_and_lists(trace, capsys):
    assert main([str(trace), "--lang", "en", "--markdown"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert sum(line.startswith("## ") for line in lines) > 2
    assert any(line.startswith("- `0.1") and "SYN" in line and "*(frames " in line for line in lines)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--only", "nonsense"), "--only nonsense: there is no such kind; there are arp,"),
        (("--only", ""), "--only names no kind of things; write some, such as --only dns,arp"),
        (("--follow", "nobody"), "the trace has no node 'nobody'; it has switch, server, client"),
        (("--conversation", "server"), "write both ends with their ports"),
        (("--lang", "fr"), "there is no language 'fr'; there are en, zh"),
        (("--seed", "3"), "--seed says how something is run"),
        (("--pcap", "x.pcapng"), "--pcap says how something is run"),
        (("--json", "--markdown"), "not allowed with argument"),
        (("--nonsense",), "unrecognized arguments: --nonsense"),
    ],
)
def test_what_cannot_be_is_exit_2_and_nothing_is_told(trace, capsys, words, told):
    assert main([str(trace), *words]) == 2
    said = capsys.readouterr()
    assert told in said.err
    assert said.out == ""


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("none.jsonl", None, "cannot read the trace none.jsonl: No such file or directory"),
        ("empty.jsonl", b"", "empty.jsonl is no trace"),
        ("text.jsonl", b"hello\n", "text.jsonl is no trace: its first line is no header of one"),
        ("binary.jsonl", bytes(range(256)) * 9, "binary.jsonl is no trace"),
        (
            "old.jsonl",
            b'{"netarium_trace":1,"seed":0}\n',
            "is a trace of version 1, and this netarium tells version 2",
        ),
    ],
)
def test_a_file_that_cannot_be_told_is_exit_2(tmp_path, monkeypatch, capsys, name, content, told):
    monkeypatch.chdir(tmp_path)
    if content is not None:
        (tmp_path / name).write_bytes(content)
    assert main([name, "--lang", "en"]) == 2
    said = capsys.readouterr()
    assert told in said.err and said.err.startswith("netarium: ")
    assert said.out == ""


def test_a_cut_trace_is_told_to_the_cut_and_says_so(trace, tmp_path, capsys):
    data = trace.read_bytes()
    cut = tmp_path / "cut.jsonl"
    cut.write_bytes(data[: len(data) * 2 // 3])
    lines = data[: len(data) * 2 // 3].count(b"\n") + 1
    assert main([str(cut), "--lang", "en"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "A connection opens" in said
    assert f"The trace was cut: line {lines} is no whole record. It is told up to there." in said


def test_nothing_of_what_was_asked_for_is_said_to_be_nothing(trace, capsys):
    assert main([str(trace), "--lang", "en", "--only", "dhcp"]) == 0
    assert "Nothing of what you asked for happened in this run." in capsys.readouterr().out


def test_the_exit_code_is_that_of_the_run(tmp_path):
    (tmp_path / "fails.py").write_text("print('so far')\nraise SystemExit(5)\n")
    done = explain(tmp_path, "fails.py", "--lang", "en")
    assert done.returncode == 1
    assert "The program fails on fails ends with exit code 5." in done.stdout
    (tmp_path / "waits.py").write_text(
        "import socket\n"
        "server = socket.create_server(('10.0.0.1', 5000))\n"
        "socket.create_connection(('10.0.0.1', 5000)).recv(1)\n"
    )
    assert explain(tmp_path, "waits.py", "--lang", "en").returncode == 3
    (tmp_path / "bad.yaml").write_text("nodes: 5\n")
    bad = explain(tmp_path, "bad.yaml")
    assert (bad.returncode, bad.stdout) == (2, "")
    assert "bad.yaml:1" in bad.stderr


def test_a_reader_that_goes_away_is_no_error(trace):
    command = f'"{sys.executable}" -m netarium explain "{trace}" --lang en'
    done = subprocess.run(f"{command} | head -n 3", shell=True, capture_output=True, text=True, timeout=60)
    assert done.stderr == ""
    assert len(done.stdout.splitlines()) == 3


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("run.jsonl.gz", "is compressed; unpack it first"),
        ("run.pcapng", "is a capture; a story is told from a trace"),
    ],
)
def test_what_is_no_trace_by_its_name_is_refused_with_the_remedy(source, said, capsys):
    assert main([source]) == 2
    assert said in " ".join(capsys.readouterr().err.split())
