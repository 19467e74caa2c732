"""Building: the package is copied into a folder and compiled there, so that no extension module ever lies in `src`.

Beside each extension module stays its `.py` file: Python prefers the extension, and a traceback still finds its lines.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

from scripts.compiled.modules import compiled_modules

ROOT: Final = Path(__file__).resolve().parents[2]
FOLDER: Final = ROOT / "build" / "compiled"
"""Put it on PYTHONPATH to run the compiled build; delete it (`make pure`) to be rid of it."""
OPTIMISATION: Final = "1"
"""gcc's -O. Measured: docs/performance.md."""
CORE: Final = "netarium_core"
_STAMP: Final = "sources.blake2b"


def build(root: Path = ROOT, folder: Path = FOLDER, optimisation: str = OPTIMISATION) -> bool:
    """Compile the package under `root` into `folder`. False when what is there is of the same sources already.

    Raises SystemExit, after mypy's messages, for what mypyc does not take.
    """
    package = root / "src" / "netarium"
    stamp = _stamp(package, optimisation)
    if (folder / _STAMP).is_file() and (folder / _STAMP).read_text() == stamp:
        return False
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(package, folder / "netarium", ignore=shutil.ignore_patterns("__pycache__", "*.so"))
    # As in a wheel: the labs that `netarium demo` runs.
    shutil.copytree(root / "examples" / "labs", folder / "netarium" / "examples" / "labs")
    with contextlib.chdir(folder):
        _compile(optimisation)
    (folder / _STAMP).write_text(stamp)
    return True


def extension_modules(folder: Path = FOLDER) -> list[Path]:
    """The extension modules of a build, relative to its folder."""
    found = [*folder.glob("*.so"), *(folder / "netarium").rglob("*.so")]
    return sorted(path.relative_to(folder) for path in found)


def _compile(optimisation: str) -> None:
    from mypyc.build import mypycify
    from setuptools import setup

    sources = [path.as_posix() for path in compiled_modules(Path("netarium"))]
    # mypyc wants relative paths, and a configuration that does not look at `src` (the types are checked elsewhere).
    extensions: list[Any] = mypycify(
        ["--config-file=", "--ignore-missing-imports", "--follow-imports=silent", *sources],
        opt_level=optimisation,
        debug_level="0",
        multi_file=True,
        group_name=CORE,
        target_dir="c",
    )
    words = ["--quiet", "build_ext", "--inplace", "--build-lib=lib", "--build-temp=temp"]
    commands = {"build_ext": _on_all_cores()}
    setup(name=CORE, packages=[], py_modules=[], ext_modules=extensions, script_args=words, cmdclass=commands)
    for scratch in ("c", "lib", "temp", ".mypy_cache", "build"):
        shutil.rmtree(scratch, ignore_errors=True)


def _on_all_cores() -> type[Any]:
    """setuptools' command, but for compiling the files of one module side by side."""
    from setuptools.command.build_ext import build_ext

    class Parallel(build_ext):
        def build_extensions(self) -> None:
            compiler = self.compiler
            compile_all, compile_one = compiler.compile, compiler._compile

            def compile_side_by_side(*arguments: Any, **options: Any) -> Any:
                with ThreadPoolExecutor(os.cpu_count()) as pool:
                    jobs: list[Future[Any]] = []
                    compiler._compile = lambda *each: jobs.append(pool.submit(compile_one, *each))
                    objects = compile_all(*arguments, **options)
                    for job in jobs:
                        job.result()
                return objects

            compiler.compile = compile_side_by_side
            super().build_extensions()

    return Parallel


def _stamp(package: Path, optimisation: str) -> str:
    """All sources, because what mypyc makes of a module depends on the types of those it imports."""
    told = hashlib.blake2b(f"{sys.version} -O{optimisation}".encode(), digest_size=16)
    for path in sorted([*package.rglob("*"), *Path(__file__).parent.glob("*.py")]):
        if path.is_file() and "__pycache__" not in path.parts:
            told.update(path.as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return told.hexdigest()
