"""Hatchling's hook: with NETARIUM_COMPILE=1 in the environment a wheel gets the compiled core; without it nothing
happens and the wheel is pure. An editable install stays pure always: nothing is compiled in the sources' own folder.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


def is_asked_for() -> bool:
    """Whether the environment asks for it."""
    return os.environ.get("NETARIUM_COMPILE", "") not in ("", "0")


class CompiledCore(BuildHookInterface[Any]):
    """See the module's docstring."""

    def dependencies(self) -> list[str]:
        """What `pip install` brings for the build alone."""
        return ["mypy>=2.4,<3", "setuptools>=65.5"] if is_asked_for() else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile in a scratch folder and put the extension modules beside the sources in the wheel."""
        if not is_asked_for() or version == "editable":
            return
        sys.path.insert(0, self.root)
        from scripts.compiled.building import build, extension_modules

        self._scratch = tempfile.TemporaryDirectory()
        folder = Path(self._scratch.name, "compiled")
        build(Path(self.root), folder)
        for path in extension_modules(folder):
            build_data["force_include"][str(folder / path)] = path.as_posix()
        build_data["pure_python"] = False
        build_data["infer_tag"] = True

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Clear up."""
        if hasattr(self, "_scratch"):
            self._scratch.cleanup()
