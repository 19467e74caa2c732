"""The size check: no module past 600 lines, no function past 60 (aim: 400 and 40). No exceptions list.

A function counts from its `def` line to its last line, without its docstring.
"""

from __future__ import annotations

import ast
import sys
from pathlib import Path

MODULE_LINES_MAX = 600
FUNCTION_LINES_MAX = 60


def function_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """The length of a function without its docstring, in lines."""
    assert node.end_lineno is not None
    lines = node.end_lineno - node.lineno + 1
    first = node.body[0]
    if (
        isinstance(first, ast.Expr)
        and isinstance(first.value, ast.Constant)
        and isinstance(first.value.value, str)
    ):
        assert first.end_lineno is not None
        lines -= first.end_lineno - first.lineno + 1
    return lines


def check(path: Path) -> list[str]:
    """The complaints about one module: too long, a function too long, no docstring."""
    text = path.read_text(encoding="utf-8")
    complaints = []
    count = text.count("\n")
    if count > MODULE_LINES_MAX:
        complaints.append(f"{path}:1: {count} lines; at most {MODULE_LINES_MAX}: split it by what it does")
    try:
        tree = ast.parse(text, filename=str(path))
    except SyntaxError:  # a script that is meant to be broken: what programs make of it is tested
        return complaints if "scripts" in path.parts else [*complaints, f"{path}:1: does not parse"]
    if "src" in path.parts and ast.get_docstring(tree) is None:
        complaints.append(f"{path}:1: no module docstring: say which room this is and what may be touched")
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = function_lines(node)
            if length > FUNCTION_LINES_MAX:
                complaints.append(
                    f"{path}:{node.lineno}: {node.name} has {length} lines; at most {FUNCTION_LINES_MAX}"
                )
    return complaints


def main() -> int:
    """Check every Python file the project ships or runs."""
    root = Path(__file__).resolve().parent.parent
    complaints: list[str] = []
    count = 0
    for folder in ("src", "tests", "bench", "scripts", "examples"):
        for path in sorted((root / folder).rglob("*.py")):
            complaints += check(path.relative_to(root))
            count += 1
    print("\n".join(complaints) if complaints else f"sizes: {count} files within limits")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
