"""From the text of a lab file to values that know their lines.

The scalars are those of the YAML 1.2 core schema, chosen here and not by the YAML library, whose YAML 1.1 rules turn
`on` into True, `8080:22` into 484,822 and an unquoted MAC address into a number. Only true and false are booleans,
there are no sexagesimals and no octals, keys are always text, a key stands once in a mapping, and every value keeps
its line, so that a message can name it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from netarium.errors import LabError

Path_ = tuple[str | int, ...]
"""Where a value stands: the keys and indexes that lead to it from the top."""

VALUES_MAX = 200_000
"""More values than this in one file, aliases counted each time, are no lab but an expansion that never ends."""

_PLAIN = "netarium:plain"
_TEXT = "tag:yaml.org,2002:str"
_INTEGER = re.compile(r"[-+]?[0-9]{1,100}|0x[0-9a-fA-F]{1,100}")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_WORDS: dict[str, object] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip


class WrittenInt(int):
    """An integer that remembers how it was written, for places that take text (`env: {CODE: 007}`)."""

    text: str


class WrittenFloat(float):
    """A float that remembers how it was written."""

    text: str


@dataclass
class Document:
    """A lab file as plain values (dict, list, str, int, float, bool, None), with the line of each key and value."""

    file: str
    value: Any
    lines: dict[Path_, int] = field(default_factory=dict)

    def line(self, path: Path_) -> int | None:
        """The line (from 1) of the value at `path`, or of the nearest one around it that is there."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path)

    def place(self, path: Path_) -> str:
        """`lab.yaml:12`: this file and the line of `path`."""
        return f"{self.file}:{self.line(path)}"

    def error(self, message: str, path: Path_) -> LabError:
        """The LabError that names this file and the line of `path`."""
        return LabError(message, self.file, self.line(path))


class _Loader(yaml.SafeLoader):
    """Composes nodes and resolves nothing but the difference between plain scalars, quoted ones and explicit tags."""

    def resolve(self, kind: type[yaml.Node], value: str | None, implicit: Any) -> str:
        if kind is yaml.ScalarNode:
            return _PLAIN if implicit[0] else _TEXT
        return "tag:yaml.org,2002:seq" if kind is yaml.SequenceNode else "tag:yaml.org,2002:map"


def read(path: str | Path) -> Document:
    """Read a lab file. Raises LabError, which names file and line, for anything that is no well-formed lab text."""
    name = str(path)
    try:
        text = Path(path).read_bytes().decode("utf-8")
    except FileNotFoundError:
        raise LabError("there is no such lab file", name) from None
    except IsADirectoryError:
        raise LabError("this is a directory; name the lab file in it", name) from None
    except UnicodeDecodeError as error:
        raise LabError(f"not UTF-8 text (byte {error.start}); save the lab file as UTF-8", name) from None
    except OSError as error:
        raise LabError(f"cannot be read: {error.strerror}", name) from None
    return parse(text, name)


def parse(text: str, file: str = "<text>") -> Document:
    """Turn the text of a lab file into a Document. Raises LabError."""
    try:
        node = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = " ".join(part for part in (error.context, error.problem) if part)
        raise LabError(f"this is not YAML: {problem}", file, mark.line + 1 if mark else None) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise LabError(f"a character that YAML does not allow: {error.character:#x}", file, line) from None
    document = Document(file, None)
    if node is not None:
        document.value = _Converter(document).convert(node, ())
    return document


class _Converter:
    """Turns composed nodes into values and notes their lines."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.count = 0
        self.open: list[yaml.Node] = []

    def convert(self, node: yaml.Node, path: Path_) -> Any:
        line = node.start_mark.line + 1
        self.document.lines.setdefault(path, line)
        self.count += 1
        if any(node is other for other in self.open):
            raise LabError("this value contains itself by an alias", self.document.file, line)
        if self.count > VALUES_MAX:
            raise LabError(f"more than {VALUES_MAX} values", self.document.file, line)
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, line)
        self.open.append(node)
        try:
            if isinstance(node, yaml.SequenceNode):
                self._refuse_tag(node, "tag:yaml.org,2002:seq", line)
                return [self.convert(item, (*path, index)) for index, item in enumerate(node.value)]
            assert isinstance(node, yaml.MappingNode)
            self._refuse_tag(node, "tag:yaml.org,2002:map", line)
            return self._mapping(node, path)
        finally:
            self.open.pop()

    def _mapping(self, node: yaml.MappingNode, path: Path_) -> dict[str, Any]:
        result: dict[str, Any] = {}
        file = self.document.file
        first_lines: dict[str, int] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                raise LabError("a key must be a word, not a list or a mapping", file, line)
            key = key_node.value
            if key in result:
                raise LabError(
                    f"the key {key!r} stands twice in one mapping (first in line {first_lines[key]}); "
                    "keep one of them",
                    file,
                    line,
                )
            first_lines[key] = line
            self.document.lines[(*path, key)] = line
            result[key] = self.convert(value_node, (*path, key))
        return result

    def _scalar(self, node: yaml.ScalarNode, line: int) -> Any:
        text: str = node.value
        if node.tag == _TEXT:
            return text
        self._refuse_tag(node, _PLAIN, line)
        return scalar(text)

    def _refuse_tag(self, node: yaml.Node, expected: str, line: int) -> None:
        if node.tag != expected:
            raise LabError(
                f"the tag {node.tag!r} is not known; lab files use no tags", self.document.file, line
            )


def scalar(text: str) -> Any:
    """The value of a plain scalar by the YAML 1.2 core schema without octals: `on` is text, 010 is ten."""
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        integer = WrittenInt(text, 16 if text.startswith("0x") else 10)
        integer.text = text
        return integer
    if _FLOAT.fullmatch(text):
        number = WrittenFloat(text)
        number.text = text
        return number
    return text
