"""Every number of a story is found again in the capture, as tshark shows it: frames, times, sizes, ports, addresses,
sequence numbers relative and absolute. What tshark does not show is left out before: counters of ours ("DHCP 1 of 4"),
what a packet carries (it is looked for in its bytes), and tables, which are no packets.
"""

from __future__ import annotations

import re
import subprocess
from collections import defaultdict
from functools import cache
from pathlib import Path

import pytest
from tests.story.stories import MORE, RUNS

from netarium.story.telling import Step
from netarium.testing.tshark import find_tshark, skip_without_tshark

FIELDS = (
    *(
        "frame.number",
        "frame.interface_name",
        "frame.len",
        "frame.packet_flags_direction",
        "frame.time_epoch",
    ),
    *("eth.src", "eth.dst", "vlan.id", "ip.src", "ip.dst", "ip.ttl", "ip.len"),
    *("arp.src.proto_ipv4", "arp.dst.proto_ipv4", "arp.src.hw_mac", "arp.opcode"),
    *("ipv6.src", "ipv6.dst", "ipv6.hlim", "ipv6.plen", "icmpv6.type", "icmpv6.code", "icmpv6.mtu"),
    *("icmpv6.echo.sequence_number", "icmpv6.echo.identifier"),
    *("udp.srcport", "udp.dstport", "udp.length"),
    *(
        "tcp.srcport",
        "tcp.dstport",
        "tcp.seq",
        "tcp.seq_raw",
        "tcp.ack",
        "tcp.ack_raw",
        "tcp.len",
        "tcp.flags",
    ),
    *("tcp.window_size_value", "tcp.options.mss_val", "tcp.options.wscale.multiplier", "tcp.payload"),
    *("icmp.type", "icmp.code", "icmp.seq", "icmp.ident", "icmp.mtu", "data.len"),
    *("dns.qry.name", "dns.qry.type", "dns.a", "dns.ns", "dns.resp.ttl", "dns.resp.name", "dns.id"),
    *("dhcp.ip.your", "dhcp.hw.mac_addr", "dhcp.option.requested_ip_address", "dhcp.option.dhcp_server_id"),
    *("dhcp.option.ip_address_lease_time", "dhcp.option.subnet_mask", "dhcp.option.router"),
    *("dhcp.option.domain_name_server",),
)
FROM_PACKETS = ("tcp", "udp", "dns", "dhcp", "arp", "ping", "icmp-error")
"""Kinds whose whole sentence is read from one packet."""
OURS = re.compile(r"^\[(?:DHCP [0-9] of [0-9]|DNS [0-9]+)\] ")
TOKEN = re.compile(
    r"\b(?:[0-9a-f]{2}:){5}[0-9a-f]{2}\b|\b[0-9a-f]{1,4}(?::[0-9a-f]{0,4}){2,7}(?![0-9a-f:])|\b[0-9]+(?:\.[0-9]+){3}\b|\b[0-9][0-9,]*\b"
)


@cache
def frames(pcap: Path) -> dict[int, dict[str, list[str]]]:
    """Frame number -> field -> its values, as tshark shows them."""
    command = [find_tshark(), "-n", "-r", str(pcap), "-T", "fields", "-E", "aggregator=|"]
    command += ["-o", "tcp.desegment_tcp_streams:FALSE", "-d", "udp.port==53,dns"]
    for protocol in ("http", "websocket"):  # what programs send is looked for in its bytes
        command += ["--disable-protocol", protocol]
    for field in FIELDS:
        command += ["-e", field]
    done = subprocess.run(command, capture_output=True, text=True, timeout=180, check=True)
    found = {}
    for line in done.stdout.splitlines():
        values = zip(FIELDS, line.split("\t"), strict=True)
        of_frame = {field: value.split("|") for field, value in values if value}
        found[int(of_frame["frame.number"][0])] = of_frame
    return found


def steps(recorded) -> list[Step]:
    return [step for chapter in recorded.chapters("en") for step in chapter.steps]


def listed(step: Step) -> list[int]:
    return [number for first, last in step.frames for number in range(first, last + 1)]


def shown(layers: dict[str, list[str]]) -> set[str]:
    """Every number tshark shows of a frame; an ACK of n says that n - 1 bytes have come, or one less with a FIN."""
    found = {
        token.replace(",", "")
        for values in layers.values()
        for value in values
        for token in TOKEN.findall(value)
    }
    found |= {value for values in layers.values() for value in values}
    return found | {str(int(ack) - less) for ack in layers.get("tcp.ack", []) for less in (1, 2)}


@pytest.fixture(params=[*RUNS, *MORE])
def run(request, recorded):
    skip_without_tshark()
    return recorded(request.param)


def test_frames_are_in_the_capture_at_the_nodes_and_times_told(run):
    captured = frames(run.pcap)
    epoch_ns = run.story("en").trace.header["epoch_ns"]
    ways = [step for step in steps(run) if step.frames and step.path]
    assert len(ways) > 5
    for step in ways:
        numbers = [number for number in listed(step) if number in captured]
        assert numbers == listed(step), step.text
        if step.kind in ("bulk", "more"):
            continue
        nodes = {captured[number]["frame.interface_name"][0].partition(":")[0] for number in numbers}
        assert nodes == set(re.split(" > |, ", step.path)), step.text
        assert _ns(captured[numbers[0]]) - epoch_ns == step.time_ns, step.text


def _ns(layers: dict[str, list[str]]) -> int:
    text = layers["frame.time_epoch"][0]
    if "T" in text:  # newer versions show it as ISO 8601
        from datetime import datetime

        head, _, rest = text.partition(".")
        whole = int(datetime.fromisoformat(f"{head}+00:00").timestamp())
        return whole * 10**9 + int(rest.rstrip("Z").ljust(9, "0"))
    seconds, _, fraction = text.partition(".")
    return int(seconds) * 10**9 + int(fraction.ljust(9, "0"))


def test_every_number_of_a_packets_sentence_is_what_tshark_shows_of_its_frames(run):
    captured = frames(run.pcap)
    looked_at = 0
    for step in steps(run):
        if step.kind not in FROM_PACKETS:
            continue
        seen = set().union(*(shown(captured[number]) for number in listed(step)))
        text = OURS.sub("", step.text)
        carried = step.values.get("preview")
        if carried:  # what it carries is looked for in its bytes, and with it what is said of those
            text = text.partition(carried["hex"])[0] if carried["hex"] else text.replace(carried["text"], "")
        if step.kind == "dhcp" and step.values["name"] in ("DHCPOFFER", "DHCPREQUEST"):
            text = re.sub(r"\b0\.0\.0\.0\b", "", text)
        if step.values.get("segment") == "reset":  # why the program has broken it off is in no frame
            text = text.partition(";")[0]
        for token in TOKEN.findall(text):
            looked_at += 1
            assert token.replace(",", "") in seen, (token, step.text, step.numbers)
    assert looked_at > 10


def test_what_a_packet_carries_is_what_the_story_shows_of_it(run):
    captured = frames(run.pcap)
    for step in steps(run):
        if step.kind == "tcp" and step.values["segment"] == "data":
            payload = bytes.fromhex(captured[listed(step)[0]]["tcp.payload"][0])
            carried = step.values["preview"]
            assert len(payload) == step.values["bytes"]
            if carried["hex"]:
                start = max(carried["wrong_at"] - 2, 0)
                assert payload[start:].startswith(bytes.fromhex(carried["hex"])), step.text
                assert carried["wrong_at"] == -1 or _first_wrong(payload) == carried["wrong_at"], step.text
                assert payload.decode("gb18030", "replace").startswith(carried["guess"]), step.text
            else:
                first = carried["text"].split(", ")[0].strip("'")
                assert payload.decode().startswith(first.encode().decode("unicode_escape")), step.text


def _first_wrong(payload: bytes) -> int:
    """The first byte that is no UTF-8, counted from 0."""
    with pytest.raises(UnicodeDecodeError) as error:
        payload.decode()
    return error.value.start


def test_segments_and_acknowledgments_told_singly_and_together_are_all_there_are(run):
    """Of each end: as many segments with data, and as many bytes, as its interface has sent."""
    captured = frames(run.pcap)
    sent: dict[str, list[int]] = defaultdict(list)
    for layers in captured.values():
        node, _, port = layers["frame.interface_name"][0].partition(":")
        is_sent = layers["frame.packet_flags_direction"][0] in ("2", "0x00000002")
        if int(layers.get("tcp.len", ["0"])[0]) and (is_sent or port == "lo"):
            sent[node].append(int(layers["tcp.len"][0]))  # a frame of lo is captured once, as received
    told: dict[str, int] = defaultdict(int)
    told_bytes: dict[str, int] = defaultdict(int)
    for step in steps(run):
        if step.kind == "tcp" and step.values["segment"] == "data":
            told[step.place] += 1
            told_bytes[step.place] += step.values["bytes"]
        elif step.kind == "bulk":
            told[step.place] += step.values["segments"]
            told_bytes[step.place] += step.values["bytes"]
        elif step.kind == "alike":
            for place, count in step.values["segments"].items():
                told[place] += count
                told_bytes[place] += step.values["bytes"][place]
    hosts = {name for name, node in run.story("en").scene.nodes.items() if node.is_host}
    assert {node: count for node, count in told.items() if count and node in hosts} == {
        node: len(sizes) for node, sizes in sent.items() if node in hosts
    }
    assert {node: size for node, size in told_bytes.items() if size and node in hosts} == {
        node: sum(sizes) for node, sizes in sent.items() if node in hosts
    }
