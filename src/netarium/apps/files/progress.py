"""The progress bar: rate and time left, on stderr, when a person looks; else nothing."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import TYPE_CHECKING

from netarium.apps.text import neutralise

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


class Bar:
    """A bar for the whole command: `total` bytes, `moved` as they go."""

    def __init__(self, total: int, wanted: bool) -> None:
        self._total = total
        self._progress: Progress | None = None
        self._task: TaskID
        if wanted and sys.stderr.isatty():
            self._open()

    def _open(self) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            DownloadColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
            TransferSpeedColumn,
        )

        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
        )
        self._task = self._progress.add_task("", total=self._total)

    def __enter__(self) -> Bar:
        if self._progress is not None:
            self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._progress is not None:
            self._progress.stop()

    def file(self, name: str) -> None:
        """The next file begins."""
        if self._progress is not None:
            self._progress.update(self._task, description=neutralise(name)[-40:])

    def moved(self, count: int) -> None:
        """So many bytes more."""
        if self._progress is not None:
            self._progress.advance(self._task, count)
