"""The reference labs: the repository's copies are the originals'."""

from pathlib import Path

import pytest

from netarium import LabError, Net

ROOT = Path(__file__).parents[2]
COPIES = ROOT / "examples" / "labs"
ORIGINALS = ROOT.parent / "shared" / "labs"
NOT_YET = ("faults.yaml", "nat-example.yaml", "vlan.yaml", "whole-flow.yaml")


def files(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_the_copies_equal_the_originals():
    if not ORIGINALS.is_dir():
        pytest.skip("the original labs are not here")
    assert files(COPIES) == files(ORIGINALS)


def test_the_lan_loads():
    net = Net.load(COPIES / "lan.yaml")
    assert list(net.boxes) == ["switch", "server", "client"]
    assert [service.name for service in net.services] == ["server", "client"]
    assert net["server"].address == "192.168.15.68"
    assert net.link("client", "switch").delay == 1_000_000


@pytest.mark.parametrize("name", NOT_YET)
def test_a_lab_beyond_this_version_says_so(name):
    with pytest.raises(LabError, match=rf"{name}:\d+: .*(does not have it yet|is no program)"):
        Net.load(COPIES / name)
