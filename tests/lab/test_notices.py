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
TRUNKS = """\
nodes:
  one: {kind: switch, ports: {up: {trunk: [10, 20, 30], native: 1}, p1: {vlan: 20}}}
  two: {kind: switch, ports: {up: {trunk: [10], native: 1}, p1: {vlan: 10}}}
links:
  - [one:up, two:up]
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
        (
            TRUNKS,
            5,
            "one:up (trunk 10, 20, 30, native 1) sends VLAN 20, 30 to two:up (trunk 10, native 1), which drops it "
            "(VLAN_NOT_ALLOWED); let both carry the same VLANs, unless that is meant",
        ),
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


@pytest.mark.parametrize(
    ("far", "count"), [("[10, 20]", 0), ("[20, 10]", 0), ("[10, 30]", 2), ("[10, 20, 30]", 1)]
)
def test_trunks_that_agree_only_in_part_are_told_each_way(far: str, count: int, tmp_path: Path) -> None:
    lab = tmp_path / "lab.yaml"
    lab.write_text(
        "nodes:\n  one: {kind: switch, ports: {up: {trunk: [10, 20]}}}\n"
        f"  two: {{kind: switch, ports: {{up: {{trunk: {far}}}}}}}\nlinks:\n  - [one:up, two:up]\n"
    )
    assert len(Net.load(lab).notices) == count
