"""Our tcpdump's lines are those the real one prints of the same frames."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from netarium.capture.reading import read_capture
from netarium.cli.main import main
from netarium.tools.tcpdump.text import Numbers, packet_line
from netarium.wire.ethernet import Frame

LAB = Path(__file__).parents[2] / "examples" / "labs" / "whole-flow.yaml"
TCPDUMP = shutil.which("tcpdump") or "/usr/bin/tcpdump"


@pytest.mark.skipif(not Path(TCPDUMP).exists(), reason="tcpdump is not installed")
@pytest.mark.parametrize("port", ["pc:eth0", "isp-dns:eth0"])
def test_arp_dhcp_dns_http_and_tcp_options_read_the_same(tmp_path: Path, port: str) -> None:
    pcap = tmp_path / "one.pcapng"
    assert main(["run", str(LAB), "--quiet", "--pcap", str(pcap), "--pcap-on", port]) == 0
    real = subprocess.run([TCPDUMP, "-n", "-t", "-r", str(pcap)], capture_output=True, text=True, check=True)
    numbers = Numbers(absolute=False)
    ours = [packet_line(Frame.parse(each.data), numbers) for each in read_capture(pcap)]
    assert len(ours) > 10
    assert ours == real.stdout.splitlines()
