"""tshark dissects every RIP and OSPF frame of a run without a warning, and sees the protocols that were spoken."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from tests.services.routing.weighted import build

from netarium.testing.tshark import find_tshark, skip_without_tshark, tshark_findings

LINKS = [
    ({0: 1, 1: 1}, "point-to-point"),
    ({1: 2, 2: 2}, "broadcast"),
    ({0: 3, 2: 3, 3: 3, 4: 3}, "broadcast"),
]


def column(capture: Path, field: str) -> list[str]:
    command = [find_tshark(), "-n", "-r", str(capture), "-T", "fields", "-e", field]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    return [line for line in lines if line]


@pytest.mark.parametrize("protocol", ["rip", "ospf"])
def test_tshark_finds_nothing(protocol: str, tmp_path: Path) -> None:
    skip_without_tshark()
    made = build(protocol, LINKS, 5)
    capture = tmp_path / "routing.pcapng"
    made.net.capture(capture)
    made.pass_time(90)
    made.routers[3].crash()
    made.pass_time(250 if protocol == "rip" else 60)
    made.routers[3].boot()
    made.pass_time(90)
    made.check()
    made.net.close()
    assert tshark_findings(capture) == []
    if protocol == "ospf":
        kinds = {kind for line in column(capture, "ospf.msg") for kind in line.split(",")}
        assert kinds == {"1", "2", "3", "4", "5"}
        ages = {kind for line in column(capture, "ospf.lsa") for kind in line.split(",")}
        assert ages == {"1", "2"}, "router-LSAs and network-LSAs"
    else:
        assert {kind for line in column(capture, "rip.command") for kind in line.split(",")} == {"1", "2"}
        metrics = {int(metric) for line in column(capture, "rip.metric") for metric in line.split(",")}
        assert 16 in metrics and max(metrics) == 16
