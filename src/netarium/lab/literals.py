"""What a script says about addresses, read from its syntax tree before it runs.

A run without a lab must know which addresses the scripts will use before the first one binds: so that nobody else is
given them, and so that an address that is only connected to has an owner. Names are followed through assignments and
parameters' defaults; what cannot be seen here is settled at the bind, when the program runs.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from pathlib import Path
from typing import TypeVar

_T = TypeVar("_T")
Endpoint = tuple[str, int]
"""An address as it is written ("" and "localhost" included) and a port, 0 where it could not be seen."""

ANY = ("", "0.0.0.0")
DEPTH_MAX = 8
"""So many names are followed from one use of an address to its literal."""

_ADDRESS = re.compile(r"(?<![\w.])(\d{1,3}(?:\.\d{1,3}){3})(?![\w.])")
_LOOPBACK_NAME = re.compile(r"(?<![\w.-])localhost(?![\w.-])")
_BINDING_CALLS = {
    "bind",
    "create_server",
    "start_server",
    "serve",
    "run_server",
    "make_server",
    "serve_forever",
}


@dataclass
class Says:
    """What one script says: every list is in the order of the text, without doubles."""

    literals: list[str] = field(default_factory=list)
    """Unicast addresses named anywhere, loopback excluded."""
    binds: list[Endpoint] = field(default_factory=list)
    """What it seems to bind: unicast, loopback ("127.0.0.1") or any ("")."""
    connects: list[Endpoint] = field(default_factory=list)
    """Other endpoints it names as a pair of address and port."""
    loopback: bool = False
    """127.0.0.0/8 or localhost is named."""
    reads_input: bool = False
    """`input()` or `sys.stdin` is used, here or in a module beside the script."""

    def binds_any(self) -> bool:
        """Whether "" or 0.0.0.0 is bound."""
        return any(address == "" for address, _ in self.binds)


def is_host_address(text: str) -> bool:
    """Whether a dotted quad can be a host's own address in a /24: unicast, not loopback, not .0 or .255."""
    try:
        address = IPv4Address(text)
    except ValueError:
        return False
    number = int(address)
    first = number >> 24
    return 0 < first < 224 and first != 127 and number & 0xFF not in (0, 255)


def read_script(path: Path, arguments: Sequence[str] = ()) -> Says:
    """What the script at `path`, run with these arguments, says. A script that is no Python says nothing."""
    says = Says()
    reader = _Reader(says)
    tree = _tree(path)
    if tree is not None:
        reader.read(tree)
        says.reads_input = reads_input(path)
    for argument in arguments:
        reader.text(argument)
    return says


def reads_input(path: Path) -> bool:
    """Whether the script, or a module beside it that it imports, uses `input()` or `sys.stdin`."""
    todo, seen = [path], {path}
    while todo:
        script = todo.pop()
        tree = _tree(script)
        if tree is None:
            continue
        for node in ast.walk(tree):
            if _is_input(node):
                return True
            for name in _imported(node):
                beside = path.parent.joinpath(*name.split("."))
                for module in (beside.with_suffix(".py"), beside / "__init__.py"):
                    if module not in seen and module.is_file():
                        seen.add(module)
                        todo.append(module)
    return False


def _tree(path: Path) -> ast.Module | None:
    try:
        return ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError):
        return None


def _is_input(node: ast.AST) -> bool:
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Name) and node.func.id == "input"
    return (
        isinstance(node, ast.Attribute)
        and node.attr == "stdin"
        and isinstance(node.value, ast.Name)
        and node.value.id == "sys"
    )


def _imported(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield alias.name
    elif isinstance(node, ast.ImportFrom) and node.module:
        yield node.module
        for alias in node.names:
            yield f"{node.module}.{alias.name}"


class _Reader:
    """Collects the names and literals of one syntax tree."""

    def __init__(self, says: Says) -> None:
        self.says = says
        self.names: dict[str, list[ast.expr]] = {}

    def read(self, tree: ast.Module) -> None:
        for node in ast.walk(tree):
            self._learn(node)
        for node in _in_order(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                self.text(node.value)
            elif isinstance(node, ast.Call):
                self._call(node)

    def text(self, text: str) -> None:
        """Note every address in a text."""
        for word in _ADDRESS.findall(text):
            if word.startswith("127."):
                self.says.loopback = True
            elif is_host_address(word):
                _add(self.says.literals, word)
        if _LOOPBACK_NAME.search(text):
            self.says.loopback = True

    def _learn(self, node: ast.AST) -> None:
        if isinstance(node, ast.Assign):
            for target in node.targets:
                self._assign(target, node.value)
        elif isinstance(node, (ast.AnnAssign, ast.NamedExpr)) and node.value is not None:
            self._assign(node.target, node.value)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            positional = [*node.args.posonlyargs, *node.args.args]
            defaults = node.args.defaults
            for parameter, default in zip(
                positional[len(positional) - len(defaults) :], defaults, strict=True
            ):
                self.names.setdefault(parameter.arg, []).append(default)
            for parameter, keyword in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True):
                if keyword is not None:
                    self.names.setdefault(parameter.arg, []).append(keyword)

    def _assign(self, target: ast.expr, value: ast.expr) -> None:
        if isinstance(target, ast.Name):
            self.names.setdefault(target.id, []).append(value)
        elif isinstance(target, ast.Attribute):
            self.names.setdefault(target.attr, []).append(value)
        elif isinstance(target, (ast.Tuple, ast.List)) and isinstance(value, (ast.Tuple, ast.List)):
            for part, part_value in zip(target.elts, value.elts, strict=False):
                self._assign(part, part_value)

    def _values(self, node: ast.expr | None, depth: int = 0) -> Iterator[object]:
        """The literal values an expression may have, as far as names lead to them."""
        if depth > DEPTH_MAX or node is None:
            return
        if isinstance(node, ast.Constant):
            yield node.value
        elif isinstance(node, (ast.Tuple, ast.List)):
            yield node
        elif isinstance(node, (ast.Name, ast.Attribute)):
            name = node.id if isinstance(node, ast.Name) else node.attr
            for value in self.names.get(name, ()):
                yield from self._values(value, depth + 1)
        elif isinstance(node, ast.BoolOp):
            for value in node.values:
                yield from self._values(value, depth + 1)
        elif isinstance(node, ast.IfExp):
            yield from self._values(node.body, depth + 1)
            yield from self._values(node.orelse, depth + 1)
        elif (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr == "gethostname"
        ):
            yield ""

    def _call(self, node: ast.Call) -> None:
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        binding = name in _BINDING_CALLS or name.endswith("Server")
        ends = list(self._endpoints(node))
        for address, port in ends:
            where = "127.0.0.1" if address == "localhost" or address.startswith("127.") else address
            if binding and (where in ANY or where == "127.0.0.1" or is_host_address(where)):
                _add(self.says.binds, ("" if where in ANY else where, port))
            elif not binding and (where == "127.0.0.1" or is_host_address(where)):
                _add(self.says.connects, (where, port))

    def _endpoints(self, node: ast.Call) -> Iterator[Endpoint]:
        for argument in [*node.args, *(keyword.value for keyword in node.keywords)]:
            for value in self._values(argument):
                if isinstance(value, (ast.Tuple, ast.List)) and len(value.elts) >= 2:
                    yield from self._pair(value.elts[0], value.elts[1])
        # `start_server(handler, host, port)` and `serve(host=..., port=...)`: the pair stands among the arguments.
        for host, port in zip(node.args, node.args[1:], strict=False):
            if any(type(value) is int for value in self._values(port)):
                yield from self._pair(host, port)
        named = {keyword.arg: keyword.value for keyword in node.keywords}
        if "host" in named:
            yield from self._pair(named["host"], named.get("port"))

    def _pair(self, host: ast.expr, port: ast.expr | None) -> Iterator[Endpoint]:
        ports = [value for value in self._values(port) if type(value) is int]
        for value in self._values(host):
            if isinstance(value, str):
                yield value, ports[0] if ports else 0


def _in_order(tree: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a tree in the order of the text (`ast.walk` goes by depth)."""
    todo = [tree]
    while todo:
        node = todo.pop()
        yield node
        todo.extend(reversed(list(ast.iter_child_nodes(node))))


def _add(items: list[_T], item: _T) -> None:
    if item not in items:
        items.append(item)
