"""What can be run: a command line, a path, `python -m module`, a tool's name, a callable, a coroutine function.

`load(what, directory)` makes a `Program` of it; `Process` runs it. A script runs as `__main__`, with its folder as
`sys.path[0]`; a callable runs in the module it was written in, and what it returns is the process' `result`.
"""

from __future__ import annotations

import builtins
import inspect
import os
import shlex
import sys
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import TYPE_CHECKING, Any
from zipfile import ZipFile, is_zipfile
from zipimport import zipimporter

from netarium.errors import UsageError
from netarium.programs import registry
from netarium.programs.program import Program

if TYPE_CHECKING:
    from netarium.programs.process import Process


def load(what: Any, directory: Path | str = ".", arguments: Sequence[Any] = ()) -> Program:
    """A program from a command line, a list of words, a path, or a callable with its `arguments`.

    Raises UsageError when it cannot be found; the message says what was looked for, and where.
    """
    base = Path(directory)
    if callable(what) and not isinstance(what, Program):
        return from_callable(what, arguments)
    if isinstance(what, Program):
        return what
    if isinstance(what, Path):
        words = [str(what)]
    elif isinstance(what, str):
        words = _split(what)
    else:
        words = _words(what)
    return from_words(words + [str(word) for word in arguments], base)


def _words(what: Any) -> list[str]:
    right = "right would be a command line such as 'server.py 8000', a list of its words, or a function"
    if inspect.iscoroutine(what):
        name = getattr(what, "__qualname__", "main")
        what.close()
        raise UsageError(f"a coroutine object is no program: give the function itself, {name} without ()")
    if not isinstance(what, Sequence) or isinstance(what, bytes | bytearray):
        raise UsageError(f"{what!r} is no program; {right}")
    if not what:
        raise UsageError(f"an empty list is no program; {right}")
    wrong = [word for word in what if not isinstance(word, str | int | float | os.PathLike)]
    if wrong:
        raise UsageError(f"{wrong[0]!r} in {list(what)} is no word of a command line; {right}")
    return [str(word) for word in what]


def _split(line: str) -> list[str]:
    try:
        words = shlex.split(line)
    except ValueError as error:
        raise UsageError(f"the command line {line!r} cannot be split into words: {error}") from None
    if not words:
        raise UsageError(
            "an empty command line; right would be such as 'server.py 8000' or 'ping -c 3 server'"
        )
    return words


def from_words(words: Sequence[str], directory: Path) -> Program:
    """`python x.py ...`, `python -m module ...`, `x.py ...` or `tool ...`."""
    first = words[0]
    if os.path.basename(first) in _interpreters():
        return _from_python(list(words[1:]), directory)
    if first.endswith(".py") or "/" in first:
        return from_script(first, words[1:], directory)
    tool = registry.find(first)
    if tool is not None:
        return tool.program(list(words))
    if (directory / first).is_file():
        return from_script(first, words[1:], directory)
    known = ", ".join(registry.names())
    raise UsageError(
        f"{first!r} is no program: there is no file {directory / first} and no tool of that name; "
        f"tools are {known}; right would be a script such as server.py, 'python -m module', or a tool"
    )


def _interpreters() -> tuple[str, ...]:
    version = sys.version_info
    return ("python", "python3", f"python{version[0]}.{version[1]}", os.path.basename(sys.executable))


def _from_python(words: list[str], directory: Path) -> Program:
    while words and words[0] in ("-u", "-B", "-s", "-E", "-I", "-O", "-OO"):
        words = words[1:]
    if not words:
        raise UsageError("python without a script; right would be 'python server.py' or 'python -m module'")
    if words[0] == "-m":
        if len(words) < 2:
            raise UsageError(
                "python -m without a module; right would be such as 'python -m http.server 8000'"
            )
        return from_module(words[1], words[2:], directory)
    if words[0] == "-c":
        if len(words) < 2:
            raise UsageError("python -c without code")
        return _from_text(words[1], words[2:], directory)
    if words[0].startswith("-"):
        raise UsageError(
            f"python's option {words[0]} has no meaning inside the net; right would be 'python server.py'"
        )
    return from_script(words[0], words[1:], directory)


def from_script(path: str | Path, arguments: Sequence[str], directory: Path) -> Program:
    """A Python file, a folder with a `__main__.py`, or a zipapp; relative to `directory`.

    As CPython has it `__file__` is absolute, and `sys.argv[0]` what was given.
    """
    file = Path(os.path.abspath(directory / path))
    if file.is_dir() and (file / "__main__.py").is_file():
        program = from_script(file / "__main__.py", arguments, directory)
        program.argv[0] = str(path)
        return program
    if not file.is_file():
        raise UsageError(f"there is no script {file}")
    if file.suffix != ".py" and is_zipfile(file):
        return _from_archive(file, [str(path), *arguments])

    def main(process: Process) -> None:
        with open(file, "rb") as stream:
            source = stream.read()
        run_as_main(compile(source, str(file), "exec", dont_inherit=True), str(file))

    return Program(file.stem, [str(path), *arguments], main, file, file.parent)


def _from_archive(file: Path, argv: list[str]) -> Program:
    """A zipapp: its `__main__` is run, the archive is sys.path[0]."""
    with ZipFile(file) as archive:
        if "__main__.py" not in archive.namelist():
            raise UsageError(
                f"there is no __main__.py in the archive {file}; python -m zipapp makes such archives"
            )

    def main(process: Process) -> None:
        importer = zipimporter(str(file))
        spec = importer.find_spec("__main__")
        assert spec is not None
        run_as_main(importer.get_code("__main__"), spec.origin, spec)

    return Program(file.stem, argv, main, file, file)


def _from_text(text: str, arguments: Sequence[str], directory: Path) -> Program:
    def main(process: Process) -> None:
        run_as_main(compile(text, "<string>", "exec", dont_inherit=True), None)

    return Program("python", ["-c", *arguments], main, None, Path(os.path.abspath(directory)))


def from_module(name: str, arguments: Sequence[str], directory: Path) -> Program:
    """`python -m name`; the working directory is sys.path[0], as the interpreter does."""
    folder = Path(os.path.abspath(directory))

    def main(process: Process) -> None:
        import runpy
        import warnings

        sys.argv[0] = name
        details: Callable[[str], tuple[str, ModuleSpec, CodeType]] = runpy._get_module_details  # type: ignore[attr-defined]
        try:
            try:
                with warnings.catch_warnings():
                    # A fresh interpreter would not have the module yet; the one that runs the net may.
                    warnings.simplefilter("ignore", RuntimeWarning)
                    _, spec, code = details(name)
            except AttributeError:
                spec, code = _without_hooks(name)
        except ImportError as error:
            print(f"{sys.executable}: {error}", file=sys.stderr)
            raise SystemExit(1) from None
        sys.argv[0] = spec.origin or name
        run_as_main(code, spec.origin, spec)

    return Program(name.rpartition(".")[2], [name, *arguments], main, None, folder)


def _without_hooks(name: str) -> tuple[ModuleSpec, CodeType]:
    """A module as a fresh interpreter finds it: an import hook such as pytest's (for assertions) has no `get_code`."""
    from importlib import import_module
    from importlib.machinery import PathFinder

    parent = name.rpartition(".")[0]
    spec = PathFinder.find_spec(name, list(import_module(parent).__path__) if parent else None)
    if spec is not None and spec.submodule_search_locations is not None:
        return _without_hooks(f"{name}.__main__")
    loader = None if spec is None else spec.loader
    code = loader.get_code(name) if isinstance(loader, SourceFileLoader) else None
    if spec is None or code is None:
        raise ImportError(f"No module named {name}")
    return spec, code


def run_as_main(code: CodeType, file: str | None, spec: ModuleSpec | None = None) -> None:
    """Run code in a fresh `__main__` of the current process."""
    module = ModuleType("__main__")
    module.__dict__.update(__builtins__=builtins, __spec__=spec, __cached__=None)
    if file is not None:
        module.__file__ = file
        module.__loader__ = SourceFileLoader("__main__", file)
    if spec is not None:
        module.__package__ = spec.parent
        module.__loader__ = spec.loader
    sys.modules["__main__"] = module
    exec(code, module.__dict__)


def from_callable(function: Callable[..., Any], arguments: Sequence[Any] = ()) -> Program:
    """A function or coroutine function of the test; it is called with `arguments` inside the net."""
    name = getattr(function, "__name__", type(function).__name__)

    def main(process: Process) -> Any:
        result = function(*arguments)
        if inspect.iscoroutine(result):
            import asyncio

            return asyncio.run(result)
        return result

    return Program(name, [name], main)


__all__ = ["Program", "from_callable", "from_module", "from_script", "from_words", "load"]
