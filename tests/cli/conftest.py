"""Running `netarium` as users do: as a process of its own."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


class Ran:
    """What one `netarium` left: exit code, and both outputs as text."""

    def __init__(self, done):
        self.code = done.returncode
        self.stdout = done.stdout
        self.stderr = done.stderr

    def lines(self):
        """The programs' lines: name -> lines, from `name | text`."""
        found = {}
        for line in self.stdout.splitlines():
            name, bar, text = line.partition(" | ")
            assert bar, f"no `name | text`: {line!r}"
            found.setdefault(name, []).append(text)
        return found


@pytest.fixture
def netarium(tmp_path):
    """`netarium("run", "server.py", cwd=...)`: run it and give what it left."""

    def run(*words, cwd=tmp_path, stdin="", timeout=60, env=None):
        return Ran(
            subprocess.run(
                [sys.executable, "-m", "netarium.cli.main", *map(str, words)],
                cwd=cwd,
                input=stdin,
                capture_output=True,
                text=True,
                timeout=timeout,
                env=env,
            )
        )

    return run


@pytest.fixture
def script(tmp_path):
    """`script("server.py", text)`: a script in the test's folder."""

    def write(name, text):
        import textwrap

        path = tmp_path / name
        path.write_text(textwrap.dedent(text))
        return path

    return write
