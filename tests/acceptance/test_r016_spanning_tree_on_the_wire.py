"""R016, R021: what switches say is what tshark reads; values and bytes give the same run."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from netarium import Net
from netarium.testing.tshark import find_tshark, skip_without_tshark, tshark_findings

VLAN = Path(__file__).parents[2] / "examples" / "labs" / "vlan.yaml"


def ring(kind: str, wire: str = "values") -> Net:
    """Three switches in a ring with a host on each; one ring cable is cut at 60 s."""
    net = Net(seed=4, wire=wire)
    for number in (1, 2, 3):
        switch = net.switch(f"s{number}", spanning_tree=kind, ports={"host": {"edge": True}})
        host = net.host(f"h{number}", f"10.0.0.{number}/24")
        net.link(host, f"{switch.name}:host")
    for one, other in ((1, 2), (2, 3), (3, 1)):
        net.link(f"s{one}", f"s{other}")
    net["h1"].run("ping -c 3 10.0.0.3", at="40s")
    net["h1"].run("ping -c 3 10.0.0.3", at="120s")
    net.at("60s", net.link("s3", "s1").cut)
    return net


def tshark(file: Path, interface: str, *fields: str) -> list[list[str]]:
    words = [
        find_tshark(),
        "-r",
        str(file),
        "-Y",
        f'stp && frame.interface_name == "{interface}"',
        "-T",
        "fields",
    ]
    for field in fields:
        words += ["-e", field]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    return [line.split("\t") for line in done.stdout.splitlines()]


@pytest.mark.parametrize("kind", ["stp", "rstp"])
def test_r016_tshark_reads_every_bpdu_and_finds_nothing_wrong(kind: str, tmp_path: Path) -> None:
    skip_without_tshark()
    file = tmp_path / "ring.pcapng"
    net = ring(kind)
    net.capture(file)
    net.run()
    net.close()
    for service in net.services:
        assert "3 received" in service.stdout
    fields = (
        "stp.version",
        "stp.type",
        "stp.root.hw",
        "stp.bridge.hw",
        "stp.port",
        "stp.max_age",
        "stp.forward",
    )
    rows = tshark(file, "s1:p2", *fields)
    root = net["s1"].node.bridge.tree.mac.to_bytes(6, "big").hex(":")
    said = {tuple(row) for row in rows if row[3] == root}  # what s1, the root, says itself
    assert said
    assert {row[2] for row in said} == {root}
    assert {row[5:] for row in said} == {("20", "15")}
    assert {row[0] for row in said} == ({"0"} if kind == "stp" else {"2"})
    notices = [row for row in tshark(file, "s3:p2", *fields) if row[1] == "0x80"]
    assert bool(notices) == (kind == "stp")  # topology change notifications are STP's
    # A port that a request was flooded to, after a topology change, sees no answer.
    flooded = "No response seen to ICMP request"
    assert [found for found in tshark_findings(file) if found.message != flooded] == []


@pytest.mark.parametrize("kind", ["stp", "rstp"])
def test_r016_values_and_bytes_give_the_same_run(kind: str) -> None:
    digests = []
    for wire in ("values", "bytes"):
        net = ring(kind, wire)
        net.run()
        digests.append(net.digest)
    assert digests[0] == digests[1]


def test_r021_values_and_bytes_give_the_same_run() -> None:
    digests = []
    for wire in ("values", "bytes"):
        net = Net.load(VLAN, wire=wire)
        net.run()
        digests.append(net.digest)
    assert digests[0] == digests[1]


def test_r016_the_trace_says_what_a_bpdu_says() -> None:
    net = ring("rstp")
    net.trace  # noqa: B018  (recording begins)
    net.run()
    bpdus = net.trace.select(event="sent", at="s1:p2", protocol="STP")
    assert bpdus
    assert "designated proposal" in bpdus[0]["bpdu"]
    states = [
        (event["before"], event["after"])
        for event in net.trace.select(event="state", at="s3:p2", subject="spanning tree state")
    ]
    assert states == [
        ("discarding", "learning"),
        ("learning", "forwarding"),
    ]  # taken over when the other was cut
