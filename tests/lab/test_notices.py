"""Notices name file and line of what they are about, where that comes from a lab file."""

from __future__ import annotations

from pathlib import Path

import pytest

from netarium import Net

LOOP = """\
nodes:
  one: {kind: switch}
  two: {kind: switch}
links:
  - [one:p1, two:p1]
  - [one:p2, two:p2]
"""
VLANS = """\
nodes:
  one: {kind: switch, ports: {p1: {vlan: 10}}}
  two:
    kind: switch
    ports: {p1: {vlan: 20}}
links:
  - between: [one:p1, two:p1]
"""
DHCP = """\
nodes:
  sw: {kind: switch}
  one: {kind: host, address: 10.0.0.1/24, dhcp: {eth0: {range: 10.0.0.10-10.0.0.20}}}
  two: {kind: host, address: 10.0.0.2/24, dhcp: {eth0: {range: 10.0.0.15-10.0.0.30}}}
links: [[one, sw], [two, sw]]
"""


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        (LOOP, 6, "one:p2--two:p2 closes a loop of switches"),
        (VLANS, 7, "one:p1--two:p1 joins VLAN 10"),
        (DHCP, 4, "the DHCP servers one and two are on one link"),
    ],
)
def test_a_notice_of_a_lab_names_file_and_line(
    text: str, line: int, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("lab.yaml").write_text(text)
    (notice,) = Net.load("lab.yaml").notices
    assert notice.startswith(f"lab.yaml:{line}: ")
    assert words in notice


def test_a_notice_of_a_net_in_python_has_none() -> None:
    with Net() as net:
        one, two = net.switch("one"), net.switch("two")
        net.link(one, two)
        net.add_link((one, ""), (two, ""), {})
        net.check()
        (notice,) = net.notices
    assert notice.startswith("one:p2--two:p2 closes a loop")
