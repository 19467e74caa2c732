"""Every example lab also runs with IPv6 switched on: its programs say the same."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from netarium import Net

LABS = Path(__file__).parents[2] / "examples" / "labs"


def run(path: Path) -> tuple[str, dict[str, str]]:
    net = Net.load(path)
    try:
        end = net.run()
        return str(end), {service.name: service.stdout for service in net.services}
    finally:
        net.close()


@pytest.mark.parametrize("name", sorted(path.name for path in LABS.glob("*.yaml")))
def test_a_lab_with_ipv6_says_the_same(name: str, tmp_path: Path) -> None:
    for before in ("plain", "ipv6"):
        shutil.copytree(LABS, tmp_path / before)
    path = tmp_path / "ipv6" / name
    text = re.sub(r"kind: (host|router|balancer)(?=\s*[,}])", r"kind: \1, ipv6: true", path.read_text())
    text = re.sub(r"^( +)kind: (host|router|balancer)$", r"\g<0>\n\1ipv6: true", text, flags=re.MULTILINE)
    assert "ipv6: true" in text
    path.write_text(text)
    assert run(path) == run(tmp_path / "plain" / name)
