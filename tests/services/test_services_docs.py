"""docs/services.md: its lab runs, and its table names tools and options that there are."""

from __future__ import annotations

import re
from pathlib import Path

from netarium import Net
from netarium.programs import registry

PAGE = Path(__file__).parents[2] / "docs" / "services.md"


def test_the_lab_of_the_page_runs(tmp_path):
    text = PAGE.read_text()
    lab = tmp_path / "lab.yaml"
    lab.write_text(re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)[0])
    net = Net.load(lab)
    net.run(check=True)
    assert net.service("pc").stdout == "10.0.0.53\n"
    assert net.service("printer").stdout == "www.lab.example has address 10.0.0.53\n"
    assert net["printer"].addresses == {"eth0": ["192.168.1.42/24"]}


def test_the_tools_of_the_table_are_there():
    named = re.findall(r"^\| `(\w+)` \|", PAGE.read_text(), re.MULTILINE)
    assert {"dig", "host", "dhclient", "tcpdump", "ss", "nc", "sysctl", "hostname"} <= set(named)
    assert [name for name in named if registry.find(name) is None] == []
