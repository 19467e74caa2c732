"""The files a run leaves: --pcap and --trace.

They are opened before anything runs; what cannot be written is exit 2.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from netarium.errors import NetariumError

if TYPE_CHECKING:
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
        except NetariumError:
            for path in made:
                path.unlink(missing_ok=True)
            raise

    def close(self) -> None:
        """Finish the files. Raises CaptureError when one is not whole."""
        self.net.watching.close()


def _new(path: str) -> list[Path]:
    """The path, if there is nothing yet: then it is ours to remove."""
    return [] if Path(path).exists() else [Path(path)]
