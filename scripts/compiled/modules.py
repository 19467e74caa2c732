"""Which modules are compiled: the way of a frame, from the engine through cables and stacks, and what it calls."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

FOLDERS: Final = (
    "wire",
    "engine",
    "link",
    "stack",
    "stack/filter",
    "stack/tcp",
    "stack/tcp/congestion",
    "nodes",
)
"""Folders of netarium whose modules are all compiled, but for those below. Packages' `__init__` are not."""

ALONE: Final = ("addresses.py", "capture/digest.py", "journey.py", "units.py")
"""Modules compiled out of folders that are not."""

INTERPRETED: Final = {
    "engine/build.py": "says which build runs",
    "link/cable.py": "its numbers are descriptors, which mypyc does not know; nothing of a frame's way is in it",
    "link/storm.py": "asks by a runtime protocol; called once in 20,000 floods",
    "wire/dhcp.py": "compares by the names in `__slots__`; no frame passes through it",
    "wire/ospf.py": "compares by the names in `__slots__`; no frame passes through it",
    "wire/ospf_lsa.py": "as wire/ospf.py",
    "wire/stp.py": "compares by the names in `__slots__`; no frame passes through it",
}
"""What stays interpreted in those folders, and why."""


def compiled_modules(package: Path) -> Iterator[Path]:
    """The files to compile, under the package's folder, in order."""
    for folder in FOLDERS:
        for path in sorted((package / folder).glob("*.py")):
            name = path.relative_to(package).as_posix()
            if path.name != "__init__.py" and name not in INTERPRETED:
                yield path
    for name in ALONE:
        yield package / name
