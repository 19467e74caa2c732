"""The public face of the package: just these names, each there, and importing it installs and loads nothing else."""

import subprocess
import sys
from importlib.resources import files

import pytest

import netarium

NAMES = {
    "DeadlockError",
    "LabError",
    "Net",
    "NetariumError",
    "ProgramError",
    "StormError",
    "UnfinishedError",
    "UsageError",
    "__version__",
}


def test_just_these_names_are_public() -> None:
    assert set(netarium.__all__) == NAMES
    assert dir(netarium) == sorted(NAMES)


@pytest.mark.parametrize("name", sorted(NAMES))
def test_each_is_there(name: str) -> None:
    assert getattr(netarium, name) is not None


def test_errors_are_one_family() -> None:
    for name in NAMES:
        if name.endswith("Error"):
            assert issubclass(getattr(netarium, name), netarium.NetariumError)


def test_what_is_not_there_says_so() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Network'"):
        netarium.Network  # noqa: B018


def test_importing_it_loads_nothing_else_of_the_house_nor_anything_heavy() -> None:
    code = "import sys; before = set(sys.modules); import netarium; print(*sorted(set(sys.modules) - before))"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    ours = [name for name in loaded if name.partition(".")[0] == "netarium"]
    others = [name for name in loaded if name.partition(".")[0] not in {"netarium", *sys.stdlib_module_names}]
    assert (ours, others) == (["netarium"], [])
    assert not {"socket", "threading", "asyncio", "ssl"} & set(loaded)


def test_the_package_says_that_it_is_typed() -> None:
    assert files("netarium").joinpath("py.typed").is_file()
