"""The reference labs: the repository's copies are the originals'."""

from pathlib import Path

import pytest

from netarium import Net

ROOT = Path(__file__).parents[2]
COPIES = ROOT / "examples" / "labs"
ORIGINALS = ROOT.parent / "shared" / "labs"
WRITTEN_BY_RUNS = ("big.bin", "got.bin")
"""What faults.yaml leaves beside itself (git ignores them)."""


def files(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in WRITTEN_BY_RUNS
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


@pytest.mark.parametrize("name", sorted(path.name for path in COPIES.glob("*.yaml")))
def test_every_lab_loads_as_it_stands(name):
    assert Net.load(COPIES / name).boxes
