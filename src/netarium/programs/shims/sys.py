"""The standard streams: proxies that look at the current greenlet, in `sys` while the net runs.

Inside a task they are the process' own streams, anywhere else (a real thread of the test) what was in `sys` before.
"""

from __future__ import annotations

import sys as real
from collections.abc import Iterator
from typing import Any

from netarium.programs.streams import current_task

proxies: dict[str, Any] = {}


class StreamProxy:
    """sys.stdin, sys.stdout or sys.stderr, whoever looks."""

    def __init__(self, name: str) -> None:
        self.__dict__["_name"] = name
        self.__dict__["_outside"] = None

    def _target(self) -> Any:
        task = current_task()
        if task is None:
            return self.__dict__["_outside"]
        return getattr(task.process, self.__dict__["_name"] + "_file")

    def write(self, text: str) -> Any:
        return self._target().write(text)

    def flush(self) -> None:
        self._target().flush()

    def readline(self, *size: int) -> Any:
        return self._target().readline(*size)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._target(), name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._target(), name, value)

    def __iter__(self) -> Iterator[str]:
        return iter(self._target())

    def __next__(self) -> str:
        return next(self._target())  # type: ignore[no-any-return]

    def __enter__(self) -> Any:
        return self._target().__enter__()

    def __exit__(self, *details: Any) -> Any:
        return self._target().__exit__(*details)

    def __repr__(self) -> str:
        return repr(self._target())


def begin() -> None:
    """Before driving: the proxies stand for what is in `sys` now, outside."""
    for name in ("stdin", "stdout", "stderr"):
        proxy = proxies.get(name)
        if proxy is None:
            proxy = proxies[name] = StreamProxy(name)
        current = getattr(real, name)
        if current is not proxy:
            proxy.__dict__["_outside"] = current
