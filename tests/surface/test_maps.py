"""Each folder's `__init__` is its map: every module and folder in it is named there, and none that is gone."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

HOUSE = Path(__file__).parents[2] / "src" / "netarium"
PACKAGES = sorted(path.parent for path in HOUSE.rglob("__init__.py"))
ENTRY = re.compile(r"^ *([\w/]+(?:, [\w/]+)*)(?:$|:?  )")
"""The first column of a line of a map: `name`, `one, two` or `folder/`."""
MENTION = re.compile(r"`([\w/]+)`|\b(\w+[_\d]\w*)\b")
"""A name anywhere in it: between backticks, or one that is no word of a sentence."""


def entries(text: str) -> set[str]:
    return {
        name.removesuffix("/")
        for line in text.splitlines()
        if (found := ENTRY.match(line))
        for name in found[1].split(", ")
    }


def mentions(text: str) -> set[str]:
    return {(quoted or plain).removesuffix("/") for quoted, plain in MENTION.findall(text)}


def rooms(package: Path) -> set[str]:
    modules = {path.stem for path in package.glob("*.py") if not path.name.startswith("__")}
    return modules | {path.parent.name for path in package.glob("*/__init__.py")}


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: str(path.relative_to(HOUSE.parent)))
def test_the_map_of_a_package_names_every_room_and_none_that_is_gone(package: Path) -> None:
    tree = ast.parse((package / "__init__.py").read_text(encoding="utf-8"))
    text = ast.get_docstring(tree, clean=False) or ""
    assert sorted(rooms(package) - entries(text) - mentions(text)) == [], "named nowhere in the map"
    gone = {name for name in entries(text) if name.rpartition("/")[2] not in rooms(package)}
    assert sorted(gone) == [], "named in the map and not there"
