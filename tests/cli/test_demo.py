"""`netarium demo`: whole-flow told in the order it happened, with the numbers of the capture it leaves."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import pytest

from netarium.capture.reading import CapturedFrame, read_capture
from netarium.cli.demo import DRAWINGS, labs
from netarium.lab.net import Net
from netarium.story.language import Language
from netarium.story.telling import Choice, Step, Story, ToldChapter
from netarium.testing import tshark
from netarium.wire.arp import ArpPacket
from netarium.wire.ethernet import Frame
from netarium.wire.tcp import FIN, SYN, TcpHeader
from netarium.wire.udp import UdpHeader

CHAPTERS = [
    "1. pc joins the network",
    "2. The name “www.zdns.cn” is looked up: first the places that cost nothing",
    "3. The name servers are asked for “www.zdns.cn”",
    "4. A connection opens: pc:47310 to web, port 80",
    "5. Data flows: pc:47310 and web, port 80",
    "6. The connection closes: pc:47310 and web, port 80",
]
SECONDS_MOST = 120
"""A second or two on an idle machine; so many because a loaded one must not fail it."""
COLUMNS = 110


def run_demo(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "netarium.cli.main", "demo", *options],
        cwd=folder,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
        env=os.environ | {"LC_ALL": "C.UTF-8"},
    )


@dataclass
class Told:
    """One thing of the story: its words, the frames and the way in brackets."""

    words: str
    numbers: list[int] = field(default_factory=list)
    path: list[str] = field(default_factory=list)
    kind: str = ""


def listed(ranges) -> list[int]:
    return [number for first, last in ranges for number in range(first, last + 1)]


@dataclass
class Demo:
    """One run of the demo and what it left."""

    story: str
    folder: Path
    took_s: float

    @cached_property
    def chapters(self) -> list[ToldChapter]:
        choice = Choice(from_first_join=True)
        return list(Story(self.folder / "netarium-demo.jsonl", Language.load("en"), choice).chapters())

    @property
    def steps(self) -> list[Step]:
        return [step for chapter in self.chapters for step in chapter.steps]

    @property
    def told(self) -> list[Told]:
        """The things told, and what was only counted."""
        found = [
            Told(
                step.text, listed(step.frames), re.split(" > |, ", step.path) if step.path else [], step.kind
            )
            for step in self.steps
        ]
        return found + [
            Told(c.background.text, listed(c.background.frames)) for c in self.chapters if c.background
        ]

    @property
    def frames(self) -> dict[int, CapturedFrame]:
        return {each.number: each for each in read_capture(self.folder / "netarium-demo.pcapng")}


@pytest.fixture(scope="module")
def demo(tmp_path_factory) -> Demo:
    folder = tmp_path_factory.mktemp("demo")
    begun = time.monotonic()
    done = run_demo(folder)
    assert (done.returncode, done.stderr) == (0, "")
    return Demo(done.stdout, folder, time.monotonic() - begun)


def test_it_ends_within_seconds_and_leaves_capture_and_trace(demo):
    assert demo.took_s < SECONDS_MOST
    assert sorted(each.name for each in demo.folder.iterdir()) == [
        "netarium-demo.jsonl",
        "netarium-demo.pcapng",
    ]
    assert "netarium-demo.pcapng in Wireshark, one interface at a time" in demo.story
    assert f"{len(demo.frames)} frames in the capture, {len(demo.frames) // 2} sent" in demo.story


def test_no_line_is_longer_than_a_terminal(demo):
    shown = {
        line.strip() for step in demo.steps for line in step.lines
    }  # what a program printed stands as it is
    long = [
        line for line in demo.story.splitlines()[:-2] if len(line) > COLUMNS and line.strip() not in shown
    ]
    assert long == []


def test_what_is_printed_is_what_the_trace_tells(demo):
    story = " ".join(demo.story.split())
    at = 0
    for step in demo.steps:
        at = story.find(" ".join(step.text.split()), at)
        assert at >= 0, step.text


def test_the_chapters_come_in_the_order_of_the_job(demo):
    assert re.findall(r"^([0-9]+\. .*)$", demo.story, re.MULTILINE) == CHAPTERS
    for chapter in demo.chapters:
        times = [step.time_ns for step in chapter.steps]
        assert times == sorted(times)


def test_the_steps_come_in_their_order(demo):
    story = " ".join(demo.story.split())
    steps = [
        "pc is switched on. It has no IP address and no mask, no gateway, no DNS server.",
        "pc sends DHCPDISCOVER, 0.0.0.0 -> 255.255.255.255, UDP 68 -> 67",
        "gw has 192.168.1.100 to offer and pings it first, to be sure that it is free; for that it asks: who has",
        "gw asks again: who has 192.168.1.100? (ARP) Nobody answers.",
        'gw sends DHCPOFFER, 192.168.1.1 -> 192.168.1.100, UDP 67 -> 68: "You can have 192.168.1.100."',
        "pc sends DHCPREQUEST, 0.0.0.0 -> 255.255.255.255, UDP 68 -> 67",
        "Mask 255.255.255.0, gateway 192.168.1.1, DNS server 202.20.66.53.",
        "pc has now: address 192.168.1.100/24, gateway 192.168.1.1, DNS server 202.20.66.53.",
        "pc looks in its hosts file: is www.zdns.cn there? No.",
        "pc looks in the cache of its operating system: is www.zdns.cn there? No.",
        "192.168.1.100 AND 255.255.255.0 = 192.168.1.0; 202.20.66.53 AND 255.255.255.0 = 202.20.66.0: different",
        "pc asks everybody on the link: who has 192.168.1.1? (ARP)",
        "gw answers: 192.168.1.1 is at 02:00:00:00:00:02",
        'pc asks isp-dns (202.20.66.53): "www.zdns.cn, type A? Please find out."',
        'root answers: "I do not know. Ask a.dns.cn at 202.173.11.5, who has the zone cn."',
        'cn-dns answers: "I do not know. Ask ns.zdns.cn at 202.173.11.6, who has the zone zdns.cn."',
        'zdns-dns answers: "www.zdns.cn is 202.173.11.10. You may keep that for 600 s."',
        'isp-dns answers: "www.zdns.cn is 202.173.11.10. You may keep that for 600 s."',
        "pc asks web (202.173.11.10) for a connection to port 80: SYN",
        " lines): 192.168.1.100:",
        "core asks everybody on the link: who has 202.173.11.10? (ARP)",
        "web agrees: SYN+ACK",
        "TCP on pc: SYN-SENT -> ESTABLISHED",
        "GET / HTTP/1.1, Host: www.zdns.cn",
        "HTTP/1.0 200 OK, Content-type: text/html, Content-Length: 339",
        "pc prints: <!doctype html>",
        "pc has nothing more to send: FIN",
        "-> TIME-WAIT",
        "TCP on pc: LAST-ACK -> CLOSED",
    ]
    places = []
    for step in steps:
        places.append(story.find(step, places[-1] if places else 0))
        assert places[-1] >= 0, f"not told, or not in its place: {step}"


def test_the_messages_are_counted(demo):
    assert re.findall(r"\[(DHCP [0-9] of 4)\]", demo.story) == [f"DHCP {n} of 4" for n in range(1, 5)]
    assert re.findall(r"\[(DNS [0-9])\]", demo.story) == [f"DNS {n}" for n in range(1, 9)]


def test_every_frame_of_the_capture_is_told_once(demo):
    numbers = [number for each in demo.told if each.kind != "drop" for number in each.numbers]
    assert len(numbers) > 100
    assert sorted(numbers) == sorted(demo.frames)


def test_the_frames_told_are_at_the_nodes_told(demo):
    frames = demo.frames
    ways = [each for each in demo.told if each.path and each.kind != "drop"]
    assert len(ways) > 30
    for each in ways:
        seen = {frames[number].interface.partition(":")[0] for number in each.numbers}
        assert (set(each.path), each.path[0]) == (
            seen,
            frames[each.numbers[0]].interface.partition(":")[0],
        ), each


def _is(frame: Frame, what: str) -> bool:
    header = frame.transport
    if what == "ARP":
        return isinstance(frame.network, ArpPacket)
    if what in ("SYN", "FIN"):
        bit = SYN if what == "SYN" else FIN
        return isinstance(header, TcpHeader) and bool(header.flags & bit)
    ports = {"DHCP": {67, 68}, "DNS": {53}}[what]
    return isinstance(header, UdpHeader) and bool(ports & {header.source_port, header.destination_port})


@pytest.mark.parametrize(
    ("pattern", "what"),
    [
        (r"DHCP [0-9] of", "DHCP"),
        (r"^\[DNS [0-9]\]", "DNS"),
        (r"\(ARP\)| is at ", "ARP"),
        (r": SYN\b", "SYN"),
        (r": FIN\b", "FIN"),
    ],
)
def test_the_numbers_are_those_of_such_frames(demo, pattern, what):
    frames = {number: Frame.parse(each.data) for number, each in demo.frames.items()}
    numbers = [n for each in demo.told if re.search(pattern, each.words) for n in each.numbers]
    late = demo.frames[min(numbers)].time_ns  # ARP between the routers, before the PC was on, is folded
    every = [n for n, frame in frames.items() if _is(frame, what) and demo.frames[n].time_ns >= late]
    assert sorted(numbers) == sorted(every)


def test_the_trace_has_the_same_numbers(demo):
    lines = (demo.folder / "netarium-demo.jsonl").read_text(encoding="utf-8").rstrip("\n").split("\n")
    events = list(map(json.loads, lines))
    numbers = [
        each["frame"] for each in events if each.get("event") in ("sent", "received") and "frame" in each
    ]
    assert numbers == sorted(demo.frames)


def test_tshark_finds_nothing_wrong(demo):
    tshark.skip_without_tshark()
    assert tshark.tshark_findings(demo.folder / "netarium-demo.pcapng") == []


def test_the_readme_shows_lines_of_the_real_story(demo):
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    shown = next(block for block in readme.split("```\n") if "[DHCP 1 of 4]" in block).splitlines()
    story = demo.story.splitlines()
    assert len(shown) > 30
    assert [line for line in shown if line.strip() not in ("", "...") and line not in story] == []


def test_it_is_the_same_every_time(demo, tmp_path):
    again = run_demo(tmp_path)
    assert again.stdout == demo.story
    assert (tmp_path / "netarium-demo.pcapng").read_bytes() == (
        demo.folder / "netarium-demo.pcapng"
    ).read_bytes()


def test_the_drawing_has_every_node_of_the_lab():
    net = Net.load(labs() / "whole-flow.yaml")
    drawing = DRAWINGS["whole-flow"]
    assert sorted(re.findall(r"[a-z][a-z-]*[a-z]", drawing)) == sorted(net.boxes)


def test_another_lab_and_other_files(tmp_path):
    done = run_demo(tmp_path, "--lab", "lan", "--pcap", "lan.pcapng", "--trace", "lan.jsonl")
    assert (done.returncode, done.stderr) == (0, "")
    order = [
        "equal, so 192.168.15.68 is on the same network",
        "client asks everybody on the link: who has 192.168.15.68? (ARP)",
        "[frames 1-4: client > switch > server]",
        "server answers: 192.168.15.68 is at 02:00:00:00:00:01 (MAC address)",
        "[frames 5-8: server > switch > client]",
        "client asks server (192.168.15.68) for a connection to port 8999: SYN",
        "client acknowledges: ACK; the connection stands",
        "client sends 12 bytes, from number 1 on: 'hello server'",
        "server prints: client says hello server",
        "client has nothing more to send: FIN",
        "-> TIME-WAIT",
    ]
    words, at = " ".join(done.stdout.split()), 0
    for each in order:
        at = words.find(each, at)
        assert at >= 0, each
    assert len(list(read_capture(tmp_path / "lan.pcapng"))) == 56
    assert (tmp_path / "lan.jsonl").exists()


def test_it_is_told_in_chinese_too(demo, tmp_path):
    done = run_demo(tmp_path, "--lang", "zh")
    assert (done.returncode, done.stderr) == (0, "")
    assert "三次握手" in done.stdout and "留下的文件：抓包文件 netarium-demo.pcapng" in done.stdout
    numbers = [re.findall(r"[0-9]+\.[0-9]{6} s ", text) for text in (done.stdout, demo.story)]
    assert numbers[0] == numbers[1]


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (("--pcap", "absent/x.pcapng"), "cannot write the capture absent/x.pcapng"),
        (("--trace", "absent/x.jsonl"), "cannot write the trace absent/x.jsonl"),
        (("--lab", "nix"), "the package has no lab 'nix'; it has "),
    ],
)
def test_what_cannot_be_is_said_and_nothing_is_left(tmp_path, options, complaint):
    done = run_demo(tmp_path, *options)
    assert (done.returncode, done.stdout) == (2, "")
    assert complaint in done.stderr
    assert list(tmp_path.iterdir()) == []
