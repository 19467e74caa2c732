"""R128: one browser opens two sites it knows nothing of; its bytes are counted beside those of a client made for one
thing. R129: opening a URL is told in its order. R130: text in another encoding is a decode error that one sees.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from tests.story.stories import RUNS, Recorded, record

from netarium.story.telling import Choice

EXAMPLES = Path(__file__).parents[2] / "examples"


def run(folder: Path, *words: str) -> tuple[Recorded, str]:
    """Run something of the examples; what it left, and what its programs printed."""
    done = subprocess.run(
        [sys.executable, "-m", "netarium", "run", *words, "--trace", "run.jsonl", "--pcap", "run.pcapng"],
        cwd=folder,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return Recorded(folder.name, folder / "run.jsonl", folder / "run.pcapng"), done.stdout


def test_r128_one_browser_opens_two_sites_and_its_bytes_are_counted_beside_a_client_of_its_own(
    tmp_path, capsys
):
    shutil.copytree(EXAMPLES / "browser_or_client", tmp_path / "lab")
    recorded, printed = run(tmp_path / "lab", "lab.yaml")
    for site in ("http://weather/ from 10.0.0.1:80: 200 OK", "http://tides/ from 10.0.0.2:80: 200 OK"):
        assert f"reader/browser |   GET {site}" in printed
    assert "reader/meter_client | weather 21.5" in printed
    assert "reader/meter_client-2 | tides 3.2" in printed
    own = recorded.chapters("en", Choice(follow="reader/meter_client"))
    ports = {chapter.title.rpartition(" ")[2] for chapter in own if chapter.key in ("open", "data", "close")}
    assert ports == {"7000"}
    carried: Counter[str] = Counter()
    for chapter in recorded.chapters("en"):
        for step in chapter.steps:
            if step.kind == "tcp" and not step.values["again"]:
                ends = sorted((step.values["source"], step.values["destination"]))
                server = next(end for end in ends if not end.startswith("10.0.0.9"))
                carried[server] += step.values["bytes"]
    for name, address in (("weather", "10.0.0.1"), ("tides", "10.0.0.2")):
        browser, client = carried[f"{address}:80"], carried[f"{address}:7000"]
        print(
            f"{name}: browser and web server {browser} bytes, client and server of their own {client} bytes"
        )
    assert capsys.readouterr().out.count(" bytes, client and server of their own ") == 2
    assert (carried["10.0.0.1:7000"], carried["10.0.0.2:7000"]) == (2 + len("21.5"), 2 + len("3.2"))
    page = (EXAMPLES / "browser_or_client" / "site_one" / "index.html").stat().st_size
    assert carried["10.0.0.1:80"] > page > 10 * carried["10.0.0.1:7000"]
    assert carried["10.0.0.2:80"] > 10 * carried["10.0.0.2:7000"]


def test_r129_opening_a_url_is_told_in_its_order(tmp_path):
    assert RUNS["whole-flow"][1] == ("whole-flow.yaml",)
    flow = record("whole-flow", tmp_path)
    steps = [step for chapter in flow.chapters("en") for step in chapter.steps]
    order = [
        ("the hosts file", lambda s: s.kind == "name-stage" and s.values["stage"] == "hosts file" and s.place == "pc"),
        ("the cache", lambda s: s.kind == "name-stage" and s.values["stage"] == "OS cache"),
        ("ARP for the gateway", lambda s: s.kind == "arp" and s.place == "pc" and s.values["target"] == "192.168.1.1"),
        ("DNS asked", lambda s: s.kind == "dns" and not s.values["response"] and s.place == "pc"),
        ("DNS answered", lambda s: s.kind == "name-stage" and s.values["answer"] == ["202.173.11.10"]),
        ("SYN", lambda s: s.kind == "tcp" and s.values["segment"] == "syn"),
        ("NAT", lambda s: s.kind == "nat-entry" and "202.173.11.10:80" in s.values["before"]),
        ("ARP for the server", lambda s: s.kind == "arp" and s.values["target"] == "202.173.11.10"),
        ("SYN+ACK", lambda s: s.kind == "tcp" and s.values["segment"] == "syn-ack"),
        ("the handshake's end", lambda s: s.kind == "tcp" and s.values["segment"] == "established"),
        ("GET", lambda s: s.kind == "tcp" and "GET / HTTP/1.1" in s.text),
        ("the reply", lambda s: s.kind == "tcp" and "HTTP/1.0 200 OK" in s.text),
        ("the page", lambda s: s.kind == "printed" and any("You are through" in line for line in s.values["lines"])),
        ("the teardown", lambda s: s.kind == "tcp" and s.values["segment"] == "fin" and s.place == "pc"),
        ("TIME-WAIT", lambda s: s.kind == "tcp-state" and s.values["after"] == "TIME-WAIT"),
    ]  # fmt: skip
    at = -1
    for what, fits in order:
        found = next((number for number, step in enumerate(steps) if number > at and fits(step)), None)
        assert found is not None, f"not told, or not in its place: {what}"
        at = found
    get = next(step for step in steps if "GET / HTTP/1.1" in step.text)
    assert get.path == "pc > office > gw > isp > core > backbone > web"


@pytest.mark.parametrize(
    ("lang", "said"),
    [
        (
            "en",
            r"these bytes are no UTF-8, byte 1 is the first that does not fit; read as GB 18030 they say 你好，世界",
        ),
        ("zh", r"这些字节不是 UTF-8，第 1 个字节开始对不上；按 GB 18030 读是“你好，世界”"),
    ],
)
def test_r130_text_in_another_encoding_is_a_decode_error_that_one_sees(tmp_path, lang, said):
    shutil.copytree(EXAMPLES / "pairs" / "two_encodings", tmp_path / "pair")
    recorded, printed = run(tmp_path / "pair", "server.py", "client.py")
    assert "not understood: 'utf-8' codec can't decode byte 0xc4 in position 0" in printed
    assert "server | read as GBK: 你好，世界" in printed
    steps = [step for chapter in recorded.chapters(lang) for step in chapter.steps]
    sent = next(step for step in steps if step.kind == "tcp" and step.values["segment"] == "data")
    assert re.search(said, sent.text)
    assert sent.values["preview"]["hex"] == "c4 e3 ba c3 a3 ac ca c0"
