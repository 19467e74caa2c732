"""sysctl: read and set the host's settings, with the output of procps' sysctl.

    sysctl [-n] [-e] [-q] [-w] NAME[=VALUE]...
    sysctl -a [-n] [--json]
    sysctl -p FILE

`/` may stand for `.` in names. Exit code 0, 2 for bad usage, or 1 when a name is unknown, a value impossible or the
host refuses.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from netarium import control
from netarium.control import Control
from netarium.errors import UsageError


def read_arguments(arguments: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="sysctl", description="Read and set the host's settings.")
    parser.add_argument("-a", "--all", action="store_true", help="every setting")
    parser.add_argument("-n", "--values", action="store_true", help="values without names")
    parser.add_argument("-e", "--ignore", action="store_true", help="no error for unknown names")
    parser.add_argument("-q", "--quiet", action="store_true", help="do not print what is set")
    parser.add_argument("-w", "--write", action="store_true", help="only NAME=VALUE is allowed")
    parser.add_argument(
        "-p", "--load", default="", metavar="FILE", help="set what the file says, a line each"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object instead of text")
    parser.add_argument("names", nargs="*", metavar="NAME[=VALUE]")
    chosen = parser.parse_args(arguments)
    if not (chosen.all or chosen.load or chosen.names):
        parser.error("no variables specified; -a shows all")
    for each in chosen.names if chosen.write else ():
        if "=" not in each:
            parser.error(f'"{each}" must be of the form name=value')
    return chosen


def text_of(value: object) -> str:
    """A value as /proc/sys has it: numbers of a row are parted by tabs."""
    return "\t".join(map(str, value)) if isinstance(value, tuple) else str(value)


class Run:
    """One run of sysctl: what it has read, and whether all went well."""

    def __init__(self, door: Control, chosen: argparse.Namespace) -> None:
        self.door = door
        self.chosen = chosen
        self.found: dict[str, object] = {}
        self.code = 0

    def complain(self, text: str) -> None:
        """An error: a line on stderr and exit code 1."""
        print(f"sysctl: {text}", file=sys.stderr)
        self.code = 1

    def read(self, name: str) -> bool:
        """Remember the value of `name`; False when there is none of that name."""
        dotted = name.replace("/", ".")
        try:
            self.found[dotted] = self.door.setting(dotted)
        except UsageError as error:
            if not self.chosen.ignore:
                path = dotted.replace(".", "/")
                hint = str(error).partition("; ")[2]
                self.complain(f"cannot stat /proc/sys/{path}: No such file or directory ({hint})")
            return False
        return True

    def write(self, name: str, value: str) -> None:
        """Set it, and remember what it is now."""
        if not self.read(name):
            return
        dotted = name.replace("/", ".")
        try:
            failure = self.door.set_setting(dotted, value)
        except UsageError as error:
            self.complain(f'setting key "{dotted}": Invalid argument ({error})')
            del self.found[dotted]
            return
        if failure is not None:
            self.complain(f'permission denied on key "{dotted}"')
            del self.found[dotted]
        elif self.chosen.quiet:
            del self.found[dotted]
        else:
            self.found[dotted] = self.door.setting(dotted)

    def load(self, path: str) -> None:
        """`NAME = VALUE` lines of a file; # and ; begin comments."""
        try:
            lines = Path(path).read_text(encoding="utf-8").splitlines()
        except OSError as error:
            self.complain(f'cannot open "{path}": {error.strerror}')
            return
        for line in map(str.strip, lines):
            if line and line[0] not in "#;":
                name, _, value = line.partition("=")
                self.write(name.strip().removeprefix("-"), value.strip())

    def show(self) -> None:
        """Print what was read."""
        if self.chosen.json:
            print(json.dumps(self.found))
            return
        for name, value in self.found.items():
            print(text_of(value) if self.chosen.values else f"{name} = {text_of(value)}")


def main(arguments: list[str]) -> int:
    """Run sysctl; the exit code."""
    chosen = read_arguments(arguments)
    run = Run(control.here(), chosen)
    if chosen.all:
        run.found.update(sorted(run.door.settings()))
    elif chosen.load:
        run.load(chosen.load)
    for each in chosen.names:
        name, equals, value = each.partition("=")
        if equals:
            run.write(name.strip(), value.strip())
        else:
            run.read(name)
    run.show()
    return run.code
