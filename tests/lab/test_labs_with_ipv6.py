"""Every example lab also runs with IPv6 switched on at its hosts and routers: its programs say the same."""

from __future__ import annotations

import random
import re
import shutil
from pathlib import Path

import pytest

from netarium import Net

EXAMPLES = Path(__file__).parents[2] / "examples"
LABS = sorted(
    str(path.relative_to(EXAMPLES)) for path in EXAMPLES.rglob("*.yaml") if path.parent.name != "ipv6"
)
"""All but the one that knows IPv6 only (`test_ipv6_labs`)."""


def run(path: Path) -> tuple[str, dict[str, tuple[str, int | None]]]:
    net = Net.load(path)
    try:
        end = net.run(until="600s")
        return str(end), {service.name: (service.stdout, service.exit_code) for service in net.services}
    finally:
        net.close()


def with_ipv6(text: str) -> tuple[str, int]:
    """The lab with IPv6 switched on (the home router, a box of its own kind, stays as it is), and at how many nodes."""
    text, short = re.subn(r"kind: (host|router|balancer)(?=\s*[,}])", r"kind: \1, ipv6: true", text)
    text, long = re.subn(
        r"^( +)kind: (host|router|balancer)$", r"\g<0>\n\1ipv6: true", text, flags=re.MULTILINE
    )
    return text, short + long


@pytest.mark.parametrize("name", LABS)
def test_a_lab_with_ipv6_says_the_same(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = {}
    for way in ("plain", "ipv6"):
        shutil.copytree(EXAMPLES, tmp_path / way)
        path = tmp_path / way / name
        monkeypatch.chdir(path.parent)
        if name == "files.yaml":  # puts a file of the one who tries it
            (path.parent / "files-sent.bin").write_bytes(random.Random(4).randbytes(1_000_000))
            (path.parent / "files-served").mkdir()
        if way == "ipv6":
            text, count = with_ipv6(path.read_text())
            assert count >= 2
            path.write_text(text)
        said[way] = run(path)
    assert said["ipv6"] == said["plain"]
    assert said["plain"][1], "some program spoke"
