"""`netarium demo`: whole-flow told in the order it happened, with the numbers of the capture it leaves."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from netarium.capture.reading import CapturedFrame, read_capture
from netarium.cli.demo import DRAWINGS, labs
from netarium.lab.net import Net
from netarium.testing import tshark
from netarium.wire.arp import ArpPacket
from netarium.wire.ethernet import Frame
from netarium.wire.tcp import FIN, SYN, TcpHeader
from netarium.wire.udp import UdpHeader

SECONDS_MOST = 120
"""A second or two on an idle machine; so many because a loaded one must not fail it."""
COLUMNS = 110


def run_demo(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "netarium.cli.main", "demo", *options],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
    )


@dataclass
class Told:
    """One thing of the story: its words, the frames and the way in brackets."""

    words: str
    numbers: list[int] = field(default_factory=list)
    path: list[str] = field(default_factory=list)


def told(story: str) -> list[Told]:
    """The things told, read back from the text."""
    found = []
    for entry in re.split(r"\n(?= +[0-9]+\.[0-9]{6} s |\n| +Not told)", story):
        text = " ".join(entry.split())
        bracket = re.search(r"\[frames? ([0-9, -]+?)(?:: (.*))?\]$", text)
        numbers = []
        for part in bracket[1].split(", ") if bracket else []:
            first, _, last = part.partition("-")
            numbers += range(int(first), int(last or first) + 1)
        path = re.split(" > |, ", bracket[2]) if bracket and bracket[2] else []
        found.append(Told(text[: bracket.start()].strip() if bracket else text, numbers, path))
    return found


@dataclass
class Demo:
    """One run of the demo and what it left."""

    story: str
    folder: Path
    took_s: float

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
    assert f"{len(demo.frames)} frames, " in demo.story


def test_no_line_is_longer_than_a_terminal(demo):
    assert [line for line in demo.story.splitlines()[:-1] if len(line) > COLUMNS] == []


def test_the_chapters_come_in_the_order_of_the_job(demo):
    assert re.findall(r"^([0-9]\. .*)$", demo.story, re.MULTILINE) == [
        "1. To begin with",
        "2. Switched on, and what is missing",
        "3. An address is asked for (DHCP, ARP)",
        "4. A name is looked up: first the places that cost nothing",
        "5. The name servers are asked (local or gateway, ARP, DNS, NAT)",
        "6. A connection is made (local or gateway, TCP, NAT, ARP)",
        "7. What was asked for, and what came (TCP)",
        "8. The connection is taken down (TCP)",
    ]
    times = [float(each) for each in re.findall(r"^ +([0-9]+\.[0-9]{6}) s ", demo.story, re.MULTILINE)]
    assert times == sorted(times)


def test_the_steps_come_in_their_order(demo):
    story = " ".join(demo.story.split())
    steps = [
        "pc is switched on. It knows no IP address and no mask, no gateway, no DNS server.",
        "pc sends DHCPDISCOVER, 0.0.0.0 -> 255.255.255.255, UDP 68 -> 67",
        "gw makes sure that 192.168.1.100 is free: who has it? (ARP) Nobody answers.",
        'gw sends DHCPOFFER, 192.168.1.1 -> 192.168.1.100, UDP 67 -> 68: "You can have 192.168.1.100."',
        "pc sends DHCPREQUEST, 0.0.0.0 -> 255.255.255.255, UDP 68 -> 67",
        "Mask 255.255.255.0, gateway 192.168.1.1, DNS server 202.20.66.53.",
        "pc has taken it: address 192.168.1.100/24, gateway 192.168.1.1, DNS server 202.20.66.53.",
        "pc looks in its hosts file: is www.zdns.cn there? No.",
        "pc looks in the cache of its operating system: is www.zdns.cn there? No.",
        "192.168.1.100 AND 255.255.255.0 = 192.168.1.0; 202.20.66.53 AND 255.255.255.0 = 202.20.66.0; different",
        "pc asks everybody on the link: who has 192.168.1.1? (ARP)",
        "gw answers: 192.168.1.1 is at 02:00:00:00:00:02",
        'pc asks isp-dns (202.20.66.53): "www.zdns.cn, type A? Please find out."',
        'root answers: "I do not know. Ask a.dns.cn at 202.173.11.5, who has the zone cn."',
        'cn-dns answers: "I do not know. Ask ns.zdns.cn at 202.173.11.6, who has the zone zdns.cn."',
        'zdns-dns answers: "www.zdns.cn is 202.173.11.10. You may keep that for 600 s."',
        'isp-dns answers: "www.zdns.cn is 202.173.11.10. You may keep that for 600 s."',
        "pc asks web (202.173.11.10) for a connection to port 80: SYN",
        "writes one (2 -> 3 lines): 192.168.1.100:",
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
    assert re.findall(r"\[(DNS [0-9] of 8)\]", demo.story) == [f"DNS {n} of 8" for n in range(1, 9)]


def test_every_frame_of_the_capture_is_told_once(demo):
    numbers = [number for each in told(demo.story) for number in each.numbers]
    assert len(numbers) > 100
    assert sorted(numbers) == sorted(demo.frames)


def test_the_frames_told_are_at_the_nodes_told(demo):
    frames = demo.frames
    ways = [each for each in told(demo.story) if each.path]
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
        (r"DNS [0-9] of", "DNS"),
        (r"\(ARP\)| is at ", "ARP"),
        (r": SYN", "SYN"),
        (r": FIN$", "FIN"),
    ],
)
def test_the_numbers_are_those_of_such_frames(demo, pattern, what):
    frames = {number: Frame.parse(each.data) for number, each in demo.frames.items()}
    numbers = [n for each in told(demo.story) if re.search(pattern, each.words) for n in each.numbers]
    late = demo.frames[min(numbers)].time_ns  # ARP between the routers, before the PC was on, is folded
    every = [n for n, frame in frames.items() if _is(frame, what) and demo.frames[n].time_ns >= late]
    assert sorted(numbers) == sorted(every)


def test_the_trace_has_the_same_numbers(demo):
    lines = (demo.folder / "netarium-demo.jsonl").read_text(encoding="utf-8").rstrip("\n").split("\n")
    numbers = [event["frame"] for event in map(json.loads, lines) if "frame" in event]
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
    drawing = DRAWINGS["whole-flow"].partition("\n\n")[2]
    assert sorted(re.findall(r"[a-z][a-z-]*[a-z]", drawing)) == sorted(net.boxes)


def test_another_lab_and_other_files(tmp_path):
    done = run_demo(tmp_path, "--lab", "lan", "--pcap", "lan.pcapng", "--trace", "lan.jsonl")
    assert (done.returncode, done.stderr) == (0, "")
    order = [
        "equal: it is local, no router needed.",
        "client asks everybody on the link: who has 192.168.15.68? (ARP)",
        "[frames 1-4: client > switch > server]",
        "server answers: 192.168.15.68 is at 02:00:00:00:00:01  [frames 5-8: server > switch > client]",
        "client asks server (192.168.15.68) for a connection to port 8999: SYN",
        "client acknowledges: ACK; the connection stands",
        "client sends 12 bytes: 'hello server'",
        "server prints: client says hello server",
        "client has nothing more to send: FIN",
        "-> TIME-WAIT",
    ]
    places = [done.stdout.find(each) for each in order]
    assert -1 not in places
    assert places == sorted(places)
    assert len(list(read_capture(tmp_path / "lan.pcapng"))) == 56
    assert (tmp_path / "lan.jsonl").exists()


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
