"""The files a run leaves: --pcap, --trace and --plot.

They are opened before anything runs; what cannot be written is exit 2.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from netarium.errors import NetariumError, UsageError

if TYPE_CHECKING:
    from netarium.capture.windows import Windows
    from netarium.cli.arguments import RunArguments
    from netarium.lab.net import Net


class Outputs:
    """The capture and the trace of one run. Raises UsageError, and leaves neither, when one cannot be written."""

    def __init__(self, net: Net, arguments: RunArguments) -> None:
        self.net = net
        made: list[Path] = []
        try:
            capture = None
            if arguments.pcap is not None:
                made += _new(arguments.pcap)
                capture = net.watching.capture(arguments.pcap, arguments.pcap_on)
            if arguments.trace is not None:
                made += _new(arguments.trace)
                net.watching.trace_to(arguments.trace, capture)
            self.windows = self._watch_windows(arguments.plot)
        except NetariumError:
            for path in made:
                path.unlink(missing_ok=True)
            raise

    def _watch_windows(self, folder: str | None) -> Windows | None:
        if folder is None:
            return None
        from netarium.capture.windows import Windows, matplotlib_or_usage_error

        matplotlib_or_usage_error()
        try:
            Path(folder).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"--plot {folder}: cannot make that folder: {error.strerror}") from None
        windows = Windows()
        self.net.watch.add(windows)
        self.plot_folder = folder
        return windows

    def close(self) -> None:
        """Finish the files, draw the plots. Raises CaptureError when one is not whole."""
        self.net.watching.close()
        if self.windows is not None:
            windows, self.windows = self.windows, None
            windows.draw(self.plot_folder)


def _new(path: str) -> list[Path]:
    """The path, if there is nothing yet: then it is ours to remove."""
    return [] if Path(path).exists() else [Path(path)]
