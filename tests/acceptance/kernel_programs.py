"""Programs run as real processes on the kernel's loopback, for the rows that hold there too."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


class Running(subprocess.Popen[str]):
    """A process that is killed, and whose pipes are closed, at the end of its `with`."""

    def __exit__(self, *error: object) -> None:
        if self.poll() is None:
            self.kill()
        self.wait()
        for stream in (self.stdin, self.stdout, self.stderr):
            if stream is not None and not stream.closed:
                try:
                    stream.close()
                except OSError:
                    pass


def launch(folder: Path, *arguments: object) -> Running:
    """`python ARGS` for a path, `python -m ARGS` for a module, in `folder`; text pipes; stderr goes to stdout."""
    words = [str(argument) for argument in arguments]
    command = [sys.executable, *words] if words[0].endswith(".py") else [sys.executable, "-m", *words]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1", "XDG_STATE_HOME": str(folder / "state")}
    pipe = subprocess.PIPE
    return Running(
        command, stdin=pipe, stdout=pipe, stderr=subprocess.STDOUT, text=True, cwd=folder, env=environment
    )


def expect_line(process: subprocess.Popen[str], words: str) -> str:
    """The next line with these words in it."""
    seen = []
    for line in process.stdout:
        if words in line:
            return line
        seen.append(line)
    raise AssertionError(f"{process.args} ended without {words!r}; it said {seen}")
